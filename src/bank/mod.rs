//! The built-in bank: answers requests from a loan book, for banks without a back-end of their own,
//! for trying innfri out and for its tests.
//!
//! The way of a request: [`handler`] takes it from the dispatcher, [`respond`] works out the answer
//! through [`statement`] and [`interest`] from the [`book`], and the handler hands the answer in as
//! any other bank would. It gets no favours: the answer is checked and guarded like everybody's.
//! All but the reading of the file is pure.

pub mod book;
pub mod handler;
pub mod interest;
pub mod property;
pub mod read;
pub mod respond;
pub mod statement;
mod text;

pub use book::LoanBook;
pub use handler::LoanBookHandler;
pub use read::BookError;
pub use respond::{BuiltInBank, Reply};

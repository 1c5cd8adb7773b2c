//! The contract: which messages there are, what they must look like, and everything that is wrong
//! with one that does not.
//!
//! [`check`] is the one way from bytes to a typed message. It gives all findings at once, not only
//! the first, and never fails: bad input is data.

pub mod catalogue;
pub mod check;
mod found;
pub mod message;
mod read;
pub mod schema;
mod wording;

pub use catalogue::{Direction, MessageType, UnknownMessageType};
pub use check::{CheckContext, Checked, Contract, Hints, read_message, read_request};
pub use message::{Answer, Body, Message, Request};
pub use schema::ContractError;

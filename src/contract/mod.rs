//! The contract: which messages there are, what they must look like, and everything that is wrong
//! with one that does not.
//!
//! [`check`] is the one way from bytes to a typed message. It gives all findings at once, not only
//! the first, and never fails: bad input is data.

pub mod catalogue;
pub mod check;
pub mod message;
pub mod schema;

pub use catalogue::{Direction, MessageType, UnknownMessageType};
pub use check::{CheckContext, Checked, Contract};
pub use message::{Answer, Body, Message, Request};

//! The contract: which messages there are, what they must look like, and everything that is wrong
//! with one that does not.
//!
//! [`check`] is the one way from bytes to a typed message. It gives all findings at once, not only
//! the first, and never fails: bad input is data.
//!
//! What is published of it is made here too, from the same catalogue: [`asyncapi`], [`openapi`] and
//! [`docs`].

pub mod amqp_names;
pub mod asyncapi;
pub mod catalogue;
pub mod check;
pub mod docs;
pub mod example;
mod found;
pub mod message;
pub mod openapi;
pub mod ordered;
mod parts;
mod read;
pub mod routes;
pub mod schema;
mod wording;

pub use asyncapi::asyncapi;
pub use catalogue::{Direction, MessageType, UnknownMessageType};
pub use check::{CheckContext, Checked, Contract, Hints, read_message, read_request};
pub use docs::messages;
pub use found::Found;
pub use message::{Answer, Body, Message, Request};
pub use openapi::openapi;
pub use routes::{EVERYWHERE, PROBLEMS, ROUTES};
pub use schema::ContractError;
pub use wording::is_presentable;

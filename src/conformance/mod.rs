//! Conformance: does a partner's system do what the promises need of it? The tool plays the other side,
//! and stands on the line between the system and RabbitMQ, where it watches and cuts.
//!
//! What is seen ([`seen`], made by [`conversation`]) and what is made of it ([`judge`]) are pure;
//! [`line`] and [`counterpart`] do the talking, [`bank`] and [`agent`] say in which order. Only the wire
//! is looked at, not innfri's journal: so a partner can run it who reaches no more than RabbitMQ.

pub mod agent;
pub mod bank;
pub mod conversation;
pub mod counterpart;
pub mod judge;
pub mod line;
pub mod list;
pub mod paper;
pub mod report;
pub mod seen;

pub use counterpart::{Counterpart, Stage};
pub use line::Line;
pub use report::{Grade, Judgement, Row};

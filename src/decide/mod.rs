//! Deciding: what a message leads to. Pure: no I/O, no clock, no randomness, no logging.
//!
//! Two steps, because what must be looked up depends on what the message says: [`read`] turns an
//! arrival into a [`Reading`] and names the [`Key`] to look up; [`decide`] turns reading and findings
//! into a [`Decision`]. The same reading and the same journal always give the same decision, so one
//! that is made again after a crash, or after a conflict, is the same.

pub mod answer;
mod beyond;
pub mod broker_death;
pub mod decision;
pub mod guard;
pub mod overdue;
pub mod reading;
pub mod rejection;
pub mod request;
pub mod route;
pub mod undelivered;

use jiff::Timestamp;

use crate::contract::{CheckContext, Contract};
use crate::directory::Directory;

pub use decision::{CaseChange, Decision, Disposition, Found, InboxEntry, Key};
pub use reading::{Reading, read};

/// What deciding knows of the world.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Who takes part.
    pub directory: &'a Directory,
    /// What messages look like.
    pub contract: &'a Contract,
    /// How strictly, and on which day, messages are checked.
    pub check: CheckContext,
    /// Now.
    pub now: Timestamp,
}

/// What a message leads to, given what the journal knows.
pub fn decide(reading: &Reading, found: &Found, context: &Context<'_>) -> Decision {
    match reading {
        Reading::Nobody(letter) => rejection::dead(letter),
        Reading::Spoofed(spoofed) => rejection::spoofed(spoofed),
        Reading::Request(arrival) => request::decide(arrival, found, context),
        Reading::Answer(arrival) => answer::decide(arrival, found, context),
    }
}

#[cfg(test)]
mod tests;

//! The guards: what a formally right answer may still not do.

pub mod payment;
pub mod privacy;

use crate::case::Event;
use crate::kernel::Finding;

/// A guard's no: findings for the bank, and an alert for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// One per place, 1 or more.
    pub findings: Vec<Finding>,
    /// What is recorded on the case.
    pub alert: Event,
}

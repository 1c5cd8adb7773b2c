//! Days and environments: what a rule needs to know of the world around a message.

use jiff::civil::Date;
use serde::Deserialize;

/// Where an installation runs; it decides how strict check digits are taken.
///
/// Published examples and test environments use numbers whose check digits are wrong, and synthetic
/// persons: in `test` both are warnings, in `production` errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Real cases: wrong check digits and synthetic persons are errors.
    Production,
    /// Trying things out: they are warnings.
    Test,
}

/// How far from today an asked payoff date may lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaymentWindow {
    /// Today in Norway.
    pub today: Date,
    /// Days back that are still taken, since a message may have waited. 0 or more.
    pub grace_days: u16,
    /// Days ahead that are taken. 1 or more.
    pub ahead_days: u16,
}

impl PaymentWindow {
    /// The first date that is taken.
    pub fn first(&self) -> Date {
        self.today.saturating_sub(jiff::Span::new().days(i64::from(self.grace_days)))
    }

    /// The last date that is taken.
    pub fn last(&self) -> Date {
        self.today.saturating_add(jiff::Span::new().days(i64::from(self.ahead_days)))
    }
}

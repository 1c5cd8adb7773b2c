//! The audit: what shows that the journal was neither changed nor shortened.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::civil::Date;

use super::JournalError;
use crate::kernel::CaseId;

pub use crate::case::day::DayHead;

/// Seals days, and compares what the journal holds with its own chains.
#[async_trait]
pub trait Audit: Send + Sync {
    /// Seals every day that was over an hour before `now`, oldest first, and gives those that were not
    /// sealed before. Processes may do so at the same time; each day is sealed once.
    ///
    /// # Errors
    /// When the journal is away, or holds an event that cannot be read; what was sealed stays.
    async fn seal_days(&self, now: Timestamp) -> Result<Vec<DayHead>, JournalError>;

    /// All sealed days, oldest first.
    ///
    /// # Errors
    /// When the journal is away, or a head cannot be read.
    async fn day_heads(&self) -> Result<Vec<DayHead>, JournalError>;

    /// Walks every case and every sealed day, in bounded memory, while others go on writing. `copies`
    /// are heads kept elsewhere, which must be there unchanged.
    ///
    /// # Errors
    /// When the journal is away. What cannot be read is a [`Break`].
    async fn verify(&self, copies: &[DayHead]) -> Result<Verification, JournalError>;
}

/// What a walk found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verification {
    /// Cases that hold.
    pub cases: u64,
    /// Events of those cases.
    pub events: u64,
    /// Sealed days that hold.
    pub days: u64,
    /// The first place that does not hold: cases by id first, then days, then copies.
    pub first_break: Option<Break>,
}

/// A place that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// The case.
    pub case: Option<CaseId>,
    /// The event's number in its case.
    pub event: Option<u32>,
    /// The day.
    pub day: Option<Date>,
    /// What is wrong there.
    pub flaw: Flaw,
}

/// What can be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    /// The event is not what its hash says, or does not stand behind the one before it.
    EventChanged,
    /// The event is gone.
    EventMissing,
    /// The event is one more than the case counts.
    EventAdded,
    /// The event cannot follow from where the case stood.
    EventImpossible,
    /// The event belongs to a case that is not there.
    CaseMissing,
    /// A column of the case says something else than its events.
    CaseDiffers(&'static str),
    /// A column cannot be read; table, row and column.
    Unreadable(String),
    /// The day's events are not those that were sealed.
    DayChanged {
        /// Events when the day was sealed.
        sealed: u64,
        /// Events now.
        found: u64,
    },
    /// The day has events and no head, though a later day has one.
    DayNotSealed,
    /// The day stands in the copy, and is not sealed here.
    DayMissing,
    /// The day's head is not the one in the copy.
    DayDiffers,
}

impl Flaw {
    /// A code of low variety, for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::EventChanged => "event_changed",
            Self::EventMissing => "event_missing",
            Self::EventAdded => "event_added",
            Self::EventImpossible => "event_impossible",
            Self::CaseMissing => "case_missing",
            Self::CaseDiffers(_) => "case_differs",
            Self::Unreadable(_) => "unreadable",
            Self::DayChanged { .. } => "day_changed",
            Self::DayNotSealed => "day_not_sealed",
            Self::DayMissing => "day_missing",
            Self::DayDiffers => "day_differs",
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EventChanged => f.write_str("the event, or its place in the chain, was changed"),
            Self::EventMissing => f.write_str("the event is missing"),
            Self::EventAdded => f.write_str("the event is one more than the case counts"),
            Self::EventImpossible => {
                f.write_str("the event cannot follow from where the case stood")
            }
            Self::CaseMissing => f.write_str("the event belongs to a case that is missing"),
            Self::CaseDiffers(column) => {
                write!(f, "column {column} of the case differs from what its events say")
            }
            Self::Unreadable(place) => write!(f, "cannot be read: {place}"),
            Self::DayChanged { sealed, found } => write!(
                f,
                "the day's events are not those that were sealed ({sealed} sealed, {found} found)"
            ),
            Self::DayNotSealed => {
                f.write_str("the day has events and no head, though a later day is sealed")
            }
            Self::DayMissing => f.write_str("the day stands in the copy and is not sealed here"),
            Self::DayDiffers => f.write_str("the day's head is not the one in the copy"),
        }
    }
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(case) = &self.case {
            write!(f, "case {case}, ")?;
        }
        if let Some(event) = self.event {
            write!(f, "event {event}, ")?;
        }
        if let Some(day) = self.day {
            write!(f, "day {day}, ")?;
        }
        self.flaw.fmt(f)
    }
}

//! A sealed day: one digest over all events of a UTC day and over the sealed day before it.
//!
//! The chain of a case shows that its events are whole, but not that a whole case is gone. The head of
//! a day does, and a copy of the heads kept elsewhere shows that a whole day is gone.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::kernel::{CaseId, Digest};

/// How long after midnight (UTC) a day is sealed: whatever was decided before midnight is committed
/// by then, also by a process whose clock is some minutes behind.
pub const SETTLES_WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// A sealed day. Written as `2026-11-19 1234 <64 hexadecimal digits>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayHead {
    /// Which day of UTC.
    pub day: Date,
    /// How many events were recorded on it; 1 or more, since a day without events is not sealed.
    pub events: u64,
    /// The digest over the sealed day before and all events of this one.
    pub head: Digest,
}

/// A day's digest while it is made, event by event in the order of time, case and number.
#[derive(Debug, Clone, Copy)]
pub struct DaySum {
    day: Date,
    events: u64,
    digest: Digest,
}

impl DaySum {
    /// Begins with the sealed day before this one; `None` for the first.
    pub fn after(previous: Option<&DayHead>, day: Date) -> Self {
        let before = previous.map_or(Digest::ZERO, |previous| previous.head);
        let digest = Digest::of(&[before.as_bytes(), day.to_string().as_bytes()]);
        Self { day, events: 0, digest }
    }

    /// Adds an event.
    pub fn add(&mut self, case: CaseId, number: u32, hash: &Digest) {
        self.events += 1;
        self.digest = Digest::of(&[
            self.digest.as_bytes(),
            case.as_uuid().as_bytes(),
            &number.to_be_bytes(),
            hash.as_bytes(),
        ]);
    }

    /// The day as it is sealed.
    pub const fn seal(self) -> DayHead {
        DayHead { day: self.day, events: self.events, head: self.digest }
    }
}

/// The day of UTC on which something happened.
pub fn day_of(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// When a day of UTC begins. A day beyond what a time can hold begins at the last time there is.
pub fn begin_of(day: Date) -> Timestamp {
    day.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |begin| begin.timestamp())
}

/// The first day that is not over, or not long enough, at a time: all days before it may be sealed.
pub fn first_unsettled(now: Timestamp) -> Date {
    day_of(now.saturating_sub(SETTLES_WITHIN).unwrap_or(now))
}

impl fmt::Display for DayHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.day, self.events, self.head)
    }
}

/// A line that is not a sealed day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a sealed day: write `<day> <count of events> <64 hexadecimal digits>`")]
pub struct NotADayHead;

impl FromStr for DayHead {
    type Err = NotADayHead;

    fn from_str(line: &str) -> Result<Self, NotADayHead> {
        let mut words = line.split_whitespace();
        let (Some(day), Some(events), Some(head), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(NotADayHead);
        };
        Ok(Self {
            day: day.parse().map_err(|_| NotADayHead)?,
            events: events.parse().map_err(|_| NotADayHead)?,
            head: digest(head).ok_or(NotADayHead)?,
        })
    }
}

fn digest(hexadecimal: &str) -> Option<Digest> {
    let digits: Vec<u8> = hexadecimal
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(high * 16 + low),
            _ => None,
        })
        .collect::<Option<_>>()?;
    Digest::from_slice(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(previous: Option<&DayHead>, numbers: &[u32]) -> DayHead {
        let mut sum = DaySum::after(previous, "2026-11-19".parse().unwrap());
        for number in numbers {
            sum.add(CaseId::from_uuid(uuid::Uuid::nil()), *number, &Digest::ZERO);
        }
        sum.seal()
    }

    #[test]
    fn a_head_depends_on_every_event_its_order_and_the_day_before() {
        let head = sealed(None, &[1, 2]);
        assert_eq!(head.events, 2);
        for other in [sealed(None, &[1]), sealed(None, &[2, 1]), sealed(Some(&head), &[1, 2])] {
            assert_ne!(head.head, other.head);
        }
    }

    #[test]
    fn a_head_is_read_back_from_its_line() {
        let head = sealed(None, &[1]);
        assert_eq!(head.to_string().parse(), Ok(head));
        for wrong in ["", "2026-11-19 1", "2026-11-19 1 ab", "x 1 00", &format!("{head} more")] {
            assert_eq!(wrong.parse::<DayHead>(), Err(NotADayHead), "{wrong}");
        }
    }

    #[test]
    fn a_day_settles_an_hour_after_midnight() {
        let settled = |at: &str| first_unsettled(at.parse().unwrap()).to_string();
        assert_eq!(settled("2026-11-20T00:59:59Z"), "2026-11-19");
        assert_eq!(settled("2026-11-20T01:00:00Z"), "2026-11-20");
        assert_eq!(begin_of("1970-01-02".parse().unwrap()).as_second(), 86_400);
    }
}

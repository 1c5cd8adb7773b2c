//! Rows of sealed days, and the places from which walks over the journal go on.

use jiff::Timestamp;
use uuid::Uuid;

use super::Origin;
use crate::case::day::{DayHead, begin_of, day_of};
use crate::journal::columns::columns;
use crate::journal::error::Fault;
use crate::kernel::{CaseId, Digest};

columns! {
    /// A sealed day.
    DayHeadRow of "day_heads" {
        begins_at: i64,
        events: i64,
        head: Vec<u8>,
    }
}

columns! {
    /// A stretch of time, to count or find events in: from `begins` to before `ends`.
    StretchRow of "given" {
        begins: i64,
        ends: i64,
    }
}

columns! {
    /// Where a walk over the cases goes on.
    CasePlaceRow of "given" {
        past_case: Uuid,
    }
}

columns! {
    /// Where a walk over the events of cases goes on, and the last case to take in.
    EventPlaceRow of "given" {
        past_case: Uuid,
        past_number: i64,
        last_case: Uuid,
    }
}

columns! {
    /// Where a walk over the events of a day goes on, and where it ends.
    DayPlaceRow of "given" {
        past_at: i64,
        past_case: Uuid,
        past_number: i64,
        ends: i64,
    }
}

columns! {
    /// What a day's digest takes in of an event.
    DayEventRow of "events" {
        at: i64,
        case_id: Uuid,
        number: i64,
        hash: Vec<u8>,
    }
}

impl DayHeadRow {
    /// The row of a day.
    pub(in crate::journal) fn of(head: &DayHead) -> Result<Self, Fault> {
        let origin = Origin { table: "day_heads", id: &head.day };
        Ok(Self {
            begins_at: begin_of(head.day).as_microsecond(),
            events: i64::try_from(head.events).map_err(|_| origin.fault("events"))?,
            head: head.head.as_bytes().to_vec(),
        })
    }

    /// The day.
    pub(in crate::journal) fn day_head(&self) -> Result<DayHead, Fault> {
        let origin = Origin { table: "day_heads", id: &self.begins_at };
        let begins_at: Timestamp = origin.time("begins_at", self.begins_at)?;
        Ok(DayHead {
            day: day_of(begins_at),
            events: u64::try_from(self.events).map_err(|_| origin.fault("events"))?,
            head: Digest::from_slice(&self.head).ok_or_else(|| origin.fault("head"))?,
        })
    }
}

impl DayEventRow {
    /// Case, number and hash.
    pub(in crate::journal) fn parts(&self) -> Result<(CaseId, u32, Digest), Fault> {
        let name = format!("{}/{}", self.case_id, self.number);
        let origin = Origin { table: "events", id: &name };
        let number = origin.number("number", self.number)?;
        let hash = Digest::from_slice(&self.hash).ok_or_else(|| origin.fault("hash"))?;
        Ok((CaseId::from_uuid(self.case_id), number, hash))
    }
}

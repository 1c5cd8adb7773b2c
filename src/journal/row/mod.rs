//! Rows and the values they stand for: the same for both stores.
//!
//! Times are microseconds of UTC, identifiers UUIDs, payloads sealed. A row that cannot be read back
//! is reported with its table and id, never passed over and never a panic.

mod case;
mod copy;
mod day;
mod dead_letter;
mod delivery;
mod letters;
mod token;

use std::fmt::Display;
use std::str::FromStr;

use jiff::Timestamp;
use uuid::Uuid;

use super::columns::columns;
use super::error::Fault;

pub(super) use case::{CaseQuery, CaseRow, ChangeRow, EventRow, InboxRow, KeyRow};
pub(super) use copy::{CopyMomentRow, CopyQuery, CopyRow};
pub(super) use day::{
    CasePlaceRow, DayEventRow, DayHeadRow, DayPlaceRow, EventPlaceRow, StretchRow,
};
pub(super) use dead_letter::{DeadLetterQuery, DeadLetterRow};
pub(super) use delivery::{ClaimRow, DeliveryRow, FailureRow, MomentRow, Requests};
pub(super) use letters::{
    ActionQuery, ActionRow, AgainRow, CountRow, HoldRow, LetterQuery, LetterRow, NoteRow,
    PlannedRow, RefusedRow, ReplayRow, RunRow, SettledRow, StateRow, TrafficRow, WaitingRow,
};
pub(super) use token::{RevocationRow, TokenQuery, TokenRow};

/// The request of a case, sealed.
#[derive(sqlx::FromRow)]
pub(super) struct RequestRow {
    pub(super) id: Uuid,
    pub(super) request: Vec<u8>,
}

columns! {
    /// An id to look for.
    IdRow of "given" {
        wanted: Uuid,
    }
}

/// Where a row is, to say so when it cannot be read.
#[derive(Clone, Copy)]
struct Origin<'a> {
    table: &'static str,
    id: &'a dyn Display,
}

impl Origin<'_> {
    fn fault(&self, column: &str) -> Fault {
        Fault::Unreadable(format!("{} {}: column {column}", self.table, self.id))
    }

    fn parse<T: FromStr>(&self, column: &str, text: &str) -> Result<T, Fault> {
        text.parse().map_err(|_| self.fault(column))
    }

    fn parse_optional<T: FromStr>(
        &self,
        column: &str,
        text: Option<&str>,
    ) -> Result<Option<T>, Fault> {
        text.map(|text| self.parse(column, text)).transpose()
    }

    fn time(&self, column: &str, microseconds: i64) -> Result<Timestamp, Fault> {
        Timestamp::from_microsecond(microseconds).map_err(|_| self.fault(column))
    }

    fn number(&self, column: &str, number: i64) -> Result<u32, Fault> {
        u32::try_from(number).map_err(|_| self.fault(column))
    }

    /// A word of a closed list, as serde spells it.
    fn word<T: serde::de::DeserializeOwned>(&self, column: &str, word: &str) -> Result<T, Fault> {
        let value = serde_json::Value::String(word.to_owned());
        serde_json::from_value(value).map_err(|_| self.fault(column))
    }

    fn json<T: serde::de::DeserializeOwned>(&self, column: &str, json: &str) -> Result<T, Fault> {
        serde_json::from_str(json).map_err(|_| self.fault(column))
    }
}

/// A text that both stores can hold: PostgreSQL has no place for U+0000, which a sender may well put
/// into a property. Were it refused, that message would come back for ever.
pub(super) fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// As [`storable`].
pub(super) fn storable_optional(text: Option<&str>) -> Option<String> {
    text.map(storable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_loses_only_what_no_store_can_hold() {
        assert_eq!(storable("a\0b ø"), "a\u{fffd}b ø");
    }
}

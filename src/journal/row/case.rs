//! Rows of cases, their events, and the messages that were here.

use uuid::Uuid;

use super::{Origin, storable};
use crate::case::{Case, CaseState, GivenBy, Outcome, OutcomeKind, RecordedEvent, StoredCase};
use crate::contract::{Body, MessageType};
use crate::journal::columns::columns;
use crate::journal::error::Fault;
use crate::journal::seal::{PayloadTable, Place, Seal};
use crate::kernel::{CaseId, DeliveryId, Digest, MessageId};
use crate::market::no::status::{Aarsak, Statuskode};
use crate::port::InboxEntry;

columns! {
    /// A case with its request.
    CaseRow of "cases" {
        id: Uuid,
        request_type: String,
        request_id: Option<Uuid>,
        forwarded_as: Uuid,
        asker: String,
        reply_to: String,
        bank: Option<String>,
        reference: String,
        opened_at: i64,
        /// 0 while the case is open; the columns of the outcome are then null.
        revision: i64,
        /// `answer` or `status`.
        outcome_kind: Option<String>,
        answer_type: Option<String>,
        statuskode: Option<String>,
        aarsak: Option<String>,
        outcome_by: Option<String>,
        outcome_at: Option<i64>,
        version: i64,
        head: Vec<u8>,
        /// Sealed. Left out when cases are listed.
        #[sqlx(default)]
        request: Vec<u8>,
    }
}

columns! {
    /// How a case changes: everything that can, and the version that it was decided on.
    ChangeRow of "cases" {
        case_id: Uuid,
        expected: i64,
        new_revision: i64,
        new_kind: Option<String>,
        new_answer_type: Option<String>,
        new_statuskode: Option<String>,
        new_aarsak: Option<String>,
        new_by: Option<String>,
        new_at: Option<i64>,
        new_version: i64,
        new_head: Vec<u8>,
    }
}

columns! {
    /// An event of a case.
    EventRow of "events" {
        case_id: Uuid,
        number: i64,
        at: i64,
        kind: String,
        json: String,
        hash: Vec<u8>,
    }
}

columns! {
    /// That a message was here.
    InboxRow of "inbox" {
        sender: String,
        message_id: Uuid,
        digest: Vec<u8>,
        case_id: Option<Uuid>,
        at: i64,
    }
}

columns! {
    /// A message to look for.
    KeyRow of "inbox" {
        sender: String,
        message_id: Uuid,
    }
}

columns! {
    /// Which cases to list.
    CaseQuery of "cases" {
        reference: Option<String>,
        organisation: Option<String>,
        request_type: Option<String>,
        since: Option<i64>,
        before: Option<i64>,
    }
}

/// The columns of an outcome.
#[derive(Default)]
struct OutcomeColumns {
    kind: Option<String>,
    answer_type: Option<String>,
    statuskode: Option<String>,
    aarsak: Option<String>,
    by: Option<String>,
    at: Option<i64>,
}

impl OutcomeColumns {
    fn of(state: &CaseState) -> Self {
        let Some(outcome) = state.outcome() else { return Self::default() };
        let by = match outcome.by {
            GivenBy::Bank => "bank",
            GivenBy::Innfri => "innfri",
        };
        let common = Self {
            by: Some(by.to_owned()),
            at: Some(outcome.at.as_microsecond()),
            ..Self::default()
        };
        match outcome.kind {
            OutcomeKind::Answer(answer) => Self {
                kind: Some("answer".to_owned()),
                answer_type: Some(answer.name().to_owned()),
                ..common
            },
            OutcomeKind::Status(statuskode, aarsak) => Self {
                kind: Some("status".to_owned()),
                statuskode: Some(statuskode.as_str().to_owned()),
                aarsak: aarsak.map(|aarsak| aarsak.as_str().to_owned()),
                ..common
            },
        }
    }
}

const fn place(id: Uuid) -> Place {
    Place { table: PayloadTable::Cases, row: id }
}

impl CaseRow {
    /// The row of a new case.
    pub(in crate::journal) fn of(case: &Case, request: &Body, seal: &dyn Seal) -> Self {
        let id = *case.id.as_uuid();
        let outcome = OutcomeColumns::of(&case.state);
        Self {
            id,
            request_type: case.request_type.name().to_owned(),
            request_id: case.request_id.map(|id| *id.as_uuid()),
            forwarded_as: *case.forwarded_as.as_uuid(),
            asker: case.asker.to_string(),
            reply_to: case.reply_to.to_string(),
            bank: case.bank.as_ref().map(ToString::to_string),
            reference: storable(&case.reference),
            opened_at: case.opened_at.as_microsecond(),
            revision: i64::from(case.state.revision()),
            outcome_kind: outcome.kind,
            answer_type: outcome.answer_type,
            statuskode: outcome.statuskode,
            aarsak: outcome.aarsak,
            outcome_by: outcome.by,
            outcome_at: outcome.at,
            version: i64::from(case.version),
            head: case.head.as_bytes().to_vec(),
            request: seal.seal(place(id), &request.json),
        }
    }

    /// The case itself.
    pub(in crate::journal) fn case(&self) -> Result<Case, Fault> {
        let origin = Origin { table: "cases", id: &self.id };
        Ok(Case {
            id: CaseId::from_uuid(self.id),
            request_type: origin.parse("request_type", &self.request_type)?,
            request_id: self.request_id.map(MessageId::from_uuid),
            forwarded_as: DeliveryId::from_uuid(self.forwarded_as),
            asker: origin.parse("asker", &self.asker)?,
            reply_to: origin.parse("reply_to", &self.reply_to)?,
            bank: origin.parse_optional("bank", self.bank.as_deref())?,
            reference: self.reference.clone(),
            opened_at: origin.time("opened_at", self.opened_at)?,
            state: self.state(origin)?,
            version: origin.number("version", self.version)?,
            head: Digest::from_slice(&self.head).ok_or_else(|| origin.fault("head"))?,
        })
    }

    fn state(&self, origin: Origin<'_>) -> Result<CaseState, Fault> {
        let revision = origin.number("revision", self.revision)?;
        if revision == 0 {
            return Ok(CaseState::Open);
        }
        let kind = match (self.outcome_kind.as_deref(), &self.answer_type, &self.statuskode) {
            (Some("answer"), Some(answer), None) => {
                OutcomeKind::Answer(origin.parse::<MessageType>("answer_type", answer)?)
            }
            (Some("status"), None, Some(statuskode)) => {
                let code: Statuskode = origin.word("statuskode", statuskode)?;
                let aarsak: Option<Aarsak> = match &self.aarsak {
                    Some(aarsak) => Some(origin.word("aarsak", aarsak)?),
                    None => None,
                };
                OutcomeKind::Status(code, aarsak)
            }
            _ => return Err(origin.fault("outcome_kind")),
        };
        let (Some(by), Some(at)) = (&self.outcome_by, self.outcome_at) else {
            return Err(origin.fault("outcome_by"));
        };
        let by: GivenBy = origin.word("outcome_by", by)?;
        Ok(CaseState::Settled(Outcome { revision, kind, by, at: origin.time("outcome_at", at)? }))
    }

    /// The case with its request.
    pub(in crate::journal) fn stored(&self, seal: &dyn Seal) -> Result<StoredCase, Fault> {
        let case = self.case()?;
        let origin = Origin { table: "cases", id: &self.id };
        let json = seal.open(place(self.id), &self.request).map_err(|_| origin.fault("request"))?;
        let request = Body { message_type: case.request_type, json };
        Ok(StoredCase { case, request })
    }
}

impl ChangeRow {
    /// The row of a change to a case that was at version `expected`.
    pub(in crate::journal) fn of(case: &Case, expected: u32) -> Self {
        let outcome = OutcomeColumns::of(&case.state);
        Self {
            case_id: *case.id.as_uuid(),
            expected: i64::from(expected),
            new_revision: i64::from(case.state.revision()),
            new_kind: outcome.kind,
            new_answer_type: outcome.answer_type,
            new_statuskode: outcome.statuskode,
            new_aarsak: outcome.aarsak,
            new_by: outcome.by,
            new_at: outcome.at,
            new_version: i64::from(case.version),
            new_head: case.head.as_bytes().to_vec(),
        }
    }
}

impl EventRow {
    /// The row of an event.
    pub(in crate::journal) fn of(event: &RecordedEvent) -> Result<Self, Fault> {
        let id = *event.case.as_uuid();
        let origin = Origin { table: "events", id: &id };
        Ok(Self {
            case_id: id,
            number: i64::from(event.number),
            at: event.at.as_microsecond(),
            kind: event.event.name().to_owned(),
            json: serde_json::to_string(&event.event).map_err(|_| origin.fault("json"))?,
            hash: event.hash.as_bytes().to_vec(),
        })
    }

    /// The event.
    pub(in crate::journal) fn event(&self) -> Result<RecordedEvent, Fault> {
        let name = format!("{}/{}", self.case_id, self.number);
        let origin = Origin { table: "events", id: &name };
        Ok(RecordedEvent {
            case: CaseId::from_uuid(self.case_id),
            number: origin.number("number", self.number)?,
            at: origin.time("at", self.at)?,
            event: origin.json("json", &self.json)?,
            hash: Digest::from_slice(&self.hash).ok_or_else(|| origin.fault("hash"))?,
        })
    }
}

impl InboxRow {
    /// The row of a message that was here.
    pub(in crate::journal) fn of(entry: &InboxEntry) -> Self {
        Self {
            sender: entry.sender.to_string(),
            message_id: *entry.message_id.as_uuid(),
            digest: entry.digest.as_bytes().to_vec(),
            case_id: entry.case.map(|case| *case.as_uuid()),
            at: entry.at.as_microsecond(),
        }
    }

    /// That the message was here.
    pub(in crate::journal) fn entry(&self) -> Result<InboxEntry, Fault> {
        let origin = Origin { table: "inbox", id: &self.message_id };
        Ok(InboxEntry {
            sender: origin.parse("sender", &self.sender)?,
            message_id: MessageId::from_uuid(self.message_id),
            digest: Digest::from_slice(&self.digest).ok_or_else(|| origin.fault("digest"))?,
            case: self.case_id.map(CaseId::from_uuid),
            at: origin.time("at", self.at)?,
        })
    }
}

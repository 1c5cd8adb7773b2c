//! Rows of dead letters.

use uuid::Uuid;

use super::{Origin, storable, storable_optional};
use crate::case::{DeadLetter, DeadReason};
use crate::journal::columns::columns;
use crate::journal::error::Fault;
use crate::journal::seal::{PayloadTable, Place, Seal};
use crate::kernel::{CaseId, DeadLetterId, DeliveryId, Login};

columns! {
    /// A dead letter.
    DeadLetterRow of "dead_letters" {
        id: Uuid,
        reason: String,
        step: String,
        signature: String,
        detail: String,
        findings: String,
        channel: String,
        source: String,
        login: Option<String>,
        sender: Option<String>,
        recipient: Option<String>,
        message_type: Option<String>,
        message_id: Option<String>,
        correlation_id: Option<String>,
        content_type: Option<String>,
        traceparent: Option<String>,
        reference: Option<String>,
        case_id: Option<Uuid>,
        delivery_id: Option<Uuid>,
        deaths: String,
        attempts: i64,
        first_at: i64,
        last_at: i64,
        /// How often it arrived.
        times: i64,
        /// Sealed.
        body: Vec<u8>,
    }
}

columns! {
    /// Which dead letters to list.
    DeadLetterQuery of "dead_letters" {
        wanted: Option<Uuid>,
        reason: Option<String>,
        organisation: Option<String>,
    }
}

const fn place(id: Uuid) -> Place {
    Place { table: PayloadTable::DeadLetters, row: id }
}

impl DeadLetterRow {
    /// The row of a letter that arrived once.
    pub(in crate::journal) fn of(letter: &DeadLetter, seal: &dyn Seal) -> Result<Self, Fault> {
        let id = *letter.id.as_uuid();
        let origin = Origin { table: "dead_letters", id: &id };
        let at = letter.at.as_microsecond();
        Ok(Self {
            id,
            reason: letter.reason.code().to_owned(),
            step: letter.reason.step().name().to_owned(),
            signature: storable(&letter.signature()),
            detail: storable(&letter.detail),
            findings: serde_json::to_string(&letter.findings)
                .map_err(|_| origin.fault("findings"))?,
            channel: letter.channel.as_str().to_owned(),
            source: storable(&letter.source),
            login: storable_optional(letter.login.as_ref().map(Login::as_str)),
            sender: letter.from.as_ref().map(ToString::to_string),
            recipient: letter.to.as_ref().map(ToString::to_string),
            message_type: storable_optional(letter.message_type.as_deref()),
            message_id: storable_optional(letter.message_id.as_deref()),
            correlation_id: storable_optional(letter.correlation_id.as_deref()),
            content_type: storable_optional(letter.content_type.as_deref()),
            traceparent: storable_optional(letter.traceparent.as_deref()),
            reference: storable_optional(letter.reference.as_deref()),
            case_id: letter.case.map(|case| *case.as_uuid()),
            delivery_id: letter.delivery.map(|delivery| *delivery.as_uuid()),
            deaths: serde_json::to_string(&letter.deaths).map_err(|_| origin.fault("deaths"))?,
            attempts: i64::from(letter.attempts),
            first_at: at,
            last_at: at,
            times: 1,
            body: seal.seal(place(id), &letter.body),
        })
    }

    /// Takes in a later arrival of the same letter.
    pub(in crate::journal) fn again(&mut self, later: &Self) {
        self.first_at = self.first_at.min(later.first_at);
        self.last_at = self.last_at.max(later.last_at);
        self.attempts = later.attempts;
        self.times += later.times;
    }

    /// The letter, with the time it arrived last.
    pub(in crate::journal) fn letter(&self, seal: &dyn Seal) -> Result<DeadLetter, Fault> {
        let origin = Origin { table: "dead_letters", id: &self.id };
        Ok(DeadLetter {
            id: DeadLetterId::from_uuid(self.id),
            reason: DeadReason::from_code(&self.reason).ok_or_else(|| origin.fault("reason"))?,
            detail: self.detail.clone(),
            findings: origin.json("findings", &self.findings)?,
            channel: origin.word("channel", &self.channel)?,
            source: self.source.clone(),
            login: self.login.clone().map(Login::new),
            from: origin.parse_optional("sender", self.sender.as_deref())?,
            to: origin.parse_optional("recipient", self.recipient.as_deref())?,
            message_type: self.message_type.clone(),
            message_id: self.message_id.clone(),
            correlation_id: self.correlation_id.clone(),
            content_type: self.content_type.clone(),
            traceparent: self.traceparent.clone(),
            reference: self.reference.clone(),
            case: self.case_id.map(CaseId::from_uuid),
            delivery: self.delivery_id.map(DeliveryId::from_uuid),
            deaths: origin.json("deaths", &self.deaths)?,
            attempts: origin.number("attempts", self.attempts)?,
            at: origin.time("last_at", self.last_at)?,
            body: seal.open(place(self.id), &self.body).map_err(|_| origin.fault("body"))?,
        })
    }
}

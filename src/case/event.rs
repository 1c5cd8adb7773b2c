//! What happens to a case: the events the journal keeps for ever, in a chain of hashes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::GivenBy;
use crate::contract::MessageType;
use crate::kernel::{
    CaseId, ChannelName, DeliveryId, Digest, Finding, Login, MessageId, OrganisationId,
    RegisterNumber,
};
use crate::market::no::status::{Aarsak, Statuskode};

/// One thing that happened to a case. Events hold no payload and no personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A request arrived.
    Opened {
        /// What was asked.
        message_type: MessageType,
        /// Who asked.
        asker: OrganisationId,
        /// Who was asked.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        bank: Option<OrganisationId>,
        /// The way it came.
        channel: ChannelName,
        /// As whom it was signed in.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        login: Option<Login>,
        /// What the request's content is recognised by.
        digest: String,
    },
    /// The bank answered with amounts.
    Answered {
        /// Which outcome of the case this is, from 1.
        revision: u32,
        /// The answer's type.
        message_type: MessageType,
        /// The bank's name for it.
        message_id: MessageId,
    },
    /// The bank, or innfri, gave a status.
    StatusGiven {
        /// Which outcome of the case this is, from 1.
        revision: u32,
        /// The code.
        statuskode: Statuskode,
        /// Why, for `FEIL`.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        aarsak: Option<Aarsak>,
        /// Who gave it.
        by: GivenBy,
        /// The bank's name for it; absent when innfri gave it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        message_id: Option<MessageId>,
    },
    /// An answer was not accepted and went back to the bank.
    AnswerRejected {
        /// The bank's name for it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        message_id: Option<MessageId>,
        /// Everything that was wrong with it.
        findings: Vec<Finding>,
    },
    /// An answer named somebody who is not among the owners; the names are not kept.
    PrivacyAlert {
        /// How many names.
        names: u32,
    },
    /// An answer gave an account that is not the bank's.
    PaymentAlert {
        /// The register numbers in question.
        register_numbers: Vec<RegisterNumber>,
    },
    /// An answer gave accounts of which nobody can tell whether they are the bank's: its register numbers
    /// are not known. They passed.
    AccountsNotCompared {
        /// The register numbers in question, each once.
        register_numbers: Vec<RegisterNumber>,
    },
    /// A delivery was given up.
    DeliveryGivenUp {
        /// Which.
        delivery: DeliveryId,
        /// The error code of the last attempt.
        reason: String,
    },
}

impl Event {
    /// The event's name, as it is stored and shown.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::Answered { .. } => "answered",
            Self::StatusGiven { .. } => "status_given",
            Self::AnswerRejected { .. } => "answer_rejected",
            Self::PrivacyAlert { .. } => "privacy_alert",
            Self::PaymentAlert { .. } => "payment_alert",
            Self::AccountsNotCompared { .. } => "accounts_not_compared",
            Self::DeliveryGivenUp { .. } => "delivery_given_up",
        }
    }

    /// Whether people should be told at once.
    pub const fn is_alert(&self) -> bool {
        match self {
            Self::PrivacyAlert { .. }
            | Self::PaymentAlert { .. }
            | Self::DeliveryGivenUp { .. } => true,
            Self::Opened { .. }
            | Self::Answered { .. }
            | Self::StatusGiven { .. }
            | Self::AnswerRejected { .. }
            | Self::AccountsNotCompared { .. } => false,
        }
    }
}

/// An event in its place in the chain of its case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEvent {
    /// Whose.
    pub case: CaseId,
    /// Which, from 1.
    pub number: u32,
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: Event,
    /// SHA-256 of the event and of the hash before it.
    pub hash: Digest,
}

impl RecordedEvent {
    /// Puts an event behind the one with the hash `previous`.
    pub fn link(case: CaseId, number: u32, at: Timestamp, event: Event, previous: &Digest) -> Self {
        let hash = Self::hash_of(case, number, at, &event, previous);
        Self { case, number, at, event, hash }
    }

    /// Whether the event is unchanged and stands behind the one with the hash `previous`.
    pub fn follows(&self, previous: &Digest) -> bool {
        Self::hash_of(self.case, self.number, self.at, &self.event, previous) == self.hash
    }

    fn hash_of(
        case: CaseId,
        number: u32,
        at: Timestamp,
        event: &Event,
        previous: &Digest,
    ) -> Digest {
        // An event is made of texts, numbers and lists alone, which always serialize.
        let content = serde_json::to_vec(event).unwrap_or_default();
        Digest::of(&[
            previous.as_bytes(),
            case.as_uuid().as_bytes(),
            &number.to_be_bytes(),
            &at.as_microsecond().to_be_bytes(),
            &content,
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_event_breaks_the_chain() {
        let case = CaseId::from_uuid(uuid::Uuid::nil());
        let event = Event::PrivacyAlert { names: 1 };
        let recorded = RecordedEvent::link(case, 1, Timestamp::UNIX_EPOCH, event, &Digest::ZERO);
        assert!(recorded.follows(&Digest::ZERO));
        assert!(!recorded.follows(&recorded.hash));
        let changed = RecordedEvent { event: Event::PrivacyAlert { names: 2 }, ..recorded };
        assert!(!changed.follows(&Digest::ZERO));
    }
}

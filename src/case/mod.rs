//! The case: one request and all that follows, as a state machine.
//!
//! [`apply`] is the only way a case changes: an exhaustive match of state and event. Live deciding and
//! re-reading the journal use the same function, so they cannot disagree.

pub mod day;
pub mod dead_letter;
pub mod delivery;
pub mod event;
pub mod late;

use jiff::Timestamp;

use crate::contract::{Body, MessageType};
use crate::kernel::{CaseId, DeliveryId, Digest, MessageId, OrganisationId};
use crate::market::no::status::{Aarsak, Statuskode};

pub use dead_letter::{DeadLetter, DeadReason, Step};
pub use delivery::{Delivery, Purpose};
pub use event::{Event, RecordedEvent};

/// One request and all that follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Derived from the asker and its message id.
    pub id: CaseId,
    /// What was asked.
    pub request_type: MessageType,
    /// The asker's name for its request; `None` when the request came without one.
    pub request_id: Option<MessageId>,
    /// The delivery that carries the request to the bank: what the bank's answer refers to.
    pub forwarded_as: DeliveryId,
    /// Who asked (`avsender.id`).
    pub asker: OrganisationId,
    /// Who gets the outcome (`returnertil`, else the asker).
    pub reply_to: OrganisationId,
    /// Who was asked; `None` when a refused request did not say.
    pub bank: Option<OrganisationId>,
    /// The asker's reference; empty when a refused request did not say.
    pub reference: String,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Where it stands.
    pub state: CaseState,
    /// Events so far. Also what a concurrent change is recognised by.
    pub version: u32,
    /// The hash of the last event: the head of the case's chain.
    pub head: Digest,
}

/// Where a case stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaseState {
    /// Waiting for the bank.
    Open,
    /// The asker has, or is owed, an outcome. A newer one replaces it.
    Settled(Outcome),
}

/// What came of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// 1 for the first outcome, one more for each that replaces it.
    pub revision: u32,
    /// What it is.
    pub kind: OutcomeKind,
    /// Who gave it.
    pub by: GivenBy,
    /// When.
    pub at: Timestamp,
}

/// An answer or a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutcomeKind {
    /// A typed answer.
    Answer(MessageType),
    /// A status code; with a reason exactly for `FEIL`.
    Status(Statuskode, Option<Aarsak>),
}

/// Who gave an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GivenBy {
    /// The bank that was asked.
    Bank,
    /// innfri itself: the request was refused, or could not be carried out.
    Innfri,
}

/// A case together with the request that opened it, as the journal keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCase {
    /// The case.
    pub case: Case,
    /// The request as it was received.
    pub request: Body,
}

/// An event that cannot follow from where a case stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event `{event}` cannot follow from state `{state}`")]
pub struct IllegalEvent {
    /// Where the case stands.
    pub state: &'static str,
    /// What was to happen.
    pub event: &'static str,
}

impl CaseState {
    /// The state's name, as it is stored and shown.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Settled(_) => "settled",
        }
    }

    /// The outcome, if there is one.
    pub const fn outcome(&self) -> Option<&Outcome> {
        match self {
            Self::Open => None,
            Self::Settled(outcome) => Some(outcome),
        }
    }

    /// The number of the newest outcome; 0 while there is none.
    pub const fn revision(&self) -> u32 {
        match self {
            Self::Open => 0,
            Self::Settled(outcome) => outcome.revision,
        }
    }
}

/// The state that follows from an event at a time.
///
/// # Errors
/// When the event cannot follow, naming both.
pub fn apply(state: &CaseState, event: &Event, at: Timestamp) -> Result<CaseState, IllegalEvent> {
    let illegal = || IllegalEvent { state: state.name(), event: event.name() };
    let settled = |revision: u32, kind: OutcomeKind, by: GivenBy| {
        if revision == state.revision() + 1 {
            Ok(CaseState::Settled(Outcome { revision, kind, by, at }))
        } else {
            Err(illegal())
        }
    };
    match (state, event) {
        (CaseState::Open, Event::Opened { .. }) => Ok(CaseState::Open),
        (CaseState::Settled(_), Event::Opened { .. }) => Err(illegal()),
        (_, Event::Answered { revision, message_type, .. }) => {
            settled(*revision, OutcomeKind::Answer(*message_type), GivenBy::Bank)
        }
        (_, Event::StatusGiven { revision, statuskode, aarsak, by, .. }) => {
            settled(*revision, OutcomeKind::Status(*statuskode, *aarsak), *by)
        }
        (
            _,
            Event::AnswerRejected { .. }
            | Event::PrivacyAlert { .. }
            | Event::PaymentAlert { .. }
            | Event::AccountsNotCompared { .. }
            | Event::DeliveryGivenUp { .. },
        ) => Ok(state.clone()),
    }
}

impl Case {
    /// Applies an event and links it to the case's chain.
    ///
    /// # Errors
    /// When the event cannot follow; the case is then unchanged.
    pub fn record(&mut self, event: Event, at: Timestamp) -> Result<RecordedEvent, IllegalEvent> {
        self.state = apply(&self.state, &event, at)?;
        self.version += 1;
        let recorded = RecordedEvent::link(self.id, self.version, at, event, &self.head);
        self.head = recorded.hash;
        Ok(recorded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn status(revision: u32) -> Event {
        Event::StatusGiven {
            revision,
            statuskode: Statuskode::LaanSolgt,
            aarsak: None,
            by: GivenBy::Bank,
            message_id: None,
        }
    }

    #[test]
    fn a_newer_outcome_replaces_an_older_one() {
        let first = apply(&CaseState::Open, &status(1), at(1)).unwrap();
        assert_eq!(first.revision(), 1);
        let second = apply(&first, &status(2), at(2)).unwrap();
        assert_eq!(second.revision(), 2);
        assert_eq!(second.outcome().unwrap().at, at(2));
    }

    #[test]
    fn a_revision_is_neither_skipped_nor_repeated() {
        let first = apply(&CaseState::Open, &status(1), at(1)).unwrap();
        for wrong in [0, 1, 3] {
            let error = apply(&first, &status(wrong), at(2)).unwrap_err();
            assert_eq!((error.state, error.event), ("settled", "status_given"));
        }
    }

    #[test]
    fn a_rejected_answer_leaves_the_case_as_it_was() {
        let rejected = Event::AnswerRejected { message_id: None, findings: Vec::new() };
        assert_eq!(apply(&CaseState::Open, &rejected, at(1)).unwrap(), CaseState::Open);
    }
}

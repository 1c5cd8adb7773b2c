//! A message that has passed the check, as a typed value.

use super::catalogue::MessageType;
use crate::market::no::innfrielsessaldo::{Innfrielsessaldoforespoersel, Innfrielsessaldosvar};
use crate::market::no::part::{
    Avsender, Betaling, Mottaker, RegisterenhetMedDokumentreferanse, RegisterenhetMedHjemmelshavere,
};
use crate::market::no::restgjeld::{Restgjeldsforespoersel, Restgjeldssvar};
use crate::market::no::status::Status;

/// A typed message from a participant. What innfri alone sends is never taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A question to a bank.
    Request(Request),
    /// A bank's answer with amounts.
    Answer(Answer),
    /// A bank's status.
    Status(Status),
}

/// A question to a bank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// What is owed?
    Restgjeld(Restgjeldsforespoersel),
    /// What pays it off?
    Innfrielsessaldo(Innfrielsessaldoforespoersel),
}

/// A bank's answer with amounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// What is owed.
    Restgjeld(Restgjeldssvar),
    /// What pays it off.
    Innfrielsessaldo(Innfrielsessaldosvar),
}

/// A message's bytes together with their type; what is stored and forwarded, unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// What it is.
    pub message_type: MessageType,
    /// The JSON, as it was received or made.
    pub json: Vec<u8>,
}

impl Message {
    /// Its JSON, in which everything has one way of being written.
    ///
    /// # Errors
    /// When it cannot be written, which none of its types gives a reason for.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        match self {
            Self::Request(Request::Restgjeld(it)) => serde_json::to_vec(it),
            Self::Request(Request::Innfrielsessaldo(it)) => serde_json::to_vec(it),
            Self::Answer(Answer::Restgjeld(it)) => serde_json::to_vec(it),
            Self::Answer(Answer::Innfrielsessaldo(it)) => serde_json::to_vec(it),
            Self::Status(it) => serde_json::to_vec(it),
        }
    }
}

impl Request {
    /// Its type.
    pub const fn message_type(&self) -> MessageType {
        match self {
            Self::Restgjeld(_) => MessageType::Restgjeldsforespoersel,
            Self::Innfrielsessaldo(_) => MessageType::Innfrielsessaldoforespoersel,
        }
    }

    /// Who asks.
    pub const fn avsender(&self) -> &Avsender {
        match self {
            Self::Restgjeld(request) => &request.avsender,
            Self::Innfrielsessaldo(request) => &request.avsender,
        }
    }

    /// Who is asked.
    pub const fn mottaker(&self) -> &Mottaker {
        match self {
            Self::Restgjeld(request) => &request.mottaker,
            Self::Innfrielsessaldo(request) => &request.mottaker,
        }
    }

    /// The properties asked about, with their owners.
    pub fn registerenheter(&self) -> &[RegisterenhetMedHjemmelshavere] {
        match self {
            Self::Restgjeld(request) => &request.registerenheter_med_hjemmelshavere,
            Self::Innfrielsessaldo(request) => &request.registerenheter_med_hjemmelshavere,
        }
    }
}

impl Answer {
    /// Its type.
    pub const fn message_type(&self) -> MessageType {
        match self {
            Self::Restgjeld(_) => MessageType::Restgjeldssvar,
            Self::Innfrielsessaldo(_) => MessageType::Innfrielsessaldosvar,
        }
    }

    /// The bank.
    pub const fn avsender(&self) -> &Avsender {
        match self {
            Self::Restgjeld(answer) => &answer.avsender,
            Self::Innfrielsessaldo(answer) => &answer.avsender,
        }
    }

    /// The asker.
    pub const fn mottaker(&self) -> &Mottaker {
        match self {
            Self::Restgjeld(answer) => &answer.mottaker,
            Self::Innfrielsessaldo(answer) => &answer.mottaker,
        }
    }

    /// The properties answered about.
    pub fn registerenheter(&self) -> &[RegisterenhetMedDokumentreferanse] {
        match self {
            Self::Restgjeld(answer) => &answer.registerenheter_med_dokumentreferanser,
            Self::Innfrielsessaldo(answer) => &answer.registerenheter_med_dokumentreferanser,
        }
    }

    /// Where each loan is paid off, in the order of `laanliste`.
    pub fn betalinger(&self) -> Vec<Betaling<'_>> {
        match self {
            Self::Restgjeld(answer) => {
                answer.laanliste.iter().map(|laan| laan.betaling()).collect()
            }
            Self::Innfrielsessaldo(answer) => {
                answer.laanliste.iter().map(|laan| laan.betaling()).collect()
            }
        }
    }
}

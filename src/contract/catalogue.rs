//! The catalogue of message types: one row each, from which everything else about them is made.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A message type that innfri knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageType {
    /// `no.dsve.restgjeldsforespoersel.v1`
    Restgjeldsforespoersel,
    /// `no.dsve.restgjeldssvar.v1`
    Restgjeldssvar,
    /// `no.dsve.innfrielsessaldoforespoersel.v1`
    Innfrielsessaldoforespoersel,
    /// `no.dsve.innfrielsessaldosvar.v1`
    Innfrielsessaldosvar,
    /// `no.dsve.status.v1`
    Status,
    /// `innfri.rejection.v1`
    Rejection,
    /// `innfri.receipt.v1`
    Receipt,
}

/// Who sends a message type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From an asker, through innfri, to a bank.
    Request,
    /// From a bank, through innfri, to the asker: the answer with amounts.
    Answer,
    /// From a bank or innfri to the asker.
    Status,
    /// From innfri alone.
    Notice,
}

/// A text that names no message type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not a message type that innfri knows")]
pub struct UnknownMessageType;

struct Row {
    name: &'static str,
    direction: Direction,
    answered_by: Option<MessageType>,
    schema: &'static str,
}

impl MessageType {
    /// Every type, in the order of the catalogue.
    pub const ALL: [Self; 7] = [
        Self::Restgjeldsforespoersel,
        Self::Restgjeldssvar,
        Self::Innfrielsessaldoforespoersel,
        Self::Innfrielsessaldosvar,
        Self::Status,
        Self::Rejection,
        Self::Receipt,
    ];

    const fn row(self) -> Row {
        match self {
            Self::Restgjeldsforespoersel => Row {
                name: "no.dsve.restgjeldsforespoersel.v1",
                direction: Direction::Request,
                answered_by: Some(Self::Restgjeldssvar),
                schema: include_str!("../../schemas/no/no.dsve.restgjeldsforespoersel.v1.json"),
            },
            Self::Restgjeldssvar => Row {
                name: "no.dsve.restgjeldssvar.v1",
                direction: Direction::Answer,
                answered_by: None,
                schema: include_str!("../../schemas/no/no.dsve.restgjeldssvar.v1.json"),
            },
            Self::Innfrielsessaldoforespoersel => Row {
                name: "no.dsve.innfrielsessaldoforespoersel.v1",
                direction: Direction::Request,
                answered_by: Some(Self::Innfrielsessaldosvar),
                schema: include_str!(
                    "../../schemas/no/no.dsve.innfrielsessaldoforespoersel.v1.json"
                ),
            },
            Self::Innfrielsessaldosvar => Row {
                name: "no.dsve.innfrielsessaldosvar.v1",
                direction: Direction::Answer,
                answered_by: None,
                schema: include_str!("../../schemas/no/no.dsve.innfrielsessaldosvar.v1.json"),
            },
            Self::Status => Row {
                name: "no.dsve.status.v1",
                direction: Direction::Status,
                answered_by: None,
                schema: include_str!("../../schemas/no/no.dsve.status.v1.json"),
            },
            Self::Rejection => Row {
                name: "innfri.rejection.v1",
                direction: Direction::Notice,
                answered_by: None,
                schema: include_str!("../../schemas/no/innfri.rejection.v1.json"),
            },
            Self::Receipt => Row {
                name: "innfri.receipt.v1",
                direction: Direction::Notice,
                answered_by: None,
                schema: include_str!("../../schemas/no/innfri.receipt.v1.json"),
            },
        }
    }

    /// The name on the wire (AMQP `type`).
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// Who sends it.
    pub const fn direction(self) -> Direction {
        self.row().direction
    }

    /// The type that answers it; `None` for all but requests.
    pub const fn answered_by(self) -> Option<Self> {
        self.row().answered_by
    }

    /// The request that it answers; `None` for what answers none by its type alone.
    pub fn answers(self) -> Option<Self> {
        Self::ALL.into_iter().find(|request| request.answered_by() == Some(self))
    }

    /// Its JSON Schema (2020-12), as published.
    pub const fn schema(self) -> &'static str {
        self.row().schema
    }
}

impl fmt::Display for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for MessageType {
    type Err = UnknownMessageType;

    fn from_str(text: &str) -> Result<Self, UnknownMessageType> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or(UnknownMessageType)
    }
}

impl Serialize for MessageType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for MessageType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error| serde::de::Error::custom(format!("`{text}` {error}")))
    }
}

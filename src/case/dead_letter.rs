//! A dead letter: a message or delivery that was given up on, kept whole with the reason.

use std::fmt;

use jiff::Timestamp;

use crate::kernel::{
    CaseId, ChannelName, DeadLetterId, Death, DeliveryId, Digest, Finding, Incoming, Login,
    OrganisationId,
};

/// A message or delivery that was given up on.
#[derive(Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Derived from where it came from and what it holds: the same arrival is the same letter.
    pub id: DeadLetterId,
    /// Why, as a code.
    pub reason: DeadReason,
    /// Why, in English, for operators. Holds no personal data.
    pub detail: String,
    /// The findings, where the reason is one.
    pub findings: Vec<Finding>,
    /// The way it came or was to go.
    pub channel: ChannelName,
    /// The queue or address it came from, or was to go to.
    pub source: String,
    /// As whom its sender was signed in.
    pub login: Option<Login>,
    /// Whom it is from, where that is known.
    pub from: Option<OrganisationId>,
    /// Whom it is for, where that is known.
    pub to: Option<OrganisationId>,
    /// The message type it claims.
    pub message_type: Option<String>,
    /// The message id it claims.
    pub message_id: Option<String>,
    /// The request it claims to answer.
    pub correlation_id: Option<String>,
    /// What its body claims to be.
    pub content_type: Option<String>,
    /// W3C trace context.
    pub traceparent: Option<String>,
    /// The business reference, where it could be read.
    pub reference: Option<String>,
    /// The case it belongs to.
    pub case: Option<CaseId>,
    /// The delivery it was.
    pub delivery: Option<DeliveryId>,
    /// Why the broker gave up on it.
    pub deaths: Vec<Death>,
    /// Attempts made; 1 for a message that was refused at once.
    pub attempts: u32,
    /// When it was given up.
    pub at: Timestamp,
    /// The message itself.
    pub body: Vec<u8>,
}

/// Why a message or delivery was given up on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeadReason {
    /// Nobody to answer could be made out.
    UnknownSender,
    /// Signed in as somebody who may not speak for the sender it names.
    SpoofedSender,
    /// No or unknown message type, and nobody to tell.
    UnknownType,
    /// A message id used again with other content.
    ReusedMessageId,
    /// An answer to a case that is not known.
    UnknownCase,
    /// An answer from somebody who was not asked.
    ForeignCase,
    /// Not fit to be read at all, and nobody to tell.
    Unreadable,
    /// The message broker gave up on it.
    BrokerDeath,
    /// Not deliverable within the time it may take.
    DeliveryGivenUp,
}

/// Where on a message's way it was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// On its way in.
    Intake,
    /// In a queue of the broker.
    Broker,
    /// On its way out.
    Delivery,
}

impl DeadReason {
    /// Every reason.
    pub const ALL: [Self; 9] = [
        Self::UnknownSender,
        Self::SpoofedSender,
        Self::UnknownType,
        Self::ReusedMessageId,
        Self::UnknownCase,
        Self::ForeignCase,
        Self::Unreadable,
        Self::BrokerDeath,
        Self::DeliveryGivenUp,
    ];

    /// The code, as it is stored and shown.
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnknownSender => "UNKNOWN_SENDER",
            Self::SpoofedSender => "SPOOFED_SENDER",
            Self::UnknownType => "UNKNOWN_TYPE",
            Self::ReusedMessageId => "REUSED_MESSAGE_ID",
            Self::UnknownCase => "UNKNOWN_CASE",
            Self::ForeignCase => "FOREIGN_CASE",
            Self::Unreadable => "UNREADABLE",
            Self::BrokerDeath => "BROKER_DEATH",
            Self::DeliveryGivenUp => "DELIVERY_GIVEN_UP",
        }
    }

    /// The reason with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// Where on its way a message is given up for this reason.
    pub const fn step(self) -> Step {
        match self {
            Self::UnknownSender
            | Self::SpoofedSender
            | Self::UnknownType
            | Self::ReusedMessageId
            | Self::UnknownCase
            | Self::ForeignCase
            | Self::Unreadable => Step::Intake,
            Self::BrokerDeath => Step::Broker,
            Self::DeliveryGivenUp => Step::Delivery,
        }
    }
}

impl fmt::Display for DeadReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Step {
    /// The step's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Intake => "intake",
            Self::Broker => "broker",
            Self::Delivery => "delivery",
        }
    }
}

impl DeadLetter {
    /// The letter of a message that arrived and could not be handled.
    pub fn of_incoming(incoming: &Incoming, reason: DeadReason, detail: impl Into<String>) -> Self {
        let content = Digest::of(&[&incoming.body]).to_string();
        let id = DeadLetterId::of(&[
            incoming.channel.as_str(),
            incoming.login.as_ref().map_or("", Login::as_str),
            incoming.message_type.as_deref().unwrap_or_default(),
            incoming.message_id.as_deref().unwrap_or_default(),
            &content,
        ]);
        Self {
            id,
            reason,
            detail: detail.into(),
            findings: Vec::new(),
            channel: incoming.channel,
            source: incoming.source.clone(),
            login: incoming.login.clone(),
            from: None,
            to: None,
            message_type: incoming.message_type.clone(),
            message_id: incoming.message_id.clone(),
            correlation_id: incoming.correlation_id.clone(),
            content_type: incoming.content_type.clone(),
            traceparent: incoming.traceparent.clone(),
            reference: None,
            case: None,
            delivery: None,
            deaths: incoming.deaths.clone(),
            attempts: 1,
            at: incoming.received_at,
            body: incoming.body.clone(),
        }
    }

    /// What letters are grouped by: reason (with the broker's word, or the first finding's rule),
    /// step, whom it is for, and type. Never an id, a date or an amount.
    pub fn signature(&self) -> String {
        let cause = match (self.deaths.first(), self.findings.first()) {
            (Some(death), _) => format!("{}/{}", self.reason, death.reason),
            (None, Some(finding)) => format!("{}/{}", self.reason, finding.regel),
            (None, None) => self.reason.to_string(),
        };
        let to = self.to.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        let known = self
            .message_type
            .as_deref()
            .and_then(|name| name.parse::<crate::contract::MessageType>().ok());
        let kind = known.map_or("-", crate::contract::MessageType::name);
        format!("{cause} {} {to} {kind}", self.reason.step().name())
    }
}

impl fmt::Debug for DeadLetter {
    /// Says everything but the body and the claims of its sender.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetter")
            .field("id", &self.id)
            .field("reason", &self.reason)
            .field("detail", &self.detail)
            .field("case", &self.case)
            .field("delivery", &self.delivery)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incoming() -> Incoming {
        Incoming {
            channel: ChannelName::Amqp,
            source: "innfri.in.requests".into(),
            login: Some(Login::new("agent")),
            message_type: Some("x".repeat(300)),
            message_id: Some("1".into()),
            correlation_id: None,
            content_type: None,
            traceparent: None,
            deaths: Vec::new(),
            findings: Vec::new(),
            received_at: Timestamp::UNIX_EPOCH,
            body: b"{}".to_vec(),
        }
    }

    #[test]
    fn the_same_arrival_is_the_same_letter_in_the_same_group() {
        let first = DeadLetter::of_incoming(&incoming(), DeadReason::UnknownType, "no such type");
        let again = DeadLetter::of_incoming(&incoming(), DeadReason::UnknownType, "no such type");
        assert_eq!(first.id, again.id);
        assert_eq!(first.signature(), "UNKNOWN_TYPE intake - -");
    }

    #[test]
    fn codes_are_read_back() {
        for reason in DeadReason::ALL {
            assert_eq!(DeadReason::from_code(reason.code()), Some(reason));
        }
    }
}

//! What a channel hands over: one message as it arrived, with what the channel knows of it.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::finding::Finding;

/// A way in or out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelName {
    /// AMQP 0-9-1 queues.
    Amqp,
    /// HTTP: posted to innfri, collected from a mailbox, or posted by innfri.
    Http,
    /// DSVE's own form, XML in ZIP files, through Altinn 3 Broker.
    Altinn,
    /// Within this process: the built-in bank, and the demo.
    Embedded,
}

impl ChannelName {
    /// The name as it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Amqp => "amqp",
            Self::Http => "http",
            Self::Altinn => "altinn",
            Self::Embedded => "embedded",
        }
    }
}

/// The login that a channel has authenticated: an operator of the directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Login(String);

impl Login {
    /// The login with this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why the message broker itself gave up on a message (RabbitMQ's `x-death`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Death {
    /// The broker's word: `rejected`, `expired`, `maxlen`, `delivery_limit`.
    pub reason: String,
    /// The queue in which it happened.
    pub queue: String,
    /// How often it happened there.
    pub count: u64,
}

/// One message as it arrived. The properties are the sender's claims, except `login`, which the
/// channel has checked.
#[derive(Clone, PartialEq, Eq)]
pub struct Incoming {
    /// The way it came.
    pub channel: ChannelName,
    /// The queue or address it came from.
    pub source: String,
    /// Who sent it, as authenticated; `None` when the channel could not tell.
    pub login: Option<Login>,
    /// The message type it claims to be.
    pub message_type: Option<String>,
    /// The sender's name for it.
    pub message_id: Option<String>,
    /// The request it answers.
    pub correlation_id: Option<String>,
    /// What its body claims to be.
    pub content_type: Option<String>,
    /// W3C trace context to carry on.
    pub traceparent: Option<String>,
    /// Why the broker gave up on it; empty for a live message.
    pub deaths: Vec<Death>,
    /// What its channel found when it made JSON of it, for a channel that does. With an error among them
    /// `body` is what arrived, and not looked into.
    pub findings: Vec<Finding>,
    /// When it arrived here.
    pub received_at: Timestamp,
    /// The body.
    pub body: Vec<u8>,
}

impl fmt::Debug for Incoming {
    /// Says everything but the body, which may hold personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("channel", &self.channel)
            .field("source", &self.source)
            .field("login", &self.login)
            .field("message_type", &self.message_type)
            .field("message_id", &self.message_id)
            .field("correlation_id", &self.correlation_id)
            .field("deaths", &self.deaths)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_never_printed() {
        let incoming = Incoming {
            channel: ChannelName::Amqp,
            source: "innfri.requests".into(),
            login: None,
            message_type: None,
            message_id: None,
            correlation_id: None,
            content_type: None,
            traceparent: None,
            deaths: Vec::new(),
            findings: Vec::new(),
            received_at: Timestamp::UNIX_EPOCH,
            body: b"Kari Nordmann".to_vec(),
        };
        let printed = format!("{incoming:?}");
        assert!(printed.contains("body_bytes: 13") && !printed.contains("Kari"));
    }
}

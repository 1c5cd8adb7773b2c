//! What passed between the partner and RabbitMQ, as far as the checks care. No bodies are kept: a
//! digest tells whether two are the same.

use crate::kernel::Digest;

/// One thing that passed, or that the tool did to the line. In the order in which it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Somebody signed in.
    SignedIn {
        /// Which connection, counted from 1.
        line: u64,
        /// As whom; `None` when the mechanism does not show it.
        login: Option<String>,
    },
    /// A consumer was started, or a message was fetched.
    Consuming {
        /// Which connection.
        line: u64,
        /// From where.
        queue: String,
        /// Whether messages are acknowledged; else they are forgotten as soon as they are sent.
        acknowledges: bool,
    },
    /// The partner published a message.
    Published(Published),
    /// RabbitMQ delivered a message to the partner.
    Delivered(Delivered),
    /// The partner settled a delivery, and RabbitMQ heard of it.
    Settled {
        /// Which connection.
        line: u64,
        /// Acknowledged, rather than refused.
        taken: bool,
        /// What was delivered.
        delivered: Delivered,
    },
    /// RabbitMQ closed the channel or the connection because of an error.
    Refused {
        /// Which connection.
        line: u64,
        /// AMQP's reply code, such as 406 for a `user_id` that is not the login's.
        code: u16,
    },
    /// The tool changed a message on its way, so that innfri must refuse it.
    Spoiled {
        /// Its message id.
        message_id: Option<String>,
    },
    /// The tool withheld a confirmation (or let a publish pass that asked for none), and will cut.
    ConfirmLost {
        /// The message that it was about.
        message_id: Option<String>,
    },
    /// The tool withheld an acknowledgement, and has cut.
    AcknowledgementLost {
        /// The message id of what was delivered.
        message_id: Option<String>,
    },
    /// The tool cut the line.
    Cut {
        /// Which connection.
        line: u64,
    },
}

/// A message as the partner published it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Over which connection.
    pub line: u64,
    /// The login of that connection, where it showed.
    pub login: Option<String>,
    /// To which exchange.
    pub exchange: String,
    /// Whether it would have come back had no queue taken it.
    pub mandatory: bool,
    /// Whether the channel had asked for confirmations.
    pub confirms: bool,
    /// Whether it outlives a restart of the broker.
    pub persistent: bool,
    /// Its properties.
    pub user_id: Option<String>,
    /// Likewise.
    pub message_id: Option<String>,
    /// Likewise: the property `type`.
    pub kind: Option<String>,
    /// Likewise.
    pub correlation_id: Option<String>,
    /// Likewise.
    pub content_type: Option<String>,
    /// Likewise.
    pub app_id: Option<String>,
    /// Whether it says when it was made.
    pub timestamp: bool,
    /// Of the body as the partner wrote it.
    pub digest: Digest,
}

/// A message as RabbitMQ delivered it to the partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// Its message id.
    pub message_id: Option<String>,
    /// What it answers.
    pub correlation_id: Option<String>,
    /// Its type.
    pub kind: Option<String>,
    /// Whether it was delivered before.
    pub redelivered: bool,
}

impl Delivered {
    /// Whether it is this message, or answers it.
    pub fn is_about(&self, id: &str) -> bool {
        self.message_id.as_deref() == Some(id) || self.correlation_id.as_deref() == Some(id)
    }
}

/// What the partner published, in order.
pub fn published(seen: &[Seen]) -> impl DoubleEndedIterator<Item = &Published> {
    seen.iter().filter_map(|one| match one {
        Seen::Published(message) => Some(message),
        Seen::SignedIn { .. }
        | Seen::Consuming { .. }
        | Seen::Delivered(_)
        | Seen::Settled { .. }
        | Seen::Refused { .. }
        | Seen::Spoiled { .. }
        | Seen::ConfirmLost { .. }
        | Seen::AcknowledgementLost { .. }
        | Seen::Cut { .. } => None,
    })
}

/// Whether the partner has acknowledged what fits.
pub fn has_taken(seen: &[Seen], fits: impl Fn(&Delivered) -> bool) -> bool {
    seen.iter()
        .any(|one| matches!(one, Seen::Settled { taken: true, delivered, .. } if fits(delivered)))
}

/// Whether the partner was sent what fits.
pub fn was_sent(seen: &[Seen], fits: impl Fn(&Delivered) -> bool) -> bool {
    seen.iter().any(|one| matches!(one, Seen::Delivered(delivered) if fits(delivered)))
}

/// What follows the first thing that fits; nothing when none does.
pub fn after(seen: &[Seen], fits: impl Fn(&Seen) -> bool) -> &[Seen] {
    let place = seen.iter().position(fits).map_or(seen.len(), |place| place + 1);
    seen.get(place..).unwrap_or_default()
}

//! Channels: [`Intake`] is what a channel calls with what arrived, [`Sender`] is what the dispatcher
//! calls with what is owed.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::case::Delivery;
use crate::directory::Participant;
use crate::kernel::{CaseId, DeliveryId, Incoming};

pub use crate::decide::decision::Disposition;

/// Takes messages in. Implemented by the exchange.
#[async_trait]
pub trait Intake: Send + Sync {
    /// Decides on a message and commits the decision. When this returns `Ok`, the message is safe and
    /// its sender may be told so; until then it is not.
    ///
    /// # Errors
    /// When the decision could not be kept; the message must be offered again later.
    async fn take(&self, incoming: Incoming) -> Result<Taken, IntakeError>;

    /// Keeps a message that the broker itself gave up on, with its history, as a dead letter.
    ///
    /// # Errors
    /// As for [`Intake::take`].
    async fn keep_dead(&self, incoming: Incoming) -> Result<Taken, IntakeError>;
}

/// What became of a message that was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// The case it belongs to.
    pub case: Option<CaseId>,
    /// What was decided.
    pub disposition: Disposition,
    /// What tells the sender why its message was not accepted; see [`Decision::notice`].
    ///
    /// [`Decision::notice`]: crate::decide::Decision::notice
    pub notice: Option<DeliveryId>,
}

/// Why a message could not be taken in now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IntakeError {
    /// The journal cannot be reached or written, or the intake has stopped itself; offer the message
    /// again.
    #[error("nothing is taken in now; the message stays where it is and is offered again")]
    Unavailable,
    /// innfri is stopping; offer the message to another process, or later.
    #[error("innfri is stopping; the message stays where it is")]
    Stopping,
}

impl IntakeError {
    /// A code of low variety, for metrics and traces.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Stopping => "stopping",
        }
    }
}

/// Sends what is owed. Implemented by each channel.
#[async_trait]
pub trait Sender: Send + Sync {
    /// Sends a group, all to one receiver, and tells, in the same order, what became of each. `Ok` means that the far side
    /// has confirmed it. Repeats are allowed: each message carries its delivery id.
    async fn send(&self, group: Vec<Outgoing>) -> Vec<Result<(), SendError>>;

    /// Whether the way that all receivers share is open. While it is not, nothing is claimed for them,
    /// and what waits goes out at once when it opens.
    fn is_up(&self) -> bool {
        true
    }
}

/// Knows which sender reaches whom. Implemented where the channels are put together.
pub trait Outbound: Send + Sync {
    /// The sender for a participant.
    ///
    /// # Errors
    /// [`SendError::NotSetUp`] when this installation has no such way.
    fn sender(&self, participant: &Participant) -> Result<Arc<dyn Sender>, SendError>;
}

/// One message to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// What is owed.
    pub delivery: Delivery,
    /// Since when it may have been sent before without anybody hearing of it; `None` when this is the first
    /// attempt for certain. For channels whose far side does not recognise a repeat.
    pub maybe_sent_since: Option<Timestamp>,
}

/// Why a message was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The way is down: no connection, or it broke before the confirmation.
    #[error("no connection: {0}")]
    Unavailable(String),
    /// The broker took the message but no queue did.
    #[error("no queue takes it: {0}")]
    Unroutable(String),
    /// The far side refused this message, such as for a full queue.
    #[error("refused: {0}")]
    Refused(String),
    /// No confirmation came in time.
    #[error("no confirmation within {0} s")]
    TimedOut(u64),
    /// The directory names a way that is not set up here.
    #[error("not set up: {0}")]
    NotSetUp(String),
    /// The receiver alone cannot be reached, at an address of its own.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// The far side refused this message and would refuse it again: it is not tried any more.
    #[error("refused for good: {0}")]
    Permanent(String),
    /// The far side asks to be left alone for a while.
    #[error("asks to wait {seconds} s: {detail}")]
    RetryAfter {
        /// Seconds from now in which it should not be tried.
        seconds: u64,
        /// What it said.
        detail: String,
    },
}

impl SendError {
    /// A code of low variety, for tables and metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "unavailable",
            Self::Unroutable(_) => "unroutable",
            Self::Refused(_) => "refused",
            Self::TimedOut(_) => "timed_out",
            Self::NotSetUp(_) => "not_set_up",
            Self::Unreachable(_) => "unreachable",
            Self::Permanent(_) => "refused_for_good",
            Self::RetryAfter { .. } => "retry_after",
        }
    }

    /// Whether this speaks about the receiver alone (so that its breaker should count it), rather than
    /// about the way that all share.
    pub const fn is_the_receivers(&self) -> bool {
        match self {
            Self::Unroutable(_)
            | Self::Refused(_)
            | Self::TimedOut(_)
            | Self::NotSetUp(_)
            | Self::Unreachable(_)
            | Self::Permanent(_)
            | Self::RetryAfter { .. } => true,
            Self::Unavailable(_) => false,
        }
    }
    /// Whether trying again is of no use.
    pub const fn is_for_good(&self) -> bool {
        matches!(self, Self::Permanent(_))
    }

    /// Seconds for which the far side asked not to be tried.
    pub const fn asked_wait(&self) -> Option<u64> {
        match self {
            Self::RetryAfter { seconds, .. } => Some(*seconds),
            Self::Unavailable(_)
            | Self::Unroutable(_)
            | Self::Refused(_)
            | Self::TimedOut(_)
            | Self::NotSetUp(_)
            | Self::Unreachable(_)
            | Self::Permanent(_) => None,
        }
    }
}

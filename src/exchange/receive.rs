//! The half of the exchange that channels call.
//!
//! A message's way, top to bottom: it waits here for a place in a group; a decider reads it, looks up
//! what is known, decides, commits; only then does the channel hear that it may acknowledge.

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use super::metrics::Known;
use crate::kernel::{ChannelName, Incoming};
use crate::port::{Intake, IntakeError, Taken};
use crate::telemetry::trace::{About, Step};

/// Takes messages in. Cheap to clone.
#[derive(Clone)]
pub struct Exchange {
    arrivals: mpsc::Sender<Waiting>,
}

/// A message that waits for its decision.
pub(super) struct Waiting {
    pub(super) incoming: Incoming,
    pub(super) life: Life,
    pub(super) reply: oneshot::Sender<Result<Taken, IntakeError>>,
}

/// Whether a message is to have its effect, or was given up on by the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    Live,
    Dead,
}

impl Exchange {
    pub(super) const fn new(arrivals: mpsc::Sender<Waiting>) -> Self {
        Self { arrivals }
    }

    async fn offer(&self, mut incoming: Incoming, life: Life) -> Result<Taken, IntakeError> {
        let step = step(&incoming);
        incoming.traceparent = step.traceparent();
        let taken = self.decided(incoming, life).await;
        step.end(taken.as_ref().err().map(IntakeError::code));
        taken
    }

    async fn decided(&self, incoming: Incoming, life: Life) -> Result<Taken, IntakeError> {
        let (reply, decided) = oneshot::channel();
        let waiting = Waiting { incoming, life, reply };
        self.arrivals.send(waiting).await.map_err(|_| IntakeError::Stopping)?;
        decided.await.map_err(|_| IntakeError::Stopping)?
    }
}

/// The message's step in its sender's trace: whatever its channel, what innfri owes because of it carries
/// the trace on. Text that is no trace context goes no further than here.
fn step(incoming: &Incoming) -> Step {
    let uuid = |text: &Option<String>| text.as_deref().and_then(|text| text.parse().ok());
    let (system, place) = match incoming.channel {
        // A queue of innfri's own; other channels' sources may hold what a sender wrote.
        ChannelName::Amqp => ("rabbitmq", incoming.source.as_str()),
        ChannelName::Http | ChannelName::Altinn | ChannelName::Embedded => {
            (incoming.channel.as_str(), incoming.channel.as_str())
        }
    };
    let about = About {
        system,
        place,
        destination: place,
        message_type: Known::of(incoming.message_type.as_deref()).name(),
        message_id: uuid(&incoming.message_id),
        conversation_id: uuid(&incoming.correlation_id),
    };
    Step::process(&about, incoming.traceparent.as_deref())
}

#[async_trait]
impl Intake for Exchange {
    async fn take(&self, incoming: Incoming) -> Result<Taken, IntakeError> {
        self.offer(incoming, Life::Live).await
    }

    async fn keep_dead(&self, incoming: Incoming) -> Result<Taken, IntakeError> {
        self.offer(incoming, Life::Dead).await
    }
}

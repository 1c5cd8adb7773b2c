//! The half of the exchange that channels call.
//!
//! A message's way, top to bottom: it waits here for a place in a group; a decider reads it, looks up
//! what is known, decides, commits; only then does the channel hear that it may acknowledge.

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use crate::kernel::Incoming;
use crate::port::{Intake, IntakeError, Taken};

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

    async fn offer(&self, incoming: Incoming, life: Life) -> Result<Taken, IntakeError> {
        let (reply, decided) = oneshot::channel();
        let waiting = Waiting { incoming, life, reply };
        self.arrivals.send(waiting).await.map_err(|_| IntakeError::Stopping)?;
        decided.await.map_err(|_| IntakeError::Stopping)?
    }
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

//! HTTP: the channel for participants who do not speak AMQP. They post messages, ask about their cases
//! and collect what is for them from a mailbox.
//!
//! [`router`] is the whole of it; what it needs of the rest is [`Parts`]. A mailbox is nothing of its own:
//! it is what the journal owes to a participant, handed out under a lease.

mod cases;
pub mod config;
pub mod door;
pub mod envelope;
mod mailbox;
mod messages;
mod query;
pub mod rate;
pub mod router;
pub mod sign_in;
mod trespass;
mod wait;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::directory::Directory;
use crate::port::{Bell, Clock, Intake, Journal, JournalError, Letters};
use crate::telemetry::chain::Chain;

pub use crate::channel::problem::{self, Problem, ProblemKind};
pub use config::{HttpConfig, HttpError};
pub use door::{Door, Refusal};
pub use router::router;

/// How long a caller is told to stay away when the journal is.
const COME_BACK_AFTER: Duration = Duration::from_secs(5);

/// What the channel is put together from.
pub struct Parts {
    /// What is owed, and where cases stand.
    pub journal: Arc<dyn Journal>,
    /// Where attempts to reach what is another's are recorded.
    pub letters: Arc<dyn Letters>,
    /// Where messages are handed in.
    pub intake: Arc<dyn Intake>,
    /// Who takes part and who speaks for whom; swapped whole when it changes.
    pub directory: watch::Receiver<Arc<Directory>>,
    /// Wakes those who wait.
    pub bell: Bell,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Who is calling.
    pub door: Arc<dyn Door>,
    /// The channel's settings.
    pub config: HttpConfig,
    /// Bytes of the largest message (`limits.body_bytes`).
    pub body_bytes: usize,
    /// The name of this process in leases.
    pub process: Uuid,
    /// Ends all waits.
    pub stop: CancellationToken,
}

/// What every route works with. Cheap to clone.
#[derive(Clone)]
struct Shared {
    parts: Arc<Parts>,
    seats: Arc<Semaphore>,
}

impl Shared {
    fn new(parts: Parts) -> Self {
        // A semaphore cannot hold more than its own limit.
        let seats = parts.config.most_waiting.min(Semaphore::MAX_PERMITS);
        Self { parts: Arc::new(parts), seats: Arc::new(Semaphore::new(seats)) }
    }

    fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.parts.directory.borrow())
    }
}

impl From<JournalError> for Problem {
    fn from(error: JournalError) -> Self {
        match &error {
            JournalError::Unavailable(_) => {
                tracing::warn!(error = %Chain(&error), "an HTTP request could not be answered");
                Self::unavailable("innfri cannot reach its journal now", COME_BACK_AFTER)
            }
            JournalError::Corrupt(_) => {
                tracing::error!(error = %Chain(&error), "an HTTP request could not be answered");
                Self::new(ProblemKind::Internal, "a person must look at innfri's journal")
            }
        }
    }
}

//! Watching a running installation: its metrics put together, the task that samples the journal, and
//! what it means to be ready.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use tokio::time::{MissedTickBehavior, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::channel::amqp::{self, AmqpSender, Consuming};
use crate::channel::watch::Readiness;
use crate::exchange;
use crate::journal::{self, Sample};
use crate::kernel::DeliveryId;
use crate::port::{Clock, Journal, JournalError};
use crate::telemetry::chain::Chain;

/// How often the journal is counted.
const SAMPLE_EVERY: Duration = Duration::from_secs(15);
/// How long the journal may take to answer and still count as there.
const JOURNAL_WITHIN: Duration = Duration::from_secs(2);

/// The metrics of every room.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    /// The exchange's.
    pub exchange: exchange::Metrics,
    /// The journal's.
    pub journal: journal::Metrics,
    /// The AMQP channel's.
    pub amqp: amqp::Metrics,
}

impl Metrics {
    /// All of them in one registry.
    pub fn registry(&self) -> Registry {
        let mut registry = Registry::default();
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("innfri_build", "Which innfri this is", build);
        self.exchange.register(&mut registry);
        self.journal.register(&mut registry);
        self.amqp.register(&mut registry);
        registry
    }
}

/// Samples the journal until `stop`.
pub async fn sample_until(
    journal: Arc<dyn Journal>,
    clock: Arc<dyn Clock>,
    metrics: journal::Metrics,
    stop: CancellationToken,
) {
    let mut look = tokio::time::interval(SAMPLE_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(look.tick()).await.is_some() {
        let sampling = sample(&*journal, &*clock);
        match stop.run_until_cancelled(sampling).await {
            Some(Ok(sample)) => metrics.sampled(Some(sample)),
            Some(Err(error)) => {
                tracing::warn!(error = %Chain(&error), "could not count what the journal holds");
                metrics.sampled(None);
            }
            None => return,
        }
    }
}

async fn sample(journal: &dyn Journal, clock: &dyn Clock) -> Result<Sample, JournalError> {
    let counts = journal.counts().await?;
    let oldest = journal.oldest_owed().await?;
    let age = oldest.map(|since| clock.now().duration_since(since).as_secs());
    Ok(Sample {
        counts,
        oldest_seconds: age.and_then(|age| u64::try_from(age).ok()).unwrap_or_default(),
        bytes: journal.size_bytes().await?,
    })
}

/// What a process needs to do its work.
pub struct Needs {
    /// The durable record.
    pub journal: Arc<dyn Journal>,
    /// RabbitMQ, where it is used.
    pub amqp: Option<(Arc<AmqpSender>, Consuming)>,
    /// Whether the process is stopping.
    pub stop: CancellationToken,
}

#[async_trait]
impl Readiness for Needs {
    async fn missing(&self) -> Vec<&'static str> {
        let mut missing = Vec::new();
        if self.stop.is_cancelled() {
            missing.push("stopping");
        }
        // A look at one row by its key: any answer will do.
        let nothing = DeliveryId::from_uuid(Uuid::nil());
        let asking = timeout(JOURNAL_WITHIN, self.journal.delivery(&nothing));
        if !matches!(asking.await, Ok(Ok(_))) {
            missing.push("journal");
        }
        if let Some((sender, consuming)) = &self.amqp {
            if sender.health().is_err() {
                missing.push("amqp sender");
            }
            if !consuming.is_whole() {
                missing.push("amqp consumer");
            }
        }
        missing
    }
}

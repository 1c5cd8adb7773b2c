//! Watching a running installation: its metrics put together, the task that samples the journal, and
//! what it means to be ready.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use tokio::time::{MissedTickBehavior, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::channel::amqp::{self, AmqpSender, Consuming};
use crate::channel::dsve;
use crate::channel::watch::Readiness;
use crate::exchange;
use crate::journal::{self, Sample};
use crate::kernel::DeliveryId;
use crate::port::{Clock, Journal, JournalError};
use crate::source::akeldo;
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
    /// What is told of AKELDO.
    pub akeldo: akeldo::metrics::Metrics,
    /// What is told of looking for files in Altinn.
    pub altinn: dsve::Metrics,
}

/// What an installation uses.
#[derive(Debug, Clone, Copy)]
pub struct Used {
    /// RabbitMQ.
    pub amqp: bool,
    /// AKELDO.
    pub akeldo: bool,
    /// Altinn.
    pub altinn: bool,
}

impl Metrics {
    /// All of them in one registry; those of RabbitMQ, AKELDO and Altinn only where they are used.
    pub fn registry(&self, used: &Used) -> Registry {
        let mut registry = Registry::default();
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("innfri_build", "Which innfri this is", build);
        self.exchange.register(&mut registry);
        self.journal.register(&mut registry);
        if used.amqp {
            self.amqp.register(&mut registry);
        }
        if used.akeldo {
            self.akeldo.register(&mut registry);
        }
        if used.altinn {
            self.altinn.register(&mut registry);
        }
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
    /// Whether everything has been put together.
    pub started: Arc<AtomicBool>,
}

#[async_trait]
impl Readiness for Needs {
    async fn missing(&self) -> Vec<&'static str> {
        let mut missing = Vec::new();
        if !self.started.load(Ordering::Relaxed) {
            missing.push("start");
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

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use prometheus_client::encoding::text::encode;

    use super::*;

    const TABLE: &str = include_str!("../../docs/observe.md");
    const ALERTS: &str = include_str!("../../deploy/observe/alerts.yml");
    const DASHBOARD: &str = include_str!("../../deploy/observe/dashboard.json");

    /// Kind and labels by name, as Prometheus is asked for them.
    type Described = BTreeMap<String, (String, BTreeSet<String>)>;

    fn all_that_is_told() -> Described {
        let metrics = Metrics::default();
        metrics.exchange.show_all();
        let mut text = String::new();
        encode(&mut text, &metrics.registry(&Used { amqp: true, akeldo: true, altinn: true }))
            .unwrap();
        let mut found = Described::new();
        let mut last = String::new();
        for line in text.lines() {
            if let Some(told) = line.strip_prefix("# TYPE ") {
                let (name, kind) = told.split_once(' ').unwrap();
                let tail = match kind {
                    "counter" => "_total",
                    "info" => "_info",
                    _ => "",
                };
                last = format!("{name}{tail}");
                found.insert(last.clone(), (kind.to_owned(), BTreeSet::new()));
            } else if let Some((_, labels)) = line.split_once('{') {
                let (labels, _) = labels.rsplit_once('}').unwrap();
                let names = labels.split("\",").filter_map(|label| label.split_once('='));
                let names = names.map(|(name, _)| name.to_owned()).filter(|name| name != "le");
                found.get_mut(&last).unwrap().1.extend(names);
            }
        }
        found
    }

    fn documented() -> Described {
        let rows = TABLE.lines().filter_map(|line| line.strip_prefix("| `")).filter_map(|line| {
            let (name, rest) = line.split_once("` | ")?;
            let mut cells = rest.split(" | ");
            let (kind, labels) = (cells.next()?, cells.next()?);
            let is_metric = ["counter", "gauge", "histogram", "info"].contains(&kind);
            let labels = labels.split(", ").filter(|label| *label != "–").map(str::to_owned);
            is_metric.then(|| (name.to_owned(), (kind.to_owned(), labels.collect())))
        });
        rows.collect()
    }

    fn names_in(text: &str) -> BTreeSet<String> {
        let words = text.split(|sign: char| !(sign.is_ascii_alphanumeric() || sign == '_'));
        let ours =
            words.filter(|word| word.starts_with("innfri_") || word.starts_with("messaging_"));
        ours.map(str::to_owned).collect()
    }

    #[test]
    fn the_table_of_metrics_says_what_the_program_tells() {
        assert_eq!(documented(), all_that_is_told());
    }

    #[test]
    fn alerts_and_dashboard_ask_for_metrics_that_there_are() {
        let told = all_that_is_told();
        let mut known: BTreeSet<String> = BTreeSet::new();
        for (name, (kind, labels)) in &told {
            known.extend(labels.iter().cloned());
            if kind == "histogram" {
                known.extend(["_bucket", "_sum", "_count"].map(|tail| format!("{name}{tail}")));
            } else {
                known.insert(name.clone());
            }
        }
        for (file, text) in [("alerts.yml", ALERTS), ("dashboard.json", DASHBOARD)] {
            let names = names_in(text);
            assert!(names.len() > 5, "{file} asks for nothing: {names:?}");
            let unknown: Vec<&String> = names.difference(&known).collect();
            assert!(unknown.is_empty(), "{file} asks for what is not told: {unknown:?}");
        }
        let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
        assert!(dashboard["panels"].as_array().is_some_and(|panels| panels.len() > 5));
    }

    #[test]
    fn what_rabbitmq_and_akeldo_would_tell_is_not_shown_where_they_are_not_used() {
        let mut text = String::new();
        encode(
            &mut text,
            &Metrics::default().registry(&Used { amqp: false, akeldo: false, altinn: false }),
        )
        .unwrap();
        assert!(!text.contains("innfri_akeldo"));
        assert!(!text.contains("innfri_amqp") && text.contains("innfri_journal_up"), "{text}");
    }
}

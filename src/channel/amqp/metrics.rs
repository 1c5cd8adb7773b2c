//! What the AMQP channel counts and times, by OpenTelemetry's names for messaging as Prometheus writes
//! them. docs/observe.md tells what each is for.
//!
//! Places are exchanges and queues of innfri's own, never a participant's.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::error::AmqpError;
use super::topology::{DELIVERIES, IN_ANSWERS, IN_DEAD, IN_REQUESTS};

const SYSTEM: &str = "rabbitmq";

/// Seconds: OpenTelemetry's advice for messaging.
const SECONDS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PurposeLabels {
    purpose: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    messaging_system: &'static str,
    messaging_operation_name: &'static str,
    messaging_destination_name: &'static str,
    /// The code of what went wrong; empty when nothing did.
    error_type: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QueueLabels {
    queue: &'static str,
}

type Timed = Family<OperationLabels, Histogram, fn() -> Histogram>;

/// The AMQP channel's metrics. Cheap to clone; clones count together.
#[derive(Debug, Clone)]
pub struct Metrics {
    connections: Family<PurposeLabels, Gauge>,
    sent: Family<OperationLabels, Counter>,
    consumed: Family<OperationLabels, Counter>,
    redelivered: Family<QueueLabels, Counter>,
    operation_seconds: Timed,
    process_seconds: Timed,
}

/// A connection that stands; dropped, it is counted no more.
#[derive(Debug)]
#[must_use = "a connection is counted for as long as this lives"]
pub(super) struct Connected(Gauge);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn seconds() -> Histogram {
    Histogram::new(SECONDS)
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            connections: Family::default(),
            sent: Family::default(),
            consumed: Family::default(),
            redelivered: Family::default(),
            operation_seconds: Family::new_with_constructor(seconds),
            process_seconds: Family::new_with_constructor(seconds),
        };
        metrics.begin_at_zero();
        metrics
    }
}

impl Metrics {
    /// Shows them in a registry.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "innfri_amqp_connections",
            "Connections to RabbitMQ that stand, by what they are for",
            self.connections.clone(),
        );
        registry.register(
            "messaging_client_sent_messages",
            "Messages published; without error_type, confirmed by RabbitMQ",
            self.sent.clone(),
        );
        registry.register(
            "messaging_client_consumed_messages",
            "Messages delivered by RabbitMQ",
            self.consumed.clone(),
        );
        registry.register(
            "innfri_amqp_redelivered_messages",
            "Messages delivered by RabbitMQ that it has delivered before",
            self.redelivered.clone(),
        );
        registry.register(
            "messaging_client_operation_duration_seconds",
            "Time from publishing a message's group to its last confirmation",
            self.operation_seconds.clone(),
        );
        registry.register(
            "messaging_process_duration_seconds",
            "Time to decide on a message and commit",
            self.process_seconds.clone(),
        );
    }

    /// Shows what has not happened yet as 0, so that a first time is seen as a rise.
    fn begin_at_zero(&self) {
        for purpose in ["sender", IN_REQUESTS, IN_ANSWERS, IN_DEAD] {
            drop(self.connections.get_or_create(&PurposeLabels { purpose }));
        }
        for error_type in ["", "unroutable", "refused", "timed_out", "unavailable"] {
            drop(self.sent.get_or_create(&operation("publish", DELIVERIES, error_type)));
        }
        drop(self.operation_seconds.get_or_create(&operation("publish", DELIVERIES, "")));
        for queue in [IN_REQUESTS, IN_ANSWERS, IN_DEAD] {
            drop(self.consumed.get_or_create(&operation("consume", queue, "")));
            drop(self.process_seconds.get_or_create(&operation("process", queue, "")));
            drop(self.redelivered.get_or_create(&QueueLabels { queue }));
        }
    }

    /// A connection stands.
    pub(super) fn connected(&self, purpose: &'static str) -> Connected {
        let gauge = self.connections.get_or_create(&PurposeLabels { purpose }).clone();
        gauge.inc();
        Connected(gauge)
    }

    /// A message was published, in a group that took so long.
    pub(super) fn published(
        &self,
        exchange: &'static str,
        result: &Result<(), AmqpError>,
        took: Duration,
    ) {
        let labels = operation("publish", exchange, result.as_ref().map_or_else(code, |()| ""));
        self.sent.get_or_create(&labels).inc();
        self.operation_seconds.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// A message was delivered to innfri.
    pub(super) fn consumed(&self, queue: &'static str, redelivered: bool) {
        self.consumed.get_or_create(&operation("consume", queue, "")).inc();
        if redelivered {
            self.redelivered.get_or_create(&QueueLabels { queue }).inc();
        }
    }

    /// A message was decided on, or could not be.
    pub(super) fn processed(&self, queue: &'static str, error_type: &'static str, took: Duration) {
        let labels = operation("process", queue, error_type);
        self.process_seconds.get_or_create(&labels).observe(took.as_secs_f64());
    }
}

const fn operation(
    name: &'static str,
    place: &'static str,
    error_type: &'static str,
) -> OperationLabels {
    OperationLabels {
        messaging_system: SYSTEM,
        messaging_operation_name: name,
        messaging_destination_name: place,
        error_type,
    }
}

/// The same codes as the dispatcher's, so that the two counts can be compared.
const fn code(error: &AmqpError) -> &'static str {
    match error {
        AmqpError::Unroutable(_) => "unroutable",
        AmqpError::Nacked(_) => "refused",
        AmqpError::Unconfirmed(_) => "timed_out",
        AmqpError::Setting { .. }
        | AmqpError::CaFile(_)
        | AmqpError::Unavailable(_)
        | AmqpError::Refused(_)
        | AmqpError::Topology { .. }
        | AmqpError::Unreadable(_) => "unavailable",
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;

    use super::*;

    fn shown(metrics: &Metrics) -> String {
        let mut registry = Registry::default();
        metrics.register(&mut registry);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        text
    }

    #[test]
    fn a_returned_message_is_counted_apart_and_names_no_queue() {
        let metrics = Metrics::default();
        let returned = Err(AmqpError::Unroutable("innfri.org.no.918190937.answers".into()));
        metrics.published(DELIVERIES, &returned, Duration::from_millis(3));
        let text = shown(&metrics);
        assert!(text.contains("error_type=\"unroutable\"} 1"), "{text}");
        assert!(!text.contains("918190937"), "{text}");
    }

    #[test]
    fn a_connection_is_counted_while_it_stands() {
        let metrics = Metrics::default();
        let line = |count: u8| format!("innfri_amqp_connections{{purpose=\"sender\"}} {count}");
        let connected = metrics.connected("sender");
        assert!(shown(&metrics).contains(&line(1)));
        drop(connected);
        assert!(shown(&metrics).contains(&line(0)));
    }
}

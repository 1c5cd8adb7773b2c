//! Sends what is owed to participants that are reached by AMQP.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::config::AmqpConfig;
use super::error::AmqpError;
use super::metrics::Metrics;
use super::properties;
use super::publish::{Parcel, Publisher};
use super::topology::{DELIVERIES, queue_of};
use crate::case::Delivery;
use crate::kernel::Login;
use crate::port::{Clock, Outgoing, SendError, Sender};
use crate::telemetry::trace::{About, Step};

/// Sends deliveries, each to the queue of its receiver, over one supervised connection. Groups may be
/// sent from many tasks at the same time.
pub struct AmqpSender {
    publisher: Publisher,
    user: Login,
    clock: Arc<dyn Clock>,
}

impl AmqpSender {
    /// Starts to connect, in the background and for ever. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// As for [`AmqpConfig::address`].
    pub fn start(
        config: AmqpConfig,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
    ) -> Result<Self, AmqpError> {
        let user = config.user()?;
        Ok(Self { publisher: Publisher::start(config, "sender", metrics)?, user, clock })
    }

    /// Waits until there is a connection. Sending does not need it: without a connection it says so.
    ///
    /// # Errors
    /// At once when waiting cannot help; else why there is still none.
    pub async fn ready(&self, patience: Duration) -> Result<(), AmqpError> {
        self.publisher.link().ready(patience).await
    }

    /// Whether there is a connection now, for health checks.
    ///
    /// # Errors
    /// Why there is none.
    pub fn health(&self) -> Result<(), AmqpError> {
        self.publisher.link().live().map(|_| ())
    }
}

#[async_trait]
impl Sender for AmqpSender {
    async fn send(&self, group: Vec<Outgoing>) -> Vec<Result<(), SendError>> {
        let now = self.clock.now();
        let (steps, parcels): (Vec<Step>, Vec<Parcel>) = group
            .into_iter()
            .map(|Outgoing { mut delivery, maybe_sent_since: _ }| {
                let routing_key = queue_of(&delivery.to, delivery.purpose);
                let step = step(&delivery, &routing_key);
                delivery.traceparent = step.traceparent();
                let parcel = Parcel {
                    exchange: DELIVERIES,
                    routing_key,
                    properties: properties::outgoing(&delivery, &self.user, now),
                    body: delivery.body.json,
                };
                (step, parcel)
            })
            .unzip();
        let results = self.publisher.publish(parcels).await;
        let results = results.into_iter().map(|result| result.map_err(send_error));
        let ended = |(step, result): (Step, Result<(), SendError>)| {
            step.end(result.as_ref().err().map(SendError::code));
            result
        };
        steps.into_iter().zip(results).map(ended).collect()
    }

    fn is_up(&self) -> bool {
        self.health().is_ok()
    }
}

/// The delivery's step in the trace that it carries on.
fn step(delivery: &Delivery, routing_key: &str) -> Step {
    let about = About {
        system: "rabbitmq",
        place: DELIVERIES,
        destination: &format!("{DELIVERIES}:{routing_key}"),
        message_type: Some(delivery.body.message_type.name()),
        message_id: Some(*delivery.id.as_uuid()),
        conversation_id: delivery.correlation_id.map(|id| *id.as_uuid()),
    };
    Step::send(&about, delivery.traceparent.as_deref())
}

/// What the dispatcher can do about it: only what speaks of one receiver may count against that one.
fn send_error(error: AmqpError) -> SendError {
    match error {
        AmqpError::Unroutable(queue) => SendError::Unroutable(queue),
        AmqpError::Nacked(queue) => SendError::Refused(format!("queue {queue} is full")),
        AmqpError::Unconfirmed(seconds) => SendError::TimedOut(seconds),
        AmqpError::Setting { .. }
        | AmqpError::CaFile(_)
        | AmqpError::Unavailable(_)
        | AmqpError::Refused(_)
        | AmqpError::Topology { .. }
        | AmqpError::Unreadable(_) => SendError::Unavailable(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_speaks_of_one_receiver_counts_against_it() {
        for error in [AmqpError::Unroutable("q".into()), AmqpError::Nacked("q".into())] {
            assert!(send_error(error).is_the_receivers());
        }
        let missing = AmqpError::Topology { what: "exchange".into(), problem: "missing".into() };
        for error in [missing, AmqpError::Refused("no".into())] {
            assert!(!send_error(error).is_the_receivers());
        }
    }
}

//! Takes messages in: one connection per intake queue, so that trouble with one does not touch the
//! others.
//!
//! A message is acknowledged only when [`Intake`] says that it is safe. When it cannot be kept now it
//! stays unacknowledged and is offered again, on the same channel, for as long as that lives; giving
//! it back (`nack`) would count towards its delivery limit on RabbitMQ 3.10. When anything of a
//! connection ends (the stream, the channel, an answer that does not come), all of it is dropped and a
//! new one is made, until told to stop.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use lapin::message::Delivery;
use lapin::options::{
    BasicCancelOptions, BasicConsumeOptions, BasicQosOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{Channel, Connection};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::config::AmqpConfig;
use super::connection::{self, Backoff, within};
use super::error::AmqpError;
use super::metrics::Metrics;
use super::properties;
use super::settle::{Ledger, Settled, settle};
use super::topology::{IN_ANSWERS, IN_DEAD, IN_REQUESTS, short};
use crate::kernel::Incoming;
use crate::port::{Clock, Intake, IntakeError};

/// How often a quiet channel is asked whether it still lives and still consumes.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Milliseconds between offers of a message that could not be kept: the first pause, and the longest.
const OFFER_AGAIN_MS: (u64, u64) = (100, 5000);
/// How long messages are taken one at a time after one of them broke the connection: so that the
/// delivery limit counts against that one and not against its innocent neighbours.
const CAREFUL_FOR: Duration = Duration::from_secs(30);

/// Takes messages from innfri's intake queues.
pub struct Consumer {
    config: AmqpConfig,
    intake: Arc<dyn Intake>,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    consuming: Consuming,
}

/// The intake queues; each has a connection of its own.
const QUEUES: [&str; 3] = [IN_REQUESTS, IN_ANSWERS, IN_DEAD];

/// Tells whether messages are taken in, for health checks.
#[derive(Debug, Clone, Default)]
pub struct Consuming {
    queues: Arc<AtomicUsize>,
}

impl Consuming {
    /// Whether every intake queue is consumed from.
    pub fn is_whole(&self) -> bool {
        self.queues.load(Ordering::Relaxed) == QUEUES.len()
    }

    /// One queue more, for as long as the value lives.
    fn one_more(&self) -> OneMore {
        self.queues.fetch_add(1, Ordering::Relaxed);
        OneMore(Arc::clone(&self.queues))
    }
}

struct OneMore(Arc<AtomicUsize>);

impl Drop for OneMore {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One intake queue.
#[derive(Clone)]
struct Lane {
    queue: &'static str,
    config: AmqpConfig,
    intake: Arc<dyn Intake>,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    consuming: Consuming,
    stop: CancellationToken,
}

impl Consumer {
    /// A consumer that hands over to `intake`.
    ///
    /// # Errors
    /// As for [`AmqpConfig::address`].
    pub fn new(
        config: AmqpConfig,
        intake: Arc<dyn Intake>,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
    ) -> Result<Self, AmqpError> {
        config.address()?;
        Ok(Self { config, intake, clock, metrics, consuming: Consuming::default() })
    }

    /// Tells from now on whether messages are taken in.
    pub fn consuming(&self) -> Consuming {
        self.consuming.clone()
    }

    /// Takes messages in until told to stop; then takes no new ones, finishes those under way,
    /// acknowledges them and closes. Never ends before, whatever happens to RabbitMQ.
    pub async fn run(&self, stop: CancellationToken) {
        let mut lanes = JoinSet::new();
        for queue in QUEUES {
            let lane = Lane {
                queue,
                config: self.config.clone(),
                intake: Arc::clone(&self.intake),
                clock: Arc::clone(&self.clock),
                metrics: self.metrics.clone(),
                consuming: self.consuming.clone(),
                stop: stop.clone(),
            };
            lanes.spawn(async move { lane.keep().await });
        }
        while lanes.join_next().await.is_some() {}
    }
}

impl Lane {
    /// Serves connection after connection.
    async fn keep(&self) {
        let mut backoff = Backoff::of(&self.config);
        let mut careful = false;
        while !self.stop.is_cancelled() {
            let started = Instant::now();
            let served = AssertUnwindSafe(self.serve(careful)).catch_unwind().await;
            if started.elapsed() > LOOK_EVERY {
                backoff.reset();
            }
            match served {
                Ok(Ok(())) => {
                    careful = false;
                    continue;
                }
                Ok(Err(error)) => {
                    careful = careful || matches!(error, AmqpError::Unreadable(_));
                    tracing::warn!(queue = self.queue, %error, "not consuming; trying again");
                }
                Err(_) => {
                    careful = true;
                    tracing::error!(queue = self.queue, "taking a message in panicked");
                }
            }
            self.stop.run_until_cancelled(sleep(backoff.pause())).await;
        }
    }

    /// Serves one connection until it ends (an error), or until told to stop.
    async fn serve(&self, careful: bool) -> Result<(), AmqpError> {
        let opening = connection::open(&self.config, self.queue);
        let Some(connection) = self.stop.run_until_cancelled(opening).await else { return Ok(()) };
        let connection = connection?;
        let _connected = self.metrics.connected(self.queue);
        let served = self.serve_on(&connection, careful).await;
        connection::close(&connection).await;
        served
    }

    async fn serve_on(&self, connection: &Connection, careful: bool) -> Result<(), AmqpError> {
        let channel = connection::channel(connection, &self.config).await?;
        let prefetch = if careful { 1 } else { self.config.prefetch };
        let doing = format!("consuming from {}", self.queue);
        let qos = channel.basic_qos(prefetch, BasicQosOptions::default());
        within(&self.config, &doing, qos).await?;
        let consuming = channel.basic_consume(
            short(self.queue)?,
            "".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let consumer = within(&self.config, &doing, consuming).await?;
        tracing::info!(queue = self.queue, prefetch, "consuming");
        let _consuming = self.consuming.one_more();
        let draining = AtomicBool::new(false);
        tokio::select! {
            ended = self.pump(&channel, consumer, careful, &draining) => ended,
            error = self.look(&channel, &draining) => Err(error),
        }
    }

    /// Takes messages in, many at the same time, and acknowledges what is safe.
    async fn pump(
        &self,
        channel: &Channel,
        mut consumer: lapin::Consumer,
        careful: bool,
        draining: &AtomicBool,
    ) -> Result<(), AmqpError> {
        let most = if careful { 1 } else { usize::from(self.config.prefetch) };
        let mut ledger = Ledger::new();
        let mut in_flight = FuturesUnordered::new();
        let mut enough = std::pin::pin!(self.enough(careful));
        loop {
            let drains = draining.load(Ordering::Relaxed);
            if drains && in_flight.is_empty() {
                return Ok(());
            }
            tokio::select! {
                () = &mut enough, if !drains => {
                    draining.store(true, Ordering::Relaxed);
                    let cancel = channel.basic_cancel(consumer.tag(), BasicCancelOptions::default());
                    within(&self.config, "ending consumption", cancel).await?;
                }
                next = consumer.next(), if !drains && in_flight.len() < most => match next {
                    Some(Ok(delivery)) => {
                        let Delivery { delivery_tag, properties, data, acker, redelivered, .. } =
                            delivery;
                        self.metrics.consumed(self.queue, redelivered);
                        ledger.delivered(delivery_tag, acker);
                        let now = self.clock.now();
                        let incoming = properties::incoming(self.queue, &properties, data, now);
                        in_flight.push(async move { (delivery_tag, self.offer(incoming).await) });
                    }
                    Some(Err(error)) => return Err(AmqpError::of("consuming", &error)),
                    None => {
                        return Err(AmqpError::Unavailable("RabbitMQ ended the consumption".into()));
                    }
                },
                Some(first) = in_flight.next() => {
                    let mut safe = Vec::new();
                    let mut done = Some(first);
                    while let Some((tag, taken)) = done {
                        safe.extend(taken.then_some(tag));
                        done = in_flight.next().now_or_never().flatten();
                    }
                    for due in ledger.safe(&safe) {
                        if settle(&due.acker, due.multiple).await == Settled::WillBeRedelivered {
                            return Err(AmqpError::Unavailable("the channel has gone".into()));
                        }
                    }
                }
            }
        }
    }

    /// Waits until no more messages are to be taken from this connection.
    async fn enough(&self, careful: bool) {
        if careful {
            self.stop.run_until_cancelled(sleep(CAREFUL_FOR)).await;
        } else {
            self.stop.cancelled().await;
        }
    }

    /// Offers a message until it is safe (`true`), or until it must be left to be delivered again.
    async fn offer(&self, incoming: Incoming) -> bool {
        let mut backoff = Backoff::new(OFFER_AGAIN_MS.0, OFFER_AGAIN_MS.1);
        loop {
            let offered = incoming.clone();
            let began = Instant::now();
            let taken = if self.queue == IN_DEAD {
                self.intake.keep_dead(offered).await
            } else {
                self.intake.take(offered).await
            };
            let error_type = taken.as_ref().err().map_or("", IntakeError::code);
            self.metrics.processed(self.queue, error_type, began.elapsed());
            match taken {
                Ok(_) => return true,
                Err(IntakeError::Stopping) => return false,
                Err(IntakeError::Unavailable) => {
                    let pause = sleep(backoff.pause());
                    if self.stop.run_until_cancelled(pause).await.is_none() {
                        return false;
                    }
                }
            }
        }
    }

    /// Returns when the channel does not answer, the queue is gone, or nobody consumes from it any
    /// more: each has been seen without the stream ending.
    async fn look(&self, channel: &Channel, draining: &AtomicBool) -> AmqpError {
        loop {
            sleep(LOOK_EVERY).await;
            let name = match short(self.queue) {
                Ok(name) => name,
                Err(error) => return error,
            };
            let options = QueueDeclareOptions { passive: true, ..Default::default() };
            let asking = channel.queue_declare(name, options, FieldTable::default());
            match within(&self.config, &format!("looking at {}", self.queue), asking).await {
                Ok(queue) if queue.consumer_count() == 0 && !draining.load(Ordering::Relaxed) => {
                    return AmqpError::Unavailable("RabbitMQ has forgotten the consumer".into());
                }
                Ok(_) => {}
                Err(error) => return error,
            }
        }
    }
}

//! The other side of the wire: what a program needs that speaks as a participant. Used by
//! `innfri send` and `innfri bank`, and by tests.

use std::time::Duration;

use futures_util::StreamExt;
use lapin::options::{BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Acker, Channel, Connection};
use tokio::time::{sleep, timeout};

use super::config::AmqpConfig;
use super::connection::{self, Backoff, within};
use super::error::AmqpError;
use super::metrics::Metrics;
use super::properties::{self, CASE, REVISION, Said, TRACEPARENT, given};
use super::publish::{Entrance, Parcel, Publisher};
use super::settle::{Settled, settle};
use super::topology::short;
use crate::kernel::{Login, Secret};
use crate::port::{Clock, SystemClock};

/// How often a quiet channel is asked whether it still lives.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// A participant's connection to RabbitMQ; it is made again whenever it breaks.
pub struct Peer {
    config: AmqpConfig,
    publisher: Publisher,
    user: Login,
}

/// A message to be published. The user id, the content type and the time are added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeerMessage {
    /// Such as `no.dsve.status.v1`.
    pub message_type: String,
    /// A UUID made by the sender; needed, since it is also how an unroutable message is recognised.
    pub message_id: String,
    /// In an answer or status: the message id of the request.
    pub correlation_id: Option<String>,
    /// W3C trace context to carry on.
    pub traceparent: Option<String>,
    /// The sending system.
    pub app_id: String,
    /// The JSON.
    pub body: Vec<u8>,
}

impl Peer {
    /// Connects as the address's user, all else by default.
    ///
    /// # Errors
    /// When there is no connection within ten seconds.
    pub async fn connect(url: &Secret) -> Result<Self, AmqpError> {
        Self::connect_with(AmqpConfig::new(url.clone())).await
    }

    /// Connects with these settings.
    ///
    /// # Errors
    /// When there is no connection within `connect_timeout_seconds`.
    pub async fn connect_with(config: AmqpConfig) -> Result<Self, AmqpError> {
        let user = config.user()?;
        let publisher = Publisher::start(config.clone(), "peer", Metrics::default())?;
        publisher.link().ready(config.connect_timeout()).await?;
        Ok(Self { config, publisher, user })
    }

    /// As whom it is connected.
    pub const fn user(&self) -> &Login {
        &self.user
    }

    /// Publishes one message and waits for its confirmation.
    ///
    /// # Errors
    /// Whenever the message is not certainly in a queue; it may be published again.
    pub async fn publish(&self, to: Entrance, message: PeerMessage) -> Result<(), AmqpError> {
        self.publish_all(to, vec![message]).await.pop().unwrap_or(Ok(()))
    }

    /// Publishes a group and tells, in the same order, what became of each.
    pub async fn publish_all(
        &self,
        to: Entrance,
        messages: Vec<PeerMessage>,
    ) -> Vec<Result<(), AmqpError>> {
        let now = SystemClock.now();
        let parcel = |message: PeerMessage| {
            let said = Said {
                message_type: message.message_type,
                message_id: message.message_id,
                correlation_id: message.correlation_id,
                traceparent: message.traceparent,
                app_id: message.app_id,
            };
            Parcel {
                exchange: to.exchange(),
                routing_key: String::new(),
                properties: said.properties(&self.user, now, FieldTable::default()),
                body: message.body,
            }
        };
        self.publisher.publish(messages.into_iter().map(parcel).collect()).await
    }

    /// Consumes from a queue, over a connection of its own.
    ///
    /// # Errors
    /// When the queue does not exist, may not be read, or cannot be reached now. Later interruptions
    /// are not errors: the inbox connects again.
    pub async fn consume(&self, queue: &str) -> Result<Inbox, AmqpError> {
        let flow = Flow::open(&self.config, queue).await?;
        Ok(Inbox { config: self.config.clone(), queue: queue.to_owned(), flow: Some(flow) })
    }
}

/// A queue that is consumed from, for as long as this value lives.
pub struct Inbox {
    config: AmqpConfig,
    queue: String,
    flow: Option<Flow>,
}

struct Flow {
    // Kept for as long as the channel is used.
    _connection: Connection,
    channel: Channel,
    consumer: lapin::Consumer,
}

/// A message that was delivered. Until it is acknowledged RabbitMQ keeps it, and delivers it again if
/// the connection breaks.
#[derive(Debug)]
pub struct Received {
    /// What it is.
    pub message_type: Option<String>,
    /// Its sender's name for it: the same for a repeat.
    pub message_id: Option<String>,
    /// What it answers.
    pub correlation_id: Option<String>,
    /// W3C trace context to carry on.
    pub traceparent: Option<String>,
    /// Who published it.
    pub user_id: Option<Login>,
    /// innfri's case.
    pub case: Option<String>,
    /// For an outcome: which one of the case, from 1.
    pub revision: Option<u64>,
    /// Whether it was delivered before.
    pub redelivered: bool,
    /// The body.
    pub body: Vec<u8>,
    acker: Acker,
}

impl Received {
    /// Acknowledges the message: RabbitMQ forgets it.
    pub async fn ack(self) -> Settled {
        settle(&self.acker, false).await
    }
}

impl Flow {
    async fn open(config: &AmqpConfig, queue: &str) -> Result<Self, AmqpError> {
        let connection = connection::open(config, "peer inbox").await?;
        let channel = connection::channel(&connection, config).await?;
        let doing = format!("consuming from {queue}");
        let qos = channel.basic_qos(config.prefetch, BasicQosOptions::default());
        within(config, &doing, qos).await?;
        let consuming = channel.basic_consume(
            short(queue)?,
            "".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let consumer = within(config, &doing, consuming).await?;
        Ok(Self { _connection: connection, channel, consumer })
    }
}

impl Inbox {
    /// The next message, however long it takes and however often the connection must be made again.
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Received {
        let mut backoff = Backoff::of(&self.config);
        loop {
            let Some(flow) = &mut self.flow else {
                match Flow::open(&self.config, &self.queue).await {
                    Ok(flow) => self.flow = Some(flow),
                    Err(error) => {
                        tracing::warn!(queue = self.queue, %error, "not consuming; trying again");
                        sleep(backoff.pause()).await;
                    }
                }
                continue;
            };
            match timeout(LOOK_EVERY, flow.consumer.next()).await {
                Ok(Some(Ok(delivery))) => return received(delivery),
                Ok(Some(Err(_)) | None) => {
                    self.flow = None;
                    sleep(backoff.pause()).await;
                }
                Err(_) => {
                    let qos =
                        flow.channel.basic_qos(self.config.prefetch, BasicQosOptions::default());
                    if within(&self.config, "looking at the channel", qos).await.is_err() {
                        self.flow = None;
                    }
                }
            }
        }
    }
}

fn received(delivery: lapin::message::Delivery) -> Received {
    let properties = &delivery.properties;
    Received {
        message_type: given(properties.kind().as_ref()),
        message_id: given(properties.message_id().as_ref()),
        correlation_id: given(properties.correlation_id().as_ref()),
        traceparent: properties::header(properties, TRACEPARENT),
        user_id: given(properties.user_id().as_ref()).map(Login::new),
        case: properties::header(properties, CASE),
        revision: properties::number(properties, REVISION),
        redelivered: delivery.redelivered,
        body: delivery.data,
        acker: delivery.acker,
    }
}

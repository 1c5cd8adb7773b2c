//! A participant as its own system would be written: publishes with confirms, reads its queue with
//! acknowledgements, and reconnects whenever the connection breaks. It shares no code with innfri.

use std::time::{Duration, Instant};

use lapin::options::{BasicAckOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};
use serde_json::Value;

/// One side of the exchange.
pub struct Participant {
    url: String,
    user: String,
    link: Option<(Connection, Channel)>,
}

/// A message that was read from a queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Mail {
    pub message_type: String,
    pub message_id: String,
    pub correlation_id: Option<String>,
    pub body: Vec<u8>,
}

impl Mail {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("what innfri sends is JSON")
    }
}

/// What to publish.
#[derive(Debug, Clone, Default)]
pub struct Letter {
    pub message_type: Option<String>,
    pub message_id: Option<String>,
    pub correlation_id: Option<String>,
    pub content_type: Option<String>,
    /// Whether to say who sends it; on by default through [`Letter::of`].
    pub signed: bool,
    pub body: Vec<u8>,
}

impl Letter {
    pub fn of(message_type: &str, message_id: &str, body: &Value) -> Self {
        Self {
            message_type: Some(message_type.into()),
            message_id: Some(message_id.into()),
            correlation_id: None,
            content_type: Some("application/json".into()),
            signed: true,
            body: serde_json::to_vec(body).unwrap(),
        }
    }

    pub fn answering(self, mail: &Mail) -> Self {
        Self { correlation_id: Some(mail.message_id.clone()), ..self }
    }
}

impl Participant {
    pub fn new(url: &str, user: &str) -> Self {
        Self { url: url.to_owned(), user: user.to_owned(), link: None }
    }

    async fn channel(&mut self) -> Result<Channel, lapin::Error> {
        if let Some((connection, channel)) = &self.link
            && connection.status().connected()
            && channel.status().connected()
        {
            return Ok(channel.clone());
        }
        self.link = None;
        let connection = Connection::connect(&self.url, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        self.link = Some((connection, channel.clone()));
        Ok(channel)
    }

    async fn try_publish(&mut self, exchange: &str, letter: &Letter) -> Result<bool, lapin::Error> {
        let channel = self.channel().await?;
        let mut properties = BasicProperties::default().with_delivery_mode(2);
        if let Some(text) = &letter.message_type {
            properties = properties.with_type(text.as_str().into());
        }
        if let Some(text) = &letter.message_id {
            properties = properties.with_message_id(text.as_str().into());
        }
        if let Some(text) = &letter.correlation_id {
            properties = properties.with_correlation_id(text.as_str().into());
        }
        if let Some(text) = &letter.content_type {
            properties = properties.with_content_type(text.as_str().into());
        }
        if letter.signed {
            properties = properties.with_user_id(self.user.as_str().into());
        }
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let confirm = channel
            .basic_publish(exchange.into(), "".into(), options, &letter.body, properties)
            .await?;
        Ok(matches!(confirm.await?, Confirmation::Ack(None)))
    }

    /// Publishes until it is confirmed. After this, the message must have its effect.
    pub async fn publish(&mut self, exchange: &str, letter: &Letter, patience: Duration) {
        let until = Instant::now() + patience;
        loop {
            let attempt =
                tokio::time::timeout(Duration::from_secs(10), self.try_publish(exchange, letter));
            match attempt.await {
                Ok(Ok(true)) => return,
                other => {
                    self.link = None;
                    assert!(Instant::now() < until, "not confirmed: {other:?}");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        }
    }

    async fn try_next(&mut self, queue: &str) -> Result<Option<Mail>, lapin::Error> {
        let channel = self.channel().await?;
        let got = channel.basic_get(queue.into(), BasicGetOptions::default()).await?;
        let Some(got) = got else { return Ok(None) };
        let properties = &got.delivery.properties;
        let text = |value: &Option<lapin::types::ShortString>| {
            value.as_ref().map(|text| text.as_str().to_owned())
        };
        let mail = Mail {
            message_type: text(properties.kind()).unwrap_or_default(),
            message_id: text(properties.message_id()).unwrap_or_default(),
            correlation_id: text(properties.correlation_id()),
            body: got.delivery.data.clone(),
        };
        channel.basic_ack(got.delivery.delivery_tag, BasicAckOptions::default()).await?;
        Ok(Some(mail))
    }

    /// The next message of a queue, or `None` when nothing comes in time. A message whose
    /// acknowledgement was lost comes again: drop repeats by message id.
    pub async fn next(&mut self, queue: &str, patience: Duration) -> Option<Mail> {
        let until = Instant::now() + patience;
        loop {
            let attempt = tokio::time::timeout(Duration::from_secs(10), self.try_next(queue));
            match attempt.await {
                Ok(Ok(Some(mail))) => return Some(mail),
                Ok(Ok(None)) => {}
                _ => self.link = None,
            }
            if Instant::now() >= until {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

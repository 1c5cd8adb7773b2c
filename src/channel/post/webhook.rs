//! Webhooks as Standard Webhooks has them (<https://www.standardwebhooks.com>): signed with every secret
//! in force, so that a receiver can change its secret without missing anything.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::Sha256;

use super::client::Wire;
use super::error::PostError;
use super::group::Pace;
use super::refusal::{Finality, of_status};
use crate::case::Delivery;
use crate::channel::outward::answer::status_words;
use crate::channel::outward::{OutwardError, secret_of};
use crate::directory::Webhook;
use crate::port::{Clock, Outgoing, SendError, Sender};

/// Bytes of a secret (Standard Webhooks, "Symmetric").
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// One webhook, as a way to send to.
pub struct WebhookSender {
    wire: Wire,
    keys: Vec<Key>,
    pace: Pace,
    clock: Arc<dyn Clock>,
}

/// A secret, ready to sign; the secret itself is not kept.
struct Key(Hmac<Sha256>);

/// What is posted.
#[derive(Serialize)]
struct Event<'a> {
    r#type: &'static str,
    timestamp: Timestamp,
    data: Message<'a>,
}

/// The message, in the form in which a mailbox hands it out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    id: String,
    r#type: &'static str,
    message_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    case_id: Option<String>,
    purpose: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<u32>,
    to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    /// Byte for byte as it was checked.
    body: &'a RawValue,
}

impl WebhookSender {
    /// The way to a webhook. Secrets and certificates are read from their files now; to change them,
    /// open it anew.
    ///
    /// # Errors
    /// When its address, a file or a secret is not right.
    pub fn open(webhook: &Webhook, pace: Pace, clock: Arc<dyn Clock>) -> Result<Self, PostError> {
        let target = &webhook.target;
        let wire = Wire::open(target, ("webhook.target.url", &target.url), None, &pace)?;
        if webhook.secret_files.is_empty() {
            return Err(PostError::NoSecret);
        }
        let keys = webhook.secret_files.iter().map(|file| Key::read(file));
        Ok(Self { wire, keys: keys.collect::<Result<_, _>>()?, pace, clock })
    }

    async fn send_one(&self, delivery: Delivery) -> Result<(), SendError> {
        let now = self.clock.now();
        let body = event(&delivery, now)?;
        let (id, seconds) = (delivery.id.to_string(), now.as_second().to_string());
        let request = self
            .wire
            .post()
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", &seconds)
            .header("webhook-signature", signatures(&self.keys, &id, &seconds, &body))
            .body(body);
        let response = self.wire.in_time(self.wire.send(request)).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        // A webhook's own words are never told on: it may answer with what it was sent.
        let mut words = status_words(status);
        let mut finality = Finality::TriedAgain;
        if status == StatusCode::GONE {
            words.push_str(" (the endpoint is gone; change it in the directory)");
            finality = Finality::ForGood;
        }
        Err(of_status(status, response.headers(), words, finality, self.clock.now()))
    }
}

#[async_trait]
impl Sender for WebhookSender {
    async fn send(&self, group: Vec<Outgoing>) -> Vec<Result<(), SendError>> {
        self.pace.send(group, self.wire.timeout, |delivery| self.send_one(delivery)).await
    }
}

impl Key {
    fn read(path: &Path) -> Result<Self, PostError> {
        let wanted = "a webhook secret: whsec_ and the base64 of 24 to 64 random bytes";
        let unfit = || PostError::from(OutwardError::Unfit { path: path.to_owned(), wanted });
        let secret = secret_of(path)?;
        let encoded = secret.expose().strip_prefix("whsec_").ok_or_else(unfit)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| unfit())?;
        if !SECRET_BYTES.contains(&bytes.len()) {
            return Err(unfit());
        }
        Hmac::new_from_slice(&bytes).map(Self).map_err(|_| unfit())
    }

    fn sign(&self, id: &str, seconds: &str, body: &[u8]) -> String {
        let mut mac = self.0.clone();
        for part in [id.as_bytes(), b".", seconds.as_bytes(), b".", body] {
            mac.update(part);
        }
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

fn signatures(keys: &[Key], id: &str, seconds: &str, body: &[u8]) -> String {
    keys.iter().map(|key| key.sign(id, seconds, body)).collect::<Vec<_>>().join(" ")
}

/// What is posted for a delivery. innfri checked the body on the way in, or made it, so a failure is an
/// error of innfri's own; the parser's text may quote it, and is not passed on.
fn event(delivery: &Delivery, now: Timestamp) -> Result<Vec<u8>, SendError> {
    let unreadable = || SendError::Refused("the message cannot be read".to_owned());
    let body: &RawValue = serde_json::from_slice(&delivery.body.json).map_err(|_| unreadable())?;
    let name = delivery.body.message_type.name();
    let revision = delivery.purpose.revision();
    let data = Message {
        id: delivery.id.to_string(),
        r#type: name,
        message_id: delivery.id.to_string(),
        correlation_id: delivery.correlation_id.map(|id| id.to_string()),
        case_id: delivery.case.map(|id| id.to_string()),
        purpose: delivery.purpose.name(),
        revision: (revision > 0).then_some(revision),
        to: delivery.to.to_string(),
        traceparent: delivery.traceparent.as_deref(),
        body,
    };
    serde_json::to_vec(&Event { r#type: name, timestamp: now, data }).map_err(|_| unreadable())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Result<Key, PostError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        std::fs::write(&file, text).unwrap();
        Key::read(&file)
    }

    /// The example of the Standard Webhooks reference libraries.
    #[test]
    fn the_published_example_is_signed_alike() {
        let key = key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
        let signed =
            key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", br#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[rstest::rstest]
    #[case::no_prefix("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    #[case::not_base64("whsec_hunter2!")]
    #[case::too_short("whsec_MfKQ9r8G")]
    #[case::empty("")]
    #[case::two_lines("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\nwhsec_x")]
    fn a_secret_of_another_form_is_refused_and_not_quoted(#[case] text: &str) {
        let error = key(text).err().unwrap();
        let told = format!("{error} {error:?}");
        assert!(told.contains("secret") && !told.contains("MfKQ") && !told.contains("hunter"));
    }
}

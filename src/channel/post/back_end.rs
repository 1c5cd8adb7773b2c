//! A bank's own REST back-end: each question is posted to it, and what it answers at once is handed in
//! like an answer by any other way.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::client::Wire;
use super::error::PostError;
use super::group::Pace;
use super::oauth::Tokens;
use super::refusal::{Finality, is_of_type, of_status, problem_words};
use crate::case::{Delivery, Purpose};
use crate::directory::BackEnd;
use crate::kernel::{ChannelName, Incoming, Login, MessageId, OrganisationId};
use crate::port::{Clock, Intake, IntakeError, Outgoing, SendError, Sender};

/// A message with its properties in one JSON object.
const WHOLE_MESSAGE: &str = "application/vnd.innfri.message+json";
const JSON: &str = "application/json";
const MESSAGE_TYPE: &str = "innfri-message-type";
const MESSAGE_ID: &str = "innfri-message-id";

/// Statuses from 400 to 499 that tell of the moment, not of the message.
const OF_THE_MOMENT: [StatusCode; 3] =
    [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];

/// One bank's back-end, as a way to send to.
pub struct BackEndSender {
    bank: OrganisationId,
    wire: Wire,
    tokens: Option<Tokens>,
    retry_statuses: BTreeSet<u16>,
    pace: Pace,
    login: Login,
    intake: Arc<dyn Intake>,
    clock: Arc<dyn Clock>,
}

/// What a back-end answered at once.
struct Answer {
    message_type: Option<String>,
    message_id: Option<String>,
    traceparent: Option<String>,
    body: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WholeMessage<'a> {
    r#type: String,
    message_id: Option<String>,
    traceparent: Option<String>,
    #[serde(borrow)]
    body: &'a RawValue,
}

impl BackEndSender {
    /// The way to a bank's back-end. Secrets and certificates are read from their files now; to change
    /// them, open it anew. The login is the one under which its answers are handed in; the directory
    /// must let it speak for the bank.
    ///
    /// # Errors
    /// When an address or a file is not right.
    pub fn open(
        bank: OrganisationId,
        back_end: &BackEnd,
        pace: Pace,
        login: Login,
        intake: Arc<dyn Intake>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PostError> {
        let (target, identity) = (&back_end.target, back_end.identity_file.as_deref());
        let wire = Wire::open(target, ("http.target.url", &target.url), identity, &pace)?;
        let tokens = back_end.token.as_ref();
        let tokens =
            tokens.map(|token| Tokens::open(target, token, identity, &pace)).transpose()?;
        let retry_statuses = back_end.retry_statuses.clone();
        Ok(Self { bank, wire, tokens, retry_statuses, pace, login, intake, clock })
    }

    async fn send_one(&self, delivery: Delivery) -> Result<(), SendError> {
        // Handing in is innfri's own affair, so it does not count against the receiver's time.
        match self.wire.in_time(self.ask(&delivery)).await? {
            Some(answer) => self.hand_in(delivery, answer).await,
            None => Ok(()),
        }
    }

    /// Posts a message; `None` when there is no answer, or it comes later by another way.
    async fn ask(&self, delivery: &Delivery) -> Result<Option<Answer>, SendError> {
        let response = self.post(delivery).await?;
        let status = response.status();
        if !status.is_success() {
            let headers = response.headers().clone();
            let words = problem_words(&self.wire, response).await;
            let (finality, now) = (self.finality(status), self.clock.now());
            return Err(of_status(status, &headers, words, finality, now));
        }
        if status != StatusCode::OK || delivery.purpose != Purpose::Request {
            return Ok(None);
        }
        self.read(response).await
    }

    /// Posts it with a token where one is wanted, and once more with a fresh one where it was refused.
    async fn post(&self, delivery: &Delivery) -> Result<Response, SendError> {
        let request = || described(self.wire.post(), delivery).body(delivery.body.json.clone());
        let Some(tokens) = &self.tokens else { return self.wire.send(request()).await };
        let token = tokens.get().await?;
        let response = self.wire.send(request().bearer_auth(token.bearer.expose())).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        tokens.drop(&token).await;
        let token = tokens.get().await?;
        self.wire.send(request().bearer_auth(token.bearer.expose())).await
    }

    fn finality(&self, status: StatusCode) -> Finality {
        let again = !status.is_client_error()
            || OF_THE_MOMENT.contains(&status)
            || self.retry_statuses.contains(&status.as_u16());
        if again { Finality::TriedAgain } else { Finality::ForGood }
    }

    /// Reads what a back-end answered. What is JSON is handed in, however wrong: the bank is told then.
    async fn read(&self, response: Response) -> Result<Option<Answer>, SendError> {
        let headers = response.headers().clone();
        let text = |name: &str| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.map(|value| value.trim().to_owned())
        };
        let body = self.wire.read(response).await?;
        if body.is_empty() {
            return Ok(None);
        }
        if is_of_type(&headers, WHOLE_MESSAGE) {
            return Ok(Some(whole_message(body)));
        }
        if !is_of_type(&headers, JSON) {
            return Err(SendError::Refused("it answered 200 with something else than JSON".into()));
        }
        let (message_type, message_id) = (text(MESSAGE_TYPE), text(MESSAGE_ID));
        Ok(Some(Answer { message_type, message_id, traceparent: text("traceparent"), body }))
    }

    /// Hands an answer in. The question counts as sent once that is safe; a crash before it asks the
    /// bank again, and the same answer has the same name.
    async fn hand_in(&self, delivery: Delivery, answer: Answer) -> Result<(), SendError> {
        let message_id = answer.message_id.unwrap_or_else(|| {
            let message_type = answer.message_type.as_deref().unwrap_or_default();
            let asked = delivery.id.to_string();
            MessageId::of_content(&asked, message_type, &answer.body).to_string()
        });
        let incoming = Incoming {
            channel: ChannelName::Http,
            source: format!("back-end of {}", self.bank),
            login: Some(self.login.clone()),
            message_type: answer.message_type,
            message_id: Some(message_id),
            correlation_id: Some(delivery.id.to_string()),
            content_type: Some(JSON.to_owned()),
            traceparent: answer.traceparent.or(delivery.traceparent),
            deaths: Vec::new(),
            findings: Vec::new(),
            received_at: self.clock.now(),
            body: answer.body,
        };
        match self.intake.take(incoming).await {
            // Whatever was decided about it, the bank has said its word; a rejection follows by its
            // own delivery.
            Ok(_) => Ok(()),
            Err(error @ (IntakeError::Unavailable | IntakeError::Stopping)) => {
                Err(SendError::Unavailable(error.to_string()))
            }
        }
    }
}

#[async_trait]
impl Sender for BackEndSender {
    async fn send(&self, group: Vec<Outgoing>) -> Vec<Result<(), SendError>> {
        self.pace.send(group, self.wire.timeout, |delivery| self.send_one(delivery)).await
    }
}

/// A request with what there is to know of a message.
fn described(request: RequestBuilder, delivery: &Delivery) -> RequestBuilder {
    let accepted =
        "application/json, application/vnd.innfri.message+json, application/problem+json";
    let request = request
        .header(ACCEPT, accepted)
        .header(CONTENT_TYPE, JSON)
        .header(MESSAGE_TYPE, delivery.body.message_type.name())
        .header(MESSAGE_ID, delivery.id.to_string());
    let known = [
        ("innfri-correlation-id", delivery.correlation_id.map(|id| id.to_string())),
        ("innfri-case-id", delivery.case.map(|id| id.to_string())),
        ("innfri-receiver", Some(delivery.to.to_string())),
        ("traceparent", delivery.traceparent.clone()),
    ];
    known.into_iter().fold(request, |request, (name, value)| {
        // A trace context comes from outside; one that no header can hold is left out.
        match value.and_then(|value| HeaderValue::try_from(value).ok()) {
            Some(value) => request.header(name, value),
            None => request,
        }
    })
}

/// An answer in one object; one that is none is handed in as it is, to be refused by name.
fn whole_message(body: Vec<u8>) -> Answer {
    let read = serde_json::from_slice::<WholeMessage<'_>>(&body).ok();
    let read = read.map(|whole| Answer {
        message_type: Some(whole.r#type),
        message_id: whole.message_id,
        traceparent: whole.traceparent,
        body: whole.body.get().as_bytes().to_vec(),
    });
    read.unwrap_or(Answer { message_type: None, message_id: None, traceparent: None, body })
}

//! The other side, played by the tool: what a run is told, who speaks, and what comes back.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::civil::Date;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use uuid::Uuid;

use super::line::Line;
use crate::channel::amqp::{AmqpError, Entrance, Inbox, Peer, PeerMessage, Received};
use crate::contract::MessageType;
use crate::directory::Participant;
use crate::kernel::{CaseId, DeliveryId, MessageId, OrganisationId};

/// Requests and outcomes that wait to be looked at.
const WAITING: usize = 256;
/// Publishes that are tried before the tool gives up.
const ATTEMPTS: usize = 5;

/// What a run is told.
pub struct Stage {
    /// The line on which the partner's system is to connect.
    pub line: Line,
    /// The partner under test.
    pub partner: Arc<Participant>,
    /// Whom the tool plays.
    pub counterpart: Arc<Participant>,
    /// The logins that may speak for the partner.
    pub logins: BTreeSet<String>,
    /// How long each step may take.
    pub time: Duration,
    /// Today, for payoff dates.
    pub today: Date,
    /// Tells the person who runs it how far it is.
    pub say: Box<dyn Fn(&str) + Send + Sync>,
}

/// The tool's own connection, past the line.
pub struct Counterpart {
    peer: Peer,
}

/// What came back to the tool as an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The request that it answers.
    pub request: String,
    /// Its type.
    pub kind: String,
    /// The name of innfri's delivery: different for each outcome.
    pub message_id: Option<String>,
}

/// The tool's answers queue, read while it lives.
pub struct Outcomes {
    mine: Arc<Mutex<HashSet<String>>>,
    heard: watch::Receiver<Vec<Outcome>>,
    _reading: JoinSet<()>,
}

/// The tool's requests queue, read while it lives.
pub struct Requests {
    arriving: mpsc::Receiver<Received>,
    _reading: JoinSet<()>,
}

impl Counterpart {
    /// Over this connection.
    pub const fn new(peer: Peer) -> Self {
        Self { peer }
    }

    /// Publishes, again after a lost connection, under a new message id.
    ///
    /// # Errors
    /// When it was not confirmed in several attempts.
    pub async fn publish(
        &self,
        to: Entrance,
        kind: MessageType,
        id: &MessageId,
        correlation_id: Option<String>,
        body: &Value,
    ) -> Result<(), AmqpError> {
        let message = PeerMessage {
            message_type: kind.name().to_owned(),
            message_id: id.to_string(),
            correlation_id,
            app_id: "innfri conformance".to_owned(),
            body: body.to_string().into_bytes(),
            ..PeerMessage::default()
        };
        let mut result = self.peer.publish(to, message.clone()).await;
        for _ in 1..ATTEMPTS {
            if result.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            result = self.peer.publish(to, message.clone()).await;
        }
        result
    }

    /// Reads the outcomes of what the tool asks.
    ///
    /// # Errors
    /// When the queue cannot be consumed from.
    pub async fn outcomes(&self, queue: &str) -> Result<Outcomes, AmqpError> {
        let inbox = self.peer.consume(queue).await?;
        let mine: Arc<Mutex<HashSet<String>>> = Arc::default();
        let (told, heard) = watch::channel(Vec::new());
        let mut reading = JoinSet::new();
        reading.spawn(read_outcomes(inbox, Arc::clone(&mine), told));
        Ok(Outcomes { mine, heard, _reading: reading })
    }

    /// Reads what the partner asks. What others ask goes back to the queue in the end.
    ///
    /// # Errors
    /// When the queue cannot be consumed from.
    pub async fn requests(
        &self,
        queue: &str,
        asker: &OrganisationId,
    ) -> Result<Requests, AmqpError> {
        let inbox = self.peer.consume(queue).await?;
        let (to, arriving) = mpsc::channel(WAITING);
        let mut reading = JoinSet::new();
        reading.spawn(read_requests(inbox, asker.number().to_owned(), to));
        Ok(Requests { arriving, _reading: reading })
    }
}

async fn read_outcomes(
    mut inbox: Inbox,
    mine: Arc<Mutex<HashSet<String>>>,
    told: watch::Sender<Vec<Outcome>>,
) {
    let mut others = Vec::new();
    loop {
        let received = inbox.next().await;
        let id = received.correlation_id.clone().unwrap_or_default();
        let ours = mine.lock().unwrap_or_else(PoisonError::into_inner).contains(&id);
        if !ours {
            others.push(received);
            continue;
        }
        let kind = received.message_type.clone().unwrap_or_default();
        if kind != MessageType::Receipt.name() {
            let message_id = received.message_id.clone();
            told.send_modify(|heard| heard.push(Outcome { request: id, kind, message_id }));
        }
        received.ack().await;
    }
}

async fn read_requests(mut inbox: Inbox, asker: String, to: mpsc::Sender<Received>) {
    let mut others = Vec::new();
    loop {
        let received = inbox.next().await;
        let body: Value = serde_json::from_slice(&received.body).unwrap_or_default();
        if body.pointer("/avsender/id").and_then(Value::as_str) != Some(asker.as_str()) {
            others.push(received);
        } else if to.send(received).await.is_err() {
            return;
        }
    }
}

impl Outcomes {
    /// From now on outcomes of this request are the tool's.
    pub fn expect(&self, request: &MessageId) {
        let mut mine = self.mine.lock().unwrap_or_else(PoisonError::into_inner);
        mine.insert(request.to_string());
    }

    /// The newest outcome of a request, from the `nth` on (from 1), when it comes in time.
    pub async fn of(&self, request: &MessageId, nth: usize, time: Duration) -> Option<Outcome> {
        let id = request.to_string();
        let mut heard = self.heard.clone();
        let enough = |heard: &Vec<Outcome>| {
            heard.iter().filter(|outcome| outcome.request == id).count() >= nth
        };
        let heard = timeout(time, heard.wait_for(enough)).await.ok()?.ok()?;
        heard.iter().rev().find(|outcome| outcome.request == id).cloned()
    }
}

impl Requests {
    /// The partner's next request, when one comes in time.
    pub async fn next(&mut self, time: Duration) -> Option<Received> {
        timeout(time, self.arriving.recv()).await.ok()?
    }
}

/// Under which message id innfri forwards a request to the bank.
pub fn forwarded_as(asker: &OrganisationId, request: &MessageId) -> String {
    DeliveryId::of(&CaseId::of(asker, request), "request").to_string()
}

/// A new message id.
#[expect(clippy::disallowed_methods, reason = "a new message has nothing to derive a name from")]
pub fn new_id() -> MessageId {
    MessageId::from_uuid(Uuid::new_v4())
}

//! How innfri asks the built-in bank: the dispatcher sends to it as to any channel, and it hands
//! its replies in as any channel would.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::future::join_all;

use super::respond::BuiltInBank;
use crate::case::{Delivery, Purpose};
use crate::contract::{Body, MessageType, Request};
use crate::kernel::{ChannelName, Incoming, Login, MessageId};
use crate::port::{Clock, Intake, IntakeError, Outgoing, SendError, Sender};

/// How many bodies of each kind are remembered; older ones are forgotten.
const REMEMBERED: usize = 100;

/// One bank with a loan book, as a way to send to.
pub struct LoanBookHandler {
    bank: BuiltInBank,
    login: Login,
    intake: Arc<dyn Intake>,
    clock: Arc<dyn Clock>,
    kept: Mutex<Kept>,
}

/// What was sent to the bank beside requests; a loan book has nobody to read it.
#[derive(Default)]
struct Kept {
    rejections: VecDeque<Body>,
    outcomes: VecDeque<Body>,
    receipts: u64,
}

impl LoanBookHandler {
    /// The way to a bank. The login is the one under which its replies are handed in; the directory
    /// must let it speak for the bank.
    pub fn new(
        bank: BuiltInBank,
        login: Login,
        intake: Arc<dyn Intake>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { bank, login, intake, clock, kept: Mutex::default() }
    }

    /// The bank.
    pub const fn bank(&self) -> &BuiltInBank {
        &self.bank
    }

    /// The last rejections sent to the bank, the oldest first; at most 100.
    pub fn rejections(&self) -> Vec<Body> {
        self.with_kept(|kept| kept.rejections.iter().cloned().collect())
    }

    /// The last outcomes of the bank's own requests (bankbytte), the oldest first; at most 100.
    pub fn outcomes(&self) -> Vec<Body> {
        self.with_kept(|kept| kept.outcomes.iter().cloned().collect())
    }

    /// How many receipts for its own requests the bank was sent.
    pub fn receipts(&self) -> u64 {
        self.with_kept(|kept| kept.receipts)
    }

    /// A panic elsewhere cannot leave the lists half written, so a poisoned lock is still good.
    fn with_kept<T>(&self, see: impl FnOnce(&mut Kept) -> T) -> T {
        see(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn send_one(&self, delivery: Delivery) -> Result<(), SendError> {
        if delivery.to != *self.bank.organisation() {
            let bank = self.bank.organisation();
            return Err(SendError::NotSetUp(format!("this loan book is that of {bank}")));
        }
        match delivery.purpose {
            Purpose::Request => self.answer(delivery).await,
            Purpose::Rejection => {
                self.with_kept(|kept| remember(&mut kept.rejections, delivery.body));
                Ok(())
            }
            Purpose::Outcome { .. } => {
                self.with_kept(|kept| remember(&mut kept.outcomes, delivery.body));
                Ok(())
            }
            Purpose::Receipt => {
                self.with_kept(|kept| kept.receipts = kept.receipts.saturating_add(1));
                Ok(())
            }
        }
    }

    /// Answers a request. It counts as sent once the reply is safe, so a crash before that asks the
    /// bank again, and it gives the same reply.
    async fn answer(&self, delivery: Delivery) -> Result<(), SendError> {
        let request = read(&delivery.body)?;
        let reply = self.bank.answer(&request, MessageId::from(delivery.id), self.clock.today());
        let incoming = Incoming {
            channel: ChannelName::Embedded,
            source: format!("loan book of {}", self.bank.organisation()),
            login: Some(self.login.clone()),
            message_type: Some(reply.message_type.name().to_owned()),
            message_id: Some(reply.message_id.to_string()),
            correlation_id: Some(delivery.id.to_string()),
            content_type: Some("application/json".to_owned()),
            traceparent: delivery.traceparent,
            deaths: Vec::new(),
            findings: Vec::new(),
            received_at: self.clock.now(),
            body: reply.body,
        };
        match self.intake.take(incoming).await {
            // Whatever was decided about it, the bank has said its word; a rejection follows by
            // its own delivery.
            Ok(_) => Ok(()),
            Err(error @ (IntakeError::Unavailable | IntakeError::Stopping)) => {
                Err(SendError::Unavailable(error.to_string()))
            }
        }
    }
}

#[async_trait]
impl Sender for LoanBookHandler {
    /// All at once: the intake commits what waits in one group, so waiting for each reply before the
    /// next would cost a commit for each.
    async fn send(&self, group: Vec<Outgoing>) -> Vec<Result<(), SendError>> {
        join_all(group.into_iter().map(|outgoing| self.send_one(outgoing.delivery))).await
    }
}

fn remember(kept: &mut VecDeque<Body>, body: Body) {
    if kept.len() == REMEMBERED {
        kept.pop_front();
    }
    kept.push_back(body);
}

/// The typed request. innfri checked it on the way in, so a failure is an error of innfri's own.
fn read(body: &Body) -> Result<Request, SendError> {
    let request = match body.message_type {
        MessageType::Restgjeldsforespoersel => {
            serde_json::from_slice(&body.json).map(Request::Restgjeld)
        }
        MessageType::Innfrielsessaldoforespoersel => {
            serde_json::from_slice(&body.json).map(Request::Innfrielsessaldo)
        }
        MessageType::Restgjeldssvar
        | MessageType::Innfrielsessaldosvar
        | MessageType::Status
        | MessageType::Rejection
        | MessageType::Receipt => {
            return Err(SendError::Refused("it is not a request".to_owned()));
        }
    };
    // The parser's text may quote the message, so it is not passed on.
    request.map_err(|_| SendError::Refused("the request cannot be read".to_owned()))
}

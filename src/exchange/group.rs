//! Deciders: each takes a group of messages from what waits, decides on all of them and commits them
//! together.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::receive::{Life, Waiting};
use crate::decide::{self, Context, Reading, broker_death};
use crate::kernel::{DeliveryId, Incoming, MessageId, OrganisationId};
use crate::port::{CommitError, Decision, Found, IntakeError, JournalError, Key, Taken};
use crate::telemetry::chain::Chain;

/// How often a message that keeps colliding with others is decided anew before its channel must offer
/// it again.
const MOST_ROUNDS: usize = 16;

/// Decides on groups until `stop`, and then on what still waits.
pub(super) async fn decide_until(
    shared: Arc<Shared>,
    arrivals: Arc<Mutex<mpsc::Receiver<Waiting>>>,
    stop: CancellationToken,
) {
    let most = shared.parts.config.group_size.max(1);
    loop {
        let mut group = Vec::with_capacity(most);
        {
            let mut arrivals = arrivals.lock().await;
            tokio::select! {
                biased;
                _ = arrivals.recv_many(&mut group, most) => {}
                () = stop.cancelled() => {
                    arrivals.close();
                    while group.len() < most {
                        let Ok(waiting) = arrivals.try_recv() else { break };
                        group.push(waiting);
                    }
                }
            }
        }
        if group.is_empty() {
            return;
        }
        shared.process(group).await;
    }
}

/// A message on its way through a group.
struct Pending {
    what: What,
    key: Key,
    reply: oneshot::Sender<Result<Taken, IntakeError>>,
}

enum What {
    Read(Box<Reading>),
    Dead(Box<Incoming>),
}

impl What {
    fn decide(&self, found: &Found, context: &Context<'_>) -> Decision {
        match self {
            Self::Read(reading) => decide::decide(reading, found, context),
            Self::Dead(incoming) => broker_death::decide(incoming, context),
        }
    }
}

impl Shared {
    async fn process(&self, group: Vec<Waiting>) {
        let directory = self.directory();
        let context = self.context(&directory);
        let mut pending: Vec<Pending> =
            group.into_iter().map(|waiting| read(waiting, &context)).collect();
        for _ in 0..MOST_ROUNDS {
            if pending.is_empty() {
                return;
            }
            let (round, mut later) = distinct(pending);
            match self.round(round, &context).await {
                Ok(collided) => {
                    later.extend(collided);
                    pending = later;
                }
                Err(failed) => {
                    later.extend(failed);
                    pending = later;
                    break;
                }
            }
        }
        for waiting in pending {
            // A channel that has gone away offers the message again.
            drop(waiting.reply.send(Err(IntakeError::Unavailable)));
        }
    }

    /// Decides on messages that have nothing to do with each other. Gives back those that collided with
    /// what another process committed; or, when the journal is down, all.
    async fn round(
        &self,
        round: Vec<Pending>,
        context: &Context<'_>,
    ) -> Result<Vec<Pending>, Vec<Pending>> {
        let keys: Vec<Key> = round.iter().map(|pending| pending.key.clone()).collect();
        let found = match self.parts.journal.look_up(&keys).await {
            Ok(found) => found,
            Err(error) => {
                journal_is_down(&error);
                return Err(round);
            }
        };
        let decisions: Vec<Decision> = round
            .iter()
            .zip(&found)
            .map(|(pending, found)| pending.what.decide(found, context))
            .collect();
        let outcome = self.commit(decisions).await;
        let mut again = Vec::new();
        for (pending, committed) in round.into_iter().zip(outcome.committed) {
            match committed {
                Some(taken) => drop(pending.reply.send(Ok(taken))),
                None => again.push(pending),
            }
        }
        match outcome.error {
            None => Ok(again),
            Some(CommitError::Conflict(_)) => Ok(again),
            Some(CommitError::Journal(error)) => {
                journal_is_down(&error);
                Err(again)
            }
        }
    }
}

fn journal_is_down(error: &JournalError) {
    tracing::warn!(error = %Chain(error), "the journal did not take a group; it is offered again");
}

fn read(waiting: Waiting, context: &Context<'_>) -> Pending {
    let Waiting { incoming, life, reply } = waiting;
    match life {
        Life::Live => {
            let reading = decide::read(incoming, context);
            Pending { key: reading.key(), what: What::Read(Box::new(reading)), reply }
        }
        Life::Dead => Pending { key: Key::default(), what: What::Dead(Box::new(incoming)), reply },
    }
}

/// Splits off those that are about a message or case that an earlier one is about: they are decided on
/// when that is committed.
fn distinct(pending: Vec<Pending>) -> (Vec<Pending>, Vec<Pending>) {
    let mut messages: BTreeSet<(OrganisationId, MessageId)> = BTreeSet::new();
    let mut cases: BTreeSet<DeliveryId> = BTreeSet::new();
    pending.into_iter().partition(|waiting| {
        let new_message =
            waiting.key.inbox.as_ref().is_none_or(|inbox| messages.insert(inbox.clone()));
        let new_case = waiting.key.forwarded_as.is_none_or(|id| cases.insert(id));
        new_message && new_case
    })
}

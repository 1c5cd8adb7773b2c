//! Deciders: each takes a group of messages from what waits, decides on all of them and commits them
//! together.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Instant;

use jiff::Timestamp;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::batch_guard::{Admission, Entrance, Guards, Judgement};
use super::metrics::Known;
use super::receive::{Life, Waiting};
use crate::case::DeadLetter;
use crate::decide::{self, Context, Reading, broker_death};
use crate::kernel::{ChannelName, DeliveryId, Incoming, MessageId, OrganisationId};
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
        let (messages, began) = (group.len(), Instant::now());
        shared.process(group).await;
        shared.parts.metrics.decided(messages, began.elapsed());
    }
}

/// A message on its way through a group.
struct Pending {
    entrance: Entrance,
    admission: Admission,
    channel: ChannelName,
    claimed_type: Known,
    what: What,
    key: Key,
    /// Whether it is decided on as if it had not been here before, without a look at the journal: that is so
    /// nearly always, and where it is not, the commit collides, and it is decided on anew after a look.
    presumed_new: bool,
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
        let mut pending: Vec<Pending> = self
            .admit(group, context.now)
            .into_iter()
            .map(|(admission, waiting)| read(admission, waiting, &context))
            .collect();
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
        let wanted = |pending: &Pending| {
            if pending.presumed_new { Key::default() } else { pending.key.clone() }
        };
        let keys: Vec<Key> = round.iter().map(wanted).collect();
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
        let (round, decisions) = self.guard(round, decisions, context);
        let outcome = self.commit(decisions).await;
        let mut again = Vec::new();
        for (pending, committed) in round.into_iter().zip(outcome.committed) {
            match committed {
                Some(taken) => {
                    if pending.presumed_new {
                        self.asked_of_guard(&pending, None, context.now);
                    }
                    let (channel, claimed_type) = (pending.channel, pending.claimed_type);
                    self.parts.metrics.taken(channel, claimed_type, taken.disposition);
                    drop(pending.reply.send(Ok(taken)));
                }
                None => again.push(Pending { presumed_new: false, ..pending }),
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

/// What the batch guard lets through.
impl Shared {
    fn guards(&self) -> MutexGuard<'_, Guards> {
        self.guards.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends back what may not be decided on now. What the broker gave up on is always kept.
    fn admit(&self, group: Vec<Waiting>, now: Timestamp) -> Vec<(Admission, Waiting)> {
        let mut admitted = Vec::with_capacity(group.len());
        let mut guards = self.guards();
        for waiting in group {
            let admission = match waiting.life {
                Life::Live if self.journal_is_full.load(Ordering::Relaxed) => Admission::Refused,
                Life::Live => guards.at(&Entrance::of(&waiting.incoming)).admit(now),
                Life::Dead => Admission::Ordinary,
            };
            match admission {
                Admission::Ordinary | Admission::Probe => admitted.push((admission, waiting)),
                Admission::Refused => drop(waiting.reply.send(Err(IntakeError::Unavailable))),
            }
        }
        admitted
    }

    /// Sends back those whose letters are too many of one kind.
    fn guard(
        &self,
        round: Vec<Pending>,
        decisions: Vec<Decision>,
        context: &Context<'_>,
    ) -> (Vec<Pending>, Vec<Decision>) {
        let mut kept = (Vec::with_capacity(round.len()), Vec::with_capacity(decisions.len()));
        for (pending, decision) in round.into_iter().zip(decisions) {
            let letter = decision.dead_letters.first().map(DeadLetter::signature);
            // What is only presumed is judged when it has proved right.
            let judgement = match (&pending.what, pending.presumed_new) {
                (What::Read(_), false) => {
                    self.asked_of_guard(&pending, letter.as_deref(), context.now)
                }
                (What::Read(_), true) | (What::Dead(_), _) => Judgement::Keep,
            };
            match judgement {
                Judgement::Keep | Judgement::KeepAndGoOn => {
                    kept.0.push(pending);
                    kept.1.push(decision);
                }
                Judgement::HoldBack | Judgement::HoldBackAndStop => {
                    drop(pending.reply.send(Err(IntakeError::Unavailable)));
                }
            }
        }
        kept
    }

    /// What the guard says of a decision that leads to a letter with this signature, or to none.
    fn asked_of_guard(&self, pending: &Pending, letter: Option<&str>, now: Timestamp) -> Judgement {
        let mut guards = self.guards();
        let judgement = guards.at(&pending.entrance).judge(pending.admission, letter, now);
        self.parts.metrics.intake(guards.stopped());
        match judgement {
            Judgement::HoldBackAndStop => tracing::error!(
                signature = letter,
                entrance = %pending.entrance,
                "the intake has stopped: most of what arrives would become a dead letter for \
                 this reason. Messages wait where they are; one in ten seconds is tried. Mend \
                 the cause (directory, rights, or the sender's program): the intake then goes \
                 on by itself. `innfri dead list` shows the letters so far"
            ),
            Judgement::KeepAndGoOn => tracing::info!("the intake goes on"),
            Judgement::Keep | Judgement::HoldBack => {}
        }
        judgement
    }
}

fn journal_is_down(error: &JournalError) {
    tracing::warn!(error = %Chain(error), "the journal did not take a group; it is offered again");
}

fn read(admission: Admission, waiting: Waiting, context: &Context<'_>) -> Pending {
    let Waiting { incoming, life, reply } = waiting;
    let (channel, entrance) = (incoming.channel, Entrance::of(&incoming));
    let claimed_type = Known::of(incoming.message_type.as_deref());
    match life {
        Life::Live => {
            let reading = decide::read(incoming, context);
            let presumed_new = matches!(reading, Reading::Request(_));
            let (key, what) = (reading.key(), What::Read(Box::new(reading)));
            Pending { entrance, admission, channel, claimed_type, key, presumed_new, what, reply }
        }
        Life::Dead => {
            let what = What::Dead(Box::new(incoming));
            let (key, presumed_new) = (Key::default(), false);
            Pending { entrance, admission, channel, claimed_type, key, presumed_new, what, reply }
        }
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

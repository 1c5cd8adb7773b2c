//! The dispatcher: carries out what is owed.
//!
//! What this process has just committed comes in at once; what has fallen due, or was left behind by a
//! process that died, is claimed from the journal every second. Deliveries to one receiver go out one
//! group at a time, groups to different receivers side by side. What became of them is recorded in the
//! journal; if that fails, the lease runs out and they go out again, with the same id.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::breaker::Breaker;
use super::lane::{Held, Lane};
use super::retry::RetrySchedule;
use crate::case::{Delivery, StoredCase};
use crate::decide::undelivered::{Failure, give_up};
use crate::directory::{DeliveryPolicy, Handler, Participant};
use crate::kernel::{CaseId, ChannelName, DeliveryId, Digest, OrganisationId};
use crate::port::{
    AttemptResult, CaseStory, Decision, DeliveryRecord, JournalError, Outbound, Outgoing,
    OwedDelivery, SendError, Sender, Topic, Whose,
};
use crate::telemetry::chain::Chain;

/// Deliveries claimed at a time.
const CLAIMED_AT_ONCE: u32 = 256;

/// A receiver may ask for no longer wait between two tries: a day.
const LONGEST_ASKED_WAIT: Duration = Duration::from_secs(24 * 3600);

pub(super) struct Dispatcher {
    shared: Arc<Shared>,
    outbound: Arc<dyn Outbound>,
    fresh: mpsc::Receiver<Vec<OwedDelivery>>,
    lanes: BTreeMap<OrganisationId, Lane>,
    /// Receivers beyond Altinn that are owed something while its way is down: of the thousands that there
    /// are, only they need be passed by.
    beyond: BTreeSet<OrganisationId>,
    /// Receivers that wait only because many others are being sent to.
    in_line: VecDeque<OrganisationId>,
    groups: JoinSet<Option<Report>>,
    /// Whether the journal may hold more that is due than was claimed, and that there is room for.
    more_due: bool,
}

/// What a group tells of its receiver.
struct Report {
    to: OrganisationId,
    verdict: Verdict,
}

enum Verdict {
    Took,
    Failed,
    Undecided,
}

impl Dispatcher {
    pub(super) fn new(
        shared: Arc<Shared>,
        outbound: Arc<dyn Outbound>,
        fresh: mpsc::Receiver<Vec<OwedDelivery>>,
    ) -> Self {
        Self {
            shared,
            outbound,
            fresh,
            lanes: BTreeMap::new(),
            beyond: BTreeSet::new(),
            in_line: VecDeque::new(),
            groups: JoinSet::new(),
            more_due: false,
        }
    }

    /// Dispatches until `stop`; then waits for what is on its way and releases what is not.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let every = Duration::from_millis(self.shared.parts.config.sweep_milliseconds.max(10));
        let mut sweep = tokio::time::interval(every);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(done) = self.groups.join_next(), if !self.groups.is_empty() => {
                    self.finished(done.ok().flatten());
                }
                Some(fresh) = self.fresh.recv() => {
                    let now = self.shared.now();
                    self.hold(fresh, now);
                }
                _ = sweep.tick() => self.sweep().await,
                () = std::future::ready(()), if self.more_due => self.claim_due().await,
            }
        }
        self.wind_up().await;
    }

    async fn wind_up(mut self) {
        self.fresh.close();
        let mut left: Vec<DeliveryId> = Vec::new();
        while let Some(fresh) = self.fresh.recv().await {
            left.extend(fresh.into_iter().map(|owed| owed.delivery.id));
        }
        for lane in self.lanes.values_mut() {
            left.extend(lane.drain());
        }
        while self.groups.join_next().await.is_some() {}
        let now = self.shared.now();
        self.shared.postpone(left, now).await;
    }

    /// Looks for what has fallen due, and for lanes that may go on.
    async fn sweep(&mut self) {
        let now = self.shared.now();
        let waiting: Vec<OrganisationId> = self.lanes.keys().cloned().collect();
        for to in &waiting {
            self.start(to, now);
        }
        self.lanes.retain(|_, lane| lane.busy || !lane.is_empty() || !lane.breaker.is_at_rest());
        let open = self.lanes.iter().filter(|(_, lane)| !lane.breaker.is_closed());
        self.shared.parts.metrics.breakers(open.map(|(to, _)| to));
        self.forget_who_is_back();
        self.claim_due().await;
    }

    /// Forgets receivers beyond Altinn that can be reached again.
    fn forget_who_is_back(&mut self) {
        let directory = self.shared.directory();
        let mut beyond = std::mem::take(&mut self.beyond);
        beyond.retain(|to| directory.participant(to).is_some_and(|to| self.is_cut_off(to)));
        self.beyond = beyond;
    }

    /// Claims what has fallen due for those who have room for it.
    async fn claim_due(&mut self) {
        let now = self.shared.now();
        let except: Vec<OrganisationId> = self.closed_to(now).into_iter().collect();
        let claim = self.shared.claim();
        let whose = Whose::AllBut(&except);
        match self.shared.parts.journal.claim(&claim, CLAIMED_AT_ONCE, whose).await {
            Ok(due) => {
                self.more_due = due.len() >= CLAIMED_AT_ONCE as usize;
                self.hold(due, claim.now);
            }
            Err(error) => {
                self.more_due = false;
                tracing::warn!(error = %Chain(&error), "could not look for deliveries that are due");
            }
        }
    }

    /// Receivers for whom nothing is to be claimed now.
    fn closed_to(&self, now: Timestamp) -> BTreeSet<OrganisationId> {
        let directory = self.shared.directory();
        let down = directory
            .near()
            .filter(|to| {
                to.handler == Handler::Mailbox || self.outbound.sender(to).is_ok_and(is_down)
            })
            .map(|to| to.id.clone());
        let held_up = self
            .lanes
            .iter()
            .filter(|(_, lane)| lane.is_full() || lane.breaker.open_until(now).is_some())
            .map(|(to, _)| to.clone());
        down.chain(held_up).chain(self.beyond.iter().cloned()).collect()
    }

    /// Whether a receiver is beyond Altinn, and the way there is down.
    fn is_cut_off(&self, to: &Participant) -> bool {
        to.handler == Handler::Altinn && self.outbound.sender(to).is_ok_and(is_down)
    }

    fn hold(&mut self, owed: Vec<OwedDelivery>, claimed_at: Timestamp) {
        let mut receivers = BTreeSet::new();
        let mut no_room = Vec::new();
        let mut to_collect = Vec::new();
        let directory = self.shared.directory();
        let config = &self.shared.parts.config;
        for owed in owed {
            let to = owed.delivery.to.clone();
            let found = directory.participant(&to);
            if found.is_some_and(|found| found.handler == Handler::Mailbox) {
                to_collect.push((owed.delivery.id, to));
                continue;
            }
            if found.is_some_and(|found| self.is_cut_off(found)) {
                no_room.push(owed.delivery.id);
                self.beyond.insert(to);
                continue;
            }
            let lane = self.lanes.entry(to.clone()).or_insert_with(|| {
                let breaker = Breaker::new(config.breaker_failures, config.breaker_open_seconds);
                Lane::new(config.waiting_per_receiver, breaker)
            });
            let delivery = owed.delivery.id;
            if lane.push(Held { owed, claimed_at }) {
                receivers.insert(to);
            } else {
                no_room.push(delivery);
            }
        }
        let now = self.shared.now();
        self.release(no_room, now);
        for to in receivers {
            self.start(&to, now);
        }
        self.lay_out(to_collect, now);
    }

    /// Sends the next group to a receiver, if there is one and it may go.
    fn start(&mut self, to: &OrganisationId, now: Timestamp) {
        if self.groups.len() >= self.shared.parts.config.receivers_at_once.max(1) {
            if !self.in_line.contains(to) {
                self.in_line.push_back(to.clone());
            }
            return;
        }
        let directory = self.shared.directory();
        let participant = directory.participant(to).cloned();
        let policy = participant.as_ref().map(|found| found.delivery.clone()).unwrap_or_default();
        let most = policy.in_flight.unwrap_or(self.shared.parts.config.in_flight_per_receiver);
        let half_lease = self.shared.claim().lease / 2;
        let oldest = now.saturating_sub(half_lease).unwrap_or(now);
        let Some(lane) = self.lanes.get_mut(to) else { return };
        if lane.busy {
            return;
        }
        if let Some(until) = lane.breaker.open_until(now) {
            let held = lane.drain();
            self.release(held, until);
            return;
        }
        let (group, stale) = lane.next(lane.breaker.allows(most.max(1), now), oldest);
        if !group.is_empty() {
            lane.busy = true;
            lane.breaker.sent();
            let way = match &participant {
                Some(found) => self.outbound.sender(found),
                None => Err(SendError::NotSetUp("the receiver is not in the directory".into())),
            };
            let channel = participant.as_ref().map(|found| found.handler.channel());
            let channel = channel.unwrap_or(ChannelName::Amqp);
            let errand = Errand {
                shared: Arc::clone(&self.shared),
                to: to.clone(),
                policy,
                channel,
                limit: half_lease.unsigned_abs(),
            };
            let to = to.clone();
            self.groups.spawn(async move {
                // A lane must be told of its group's end whatever happens, or it would wait for ever.
                let ran = AssertUnwindSafe(errand.run(way, group)).catch_unwind().await;
                Some(ran.unwrap_or(Report { to, verdict: Verdict::Failed }))
            });
        }
        self.release(stale, now);
    }

    fn finished(&mut self, report: Option<Report>) {
        let now = self.shared.now();
        if let Some(next) = self.in_line.pop_front() {
            self.start(&next, now);
        }
        let Some(Report { to, verdict }) = report else { return };
        if let Some(lane) = self.lanes.get_mut(&to) {
            lane.busy = false;
            self.more_due |= lane.has_room_again();
            match verdict {
                Verdict::Took => lane.breaker.succeeded(),
                Verdict::Failed => lane.breaker.failed(now),
                Verdict::Undecided => lane.breaker.undecided(now),
            }
        }
        self.start(&to, now);
    }

    /// Leaves deliveries to those who collect them, and wakes whoever waits for them.
    fn lay_out(&mut self, to_collect: Vec<(DeliveryId, OrganisationId)>, now: Timestamp) {
        if to_collect.is_empty() {
            return;
        }
        let shared = Arc::clone(&self.shared);
        self.groups.spawn(async move {
            let (ids, receivers): (Vec<_>, BTreeSet<_>) = to_collect.into_iter().unzip();
            shared.postpone(ids, now).await;
            for to in receivers {
                shared.parts.bell.ring(&Topic::Post(to));
            }
            None
        });
    }

    /// Gives claims back without having tried.
    fn release(&mut self, deliveries: Vec<DeliveryId>, next_attempt_at: Timestamp) {
        if deliveries.is_empty() {
            return;
        }
        let shared = Arc::clone(&self.shared);
        self.groups.spawn(async move {
            shared.postpone(deliveries, next_attempt_at).await;
            None
        });
    }
}

fn is_down(way: Arc<dyn Sender>) -> bool {
    !way.is_up()
}

/// One group on its way to one receiver.
struct Errand {
    shared: Arc<Shared>,
    to: OrganisationId,
    policy: DeliveryPolicy,
    channel: ChannelName,
    /// How long a sender may take: then the lease runs out, and others send what it has.
    limit: Duration,
}

impl Errand {
    async fn run(
        self,
        way: Result<Arc<dyn Sender>, SendError>,
        group: Vec<OwedDelivery>,
    ) -> Report {
        let outgoing: Vec<Outgoing> = group
            .iter()
            .map(|owed| Outgoing {
                delivery: owed.delivery.clone(),
                maybe_sent_since: (owed.attempts > 0).then_some(owed.owed_since),
            })
            .collect();
        let results = match way {
            Ok(sender) if sender.is_up() => {
                let timed_out =
                    || vec![Err(SendError::TimedOut(self.limit.as_secs())); group.len()];
                let sending = tokio::time::timeout(self.limit, sender.send(outgoing));
                sending.await.unwrap_or_else(|_| timed_out())
            }
            Ok(_) => vec![Err(SendError::Unavailable("the way is down".into())); group.len()],
            Err(error) => vec![Err(error); group.len()],
        };
        let verdict = verdict(&results);
        let now = self.shared.now();
        let mut attempts = Vec::with_capacity(group.len());
        for (owed, result) in group.into_iter().zip(results) {
            self.shared.parts.metrics.attempted(self.channel, &owed, &result, now);
            match result {
                Ok(()) => {
                    attempts.push(AttemptResult::Delivered { delivery: owed.delivery.id, at: now });
                }
                Err(error) => attempts.extend(self.failed(owed, error, now).await),
            }
        }
        self.shared.leave_to_record(attempts).await;
        Report { to: self.to, verdict }
    }

    /// What follows from a failure; `None` when the delivery was given up.
    async fn failed(
        &self,
        owed: OwedDelivery,
        error: SendError,
        now: Timestamp,
    ) -> Option<AttemptResult> {
        let schedule = RetrySchedule::of(&self.shared.parts.config, &self.policy);
        let delivery = owed.delivery.id;
        let age = now.duration_since(owed.owed_since).unsigned_abs();
        if age >= schedule.give_up_after || error.is_for_good() {
            let failure = Failure {
                channel: self.channel,
                attempts: owed.attempts + 1,
                code: error.code().to_owned(),
                detail: error.to_string(),
            };
            if self.shared.give_up(&owed.delivery, &failure).await {
                return None;
            }
        }
        // A way that is down says nothing about this delivery: it goes out as soon as the way is open.
        if !error.is_the_receivers() {
            let next_attempt_at = after(now, schedule.first);
            return Some(AttemptResult::Postponed { delivery, next_attempt_at });
        }
        self.shared.parts.metrics.retried(self.channel, owed.delivery.purpose);
        let failed = owed.attempts + 1;
        let wait = schedule.wait(failed, spread(&delivery, failed));
        let left = schedule.give_up_after.saturating_sub(age);
        let wait = asked_wait(&error, left).map_or(wait, |asked| wait.max(asked));
        let error = format!("{}: {error}", error.code());
        Some(AttemptResult::Failed { delivery, next_attempt_at: after(now, wait), error })
    }
}

/// The wait that a receiver asked for, as far as it is granted: not past the last moment at which the
/// delivery is tried (`left` from now), and not so long that nobody would look for the reason.
fn asked_wait(error: &SendError, left: Duration) -> Option<Duration> {
    error.asked_wait().map(|seconds| Duration::from_secs(seconds).min(LONGEST_ASKED_WAIT).min(left))
}

/// What moves one delivery's wait: derived rather than drawn, so that a simulated run can be replayed,
/// and yet another for each delivery and attempt.
fn spread(delivery: &DeliveryId, failed: u32) -> u8 {
    let digest = Digest::of(&[delivery.as_uuid().as_bytes(), &failed.to_be_bytes()]);
    digest.as_bytes().first().copied().unwrap_or_default()
}

fn after(now: Timestamp, wait: Duration) -> Timestamp {
    SignedDuration::try_from(wait)
        .ok()
        .and_then(|wait| now.checked_add(wait).ok())
        .unwrap_or(Timestamp::MAX)
}

/// A group went to one receiver: one that took anything is alive; one that failed in nothing but the
/// common way is not judged.
fn verdict(results: &[Result<(), SendError>]) -> Verdict {
    if results.iter().any(Result::is_ok) {
        Verdict::Took
    } else if results
        .iter()
        .flat_map(|result| result.as_ref().err())
        .any(SendError::is_the_receivers)
    {
        Verdict::Failed
    } else {
        Verdict::Undecided
    }
}

impl Shared {
    async fn postpone(&self, deliveries: Vec<DeliveryId>, next_attempt_at: Timestamp) {
        let attempts = deliveries
            .into_iter()
            .map(|delivery| AttemptResult::Postponed { delivery, next_attempt_at })
            .collect();
        self.record(attempts).await;
    }

    /// Gives a delivery up in one commit. `false` when that could not be kept now: it is tried on.
    pub(super) async fn give_up(&self, delivery: &Delivery, failure: &Failure) -> bool {
        for _ in 0..4 {
            let Ok(record) = self.parts.journal.delivery(&delivery.id).await else { return false };
            // A commit of which no answer came may have been kept, or another process was faster.
            if record.as_ref().is_some_and(is_over) {
                return true;
            }
            let Ok(story) = self.story(delivery.case).await else { return false };
            let stored = story.map(|story| story.stored);
            let decision = self.on_give_up(delivery, failure, stored.as_ref());
            let outcome = self.commit(vec![decision]).await;
            if outcome.committed.iter().all(Option::is_some) {
                self.parts.metrics.gave_up(failure.channel, delivery.purpose);
                return true;
            }
        }
        false
    }

    fn on_give_up(
        &self,
        delivery: &Delivery,
        failure: &Failure,
        stored: Option<&StoredCase>,
    ) -> Decision {
        let directory = self.directory();
        give_up(delivery, failure, stored, &self.context(&directory))
    }

    async fn story(&self, case: Option<CaseId>) -> Result<Option<CaseStory>, JournalError> {
        match case {
            Some(case) => self.parts.journal.story(&case).await,
            None => Ok(None),
        }
    }
}

/// Whether a delivery is owed no longer.
const fn is_over(record: &DeliveryRecord) -> bool {
    record.delivered_at.is_some() || record.given_up_at.is_some()
}

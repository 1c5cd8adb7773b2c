//! Replaying letters: at a pace, in steps, interruptible at any point, never twice.
//!
//! A letter's turn: it is claimed by a change of state, judged, its effect committed, and what came of
//! it kept. A process that dies in between leaves the letter claimed by its run; whoever continues the
//! run finds out whether the effect was committed (messages are recognised by their ids, deliveries
//! are owed again in the same transaction that says so) and goes on.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::Desk;
use super::judge::{Errand, Judged, Outcome, Verdict};
use super::steps::Steps;
use crate::directory::{Handler, Participant};
use crate::kernel::{DeadLetterId, OrganisationId};
use crate::port::letters::{
    Action, Fate, Hold, LetterRecord, LetterState, Refused, Run, RunId, Settled, Waiting,
};
use crate::port::{Claim, CommitError, Decision, JournalError};

/// Letters that have their turn together, at most.
const MOST_AT_ONCE: u32 = 128;
/// For how long a run is held between two signs of life.
const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// How often a letter that keeps colliding with live traffic is decided anew.
const TRIES: usize = 4;

/// How fast, and how long to wait for others.
#[derive(Debug, Clone)]
pub struct Pace {
    /// Letters a second, 1 or more.
    pub rate: u32,
    /// The steps.
    pub steps: Steps,
    /// How long a due delivery may wait to be taken up, by `innfri serve`, before the run stands back.
    pub stands_back_after: Duration,
    /// How long a step waits until its deliveries are confirmed, and a run for a receiver that does
    /// not take deliveries, before the run stops by itself.
    pub patience: Duration,
}

/// How a run stands, to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Letters whose turn is over.
    pub done: usize,
    /// Letters of the run.
    pub total: usize,
    /// How many have which fate, of those that this process has worked on.
    pub fates: BTreeMap<Fate, u64>,
    /// What it waits for.
    pub waits_for: Option<String>,
}

/// How work on a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Every letter had its turn.
    Finished,
    /// It was asked to stop; the run can be continued.
    Interrupted,
    /// It stopped by itself, for this reason; the run can be continued.
    Stopped(String),
}

impl Ended {
    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::Finished => "finished".to_owned(),
            Self::Interrupted => "interrupted".to_owned(),
            Self::Stopped(why) => format!("stopped: {why}"),
        }
    }
}

/// Why a run was not worked on.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// There is no such run.
    #[error("there is no run {0}; `innfri dead runs` lists them")]
    UnknownRun(RunId),
    /// Another process is at it.
    #[error(
        "run {run} of {operator} is being worked on by another process; if that one has died, try \
         again in a minute"
    )]
    Held {
        /// Which.
        run: RunId,
        /// Whose.
        operator: String,
    },
}

/// A run in the hands of this process.
struct Work<'a> {
    desk: &'a Desk,
    run: RunId,
    waiting: VecDeque<Waiting>,
    progress: Progress,
    /// Letters that had come back into their group before this process took the run.
    came_back: BTreeMap<String, u64>,
}

impl Desk {
    /// Begins a run of these letters without doing anything yet; [`Desk::work`] does it.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn begin(
        &self,
        run: &Run,
        letters: &[DeadLetterId],
        action: &Action,
    ) -> Result<(), JournalError> {
        self.letters.begin(run, letters, &self.grip(), action).await
    }

    fn grip(&self) -> Hold {
        Hold { holder: self.process, now: self.clock.now(), lease: LEASE }
    }

    /// Works on a run until it is done, `stop` is cancelled, or it stops by itself; `tell` hears of
    /// every group of letters. To continue a run is to work on it again.
    ///
    /// # Errors
    /// When there is no such run, another process holds it, or the journal is not available; the run
    /// can then be continued.
    pub async fn work(
        &self,
        run: &RunId,
        pace: &Pace,
        stop: &CancellationToken,
        tell: &mut (dyn FnMut(&Progress) + Send),
    ) -> Result<Ended, ReplayError> {
        let Some(record) = self.letters.run(run).await? else {
            return Err(ReplayError::UnknownRun(*run));
        };
        if !self.letters.hold(run, &self.grip()).await? {
            return Err(ReplayError::Held { run: *run, operator: record.run.operator });
        }
        let total: u64 = record.fates.iter().map(|(_, count)| count).sum();
        let total = usize::try_from(total).unwrap_or(usize::MAX);
        let waiting: VecDeque<Waiting> = self.letters.waiting(run).await?.into();
        let done = total.saturating_sub(waiting.len());
        let progress = Progress { done, total, fates: BTreeMap::new(), waits_for: None };
        let came_back = self.letters.came_back(run).await?.into_iter().collect();
        let mut work = Work { desk: self, run: *run, waiting, progress, came_back };
        let ended = work.go(pace, stop, tell).await?;
        self.letters.follow(self.clock.now()).await?;
        self.letters.let_go(run, self.clock.now(), &ended.words()).await?;
        Ok(ended)
    }
}

impl Work<'_> {
    async fn go(
        &mut self,
        pace: &Pace,
        stop: &CancellationToken,
        tell: &mut (dyn FnMut(&Progress) + Send),
    ) -> Result<Ended, JournalError> {
        let rate = pace.rate.max(1);
        let at_once = (rate / 10).clamp(1, MOST_AT_ONCE);
        let mut tick = tokio::time::interval(Duration::from_secs(1) * at_once / rate);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut held_up_since = None;
        loop {
            let target = pace.steps.target(self.progress.done, self.progress.total);
            while self.progress.done < target && !self.waiting.is_empty() {
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return Ok(Ended::Interrupted),
                    _ = tick.tick() => {}
                }
                if !self.desk.letters.hold(&self.run, &self.desk.grip()).await? {
                    return Ok(Ended::Stopped("another process has taken the run".to_owned()));
                }
                let room = target.saturating_sub(self.progress.done).min(at_once as usize);
                let turn = match self.desk.live_traffic_waits(pace).await? {
                    Some(why) => Err(why),
                    None => self.next(room).await?,
                };
                let turn = match turn {
                    Ok(turn) => turn,
                    Err(why) => {
                        if let Some(ended) = self.hold_up(why, &mut held_up_since, pace, tell) {
                            return Ok(ended);
                        }
                        continue;
                    }
                };
                held_up_since = None;
                self.progress.waits_for = None;
                self.turn(turn).await?;
                tell(&self.progress);
                if let Some(signature) = self.returned().await? {
                    return Ok(came_back(&signature));
                }
            }
            if self.waiting.is_empty() {
                return Ok(Ended::Finished);
            }
            if let Some(ended) = self.end_of_step(pace, stop, tell).await? {
                return Ok(ended);
            }
        }
    }

    /// The next letters, leaving out those for receivers that do not take deliveries now; when there
    /// are no others, why it must wait.
    async fn next(&mut self, room: usize) -> Result<Result<Vec<Waiting>, String>, JournalError> {
        let troubled = self.desk.letters.troubled().await?;
        let mut turn = Vec::new();
        for _ in 0..self.waiting.len() {
            if turn.len() == room {
                break;
            }
            let Some(waiting) = self.waiting.pop_front() else { break };
            if waiting.to.as_ref().is_some_and(|to| troubled.contains(to)) {
                self.waiting.push_back(waiting);
            } else {
                turn.push(waiting);
            }
        }
        if turn.is_empty() {
            let names: Vec<String> = troubled.iter().map(ToString::to_string).collect();
            return Ok(Err(format!("{} does not take deliveries", names.join(", "))));
        }
        Ok(Ok(turn))
    }

    fn hold_up(
        &mut self,
        why: String,
        since: &mut Option<Instant>,
        pace: &Pace,
        tell: &mut (dyn FnMut(&Progress) + Send),
    ) -> Option<Ended> {
        if since.get_or_insert_with(Instant::now).elapsed() >= pace.patience {
            return Some(Ended::Stopped(format!("{why}; continue when that is over")));
        }
        self.progress.waits_for = Some(why);
        tell(&self.progress);
        None
    }

    /// Waits until nothing of the run is owed any more, so that the next step builds on what became
    /// of this one.
    async fn end_of_step(
        &mut self,
        pace: &Pace,
        stop: &CancellationToken,
        tell: &mut (dyn FnMut(&Progress) + Send),
    ) -> Result<Option<Ended>, JournalError> {
        const LOOK: Duration = Duration::from_millis(200);
        let began = Instant::now();
        loop {
            if let Some(signature) = self.returned().await? {
                return Ok(Some(came_back(&signature)));
            }
            let record = self.desk.letters.run(&self.run).await?;
            let owed: u64 = record.map_or(0, |record| {
                let owed = record.fates.iter().filter(|(fate, _)| *fate == Fate::Owed);
                owed.map(|(_, count)| count).sum()
            });
            if owed == 0 {
                self.progress.waits_for = None;
                return Ok(None);
            }
            if began.elapsed() >= pace.patience {
                let why = format!(
                    "{owed} letter(s) of this step are still owed; is `innfri serve` running?"
                );
                return Ok(Some(Ended::Stopped(why)));
            }
            self.progress.waits_for = Some(format!("{owed} letter(s) of this step to be sent"));
            tell(&self.progress);
            if !self.desk.letters.hold(&self.run, &self.desk.grip()).await? {
                let why = "another process has taken the run".to_owned();
                return Ok(Some(Ended::Stopped(why)));
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(Some(Ended::Interrupted)),
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// A group into which a letter of this run has come back since it was taken in hand.
    async fn returned(&self) -> Result<Option<String>, JournalError> {
        self.desk.letters.follow(self.desk.clock.now()).await?;
        let now = self.desk.letters.came_back(&self.run).await?;
        let before = |signature: &str| self.came_back.get(signature).copied().unwrap_or(0);
        Ok(now.into_iter().find(|(s, count)| *count > before(s)).map(|(signature, _)| signature))
    }

    /// Gives some letters their turn.
    async fn turn(&mut self, turn: Vec<Waiting>) -> Result<(), JournalError> {
        let desk = self.desk;
        let now = desk.clock.now();
        let (planned, interrupted): (Vec<_>, Vec<_>) =
            turn.iter().partition(|waiting| waiting.fate == Fate::Planned);
        let planned: Vec<DeadLetterId> = planned.iter().map(|waiting| waiting.letter).collect();
        let interrupted: Vec<DeadLetterId> =
            interrupted.iter().map(|waiting| waiting.letter).collect();
        let mut settled: Vec<(DeadLetterId, Settled)> = Vec::with_capacity(turn.len());
        let mut mine = Vec::new();
        if !planned.is_empty() {
            let taken = desk.letters.take(&self.run, &planned, now).await?;
            settled.extend(taken.refused.iter().map(|refused| (refused.letter, skip(refused))));
            mine.extend(desk.letters.fetch(&taken.taken).await?);
        }
        if !interrupted.is_empty() {
            let (again, over) = self.resume(&interrupted).await?;
            mine.extend(again);
            settled.extend(over);
        }
        let was_interrupted = |record: &LetterRecord| interrupted.contains(&record.letter.id);
        let judged = desk.judge(mine, &was_interrupted).await?;
        settled.extend(desk.carry_out(judged, &was_interrupted).await?);
        desk.letters.settle(&self.run, &settled, desk.clock.now()).await?;
        for (_, settled) in &settled {
            *self.progress.fates.entry(fate(settled)).or_default() += 1;
        }
        self.progress.done += turn.len();
        Ok(())
    }

    /// Letters that were being worked on when the run was interrupted: those to judge again, and those
    /// whose turn is over.
    async fn resume(
        &self,
        ids: &[DeadLetterId],
    ) -> Result<(Vec<LetterRecord>, Vec<(DeadLetterId, Settled)>), JournalError> {
        let (mut again, mut over) = (Vec::new(), Vec::new());
        let records = self.desk.letters.fetch(ids).await?;
        for id in ids {
            let Some(record) = records.iter().find(|record| record.letter.id == *id) else {
                over.push((*id, Settled::Skipped("the letter is gone".to_owned())));
                continue;
            };
            match record.state {
                LetterState::Replaying if record.run == Some(self.run) => {
                    again.push(record.clone())
                }
                LetterState::FailedAgain if record.run == Some(self.run) => {
                    over.push((*id, Settled::FailedAgain(Box::new(record.letter.clone()))));
                }
                LetterState::Replaying
                | LetterState::FailedAgain
                | LetterState::Parked
                | LetterState::Replayed
                | LetterState::Skipped
                | LetterState::Edited
                | LetterState::Discarded => {
                    let why = format!("meanwhile it is {}", record.state);
                    over.push((*id, Settled::Skipped(why)));
                }
            }
        }
        Ok((again, over))
    }
}

fn came_back(signature: &str) -> Ended {
    Ended::Stopped(format!("a replayed letter came back with the same signature: {signature}"))
}

fn skip(refused: &Refused) -> Settled {
    let why = match (refused.state, refused.run, &refused.operator) {
        (Some(state), Some(run), Some(operator)) => {
            format!("it is {state}: run {run} of {operator} has or had it")
        }
        (Some(state), _, _) => format!("it is {state}"),
        (None, _, _) => "the letter is gone".to_owned(),
    };
    Settled::Skipped(why)
}

const fn fate(settled: &Settled) -> Fate {
    match settled {
        Settled::Owed(_) | Settled::OweAgain(_) => Fate::Owed,
        Settled::FailedAgain(_) => Fate::FailedAgain,
        Settled::Handled(_) | Settled::Skipped(_) => Fate::Skipped,
    }
}

impl Desk {
    /// Why a replay must stand back: what is due to receivers is not being taken up as it falls due, so
    /// that more would be in the way of live traffic.
    async fn live_traffic_waits(&self, pace: &Pace) -> Result<Option<String>, JournalError> {
        let collected = |to: &&Arc<Participant>| to.handler == Handler::Mailbox;
        let except: Vec<OrganisationId> =
            self.directory.near().filter(collected).map(|to| to.id.clone()).collect();
        let now = self.clock.now();
        let since = self.letters.due_since(now, &except).await?;
        let behind = since
            .map(|since| now.duration_since(since))
            .filter(|wait| wait.unsigned_abs() > pace.stands_back_after);
        Ok(behind.map(|wait| {
            let seconds = wait.as_secs();
            format!(
                "what fell due {seconds} s ago is not sent yet and goes first; is `innfri serve` \
                 running?"
            )
        }))
    }

    /// Commits what letters lead to, and says what came of each.
    async fn carry_out(
        &self,
        judged: Vec<Judged>,
        interrupted: &(dyn Fn(&LetterRecord) -> bool + Sync),
    ) -> Result<Vec<(DeadLetterId, Settled)>, JournalError> {
        let mut settled = Vec::with_capacity(judged.len());
        let (mut group, mut outcomes) = (Vec::new(), Vec::new());
        for Judged { record, verdict, errand, .. } in judged {
            let id = record.letter.id;
            match errand {
                Errand::Commit(decision, outcome) => {
                    group.push(*decision);
                    outcomes.push((record, outcome));
                }
                Errand::OweAgain(followed) => settled.push((id, Settled::OweAgain(followed))),
                Errand::Done(followed) => settled.push((id, Settled::Owed(followed))),
                Errand::Nothing => settled.push((id, without_effect(verdict))),
            }
        }
        if group.is_empty() {
            return Ok(settled);
        }
        let collided = self.commit(&group).await?;
        if collided.is_empty() {
            settled.extend(outcomes.into_iter().map(|(record, it)| (record.letter.id, kept(it))));
            return Ok(settled);
        }
        // Nothing was committed: one at a time, each decided anew.
        for (record, _) in outcomes {
            settled.extend(self.alone(record, interrupted).await?);
        }
        Ok(settled)
    }

    /// Carries out one letter, deciding anew as long as live traffic gets in between.
    async fn alone(
        &self,
        record: LetterRecord,
        interrupted: &(dyn Fn(&LetterRecord) -> bool + Sync),
    ) -> Result<Vec<(DeadLetterId, Settled)>, JournalError> {
        let id = record.letter.id;
        for _ in 0..TRIES {
            let judged = self.judge(vec![record.clone()], interrupted).await?.pop();
            let Some(Judged { verdict, errand, .. }) = judged else { break };
            let settled = match errand {
                Errand::Commit(decision, outcome) => {
                    if !self.commit(&[*decision]).await?.is_empty() {
                        continue;
                    }
                    kept(outcome)
                }
                Errand::OweAgain(followed) => Settled::OweAgain(followed),
                Errand::Done(followed) => Settled::Owed(followed),
                Errand::Nothing => without_effect(verdict),
            };
            return Ok(vec![(id, settled)]);
        }
        Ok(vec![(id, Settled::Skipped("it kept colliding with live traffic".to_owned()))])
    }

    /// Commits decisions as owed by nobody, so that whoever serves delivers them. Gives the places of
    /// those that did not fit; when there are any, nothing was committed.
    async fn commit(&self, group: &[Decision]) -> Result<Vec<usize>, JournalError> {
        let now = self.clock.now();
        let claim = Claim { owner: self.process, now, lease: SignedDuration::ZERO };
        match self.journal.commit(group, &claim).await {
            Ok(()) => Ok(Vec::new()),
            Err(CommitError::Conflict(places)) => Ok(places),
            Err(CommitError::Journal(error)) => Err(error),
        }
    }
}

fn kept(outcome: Outcome) -> Settled {
    match outcome {
        Outcome::Followed(followed) => Settled::Owed(followed),
        Outcome::FailedAgain(letter) => Settled::FailedAgain(letter),
    }
}

fn without_effect(verdict: Verdict) -> Settled {
    match verdict {
        Verdict::Handled(why) => Settled::Handled(why),
        Verdict::Cannot(why) | Verdict::Refused(why) | Verdict::FailsAgain(why) => {
            Settled::Skipped(why)
        }
        Verdict::Passes => Settled::Skipped("it leads to nothing".to_owned()),
    }
}

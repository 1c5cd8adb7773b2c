//! A process' way to the model journal: calls are slow, fail before they did anything, or fail after
//! they did it; and the process can die on the way.

use std::sync::Arc;

use async_trait::async_trait;
use innfri::case::{Case, DeadLetter};
use innfri::kernel::{CaseId, DeliveryId};
use innfri::port::{
    AttemptResult, CaseFilter, CaseStory, Claim, CommitError, Counts, DeadLetterFilter, Decision,
    DeliveryRecord, Found, Journal, JournalError, Key, OwedDelivery, Whose,
};
use jiff::Timestamp;

use crate::chance::lock;
use crate::planted::Planted;
use crate::process::Process;
use crate::watch;
use crate::world::World;

/// Calls after which a run counts as going round in circles.
const MOST_CALLS: u64 = 200_000;

pub struct Line {
    pub world: Arc<World>,
    pub process: Arc<Process>,
}

fn unavailable() -> JournalError {
    JournalError::Unavailable("simulated".into())
}

impl Line {
    async fn going_in(&self, what: &str) -> Result<(), JournalError> {
        let world = &self.world;
        self.process.must_live().await;
        if world.count_call() > MOST_CALLS {
            world.violated(format!("more than {MOST_CALLS} calls: going round in circles"));
            std::future::pending::<()>().await;
        }
        // Others may come between any two calls, also where nothing is slow.
        if world.strikes(500) {
            tokio::task::yield_now().await;
        }
        if world.strikes(world.weather.journal_slow) {
            self.dawdle().await;
        }
        if world.strikes(world.weather.crash) {
            self.process.crash(world, &format!("before {what}")).await;
        }
        if world.journal_is_down() || world.strikes(world.weather.journal_fails) {
            world.note(|| format!("p{} {what}: unavailable", self.process.number));
            return Err(unavailable());
        }
        Ok(())
    }

    async fn coming_out(&self, what: &str) -> Result<(), JournalError> {
        let world = &self.world;
        if world.strikes(world.weather.crash) {
            self.process.crash(world, &format!("after {what}")).await;
        }
        if world.strikes(world.weather.journal_slow) {
            self.dawdle().await;
        }
        if world.strikes(world.weather.answer_lost) {
            world.note(|| format!("p{} {what}: done, and the answer lost", self.process.number));
            return Err(unavailable());
        }
        Ok(())
    }

    async fn dawdle(&self) {
        let chance = &self.world.chance;
        match chance.below(10) {
            0 => tokio::time::sleep(chance.millis(1_000, 20_000)).await,
            1..=5 => tokio::time::sleep(chance.millis(1, 300)).await,
            _ => tokio::task::yield_now().await,
        }
        self.process.must_live().await;
    }

    fn keep(&self, group: &[Decision], claim: &Claim) {
        let world = &self.world;
        let mut store = lock(&world.store);
        store.keep(group, claim);
        for decision in group {
            world.note(|| {
                let owed: Vec<String> = decision
                    .deliveries
                    .iter()
                    .map(|delivery| format!("{:?} to {}", delivery.purpose, delivery.to))
                    .collect();
                format!(
                    "p{} kept {:?} case {:?} head {:?} owes {owed:?}",
                    self.process.number,
                    decision.disposition,
                    decision.case,
                    decision.change.as_ref().map(|change| change.case.head),
                )
            });
            watch::decided(world, &store, decision);
        }
    }

    /// Keeps what [`Planted::KeptTooLate`] has put off.
    fn catch_up(&self) {
        for (group, claim) in std::mem::take(&mut *lock(&self.process.put_off)) {
            if lock(&self.world.store).conflicts(&group).is_empty() {
                self.keep(&group, &claim);
            }
        }
    }
}

#[async_trait]
impl Journal for Line {
    async fn look_up(&self, keys: &[Key]) -> Result<Vec<Found>, JournalError> {
        self.going_in("look_up").await?;
        self.catch_up();
        let found = {
            let store = lock(&self.world.store);
            keys.iter().map(|key| store.look_up(key)).collect()
        };
        self.coming_out("look_up").await?;
        Ok(found)
    }

    async fn commit(&self, group: &[Decision], claim: &Claim) -> Result<(), CommitError> {
        self.going_in("commit").await?;
        self.catch_up();
        let conflicts = lock(&self.world.store).conflicts(group);
        if !conflicts.is_empty() {
            self.world.note(|| format!("p{} commit: conflict {conflicts:?}", self.process.number));
            return Err(CommitError::Conflict(conflicts));
        }
        if self.world.planted == Some(Planted::KeptTooLate) {
            lock(&self.process.put_off).push((group.to_vec(), *claim));
        } else {
            self.keep(group, claim);
        }
        self.coming_out("commit").await?;
        Ok(())
    }

    async fn claim(
        &self,
        claim: &Claim,
        limit: u32,
        whose: Whose<'_>,
    ) -> Result<Vec<OwedDelivery>, JournalError> {
        self.going_in("claim").await?;
        self.catch_up();
        let claimed = lock(&self.world.store).claim(claim, limit, whose);
        if !claimed.is_empty() {
            self.world.note(|| format!("p{} claimed {}", self.process.number, claimed.len()));
        }
        self.coming_out("claim").await?;
        Ok(claimed)
    }

    async fn record(&self, results: &[AttemptResult]) -> Result<(), JournalError> {
        self.going_in("record").await?;
        self.catch_up();
        self.world.note(|| format!("p{} recorded {results:?}", self.process.number));
        lock(&self.world.store).record(results);
        self.coming_out("record").await?;
        Ok(())
    }

    async fn delivery(&self, id: &DeliveryId) -> Result<Option<DeliveryRecord>, JournalError> {
        self.going_in("delivery").await?;
        let found = lock(&self.world.store).delivery(id);
        self.coming_out("delivery").await?;
        Ok(found)
    }

    async fn size_bytes(&self) -> Result<u64, JournalError> {
        self.going_in("size_bytes").await?;
        Ok(0)
    }

    async fn cases(&self, wanted: &CaseFilter) -> Result<Vec<Case>, JournalError> {
        self.going_in("cases").await?;
        Ok(lock(&self.world.store).cases(wanted))
    }

    async fn story(&self, case: &CaseId) -> Result<Option<CaseStory>, JournalError> {
        self.going_in("story").await?;
        let story = lock(&self.world.store).story(case);
        self.coming_out("story").await?;
        Ok(story)
    }

    async fn dead_letters(
        &self,
        wanted: &DeadLetterFilter,
    ) -> Result<Vec<DeadLetter>, JournalError> {
        self.going_in("dead_letters").await?;
        let store = lock(&self.world.store);
        let fits = |letter: &&DeadLetter| wanted.id.is_none_or(|id| id == letter.id);
        Ok(store.dead_letters.values().filter(fits).cloned().collect())
    }

    async fn oldest_owed(&self) -> Result<Option<Timestamp>, JournalError> {
        self.going_in("oldest_owed").await?;
        Ok(lock(&self.world.store).oldest_owed())
    }

    async fn counts(&self) -> Result<Counts, JournalError> {
        self.going_in("counts").await?;
        Ok(lock(&self.world.store).counts())
    }
}

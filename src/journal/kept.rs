//! The journal on top of a store: takes calls, repeats what collided, and gives up in time.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::error::Fault;
use super::read;
use super::seal::Seal;
use super::store::Store;
use super::together::Together;
use super::write::{self, Group};
use crate::case::{Case, DeadLetter};
use crate::kernel::{CaseId, DeliveryId};
use crate::port::{
    AttemptResult, CaseFilter, CaseStory, Claim, CommitError, Counts, DeadLetterFilter, Decision,
    DeliveryRecord, Found, Journal, JournalError, Key, OwedDelivery, Whose,
};

/// No call takes longer. Longer than a store's own limits (10 s for SQLite's lock, 20 s for a
/// statement of PostgreSQL), so that it is reached only when the network swallows an answer.
const LONGEST_CALL: Duration = Duration::from_secs(30);

/// How often a transaction that collided with another is tried.
const TRIES: u32 = 3;

/// A store with what passes through on the way to it.
pub(super) struct Kept<S> {
    pub(super) store: S,
    pub(super) seal: Arc<dyn Seal>,
    together: Together,
}

/// A call that did not come to an end.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {} s", LONGEST_CALL.as_secs())]
struct NoAnswer;

impl<S: Store> Kept<S> {
    pub(super) fn new(store: S, seal: Arc<dyn Seal>) -> Self {
        Self { store, seal, together: Together::default() }
    }
}

/// Does something until it did not collide, at most [`TRIES`] times and [`LONGEST_CALL`] long.
pub(super) async fn persist<T, F>(mut step: impl FnMut() -> F) -> Result<T, JournalError>
where
    F: Future<Output = Result<T, Fault>>,
{
    let all = async {
        for _ in 1..TRIES {
            match step().await {
                Err(Fault::Collided(_)) => (),
                other => return other,
            }
        }
        step().await
    };
    match tokio::time::timeout(LONGEST_CALL, all).await {
        Ok(outcome) => outcome.map_err(JournalError::from),
        Err(_) => Err(JournalError::Unavailable(Box::new(NoAnswer))),
    }
}

#[async_trait]
impl<S: Store> Journal for Kept<S> {
    async fn look_up(&self, keys: &[Key]) -> Result<Vec<Found>, JournalError> {
        persist(|| read::look_up(&self.store, &*self.seal, keys)).await
    }

    async fn commit(&self, group: &[Decision], claim: &Claim) -> Result<(), CommitError> {
        let group = Group::of(group, claim, &*self.seal).map_err(JournalError::from)?;
        let conflicts = persist(|| write::commit(&self.store, &group)).await?;
        if conflicts.is_empty() { Ok(()) } else { Err(CommitError::Conflict(conflicts)) }
    }

    async fn claim(
        &self,
        claim: &Claim,
        limit: u32,
        whose: Whose<'_>,
    ) -> Result<Vec<OwedDelivery>, JournalError> {
        persist(|| write::claim(&self.store, &*self.seal, claim, limit, whose)).await
    }

    async fn delivery(&self, id: &DeliveryId) -> Result<Option<DeliveryRecord>, JournalError> {
        persist(|| read::delivery(&self.store, &*self.seal, id)).await
    }

    async fn size_bytes(&self) -> Result<u64, JournalError> {
        persist(|| read::size_bytes(&self.store)).await
    }

    async fn record(&self, results: &[AttemptResult]) -> Result<(), JournalError> {
        self.together.record(&self.store, results).await
    }

    async fn cases(&self, filter: &CaseFilter) -> Result<Vec<Case>, JournalError> {
        persist(|| read::cases(&self.store, filter)).await
    }

    async fn story(&self, case: &CaseId) -> Result<Option<CaseStory>, JournalError> {
        persist(|| read::story(&self.store, &*self.seal, case)).await
    }

    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
    ) -> Result<Vec<DeadLetter>, JournalError> {
        persist(|| read::dead_letters(&self.store, &*self.seal, filter)).await
    }

    async fn oldest_owed(&self) -> Result<Option<Timestamp>, JournalError> {
        persist(|| read::oldest_owed(&self.store)).await
    }

    async fn counts(&self) -> Result<Counts, JournalError> {
        persist(|| read::counts(&self.store)).await
    }
}

//! What operators do about dead letters, on both stores: statements written once, as for the journal.

mod read;
mod runs;
mod write;

use async_trait::async_trait;
use jiff::Timestamp;

use super::kept::{Kept, persist};
use super::store::Store;
use crate::case::DeadLetter;
use crate::kernel::{DeadLetterId, DeliveryId, OrganisationId};
use crate::port::JournalError;
use crate::port::letters::{
    Action, ActionFilter, GroupNote, Hold, KeptDelivery, LetterCount, LetterFilter, LetterRecord,
    Letters, Replay, Run, RunId, RunRecord, Settled, Taken, Waiting,
};

#[async_trait]
impl<S: Store> Letters for Kept<S> {
    async fn list(&self, filter: &LetterFilter) -> Result<Vec<LetterRecord>, JournalError> {
        persist(|| read::list(&self.store, &*self.seal, filter)).await
    }

    async fn select(&self, filter: &LetterFilter) -> Result<Vec<DeadLetterId>, JournalError> {
        persist(|| read::select(&self.store, filter)).await
    }

    async fn fetch(&self, ids: &[DeadLetterId]) -> Result<Vec<LetterRecord>, JournalError> {
        persist(|| read::fetch(&self.store, &*self.seal, ids)).await
    }

    async fn counts(&self) -> Result<Vec<LetterCount>, JournalError> {
        persist(|| read::counts(&self.store)).await
    }

    async fn traffic(
        &self,
        banks: &[(OrganisationId, Timestamp)],
    ) -> Result<Vec<u64>, JournalError> {
        persist(|| read::traffic(&self.store, banks)).await
    }

    async fn notes(&self) -> Result<Vec<GroupNote>, JournalError> {
        persist(|| read::notes(&self.store)).await
    }

    async fn note(&self, note: &GroupNote, action: &Action) -> Result<(), JournalError> {
        persist(|| write::note(&self.store, note, action)).await
    }

    async fn record(&self, actions: &[Action]) -> Result<(), JournalError> {
        persist(|| write::record(&self.store, actions)).await
    }

    async fn actions(&self, filter: &ActionFilter) -> Result<Vec<Action>, JournalError> {
        persist(|| read::actions(&self.store, filter)).await
    }

    async fn discard(
        &self,
        ids: &[DeadLetterId],
        purge_at: Timestamp,
        action: &Action,
    ) -> Result<Vec<DeadLetterId>, JournalError> {
        persist(|| write::hide(&self.store, ids, Some(purge_at), action)).await
    }

    async fn restore(
        &self,
        ids: &[DeadLetterId],
        action: &Action,
    ) -> Result<Vec<DeadLetterId>, JournalError> {
        persist(|| write::hide(&self.store, ids, None, action)).await
    }

    async fn purge(&self, action: &Action) -> Result<u64, JournalError> {
        persist(|| write::purge(&self.store, action)).await
    }

    async fn keep_edit(
        &self,
        original: &DeadLetterId,
        copy: &DeadLetter,
        action: &Action,
    ) -> Result<bool, JournalError> {
        persist(|| write::keep_edit(&self.store, &*self.seal, original, copy, action)).await
    }

    async fn begin(
        &self,
        run: &Run,
        letters: &[DeadLetterId],
        hold: &Hold,
        action: &Action,
    ) -> Result<(), JournalError> {
        persist(|| runs::begin(&self.store, run, letters, hold, action)).await
    }

    async fn hold(&self, run: &RunId, hold: &Hold) -> Result<bool, JournalError> {
        persist(|| runs::hold(&self.store, run, hold)).await
    }

    async fn let_go(&self, run: &RunId, at: Timestamp, ended: &str) -> Result<(), JournalError> {
        persist(|| runs::let_go(&self.store, run, at, ended)).await
    }

    async fn run(&self, run: &RunId) -> Result<Option<RunRecord>, JournalError> {
        Ok(persist(|| runs::runs(&self.store, Some(run), 1)).await?.pop())
    }

    async fn runs(&self, limit: u32) -> Result<Vec<RunRecord>, JournalError> {
        persist(|| runs::runs(&self.store, None, limit)).await
    }

    async fn waiting(&self, run: &RunId) -> Result<Vec<Waiting>, JournalError> {
        persist(|| runs::waiting(&self.store, run)).await
    }

    async fn take(
        &self,
        run: &RunId,
        ids: &[DeadLetterId],
        now: Timestamp,
    ) -> Result<Taken, JournalError> {
        persist(|| runs::take(&self.store, run, ids, now)).await
    }

    async fn settle(
        &self,
        run: &RunId,
        settled: &[(DeadLetterId, Settled)],
        now: Timestamp,
    ) -> Result<(), JournalError> {
        persist(|| runs::settle(&self.store, &*self.seal, run, settled, now)).await
    }

    async fn follow(&self, now: Timestamp) -> Result<(), JournalError> {
        persist(|| runs::follow(&self.store, now)).await
    }

    async fn replays(&self, letter: &DeadLetterId) -> Result<Vec<Replay>, JournalError> {
        persist(|| runs::replays(&self.store, letter)).await
    }

    async fn came_back(&self, run: &RunId) -> Result<Vec<(String, u64)>, JournalError> {
        persist(|| runs::came_back(&self.store, run)).await
    }

    async fn deliveries(&self, ids: &[DeliveryId]) -> Result<Vec<KeptDelivery>, JournalError> {
        persist(|| read::deliveries(&self.store, &*self.seal, ids)).await
    }

    async fn troubled(&self) -> Result<Vec<OrganisationId>, JournalError> {
        persist(|| read::troubled(&self.store)).await
    }

    async fn due_since(
        &self,
        now: Timestamp,
        except: &[OrganisationId],
    ) -> Result<Option<Timestamp>, JournalError> {
        persist(|| read::due_since(&self.store, now, except)).await
    }
}

//! Records together what many call for at the same time: a mailbox is acknowledged message by message, and each
//! transaction costs more than what it writes.
//!
//! Whoever comes while nobody records does so for all who wait; who comes meanwhile waits for the next turn.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::kept::persist;
use super::store::Store;
use super::write::{self, Results};
use crate::port::{AttemptResult, JournalError};
use crate::telemetry::chain::Chain;

/// Results that wait for their turn.
#[derive(Default)]
pub(super) struct Together {
    waiting: Mutex<Vec<Waiting>>,
    turn: tokio::sync::Mutex<()>,
}

struct Waiting {
    results: Vec<AttemptResult>,
    done: oneshot::Sender<Result<(), JournalError>>,
}

impl Together {
    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records these results, and with them those of others.
    pub(super) async fn record<S: Store>(
        &self,
        store: &S,
        results: &[AttemptResult],
    ) -> Result<(), JournalError> {
        loop {
            let (done, mut outcome) = oneshot::channel();
            self.waiting().push(Waiting { results: results.to_vec(), done });
            let recorded = tokio::select! {
                biased;
                recorded = &mut outcome => recorded,
                turn = self.turn.lock() => {
                    self.record_all(store).await;
                    drop(turn);
                    outcome.await
                }
            };
            // Whose turn it was may have been cut off with the work: then it is done again.
            if let Ok(recorded) = recorded {
                return recorded;
            }
        }
    }

    async fn record_all<S: Store>(&self, store: &S) {
        let all = std::mem::take(&mut *self.waiting());
        if all.is_empty() {
            return;
        }
        let (results, callers): (Vec<_>, Vec<_>) =
            all.into_iter().map(|one| (one.results, one.done)).unzip();
        let rows = Results::of(results.iter().flatten());
        let outcome = persist(|| write::record(store, &rows)).await;
        for done in callers {
            // Nobody waits for it any longer.
            drop(done.send(copy(&outcome)));
        }
    }
}

/// The outcome again, for one more who waits for it.
fn copy(outcome: &Result<(), JournalError>) -> Result<(), JournalError> {
    match outcome {
        Ok(()) => Ok(()),
        Err(JournalError::Unavailable(source)) => {
            Err(JournalError::Unavailable(Chain(source.as_ref()).to_string().into()))
        }
        Err(JournalError::Corrupt(what)) => Err(JournalError::Corrupt(what.clone())),
    }
}

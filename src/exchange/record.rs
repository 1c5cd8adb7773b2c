//! The recorder: writes what became of attempts into the journal, as many as there are together.
//!
//! A lane does not wait for it: what it holds in memory is lost with the process, and then goes out again
//! with the same id when its lease runs out.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Shared;
use crate::port::AttemptResult;
use crate::telemetry::chain::Chain;

/// Groups of results that may wait; then lanes wait.
pub(super) const WAITING_GROUPS: usize = 64;

/// Records until `stop`, and then what still waits.
pub(super) async fn record_until(
    shared: Arc<Shared>,
    mut results: mpsc::Receiver<Vec<AttemptResult>>,
    stop: CancellationToken,
) {
    let mut groups = Vec::with_capacity(WAITING_GROUPS);
    loop {
        tokio::select! {
            biased;
            _ = results.recv_many(&mut groups, WAITING_GROUPS) => {}
            () = stop.cancelled() => {
                results.close();
                while results.recv_many(&mut groups, WAITING_GROUPS).await > 0 {}
            }
        }
        if groups.is_empty() {
            return;
        }
        shared.record(groups.drain(..).flatten().collect()).await;
    }
}

impl Shared {
    /// Leaves results to the recorder.
    pub(super) async fn leave_to_record(&self, results: Vec<AttemptResult>) {
        if !results.is_empty()
            && let Err(mpsc::error::SendError(results)) = self.results.send(results).await
        {
            // The recorder has ended: the process is stopping.
            self.record(results).await;
        }
    }

    /// Records what became of attempts, trying a few times: otherwise they go out again when the lease
    /// runs out, which the receiver must drop as a repeat.
    pub(super) async fn record(&self, results: Vec<AttemptResult>) {
        if results.is_empty() {
            return;
        }
        for wait in [0, 100, 500, 2000] {
            tokio::time::sleep(Duration::from_millis(wait)).await;
            match self.parts.journal.record(&results).await {
                Ok(()) => return,
                Err(error) => {
                    tracing::warn!(error = %Chain(&error), "could not record attempts");
                }
            }
        }
    }
}

//! The task that removes discarded dead letters once the date that was shown has come.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::port::letters::{Action, ActionKind};
use crate::port::{Clock, Letters};
use crate::telemetry::chain::Chain;

/// How often to look.
const LOOK_EVERY: Duration = Duration::from_secs(3600);

/// Purges until `stop`. Each letter that goes is recorded, as when an operator does it.
pub async fn purge_letters(
    letters: Arc<dyn Letters>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(look.tick()).await.is_some() {
        let action = Action {
            at: clock.now(),
            operator: "innfri serve".to_owned(),
            kind: ActionKind::Purged,
            letter: None,
            run: None,
            signature: None,
            reason: "the purge date has come".to_owned(),
            detail: String::new(),
        };
        match letters.purge(&action).await {
            Ok(0) => {}
            Ok(letters) => tracing::info!(letters, "discarded letters are removed for good"),
            Err(error) => {
                tracing::warn!(error = %Chain(&error), "could not remove discarded letters");
            }
        }
    }
}

//! The task that seals days in the journal once they are over.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::port::{Audit, Clock};
use crate::telemetry::chain::Chain;

/// How often to look whether a day is over.
const LOOK_EVERY: Duration = Duration::from_secs(600);

/// Seals days until `stop`. Each new head is logged, so that a copy of it is kept wherever logs go.
pub async fn seal_days(audit: Arc<dyn Audit>, clock: Arc<dyn Clock>, stop: CancellationToken) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(look.tick()).await.is_some() {
        match audit.seal_days(clock.now()).await {
            Ok(heads) => {
                for head in heads {
                    tracing::info!(%head, "a day is sealed");
                }
            }
            Err(error) => {
                tracing::warn!(error = %Chain(&error), "a day that is over could not be sealed");
            }
        }
    }
}

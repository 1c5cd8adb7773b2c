//! The task that gives up on what nobody collects from a mailbox: the sender is told, as for any delivery
//! that does not arrive, and operations see it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::retry::RetrySchedule;
use crate::decide::undelivered::Failure;
use crate::directory::Handler;
use crate::kernel::{ChannelName, OrganisationId};
use crate::port::{JournalError, Whose};
use crate::telemetry::chain::Chain;

/// How often to look.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Deliveries looked at together.
const PAGE: u32 = 100;

/// Gives up until `stop` what has waited in a mailbox for as long as a delivery is tried.
pub(super) async fn give_up_uncollected(shared: Arc<Shared>, stop: CancellationToken) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(look.tick()).await.is_some() {
        if let Err(error) = shared.give_up_on_post(&stop).await {
            tracing::warn!(error = %Chain(&error), "could not look for what nobody collects");
        }
    }
}

impl Shared {
    async fn give_up_on_post(&self, stop: &CancellationToken) -> Result<(), JournalError> {
        let mut by_patience: BTreeMap<Duration, Vec<OrganisationId>> = BTreeMap::new();
        for participant in self.directory().near() {
            if participant.handler == Handler::Mailbox {
                let schedule = RetrySchedule::of(&self.parts.config, &participant.delivery);
                by_patience.entry(schedule.give_up_after).or_default().push(participant.id.clone());
            }
        }
        for (patience, of) in by_patience {
            let patience = SignedDuration::try_from(patience).unwrap_or(SignedDuration::MAX);
            // A patience longer than time never ends.
            let Ok(owed_before) = self.now().checked_sub(patience) else { continue };
            while !stop.is_cancelled() {
                let whose = Whose::Only(&of, Some(owed_before));
                let late = self.parts.journal.claim(&self.claim(), PAGE, whose).await?;
                for owed in &late {
                    let failure = Failure {
                        channel: ChannelName::Http,
                        attempts: owed.attempts,
                        code: "not_collected".to_owned(),
                        detail: format!("nobody collected it within {patience:#}"),
                    };
                    self.give_up(&owed.delivery, &failure).await;
                }
                if late.len() < PAGE as usize {
                    break;
                }
            }
        }
        Ok(())
    }
}

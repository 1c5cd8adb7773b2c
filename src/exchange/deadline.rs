//! The task that watches answer deadlines: only banks that have promised a time have one.
//!
//! Several processes may watch the same journal: a case that another has just answered has moved on,
//! and the commit says so.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::Shared;
use crate::contract::MessageType;
use crate::decide::overdue::answer_overdue;
use crate::kernel::OrganisationId;
use crate::port::{CaseFilter, Decision, JournalError, Key};
use crate::telemetry::chain::Chain;

/// Cases looked at together.
const PAGE: u32 = 100;

/// Watches until `stop`.
pub(super) async fn watch_until(shared: Arc<Shared>, stop: CancellationToken) {
    let every = Duration::from_secs(shared.parts.config.deadline_interval_seconds.max(1));
    let mut look = tokio::time::interval(every);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(look.tick()).await.is_some() {
        if let Err(error) = shared.answer_for_late_banks(&stop).await {
            tracing::warn!(error = %Chain(&error), "could not look for answers that are overdue");
        }
    }
}

impl Shared {
    async fn answer_for_late_banks(&self, stop: &CancellationToken) -> Result<(), JournalError> {
        let directory = self.directory();
        for bank in directory.participants() {
            for (kind, seconds) in &bank.delivery.answer_within_seconds {
                self.answer_for(&bank.id, *kind, *seconds, stop).await?;
            }
        }
        Ok(())
    }

    async fn answer_for(
        &self,
        bank: &OrganisationId,
        kind: MessageType,
        seconds: u64,
        stop: &CancellationToken,
    ) -> Result<(), JournalError> {
        let within = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
        // A promise longer than time is none.
        let Ok(opened_by) = self.now().checked_sub(within) else { return Ok(()) };
        let mut filter = CaseFilter {
            organisation: Some(bank.clone()),
            open: Some(true),
            message_type: Some(kind),
            before: opened_by.checked_add(SignedDuration::from_micros(1)).ok(),
            limit: PAGE,
            ..CaseFilter::default()
        };
        while !stop.is_cancelled() {
            let cases = self.parts.journal.cases(&filter).await?;
            let keys: Vec<Key> = cases
                .iter()
                .filter(|case| case.bank.as_ref() == Some(bank))
                .map(|case| Key { case: Some(case.id), ..Key::default() })
                .collect();
            let found = self.parts.journal.look_up(&keys).await?;
            let directory = self.directory();
            let context = self.context(&directory);
            let decisions: Vec<Decision> = found
                .iter()
                .filter_map(|found| answer_overdue(found.case.as_ref()?, &context))
                .collect();
            let answered = self.commit(decisions).await.committed.iter().flatten().count();
            if answered > 0 {
                tracing::warn!(%bank, cases = answered, "the bank did not answer in time");
            }
            match filter.next_page(&cases) {
                Some(next) => filter = next,
                None => break,
            }
        }
        Ok(())
    }
}

//! Which open cases wait longer than their bank usually takes, looked up once for each bank and type.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::case::Case;
use crate::case::late::{MOST_ANSWERS, is_late, usual_wait};
use crate::contract::MessageType;
use crate::kernel::OrganisationId;
use crate::port::{CaseFilter, Clock, Journal, JournalError, SystemClock};

/// What banks usually take.
pub(super) struct Usual {
    journal: Arc<dyn Journal>,
    now: Timestamp,
    waits: BTreeMap<(OrganisationId, MessageType), Option<SignedDuration>>,
}

impl Usual {
    pub(super) fn of(journal: &Arc<dyn Journal>) -> Self {
        Self { journal: Arc::clone(journal), now: SystemClock.now(), waits: BTreeMap::new() }
    }

    /// Whether a case waits longer than its bank usually takes.
    pub(super) async fn is_late(&mut self, case: &Case) -> Result<bool, JournalError> {
        let Some(bank) = case.bank.clone().filter(|_| case.state.outcome().is_none()) else {
            return Ok(false);
        };
        let key = (bank, case.request_type);
        let usual = match self.waits.get(&key) {
            Some(known) => *known,
            None => {
                let usual = self.look_up(&key).await?;
                self.waits.insert(key, usual);
                usual
            }
        };
        Ok(is_late(case, usual, self.now))
    }

    async fn look_up(
        &self,
        (bank, kind): &(OrganisationId, MessageType),
    ) -> Result<Option<SignedDuration>, JournalError> {
        let filter = CaseFilter {
            organisation: Some(bank.clone()),
            open: Some(false),
            message_type: Some(*kind),
            limit: MOST_ANSWERS,
            ..CaseFilter::default()
        };
        let settled = self.journal.cases(&filter).await?;
        Ok(usual_wait(settled.iter().filter(|case| case.bank.as_ref() == Some(bank))))
    }

    /// The cases of a filter with whether each is late; with `late_alone`, those that are, however
    /// many others lie between.
    pub(super) async fn list(
        &mut self,
        filter: &CaseFilter,
        late_alone: bool,
    ) -> Result<Vec<(Case, bool)>, JournalError> {
        let mut listed = Vec::new();
        let mut wanted = Some(filter.clone());
        let most = if filter.limit == 0 { usize::MAX } else { filter.limit as usize };
        while let Some(filter) = wanted {
            let page = self.journal.cases(&filter).await?;
            wanted = filter.next_page(&page).filter(|_| late_alone);
            for case in page {
                let late = self.is_late(&case).await?;
                // Pages may overlap.
                let known = late_alone && listed.iter().any(|(one, _): &(Case, bool)| *one == case);
                if listed.len() < most && (late || !late_alone) && !known {
                    listed.push((case, late));
                }
            }
            wanted = wanted.filter(|_| listed.len() < most);
        }
        Ok(listed)
    }
}

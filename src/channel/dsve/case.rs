//! Which case an answer from Altinn belongs to. DSVE has no identifier for that: the asker's reference is
//! repeated, in one place or another.

use super::arrival::Clues;
use crate::case::Case;
use crate::kernel::{DeliveryId, OrganisationId};
use crate::port::{CaseFilter, Journal, JournalError, Key};

/// The case of which an answer speaks: the one whose request went out under a reference that the answer
/// repeats; else the newest in which this receiver's own reference is repeated, the bank is the one that
/// was asked, and what was asked fits. `None` when there is none: nothing is guessed.
///
/// # Errors
/// When the journal cannot tell now.
pub(super) async fn of(
    journal: &dyn Journal,
    clues: &Clues,
    bank: &OrganisationId,
    receiver: &OrganisationId,
) -> Result<Option<Case>, JournalError> {
    let forwarded = clues.references.iter().filter_map(|text| text.parse::<DeliveryId>().ok());
    let keys: Vec<Key> =
        forwarded.map(|id| Key { forwarded_as: Some(id), ..Key::default() }).collect();
    if !keys.is_empty() {
        let found = journal.look_up(&keys).await?;
        if let Some(stored) = found.into_iter().find_map(|found| found.case) {
            return Ok(Some(stored.case));
        }
    }
    for reference in &clues.references {
        let filter = CaseFilter {
            reference: Some(reference.clone()),
            organisation: Some(receiver.clone()),
            message_type: clues.request,
            ..CaseFilter::default()
        };
        let cases = journal.cases(&filter).await?;
        if let Some(case) = cases.into_iter().find(|case| case.bank.as_ref() == Some(bank)) {
            return Ok(Some(case));
        }
    }
    Ok(None)
}

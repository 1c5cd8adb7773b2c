//! Deciding on a case whose bank has not answered within the time it promised: whoever waits is told
//! once. The case stays ready for the answer, which replaces this as the next revision.

use jiff::{SignedDuration, Timestamp};

use crate::case::{Case, Event, GivenBy, StoredCase};
use crate::directory::Directory;
use crate::market::no::status::{Aarsak, Statuskode};

use super::Context;
use super::decision::{CaseChange, Decision, Disposition};
use super::request::{own_status, record};

/// When the bank's answer to a case is due; `None` when its bank has promised no time for this type.
pub fn due_at(case: &Case, directory: &Directory) -> Option<Timestamp> {
    let bank = directory.participant(case.bank.as_ref()?)?;
    let seconds = *bank.delivery.answer_within_seconds.get(&case.request_type)?;
    let within = SignedDuration::from_secs(i64::try_from(seconds).ok()?);
    case.opened_at.checked_add(within).ok()
}

/// What follows for a case that is still open when its answer is due; `None` when it is not.
pub fn answer_overdue(stored: &StoredCase, context: &Context<'_>) -> Option<Decision> {
    let mut case = stored.case.clone();
    let due = due_at(&case, context.directory)?;
    if context.now < due || case.state.outcome().is_some() {
        return None;
    }
    let revision = case.state.revision() + 1;
    let status = Event::StatusGiven {
        revision,
        statuskode: Statuskode::Feil,
        aarsak: Some(Aarsak::IkkeSvartITide),
        by: GivenBy::Innfri,
        message_id: None,
    };
    let events = vec![record(&mut case, status, context)?];
    let tekst = "Banken har ikke svart innen fristen. Ta kontakt med banken. Svarer banken senere, \
                 blir svaret sendt deg da.";
    let outcome = own_status(&case, revision, Aarsak::IkkeSvartITide, tekst.into(), Vec::new());
    Some(Decision {
        case: Some(case.id),
        change: Some(CaseChange {
            case,
            expected: Some(stored.case.version),
            events,
            request: None,
        }),
        deliveries: vec![outcome],
        ..Decision::none(Disposition::Accepted)
    })
}

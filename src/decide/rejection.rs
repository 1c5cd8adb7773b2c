//! The invalid-message channel: messages that have no effect, and how their senders are told.

use crate::case::{DeadLetter, DeadReason, Delivery, Purpose, StoredCase};
use crate::contract::MessageType;
use crate::kernel::{DeliveryId, Finding, MessageId, OrganisationId};
use crate::market::no::rejection::Rejection;
use crate::market::no::rules::way;

use super::decision::{Decision, Disposition, InboxEntry};
use super::reading::{Arrival, Spoofed};
use super::request::to_body;

/// A message about which nobody can be told.
pub(super) fn dead(letter: &DeadLetter) -> Decision {
    Decision { dead_letters: vec![letter.clone()], ..Decision::none(Disposition::DeadLettered) }
}

/// A message that names somebody else as its sender: kept for operations; and whoever is signed in is
/// told, when that is one participant.
pub(super) fn spoofed(spoofed: &Spoofed) -> Decision {
    let finding = way::SENDER_MAY_NOT_SPEAK.finding("/avsender/id");
    let told = spoofed.tell.as_ref().map(|to| {
        let id = spoofed.letter.message_id.as_deref().and_then(|text| text.parse().ok());
        Delivery {
            traceparent: spoofed.letter.traceparent.clone(),
            ..report(to, &spoofed.about, id, None, vec![finding.clone()])
        }
    });
    let letter = DeadLetter { findings: vec![finding], ..spoofed.letter.clone() };
    Decision {
        notice: told.as_ref().map(|told| told.id),
        deliveries: told.into_iter().collect(),
        dead_letters: vec![letter],
        ..Decision::none(Disposition::DeadLettered)
    }
}

/// A message id used again with other content: the first message keeps its effect, the second has
/// none.
pub(super) fn reused_id(arrival: &Arrival, earlier: &InboxEntry) -> Decision {
    let finding = way::MESSAGE_ID_REUSED.finding("");
    let letter = DeadLetter {
        case: earlier.case,
        ..letter(arrival, DeadReason::ReusedMessageId, finding.clone())
    };
    let told = report_on(arrival, None, vec![finding]);
    Decision {
        case: earlier.case,
        notice: Some(told.id),
        deliveries: vec![told],
        dead_letters: vec![letter],
        ..Decision::none(Disposition::Rejected)
    }
}

/// An answer that belongs to no case of its sender: the bank is told, and operations see it.
pub(super) fn without_case(arrival: &Arrival, reason: DeadReason, finding: Finding) -> Decision {
    let told = report_on(arrival, None, vec![finding.clone()]);
    Decision {
        inbox: Some(inbox(arrival, None)),
        notice: Some(told.id),
        deliveries: vec![told],
        dead_letters: vec![letter(arrival, reason, finding)],
        ..Decision::none(Disposition::Rejected)
    }
}

/// That this message was here.
pub(super) fn inbox(arrival: &Arrival, case: Option<&StoredCase>) -> InboxEntry {
    InboxEntry {
        sender: arrival.sender.clone(),
        message_id: arrival.identity,
        digest: arrival.digest,
        case: case.map(|stored| stored.case.id),
        at: arrival.incoming.received_at,
    }
}

/// The name of the report on a message; see [`report`].
pub(super) fn report_id(to: &OrganisationId, about: &MessageId) -> DeliveryId {
    DeliveryId::about(to, about, "rejection")
}

/// The report to a known sender on its message, in that message's trace.
pub(super) fn report_on(
    arrival: &Arrival,
    case: Option<&StoredCase>,
    findings: Vec<Finding>,
) -> Delivery {
    Delivery {
        traceparent: arrival.incoming.traceparent.clone(),
        ..report(&arrival.sender, &arrival.about(), arrival.message_id, case, findings)
    }
}

/// The report to the sender of a message that was not accepted.
fn report(
    to: &OrganisationId,
    about: &MessageId,
    melding: Option<MessageId>,
    case: Option<&StoredCase>,
    avvik: Vec<Finding>,
) -> Delivery {
    let tekst = match case {
        Some(_) => {
            "Svaret er ikke godtatt og er ikke sendt videre. Saken er fortsatt som før. Rett \
             avvikene og send et nytt svar med ny meldings-id."
        }
        None => "Meldingen er ikke godtatt. Se avvikslisten.",
    };
    let rejection = Rejection {
        sak: case.map(|stored| stored.case.id),
        melding,
        referanse: case.map(|stored| stored.case.reference.clone()).filter(|text| !text.is_empty()),
        tekst: tekst.to_owned(),
        avvik,
    };
    Delivery {
        id: report_id(to, about),
        case: case.map(|stored| stored.case.id),
        purpose: Purpose::Rejection,
        to: to.clone(),
        body: to_body(MessageType::Rejection, &rejection),
        correlation_id: melding,
        traceparent: None,
    }
}

fn letter(arrival: &Arrival, reason: DeadReason, finding: Finding) -> DeadLetter {
    DeadLetter {
        from: Some(arrival.sender.clone()),
        to: arrival.receiver.clone(),
        reference: arrival.reference.clone(),
        detail: finding.text.clone(),
        findings: vec![finding],
        ..DeadLetter::of_incoming(&arrival.incoming, reason, "")
    }
}

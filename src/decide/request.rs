//! Deciding on a request: it becomes a case that waits for its bank, or a case that is settled at once
//! with a `FEIL` that says everything that was wrong.

use crate::case::{Case, CaseState, Delivery, Event, GivenBy, Purpose, RecordedEvent};
use crate::contract::{Body, Message, MessageType, Request};
use crate::kernel::{CaseId, DeliveryId, Digest, Finding, OrganisationId};
use crate::market::no::receipt::Receipt;
use crate::market::no::status::{Aarsak, Status, StatusPart, Statuskode};

use super::decision::{CaseChange, Decision, Disposition, Found, InboxEntry};
use super::reading::Arrival;
use super::route::{Refusal, Route, route};
use super::{Context, beyond, rejection};

/// What a request leads to.
pub(super) fn decide(arrival: &Arrival, found: &Found, context: &Context<'_>) -> Decision {
    if let Some(earlier) = &found.inbox {
        return if earlier.digest == arrival.digest {
            Decision { case: earlier.case, ..Decision::none(Disposition::Repeated) }
        } else {
            rejection::reused_id(arrival, earlier)
        };
    }
    match &arrival.message {
        Some(Message::Request(request)) => match way(arrival, request, context) {
            Ok(way) => accept(arrival, request, way, context),
            Err(refusal) => refuse(arrival, refusal, context),
        },
        Some(Message::Answer(_) | Message::Status(_)) | None => {
            refuse(arrival, Refusal::unacceptable(arrival.findings.clone()), context)
        }
    }
}

/// Where a request goes, when it can be said there.
fn way(arrival: &Arrival, request: &Request, context: &Context<'_>) -> Result<Route, Refusal> {
    let way = route(&arrival.sender, request, arrival.incoming.channel, context)?;
    let unsaid = beyond::unsaid(&way.bank, || arrival.body(request.message_type()), context);
    if unsaid.is_empty() { Ok(way) } else { Err(Refusal::unacceptable(unsaid)) }
}

fn accept(arrival: &Arrival, request: &Request, way: Route, context: &Context<'_>) -> Decision {
    let mut case = open(arrival, &way.reply_to, Some(way.bank.clone()), context);
    let kind = request.message_type();
    let events = [record(&mut case, opened(arrival, kind, Some(way.bank.clone())), context)];
    let forward = Delivery {
        id: case.forwarded_as,
        case: Some(case.id),
        purpose: Purpose::Request,
        to: way.bank.clone(),
        body: arrival.body(kind),
        correlation_id: None,
        traceparent: arrival.incoming.traceparent.clone(),
    };
    let asker = context.directory.participant(&arrival.sender);
    let receipt = asker.filter(|asker| asker.receipts).and_then(|_| receipt(&case, arrival, &way));
    Decision {
        deliveries: std::iter::once(forward).chain(receipt).collect(),
        ..commit(case, events.into_iter().flatten().collect(), arrival, Disposition::Accepted)
    }
}

fn refuse(arrival: &Arrival, refusal: Refusal, context: &Context<'_>) -> Decision {
    let bank = arrival.given_to().or_else(|| arrival.receiver.clone());
    let mut case = open(arrival, &arrival.sender, bank.clone(), context);
    let kind = case.request_type;
    let status = Event::StatusGiven {
        revision: 1,
        statuskode: Statuskode::Feil,
        aarsak: Some(refusal.aarsak),
        by: GivenBy::Innfri,
        message_id: None,
    };
    let events = [
        record(&mut case, opened(arrival, kind, bank), context),
        record(&mut case, status, context),
    ];
    let outcome = Delivery {
        traceparent: arrival.incoming.traceparent.clone(),
        ..own_status(&case, 1, refusal.aarsak, refusal.tekst, refusal.findings)
    };
    Decision {
        notice: Some(outcome.id),
        deliveries: vec![outcome],
        ..commit(case, events.into_iter().flatten().collect(), arrival, Disposition::Refused)
    }
}

/// A `FEIL` of innfri's own to whoever waits for the case's outcome. It carries no trace on: whoever has
/// the message from which it follows adds that message's.
pub(super) fn own_status(
    case: &Case,
    revision: u32,
    aarsak: Aarsak,
    tekst: String,
    avvik: Vec<Finding>,
) -> Delivery {
    // Only a Norwegian number can be written in a Norwegian message.
    let part = |id: &OrganisationId, referanse: Option<String>| {
        (id.country() == crate::kernel::Country::No)
            .then(|| StatusPart { id: id.clone(), referanse })
    };
    let referanse = Some(case.reference.clone()).filter(|text| !text.is_empty());
    let status = Status {
        avsender: case.bank.as_ref().and_then(|bank| part(bank, None)),
        mottaker: part(&case.asker, referanse),
        statuskode: Statuskode::Feil,
        aarsak: Some(aarsak),
        tekst,
        avvik,
    };
    Delivery {
        id: DeliveryId::of_outcome(&case.id, revision),
        case: Some(case.id),
        purpose: Purpose::Outcome { revision },
        to: case.reply_to.clone(),
        body: to_body(MessageType::Status, &status),
        correlation_id: case.request_id,
        traceparent: None,
    }
}

/// A message of innfri's own as JSON. Such a message is made of texts, numbers and lists alone, which
/// always serialize.
pub(super) fn to_body<T: serde::Serialize>(message_type: MessageType, message: &T) -> Body {
    Body { message_type, json: serde_json::to_vec(message).unwrap_or_default() }
}

fn receipt(case: &Case, arrival: &Arrival, way: &Route) -> Option<Delivery> {
    let melding = arrival.message_id?;
    let receipt = Receipt {
        sak: case.id,
        melding,
        referanse: case.reference.clone(),
        mottaker: way.bank.clone(),
        tekst: format!("Forespørselen er mottatt og sendes til {}.", way.bank_name),
    };
    Some(Delivery {
        id: DeliveryId::of(&case.id, "receipt"),
        case: Some(case.id),
        purpose: Purpose::Receipt,
        to: case.asker.clone(),
        body: to_body(MessageType::Receipt, &receipt),
        correlation_id: Some(melding),
        traceparent: arrival.incoming.traceparent.clone(),
    })
}

fn open(
    arrival: &Arrival,
    reply_to: &OrganisationId,
    bank: Option<OrganisationId>,
    context: &Context<'_>,
) -> Case {
    let id = CaseId::of(&arrival.sender, &arrival.identity);
    Case {
        id,
        // A request of no known type is kept as the commonest, so that it can be listed.
        request_type: arrival.message_type.unwrap_or(MessageType::Restgjeldsforespoersel),
        request_id: arrival.message_id,
        forwarded_as: DeliveryId::of(&id, "request"),
        asker: arrival.sender.clone(),
        reply_to: reply_to.clone(),
        bank,
        reference: arrival.reference.clone().unwrap_or_default(),
        opened_at: context.now,
        state: CaseState::Open,
        version: 0,
        head: Digest::ZERO,
    }
}

fn opened(arrival: &Arrival, message_type: MessageType, bank: Option<OrganisationId>) -> Event {
    Event::Opened {
        message_type,
        asker: arrival.sender.clone(),
        bank,
        channel: arrival.incoming.channel,
        login: arrival.incoming.login.clone(),
        digest: arrival.digest.to_string(),
    }
}

/// Records an event that follows by construction. Should it ever not follow, the case stays as it was
/// rather than the process fall over, and the property tests of this room fail.
pub(super) fn record(
    case: &mut Case,
    event: Event,
    context: &Context<'_>,
) -> Option<RecordedEvent> {
    case.record(event, context.now).ok()
}

fn commit(
    case: Case,
    events: Vec<RecordedEvent>,
    arrival: &Arrival,
    disposition: Disposition,
) -> Decision {
    let id = case.id;
    let request = arrival.body(case.request_type);
    Decision {
        case: Some(id),
        inbox: Some(InboxEntry {
            sender: arrival.sender.clone(),
            message_id: arrival.identity,
            digest: arrival.digest,
            case: Some(id),
            at: arrival.incoming.received_at,
        }),
        change: Some(CaseChange { case, expected: None, events, request: Some(request) }),
        ..Decision::none(disposition)
    }
}

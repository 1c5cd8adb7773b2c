//! Deciding on an answer or status: it becomes the case's newest outcome, or goes back to the bank with
//! everything that was wrong while the case stays as it was.

use crate::case::{DeadReason, Delivery, Event, GivenBy, Purpose, RecordedEvent, StoredCase};
use crate::contract::{Answer, Message, MessageType, Request, read_request};
use crate::kernel::{DeliveryId, Finding, has_errors};
use crate::market::no::rules::way;
use crate::market::no::status::Status;

use super::decision::{CaseChange, Decision, Disposition, Found};
use super::guard::{Stop, payment, privacy};
use super::reading::Arrival;
use super::request::record;
use super::{Context, beyond, rejection};

/// What an answer or status leads to.
pub(super) fn decide(arrival: &Arrival, found: &Found, context: &Context<'_>) -> Decision {
    if let Some(earlier) = &found.inbox {
        return if earlier.digest == arrival.digest {
            Decision {
                case: earlier.case,
                notice: Some(rejection::report_id(&arrival.sender, &arrival.about())),
                ..Decision::none(Disposition::Repeated)
            }
        } else {
            rejection::reused_id(arrival, earlier)
        };
    }
    match own_case(arrival, found) {
        Err((reason, finding)) => rejection::without_case(arrival, reason, finding),
        Ok(stored) => match examine(arrival, stored, context) {
            Ok(reply) => accept(arrival, stored, reply, context),
            Err(stops) => reject(arrival, stored, stops, context),
        },
    }
}

fn own_case<'a>(
    arrival: &Arrival,
    found: &'a Found,
) -> Result<&'a StoredCase, (DeadReason, Finding)> {
    if arrival.answers.is_none() {
        let finding = way::CORRELATION_ID.finding("");
        return Err((DeadReason::UnknownCase, finding));
    }
    let Some(stored) = &found.case else {
        let finding = way::UNKNOWN_CASE.finding("");
        return Err((DeadReason::UnknownCase, finding));
    };
    if stored.case.bank.as_ref() == Some(&arrival.sender) {
        Ok(stored)
    } else {
        let finding = way::BANK_NOT_ASKED.finding("/avsender/id");
        Err((DeadReason::ForeignCase, finding))
    }
}

/// Everything that keeps an answer from being accepted.
struct Stops {
    findings: Vec<Finding>,
    alerts: Vec<Event>,
}

/// What a bank may say about a case.
enum Reply<'a> {
    Answer(&'a Answer),
    Status(&'a Status),
}

fn examine<'a>(
    arrival: &'a Arrival,
    stored: &StoredCase,
    context: &Context<'_>,
) -> Result<Reply<'a>, Stops> {
    let mut stops = Stops { findings: arrival.findings.clone(), alerts: Vec::new() };
    stops.findings.extend(unfit_type(arrival, stored));
    let request = match read_request(&stored.request) {
        Ok(request) => request,
        Err(finding) => {
            stops.findings.push(finding);
            return Err(stops);
        }
    };
    let Some(message) = &arrival.message else { return Err(stops) };
    stops.findings.extend(context.contract.check_answer(message, &request));
    let reply = match message {
        Message::Answer(answer) => Reply::Answer(answer),
        Message::Status(status) => Reply::Status(status),
        // Its type does not fit, which has been found above.
        Message::Request(_) => return Err(stops),
    };
    if let Reply::Answer(answer) = &reply {
        let body = || arrival.body(answer.message_type());
        stops.findings.extend(beyond::unsaid(&stored.case.reply_to, body, context));
    }
    for stop in guard(&reply, &request, arrival, context) {
        stops.findings.extend(stop.findings);
        stops.alerts.push(stop.alert);
    }
    if has_errors(&stops.findings) { Err(stops) } else { Ok(reply) }
}

fn guard(
    reply: &Reply<'_>,
    request: &Request,
    arrival: &Arrival,
    context: &Context<'_>,
) -> Vec<Stop> {
    match reply {
        Reply::Answer(answer) => privacy::check(answer, request)
            .into_iter()
            .chain(payment::check(answer, &arrival.sender, context.directory))
            .collect(),
        Reply::Status(_) => Vec::new(),
    }
}

fn unfit_type(arrival: &Arrival, stored: &StoredCase) -> Option<Finding> {
    let fits = arrival.message_type == Some(MessageType::Status)
        || arrival.message_type == stored.case.request_type.answered_by();
    (!fits).then(|| way::ANSWER_DOES_NOT_FIT.finding(""))
}

fn accept(
    arrival: &Arrival,
    stored: &StoredCase,
    reply: Reply<'_>,
    context: &Context<'_>,
) -> Decision {
    let mut case = stored.case.clone();
    let revision = case.state.revision() + 1;
    let message_id = arrival.identity;
    let mut notes = None;
    let (event, kind) = match reply {
        Reply::Status(status) => {
            let event = Event::StatusGiven {
                revision,
                statuskode: status.statuskode,
                aarsak: status.aarsak,
                by: GivenBy::Bank,
                message_id: Some(message_id),
            };
            (event, MessageType::Status)
        }
        Reply::Answer(answer) => {
            notes = payment::not_compared(answer, &arrival.sender, context.directory);
            let message_type = answer.message_type();
            (Event::Answered { revision, message_type, message_id }, message_type)
        }
    };
    let events = notes
        .into_iter()
        .chain(std::iter::once(event))
        .filter_map(|event| record(&mut case, event, context))
        .collect();
    let outcome = Delivery {
        id: DeliveryId::of_outcome(&case.id, revision),
        case: Some(case.id),
        purpose: Purpose::Outcome { revision },
        to: case.reply_to.clone(),
        body: arrival.body(kind),
        correlation_id: case.request_id,
        traceparent: arrival.incoming.traceparent.clone(),
    };
    Decision {
        deliveries: vec![outcome],
        ..change(arrival, stored, case, events, Disposition::Accepted)
    }
}

fn reject(arrival: &Arrival, stored: &StoredCase, stops: Stops, context: &Context<'_>) -> Decision {
    let mut case = stored.case.clone();
    let rejected =
        Event::AnswerRejected { message_id: arrival.message_id, findings: stops.findings.clone() };
    let events = std::iter::once(rejected)
        .chain(stops.alerts)
        .filter_map(|event| record(&mut case, event, context))
        .collect();
    let told = rejection::report_on(arrival, Some(stored), stops.findings);
    Decision {
        notice: Some(told.id),
        deliveries: vec![told],
        ..change(arrival, stored, case, events, Disposition::Rejected)
    }
}

fn change(
    arrival: &Arrival,
    stored: &StoredCase,
    case: crate::case::Case,
    events: Vec<RecordedEvent>,
    disposition: Disposition,
) -> Decision {
    Decision {
        case: Some(case.id),
        inbox: Some(rejection::inbox(arrival, Some(stored))),
        change: Some(CaseChange {
            case,
            expected: Some(stored.case.version),
            events,
            request: None,
        }),
        ..Decision::none(disposition)
    }
}

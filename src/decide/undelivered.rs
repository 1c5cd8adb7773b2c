//! Deciding on a delivery that is given up: it is kept as a dead letter, and whoever waits for the case
//! is told once.

use crate::case::{DeadLetter, DeadReason, Event, GivenBy, Purpose, StoredCase};
use crate::kernel::{ChannelName, DeadLetterId};
use crate::market::no::status::{Aarsak, Statuskode};

use super::Context;
use super::decision::{CaseChange, Decision, Disposition};
use super::request::{own_status, record};
use crate::case::Delivery;
use crate::market::no::rules::way;

/// How a delivery failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The channel it was to go by.
    pub channel: ChannelName,
    /// Attempts made.
    pub attempts: u32,
    /// The code of the last error.
    pub code: String,
    /// The last error, in English, without personal data.
    pub detail: String,
}

/// What giving up a delivery leads to. `stored` is its case, where it has one.
pub fn give_up(
    delivery: &Delivery,
    failure: &Failure,
    stored: Option<&StoredCase>,
    context: &Context<'_>,
) -> Decision {
    let decision = Decision {
        case: delivery.case,
        dead_letters: vec![letter(delivery, failure, stored, context)],
        given_up: Some(delivery.id),
        ..Decision::none(Disposition::DeadLettered)
    };
    let Some(stored) = stored else { return decision };
    let mut case = stored.case.clone();
    let given_up = Event::DeliveryGivenUp { delivery: delivery.id, reason: failure.code.clone() };
    let mut events: Vec<_> = record(&mut case, given_up, context).into_iter().collect();
    let mut deliveries = Vec::new();
    if delivery.purpose == Purpose::Request && case.state.outcome().is_none() {
        let revision = case.state.revision() + 1;
        let status = Event::StatusGiven {
            revision,
            statuskode: Statuskode::Feil,
            aarsak: Some(Aarsak::TekniskFeil),
            by: GivenBy::Innfri,
            message_id: None,
        };
        events.extend(record(&mut case, status, context));
        let tekst = "Forespørselen kunne ikke leveres til banken på grunn av en teknisk feil. Ta \
                     kontakt med banken, eller send forespørselen på nytt senere.";
        deliveries.push(Delivery {
            traceparent: delivery.traceparent.clone(),
            ..own_status(&case, revision, Aarsak::TekniskFeil, tekst.into(), Vec::new())
        });
    }
    let change = CaseChange { case, expected: Some(stored.case.version), events, request: None };
    Decision { change: Some(change), deliveries, ..decision }
}

fn letter(
    delivery: &Delivery,
    failure: &Failure,
    stored: Option<&StoredCase>,
    context: &Context<'_>,
) -> DeadLetter {
    let finding = way::DELIVERY_GIVEN_UP.finding("");
    DeadLetter {
        id: DeadLetterId::of(&["delivery", &delivery.id.to_string()]),
        reason: DeadReason::DeliveryGivenUp,
        detail: format!("{}: {}", failure.code, failure.detail),
        findings: vec![finding],
        channel: failure.channel,
        source: delivery.purpose.name().to_owned(),
        login: None,
        from: stored.map(|stored| match delivery.purpose {
            Purpose::Request => stored.case.asker.clone(),
            Purpose::Outcome { .. } | Purpose::Rejection | Purpose::Receipt => {
                stored.case.bank.clone().unwrap_or_else(|| stored.case.asker.clone())
            }
        }),
        to: Some(delivery.to.clone()),
        message_type: Some(delivery.body.message_type.name().to_owned()),
        message_id: Some(delivery.id.to_string()),
        correlation_id: delivery.correlation_id.map(|id| id.to_string()),
        content_type: Some("application/json".to_owned()),
        traceparent: delivery.traceparent.clone(),
        reference: stored.map(|stored| stored.case.reference.clone()),
        case: delivery.case,
        delivery: Some(delivery.id),
        deaths: Vec::new(),
        attempts: failure.attempts,
        at: context.now,
        body: delivery.body.json.clone(),
    }
}

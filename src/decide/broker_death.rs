//! Deciding on a message that the broker itself gave up on: it is kept with its history.

use crate::case::{DeadLetter, DeadReason};
use crate::kernel::{Incoming, MessageId};

use super::Context;
use super::decision::{Decision, Disposition};
use crate::market::no::rules::way;

/// What a message from the broker's dead-letter exchange leads to.
pub fn decide(incoming: &Incoming, context: &Context<'_>) -> Decision {
    let hints = context.contract.hints(&incoming.body);
    let first = incoming.deaths.first();
    let detail = match first {
        Some(death) => {
            format!("{} in queue {}, {} time(s)", death.reason, death.queue, death.count)
        }
        None => "the broker gave no history".to_owned(),
    };
    let finding = way::BROKER_GAVE_UP.finding("");
    // In a participant's own queue it was one of our deliveries, whose message id is its delivery id.
    let was_ours = first.is_some_and(|death| death.queue.starts_with("innfri.org."));
    let delivery = incoming
        .message_id
        .as_deref()
        .filter(|_| was_ours)
        .and_then(|text| text.parse::<MessageId>().ok())
        .map(|id| crate::kernel::DeliveryId::from_uuid(*id.as_uuid()));
    let letter = DeadLetter {
        findings: vec![finding],
        from: hints.avsender,
        to: hints.mottaker,
        reference: hints.avsender_referanse,
        delivery,
        ..DeadLetter::of_incoming(incoming, DeadReason::BrokerDeath, detail)
    };
    Decision { dead_letters: vec![letter], ..Decision::none(Disposition::DeadLettered) }
}

//! What must be true after every step: after each commit, of the case that it changed; and of each
//! message, when it reaches somebody's queue.

use std::collections::BTreeSet;

use innfri::case::{CaseState, Delivery, Event, Purpose, RecordedEvent, StoredCase, apply};
use innfri::kernel::Digest;
use innfri::port::Decision;
use serde_json::Value;

use crate::chance::lock;
use crate::ledger::{Asked, Expect, Ledger};
use crate::paper::{STRANGER, account_of};
use crate::store::Store;
use crate::world::World;

/// After a commit.
pub fn decided(world: &World, store: &Store, decision: &Decision) {
    let Some(change) = &decision.change else { return };
    let Some(stored) = store.cases.get(&change.case.id) else { return };
    let events = store.events.get(&change.case.id).map_or(&[][..], Vec::as_slice);
    for complaint in case_holds(stored, events).into_iter().chain(owes_rightly(store, stored)) {
        world.violated(format!("case {}: {complaint}", stored.case.id));
    }
}

/// The chain, the state, the revisions, and once for each message.
fn case_holds(stored: &StoredCase, events: &[RecordedEvent]) -> Vec<String> {
    let case = &stored.case;
    let mut complaints = Vec::new();
    let (mut head, mut state, mut revision) = (Digest::ZERO, CaseState::Open, 0);
    let (mut messages, mut given_up) = (BTreeSet::new(), BTreeSet::new());
    for (event, number) in events.iter().zip(1..) {
        if event.case != case.id || event.number != number || !event.follows(&head) {
            complaints.push(format!("event {} does not follow", event.number));
        }
        head = event.hash;
        match apply(&state, &event.event, event.at) {
            Ok(next) => state = next,
            Err(error) => complaints.push(error.to_string()),
        }
        let opened = matches!(event.event, Event::Opened { .. });
        if opened != (number == 1) {
            complaints.push(format!("event {number} opens it, or the first does not"));
        }
        let (given, message) = match &event.event {
            Event::Answered { revision, message_id, .. } => (Some(*revision), Some(*message_id)),
            Event::StatusGiven { revision, message_id, .. } => (Some(*revision), *message_id),
            Event::AnswerRejected { message_id, .. } => (None, *message_id),
            Event::DeliveryGivenUp { delivery, .. } => {
                if !given_up.insert(*delivery) {
                    complaints.push(format!("delivery {delivery} was given up twice"));
                }
                (None, None)
            }
            Event::Opened { .. }
            | Event::PrivacyAlert { .. }
            | Event::PaymentAlert { .. }
            | Event::AccountsNotCompared { .. } => (None, None),
        };
        if let Some(given) = given {
            revision += 1;
            if given != revision {
                complaints.push(format!("revision {given} where {revision} was due"));
            }
        }
        if message.is_some_and(|message| !messages.insert(message)) {
            complaints.push(format!("message {message:?} had effect twice"));
        }
    }
    if head != case.head || events.len() != case.version as usize {
        complaints.push("the chain's head is not the case's".into());
    }
    if state != case.state {
        complaints.push(format!("it says {:?} and its events say {state:?}", case.state));
    }
    complaints
}

/// Each owed to whom it may go, and one for each revision.
fn owes_rightly(store: &Store, stored: &StoredCase) -> Vec<String> {
    let case = &stored.case;
    let mut complaints = Vec::new();
    let mut revisions = BTreeSet::new();
    let of_case = store.deliveries.values().filter(|owed| owed.delivery.case == Some(case.id));
    for delivery in of_case.map(|owed| &owed.delivery) {
        let (to, purpose) = (Some(&delivery.to), delivery.purpose);
        let right = match purpose {
            Purpose::Request => to == case.bank.as_ref() && delivery.id == case.forwarded_as,
            Purpose::Rejection => to == case.bank.as_ref(),
            Purpose::Receipt => to == Some(&case.asker),
            Purpose::Outcome { revision } => {
                to == Some(&case.reply_to) && revisions.insert(revision)
            }
        };
        if !right {
            complaints.push(format!("{purpose:?} is owed to {}", delivery.to));
        }
    }
    if !revisions.iter().copied().eq(1..=case.state.revision()) {
        complaints.push(format!("outcomes {revisions:?} are owed, not all there are"));
    }
    complaints
}

/// When a message reaches a queue.
pub fn arrived(world: &World, delivery: &Delivery) {
    let mut ledger = lock(&world.ledger);
    let mut complaints = Vec::new();
    match ledger.got.get(&delivery.id) {
        Some(known) if known == delivery => return,
        Some(_) => complaints.push("one id, two contents or receivers".to_owned()),
        None => {}
    }
    let fits = match delivery.purpose {
        Purpose::Request => request_fits(&ledger, delivery),
        Purpose::Outcome { .. } => outcome_fits(&ledger, delivery),
        Purpose::Rejection => rejection_fits(&ledger, delivery),
        Purpose::Receipt => receipt_fits(&ledger, delivery),
    };
    complaints.extend(fits.err());
    if delivery.purpose != Purpose::Request
        && String::from_utf8_lossy(&delivery.body.json).contains(STRANGER)
    {
        complaints.push("it names a stranger".into());
    }
    ledger.got.insert(delivery.id, delivery.clone());
    drop(ledger);
    for complaint in complaints {
        world.violated(format!(
            "{:?} {} to {}: {complaint}",
            delivery.purpose, delivery.id, delivery.to
        ));
    }
}

fn request_fits(ledger: &Ledger, delivery: &Delivery) -> Result<(), String> {
    let asked = ledger.asked_as(&delivery.body.json).ok_or("nobody asked this")?;
    let asked = &ledger.asked[asked];
    if asked.bank != delivery.to.number() {
        return Err("its bank is another".into());
    }
    if !matches!(asked.expect, Expect::Forward | Expect::Rival) {
        return Err(format!("it was to have no effect: {:?}", asked.expect));
    }
    let same = |other: &&Delivery| {
        let request = ledger.asked_as(&other.body.json).map(|place| &ledger.asked[place]);
        other.purpose == Purpose::Request
            && request.is_some_and(|request| {
                request.asker == asked.asker && request.message_id == asked.message_id
            })
    };
    match ledger.got.values().find(same) {
        Some(other) if other.id != delivery.id => {
            Err(format!("it had effect before: {}", other.id))
        }
        Some(_) | None => Ok(()),
    }
}

/// Whether an outcome may be read by its receiver as the outcome of this question.
pub fn concerns(asked: &Asked, delivery: &Delivery) -> bool {
    let id = delivery.correlation_id.map(|id| id.to_string());
    asked.reply_to == delivery.to.number()
        && match (&id, &asked.message_id) {
            (Some(id), Some(asked)) => id == asked,
            (None, None) => {
                let body: Value = serde_json::from_slice(&delivery.body.json).unwrap_or_default();
                body["mottaker"]["referanse"] == crate::paper::reference(asked.number)
            }
            (Some(_), None) | (None, Some(_)) => false,
        }
}

/// The reason in a `FEIL` of innfri's own.
pub fn own_reason(delivery: &Delivery) -> Option<String> {
    let body: Value = serde_json::from_slice(&delivery.body.json).ok()?;
    let own = body["statuskode"] == "FEIL";
    own.then(|| body["aarsak"].as_str().unwrap_or_default().to_owned())
}

fn outcome_fits(ledger: &Ledger, delivery: &Delivery) -> Result<(), String> {
    if let Some(said) = ledger.said_as(&delivery.body.json) {
        let asked = &ledger.asked[said.about];
        if !concerns(asked, delivery) || said.bank != asked.bank {
            return Err(format!("it answers {} of {}", asked.number, asked.asker));
        }
        return names_owners_alone(asked, delivery);
    }
    let reason = own_reason(delivery).ok_or("no bank said this, and it is no FEIL")?;
    let may = |asked: &&Asked| match asked.expect {
        Expect::Forward | Expect::Rival => reason == "TEKNISK_FEIL",
        Expect::Refuse(why) => reason == why,
        Expect::NoEffect(_) => false,
    };
    let about = ledger.asked.iter().filter(|asked| concerns(asked, delivery)).find(may);
    about.map(|_| ()).ok_or_else(|| format!("FEIL {reason}, and nobody asked for that"))
}

fn names_owners_alone(asked: &Asked, delivery: &Delivery) -> Result<(), String> {
    let body: Value = serde_json::from_slice(&delivery.body.json).map_err(|e| e.to_string())?;
    let owner = format!("Prøve {}", asked.owner);
    for loan in body["laanliste"].as_array().into_iter().flatten() {
        let names = loan["laantakereHjemmelshaver"].as_array().into_iter().flatten();
        if names.into_iter().any(|name| *name != *owner) {
            return Err("it names somebody who is not an owner".into());
        }
        if loan["kontonummer"] != account_of(asked.bank) {
            return Err("its account is another bank's".into());
        }
    }
    Ok(())
}

fn rejection_fits(ledger: &Ledger, delivery: &Delivery) -> Result<(), String> {
    let id = delivery.correlation_id.map(|id| id.to_string());
    let to = Some(delivery.to.number());
    let said = ledger
        .said
        .iter()
        .any(|said| !said.right && said.told == to && Some(&said.message_id) == id.as_ref());
    let asked = ledger.asked.iter().any(|asked| {
        let told = match asked.expect {
            Expect::NoEffect(told) => told,
            Expect::Rival => Some(asked.asker),
            Expect::Forward | Expect::Refuse(_) => None,
        };
        told == to && asked.message_id == id
    });
    (said || asked).then_some(()).ok_or_else(|| "it rejects what its receiver did not send".into())
}

fn receipt_fits(ledger: &Ledger, delivery: &Delivery) -> Result<(), String> {
    let id = delivery.correlation_id.map(|id| id.to_string());
    let asked = ledger.asked.iter().any(|asked| {
        asked.asker == delivery.to.number()
            && asked.message_id == id
            && matches!(asked.expect, Expect::Forward | Expect::Rival)
    });
    asked.then_some(()).ok_or_else(|| "a receipt for nothing".into())
}

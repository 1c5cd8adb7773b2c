//! What must be true when everything has come to rest: by what the participants know, each question has
//! come to what its bank said of it, or to what innfri had to say.

use std::collections::BTreeMap;

use innfri::case::{Delivery, Purpose};
use innfri::kernel::DeliveryId;
use serde_json::Value;

use crate::chance::lock;
use crate::ledger::{Asked, Expect, Ledger, Said};
use crate::store::Store;
use crate::watch::{concerns, own_reason};
use crate::world::World;

/// Everything that has come to its end: it arrived, or it was given up and is kept as a dead letter.
struct Ends<'a> {
    ledger: &'a Ledger,
    store: &'a Store,
    all: BTreeMap<DeliveryId, &'a Delivery>,
}

/// Complains about everything that is not as it should be.
pub fn give(world: &World) {
    let (store, ledger) = (lock(&world.store), lock(&world.ledger));
    let mut complaints = given_up_are_kept(&store);
    let mut all: BTreeMap<DeliveryId, &Delivery> =
        ledger.got.iter().map(|(id, delivery)| (*id, delivery)).collect();
    for owed in store.deliveries.values() {
        let id = owed.delivery.id;
        if owed.is_owed() {
            complaints.push(format!("{id} is still owed"));
        }
        if owed.delivered_at.is_some() && !all.contains_key(&id) {
            complaints.push(format!("{id} is marked as delivered and never arrived"));
        }
        if owed.given_up_at.is_some() {
            all.entry(id).or_insert(&owed.delivery);
        }
    }
    let ends = Ends { ledger: &ledger, store: &store, all };
    for (place, asked) in ledger.asked.iter().enumerate() {
        let found = ends.of_question(place, asked);
        complaints
            .extend(found.into_iter().map(|what| format!("question {}: {what}", asked.number)));
    }
    complaints.extend(ends.rejections());
    drop(ends);
    drop(ledger);
    drop(store);
    for complaint in complaints {
        world.violated(complaint);
    }
}

fn given_up_are_kept(store: &Store) -> Vec<String> {
    let given_up = store.deliveries.values().filter(|owed| owed.given_up_at.is_some());
    given_up
        .filter(|owed| {
            let id = Some(owed.delivery.id);
            !store
                .dead_letters
                .values()
                .any(|letter| letter.delivery == id && letter.body == owed.delivery.body.json)
        })
        .map(|owed| format!("{} was given up and is no dead letter", owed.delivery.id))
        .collect()
}

impl Ends<'_> {
    fn of_question(&self, place: usize, asked: &Asked) -> Vec<String> {
        match asked.expect {
            Expect::Forward => self.forwarded(place, asked),
            Expect::Rival => self.rival(place, asked),
            Expect::Refuse(why) => self.refused(asked, why),
            Expect::NoEffect(_) => self.no_effect(asked),
        }
    }

    fn request(&self, asked: &Asked) -> Option<&Delivery> {
        let mut all = self.all.values();
        let this =
            |one: &&&Delivery| one.purpose == Purpose::Request && one.body.json == asked.body;
        all.find(this).copied()
    }

    /// Outcomes by revision, the last that arrived under each.
    fn outcomes(&self, place: usize, asked: &Asked) -> Vec<(u32, &Delivery)> {
        let mut all: Vec<(u32, &Delivery)> = Vec::new();
        for delivery in self.all.values() {
            let Purpose::Outcome { revision } = delivery.purpose else { continue };
            let mine = match self.ledger.said_as(&delivery.body.json) {
                Some(said) => said.about == place,
                None => concerns(asked, delivery) && self.is_of(asked, delivery),
            };
            if mine {
                all.push((revision, delivery));
            }
        }
        all.sort_by_key(|(revision, delivery)| (*revision, delivery.id));
        all
    }

    /// Two askers may use one id and have their outcomes sent to one place; a text of innfri's own
    /// then tells by the reference, which it has when the question could be read.
    fn is_of(&self, asked: &Asked, delivery: &Delivery) -> bool {
        let body: Value = serde_json::from_slice(&delivery.body.json).unwrap_or_default();
        let readable = serde_json::from_slice::<Value>(&asked.body).is_ok();
        let reference = readable.then(|| crate::paper::reference(asked.number));
        body["mottaker"]["referanse"].as_str() == reference.as_deref()
    }

    fn forwarded(&self, place: usize, asked: &Asked) -> Vec<String> {
        let Some(request) = self.request(asked) else {
            return vec!["it was taken and its bank never heard of it".into()];
        };
        let mut complaints = Vec::new();
        let given_up =
            self.store.deliveries.get(&request.id).is_some_and(|owed| owed.given_up_at.is_some());
        let outcomes = self.outcomes(place, asked);
        if !outcomes.iter().map(|(revision, _)| *revision).eq(1..=outcomes.len() as u32) {
            let revisions: Vec<u32> = outcomes.iter().map(|(revision, _)| *revision).collect();
            complaints.push(format!("its asker has outcomes {revisions:?}"));
        }
        let (banks, own): (Vec<&Delivery>, Vec<&Delivery>) = outcomes
            .iter()
            .map(|(_, delivery)| *delivery)
            .partition(|delivery| self.ledger.said_as(&delivery.body.json).is_some());
        let mut told: Vec<&[u8]> = banks.iter().map(|one| one.body.json.as_slice()).collect();
        let said = self.ledger.said.iter().filter(|said| said.about == place && said.right);
        let mut said: Vec<&[u8]> = said.map(|said| said.body.as_slice()).collect();
        if self.ledger.in_any_order.contains(&place) {
            told.sort_unstable();
            said.sort_unstable();
        }
        if told != said {
            complaints.push(format!(
                "its bank said {} things and its asker heard {}, or others",
                said.len(),
                told.len()
            ));
        }
        let explained = if given_up { own.len() <= 1 } else { own.is_empty() };
        if !explained {
            complaints.push(format!("innfri said {} FEIL about it", own.len()));
        }
        if given_up && outcomes.is_empty() {
            complaints.push("it was given up and nobody was told".into());
        }
        if asked.plain && outcomes.is_empty() {
            complaints.push("it was asked in peace and has no outcome".into());
        }
        complaints
    }

    fn rival(&self, place: usize, asked: &Asked) -> Vec<String> {
        let both = self.ledger.asked.iter().filter(|other| {
            other.expect == Expect::Rival
                && other.asker == asked.asker
                && other.message_id == asked.message_id
        });
        let effective = both.filter(|one| self.request(one).is_some()).count();
        if effective != 1 {
            return vec![format!("of two with one id, {effective} had effect")];
        }
        if self.request(asked).is_some() { self.forwarded(place, asked) } else { Vec::new() }
    }

    fn refused(&self, asked: &Asked, why: &str) -> Vec<String> {
        let outcomes = self.all.values().filter(|delivery| {
            matches!(delivery.purpose, Purpose::Outcome { .. })
                && concerns(asked, delivery)
                && self.ledger.said_as(&delivery.body.json).is_none()
                && self.is_of(asked, delivery)
        });
        let reasons: Vec<String> = outcomes.filter_map(|delivery| own_reason(delivery)).collect();
        if reasons == [why] {
            Vec::new()
        } else {
            vec![format!("refused with {reasons:?}, not {why}")]
        }
    }

    fn no_effect(&self, asked: &Asked) -> Vec<String> {
        let mut complaints = Vec::new();
        if self.request(asked).is_some() {
            complaints.push("it had effect".to_owned());
        }
        if !self.store.dead_letters.values().any(|letter| letter.body == asked.body) {
            complaints.push("it is not kept as a dead letter".to_owned());
        }
        complaints
    }

    /// Whoever sent something that was not accepted was told once for each.
    fn rejections(&self) -> Vec<String> {
        let mut due: BTreeMap<(String, String), i64> = BTreeMap::new();
        for Said { told, message_id, right, .. } in &self.ledger.said {
            if let (Some(told), false) = (told, right) {
                *due.entry(((*told).to_owned(), message_id.clone())).or_default() += 1;
            }
        }
        for asked in &self.ledger.asked {
            let told = match asked.expect {
                Expect::NoEffect(told) => told,
                Expect::Rival if self.request(asked).is_none() => Some(asked.asker),
                Expect::Rival | Expect::Forward | Expect::Refuse(_) => None,
            };
            if let (Some(told), Some(id)) = (told, &asked.message_id) {
                *due.entry((told.to_owned(), id.clone())).or_default() += 1;
            }
        }
        for delivery in self.all.values().filter(|one| one.purpose == Purpose::Rejection) {
            let id = delivery.correlation_id.map(|id| id.to_string()).unwrap_or_default();
            *due.entry((delivery.to.number().to_owned(), id)).or_default() -= 1;
        }
        due.into_iter()
            .filter(|(_, left)| *left != 0)
            .map(|((to, id), left)| format!("{to} is owed {left} more rejections of {id}"))
            .collect()
    }
}

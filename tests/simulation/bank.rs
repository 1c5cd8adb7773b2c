//! The banks: they get questions in any order and more than once, think for a while, and answer,
//! rightly or wrongly, more than once, under used ids, or never.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use innfri::case::{Delivery, Purpose};
use innfri::kernel::DeliveryId;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::chance::lock;
use crate::ledger::{Asked, Said};
use crate::paper::{self, ANSWER, PAYOFF_ANSWER, STATUS, STRANGER, login_of, other_bank};
use crate::publish::publish;
use crate::world::World;

/// A bank at work. It never ends by itself.
pub async fn work(world: Arc<World>, bank: &'static str) {
    let mut known: BTreeSet<DeliveryId> = BTreeSet::new();
    let mut at_work = JoinSet::new();
    loop {
        let arrived = world.arrived.notified();
        let received = lock(&world.queues).get_mut(bank).and_then(|queue| {
            let place = if queue.is_empty() { None } else { Some(world.chance.place(queue.len())) };
            place.map(|place| queue.swap_remove(place))
        });
        let Some(delivery) = received else {
            arrived.await;
            continue;
        };
        if delivery.purpose != Purpose::Request {
            continue;
        }
        // The watch has complained about what nobody asked.
        let Some(about) = lock(&world.ledger).asked_as(&delivery.body.json) else { continue };
        let careless = world.chance.below(10) == 0;
        if known.insert(delivery.id) {
            // On its way from queue to desk.
        } else if careless {
            lock(&world.ledger).in_any_order.push(about);
        } else {
            continue;
        }
        world.busy.fetch_add(1, Ordering::Relaxed);
        at_work.spawn(respond(Arc::clone(&world), bank, about, delivery));
    }
}

async fn respond(world: Arc<World>, bank: &'static str, about: usize, delivery: Delivery) {
    let asked = lock(&world.ledger).asked[about].clone();
    let desk = Desk { world: Arc::clone(&world), bank, about, asked, delivery };
    if desk.asked.plain {
        desk.say(desk.right()).await;
    } else if world.chance.below(10) > 0 {
        desk.talk().await;
    }
    world.busy.fetch_sub(1, Ordering::Relaxed);
}

/// One question on a bank's desk.
struct Desk {
    world: Arc<World>,
    bank: &'static str,
    about: usize,
    asked: Asked,
    delivery: Delivery,
}

impl Desk {
    async fn talk(&self) {
        let chance = &self.world.chance;
        for _ in 0..chance.pick(&[0, 0, 0, 1, 1, 2]) {
            self.think().await;
            self.say_wrong().await;
        }
        if chance.below(4) == 0 {
            // Two clerks at once: both count, in whichever order.
            lock(&self.world.ledger).in_any_order.push(self.about);
            tokio::join!(self.say(self.right()), self.say(self.right()));
        }
        let mut last = None;
        for _ in 0..chance.pick(&[1, 1, 1, 2, 3]) {
            self.think().await;
            last = Some(self.say(self.right()).await);
        }
        if let (Some(last), true) = (last, chance.below(4) == 0) {
            self.think().await;
            let again = self.right();
            self.say(self.refused(Said { message_id: last, ..again })).await;
        }
        if chance.below(6) == 0 {
            self.think().await;
            self.say_wrong().await;
        }
    }

    async fn think(&self) {
        if self.world.chance.below(2) == 0 {
            tokio::time::sleep(self.world.chance.millis(1, 20_000)).await;
        }
    }

    /// Says it and gives its message id.
    async fn say(&self, said: Said) -> String {
        let place = {
            let mut ledger = lock(&self.world.ledger);
            ledger.said.push(said.clone());
            ledger.said.len() - 1
        };
        let taken = publish(&self.world, said.incoming()).await;
        lock(&self.world.ledger).said[place].taken = taken;
        said.message_id
    }

    fn said(&self, message_type: &'static str, body: &Value) -> Said {
        let chance = &self.world.chance;
        let centre = chance.below(4) == 0;
        Said {
            about: self.about,
            bank: self.bank,
            login: if centre { "centre" } else { login_of(self.bank) },
            message_id: chance.uuid().to_string(),
            correlation: Some(self.delivery.id.to_string()),
            message_type,
            body: paper::bytes(body),
            right: true,
            told: None,
            taken: None,
        }
    }

    fn answer(&self) -> Value {
        let asked = &self.asked;
        let amount = self.world.next_number();
        let asker = asked.asker;
        paper::answer(asked.number, self.bank, asker, asked.owner, asked.payoff, amount)
    }

    fn answer_type(&self) -> &'static str {
        if self.asked.payoff { PAYOFF_ANSWER } else { ANSWER }
    }

    fn right(&self) -> Said {
        let codes = ["LAAN_NEDBETALT", "SVARER_I_EPOST", "LAAN_SOLGT", "FEIL"];
        if self.world.chance.below(3) > 0 {
            return self.said(self.answer_type(), &self.answer());
        }
        let code = self.world.chance.pick(&codes);
        let (asked, amount) = (&self.asked, self.world.next_number());
        let body = paper::status(asked.number, self.bank, asked.asker, code, amount);
        self.said(STATUS, &body)
    }

    fn refused(&self, said: Said) -> Said {
        Said { right: false, told: Some(said.bank), ..said }
    }

    async fn say_wrong(&self) {
        let mut body = self.answer();
        let mut kind = self.answer_type();
        let chance = &self.world.chance;
        let way = chance.below(10);
        let loan = &mut body["laanliste"][0];
        match way {
            0 => loan["laanenummer"] = json!(7),
            1 => loan["laantakereHjemmelshaver"] = json!([format!("{STRANGER} Person")]),
            2 => loan["kontonummer"] = json!(paper::account_of(other_bank(self.bank))),
            3 => body["mottaker"]["referanse"] = json!("OPPDRAG-ANNEN"),
            4 => {
                let unit = &mut body["registerenheterMedDokumentreferanser"][0];
                unit["matrikkel"]["bruksnummer"] = json!(9_999);
            }
            5 => kind = if self.asked.payoff { ANSWER } else { PAYOFF_ANSWER },
            _ => {}
        }
        let said = self.refused(self.said(kind, &body));
        match way {
            6 => {
                let nothing = Some(chance.uuid().to_string());
                self.say(Said { correlation: nothing, ..said }).await;
            }
            7 => {
                // Another bank answers what this one was asked.
                let other = other_bank(self.bank);
                body["avsender"]["id"] = json!(other);
                let body = paper::bytes(&body);
                let login = login_of(other);
                self.say(Said { bank: other, login, told: Some(other), body, ..said }).await;
            }
            8 | 9 => self.in_anothers_name(body, said).await,
            _ => {
                self.say(said).await;
            }
        }
    }

    /// In another's name; then, put right in that and under the same id, wrong in something else, or
    /// right.
    async fn in_anothers_name(&self, mut body: Value, said: Said) {
        let login = login_of(self.bank);
        body["avsender"]["id"] = json!(self.asked.asker);
        let named = Said { login, body: paper::bytes(&body), ..said.clone() };
        let id = self.say(named).await;
        self.think().await;
        if self.world.chance.below(2) == 0 {
            body["avsender"]["id"] = json!(self.bank);
            body["laanliste"][0]["laanenummer"] = json!(7);
            let body = paper::bytes(&body);
            self.say(Said { login, body, message_id: id, ..said }).await;
        } else {
            self.say(Said { message_id: id, ..self.right() }).await;
        }
    }
}

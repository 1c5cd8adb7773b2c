//! Those who ask: estate agents, and a bank that asks another. Mostly rightly; also what is invalid,
//! in another's name, twice under one id, and what the broker gave up on.

use std::sync::Arc;

use serde_json::json;

use crate::chance::lock;
use crate::ledger::{Asked, Expect};
use crate::paper::{
    self, AGENCY, BANK, BOND_COMPANY, OTHER_AGENCY, OTHER_BANK, PARTIES, PAYOFF, REQUEST, UNKNOWN,
    login_of,
};
use crate::publish::{given_up, publish};
use crate::world::World;

/// Asks one thing after a while, in one of many ways.
pub async fn ask(world: Arc<World>, number: u64) {
    tokio::time::sleep(world.chance.millis(0, world.weather.seconds * 600)).await;
    let right = right(&world, number);
    match world.chance.below(20) {
        0..=11 => hand_in(&world, right).await,
        12..=14 => hand_in(&world, wrong(&world, right)).await,
        15 => hand_in(&world, in_anothers_name(&world, right)).await,
        16 | 17 => reuse(&world, right).await,
        18 => rivals(&world, right).await,
        _ => {
            let asked = Asked { expect: Expect::NoEffect(None), ..right };
            lock(&world.ledger).asked.push(asked.clone());
            publish(&world, given_up(asked.incoming())).await;
        }
    }
}

/// Asks rightly, to be answered at once.
pub async fn ask_plainly(world: Arc<World>, number: u64) {
    let asked = Asked { plain: true, ..right(&world, number) };
    hand_in(&world, asked).await;
}

async fn hand_in(world: &Arc<World>, asked: Asked) {
    let place = {
        let mut ledger = lock(&world.ledger);
        ledger.asked.push(asked.clone());
        ledger.asked.len() - 1
    };
    let taken = publish(world, asked.incoming()).await;
    lock(&world.ledger).asked[place].taken = taken;
}

fn right(world: &World, number: u64) -> Asked {
    let chance = &world.chance;
    let asker = chance.pick(&[AGENCY, AGENCY, OTHER_AGENCY, OTHER_BANK]);
    let bank = if asker == OTHER_BANK { BANK } else { chance.pick(&[BANK, BANK, OTHER_BANK]) };
    let owner = chance.pick(&paper::OWNERS);
    let payoff = chance.below(2) == 0;
    // The second number of a question is for what is sent under the same id.
    let mut body = paper::request(number, asker, bank, owner, payoff);
    let returned = chance.below(5) == 0;
    let reply_to = if returned { chance.pick(&[AGENCY, OTHER_AGENCY]) } else { asker };
    if returned {
        body["avsender"]["returnertil"] = json!({"id": reply_to, "foretaksnavn": "Retur AS"});
    }
    // Two askers may well choose the same id.
    let pooled = chance.below(6) == 0 && asker != OTHER_BANK;
    let message_id = if pooled { lock(&world.pool).take(asker) } else { None };
    Asked {
        number,
        asker,
        login: login_of(asker),
        message_id: Some(message_id.unwrap_or_else(|| chance.uuid().to_string())),
        message_type: if payoff { PAYOFF } else { REQUEST },
        content_type: "application/json",
        bank,
        reply_to,
        owner,
        payoff,
        body: paper::bytes(&body),
        expect: Expect::Forward,
        plain: false,
        taken: None,
    }
}

fn wrong(world: &World, right: Asked) -> Asked {
    let mut body: serde_json::Value = serde_json::from_slice(&right.body).unwrap();
    body["avsender"].as_object_mut().unwrap().remove("returnertil");
    let invalid = Expect::Refuse("UGYLDIG_MELDING");
    let mut asked = Asked { reply_to: right.asker, expect: invalid, ..right };
    match world.chance.below(7) {
        0 => body["registerenheterMedHjemmelshavere"][0]["matrikkel"]["kommunenummer"] = json!("9"),
        1 => {
            body["mottaker"]["id"] = json!(UNKNOWN);
            asked.expect = Expect::Refuse("UKJENT_MOTTAKER");
        }
        2 => {
            body["mottaker"]["id"] = json!(BOND_COMPANY);
            asked.expect = Expect::Refuse("IKKE_STOETTET");
        }
        3 => asked.message_id = None,
        4 => asked.content_type = "application/xml",
        5 => asked.message_type = "no.dsve.unknown.v1",
        _ => {
            asked.body = format!("{{\"{}", asked.number).into_bytes();
            return asked;
        }
    }
    Asked { body: paper::bytes(&body), ..asked }
}

fn in_anothers_name(world: &World, right: Asked) -> Asked {
    let others: Vec<&'static str> =
        PARTIES.into_iter().filter(|party| *party != right.asker).collect();
    let (login, told) = match world.chance.below(3) {
        0 => ("stranger", None),
        1 if right.asker != BANK && right.asker != OTHER_BANK => ("centre", None),
        _ => {
            let other = world.chance.pick(&others);
            (login_of(other), Some(other))
        }
    };
    Asked { login, expect: Expect::NoEffect(told), ..right }
}

fn second(world: &World, first: &Asked, expect: Expect) -> Asked {
    let number = first.number + 1_000;
    let body = paper::request(number, first.asker, first.bank, first.owner, first.payoff);
    let chance = &world.chance;
    let message_id = first.message_id.clone().or_else(|| Some(chance.uuid().to_string()));
    let reply_to = first.asker;
    Asked { number, body: paper::bytes(&body), expect, message_id, reply_to, ..first.clone() }
}

/// The same id again, with other content, when the first is safe.
async fn reuse(world: &Arc<World>, first: Asked) {
    let second = second(world, &first, Expect::NoEffect(Some(first.asker)));
    hand_in(world, first).await;
    hand_in(world, second).await;
}

/// The same id twice at once, with different content.
async fn rivals(world: &Arc<World>, first: Asked) {
    let second = second(world, &first, Expect::Rival);
    let first = Asked { expect: Expect::Rival, ..first };
    tokio::join!(hand_in(world, first), hand_in(world, second));
}

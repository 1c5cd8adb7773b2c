//! Two operators: each attempt of one to read or answer for the other fails, and is on record.

use axum::http::StatusCode;
use innfri::port::letters::ActionKind;
use serde_json::json;

use crate::messages::{self, AGENCY, BANK};
use crate::world::{OTHER_BANK, World};

/// Checks that exactly this one attempt is on record.
async fn on_record(world: &World, login: &str, what: &str) {
    let trespasses = world.trespasses().await;
    assert_eq!(trespasses.len(), 1, "{trespasses:?}");
    let action = &trespasses[0];
    assert_eq!(action.kind, ActionKind::Trespassed);
    assert_eq!(
        (action.operator.as_str(), action.at),
        (format!("login {login}").as_str(), world.now())
    );
    assert!(action.detail.contains(what), "{}", action.detail);
}

#[tokio::test]
async fn anothers_case_looks_like_none_and_the_attempt_is_on_record() {
    let world = World::new().await;
    let case = world.ask(1).await;
    let reply = world.get("other-agent", &format!("/v1/cases/{case}?wait=60s")).await;
    assert_eq!((reply.status, reply.problem()), (StatusCode::NOT_FOUND, "not-found"));
    on_record(&world, "other-agent", &case).await;
    let none = world.get("other-agent", "/v1/cases/6d864d0d-f294-5b4e-beb5-02b95e0dcd79").await;
    assert_eq!(reply.json, none.json, "nothing tells the two apart");
    world.end().await;
}

#[tokio::test]
async fn anothers_list_is_forbidden_and_the_attempt_is_on_record() {
    let world = World::new().await;
    world.ask(1).await;
    let reply = world.get("other-agent", &format!("/v1/cases?organisation={AGENCY}")).await;
    assert_eq!((reply.status, reply.problem()), (StatusCode::FORBIDDEN, "not-allowed"));
    on_record(&world, "other-agent", AGENCY).await;
    world.end().await;
}

#[tokio::test]
async fn anothers_mailbox_is_forbidden_and_the_attempt_is_on_record() {
    let world = World::new().await;
    world.ask(1).await;
    let reply = world.get("other-bank", &format!("/v1/mailbox?organisation={BANK}&wait=60s")).await;
    assert_eq!((reply.status, reply.problem()), (StatusCode::FORBIDDEN, "not-allowed"));
    on_record(&world, "other-bank", BANK).await;
    assert!(world.get("other-bank", "/v1/mailbox").await.messages().is_empty());
    assert_eq!(world.collected("bank", "").await.len(), 1, "it is still there");
    world.end().await;
}

#[tokio::test]
async fn anothers_message_can_be_neither_acknowledged_nor_handed_back_and_that_is_on_record() {
    for way in ["ack", "nack"] {
        let world = World::new().await;
        world.ask(1).await;
        let message = world.one("bank").await;
        let id = message["id"].as_str().unwrap();
        let reply = world.post("other-bank", &format!("/v1/mailbox/{id}/{way}"), None).await;
        assert_eq!((reply.status, reply.problem()), (StatusCode::NOT_FOUND, "not-found"));
        on_record(&world, "other-bank", id).await;
        let record = world.journal.delivery(&id.parse().unwrap()).await.unwrap().unwrap();
        assert_eq!((record.delivered_at, record.attempts), (None, 0));
        world.end().await;
    }
}

#[tokio::test]
async fn nobody_asks_or_answers_in_anothers_name_and_the_attempt_is_kept() {
    let world = World::new().await;
    let case = world.ask(1).await;
    let request = world.one("bank").await;
    let id = request["id"].as_str().unwrap();
    // In the bank's name.
    let answer = messages::restgjeld_answer(1, "0.00");
    let kind = messages::RESTGJELD_ANSWER;
    let reply = world.send("other-bank", kind, 7, Some(id), &answer).await;
    assert_eq!((reply.status, reply.problem()), (StatusCode::FORBIDDEN, "not-allowed"));
    // In its own name, to a case of the bank's.
    let mut own = messages::restgjeld_answer(1, "0.00");
    own["avsender"]["id"] = json!(OTHER_BANK);
    let reply = world.send("other-bank", kind, 8, Some(id), &own).await;
    assert_eq!(reply.problem(), "unacceptable-message");
    assert_eq!(reply.rules(), ["INN-030"]);
    assert!(reply.json.get("caseId").is_none());
    // In the agency's name.
    let question = messages::restgjeld(9);
    let reply = world.send("other-agent", messages::RESTGJELD, 9, None, &question).await;
    assert_eq!((reply.status, reply.problem()), (StatusCode::FORBIDDEN, "not-allowed"));

    let mut kept = world.dead_letters().await;
    kept.sort_unstable();
    assert_eq!(kept, ["FOREIGN_CASE", "SPOOFED_SENDER", "SPOOFED_SENDER"]);
    let shown = world.get("agent", &format!("/v1/cases/{case}")).await;
    assert_eq!(shown.json["state"], "open");
    world.end().await;
}

#[tokio::test]
async fn a_message_id_of_another_sender_is_free_to_use_and_tells_nothing() {
    let world = World::new().await;
    world.ask(1).await;
    let mut question = messages::restgjeld(1);
    question["avsender"]["id"] = json!(crate::world::OTHER_AGENCY);
    let reply = world.send("other-agent", messages::RESTGJELD, 1, None, &question).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED, "{}", reply.json);
    world.end().await;
}

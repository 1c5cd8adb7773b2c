//! The mailbox: handing out under a lease, acknowledging, handing back.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use innfri::directory::{Handler, Role};
use serde_json::{Value, json};

use crate::messages::{self, BANK, RESTGJELD, message_id, restgjeld};
use crate::world::{Call, World, directory, everybody, participant};

async fn none(world: &World, token: &str) {
    assert_eq!(world.get(token, "/v1/mailbox").await.messages(), [] as [Value; 0]);
}

#[tokio::test]
async fn a_message_is_handed_out_whole_once_and_again_when_its_lease_is_over() {
    let world = World::new().await;
    let case = world.ask(1).await;
    let first = world.one("bank").await;
    let id = first["id"].as_str().unwrap();
    let lease_until = world.now() + jiff::SignedDuration::from_secs(60);
    assert_eq!(
        first,
        json!({"id": id, "type": RESTGJELD, "messageId": id, "caseId": case, "purpose": "request",
            "to": format!("NO:{BANK}"), "attempts": 1, "leaseUntil": lease_until.to_string(),
            "body": restgjeld(1)})
    );
    none(&world, "bank").await;
    world.turn(59);
    none(&world, "bank").await;
    world.turn(1);
    let again = world.one("bank").await;
    assert_eq!((&again["id"], &again["body"]), (&first["id"], &first["body"]));
    world.end().await;
}

#[tokio::test]
async fn what_is_acknowledged_never_comes_again_and_may_be_acknowledged_again() {
    let world = World::new().await;
    world.ask(1).await;
    let message = world.one("bank").await;
    for _ in 0..2 {
        let reply = world.acknowledge("bank", &message).await;
        assert_eq!((reply.status, &reply.json), (StatusCode::NO_CONTENT, &Value::Null));
    }
    world.turn(600);
    none(&world, "bank").await;
    let id = message["id"].as_str().unwrap().parse().unwrap();
    let record = world.journal.delivery(&id).await.unwrap().unwrap();
    assert!(record.delivered_at.is_some() && record.attempts == 0);
    // Too late to hand it back.
    let path = format!("/v1/mailbox/{id}/nack");
    assert_eq!(world.post("bank", &path, None).await.problem(), "not-found");
    world.end().await;
}

#[tokio::test]
async fn what_is_acknowledged_after_its_lease_is_still_acknowledged() {
    let world = World::new().await;
    world.ask(1).await;
    let message = world.one("bank").await;
    world.turn(61);
    assert_eq!(world.acknowledge("bank", &message).await.status, StatusCode::NO_CONTENT);
    none(&world, "bank").await;
    world.end().await;
}

#[tokio::test]
async fn what_is_handed_back_rests_and_comes_again_with_the_attempt_counted() {
    let world = World::new().await;
    world.ask(1).await;
    let message = world.one("bank").await;
    let path = format!("/v1/mailbox/{}/nack", message["id"].as_str().unwrap());
    let said = json!({"reason": "nede til 12, se 23904430552", "retryAfter": "2m"});
    assert_eq!(world.post("bank", &path, Some(said)).await.status, StatusCode::NO_CONTENT);
    world.turn(119);
    none(&world, "bank").await;
    world.turn(1);
    let again = world.one("bank").await;
    assert_eq!((&again["id"], &again["attempts"]), (&message["id"], &json!(2)));
    let id = message["id"].as_str().unwrap().parse().unwrap();
    let record = world.journal.delivery(&id).await.unwrap().unwrap();
    assert_eq!(record.last_error.unwrap(), "handed_back: nede til 12, se [number]");
    // Without a time it comes at once.
    assert_eq!(world.post("bank", &path, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.one("bank").await["attempts"], 3);

    let wrong = Call { token: "bank", headers: Vec::new(), body: b"{}".to_vec() };
    let reply = world.call(Method::POST, &path, wrong).await;
    assert_eq!(reply.problem(), "unsupported-media-type");
    let wrong = json!({"retryAfter": "soon"});
    assert_eq!(world.post("bank", &path, Some(wrong)).await.problem(), "bad-request");
    let large = json!({"reason": "x".repeat(5000)});
    assert_eq!(world.post("bank", &path, Some(large)).await.problem(), "too-large");
    world.end().await;
}

#[tokio::test]
async fn no_two_collectors_get_the_same_message_and_all_are_collected() {
    let world = World::new().await;
    for number in 1..=30 {
        world.ask(number).await;
    }
    let mut seen = BTreeSet::new();
    let mut count = 0;
    let by_name = format!("/v1/mailbox?max=3&organisation={BANK}");
    while count < 30 {
        let (one, two) =
            tokio::join!(world.get("bank", "/v1/mailbox?max=4"), world.get("bank", &by_name),);
        for message in one.messages().iter().chain(two.messages()) {
            seen.insert(message["id"].as_str().unwrap().to_owned());
            count += 1;
        }
        assert!(one.messages().len() <= 4 && two.messages().len() <= 3);
    }
    assert_eq!((seen.len(), count), (30, 30));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_gets_post_as_soon_as_it_is_there() {
    let world = World::new().await;
    let asks = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        world.ask(1).await
    };
    let begun = std::time::Instant::now();
    let (reply, case) = tokio::join!(world.get("bank", "/v1/mailbox?wait=60s"), asks);
    assert_eq!(reply.messages().len(), 1);
    assert_eq!(reply.messages()[0]["caseId"], case.as_str());
    assert!(begun.elapsed() < Duration::from_secs(55));
    none(&world, "bank").await;
    world.end().await;
}

#[tokio::test]
async fn an_asker_collects_outcome_rejection_and_receipt() {
    let world = World::new().await;
    let mut all = everybody();
    all[0].receipts = true;
    world.directory.send_replace(Arc::new(directory(all)));
    world.ask(1).await;
    let receipt = world.one("agent").await;
    assert_eq!(
        (&receipt["purpose"], &receipt["type"]),
        (&json!("receipt"), &json!("innfri.receipt.v1"))
    );
    assert!(receipt.get("revision").is_none());
    let request = world.one("bank").await;
    world.answer(1, request["id"].as_str().unwrap()).await;
    let outcome = world.one("agent").await;
    assert_eq!((&outcome["purpose"], &outcome["revision"]), (&json!("outcome"), &json!(1)));
    assert_eq!(outcome["correlationId"], message_id(1));
    let body = messages::restgjeld_answer(1, "1.00");
    world.send("bank", messages::RESTGJELD_ANSWER, 7, None, &body).await;
    let rejection = world.one("bank").await;
    assert_eq!(rejection["purpose"], "rejection");
    assert!(rejection.get("caseId").is_none());
    world.end().await;
}

#[tokio::test]
async fn only_those_with_a_mailbox_collect_and_only_their_own() {
    let world = World::new().await;
    let mut all = everybody();
    all[2] = participant(BANK, Role::Bank, Handler::Amqp);
    world.directory.send_replace(Arc::new(directory(all)));
    world.ask(1).await;
    assert_eq!(world.get("bank", "/v1/mailbox").await.problem(), "bad-request");
    let path = format!("/v1/mailbox?organisation={BANK}");
    assert_eq!(world.get("bank", &path).await.problem(), "bad-request");
    // Nor can it be acknowledged here what goes another way.
    let cases = world.journal.cases(&Default::default()).await.unwrap();
    let path = format!("/v1/mailbox/{}/ack", cases[0].forwarded_as);
    assert_eq!(world.post("bank", &path, None).await.problem(), "not-found");
    world.end().await;
}

#[tokio::test]
async fn a_look_at_the_head_alone_hands_nothing_out() {
    let world = World::new().await;
    world.ask(1).await;
    let request = axum::http::Request::builder()
        .method(Method::HEAD)
        .uri("/v1/mailbox?wait=1s")
        .header("authorization", "Bearer bank")
        .body(axum::body::Body::empty())
        .unwrap();
    let response = tower::ServiceExt::oneshot(world.router.clone(), request).await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()["allow"], "GET");
    assert_eq!(world.collected("bank", "").await.len(), 1);
    world.end().await;
}

#[tokio::test]
async fn a_query_of_the_mailbox_that_cannot_be_read_is_refused() {
    let world = World::new().await;
    for query in ["?max=0", "?max=101", "?max=x", "?wait=x", "?organisation=x", "?x=1"] {
        let reply = world.get("bank", &format!("/v1/mailbox{query}")).await;
        assert_eq!(reply.problem(), "bad-request", "{query}");
    }
    for id in [message_id(1).as_str(), "42"] {
        for way in ["ack", "nack"] {
            let reply = world.post("bank", &format!("/v1/mailbox/{id}/{way}"), None).await;
            assert_eq!(reply.problem(), "not-found");
        }
    }
    none(&world, "centre").await;
    world.end().await;
}

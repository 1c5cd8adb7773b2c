//! `POST /v1/messages`: each status, and that a repeat is told the same.

use axum::http::{Method, StatusCode};
use innfri::case::Purpose;
use innfri::contract::MessageType;
use innfri::kernel::CaseId;
use serde_json::json;

use crate::messages::{self, BANK, message_id};
use crate::world::{Call, OTHER_BANK, World, envelope};

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[tokio::test]
async fn an_accepted_message_names_its_case_and_a_repeat_is_told_the_same() {
    let world = World::new().await;
    let question = messages::restgjeld(1);
    let first = world.send("agent", messages::RESTGJELD, 1, None, &question).await;
    assert_eq!(first.status, StatusCode::ACCEPTED);
    let case = first.json["caseId"].as_str().unwrap();
    assert_eq!(first.headers["location"], format!("/v1/cases/{case}").as_str());
    assert_eq!(first.json["messageId"], message_id(1));
    assert_eq!(first.json["disposition"], "accepted");

    let again = world.send("agent", messages::RESTGJELD, 1, None, &question).await;
    assert_eq!((again.status, &again.json), (first.status, &first.json));
    assert_eq!(again.headers["location"], first.headers["location"]);
    world.end().await;
}

#[tokio::test]
async fn an_envelope_and_headers_are_the_same_message() {
    let world = World::new().await;
    let question = messages::restgjeld(1);
    let headers = vec![
        ("content-type", "application/vnd.innfri.message+json".to_owned()),
        ("traceparent", TRACE.to_owned()),
    ];
    // As `send` writes it, so that it is the same content.
    let inner = serde_json::to_string(&question).unwrap();
    let outer = envelope(messages::RESTGJELD, 1, &json!("HERE")).to_string();
    let body = outer.replace("\"HERE\"", &inner).into_bytes();
    let call = Call { token: "agent", headers, body };
    let first = world.call(Method::POST, "/v1/messages", call).await;
    assert_eq!(first.status, StatusCode::ACCEPTED, "{}", first.json);
    let again = world.send("agent", messages::RESTGJELD, 1, None, &question).await;
    assert_eq!((again.status, &again.json), (first.status, &first.json));

    let case: CaseId = first.json["caseId"].as_str().unwrap().parse().unwrap();
    let story = world.journal.story(&case).await.unwrap().unwrap();
    assert_eq!(story.stored.request.json, inner.as_bytes(), "byte for byte");
    let forwarded = world.one("bank").await;
    assert_eq!(forwarded["traceparent"], TRACE);
    world.end().await;
}

#[tokio::test]
async fn a_refused_request_has_a_settled_case_and_every_finding_also_when_repeated() {
    let world = World::new().await;
    let mut question = messages::restgjeld(1);
    question["mottaker"]["id"] = json!("12");
    question["hemmelig"] = json!("Hemmelig");
    let first = world.send("agent", messages::RESTGJELD, 1, None, &question).await;
    assert_eq!(first.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(first.problem(), "unacceptable-message");
    assert!(first.rules().len() >= 2, "{:?}", first.rules());
    assert_eq!(first.json["messageId"], message_id(1));
    assert!(!first.json.to_string().contains("Hemmelig"));
    for finding in first.json["findings"].as_array().unwrap() {
        for part in ["peker", "regel", "alvorlighet", "tekst", "text"] {
            assert!(finding[part].is_string(), "{finding}");
        }
    }
    let case = first.json["caseId"].as_str().unwrap();
    let shown = world.get("agent", &format!("/v1/cases/{case}")).await;
    assert_eq!((&shown.json["state"], &shown.json["revision"]), (&json!("settled"), &json!(1)));
    assert_eq!(shown.json["outcome"]["body"]["avvik"], first.json["findings"]);
    // The same findings also come as a message.
    let told = world.one("agent").await;
    assert_eq!(told["body"]["avvik"], first.json["findings"]);
    assert_eq!(told["correlationId"], message_id(1));

    let again = world.send("agent", messages::RESTGJELD, 1, None, &question).await;
    assert_eq!((again.status, &again.json), (first.status, &first.json));
    world.end().await;
}

#[tokio::test]
async fn a_body_that_is_not_json_gets_the_finding() {
    let world = World::new().await;
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        ("innfri-message-type", messages::RESTGJELD.to_owned()),
        ("innfri-message-id", message_id(1)),
    ];
    let call = Call { token: "agent", headers, body: b"{".to_vec() };
    let reply = world.call(Method::POST, "/v1/messages", call).await;
    assert_eq!(reply.problem(), "unacceptable-message");
    assert_eq!(reply.rules().len(), 1, "{}", reply.json);
    world.end().await;
}

#[tokio::test]
async fn a_wrong_answer_goes_back_with_its_findings_and_a_right_one_is_taken() {
    let world = World::new().await;
    let case = world.ask(1).await;
    let request = world.one("bank").await;
    let id = request["id"].as_str().unwrap();
    let mut leak = messages::restgjeld_answer(1, "1.00");
    leak["laanliste"][0]["laantakereHjemmelshaver"] = json!(["Hemmelig Person"]);
    let kind = messages::RESTGJELD_ANSWER;
    let wrong = world.send("bank", kind, 7, Some(id), &leak).await;
    assert_eq!(wrong.problem(), "unacceptable-message");
    assert_eq!(wrong.json["caseId"], case.as_str());
    assert!(wrong.rules().contains(&"INN-020"), "{:?}", wrong.rules());
    assert!(!wrong.json.to_string().contains("Hemmelig"));
    let again = world.send("bank", kind, 7, Some(id), &leak).await;
    assert_eq!((again.status, &again.json), (wrong.status, &wrong.json));

    let right = world.answer(1, id).await;
    assert_eq!(right.status, StatusCode::ACCEPTED, "{}", right.json);
    assert_eq!(right.json["caseId"], case.as_str());
    let again = world.answer(1, id).await;
    assert_eq!((again.status, &again.json), (right.status, &right.json));
    world.end().await;
}

#[tokio::test]
async fn an_answer_without_a_correlation_id_says_so() {
    let world = World::new().await;
    let body = messages::restgjeld_answer(1, "1.00");
    let reply = world.send("bank", messages::RESTGJELD_ANSWER, 7, None, &body).await;
    assert_eq!(reply.problem(), "unacceptable-message");
    assert_eq!(reply.rules(), ["INN-037"]);
    assert!(reply.json.get("caseId").is_none());
    world.end().await;
}

#[tokio::test]
async fn a_message_id_used_for_something_else_is_a_conflict_and_the_first_message_stays() {
    let world = World::new().await;
    let case = world.ask(1).await;
    let mut other = messages::restgjeld(1);
    other["avsender"]["referanse"] = json!("OPPDRAG-2");
    for _ in 0..2 {
        let reply = world.send("agent", messages::RESTGJELD, 1, None, &other).await;
        assert_eq!(reply.status, StatusCode::CONFLICT);
        assert_eq!(reply.problem(), "reused-message-id");
        assert_eq!(reply.json["caseId"], case.as_str());
    }
    let first = messages::restgjeld(1);
    let again = world.send("agent", messages::RESTGJELD, 1, None, &first).await;
    assert_eq!(again.status, StatusCode::ACCEPTED);
    world.end().await;
}

#[tokio::test]
async fn an_answer_stays_accepted_when_its_id_and_body_come_again_as_another_type() {
    let world = World::new().await;
    world.ask(1).await;
    let request = world.one("bank").await;
    let id = request["id"].as_str().unwrap();
    assert_eq!(world.answer(1, id).await.status, StatusCode::ACCEPTED);
    let body = messages::restgjeld_answer(1, "100.00");
    let other = world.send("bank", messages::STATUS, 501, Some(id), &body).await;
    assert_eq!(other.status, StatusCode::CONFLICT);
    assert_eq!(world.answer(1, id).await.status, StatusCode::ACCEPTED);
    world.end().await;
}

#[tokio::test]
async fn what_is_wrong_around_a_message_is_told_and_nothing_is_kept() {
    let world = World::new().await;
    let good = serde_json::to_vec(&messages::restgjeld(1)).unwrap();
    let send = async |headers: &[(&'static str, &str)], body: Vec<u8>| {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let call = Call { token: "agent", headers, body };
        world.call(Method::POST, "/v1/messages", call).await
    };
    let json = ("content-type", "application/json");
    let kind = ("innfri-message-type", messages::RESTGJELD);
    let id = message_id(1);
    let id = ("innfri-message-id", id.as_str());

    assert_eq!(send(&[kind, id], good.clone()).await.problem(), "unsupported-media-type");
    let plain = ("content-type", "text/plain");
    assert_eq!(send(&[plain, kind, id], good.clone()).await.problem(), "unsupported-media-type");
    assert_eq!(send(&[json, kind], good.clone()).await.problem(), "bad-request");
    assert_eq!(send(&[json, id], good.clone()).await.problem(), "bad-request");
    let no_uuid = ("innfri-message-id", "42");
    assert_eq!(send(&[json, kind, no_uuid], good.clone()).await.problem(), "bad-request");
    let wrapped = ("content-type", "application/vnd.innfri.message+json");
    assert_eq!(send(&[wrapped], good.clone()).await.problem(), "bad-request");

    let large = vec![b' '; 256 * 1024 + 1];
    let reply = send(&[json, kind, id], large.clone()).await;
    assert_eq!((reply.status, reply.problem()), (StatusCode::PAYLOAD_TOO_LARGE, "too-large"));
    let length = ("content-length", "999999999");
    assert_eq!(send(&[json, kind, id, length], Vec::new()).await.problem(), "too-large");
    // In an envelope that itself is not too large.
    let inner = "1".repeat(256 * 1024 + 1);
    let outer = format!("{{\"type\":\"t\",\"messageId\":\"{}\",\"body\":{inner}}}", id.1);
    assert_eq!(send(&[wrapped], outer.into_bytes()).await.problem(), "too-large");

    assert!(world.journal.cases(&Default::default()).await.unwrap().is_empty());
    assert!(world.dead_letters().await.is_empty());
    world.end().await;
}

#[tokio::test]
async fn a_body_without_a_length_is_read_no_further_than_allowed() {
    let world = World::new().await;
    let chunk = axum::body::Bytes::from(vec![b' '; 64 * 1024]);
    let chunks = futures_util::stream::repeat_with(move || Ok::<_, std::io::Error>(chunk.clone()));
    let request = axum::http::Request::builder()
        .method(Method::POST)
        .uri("/v1/messages")
        .header("authorization", "Bearer agent")
        .header("content-type", "application/json")
        .body(axum::body::Body::from_stream(chunks))
        .unwrap();
    let response = tower::ServiceExt::oneshot(world.router.clone(), request).await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    world.end().await;
}

#[tokio::test]
async fn a_sender_for_whom_one_may_not_speak_is_forbidden_and_kept() {
    let world = World::new().await;
    let mut spoof = messages::restgjeld(1);
    spoof["avsender"]["id"] = json!(OTHER_BANK);
    let reply = world.send("agent", messages::RESTGJELD, 1, None, &spoof).await;
    assert_eq!((reply.status, reply.problem()), (StatusCode::FORBIDDEN, "not-allowed"));
    assert_eq!(reply.rules(), ["INN-024"]);
    assert_eq!(world.dead_letters().await, ["SPOOFED_SENDER"]);
    // One that speaks for several cannot be told by a message, but is told here.
    let mut unclear = messages::restgjeld(2);
    unclear["avsender"].as_object_mut().unwrap().remove("id");
    let reply = world.send("centre", messages::RESTGJELD, 2, None, &unclear).await;
    assert_eq!((reply.status, reply.problem()), (StatusCode::FORBIDDEN, "not-allowed"));
    assert_eq!(world.dead_letters().await.len(), 2);
    world.end().await;
}

#[tokio::test]
async fn when_nothing_is_taken_in_the_sender_is_told_when_to_come_back() {
    let world = World::new().await;
    let router = world.router.clone();
    world.end().await;
    let request = axum::http::Request::builder()
        .method(Method::POST)
        .uri("/v1/messages")
        .header("authorization", "Bearer agent")
        .header("content-type", "application/json")
        .header("innfri-message-type", messages::RESTGJELD)
        .header("innfri-message-id", message_id(1))
        .body(axum::body::Body::from(messages::restgjeld(1).to_string()))
        .unwrap();
    let response = tower::ServiceExt::oneshot(router, request).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["retry-after"], "5");
}

#[tokio::test]
async fn a_request_to_a_stranger_is_refused_and_repeated_as_refused_after_all_is_collected() {
    let world = World::new().await;
    let mut question = messages::restgjeld(1);
    question["mottaker"]["id"] = json!("926018159");
    let first = world.send("agent", messages::RESTGJELD, 1, None, &question).await;
    assert_eq!(first.rules(), ["INN-035"], "{}", first.json);
    let told = world.one("agent").await;
    assert_eq!(world.acknowledge("agent", &told).await.status, StatusCode::NO_CONTENT);
    let again = world.send("agent", messages::RESTGJELD, 1, None, &question).await;
    assert_eq!((again.status, &again.json), (first.status, &first.json));
    world.end().await;
}

#[tokio::test]
async fn what_is_taken_is_owed_to_the_bank_alone() {
    let world = World::new().await;
    let case: CaseId = world.ask(1).await.parse().unwrap();
    let story = world.journal.story(&case).await.unwrap().unwrap();
    let owed: Vec<_> = story.deliveries.iter().map(|one| (one.purpose, one.to.number())).collect();
    assert_eq!(owed, [(Purpose::Request, BANK)]);
    assert_eq!(story.stored.case.request_type, MessageType::Restgjeldsforespoersel);
    world.end().await;
}

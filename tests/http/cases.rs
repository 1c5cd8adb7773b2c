//! `GET /v1/cases`: what is shown to whom, pages, and waiting for an outcome.

use std::time::Duration;

use axum::http::StatusCode;
use innfri::channel::http::HttpConfig;
use serde_json::json;

use crate::messages::{AGENCY, BANK, RESTGJELD, RESTGJELD_ANSWER, message_id, restgjeld_answer};
use crate::world::{OTHER_AGENCY, World};

async fn settled(world: &World, number: u32) -> String {
    let case = world.ask(number).await;
    let request = world.one("bank").await;
    let reply = world.answer(number, request["id"].as_str().unwrap()).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED, "{}", reply.json);
    world.acknowledge("bank", &request).await;
    case
}

#[tokio::test]
async fn a_case_shows_its_outcome_to_whoever_gets_it_and_not_to_the_bank() {
    let world = World::new().await;
    let open = world.ask(1).await;
    let shown = world.get("agent", &format!("/v1/cases/{open}")).await;
    assert_eq!(shown.status, StatusCode::OK);
    assert_eq!(
        shown.json,
        json!({"caseId": open, "type": RESTGJELD, "reference": "OPPDRAG-1",
            "asker": format!("NO:{AGENCY}"), "bank": format!("NO:{BANK}"),
            "openedAt": world.now().to_string(), "state": "open", "revision": 0})
    );
    let request = world.one("bank").await;
    world.answer(1, request["id"].as_str().unwrap()).await;

    let shown = world.get("agent", &format!("/v1/cases/{open}")).await;
    let outcome = &shown.json["outcome"];
    assert_eq!((&shown.json["state"], &shown.json["revision"]), (&json!("settled"), &json!(1)));
    assert_eq!((&outcome["type"], &outcome["revision"]), (&json!(RESTGJELD_ANSWER), &json!(1)));
    assert_eq!(outcome["body"], restgjeld_answer(1, "100.00"));
    let collected = world.one("agent").await;
    assert_eq!(outcome["messageId"], collected["messageId"]);

    let at_bank = world.get("bank", &format!("/v1/cases/{open}")).await;
    assert_eq!((at_bank.status, &at_bank.json["state"]), (StatusCode::OK, &json!("settled")));
    assert!(at_bank.json.get("outcome").is_none());
    world.end().await;
}

#[tokio::test]
async fn lists_are_pages_of_ones_own_cases_without_bodies() {
    let world = World::new().await;
    let mut cases = Vec::new();
    for number in 1..=5 {
        cases.push(settled(&world, number).await);
        world.turn(1);
    }
    cases.reverse();
    let mut next = Some("/v1/cases?limit=2&state=settled".to_owned());
    let mut seen = Vec::new();
    let mut pages = 0;
    while let Some(path) = next {
        let page = world.get("agent", &path).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.json);
        for case in page.json["cases"].as_array().unwrap() {
            let id = case["caseId"].as_str().unwrap().to_owned();
            let whole = world.get("agent", &format!("/v1/cases/{id}")).await;
            let mut outcome = whole.json["outcome"].clone();
            outcome.as_object_mut().unwrap().remove("body");
            assert_eq!(case["outcome"], outcome, "the same but for the body");
            seen.push(id);
        }
        next = page.json["next"].as_str().map(str::to_owned);
        pages += 1;
        assert!(pages < 10);
    }
    // The last of a page may come again on the next.
    seen.dedup();
    assert_eq!(seen, cases);

    let by_reference = world
        .get("agent", "/v1/cases?reference=OPPDRAG-3&type=no.dsve.restgjeldsforespoersel.v1")
        .await;
    assert_eq!(by_reference.json["cases"].as_array().unwrap().len(), 1);
    let open = world.get("agent", "/v1/cases?state=open").await;
    assert_eq!(open.json, json!({"cases": []}));
    let at_bank = world.get("bank", &format!("/v1/cases?organisation={BANK}")).await;
    assert_eq!(at_bank.json["cases"].as_array().unwrap().len(), 5);
    assert!(at_bank.json["cases"][0].get("outcome").is_none());
    let elsewhere = world.get("other-agent", "/v1/cases").await;
    assert_eq!(elsewhere.json, json!({"cases": []}));
    world.end().await;
}

#[tokio::test]
async fn who_speaks_for_several_says_for_whom() {
    let world = World::new().await;
    world.ask(1).await;
    assert_eq!(world.get("centre", "/v1/cases").await.problem(), "bad-request");
    let own = world.get("centre", &format!("/v1/cases?organisation=NO:{AGENCY}")).await;
    assert_eq!(own.json["cases"].as_array().unwrap().len(), 1);
    let other = world.get("centre", &format!("/v1/cases?organisation={OTHER_AGENCY}")).await;
    assert_eq!(other.json["cases"].as_array().unwrap().len(), 0);
    world.end().await;
}

#[tokio::test]
async fn a_query_that_cannot_be_read_is_refused_and_not_repeated() {
    let world = World::new().await;
    for query in [
        "?organisation=Hemmelig",
        "?state=Hemmelig",
        "?type=Hemmelig",
        "?since=Hemmelig",
        "?before=Hemmelig",
        "?limit=Hemmelig",
        "?limit=0",
        "?limit=501",
        "?Hemmelig=1",
        "?state=open&state=settled",
    ] {
        let reply = world.get("agent", &format!("/v1/cases{query}")).await;
        assert_eq!(reply.problem(), "bad-request", "{query}");
        assert!(!reply.json.to_string().contains("Hemmelig"));
    }
    let case = world.ask(1).await;
    for query in ["?wait=Hemmelig", "?wait=-1", "?wait=1&wait=2", "?Hemmelig"] {
        let reply = world.get("agent", &format!("/v1/cases/{case}{query}")).await;
        assert_eq!(reply.problem(), "bad-request", "{query}");
    }
    for id in [message_id(7).as_str(), "42", "%FF"] {
        assert_eq!(world.get("agent", &format!("/v1/cases/{id}")).await.problem(), "not-found");
    }
    assert!(world.trespasses().await.is_empty());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_is_answered_when_the_case_is_settled() {
    let config = HttpConfig { longest_wait_seconds: 60, ..HttpConfig::at("127.0.0.1:0") };
    let world = World::with(config).await;
    let case = world.ask(1).await;
    let request = world.one("bank").await;
    let path = format!("/v1/cases/{case}?wait=60s");
    let answer = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        world.answer(1, request["id"].as_str().unwrap()).await
    };
    let begun = std::time::Instant::now();
    let (shown, _) = tokio::join!(world.get("agent", &path), answer);
    assert_eq!(shown.json["state"], "settled");
    assert!(begun.elapsed() < Duration::from_secs(55), "it was woken");
    world.end().await;
}

#[tokio::test]
async fn a_wait_ends_with_what_there_is_when_its_time_is_over_or_innfri_stops() {
    let world =
        World::with(HttpConfig { longest_wait_seconds: 1, ..HttpConfig::at("127.0.0.1:0") }).await;
    let case = world.ask(1).await;
    let path = format!("/v1/cases/{case}?wait=2m");
    let shown = world.get("agent", &path).await;
    assert_eq!(shown.json["state"], "open", "the wish was cut to a second");
    world.end().await;

    let world = World::new().await;
    let case = world.ask(1).await;
    let path = format!("/v1/cases/{case}?wait=60s");
    let stop = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        world.stop.cancel();
    };
    let begun = std::time::Instant::now();
    let (shown, ()) = tokio::join!(world.get("agent", &path), stop);
    assert_eq!((shown.status, &shown.json["state"]), (StatusCode::OK, &json!("open")));
    assert!(begun.elapsed() < Duration::from_secs(55));
    world.end().await;
}

#[tokio::test]
async fn only_so_many_wait_at_once_and_those_who_do_not_wait_are_still_answered() {
    let world = World::with(HttpConfig { most_waiting: 1, ..HttpConfig::at("127.0.0.1:0") }).await;
    let case = world.ask(1).await;
    let waits = format!("/v1/cases/{case}?wait=60s");
    let does_not = format!("/v1/cases/{case}");
    let others = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let too_many = world.get("agent", &waits).await;
        assert_eq!(too_many.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(
            (too_many.problem(), &too_many.headers["retry-after"]),
            ("unavailable", &"1".parse().unwrap())
        );
        let too_many = world.get("other-agent", "/v1/mailbox?wait=5s").await;
        assert_eq!(too_many.problem(), "unavailable");
        assert_eq!(world.get("agent", &does_not).await.status, StatusCode::OK);
        world.stop.cancel();
    };
    let (first, ()) = tokio::join!(world.get("agent", &waits), others);
    assert_eq!(first.status, StatusCode::OK);
    world.end().await;
}

//! A bank's own REST back-end, from the question to what becomes of its answer.

use std::time::Duration;

use innfri::case::Purpose;
use serde_json::{Value, json};

use crate::messages::{
    BANK, RESTGJELD, RESTGJELD_ANSWER, STATUS, message_id, restgjeld_answer, status,
};
use crate::server::{Reply, Seen, Server};
use crate::world::{World, back_end, folder, hurried, let_it_look, until};

const PATH: &str = "/innfri";

async fn world(server: &Server) -> World {
    World::new(folder(), &back_end(&server.url(PATH), "", ""), hurried()).await
}

fn answered(body: &Value) -> Reply {
    Reply::new(200).json(body).header("innfri-message-type", RESTGJELD_ANSWER)
}

/// Questions and what else was posted, told apart.
fn is_question(seen: &Seen) -> bool {
    seen.header("innfri-message-type") == Some(RESTGJELD)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_at_once_settles_the_case() {
    let server = Server::plain().await;
    let id = message_id(77);
    server.answers(answered(&restgjeld_answer(1, "100.00")).header("innfri-message-id", &id));
    let world = world(&server).await;
    let case = world.ask(1).await;
    let delivery = world.delivered(case).await;
    assert_eq!(world.outcomes(case).await, 1, "it is settled before the question counts as sent");
    let seen = server.seen_at(PATH).remove(0);
    assert_eq!(seen.body, delivery.body.json);
    let expected = [
        ("content-type", "application/json".to_owned()),
        ("innfri-message-type", RESTGJELD.to_owned()),
        ("innfri-message-id", delivery.id.to_string()),
        ("innfri-case-id", case.to_string()),
        ("innfri-receiver", format!("NO:{BANK}")),
    ];
    for (name, value) in expected {
        assert_eq!(seen.header(name), Some(value.as_str()), "{name}");
    }
    let story = world.story(case).await;
    let outcome = story.deliveries.iter().find(|one| one.purpose != Purpose::Request).unwrap();
    assert_eq!(outcome.body.json, restgjeld_answer(1, "100.00").to_string().into_bytes());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_in_one_object_settles_the_case_byte_for_byte() {
    let server = Server::plain().await;
    let spaced = restgjeld_answer(1, "100.00").to_string().replacen(':', " : ", 1);
    let whole = format!("{{\"type\":\"{RESTGJELD_ANSWER}\",\"body\":{spaced}}}");
    server.answers(Reply::new(200).body("application/vnd.innfri.message+json", whole));
    let world = world(&server).await;
    let case = world.ask(1).await;
    world.delivered(case).await;
    let story = world.story(case).await;
    let outcome = story.deliveries.iter().find(|one| one.purpose != Purpose::Request).unwrap();
    assert_eq!(outcome.body.json, spaced.into_bytes());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_can_come_later_by_another_way() {
    let server = Server::plain().await;
    server.answers(Reply::new(202));
    let world = world(&server).await;
    let case = world.ask(1).await;
    let delivery = world.delivered(case).await;
    assert_eq!(world.outcomes(case).await, 0);
    let body = restgjeld_answer(1, "100.00");
    let answers = Some(delivery.id.to_string());
    world.take_answer("bank", RESTGJELD_ANSWER, 501, &body, answers).await;
    assert_eq!(world.outcomes(case).await, 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_at_once_settles_the_case() {
    let server = Server::plain().await;
    let body = status(1, "FEIL");
    server.answers(Reply::new(200).json(&body).header("innfri-message-type", STATUS));
    let world = world(&server).await;
    let case = world.ask(1).await;
    world.delivered(case).await;
    assert_eq!(world.outcomes(case).await, 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_answer_goes_back_to_the_bank_and_the_case_stays_open() {
    let mut wrong = restgjeld_answer(1, "100.00");
    wrong["laanliste"][0]["saldo"] = "100.123".into();
    let untyped = Reply::new(200).json(&restgjeld_answer(1, "100.00"));
    let answers = [
        answered(&wrong),
        answered(&json!({"not": "an answer"})),
        Reply::new(200)
            .body("application/json", "{")
            .header("innfri-message-type", RESTGJELD_ANSWER),
        Reply::new(200).body("application/vnd.innfri.message+json", "[]"),
        untyped,
    ];
    for answer in answers {
        let server = Server::plain().await;
        server.does(move |seen| if is_question(seen) { answer.clone() } else { Reply::new(200) });
        let world = world(&server).await;
        let case = world.ask(1).await;
        world.delivered(case).await;
        until("the bank is told", async || server.seen_at(PATH).len() == 2).await;
        let told = server.seen_at(PATH).into_iter().find(|seen| !is_question(seen)).unwrap();
        assert!(!told.json().to_string().contains("not an answer"));
        assert_eq!(world.outcomes(case).await, 0, "the case stays open");
        world.turn(100);
        let_it_look().await;
        assert_eq!(server.seen_at(PATH).len(), 2, "neither is posted again");
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_back_end_is_tried_again() {
    let server = Server::plain().await;
    server.answers(Reply::new(202).after(Duration::from_secs(600)));
    let way = back_end(&server.url(PATH), ", timeout_seconds = 1", "");
    let world = World::new(folder(), &way, hurried()).await;
    let case = world.ask(1).await;
    let error = world.failed(case, 1).await.last_error.unwrap();
    assert_eq!(error, "timed_out: no confirmation within 1 s");
    server.answers(Reply::new(202));
    world.turn(3);
    world.delivered(case).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_for_good_is_given_up_with_readable_words() {
    let server = Server::plain().await;
    let problem = json!({"title": "Customer unit closed", "status": 422,
        "detail": "the unit takes no questions any more", "person": "Prøve Fiksjon"});
    server.answers(Reply::new(422).body("application/problem+json", problem.to_string()));
    let world = world(&server).await;
    let case = world.ask(1).await;
    until("the asker is told", async || world.outcomes(case).await == 1).await;
    let expected = "refused_for_good: refused for good: 422 Unprocessable Entity: Customer unit \
                    closed: the unit takes no questions any more";
    assert_eq!(world.dead().await, [expected]);
    world.turn(100_000);
    let_it_look().await;
    assert_eq!((server.seen_at(PATH).len(), world.outcomes(case).await), (1, 1), "once");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn problem_details_are_readable_while_it_is_tried_and_never_personal() {
    let server = Server::plain().await;
    let way = back_end(&server.url(PATH), "", "retry_statuses = [409]");
    let world = World::new(folder(), &way, hurried()).await;
    let problem = json!({"title": "Busy ledger", "detail": "Prøve Fiksjon 239044 30552 is locked"});
    server.answers(Reply::new(409).body("application/problem+json", problem.to_string()));
    let case = world.ask(1).await;
    let error = world.failed(case, 1).await.last_error.unwrap();
    assert_eq!(error, "refused: refused: 409 Conflict: Busy ledger");

    server.answers(Reply::new(500).body("text/html", "<h1>Prøve Fiksjon</h1>"));
    world.turn(3);
    let error = world.failed(case, 2).await.last_error.unwrap();
    assert_eq!(error, "refused: refused: 500 Internal Server Error");

    let limit = Reply::new(429).header("retry-after", "77");
    server.answers(limit.body("application/problem+json", "{\"title\":\"Too many\"}"));
    world.turn(6);
    let failed = world.failed(case, 3).await;
    assert_eq!(
        failed.last_error.unwrap(),
        "retry_after: asks to wait 77 s: 429 Too Many Requests: Too many"
    );
    assert_eq!(failed.next_attempt_at.duration_since(world.now()).as_secs(), 77);

    server.answers(Reply::new(202));
    world.turn(78);
    world.delivered(case).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_answer_is_refused_and_tried_again() {
    let server = Server::plain().await;
    server.answers(Reply::new(200).body("text/html", "<h1>Welcome</h1>"));
    let world = world(&server).await;
    let case = world.ask(1).await;
    let error = world.failed(case, 1).await.last_error.unwrap();
    assert!(error.contains("something else than JSON"), "{error}");

    server.answers(answered(&Value::from("x".repeat(300 * 1024))));
    world.turn(3);
    let error = world.failed(case, 2).await.last_error.unwrap();
    assert!(error.contains("larger than 256 KiB"), "{error}");
    assert_eq!(world.outcomes(case).await, 0);
    world.end().await;
}

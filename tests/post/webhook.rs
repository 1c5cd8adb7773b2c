//! Webhooks, from the question to what a receiver's server sees.

use innfri::exchange::ExchangeConfig;
use serde_json::Value;

use crate::messages::{self, BANK, RESTGJELD};
use crate::reference::is_genuine;
use crate::server::{Reply, Server};
use crate::world::{NEXT_SECRET, SECRET, World, folder, hurried, let_it_look, until, webhook};

const HOOK: &str = "/hook";

async fn world(server: &Server) -> World {
    World::new(folder(), &webhook(&server.url(HOOK), ""), hurried()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_gets_the_message_and_can_check_who_sent_it() {
    let server = Server::plain().await;
    let world = world(&server).await;
    let case = world.ask(1).await;
    let delivery = world.delivered(case).await;
    let seen = server.seen_at(HOOK).remove(0);
    let event = seen.json();
    assert_eq!(event["type"], RESTGJELD);
    assert_eq!(event["timestamp"], world.now().to_string());
    let data = &event["data"];
    let id = delivery.id.to_string();
    assert_eq!((&data["id"], &data["messageId"]), (&Value::from(id.as_str()), &id.as_str().into()));
    assert_eq!(data["caseId"], case.to_string());
    assert_eq!((&data["type"], &data["purpose"]), (&RESTGJELD.into(), &"request".into()));
    assert_eq!(data["to"], format!("NO:{BANK}"));
    assert_eq!(data.get("revision"), None);
    assert_eq!(data["body"], messages::restgjeld(1));
    let body = String::from_utf8(seen.body.clone()).unwrap();
    let stored = String::from_utf8(delivery.body.json).unwrap();
    assert!(body.contains(&stored), "byte for byte");

    assert_eq!(seen.header("webhook-id"), Some(id.as_str()));
    assert!(is_genuine(&seen, SECRET));
    assert!(!is_genuine(&seen, NEXT_SECRET));
    let mut changed = seen;
    changed.body.push(b' ');
    assert!(!is_genuine(&changed, SECRET), "the check can fail");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_fails_is_tried_until_it_recovers() {
    let server = Server::plain().await;
    server.answers(Reply::new(500).body("text/plain", "Prøve Fiksjon 23904430552"));
    let world = world(&server).await;
    let case = world.ask(1).await;
    for attempt in 1..=3 {
        let failed = world.failed(case, attempt).await;
        assert_eq!(
            failed.last_error.as_deref(),
            Some("refused: refused: 500 Internal Server Error")
        );
        world.turn(20);
    }
    server.answers(Reply::new(200));
    world.turn(60);
    let delivery = world.delivered(case).await;
    let seen = server.seen_at(HOOK);
    assert!(seen.len() >= 4);
    let id = delivery.id.to_string();
    assert!(seen.iter().all(|seen| seen.header("webhook-id") == Some(id.as_str())));
    assert_eq!(world.dead().await, Vec::<String>::new());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_stays_broken_opens_its_breaker() {
    let server = Server::plain().await;
    server.answers(Reply::new(500));
    let config = ExchangeConfig {
        breaker_failures: 2,
        breaker_open_seconds: 1000,
        retry_first_seconds: 10,
        retry_longest_seconds: 10,
        ..hurried()
    };
    let world = World::new(folder(), &webhook(&server.url(HOOK), ""), config).await;
    let case = world.ask(1).await;
    world.failed(case, 1).await;
    world.turn(13);
    world.failed(case, 2).await;
    world.turn(500);
    let_it_look().await;
    assert_eq!(server.seen_at(HOOK).len(), 2, "it is left alone");
    server.answers(Reply::new(204));
    until("one probe goes out and gets through", async || {
        world.turn(60);
        world.forwarded(case).await.delivered_at.is_some()
    })
    .await;
    assert_eq!(server.seen_at(HOOK).len(), 3);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_is_changed_without_missing_anything() {
    let server = Server::plain().await;
    let world = world(&server).await;
    let way = webhook(&server.url(HOOK), "");
    let ways = [
        way.replace("[\"secret\"]", "[\"secret\", \"next_secret\"]"),
        way.replace("[\"secret\"]", "[\"next_secret\"]"),
    ];
    for (number, (way, old, new)) in
        ways.iter().zip([(true, true), (false, true)]).map(|(way, (a, b))| (way, a, b)).enumerate()
    {
        world.reload(way).unwrap();
        let case = world.ask(u32::try_from(number).unwrap()).await;
        world.delivered(case).await;
        let seen = server.seen_at(HOOK).pop().unwrap();
        let signatures = seen.header("webhook-signature").unwrap().split(' ').count();
        assert_eq!(signatures, usize::from(old) + usize::from(new));
        assert_eq!(is_genuine(&seen, SECRET), old);
        assert_eq!(is_genuine(&seen, NEXT_SECRET), new);
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_is_gone_is_given_up_and_the_asker_told_once() {
    let server = Server::plain().await;
    server.answers(Reply::new(410));
    let world = world(&server).await;
    let case = world.ask(1).await;
    until("the asker is told", async || world.outcomes(case).await == 1).await;
    let letters = world.dead().await;
    assert_eq!(letters.len(), 1);
    assert!(letters[0].contains("410 Gone (the endpoint is gone"), "{letters:?}");
    assert!(world.forwarded(case).await.given_up_at.is_some());
    world.turn(100_000);
    let_it_look().await;
    assert_eq!((server.seen_at(HOOK).len(), world.outcomes(case).await), (1, 1));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_is_not_followed() {
    let server = Server::plain().await;
    let elsewhere = server.url("/elsewhere");
    server.answers(Reply::new(307).header("location", &elsewhere));
    let world = world(&server).await;
    let case = world.ask(1).await;
    let error = world.failed(case, 1).await.last_error.unwrap();
    assert!(error.contains("307 Temporary Redirect (redirects are not followed)"), "{error}");
    assert_eq!(server.seen_at("/elsewhere").len(), 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_that_a_webhook_asks_for_is_granted_up_to_a_day() {
    let server = Server::plain().await;
    server.answers(Reply::new(429).header("retry-after", "600"));
    let world = world(&server).await;
    let case = world.ask(1).await;
    let wait = async |attempt| {
        let failed = world.failed(case, attempt).await;
        failed.next_attempt_at.duration_since(world.now()).as_secs()
    };
    assert_eq!(wait(1).await, 600);
    world.turn(590);
    let_it_look().await;
    assert_eq!(server.seen_at(HOOK).len(), 1);
    server.answers(Reply::new(503).header("retry-after", "99999999"));
    world.turn(11);
    assert_eq!(wait(2).await, 24 * 3600);
    // Three days after it was owed first is the last try, whatever was asked.
    world.turn(24 * 3600);
    assert_eq!(wait(3).await, 24 * 3600);
    world.turn(24 * 3600);
    assert_eq!(wait(4).await, 24 * 3600 - 601);
    assert!(world.forwarded(case).await.last_error.unwrap().starts_with("retry_after: "));
    server.answers(Reply::new(200));
    world.turn(24 * 3600);
    world.delivered(case).await;
    world.end().await;
}

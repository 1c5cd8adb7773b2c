//! Tokens: fetched once for many, dropped when refused, and never told.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::server::{Reply, Server};
use crate::world::{World, back_end, folder, hurried, until};

const PATH: &str = "/innfri";
const TOKEN: &str = "/token";

async fn world(server: &Server) -> World {
    let token = format!(
        "token = {{ token_url = \"{}\", client_id = \"innfri:ø\", client_secret_file = \
         \"client_secret\", scope = \"payoff:ask\" }}",
        server.url(TOKEN)
    );
    World::new(folder(), &back_end(&server.url(PATH), "", &token), hurried()).await
}

fn granted(token: &str) -> Reply {
    Reply::new(200)
        .json(&json!({"access_token": token, "token_type": "Bearer", "expires_in": 3600}))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_token_is_fetched_for_many_that_wait() {
    let server = Server::plain().await;
    server.does(|seen| match seen.path.as_str() {
        TOKEN => granted("good").after(Duration::from_millis(500)),
        _ => Reply::new(202).after(Duration::from_millis(50)),
    });
    let world = world(&server).await;
    let mut cases = Vec::new();
    for number in 0..20 {
        cases.push(world.ask(number).await);
    }
    for case in cases {
        world.delivered(case).await;
    }
    let asked = server.seen_at(TOKEN);
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].body, b"grant_type=client_credentials&scope=payoff%3Aask");
    // innfri%3A%C3%B8:hunter2+%2B+more
    let basic = "Basic aW5uZnJpJTNBJUMzJUI4Omh1bnRlcjIrJTJCK21vcmU=";
    assert_eq!(asked[0].header("authorization"), Some(basic));
    let seen = server.seen_at(PATH);
    assert_eq!(seen.len(), 20);
    assert!(seen.iter().all(|seen| seen.header("authorization") == Some("Bearer good")));
    assert!(server.most_at_once() <= 8);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_refused_is_fetched_anew_once() {
    let server = Server::plain().await;
    let fetched = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&fetched);
    server.does(move |seen| match seen.path.as_str() {
        TOKEN => granted(&format!("token-{}", count.fetch_add(1, Ordering::SeqCst))),
        _ if seen.header("authorization") == Some("Bearer token-0") => Reply::new(401),
        _ => Reply::new(202),
    });
    let world = world(&server).await;
    let case = world.ask(1).await;
    assert_eq!(world.delivered(case).await.attempts, 0);
    assert_eq!(fetched.load(Ordering::SeqCst), 2);

    // One that is refused again is no matter of the token.
    let count = Arc::clone(&fetched);
    server.does(move |seen| match seen.path.as_str() {
        TOKEN => granted(&format!("token-{}", count.fetch_add(1, Ordering::SeqCst))),
        _ => Reply::new(401),
    });
    let case = world.ask(2).await;
    until("it is given up", async || world.forwarded(case).await.given_up_at.is_some()).await;
    assert_eq!(fetched.load(Ordering::SeqCst), 3);
    assert_eq!(world.dead().await, ["refused_for_good: refused for good: 401 Unauthorized"]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_endpoint_that_refuses_is_told_of_without_secrets() {
    let server = Server::plain().await;
    let denied = json!({"error": "invalid_client", "error_description": "hunter2 is wrong"});
    server.answers(Reply::new(400).json(&denied));
    let world = world(&server).await;
    let case = world.ask(1).await;
    let error = world.failed(case, 1).await.last_error.unwrap();
    let expected = "refused: refused: the token endpoint answered 400 Bad Request (invalid_client)";
    assert_eq!(error, expected);

    server.answers(Reply::new(200).json(&json!({"access_token": "x", "token_type": "mac"})));
    world.turn(3);
    let error = world.failed(case, 2).await.last_error.unwrap();
    assert!(error.contains("no bearer token"), "{error}");
    assert_eq!(server.seen_at(PATH).len(), 0);
    world.end().await;
}

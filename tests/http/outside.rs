//! What stands before every route: the door, and what is nowhere.

use axum::http::{Method, StatusCode};
use innfri::contract::ROUTES;
use innfri::contract::routes::Door;

use crate::world::{Call, World};

#[tokio::test]
async fn every_route_stands_behind_the_door() {
    let world = World::new().await;
    for route in ROUTES.iter().filter(|route| route.door == Door::Participants) {
        let method: Method = route.method.name().parse().unwrap();
        let path = route.path;
        for token in ["", "nobody"] {
            let reply = world.call(method.clone(), path, Call { token, ..Call::default() }).await;
            assert_eq!(
                (reply.status, reply.problem()),
                (StatusCode::UNAUTHORIZED, "not-signed-in")
            );
            assert_eq!(reply.headers["www-authenticate"], "Bearer");
        }
        let hasty = Call { token: "hasty", ..Call::default() };
        let reply = world.call(method.clone(), path, hasty).await;
        assert_eq!(reply.problem(), "too-many-requests");
        assert_eq!(reply.headers["retry-after"], "7");
        let unlucky = Call { token: "unlucky", ..Call::default() };
        assert_eq!(world.call(method, path, unlucky).await.problem(), "unavailable");
    }
    world.end().await;
}

#[tokio::test]
async fn two_tokens_at_once_are_none() {
    let world = World::new().await;
    let headers = vec![("authorization", "Bearer bank".to_owned())];
    let call = Call { token: "agent", headers, body: Vec::new() };
    let reply = world.call(Method::GET, "/v1/cases", call).await;
    assert_eq!(reply.problem(), "not-signed-in");
    world.end().await;
}

#[tokio::test]
async fn what_is_nowhere_and_what_is_not_taken_there_are_problems_too() {
    let world = World::new().await;
    for path in ["/", "/v1", "/v2/cases", "/v1/messages/", "/v1/mailbox/x"] {
        assert_eq!(world.get("agent", path).await.problem(), "not-found", "{path}");
    }
    for (method, path, allowed) in [
        (Method::GET, "/v1/messages", "POST"),
        (Method::DELETE, "/v1/cases", "GET"),
        (Method::PUT, "/v1/mailbox", "GET"),
        (Method::GET, "/v1/mailbox/x/ack", "POST"),
    ] {
        let reply = world.call(method, path, Call { token: "agent", ..Call::default() }).await;
        assert_eq!(reply.problem(), "method-not-allowed");
        assert!(reply.headers["allow"].to_str().unwrap().contains(allowed));
    }
    world.end().await;
}

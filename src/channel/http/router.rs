//! The routes: one table of method, path and handler, and what holds for all of them.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{ALLOW, CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, Method};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use futures_util::FutureExt;

use super::problem::{Problem, ProblemKind};
use super::{Parts, Shared, cases, door, mailbox, messages};

/// The table: what `contract::ROUTES` publishes for participants, with who answers it.
fn table() -> Vec<(Method, &'static str, MethodRouter<Shared>)> {
    vec![
        (Method::POST, "/v1/messages", post(messages::take)),
        (Method::GET, "/v1/cases", get(cases::list)),
        (Method::GET, "/v1/cases/{caseId}", get(cases::show)),
        // Collecting changes something, so it must not be done for a HEAD, which GET would answer.
        (Method::GET, "/v1/mailbox", get(mailbox::collect).head(only_get)),
        (Method::POST, "/v1/mailbox/{id}/ack", post(mailbox::acknowledge)),
        (Method::POST, "/v1/mailbox/{id}/nack", post(mailbox::hand_back)),
    ]
}

/// All of the HTTP interface, behind its door.
pub fn router(parts: Parts) -> Router {
    let shared = Shared::new(parts);
    let mut router = Router::new();
    for (_, path, methods) in table() {
        router = router.route(path, methods);
    }
    router
        .fallback(nowhere)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(shared.clone(), door::guard))
        .layer(middleware::from_fn(safely))
        .with_state(shared)
}

async fn nowhere() -> Problem {
    Problem::not_found("there is nothing at this path: see the OpenAPI description of innfri")
}

async fn method_not_allowed() -> Problem {
    Problem::new(ProblemKind::MethodNotAllowed, "the header Allow names the methods of this path")
}

async fn only_get() -> Response {
    let mut response = method_not_allowed().await.into_response();
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
    response
}

/// What holds for every response: nobody keeps it, nobody guesses at its kind, and a handler that falls
/// over is answered for.
async fn safely(request: Request, next: Next) -> Response {
    let mut response = match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => fell_over(&*panic),
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn fell_over(_panic: &(dyn Any + Send)) -> Response {
    // What it says may quote a message; the panic hook has told where.
    tracing::error!("a handler of an HTTP request fell over");
    Problem::new(ProblemKind::Internal, "the request was not answered; it may be repeated")
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::routes::Door;
    use crate::contract::{PROBLEMS, ROUTES};

    #[test]
    fn the_routes_that_are_published_are_those_there_are() {
        let built: Vec<(String, &str)> =
            table().iter().map(|(method, path, _)| (method.to_string(), *path)).collect();
        let published: Vec<(String, &str)> = ROUTES
            .iter()
            .filter(|route| route.door == Door::Participants)
            .map(|route| (route.method.name().to_owned(), route.path))
            .collect();
        assert_eq!(built, published);
    }

    #[test]
    fn the_problems_that_are_published_are_those_there_are() {
        let mut built: Vec<(u16, &str, &str)> = ProblemKind::ALL
            .iter()
            .map(|kind| (kind.status().as_u16(), kind.slug(), kind.title()))
            .collect();
        built.sort_unstable();
        let published: Vec<(u16, &str, &str)> =
            PROBLEMS.iter().map(|one| (one.status, one.slug, one.title)).collect();
        assert_eq!(built, published);
    }
}

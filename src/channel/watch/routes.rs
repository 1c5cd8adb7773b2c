//! The three routes.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::Readiness;

/// For how long what was found out is told again, so that asking often costs the journal nothing.
const FRESH: Duration = Duration::from_millis(500);
/// What Prometheus knows this text by.
pub(super) const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What was missing, and when that was found out.
type Found = Option<(Instant, Vec<&'static str>)>;

#[derive(Clone)]
struct Watched {
    readiness: Arc<dyn Readiness>,
    registry: Arc<Registry>,
    last: Arc<Mutex<Found>>,
}

/// `/healthz`, `/readyz` and `/metrics`.
pub fn router(readiness: Arc<dyn Readiness>, registry: Arc<Registry>) -> Router {
    let watched = Watched { readiness, registry, last: Arc::default() };
    Router::new()
        .route("/healthz", get(async || "ok"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(watched)
}

async fn ready(State(watched): State<Watched>) -> Response {
    // Whoever asks meanwhile waits for the same answer.
    let mut last = watched.last.lock().await;
    let known = last.take().filter(|(when, _)| when.elapsed() < FRESH);
    let (when, missing) = match known {
        Some(known) => known,
        None => {
            let missing = watched.readiness.missing().await;
            (Instant::now(), missing)
        }
    };
    *last = Some((when, missing.clone()));
    drop(last);
    let status = if missing.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": missing.is_empty(), "missing": missing }))).into_response()
}

async fn metrics(State(watched): State<Watched>) -> Response {
    let mut text = String::new();
    match encode(&mut text, &watched.registry) {
        Ok(()) => ([(CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

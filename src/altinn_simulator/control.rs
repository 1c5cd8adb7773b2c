//! What tests need: the switches for faults, and what is going on.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::faults::FaultSettings;
use super::overview::{self, read_id};
use super::problem::{Code, Refusal};
use super::server::{Shared, read_body};
use super::world::World;

/// `GET /simulator/faults`.
pub(super) async fn faults(State(simulator): State<Shared>) -> axum::Json<FaultSettings> {
    axum::Json(simulator.lock().faults.clone())
}

/// `POST /simulator/faults`: JSON as [`FaultSettings`]. The answer is what is switched now.
pub(super) async fn switch(
    State(simulator): State<Shared>,
    body: Body,
) -> Result<axum::Json<FaultSettings>, Refusal> {
    let limits = &simulator.config.limits;
    let body = read_body(body, limits.body_bytes, limits.body_seconds).await?;
    let faults: FaultSettings = serde_json::from_slice(&body)
        .map_err(|error| Refusal::field("$", &format!("these are no switches: {error}")))?;
    let mut world = simulator.lock();
    world.switch(faults);
    Ok(axum::Json(world.faults.clone()))
}

/// `GET /simulator/state`: all file transfers, the oldest first, how often each route was called, and which
/// calls are or were held.
pub(super) async fn state(State(simulator): State<Shared>) -> axum::Json<Value> {
    axum::Json(told(&simulator.lock()))
}

/// `POST /simulator/cancel/{id}`: takes a file transfer back that is not published.
pub(super) async fn cancel(
    State(simulator): State<Shared>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    let id = read_id(&id)?;
    let now = simulator.now();
    match simulator.lock().cancel(id, now) {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(None) => Err(Code::NotFound.into()),
        Err(Some(wrong)) => Err(Refusal::plain(StatusCode::CONFLICT, &wrong.to_string())),
    }
}

pub(super) fn told(world: &World) -> Value {
    let mut transfers: Vec<_> = world.transfers().collect();
    transfers.sort_by_key(|transfer| transfer.created());
    let held = world.held.iter().map(|((route, moment), calls)| {
        json!({
            "route": route, "moment": moment, "times": calls.times, "waiting": calls.waiting,
        })
    });
    json!({
        "transfers": transfers.into_iter().map(overview::told).collect::<Vec<Value>>(),
        "calls": world.calls,
        "held": held.collect::<Vec<Value>>(),
        "faults": world.faults,
    })
}

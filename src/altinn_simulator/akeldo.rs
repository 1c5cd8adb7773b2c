//! AKELDO: who takes part. Its real keys are not known, so that answers are spelled in several ways.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::config::{AkeldoEntry, AkeldoSpelling};
use super::faults::AkeldoAnswer;
use super::server::{Shared, Simulator};

/// `GET /akeldo/aktoer`.
pub(super) async fn all(State(simulator): State<Shared>) -> Response {
    match simulator.lock().faults.akeldo.unwrap_or_default() {
        AkeldoAnswer::Empty => axum::Json(json!([])).into_response(),
        AkeldoAnswer::Broken => broken(),
        AkeldoAnswer::Normal => {
            let entries = simulator.config.akeldo.iter().enumerate();
            let told: Vec<Value> = entries.map(|(at, entry)| told(&simulator, at, entry)).collect();
            axum::Json(told).into_response()
        }
    }
}

/// `GET /akeldo/aktoer/{number}`.
pub(super) async fn one(State(simulator): State<Shared>, Path(number): Path<String>) -> Response {
    let answer = simulator.lock().faults.akeldo.unwrap_or_default();
    if answer == AkeldoAnswer::Broken {
        return broken();
    }
    let mut entries = simulator.config.akeldo.iter().enumerate();
    match entries.find(|(_, entry)| entry.organisation.number() == number) {
        Some((at, entry)) if answer == AkeldoAnswer::Normal => {
            axum::Json(told(&simulator, at, entry)).into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn broken() -> Response {
    ([(CONTENT_TYPE, "text/html")], "<html><body>Driftsstans</body></html>").into_response()
}

fn told(simulator: &Simulator, at: usize, entry: &AkeldoEntry) -> Value {
    let spelling = match simulator.config.akeldo_spelling {
        AkeldoSpelling::Mixed => match at % 3 {
            0 => AkeldoSpelling::Full,
            1 => AkeldoSpelling::Short,
            _ => AkeldoSpelling::Objects,
        },
        one => one,
    };
    let number = entry.organisation.number();
    let list = |names: &[String], key: &str| -> Value {
        names.iter().map(|name| json!({ key: name })).collect()
    };
    match spelling {
        AkeldoSpelling::Full | AkeldoSpelling::Mixed => json!({
            "organisasjonsnummer": number, "rolle": entry.role,
            "sendeliste": entry.sends, "mottaksliste": entry.receives,
        }),
        AkeldoSpelling::Short => json!({
            "orgnr": number, "type": entry.role, "navn": "Et foretak",
            "sendeliste": list(&entry.sends, "navn"),
            "mottaksliste": list(&entry.receives, "navn"),
        }),
        AkeldoSpelling::Objects => json!({
            "id": number, "rolle": entry.role,
            "sendeliste": list(&entry.sends, "meldingstype"),
            "mottaksliste": list(&entry.receives, "meldingstype"),
        }),
    }
}

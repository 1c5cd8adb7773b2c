//! A small stand-in for AKELDO: it says what it is told to say, also what the real one should not.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// What it answers.
#[derive(Clone)]
pub enum Says {
    /// This text.
    List(String),
    /// A status alone.
    Status(u16),
    /// This text, later than anybody waits.
    Slowly(String),
    /// Half of this text; then the connection breaks.
    HalfAndGone(String),
    /// More and more.
    Endlessly,
}

/// The stand-in. It stops when it is dropped.
pub struct Double {
    url: String,
    says: Arc<Mutex<Says>>,
    _serving: JoinSet<()>,
}

impl Double {
    /// Starts on a free port; it lists nobody.
    pub async fn start() -> Self {
        let says = Arc::new(Mutex::new(Says::List("[]".into())));
        let router = Router::new()
            .route("/akeldo/aktoer", get(all))
            .route("/akeldo/aktoer/{number}", get(one))
            .with_state(Arc::clone(&says));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, says, _serving: serving }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Says this from now on.
    pub fn say(&self, says: Says) {
        *self.says.lock().unwrap() = says;
    }
}

type Shared = State<Arc<Mutex<Says>>>;

async fn all(State(says): Shared) -> Response {
    let says = says.lock().unwrap().clone();
    match says {
        Says::List(text) => text.into_response(),
        Says::Status(code) => {
            (StatusCode::from_u16(code).unwrap(), [("location", "/elsewhere")]).into_response()
        }
        Says::Slowly(text) => {
            tokio::time::sleep(Duration::from_secs(10)).await;
            text.into_response()
        }
        Says::HalfAndGone(text) => {
            let half = Bytes::from(text.into_bytes()[..100].to_vec());
            let parts = [Ok(half), Err(std::io::Error::other("gone"))];
            Body::from_stream(stream::iter(parts)).into_response()
        }
        Says::Endlessly => {
            let part = Bytes::from(vec![b' '; 65536]);
            let parts = std::iter::repeat(part).map(Ok::<_, std::io::Error>);
            Body::from_stream(stream::iter(parts)).into_response()
        }
    }
}

async fn one(State(says): Shared, Path(number): Path<String>) -> Response {
    let Says::List(text) = says.lock().unwrap().clone() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let found: Vec<Value> = serde_json::from_str(&text).unwrap();
    match found.into_iter().find(|one| one["organisasjonsnummer"] == number) {
        Some(one) => one.to_string().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A list of these.
pub fn list(entries: &[Value]) -> String {
    Value::from(entries.to_vec()).to_string()
}

/// A bank that takes both requests, with the misspelling that is published.
pub fn bank(number: &str) -> Value {
    json!({
        "organisasjonsnummer": number, "navn": format!("Bank {number}"), "rolle": "Bank",
        "sendeliste": ["Restgjeldssvar", "InnfrielsesSaldoSvar", "Tinglysingsmelding"],
        "mottaksliste": [{"navn": "Restgjeldsforespoersel", "versjon": 2},
                         {"navn": "Innfrielsessaldoforespoerspoersel"}]
    })
}

/// An estate agency that sends both requests.
pub fn megler(number: &str) -> Value {
    json!({
        "organisasjonsnummer": number, "navn": format!("Megler {number}"), "rolle": "Megler",
        "sendeliste": ["Restgjeldsforespoersel", "Innfrielsessaldoforespoersel"],
        "mottaksliste": ["Restgjeldssvar", "Innfrielsessaldosvar"]
    })
}

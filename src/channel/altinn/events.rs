//! Altinn Events: Altinn tells that a file has come, and innfri looks at once instead of later.
//!
//! An event is a hint and nothing more. Nothing that it says is believed but for whom to look, and what is
//! not told is still found by looking (`altinn.poll_longest_seconds`). Altinn Events signs nothing, so that
//! the address itself is the secret; it is never logged.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, Path, Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde::Deserialize;
use serde_json::Value;
use subtle::ConstantTimeEq as _;

use super::config::AltinnConfig;
use super::error::SetupError;
use super::transfer::Party;
use crate::channel::outward::{OutwardError, secret_of};
use crate::channel::problem::{Problem, ProblemKind};
use crate::kernel::{OrganisationId, Secret};

/// The route, below the address at which innfri listens for HTTP.
pub const ROUTE: &str = "/altinn/events/{secret}";

/// Bytes of an event, at most.
const MOST_BYTES: usize = 64 * 1024;

/// Within this time an event must have come whole.
const PATIENCE: Duration = Duration::from_secs(10);

/// Characters of a secret, at least.
const LEAST_SECRET: usize = 32;

/// In which forms an event comes (CloudEvents 1.0, HTTP binding, structured mode; Altinn uses both).
const MEDIA_TYPES: [&str; 2] = ["application/cloudevents+json", "application/json"];

/// The one event after which there is something to fetch.
const PUBLISHED: &str = "no.altinn.broker.published";

/// How an organisation may begin, besides the spellings of file transfers.
const PATH_OF_ORGANISATION: &str = "/organisation/";

/// Makes somebody look for files: for this organisation, or for all when it is not known for whom.
pub type Wake = Arc<dyn Fn(Option<OrganisationId>) + Send + Sync>;

/// What the route works with.
#[derive(Clone)]
struct Door {
    secret: Secret,
    wake: Wake,
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[door for events]")
    }
}

/// The secret that the settings name; `None` where no events are taken.
///
/// # Errors
/// When the file cannot be read, or holds something else than a secret that can stand in an address.
pub fn read_secret(config: &AltinnConfig) -> Result<Option<Secret>, SetupError> {
    let Some(path) = &config.events_secret_file else { return Ok(None) };
    let secret = secret_of(path)?;
    let text = secret.expose();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if text.len() < LEAST_SECRET || !text.chars().all(fits) {
        let wanted = "a secret for `altinn.events_secret_file`: 32 letters, digits, hyphens or \
                      underscores, or more";
        return Err(OutwardError::Unfit { path: path.clone(), wanted }.into());
    }
    Ok(Some(secret))
}

/// `POST /altinn/events/{secret}`. `wake` must be quick: the event is answered after it.
pub fn router(secret: Secret, wake: Wake) -> Router {
    let nothing_here = || async { nowhere() };
    Router::new().route(ROUTE, post(take).fallback(nothing_here)).with_state(Door { secret, wake })
}

/// An event, as far as it is read. Names of attributes are in lower case.
#[derive(Deserialize)]
struct Event {
    specversion: String,
    id: String,
    source: String,
    r#type: String,
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    data: Option<Value>,
}

async fn take(
    State(door): State<Door>,
    given: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let known = given.is_ok_and(|Path(given)| door.opens_with(&given));
    if !known {
        return Err(nowhere());
    }
    check_form(request.headers())?;
    let event = Event::read(&body(request).await?)?;
    if event.calls_for_a_look() {
        let organisation = event.subject.as_deref().and_then(organisation);
        tracing::debug!(?organisation, "Altinn tells of a file");
        (door.wake)(organisation);
    }
    Ok(StatusCode::OK)
}

impl Door {
    /// Compares in a time that tells nothing of the secret but its length.
    fn opens_with(&self, given: &str) -> bool {
        given.as_bytes().ct_eq(self.secret.expose().as_bytes()).into()
    }
}

/// Whoever does not know the secret does not learn that there is one.
fn nowhere() -> Problem {
    Problem::not_found("there is nothing at this path: see the OpenAPI description of innfri")
}

fn check_form(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if MEDIA_TYPES.iter().any(|known| essence.eq_ignore_ascii_case(known)) {
        return Ok(());
    }
    Err(Problem::new(
        ProblemKind::UnsupportedMediaType,
        "set Content-Type to application/cloudevents+json or application/json",
    ))
}

async fn body(mut request: Request) -> Result<Bytes, Problem> {
    let too_large = || {
        let detail = format!("an event has at most {MOST_BYTES} bytes");
        Problem::new(ProblemKind::TooLarge, detail)
    };
    let announced = request.headers().get(CONTENT_LENGTH);
    let announced = announced.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|bytes| bytes > MOST_BYTES) {
        return Err(too_large());
    }
    DefaultBodyLimit::max(MOST_BYTES).apply(&mut request);
    match tokio::time::timeout(PATIENCE, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(too_large()),
        Ok(Err(_)) => Err(Problem::bad("the body did not arrive whole")),
        Err(_) => Err(Problem::bad("the body did not arrive in time")),
    }
}

impl Event {
    fn read(body: &[u8]) -> Result<Self, Problem> {
        let wrong = || {
            Problem::bad(
                "the body is no event: send a JSON object with specversion \"1.0\", id, source and \
                 type, as CloudEvents 1.0 has it",
            )
        };
        // What is wrong is not told on: it could quote the body.
        let event: Self = serde_json::from_slice(body).map_err(|_| wrong())?;
        let required = [&event.id, &event.source, &event.r#type];
        let is_one =
            event.specversion == "1.0" && required.iter().all(|text| !text.trim().is_empty());
        if is_one { Ok(event) } else { Err(wrong()) }
    }

    /// Whether a file may have come for somebody. Also Altinn's trial of a new subscription
    /// (`platform.events.validatesubscription`) is an event after which nobody need look.
    fn calls_for_a_look(&self) -> bool {
        self.r#type.eq_ignore_ascii_case(PUBLISHED) && !self.is_for_the_sender()
    }

    /// Altinn tells the sender of a file, too, that it is published.
    fn is_for_the_sender(&self) -> bool {
        let Some(Value::Object(data)) = &self.data else { return false };
        let role = data.iter().find(|(key, _)| key.eq_ignore_ascii_case("role"));
        role.and_then(|(_, value)| value.as_str())
            .is_some_and(|role| role.eq_ignore_ascii_case("sender"))
    }
}

/// The organisation that an event is about. A party of Altinn's own numbering is none that innfri knows.
fn organisation(subject: &str) -> Option<OrganisationId> {
    let subject = subject.trim();
    Party::read(subject.strip_prefix(PATH_OF_ORGANISATION).unwrap_or(subject)).organisation
}

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;

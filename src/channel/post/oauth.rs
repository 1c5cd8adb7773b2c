//! Tokens by client credentials (RFC 6749, section 4.4): fetched once for all that wait, kept until
//! shortly before they run out, dropped when the back-end does not know them any more.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::client::Wire;
use super::error::PostError;
use super::group::Pace;
use crate::channel::outward::answer::status_words;
use crate::channel::outward::secret_of;
use crate::directory::{ClientCredentials, Target};
use crate::kernel::Secret;
use crate::port::SendError;

/// A token of which no lifetime is told lasts so long.
const UNTOLD_LIFETIME: Duration = Duration::from_secs(60);

/// So long before its end a token is not used any more, or for the last tenth of its time if that is
/// less: it must last until the back-end has looked at it.
const MARGIN: Duration = Duration::from_secs(30);

/// No lifetime is believed that is longer: a day.
const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// The codes of RFC 6749, section 5.2: words of a closed list, which can be told on.
const KNOWN_ERRORS: [&str; 6] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
];

/// Where tokens for one back-end come from.
pub(super) struct Tokens {
    wire: Wire,
    client_id: String,
    client_secret: Secret,
    scope: Option<String>,
    kept: Mutex<Option<Token>>,
}

/// A token, and until when it is used.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) bearer: Secret,
    until: Instant,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[token]")
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    token_type: String,
    expires_in: Option<u64>,
}

#[derive(Deserialize)]
struct Denied {
    error: String,
}

impl Tokens {
    /// Tokens for a target, whose certificates hold for the token endpoint too.
    pub(super) fn open(
        target: &Target,
        credentials: &ClientCredentials,
        identity_file: Option<&Path>,
        pace: &Pace,
    ) -> Result<Self, PostError> {
        let address = ("http.token.token_url", credentials.token_url.as_str());
        Ok(Self {
            wire: Wire::open(target, address, identity_file, pace)?,
            client_id: credentials.client_id.clone(),
            client_secret: secret_of(&credentials.client_secret_file)?,
            scope: credentials.scope.clone(),
            kept: Mutex::new(None),
        })
    }

    /// A token that is good for now. Whoever asks while one is fetched waits for that one.
    pub(super) async fn get(&self) -> Result<Token, SendError> {
        let mut kept = self.kept.lock().await;
        if let Some(token) = kept.as_ref().filter(|token| Instant::now() < token.until) {
            return Ok(token.clone());
        }
        let token = self.fetch().await?;
        *kept = Some(token.clone());
        Ok(token)
    }

    /// Forgets a token that the back-end refused, unless another has taken its place.
    pub(super) async fn drop(&self, refused: &Token) {
        let mut kept = self.kept.lock().await;
        if kept.as_ref().is_some_and(|token| token.bearer.expose() == refused.bearer.expose()) {
            *kept = None;
        }
    }

    async fn fetch(&self) -> Result<Token, SendError> {
        // RFC 6749, section 2.3.1: both are encoded before they become Basic credentials.
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let secret = encoded(self.client_secret.expose());
        let request = self
            .wire
            .post()
            .basic_auth(encoded(&self.client_id), Some(secret))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(wish(self.scope.as_deref()));
        let asked_at = Instant::now();
        let response = self.wire.send(request).await.map_err(at_the_endpoint)?;
        let status = response.status();
        let body = self.wire.read(response).await.map_err(at_the_endpoint)?;
        if status != StatusCode::OK {
            return Err(denied(status, &body));
        }
        let granted: Granted = serde_json::from_slice(&body).map_err(|_| no_token())?;
        if !granted.token_type.eq_ignore_ascii_case("bearer") || granted.access_token.is_empty() {
            return Err(no_token());
        }
        let lifetime = granted.expires_in.map_or(UNTOLD_LIFETIME, Duration::from_secs);
        let lifetime = lifetime.min(LONGEST_LIFETIME);
        let until = asked_at + lifetime.saturating_sub(MARGIN.min(lifetime / 10));
        Ok(Token { bearer: Secret::new(granted.access_token), until })
    }
}

fn wish(scope: Option<&str>) -> String {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    if let Some(scope) = scope {
        form.append_pair("scope", scope);
    }
    form.finish()
}

fn no_token() -> SendError {
    SendError::Refused("the token endpoint gave no bearer token".to_owned())
}

fn denied(status: StatusCode, body: &[u8]) -> SendError {
    let said = serde_json::from_slice::<Denied>(body).ok();
    let code = said.and_then(|said| KNOWN_ERRORS.into_iter().find(|known| *known == said.error));
    let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
    SendError::Refused(format!("the token endpoint answered {}{code}", status_words(status)))
}

/// Says that it is the token endpoint that could not be reached.
fn at_the_endpoint(error: SendError) -> SendError {
    match error {
        SendError::Unreachable(why) => SendError::Unreachable(format!("the token endpoint: {why}")),
        SendError::Refused(why) => SendError::Refused(format!("the token endpoint: {why}")),
        SendError::Unavailable(_)
        | SendError::Unroutable(_)
        | SendError::TimedOut(_)
        | SendError::NotSetUp(_)
        | SendError::Permanent(_)
        | SendError::RetryAfter { .. } => error,
    }
}

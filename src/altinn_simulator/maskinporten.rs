//! Maskinporten: a signed assertion in (RFC 7523), an access token out.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, Validation, dangerous, decode, decode_header};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::party;
use super::server::{Client, Shared, Simulator, fresh_token, has_type, read_body};
use super::world::Grant;
use crate::kernel::OrganisationId;

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const FORM: &str = "application/x-www-form-urlencoded";
const SYSTEM_USER: &str = "urn:altinn:systemuser";
const AUTHORITY: &str = "iso6523-actorid-upis";
/// Seconds that an assertion may count, at most.
const LONGEST_LIFE: i64 = 120;
/// How far a client's clock may go ahead.
const LEEWAY: SignedDuration = SignedDuration::from_secs(10);
/// Letters of `jti`, at most.
const LONGEST_NAME: usize = 256;

/// A refusal as OAuth tells it (RFC 6749, section 5.2).
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    error: &'static str,
    description: String,
}

impl Refused {
    fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, description: description.into() }
    }

    fn grant(description: impl Into<String>) -> Self {
        Self::new("invalid_grant", description)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.error, "error_description": self.description });
        (self.status, axum::Json(body)).into_response()
    }
}

/// `GET /maskinporten/.well-known/oauth-authorization-server` (RFC 8414).
pub(super) async fn metadata(State(simulator): State<Shared>) -> axum::Json<Value> {
    let issuer = &simulator.issuer;
    axum::Json(json!({
        "issuer": issuer,
        "token_endpoint": format!("{issuer}token"),
        "grant_types_supported": [GRANT_TYPE],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
        "authorization_details_types_supported": [SYSTEM_USER],
    }))
}

/// `POST /maskinporten/token`.
pub(super) async fn token(
    State(simulator): State<Shared>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    if !has_type(&headers, FORM) {
        return Err(Refused::new("invalid_request", format!("The content type must be {FORM}")));
    }
    let limits = &simulator.config.limits;
    let body = read_body(body, limits.body_bytes, limits.body_seconds).await;
    let body = body.map_err(|_| Refused::new("invalid_request", "The form did not come whole"))?;
    let one = |name: &str| {
        let mut found = form_urlencoded::parse(&body).filter(|(key, _)| key == name);
        let first = found.next().map(|(_, value)| value.into_owned());
        first.filter(|_| found.next().is_none())
    };
    match one("grant_type") {
        Some(kind) if kind == GRANT_TYPE => {}
        Some(_) => {
            let text = format!("grant_type must be {GRANT_TYPE}");
            return Err(Refused::new("unsupported_grant_type", text));
        }
        None => return Err(Refused::new("invalid_request", "grant_type is missing or not alone")),
    }
    let assertion =
        one("assertion").ok_or_else(|| Refused::new("invalid_request", "assertion is missing"))?;
    let now = simulator.now();
    let (scopes, organisation) = examine(&simulator, &assertion, now)?;
    let (text, life) = (fresh_token("maskinporten"), simulator.config.maskinporten_token_seconds);
    let until = now + SignedDuration::from_secs(i64::from(life));
    let scope = scopes.join(" ");
    simulator.lock().give_maskinporten(text.clone(), Grant { organisation, scopes, until }, now);
    let body = json!({
        "access_token": text, "token_type": "Bearer", "expires_in": life, "scope": scope,
    });
    Ok(axum::Json(body).into_response())
}

/// What an assertion asks for, when everything about it is right.
fn examine(
    simulator: &Simulator,
    assertion: &str,
    now: Timestamp,
) -> Result<(Vec<String>, Option<OrganisationId>), Refused> {
    let header = decode_header(assertion)
        .map_err(|_| Refused::grant("Invalid assertion: it is no signed JWT"))?;
    if header.alg != Algorithm::RS256 {
        return Err(Refused::grant("Invalid assertion: it must be signed with RS256"));
    }
    let claimed: Value = dangerous::insecure_decode_claims(assertion)
        .map_err(|_| Refused::grant("Invalid assertion: its claims cannot be read"))?;
    let issuer = claimed.get("iss").and_then(Value::as_str).unwrap_or_default();
    let client = simulator.clients.get(issuer).ok_or_else(|| Refused {
        status: StatusCode::UNAUTHORIZED,
        ..Refused::new("invalid_client", "Unknown client: iss is no registered client id")
    })?;
    let claims = signed(client, header.kid.as_deref(), assertion)?;
    audience(&claims, &simulator.issuer)?;
    let end = times(&claims, now)?;
    let name = claims.get("jti").and_then(Value::as_str).unwrap_or_default();
    if name.is_empty() || name.len() > LONGEST_NAME {
        return Err(Refused::grant("Invalid assertion: jti is missing or too long"));
    }
    if !simulator.lock().is_new_assertion(issuer, name, end, now) {
        return Err(Refused::grant("Invalid assertion: its jti was used before"));
    }
    Ok((scopes(&claims, client)?, system_user(&claims, client)?))
}

/// The claims, once a registered key has proved them.
fn signed(client: &Client, name: Option<&str>, assertion: &str) -> Result<Value, Refused> {
    let name = name.ok_or_else(|| Refused::grant("Invalid assertion: the header has no kid"))?;
    let key =
        client.keys.iter().find(|key| key.name == name).ok_or_else(|| {
            Refused::grant("Invalid assertion: the client has no key with that kid")
        })?;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let claims = decode::<Value>(assertion, &key.key, &validation);
    let wrong = || Refused::grant("Invalid assertion: the signature does not hold");
    claims.map(|read| read.claims).map_err(|_| wrong())
}

fn audience(claims: &Value, issuer: &str) -> Result<(), Refused> {
    let named = match claims.get("aud") {
        Some(Value::Array(names)) if names.len() == 1 => names.first(),
        other => other,
    };
    if named.and_then(Value::as_str) == Some(issuer) {
        return Ok(());
    }
    Err(Refused::grant(format!("Invalid assertion: aud must be {issuer} (with the last slash)")))
}

/// When the assertion ends.
fn times(claims: &Value, now: Timestamp) -> Result<Timestamp, Refused> {
    let second = |name: &str| claims.get(name).and_then(Value::as_i64);
    let (Some(issued), Some(end)) = (second("iat"), second("exp")) else {
        return Err(Refused::grant("Invalid assertion: iat and exp must be there, in seconds"));
    };
    if end <= issued || end.saturating_sub(issued) > LONGEST_LIFE {
        let text = format!("Invalid assertion: exp must be 1 to {LONGEST_LIFE} seconds after iat");
        return Err(Refused::grant(text));
    }
    let read = |second| Timestamp::from_second(second).ok();
    let (Some(issued), Some(end)) = (read(issued), read(end)) else {
        return Err(Refused::grant("Invalid assertion: iat and exp are no times"));
    };
    if end <= now {
        return Err(Refused::grant("Invalid assertion: it has expired"));
    }
    if issued.duration_since(now) > LEEWAY {
        return Err(Refused::grant("Invalid assertion: iat lies in the future"));
    }
    Ok(end)
}

fn scopes(claims: &Value, client: &Client) -> Result<Vec<String>, Refused> {
    let text = claims.get("scope").and_then(Value::as_str).unwrap_or_default();
    let scopes: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    if scopes.is_empty() {
        return Err(Refused::new("invalid_scope", "The assertion asks for no scope"));
    }
    match scopes.iter().find(|scope| !client.scopes.contains(scope)) {
        Some(scope) => {
            let text = format!("The client may not ask for the scope {scope:?}");
            Err(Refused::new("invalid_scope", text))
        }
        None => Ok(scopes),
    }
}

/// For whom the token acts.
fn system_user(claims: &Value, client: &Client) -> Result<Option<OrganisationId>, Refused> {
    let Some(details) = claims.get("authorization_details") else {
        return Ok(client.organisation.clone());
    };
    let wrong = |text: &str| {
        Refused::new("invalid_authorization_details", format!("authorization_details: {text}"))
    };
    let Some([detail]) = details.as_array().map(Vec::as_slice) else {
        return Err(wrong("must be a list of one"));
    };
    let text = |pointer: &str| detail.pointer(pointer).and_then(Value::as_str);
    if text("/type") != Some(SYSTEM_USER) {
        return Err(wrong("type must be urn:altinn:systemuser"));
    }
    if text("/systemuser_org/authority") != Some(AUTHORITY) {
        return Err(wrong("systemuser_org.authority must be iso6523-actorid-upis"));
    }
    let id = text("/systemuser_org/ID").filter(|id| id.starts_with("0192:"));
    let organisation = id.and_then(party::read);
    let organisation = organisation
        .ok_or_else(|| wrong("systemuser_org.ID must be 0192: and an organisation number"))?;
    if client.system_users.contains(&organisation) {
        return Ok(Some(organisation));
    }
    Err(Refused::new(
        "invalid_altinn_customer_configuration",
        "MP-303: the organisation has no approved system user of this client",
    ))
}

//! JWTs of a configured issuer, as Maskinporten issues them (RFC 7519, RFC 8725): who is calling is told
//! by the claim that names an organisation.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::jwks::{Jwks, Key};
use super::{JwtConfig, NotSignedIn, SignInError};
use crate::kernel::OrganisationId;
use crate::port::Clock;

/// How far the issuer's clock may be from ours.
const LEEWAY: SignedDuration = SignedDuration::from_secs(15);

/// Norwegian organisations in the list of identifier schemes (ISO 6523) that Maskinporten uses.
const NORWEGIAN: &str = "0192";

/// The claims, but for issuer and audience, which the library compares.
#[derive(Deserialize)]
struct Claims {
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    scope: Option<String>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// Checks the JWTs of one issuer.
pub(super) struct Jwts {
    config: JwtConfig,
    keys: Jwks,
    clock: Arc<dyn Clock>,
}

impl Jwts {
    pub(super) fn new(config: &JwtConfig, clock: Arc<dyn Clock>) -> Result<Self, SignInError> {
        let texts = [
            ("issuer", &config.issuer),
            ("audience", &config.audience),
            ("scope", &config.scope),
            ("organisation_claim", &config.organisation_claim),
        ];
        if let Some((name, _)) = texts.iter().find(|(_, text)| text.trim().is_empty()) {
            return Err(SignInError::Empty(name));
        }
        if config.longest_life_seconds == 0 {
            return Err(SignInError::Empty("longest_life_seconds"));
        }
        let keys = Jwks::new(&config.jwks_url, Arc::clone(&clock))?;
        Ok(Self { config: config.clone(), keys, clock })
    }

    /// The organisation that a token names.
    pub(super) async fn check(&self, text: &str) -> Result<OrganisationId, NotSignedIn> {
        // `none` and unknown algorithms are no headers to the library; HMAC is in no key's list.
        let header = decode_header(text).map_err(|_| NotSignedIn::Malformed)?;
        // What must be understood (RFC 7515, section 4.1.11), we do not.
        let name = header.kid.filter(|_| header.crit.is_none()).ok_or(NotSignedIn::Malformed)?;
        let key = self.keys.key(&name).await?.ok_or(NotSignedIn::Unknown)?;
        let claims = decode::<Claims>(text, &key.key, &self.validation(&key));
        let claims = claims.map_err(|error| refusal(&error))?.claims;
        self.check_times(&claims)?;
        let scopes = claims.scope.as_deref().unwrap_or_default();
        if !scopes.split(' ').any(|scope| scope == self.config.scope) {
            return Err(NotSignedIn::NotEnoughScope);
        }
        let named = claims.others.get(&self.config.organisation_claim);
        named.and_then(organisation).ok_or(NotSignedIn::NoOperator)
    }

    /// What the library compares. Times are ours to check, by our clock.
    fn validation(&self, key: &Key) -> Validation {
        let mut validation = Validation {
            algorithms: key.algorithms.clone(),
            validate_exp: false,
            validate_nbf: false,
            ..Validation::default()
        };
        validation.set_issuer(&[&self.config.issuer]);
        validation.set_audience(&[&self.config.audience]);
        validation.set_required_spec_claims(&["iss", "aud"]);
        validation
    }

    fn check_times(&self, claims: &Claims) -> Result<(), NotSignedIn> {
        let time = |second| Timestamp::from_second(second).map_err(|_| NotSignedIn::Malformed);
        let (now, issued, end) = (self.clock.now(), time(claims.iat)?, time(claims.exp)?);
        let begin = claims.nbf.map(time).transpose()?.unwrap_or(issued).max(issued);
        let longest = SignedDuration::from_secs(i64::from(self.config.longest_life_seconds));
        if end.duration_since(issued) > longest {
            return Err(NotSignedIn::LivesTooLong);
        }
        let over = now.duration_since(end) >= LEEWAY;
        let to_come = begin.duration_since(now) > LEEWAY;
        if over || to_come { Err(NotSignedIn::Expired) } else { Ok(()) }
    }
}

/// What is wrong with a token, in our words.
fn refusal(error: &Error) -> NotSignedIn {
    match error.kind() {
        ErrorKind::InvalidAudience => NotSignedIn::WrongAudience,
        ErrorKind::MissingRequiredClaim(claim) if claim == "aud" => NotSignedIn::WrongAudience,
        ErrorKind::InvalidToken
        | ErrorKind::MissingRequiredClaim(_)
        | ErrorKind::InvalidClaimFormat(_)
        | ErrorKind::Base64(_)
        | ErrorKind::Json(_)
        | ErrorKind::Utf8(_) => NotSignedIn::Malformed,
        _ => NotSignedIn::Unknown,
    }
}

/// The organisation in a claim: Maskinporten's object, `0192:926018159`, or a plain number.
fn organisation(claim: &Value) -> Option<OrganisationId> {
    let text = match claim {
        Value::String(text) => text.as_str(),
        Value::Object(object) => {
            let authority = object.get("authority").and_then(Value::as_str)?;
            let id = object.get("ID").and_then(Value::as_str)?;
            return (authority == "iso6523-actorid-upis").then(|| with_scheme(id)).flatten();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => return None,
    };
    with_scheme(text).or_else(|| OrganisationId::norwegian(text).ok())
}

fn with_scheme(text: &str) -> Option<OrganisationId> {
    let (scheme, number) = text.split_once(':')?;
    (scheme == NORWEGIAN).then(|| OrganisationId::norwegian(number).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_organisation_is_read_as_maskinporten_writes_it_or_as_a_plain_number() {
        let expected = OrganisationId::norwegian("926018159").ok();
        for good in [
            json!({"authority": "iso6523-actorid-upis", "ID": "0192:926018159"}),
            json!("0192:926018159"),
            json!("926018159"),
        ] {
            assert_eq!(organisation(&good), expected, "{good}");
        }
        for bad in [
            json!({"authority": "iso6523-actorid-upis", "ID": "926018159"}),
            json!({"authority": "iso6523-actorid-upis", "ID": "0007:926018159"}),
            json!({"authority": "other", "ID": "0192:926018159"}),
            json!({"ID": "0192:926018159"}),
            json!(["926018159"]),
            json!(926_018_159),
            json!("0192:92601815"),
            json!(null),
        ] {
            assert_eq!(organisation(&bad), None, "{bad}");
        }
    }
}

//! Signing in: a grant that innfri's key signs, Maskinporten's token for it, and Altinn's token for that.
//!
//! Both are kept for each organisation until shortly before they run out. Whoever asks while one is
//! fetched waits for that one. What is signed and what is given are secrets and are never printed.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;
use url::form_urlencoded::Serializer;
use uuid::Uuid;

use super::config::AltinnConfig;
use super::error::{AltinnError, Missing, SetupError};
use super::key::read_key;
use super::transfer::written;
use super::verdict::{self, About, Call, Problem, Reply, told};
use crate::channel::outward::answer::status_words;
use crate::channel::outward::answer::{self, ReadError};
use crate::channel::outward::client::{self, Wish};
use crate::kernel::{OrganisationId, Secret};
use crate::port::Clock;
use crate::telemetry::chain::Chain;

/// Seconds for which a grant holds: Maskinporten takes none that holds longer than 120.
const GRANT_SECONDS: i64 = 100;

/// So long before its end a token is not used any more, or for the last tenth of its time if that is
/// less: it must last until Altinn has looked at it.
const MARGIN: Duration = Duration::from_secs(30);

/// A token of which no lifetime is told lasts so long.
const UNTOLD_LIFETIME: Duration = Duration::from_secs(60);

/// No lifetime is believed that is longer: a day.
const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// Bytes of an answer with a token, at most.
const LONGEST_ANSWER: usize = 64 * 1024;

/// Where tokens come from.
pub(super) struct SignIn {
    client: reqwest::Client,
    token_url: Url,
    altinn: reqwest::Client,
    exchange_url: Url,
    key: EncodingKey,
    key_id: String,
    client_id: String,
    audience: String,
    scopes: Vec<String>,
    resource: String,
    clock: Arc<dyn Clock>,
    kept: BTreeMap<OrganisationId, Mutex<Kept>>,
}

/// What is kept for one organisation.
#[derive(Default)]
struct Kept {
    maskinporten: Option<Token>,
    altinn: Option<Token>,
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

impl Token {
    fn lasting(bearer: impl Into<String>, lifetime: Duration, asked_at: Instant) -> Self {
        let lifetime = lifetime.min(LONGEST_LIFETIME);
        let until = asked_at + lifetime.saturating_sub(MARGIN.min(lifetime / 10));
        Self { bearer: Secret::new(bearer), until }
    }

    fn if_good(kept: &Option<Self>) -> Option<&Self> {
        kept.as_ref().filter(|token| Instant::now() < token.until)
    }
}

/// What innfri signs (RFC 7523, section 3, and Maskinporten's own claims).
#[derive(Serialize)]
struct Grant<'a> {
    iss: &'a str,
    aud: &'a str,
    scope: String,
    iat: i64,
    exp: i64,
    jti: Uuid,
    authorization_details: [SystemUser<'a>; 1],
}

/// For whom: the organisation's system user (RFC 9396).
#[derive(Serialize)]
struct SystemUser<'a> {
    r#type: &'static str,
    systemuser_org: Actor<'a>,
}

#[derive(Serialize)]
struct Actor<'a> {
    authority: &'static str,
    #[serde(rename = "ID")]
    id: &'a str,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: Option<u64>,
    scope: Option<String>,
}

#[derive(Default, Deserialize)]
struct Denied {
    error: Option<String>,
    error_description: Option<String>,
}

impl SignIn {
    /// Reads the key; speaks to nobody yet.
    pub(super) fn open(config: &AltinnConfig, clock: Arc<dyn Clock>) -> Result<Self, SetupError> {
        let own = &config.maskinporten;
        let open = |key, url: &str| {
            client::open(Wish {
                key,
                url,
                allow_private: config.allow_private_addresses,
                ca_file: config.ca_file.as_deref(),
                identity_file: None,
                timeout: Duration::from_secs(config.timeout_seconds),
            })
        };
        let token_key = match own.token_url {
            Some(_) => "altinn.maskinporten.token_url",
            None => "altinn.maskinporten.issuer",
        };
        let (client, token_url) = open(token_key, &own.token_endpoint())?;
        let exchange = format!(
            "{}/authentication/api/v1/exchange/maskinporten",
            config.platform_url.trim_end_matches('/')
        );
        let (altinn, exchange_url) = open("altinn.platform_url", &exchange)?;
        let kept = config.organisations.iter().cloned();
        Ok(Self {
            client,
            token_url,
            altinn,
            exchange_url,
            key: read_key(own)?,
            key_id: own.key_id.clone(),
            client_id: own.client_id.clone(),
            audience: own.audience(),
            scopes: own.scopes.clone(),
            resource: config.resource_id.clone(),
            clock,
            kept: kept.map(|organisation| (organisation, Mutex::default())).collect(),
        })
    }

    /// What a person needs to know when a call for this organisation fails.
    pub(super) fn about(&self, organisation: &OrganisationId) -> About {
        About {
            client_id: self.client_id.clone(),
            resource: self.resource.clone(),
            organisation: organisation.number().to_owned(),
        }
    }

    /// A token of Altinn that is good for now, and whether it was fetched just for this.
    pub(super) async fn token(
        &self,
        organisation: &OrganisationId,
    ) -> Result<(Token, bool), AltinnError> {
        let mut kept = self.kept_for(organisation)?.lock().await;
        if let Some(token) = Token::if_good(&kept.altinn) {
            return Ok((token.clone(), false));
        }
        let (first, fresh) = match Token::if_good(&kept.maskinporten) {
            Some(token) => (token.clone(), false),
            None => (self.sign_in(organisation).await?, true),
        };
        kept.maskinporten = Some(first.clone());
        let token = match self.exchange(organisation, &first).await? {
            Some(token) => token,
            // Altinn does not take a token that was kept: once more, with a new one.
            None => {
                kept.maskinporten = None;
                let again = if fresh { None } else { Some(self.sign_in(organisation).await?) };
                let token = match &again {
                    Some(again) => self.exchange(organisation, again).await?,
                    None => None,
                };
                kept.maskinporten = again;
                token.ok_or_else(|| self.not_exchanged(organisation))?
            }
        };
        kept.altinn = Some(token.clone());
        Ok((token, true))
    }

    /// Forgets a token that Altinn refused, and what it was made of, unless another has taken its place.
    pub(super) async fn drop(&self, organisation: &OrganisationId, refused: &Token) {
        let Some(kept) = self.kept.get(organisation) else { return };
        let mut kept = kept.lock().await;
        let is_it = |token: &Token| token.bearer.expose() == refused.bearer.expose();
        if kept.altinn.as_ref().is_some_and(is_it) {
            *kept = Kept::default();
        }
    }

    fn kept_for(&self, organisation: &OrganisationId) -> Result<&Mutex<Kept>, AltinnError> {
        self.kept.get(organisation).ok_or_else(|| {
            let text = format!(
                "innfri does not act for {organisation} in Altinn; add it to `altinn.organisations`"
            );
            AltinnError::fault(Missing::SystemUser, text)
        })
    }

    /// Maskinporten's token for an organisation's system user.
    async fn sign_in(&self, organisation: &OrganisationId) -> Result<Token, AltinnError> {
        let grant = self.grant(organisation)?;
        let request = self
            .client
            .post(self.token_url.clone())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json")
            .body(wish(&grant));
        let asked_at = Instant::now();
        let response = send("Maskinporten", request).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = read("Maskinporten", response).await?;
        let about = self.about(organisation);
        if status != StatusCode::OK {
            let denied: Denied = serde_json::from_slice(&body).unwrap_or_default();
            let said = [denied.error.as_deref(), denied.error_description.as_deref()];
            let mut words = status_words(status);
            for part in said.into_iter().flatten() {
                words.push_str(": ");
                words.push_str(&told(part));
            }
            let wait = answer::retry_after(&headers, self.clock.now());
            let (status, error) = (status.as_u16(), denied.error.as_deref());
            return Err(verdict::of_maskinporten(status, error, &words, wait, &about));
        }
        let granted: Granted = serde_json::from_slice(&body).map_err(|_| no_token(&about))?;
        if granted.access_token.is_empty() {
            return Err(no_token(&about));
        }
        self.all_granted(&granted, &about)?;
        let lifetime = granted.expires_in.map_or(UNTOLD_LIFETIME, Duration::from_secs);
        Ok(Token::lasting(granted.access_token, lifetime, asked_at))
    }

    /// Whether every scope that was asked for was given, where that is told.
    fn all_granted(&self, granted: &Granted, about: &About) -> Result<(), AltinnError> {
        let Some(given) = &granted.scope else { return Ok(()) };
        let missing = self.scopes.iter().find(|wanted| !given.split(' ').any(|one| one == *wanted));
        match missing {
            None => Ok(()),
            Some(scope) => {
                let words = format!("without the scope {scope}");
                Err(verdict::of_maskinporten(200, Some("invalid_scope"), &words, None, about))
            }
        }
    }

    /// Signs what Maskinporten wants to see.
    fn grant(&self, organisation: &OrganisationId) -> Result<Secret, AltinnError> {
        let issued = self.clock.now().as_second();
        let id = written(organisation);
        let claims = Grant {
            iss: &self.client_id,
            aud: &self.audience,
            scope: self.scopes.join(" "),
            iat: issued,
            exp: issued + GRANT_SECONDS,
            jti: Uuid::from_u128(rand::random()),
            authorization_details: [SystemUser {
                r#type: "urn:altinn:systemuser",
                systemuser_org: Actor { authority: "iso6523-actorid-upis", id: &id },
            }],
        };
        sign(&claims, &self.key, &self.key_id).map_err(|_| {
            let text = "the key of `altinn.maskinporten.key_file` does not sign; it must be an RSA key of \
                        2048 bits or more";
            AltinnError::fault(Missing::Client, text)
        })
    }

    /// Altinn's token for Maskinporten's; `None` when Altinn does not take that one.
    async fn exchange(
        &self,
        organisation: &OrganisationId,
        token: &Token,
    ) -> Result<Option<Token>, AltinnError> {
        let request = self.altinn.get(self.exchange_url.clone()).bearer_auth(token.bearer.expose());
        let asked_at = Instant::now();
        let response = send("Altinn", request).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = read("Altinn", response).await?;
        if status == StatusCode::UNAUTHORIZED {
            return Ok(None);
        }
        let about = self.about(organisation);
        if status != StatusCode::OK {
            let problem = Problem::read(&body);
            return Err(verdict::verdict(
                &Reply {
                    call: Call::Exchange,
                    status: status.as_u16(),
                    code: problem.number(),
                    words: problem.words(status_words(status)),
                    retry_after: answer::retry_after(&headers, self.clock.now()),
                },
                &about,
            ));
        }
        let text = String::from_utf8(body).map_err(|_| not_altinn(&about))?;
        let bearer = text.trim().trim_matches('"');
        // What is no token would be sent as a header.
        if bearer.is_empty() || !bearer.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(not_altinn(&about));
        }
        let lifetime = self.lifetime(bearer).unwrap_or(UNTOLD_LIFETIME);
        Ok(Some(Token::lasting(bearer, lifetime, asked_at)))
    }

    /// How long a token holds by its own claims, which are not judged here: Altinn does that.
    fn lifetime(&self, token: &str) -> Option<Duration> {
        #[derive(Deserialize)]
        struct Times {
            exp: i64,
            iat: Option<i64>,
        }
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
        let times: Times = serde_json::from_slice(&claims).ok()?;
        // Between two times of Altinn's clock, so that ours does not matter.
        let since = times.iat.unwrap_or_else(|| self.clock.now().as_second());
        u64::try_from(times.exp.checked_sub(since)?).ok().map(Duration::from_secs)
    }

    fn not_exchanged(&self, organisation: &OrganisationId) -> AltinnError {
        let reply = Reply {
            call: Call::Exchange,
            status: 401,
            code: None,
            words: status_words(StatusCode::UNAUTHORIZED),
            retry_after: None,
        };
        verdict::verdict(&reply, &self.about(organisation))
    }
}

pub(super) fn sign(
    claims: &impl Serialize,
    key: &EncodingKey,
    key_id: &str,
) -> Result<Secret, SigningFailed> {
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some(key_id.to_owned());
    // The library's own error is not passed on: it may tell of the key.
    encode(&header, claims, key).map(Secret::new).map_err(|_| SigningFailed)
}

pub(super) struct SigningFailed;

/// What is posted for a token (RFC 7523, section 2.1).
fn wish(grant: &Secret) -> String {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
    form.append_pair("assertion", grant.expose());
    form.finish()
}

async fn send(whom: &str, request: RequestBuilder) -> Result<Response, AltinnError> {
    request.send().await.map_err(|error| unreachable(whom, error))
}

async fn read(whom: &str, response: Response) -> Result<Vec<u8>, AltinnError> {
    answer::body(response, LONGEST_ANSWER).await.map_err(|error| match error {
        ReadError::TooLarge => AltinnError::passing(format!("{whom} gave a far too long answer")),
        ReadError::Broken(error) => unreachable(whom, error),
    })
}

/// Why there is no answer, without the address.
pub(super) fn unreachable(whom: &str, error: reqwest::Error) -> AltinnError {
    AltinnError::passing(format!("{whom} cannot be reached: {}", Chain(&error.without_url())))
}

fn no_token(about: &About) -> AltinnError {
    verdict::of_maskinporten(200, None, "200 OK without a token", None, about)
}

fn not_altinn(about: &About) -> AltinnError {
    let text = format!(
        "exchanging the token for {}: the answer is no token; check `altinn.platform_url`",
        about.organisation
    );
    AltinnError::fault(Missing::Address, text)
}

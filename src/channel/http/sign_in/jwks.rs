//! The public keys of an issuer (RFC 7517), fetched when they are needed and kept.
//!
//! Keys are fetched anew when they are an hour old, or when a token names one that is not there, and at most
//! once a minute (after a failure, every ten seconds), so that nobody makes innfri a nuisance to the issuer
//! by inventing names.
//! While the issuer is down the keys are used on, for a day at most: an issuer that takes a key back must
//! be heard some time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use url::{Host, Url};

use super::{NotSignedIn, SignInError};
use crate::port::Clock;
use crate::telemetry::chain::Chain;

/// Keys younger than this are used without asking.
const FRESH_FOR: SignedDuration = SignedDuration::from_hours(1);

/// Keys older than this are used no longer.
const USED_FOR: SignedDuration = SignedDuration::from_hours(24);

/// The least time between two fetches, and after one that failed.
const PAUSE: SignedDuration = SignedDuration::from_secs(60);
const PAUSE_AFTER_FAILURE: SignedDuration = SignedDuration::from_secs(10);

/// Seconds that one fetch takes at most.
const LONGEST_FETCH: Duration = Duration::from_secs(10);

/// Bytes of a key set, and keys in it, at most.
const LARGEST: usize = 256 * 1024;
const MOST_KEYS: usize = 100;

/// A key, and the algorithms it may be used with.
pub(super) struct Key {
    /// The key.
    pub(super) key: DecodingKey,
    /// Never empty; only asymmetric ones.
    pub(super) algorithms: Vec<Algorithm>,
}

type Keys = HashMap<String, Arc<Key>>;

/// Why keys could not be fetched.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("the address of the keys does not answer as it should")]
    Http(#[from] reqwest::Error),
    #[error("the answer has more than {LARGEST} bytes")]
    TooLarge,
    #[error("the answer is no key set")]
    NoKeySet(#[from] serde_json::Error),
    #[error("the answer holds no key that could be used")]
    NoKey,
}

/// The keys of one issuer.
pub(super) struct Jwks {
    url: Url,
    client: reqwest::Client,
    clock: Arc<dyn Clock>,
    current: StdMutex<Fetched>,
    fetching: Mutex<Fetching>,
}

/// The last set that came.
#[derive(Default)]
struct Fetched {
    keys: Keys,
    at: Option<Timestamp>,
}

#[derive(Default)]
struct Fetching {
    tried_at: Option<Timestamp>,
    /// Whether the last try that ended brought a set.
    reached: bool,
    /// At most one fetch. It goes on when whoever asked for it goes away.
    fetch: JoinSet<Result<Keys, FetchError>>,
}

impl Jwks {
    pub(super) fn new(url: &str, clock: Arc<dyn Clock>) -> Result<Self, SignInError> {
        let url = Url::parse(url).map_err(|_| SignInError::JwksUrl)?;
        let here = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        if url.scheme() != "https" && !(url.scheme() == "http" && here) {
            return Err(SignInError::JwksUrl);
        }
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(LONGEST_FETCH)
            .user_agent(concat!("innfri/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(SignInError::Client)?;
        Ok(Self { url, client, clock, current: StdMutex::default(), fetching: Mutex::default() })
    }

    /// The key with this name; `None` when the issuer has none.
    ///
    /// # Errors
    /// When it cannot be told.
    pub(super) async fn key(&self, name: &str) -> Result<Option<Arc<Key>>, NotSignedIn> {
        let now = self.clock.now();
        if let Some((key, age)) = self.find(name, now) {
            if age >= FRESH_FOR
                && let Ok(mut fetching) = self.fetching.try_lock()
            {
                // What is fetched now serves a later call; this one need not wait.
                self.begin(&mut fetching, now);
                if let Some(ended) = fetching.fetch.try_join_next() {
                    self.take_in(&mut fetching, ended.ok());
                }
            }
            return Ok(Some(key));
        }
        let mut fetching = self.fetching.lock().await;
        self.begin(&mut fetching, now);
        if let Some(ended) = fetching.fetch.join_next().await {
            self.take_in(&mut fetching, ended.ok());
        }
        match self.find(name, now) {
            Some((key, _)) => Ok(Some(key)),
            None if fetching.reached => Ok(None),
            None => Err(NotSignedIn::Unavailable),
        }
    }

    /// A key that may be used, and how old it is.
    fn find(&self, name: &str, now: Timestamp) -> Option<(Arc<Key>, SignedDuration)> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let age = now.duration_since(current.at?).abs();
        let key = current.keys.get(name).filter(|_| age < USED_FOR)?;
        Some((Arc::clone(key), age))
    }

    /// Begins to fetch, unless that goes on, or was done a moment ago.
    fn begin(&self, fetching: &mut Fetching, now: Timestamp) {
        let pause = if fetching.reached { PAUSE } else { PAUSE_AFTER_FAILURE };
        let rested = fetching.tried_at.is_none_or(|tried| now.duration_since(tried).abs() >= pause);
        if fetching.fetch.is_empty() && rested {
            fetching.tried_at = Some(now);
            fetching.fetch.spawn(fetch(self.client.clone(), self.url.clone()));
        }
    }

    /// Takes in what was fetched; `None` when the fetch broke down.
    fn take_in(&self, fetching: &mut Fetching, fetched: Option<Result<Keys, FetchError>>) {
        fetching.reached = matches!(fetched, Some(Ok(_)));
        match fetched {
            Some(Ok(keys)) => {
                tracing::info!(keys = keys.len(), "the issuer's keys were fetched");
                let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
                *current = Fetched { keys, at: Some(self.clock.now()) };
            }
            Some(Err(error)) => {
                tracing::warn!(error = %Chain(&error), "the issuer's keys could not be fetched");
            }
            None => tracing::warn!("the issuer's keys could not be fetched"),
        }
    }
}

async fn fetch(client: reqwest::Client, url: Url) -> Result<Keys, FetchError> {
    let request = client.get(url).header("accept", "application/json");
    let mut answer = request.send().await.map_err(reqwest::Error::without_url)?;
    if answer.status() != reqwest::StatusCode::OK {
        // A redirect is no error of its own, and no key set either.
        answer.error_for_status_ref().map_err(reqwest::Error::without_url)?;
        return Err(FetchError::NoKey);
    }
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
        if body.len() + part.len() > LARGEST {
            return Err(FetchError::TooLarge);
        }
        body.extend_from_slice(&part);
    }
    read(&body)
}

/// A key set, each key still as it came: one that is of no known kind does not hide the others.
#[derive(Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Value>,
}

fn read(body: &[u8]) -> Result<Keys, FetchError> {
    let set: KeySet = serde_json::from_slice(body)?;
    let keys: Keys = set.keys.into_iter().take(MOST_KEYS).filter_map(usable).collect();
    if keys.is_empty() { Err(FetchError::NoKey) } else { Ok(keys) }
}

/// A key with its name, when it can be used to check signatures. Never a symmetric one.
fn usable(value: serde_json::Value) -> Option<(String, Arc<Key>)> {
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    let name = jwk.common.key_id.clone().filter(|name| !name.is_empty())?;
    if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    let mut algorithms = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => vec![
            Algorithm::RS256,
            Algorithm::RS384,
            Algorithm::RS512,
            Algorithm::PS256,
            Algorithm::PS384,
            Algorithm::PS512,
        ],
        AlgorithmParameters::EllipticCurve(curve) => match curve.curve {
            EllipticCurve::P256 => vec![Algorithm::ES256],
            EllipticCurve::P384 => vec![Algorithm::ES384],
            EllipticCurve::P521 | EllipticCurve::Ed25519 => return None,
            _ => return None,
        },
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
            vec![Algorithm::EdDSA]
        }
        _ => return None,
    };
    if let Some(only) = jwk.common.key_algorithm {
        algorithms.retain(|algorithm| KeyAlgorithm::from(*algorithm) == only);
    }
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    (!algorithms.is_empty()).then(|| (name, Arc::new(Key { key, algorithms })))
}

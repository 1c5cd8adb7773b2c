//! Bearer tokens that innfri gives out: `innfri_<id>_<secret>`.
//!
//! Only an Argon2id hash of the secret is kept. Hashing takes tens of milliseconds and 19 MiB by design, so
//! it runs on threads of its own, two at a time, and once for each token and process: what was found good
//! is remembered under the token's SHA-256 digest. Whether a remembered token still stands is asked of
//! the journal anew every minute, so **a revocation holds within a minute** (an expiry at once).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use jiff::{SignedDuration, Timestamp};
use rand::TryRng as _;
use rand::rngs::SysRng;
use tokio::sync::Semaphore;

use super::NotSignedIn;
use crate::kernel::{Digest, Login, Secret};
use crate::port::tokens::{TokenId, TokenRecord};
use crate::port::{Clock, Tokens};
use crate::telemetry::chain::Chain;

/// What all tokens begin with, so that a leaked one is recognised by those who search for such.
pub const PREFIX: &str = "innfri_";

/// How long a token counts as standing without asking the journal.
const TRUSTED_FOR: SignedDuration = SignedDuration::from_secs(60);

/// Tokens remembered at most.
const MOST_REMEMBERED: usize = 10_000;

/// Secrets hashed at the same time.
const HASHED_AT_ONCE: usize = 2;

/// How long a check waits for its turn to hash.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Bytes of randomness in the two parts.
const ID_BYTES: usize = 8;
const SECRET_BYTES: usize = 32;

/// Why no token could be made.
#[derive(Debug, thiserror::Error)]
pub enum MintError {
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random(#[source] rand::rngs::SysError),
    /// Hashing failed.
    #[error("the token's secret could not be hashed: {0}")]
    Hash(String),
}

/// A token as it is made: the text that is shown once, and what is kept of it.
#[derive(Debug)]
pub struct Minted {
    /// The whole token.
    pub token: Secret,
    /// Its public part.
    pub id: TokenId,
    /// The hash of its secret part.
    pub hash: Secret,
}

/// Makes a token of the system's random numbers. Takes tens of milliseconds.
///
/// # Errors
/// When the system gives no random numbers.
pub fn mint() -> Result<Minted, MintError> {
    let (mut id, mut secret, mut salt) = ([0; ID_BYTES], [0; SECRET_BYTES], [0; 16]);
    for part in [id.as_mut_slice(), &mut secret, &mut salt] {
        SysRng.try_fill_bytes(part).map_err(MintError::Random)?;
    }
    let (id, secret) = (hexadecimal(&id), hexadecimal(&secret));
    let hash = hash(&secret, &salt)?;
    let token = Secret::new(format!("{PREFIX}{id}_{secret}"));
    let id = id.parse().map_err(|error| MintError::Hash(format!("{id} {error}")))?;
    Ok(Minted { token, id, hash: Secret::new(hash) })
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Argon2id with the library's parameters, which are those that OWASP recommends (19 MiB, 2 passes).
fn hash(secret: &str, salt: &[u8]) -> Result<String, MintError> {
    let hash = Argon2::default().hash_password_with_salt(secret.as_bytes(), salt);
    hash.map(|hash| hash.to_string()).map_err(|error| MintError::Hash(error.to_string()))
}

/// Id and secret of a token's text; `None` when it is not of that form.
fn parts(text: &str) -> Option<(TokenId, &str)> {
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    let fits = secret.len() == 2 * SECRET_BYTES && secret.bytes().all(|c| c.is_ascii_hexdigit());
    Some((id.parse().ok()?, secret)).filter(|_| fits)
}

/// A token that was found good.
struct Remembered {
    /// What it was compared with: another record with the same id must be compared anew.
    hash: Secret,
    login: Login,
    expires_at: Option<Timestamp>,
    asked_at: Timestamp,
}

/// Checks bearer tokens.
pub(super) struct Bearer {
    tokens: Arc<dyn Tokens>,
    clock: Arc<dyn Clock>,
    hashing: Arc<Semaphore>,
    remembered: Mutex<HashMap<Digest, Remembered>>,
}

impl Bearer {
    pub(super) fn new(tokens: Arc<dyn Tokens>, clock: Arc<dyn Clock>) -> Self {
        Self {
            tokens,
            clock,
            hashing: Arc::new(Semaphore::new(HASHED_AT_ONCE)),
            remembered: Mutex::new(HashMap::new()),
        }
    }

    /// Whom a token signs in.
    pub(super) async fn check(&self, text: &str) -> Result<Login, NotSignedIn> {
        let (id, secret) = parts(text).ok_or(NotSignedIn::Malformed)?;
        let digest = Digest::of(&[text.as_bytes()]);
        let now = self.clock.now();
        if let Some(login) = self.trusted(&digest, now)? {
            return Ok(login);
        }
        let record = self.tokens.find(&id).await.map_err(|error| {
            tracing::warn!(error = %Chain(&error), "could not look up a token");
            NotSignedIn::Unavailable
        })?;
        let known = record.as_ref().is_some_and(|record| self.knows(&digest, record));
        let good = known || self.compare(record.as_ref(), secret).await?;
        match record {
            Some(record) if good => self.standing(digest, record, now),
            Some(_) | None => Err(NotSignedIn::Unknown),
        }
    }

    /// The login of a token that was found standing less than a minute ago.
    fn trusted(&self, digest: &Digest, now: Timestamp) -> Result<Option<Login>, NotSignedIn> {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(found) = remembered.get(digest) else { return Ok(None) };
        if found.expires_at.is_some_and(|end| end <= now) {
            return Err(NotSignedIn::Expired);
        }
        let fresh = found.asked_at <= now && now.duration_since(found.asked_at) < TRUSTED_FOR;
        Ok(fresh.then(|| found.login.clone()))
    }

    /// Whether this token was compared with this very record before.
    fn knows(&self, digest: &Digest, record: &TokenRecord) -> bool {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let found = remembered.get(digest);
        found.is_some_and(|found| found.hash.expose() == record.hash.expose())
    }

    /// Whether a secret is the one of a record. Without a record the same work is done in vain, so that
    /// nobody learns from the time it takes which ids there are.
    async fn compare(
        &self,
        record: Option<&TokenRecord>,
        secret: &str,
    ) -> Result<bool, NotSignedIn> {
        let turn = Arc::clone(&self.hashing).acquire_owned();
        let turn = tokio::time::timeout(LONGEST_WAIT, turn).await;
        let Ok(Ok(turn)) = turn else { return Err(NotSignedIn::Unavailable) };
        let (secret, hash) = (Secret::new(secret), record.map(|record| record.hash.clone()));
        let compared = tokio::task::spawn_blocking(move || {
            // Given back when the work is done, also when nobody waits for it any longer.
            let _turn = turn;
            match hash {
                Some(hash) => matches(&secret, hash.expose()),
                None => {
                    matches(&secret, nobodys_hash());
                    false
                }
            }
        });
        compared.await.map_err(|_| NotSignedIn::Unavailable)
    }

    /// The login of a token whose secret is right, when it still stands.
    fn standing(
        &self,
        digest: Digest,
        record: TokenRecord,
        now: Timestamp,
    ) -> Result<Login, NotSignedIn> {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if record.revoked.is_some() {
            remembered.remove(&digest);
            return Err(NotSignedIn::Unknown);
        }
        if record.is_expired(now) {
            remembered.remove(&digest);
            return Err(NotSignedIn::Expired);
        }
        if remembered.len() >= MOST_REMEMBERED && !remembered.contains_key(&digest) {
            let oldest = remembered.iter().min_by_key(|(_, found)| found.asked_at);
            if let Some(oldest) = oldest.map(|(digest, _)| *digest) {
                remembered.remove(&oldest);
            }
        }
        let TokenRecord { hash, login, expires_at, .. } = record;
        let found = Remembered { hash, login: login.clone(), expires_at, asked_at: now };
        remembered.insert(digest, found);
        Ok(login)
    }
}

/// Whether a secret has this hash; compared in constant time.
fn matches(secret: &Secret, hash: &str) -> bool {
    Argon2::default().verify_password(secret.expose().as_bytes(), hash).is_ok()
}

/// The hash of a secret that nobody has.
fn nobodys_hash() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| hash("nobody", b"nobody's salt").unwrap_or_default())
}

//! Signing in, with a clock that is set, tokens in memory, and an issuer on this machine.

mod jwts;
mod tokens;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::*;
use crate::directory::Operator;
use crate::kernel::OrganisationId;
use crate::port::JournalError;
use crate::port::tokens::{Revocation, TokenId, TokenRecord};

/// The organisation of the operator `vendor`.
const VENDOR: &str = "926018159";

/// An organisation that is no operator.
const STRANGER: &str = "918190937";

struct SetClock(Mutex<Timestamp>);

impl SetClock {
    fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new("2026-03-02T10:00:00Z".parse().unwrap())))
    }

    fn pass(&self, seconds: i64) {
        *self.0.lock().unwrap() += SignedDuration::from_secs(seconds);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

#[derive(Default)]
struct MemoryTokens {
    tokens: Mutex<Vec<TokenRecord>>,
    down: AtomicBool,
    looked_up: AtomicU32,
}

#[async_trait]
impl Tokens for MemoryTokens {
    async fn add(&self, token: &TokenRecord) -> Result<bool, JournalError> {
        self.tokens.lock().unwrap().push(token.clone());
        Ok(true)
    }

    async fn find(&self, id: &TokenId) -> Result<Option<TokenRecord>, JournalError> {
        self.looked_up.fetch_add(1, Ordering::SeqCst);
        if self.down.load(Ordering::SeqCst) {
            return Err(JournalError::Unavailable("switched off".into()));
        }
        Ok(self.tokens.lock().unwrap().iter().find(|token| token.id == *id).cloned())
    }

    async fn list(&self, _: Option<&Login>) -> Result<Vec<TokenRecord>, JournalError> {
        Ok(self.tokens.lock().unwrap().clone())
    }

    async fn revoke(&self, id: &TokenId, revocation: &Revocation) -> Result<bool, JournalError> {
        for token in self.tokens.lock().unwrap().iter_mut().filter(|token| token.id == *id) {
            token.revoked = Some(revocation.clone());
        }
        Ok(true)
    }
}

fn directory() -> watch::Receiver<Arc<Directory>> {
    let operator = |login: &str, organisation: Option<&str>| Operator {
        login: Login::new(login),
        name: login.to_owned(),
        speaks_for: BTreeSet::new(),
        organisation: organisation.map(|number| OrganisationId::norwegian(number).unwrap()),
    };
    let operators = vec![operator("vendor", Some(VENDOR)), operator("other", None)];
    watch::channel(Arc::new(Directory::new(Vec::new(), operators).unwrap())).1
}

#[tokio::test]
async fn a_header_that_is_no_bearer_token_is_told_so() {
    let config = SignInConfig::default();
    let tokens = Arc::new(MemoryTokens::default());
    let sign_in = SignIn::new(&config, tokens, directory(), SetClock::new()).unwrap();
    // As a handler on a runtime of many threads will call it.
    let missing: std::pin::Pin<Box<dyn Future<Output = _> + Send + '_>> =
        Box::pin(sign_in.check(None));
    assert_eq!(missing.await, Err(NotSignedIn::Missing));
    let long = format!("Bearer {}", "a".repeat(LONGEST_TOKEN + 1));
    for bad in ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer a b", "Bearer æ", &long] {
        assert_eq!(sign_in.check(Some(bad)).await, Err(NotSignedIn::Malformed), "{bad}");
    }
    assert_eq!(sign_in.check(Some("bearer  a.b.c")).await, Err(NotSignedIn::Unknown));
}

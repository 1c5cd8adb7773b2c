//! HTTP put together: the address is taken first, so that a wrong one is told at once; requests are
//! answered when the rest stands.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::net::TcpListener;

use crate::channel::http::listen::{ListenLimits, listen};
use crate::channel::http::{Door, HttpError, Parts, Refusal, router};
use crate::kernel::Login;

/// An address that is taken, with what will be served there.
pub(super) struct Bound {
    listener: TcpListener,
    parts: Parts,
}

/// Takes the address.
///
/// # Errors
/// When a setting is wrong or the address cannot be taken.
pub(super) async fn bind(parts: Parts) -> Result<Bound, HttpError> {
    let address = parts.config.address(false)?;
    let taken = TcpListener::bind(address).await;
    let listener = taken.map_err(|source| HttpError::Bind { address, source })?;
    Ok(Bound { listener, parts })
}

impl Bound {
    /// Answers requests until the stop.
    pub(super) async fn run(self) {
        let Self { listener, parts } = self;
        match listener.local_addr() {
            Ok(address) => tracing::info!(%address, "listens for HTTP"),
            Err(error) => tracing::warn!(%error, "listens for HTTP at an address that is not told"),
        }
        let limits = ListenLimits {
            connections: parts.config.connections,
            header_timeout: Duration::from_secs(parts.config.header_timeout_seconds),
        };
        let stop = parts.stop.clone();
        listen(listener, router(parts), limits, stop).await;
    }
}

/// Stands in until sign-in is here: the tokens of `INNFRI_STAND_IN_TOKENS` (`token=login,…`).
pub(super) fn door() -> Arc<dyn Door> {
    let text = std::env::var("INNFRI_STAND_IN_TOKENS").unwrap_or_default();
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    let logins = pairs.map(|(token, login)| (format!("Bearer {token}"), Login::new(login)));
    Arc::new(StandIn(logins.collect()))
}

struct StandIn(BTreeMap<String, Login>);

#[async_trait]
impl Door for StandIn {
    async fn check(&self, authorization: Option<&str>) -> Result<Login, Refusal> {
        let login = authorization.and_then(|given| self.0.get(given));
        login.cloned().ok_or_else(|| Refusal::NotSignedIn {
            detail: "send `Authorization: Bearer <token>`".to_owned(),
            challenge: "Bearer",
        })
    }
}

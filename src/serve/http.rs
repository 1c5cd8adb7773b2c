//! HTTP put together: the address is taken first, so that a wrong one is told at once; requests are
//! answered when the rest stands.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::broker::ServeError;
use super::config::Settings;
use super::core::Core;
use crate::channel::http::rate::RateLimit;
use crate::channel::http::sign_in::{NotSignedIn, SignIn, SignInConfig};
use crate::channel::http::{Door, HttpConfig, HttpError, Parts, Refusal, router};
use crate::channel::listen::{Tls, listen};
use crate::directory::Directory;
use crate::kernel::Login;
use crate::port::{Clock, Intake, Tokens};

/// An address that is taken, with what will be served there.
pub(super) struct Bound {
    listener: TcpListener,
    tls: Option<Tls>,
    parts: Parts,
}

/// Takes the address that the settings name, if they name one.
///
/// # Errors
/// When a setting is wrong, or the address cannot be taken.
pub(super) async fn bind(
    settings: &Settings,
    core: &Core,
    intake: &Arc<dyn Intake>,
    stop: &CancellationToken,
) -> Result<Option<Bound>, ServeError> {
    let Some(config) = &settings.http else { return Ok(None) };
    let address = config.address()?;
    let tls = config.tls.as_ref().map(Tls::from_files).transpose().map_err(HttpError::from)?;
    let taken = TcpListener::bind(address).await;
    let listener = taken.map_err(|source| HttpError::Bind { address, source })?;
    let directory = core.directory.subscribe();
    let parts = Parts {
        journal: Arc::clone(&core.journal),
        letters: Arc::clone(&core.letters),
        intake: Arc::clone(intake),
        directory: directory.clone(),
        bell: core.bell.clone(),
        clock: Arc::clone(&core.clock),
        door: door(config, Arc::clone(&core.tokens), directory, Arc::clone(&core.clock))?,
        config: config.clone(),
        body_bytes: settings.limits.body_bytes,
        process: core.process,
        stop: stop.clone(),
    };
    Ok(Some(Bound { listener, tls, parts }))
}

impl Bound {
    /// Answers requests until the stop; beside participants' also those of `others`, who do not sign in.
    pub(super) async fn run(self, others: Option<Router>) {
        let Self { listener, tls, parts } = self;
        match listener.local_addr() {
            Ok(address) => tracing::info!(%address, tls = tls.is_some(), "listens for HTTP"),
            Err(error) => tracing::warn!(%error, "listens for HTTP at an address that is not told"),
        }
        let (limits, stop) = (parts.config.limits(), parts.stop.clone());
        let all = router(parts).merge(others.unwrap_or_default());
        listen(listener, tls, all, limits, stop).await;
    }
}

/// The door: a known token, and not too often.
///
/// # Errors
/// When a setting of the issuer is wrong.
fn door(
    config: &HttpConfig,
    tokens: Arc<dyn Tokens>,
    directory: watch::Receiver<Arc<Directory>>,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn Door>, HttpError> {
    let sign_in = SignInConfig { jwt: config.jwt.clone() };
    let sign_in = SignIn::new(&sign_in, tokens, directory, Arc::clone(&clock))?;
    let rate = RateLimit::new(config.requests_per_second, config.burst);
    Ok(Arc::new(FrontDoor { sign_in, rate, clock }))
}

struct FrontDoor {
    sign_in: SignIn,
    rate: RateLimit,
    clock: Arc<dyn Clock>,
}

#[async_trait]
impl Door for FrontDoor {
    async fn check(&self, authorization: Option<&str>) -> Result<Login, Refusal> {
        let login = self.sign_in.check(authorization).await.map_err(refusal)?;
        self.rate.admit(&login, self.clock.now()).map_err(Refusal::TooMany)?;
        Ok(login)
    }
}

fn refusal(why: NotSignedIn) -> Refusal {
    let (detail, challenge) = (why.to_string(), why.challenge());
    match why {
        NotSignedIn::Unavailable => Refusal::Unavailable,
        // RFC 6750, section 3.1: the token is good, and signing in anew would not help.
        NotSignedIn::NotEnoughScope => Refusal::NotAllowed { detail, challenge },
        NotSignedIn::Missing
        | NotSignedIn::Malformed
        | NotSignedIn::Unknown
        | NotSignedIn::Expired
        | NotSignedIn::LivesTooLong
        | NotSignedIn::WrongAudience
        | NotSignedIn::NoOperator => Refusal::NotSignedIn { detail, challenge },
    }
}

//! The HTTP client of one address: what it trusts, what it shows, how long it waits, how much it reads.

use std::path::Path;
use std::time::Duration;

use reqwest::{Certificate, Identity, RequestBuilder, Response, redirect};
use url::Url;

use super::address::{self, Guarded};
use super::error::{PostError, bytes_of};
use super::group::Pace;
use crate::directory::Target;
use crate::port::SendError;
use crate::telemetry::chain::Chain;

/// An attempt's time where the directory sets none.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A connection that does not stand by then will not.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of an answer that are read, at most. The largest answers of the market have a few thousand.
pub(super) const LONGEST_REPLY: usize = 256 * 1024;

/// One address with a client that is fit for it.
pub(super) struct Wire {
    client: reqwest::Client,
    url: Url,
    /// For one attempt, everything included.
    pub(super) timeout: Duration,
}

impl Wire {
    /// A client for `url`, which stands at `key` of a target's settings and may be another than the
    /// target's own: a token endpoint.
    pub(super) fn open(
        target: &Target,
        (key, url): (&'static str, &str),
        identity_file: Option<&Path>,
        pace: &Pace,
    ) -> Result<Self, PostError> {
        let (url, reach) = address::read(key, url, target.allow_private_addresses)?;
        let timeout = target.timeout_seconds.map_or(TIMEOUT, Duration::from_secs);
        let timeout = timeout.clamp(Duration::from_secs(1), pace.longest_attempt());
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("innfri/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .dns_resolver(Guarded(reach))
            .connect_timeout(CONNECT_TIMEOUT.min(timeout))
            .timeout(timeout);
        if let Some(path) = &target.ca_file {
            builder = builder.tls_certs_only(certificates(path)?);
        }
        if let Some(path) = identity_file {
            let identity = Identity::from_pem(&bytes_of(path)?).map_err(|_| PostError::Unfit {
                path: path.to_owned(),
                wanted: "a certificate and its private key (PEM)",
            })?;
            builder = builder.identity(identity);
        }
        let client = builder.build().map_err(PostError::Certificates)?;
        Ok(Self { client, url, timeout })
    }

    /// A request to the address.
    pub(super) fn post(&self) -> RequestBuilder {
        self.client.post(self.url.clone())
    }

    /// Does something within the time of one attempt.
    pub(super) async fn in_time<T>(
        &self,
        attempt: impl Future<Output = Result<T, SendError>>,
    ) -> Result<T, SendError> {
        let late = |_| Err(SendError::TimedOut(self.timeout.as_secs()));
        tokio::time::timeout(self.timeout, attempt).await.unwrap_or_else(late)
    }

    /// Sends a request and waits for the head of the answer.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Response, SendError> {
        request.send().await.map_err(|error| self.failure(error))
    }

    /// The body of an answer, when it is not too large.
    pub(super) async fn read(&self, mut response: Response) -> Result<Vec<u8>, SendError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failure(error))? {
            if body.len() + chunk.len() > LONGEST_REPLY {
                let most = LONGEST_REPLY / 1024;
                return Err(SendError::Refused(format!("its answer is larger than {most} KiB")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// Why there is no answer, without the address, which may hold a secret.
    fn failure(&self, error: reqwest::Error) -> SendError {
        if error.is_timeout() && !error.is_connect() {
            return SendError::TimedOut(self.timeout.as_secs());
        }
        SendError::Unreachable(Chain(&error.without_url()).to_string())
    }
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, PostError> {
    let unfit = || PostError::Unfit { path: path.to_owned(), wanted: "certificates (PEM)" };
    let found = Certificate::from_pem_bundle(&bytes_of(path)?).map_err(|_| unfit())?;
    if found.is_empty() { Err(unfit()) } else { Ok(found) }
}

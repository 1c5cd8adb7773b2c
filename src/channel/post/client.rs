//! The HTTP client of one address of the directory: how long it waits, how much it reads.

use std::path::Path;
use std::time::Duration;

use reqwest::{RequestBuilder, Response};
use url::Url;

use super::error::PostError;
use super::group::Pace;
use crate::channel::outward::answer::{self, ReadError};
use crate::channel::outward::client::{self, Wish};
use crate::directory::Target;
use crate::port::SendError;
use crate::telemetry::chain::Chain;

/// An attempt's time where the directory sets none.
const TIMEOUT: Duration = Duration::from_secs(30);

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
        let timeout = target.timeout_seconds.map_or(TIMEOUT, Duration::from_secs);
        let timeout = timeout.clamp(Duration::from_secs(1), pace.longest_attempt());
        let (client, url) = client::open(Wish {
            key,
            url,
            allow_private: target.allow_private_addresses,
            ca_file: target.ca_file.as_deref(),
            identity_file,
            timeout,
        })?;
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
    pub(super) async fn read(&self, response: Response) -> Result<Vec<u8>, SendError> {
        answer::body(response, LONGEST_REPLY).await.map_err(|error| match error {
            ReadError::TooLarge => {
                let most = LONGEST_REPLY / 1024;
                SendError::Refused(format!("its answer is larger than {most} KiB"))
            }
            ReadError::Broken(error) => self.failure(error),
        })
    }

    /// Why there is no answer, without the address, which may hold a secret.
    fn failure(&self, error: reqwest::Error) -> SendError {
        if error.is_timeout() && !error.is_connect() {
            return SendError::TimedOut(self.timeout.as_secs());
        }
        SendError::Unreachable(Chain(&error.without_url()).to_string())
    }
}

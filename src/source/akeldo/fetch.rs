//! Asks AKELDO over HTTP.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::{Certificate, StatusCode, redirect};
use serde::Deserialize;
use url::{Host, Url};

use super::read::MOST_BYTES;
use crate::kernel::OrganisationId;

/// A connection that does not stand by then will not.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Where AKELDO is, and how it is asked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AkeldoConfig {
    /// Its base: `https://akeldo.grunnbok.no`, or of the test environment `https://akeldotest.grunnbok.no`.
    pub url: String,
    /// Minutes between two refreshes, 1 or more.
    #[serde(default = "an_hour")]
    pub refresh_minutes: u64,
    /// Certificates (PEM) to trust instead of the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// A list with fewer entries than so many percent of the one before is not taken over; 0 takes any
    /// that is not empty.
    #[serde(default = "half")]
    pub least_percent: u8,
    /// Seconds that one answer may take, everything included; 1 or more.
    #[serde(default = "half_a_minute")]
    pub timeout_seconds: u64,
}

const fn an_hour() -> u64 {
    60
}

const fn half() -> u8 {
    50
}

const fn half_a_minute() -> u64 {
    30
}

impl AkeldoConfig {
    /// Time between two refreshes.
    pub fn refresh_every(&self) -> Duration {
        Duration::from_secs(self.refresh_minutes.max(1).saturating_mul(60))
    }

    /// Past this age a list should have been replaced: three refreshes came to nothing.
    pub fn stale_after(&self) -> Duration {
        self.refresh_every().saturating_mul(3)
    }
}

/// Why AKELDO cannot be asked as the settings say.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The address is wrong.
    #[error(
        "akeldo.url must be an https address, such as https://akeldo.grunnbok.no (http only to this machine)"
    )]
    Url,
    /// A file cannot be read.
    #[error("cannot read {}, which akeldo.ca_file names", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file holds something else.
    #[error("{}, which akeldo.ca_file names, holds no certificates (PEM)", .0.display())]
    NoCertificates(PathBuf),
    /// A percentage above 100.
    #[error("akeldo.least_percent must be 0 to 100")]
    Percent,
    /// The client cannot be made.
    #[error("the system's certificates cannot be used")]
    Client(#[source] reqwest::Error),
}

/// Why AKELDO gave no answer. Names no address.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No connection, or it broke, or took too long.
    #[error("it does not answer")]
    Http(#[source] reqwest::Error),
    /// It says no.
    #[error("it answers with HTTP status {0}")]
    Status(u16),
    /// It says too much.
    #[error("its answer has more than {MOST_BYTES} bytes")]
    TooLarge,
}

/// AKELDO over HTTP.
pub(super) struct Fetcher {
    base: Url,
    client: reqwest::Client,
}

impl Fetcher {
    pub(super) fn new(config: &AkeldoConfig) -> Result<Self, SettingsError> {
        if config.least_percent > 100 {
            return Err(SettingsError::Percent);
        }
        let base = Url::parse(&config.url).map_err(|_| SettingsError::Url)?;
        let here = match base.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        if base.scheme() != "https" && !(base.scheme() == "http" && here) {
            return Err(SettingsError::Url);
        }
        let timeout = Duration::from_secs(config.timeout_seconds.max(1));
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("innfri/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT.min(timeout))
            .timeout(timeout);
        if let Some(path) = &config.ca_file {
            builder = builder.tls_certs_only(certificates(path)?);
        }
        let client = builder.build().map_err(SettingsError::Client)?;
        Ok(Self { base, client })
    }

    /// The address without what signs in, to tell one AKELDO from another.
    pub(super) fn place(&self) -> String {
        let mut place = self.base.clone();
        // Neither can fail for an address that has a host.
        place.set_password(None).unwrap_or_default();
        place.set_username("").unwrap_or_default();
        place.set_query(None);
        place.set_fragment(None);
        place.as_str().trim_end_matches('/').to_owned()
    }

    /// All participants.
    pub(super) async fn all(&self) -> Result<Vec<u8>, FetchError> {
        self.get(&[]).await
    }

    /// One participant; `None` when AKELDO does not list it.
    pub(super) async fn one(&self, id: &OrganisationId) -> Result<Option<Vec<u8>>, FetchError> {
        match self.get(&[id.number()]).await {
            Ok(body) => Ok(Some(body)),
            Err(FetchError::Status(404 | 410)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn get(&self, more: &[&str]) -> Result<Vec<u8>, FetchError> {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["akeldo", "aktoer"]).extend(more);
        }
        let failed = |error: reqwest::Error| FetchError::Http(error.without_url());
        let request = self.client.get(url).header("accept", "application/json");
        let mut answer = request.send().await.map_err(failed)?;
        if answer.status() != StatusCode::OK {
            return Err(FetchError::Status(answer.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(failed)? {
            if body.len() + part.len() > MOST_BYTES {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&part);
        }
        Ok(body)
    }
}

fn certificates(path: &PathBuf) -> Result<Vec<Certificate>, SettingsError> {
    let bytes = std::fs::read(path)
        .map_err(|source| SettingsError::CaFile { path: path.clone(), source })?;
    let none = || SettingsError::NoCertificates(path.clone());
    let found = Certificate::from_pem_bundle(&bytes).map_err(|_| none())?;
    if found.is_empty() { Err(none()) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetcher(url: &str) -> Result<Fetcher, SettingsError> {
        let config = AkeldoConfig {
            url: url.into(),
            refresh_minutes: 60,
            ca_file: None,
            least_percent: 50,
            timeout_seconds: 30,
        };
        Fetcher::new(&config)
    }

    #[test]
    fn only_https_or_this_machine_is_asked() {
        for good in ["https://akeldo.example", "http://127.0.0.1:8080", "http://localhost/a/"] {
            assert!(fetcher(good).is_ok(), "{good}");
        }
        for bad in ["", "akeldo.example", "http://akeldo.example", "ftp://127.0.0.1"] {
            assert!(matches!(fetcher(bad), Err(SettingsError::Url)), "{bad}");
        }
    }

    #[test]
    fn the_place_of_a_copy_holds_no_password() {
        let place = fetcher("https://kari:secret@akeldo.example/a/?key=b#c").unwrap().place();
        assert_eq!(place, "https://akeldo.example/a");
    }
}

//! The HTTP client of one address: what it trusts, what it shows, how long it waits.

use std::path::Path;
use std::time::Duration;

use reqwest::{Certificate, Identity, redirect};
use url::Url;

use super::address::{self, Guarded};
use super::error::{OutwardError, bytes_of};

/// A connection that does not stand by then will not.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What a client is to be like.
#[derive(Debug, Clone, Copy)]
pub(in crate::channel) struct Wish<'a> {
    /// The key under which the address is written, for those who must correct it.
    pub(in crate::channel) key: &'static str,
    /// The address, which also decides what the client may reach.
    pub(in crate::channel) url: &'a str,
    /// Whether addresses of private networks and of this machine may be reached.
    pub(in crate::channel) allow_private: bool,
    /// Certificates (PEM) to trust instead of the system's.
    pub(in crate::channel) ca_file: Option<&'a Path>,
    /// A certificate with its key (PEM) to show.
    pub(in crate::channel) identity_file: Option<&'a Path>,
    /// For one attempt, everything included.
    pub(in crate::channel) timeout: Duration,
}

/// A client as wished, and its address.
pub(in crate::channel) fn open(wish: Wish<'_>) -> Result<(reqwest::Client, Url), OutwardError> {
    let (url, reach) = address::read(wish.key, wish.url, wish.allow_private)?;
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("innfri/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .dns_resolver(Guarded(reach))
        .connect_timeout(CONNECT_TIMEOUT.min(wish.timeout))
        .timeout(wish.timeout);
    if let Some(path) = wish.ca_file {
        builder = builder.tls_certs_only(certificates(path)?);
    }
    if let Some(path) = wish.identity_file {
        let identity = Identity::from_pem(&bytes_of(path)?).map_err(|_| OutwardError::Unfit {
            path: path.to_owned(),
            wanted: "a certificate and its private key (PEM)",
        })?;
        builder = builder.identity(identity);
    }
    Ok((builder.build().map_err(OutwardError::Certificates)?, url))
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, OutwardError> {
    let unfit = || OutwardError::Unfit { path: path.to_owned(), wanted: "certificates (PEM)" };
    let found = Certificate::from_pem_bundle(&bytes_of(path)?).map_err(|_| unfit())?;
    if found.is_empty() { Err(unfit()) } else { Ok(found) }
}

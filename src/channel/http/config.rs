//! The HTTP channel's settings.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;

use super::sign_in::{JwtConfig, SignInError};
use crate::channel::listen::{ListenLimits, TlsConfig, TlsError};

/// Where innfri listens for HTTP, and how much it lets callers do. Only the address must be given.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpConfig {
    /// Address and port, such as `127.0.0.1:8080` or `[::]:8443`; port 0 takes a free one.
    pub listen: String,
    /// Whether an address that other machines reach may be listened on without TLS, since something in
    /// front of innfri ends TLS.
    #[serde(default)]
    pub allow_plain_text: bool,
    /// Requests a second that one operator may make over time; 1 or more.
    #[serde(default = "default::requests_per_second")]
    pub requests_per_second: u32,
    /// Requests that one operator may make at once before that rate holds; 1 or more.
    #[serde(default = "default::burst")]
    pub burst: u32,
    /// Seconds that a caller may wait for an outcome or for post; a longer wish is cut to this.
    #[serde(default = "default::longest_wait_seconds")]
    pub longest_wait_seconds: u64,
    /// Seconds for which a message that was handed out is handed to nobody else; 1 or more.
    #[serde(default = "default::mailbox_lease_seconds")]
    pub mailbox_lease_seconds: u32,
    /// Callers that wait at the same time; one more is told to come back. 1 or more.
    #[serde(default = "default::most_waiting")]
    pub most_waiting: usize,
    /// Connections at the same time; 1 or more.
    #[serde(default = "default::connections")]
    pub connections: usize,
    /// Seconds within which the head of a request must have arrived; 1 or more.
    #[serde(default = "default::header_timeout_seconds")]
    pub header_timeout_seconds: u64,
    /// Seconds within which the body of a request must have arrived; 1 or more.
    #[serde(default = "default::body_timeout_seconds")]
    pub body_timeout_seconds: u64,
    /// TLS; plain text without it.
    #[serde(default)]
    pub tls: Option<TlsConfig>,
    /// The issuer whose JWTs sign in besides innfri's own tokens.
    #[serde(default)]
    pub jwt: Option<JwtConfig>,
}

mod default {
    pub(super) const fn requests_per_second() -> u32 {
        50
    }
    pub(super) const fn burst() -> u32 {
        200
    }
    pub(super) const fn longest_wait_seconds() -> u64 {
        60
    }
    pub(super) const fn mailbox_lease_seconds() -> u32 {
        60
    }
    pub(super) const fn most_waiting() -> usize {
        1000
    }
    pub(super) const fn connections() -> usize {
        2000
    }
    pub(super) const fn header_timeout_seconds() -> u64 {
        10
    }
    pub(super) const fn body_timeout_seconds() -> u64 {
        30
    }
}

/// Why HTTP could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// A setting cannot be used.
    #[error("http.{name} {problem}")]
    Setting {
        /// Which.
        name: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Signing in.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address cannot be listened on.
    #[error(
        "cannot listen on {address}: set http.listen to an address of this machine and a port that nobody else has"
    )]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
}

impl HttpConfig {
    /// The settings for an address, all else by default.
    pub fn at(listen: impl Into<String>) -> Self {
        Self {
            listen: listen.into(),
            allow_plain_text: false,
            requests_per_second: default::requests_per_second(),
            burst: default::burst(),
            longest_wait_seconds: default::longest_wait_seconds(),
            mailbox_lease_seconds: default::mailbox_lease_seconds(),
            most_waiting: default::most_waiting(),
            connections: default::connections(),
            header_timeout_seconds: default::header_timeout_seconds(),
            body_timeout_seconds: default::body_timeout_seconds(),
            tls: None,
            jwt: None,
        }
    }

    /// The address, read; also checks that the settings can be used, and that tokens and messages do not
    /// cross a network in plain text unless that is asked for.
    ///
    /// # Errors
    /// [`HttpError::Setting`], naming the setting.
    pub fn address(&self) -> Result<SocketAddr, HttpError> {
        let counts = [
            ("requests_per_second", u64::from(self.requests_per_second)),
            ("burst", u64::from(self.burst)),
            ("mailbox_lease_seconds", u64::from(self.mailbox_lease_seconds)),
            ("most_waiting", self.most_waiting as u64),
            ("connections", self.connections as u64),
            ("header_timeout_seconds", self.header_timeout_seconds),
            ("body_timeout_seconds", self.body_timeout_seconds),
        ];
        if let Some((name, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return Err(HttpError::Setting { name, problem: "must be 1 or more" });
        }
        let address: SocketAddr = self.listen.parse().map_err(|_| HttpError::Setting {
            name: "listen",
            problem: "is not an address with a port, such as 127.0.0.1:8080 or [::]:8443",
        })?;
        if self.tls.is_none() && !self.allow_plain_text && !address.ip().is_loopback() {
            return Err(HttpError::Setting {
                name: "listen",
                problem: "can be reached from other machines, and http.tls is not set: set it, listen \
                          on 127.0.0.1, or set http.allow_plain_text when TLS ends in front of innfri",
            });
        }
        Ok(address)
    }

    /// The limits on connections.
    pub fn limits(&self) -> ListenLimits {
        let header = Duration::from_secs(self.header_timeout_seconds);
        let connections = self.connections;
        ListenLimits { connections, handshake: header, header, ..ListenLimits::default() }
    }

    pub(super) const fn longest_wait(&self) -> Duration {
        Duration::from_secs(self.longest_wait_seconds)
    }

    pub(super) const fn body_timeout(&self) -> Duration {
        Duration::from_secs(self.body_timeout_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_address_must_be_given() {
        let config: HttpConfig = toml::from_str("listen = '127.0.0.1:0'").unwrap();
        assert_eq!(format!("{config:?}"), format!("{:?}", HttpConfig::at("127.0.0.1:0")));
        assert_eq!(config.address().unwrap().port(), 0);
        let error = toml::from_str::<HttpConfig>("listen = '[::1]:0'\nbirst = 3").unwrap_err();
        assert!(error.to_string().contains("birst"));
    }

    #[test]
    fn plain_text_stays_on_this_machine_unless_asked_for() {
        for listen in ["0.0.0.0:8080", "[::]:8080", "192.0.2.1:8080"] {
            let error = HttpConfig::at(listen).address().unwrap_err().to_string();
            assert!(error.contains("http.tls"), "{error}");
            let tls = toml::from_str("certificate_file = 'a'\nkey_file = 'b'").unwrap();
            let safe = HttpConfig { tls: Some(tls), ..HttpConfig::at(listen) };
            assert!(safe.address().is_ok());
            let asked = HttpConfig { allow_plain_text: true, ..HttpConfig::at(listen) };
            assert!(asked.address().is_ok());
        }
        assert!(HttpConfig::at("[::1]:8080").address().is_ok());
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for listen in ["", "8080", "localhost:8080", "127.0.0.1"] {
            let error = HttpConfig::at(listen).address().unwrap_err().to_string();
            assert!(error.starts_with("http.listen"), "{error}");
        }
        let none = HttpConfig { most_waiting: 0, ..HttpConfig::at("127.0.0.1:0") };
        assert!(none.address().unwrap_err().to_string().contains("most_waiting"));
    }
}

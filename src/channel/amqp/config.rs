//! The AMQP channel's settings.

use std::path::PathBuf;
use std::time::Duration;

use lapin::uri::AMQPUri;
use serde::Deserialize;

use super::error::AmqpError;
use crate::kernel::{Login, Secret};

/// How RabbitMQ is reached and used. Only the address must be given.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AmqpConfig {
    /// `amqp://user:password@host:port/vhost`, or `amqps://` for TLS; `%2f` is the vhost `/`. Its user
    /// is also the `user_id` of all that innfri publishes.
    pub url: Secret,
    /// Messages of one queue that are taken in at the same time; 1 or more.
    #[serde(default = "default::prefetch")]
    pub prefetch: u16,
    /// Seconds without any confirmation after which a message counts as not sent; 1 or more.
    #[serde(default = "default::confirm_timeout_seconds")]
    pub confirm_timeout_seconds: u64,
    /// Messages that wait for their confirmation at the same time on one channel; 1 or more.
    #[serde(default = "default::publish_window")]
    pub publish_window: usize,
    /// Seconds between signs of life on an idle connection; 1 or more.
    #[serde(default = "default::heartbeat_seconds")]
    pub heartbeat_seconds: u16,
    /// Seconds within which a connection must stand, and within which RabbitMQ must answer a call.
    #[serde(default = "default::connect_timeout_seconds")]
    pub connect_timeout_seconds: u64,
    /// Milliseconds before the first try to connect again.
    #[serde(default = "default::reconnect_first_ms")]
    pub reconnect_first_ms: u64,
    /// Seconds that a wait between two tries never exceeds.
    #[serde(default = "default::reconnect_longest_seconds")]
    pub reconnect_longest_seconds: u64,
    /// Deliveries of one message after which RabbitMQ dead-letters it. The last guard only: attempts
    /// are counted in the journal. Never -1: RabbitMQ 3.10 drops the message then.
    #[serde(default = "default::delivery_limit")]
    pub delivery_limit: u32,
    /// Messages that one queue holds; further ones are refused to their sender.
    #[serde(default = "default::queue_max_length")]
    pub queue_max_length: u32,
    /// Bytes that one queue holds, likewise; no limit by default.
    #[serde(default)]
    pub queue_max_length_bytes: Option<u64>,
    /// A file of PEM certificates to trust for `amqps://`, besides those of the machine.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

mod default {
    pub(super) const fn prefetch() -> u16 {
        512
    }
    pub(super) const fn confirm_timeout_seconds() -> u64 {
        30
    }
    pub(super) const fn publish_window() -> usize {
        512
    }
    pub(super) const fn heartbeat_seconds() -> u16 {
        10
    }
    pub(super) const fn connect_timeout_seconds() -> u64 {
        10
    }
    pub(super) const fn reconnect_first_ms() -> u64 {
        200
    }
    pub(super) const fn reconnect_longest_seconds() -> u64 {
        10
    }
    pub(super) const fn delivery_limit() -> u32 {
        20
    }
    pub(super) const fn queue_max_length() -> u32 {
        1_000_000
    }
}

impl AmqpConfig {
    /// The settings for an address, all else by default.
    pub const fn new(url: Secret) -> Self {
        Self {
            url,
            prefetch: default::prefetch(),
            confirm_timeout_seconds: default::confirm_timeout_seconds(),
            publish_window: default::publish_window(),
            heartbeat_seconds: default::heartbeat_seconds(),
            connect_timeout_seconds: default::connect_timeout_seconds(),
            reconnect_first_ms: default::reconnect_first_ms(),
            reconnect_longest_seconds: default::reconnect_longest_seconds(),
            delivery_limit: default::delivery_limit(),
            queue_max_length: default::queue_max_length(),
            queue_max_length_bytes: None,
            ca_file: None,
        }
    }

    /// The address, read and with the heartbeat set; also checks that the settings can be used.
    ///
    /// # Errors
    /// [`AmqpError::Setting`], naming the setting and never its secret value.
    pub fn address(&self) -> Result<AMQPUri, AmqpError> {
        let counts = [
            ("prefetch", u64::from(self.prefetch)),
            ("confirm_timeout_seconds", self.confirm_timeout_seconds),
            ("publish_window", self.publish_window as u64),
            ("heartbeat_seconds", u64::from(self.heartbeat_seconds)),
            ("connect_timeout_seconds", self.connect_timeout_seconds),
            ("reconnect_first_ms", self.reconnect_first_ms),
            ("reconnect_longest_seconds", self.reconnect_longest_seconds),
            ("delivery_limit", u64::from(self.delivery_limit)),
            ("queue_max_length", u64::from(self.queue_max_length)),
            ("queue_max_length_bytes", self.queue_max_length_bytes.unwrap_or(1)),
        ];
        if let Some((name, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return Err(AmqpError::Setting { name, problem: "must be 1 or more" });
        }
        // The parser's own words are not passed on: they may quote the address, password and all.
        let mut address: AMQPUri = self.url.expose().parse().map_err(|_| AmqpError::Setting {
            name: "url",
            problem: "is not an address such as amqp://user:password@host:5672/vhost",
        })?;
        if address.vhost.is_empty() {
            return Err(AmqpError::Setting {
                name: "url",
                problem: "names no vhost; end it with the vhost's name, or with /%2f for the vhost `/`",
            });
        }
        if address.vhost.len() > 255 {
            return Err(AmqpError::Setting { name: "url", problem: "names too long a vhost" });
        }
        if let Some(host) = bracketed_host(self.url.expose()) {
            address.authority.host = host;
        }
        address.query.heartbeat = Some(self.heartbeat_seconds);
        Ok(address)
    }

    /// The user of the address.
    ///
    /// # Errors
    /// As for [`AmqpConfig::address`].
    pub fn user(&self) -> Result<Login, AmqpError> {
        Ok(Login::new(self.address()?.authority.userinfo.username))
    }

    pub(super) const fn connect_timeout(&self) -> Duration {
        Duration::from_secs(self.connect_timeout_seconds)
    }

    pub(super) const fn confirm_timeout(&self) -> Duration {
        Duration::from_secs(self.confirm_timeout_seconds)
    }
}

/// The IPv6 host of an address: the parser would silently read it as `localhost`.
fn bracketed_host(url: &str) -> Option<String> {
    let rest = url.split_once("://")?.1;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, _port) = host.strip_prefix('[')?.split_once(']')?;
    Some(host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> AmqpConfig {
        AmqpConfig::new(Secret::new(url))
    }

    #[test]
    fn only_the_address_must_be_given() {
        let config: AmqpConfig = toml::from_str("url = 'amqp://me:pw@host:5673/v'").unwrap();
        assert_eq!((config.prefetch, config.publish_window, config.delivery_limit), (512, 512, 20));
        let address = config.address().unwrap();
        assert_eq!((address.authority.port, address.vhost.as_str()), (5673, "v"));
        assert_eq!(address.query.heartbeat, Some(10));
        assert_eq!(config.user().unwrap(), Login::new("me"));
    }

    #[test]
    fn an_unknown_setting_is_an_error() {
        let error = toml::from_str::<AmqpConfig>("url = 'amqp://h/v'\nprefetsh = 1").unwrap_err();
        assert!(error.to_string().contains("prefetsh"));
    }

    #[test]
    fn a_wrong_address_is_reported_without_its_password() {
        for url in ["", "me:hunter2@host", "http://me:hunter2@host/v", "amqp://me:hunter2@host/"] {
            let error = of(url).address().unwrap_err();
            assert!(error.to_string().contains("url"), "{error}");
            assert!(!format!("{error} {error:?} {:?}", of(url)).contains("hunter2"));
        }
    }

    #[test]
    fn an_ipv6_host_is_kept() {
        let address = of("amqp://me:p%40ss@[::1]:5673/%2f").address().unwrap();
        assert_eq!((address.authority.host.as_str(), address.authority.port), ("::1", 5673));
        assert_eq!(of("amqp://me@host/v").address().unwrap().authority.host, "host");
    }

    #[test]
    fn a_count_of_nothing_is_refused_by_name() {
        let config = AmqpConfig { prefetch: 0, ..of("amqp://h/v") };
        assert!(config.address().unwrap_err().to_string().contains("prefetch"));
    }
}

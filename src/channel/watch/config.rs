//! The settings of the address at which innfri is watched.

use std::net::SocketAddr;

use serde::Deserialize;

/// The part `watch` of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WatchConfig {
    /// Address and port, such as `127.0.0.1:9464`; port 0 takes a free one. Without it nothing listens.
    pub listen: Option<SocketAddr>,
}

//! The settings of TLS, and the limits on connections.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

/// TLS for those who connect (`[http.tls]`). Files are PEM and are read again when they change, so that a
/// renewed certificate needs no restart.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// innfri's certificate, followed by those between it and the root.
    pub certificate_file: PathBuf,
    /// The key of that certificate.
    pub key_file: PathBuf,
    /// The certificates of those who issue clients' certificates. Without it clients show none.
    #[serde(default)]
    pub client_ca_file: Option<PathBuf>,
    /// Whether a client must show a certificate, where `client_ca_file` is set.
    #[serde(default)]
    pub client_certificate: ClientCertificate,
}

/// Whether clients must show a certificate. One that is shown must hold either way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientCertificate {
    /// Without one there is no connection.
    #[default]
    Required,
    /// A client may come without one.
    Optional,
}

/// Limits on connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenLimits {
    /// Connections at the same time, 1 or more; further ones wait until one ends.
    pub connections: usize,
    /// Within which a TLS handshake must be over.
    pub handshake: Duration,
    /// Within which the head of a request must be there, from the moment the connection is free for it: so
    /// long, too, a connection lives on between two requests.
    pub header: Duration,
    /// After which a connection is cut off whatever it does; `None` for never.
    pub longest: Option<Duration>,
    /// Within which requests under way must end when innfri stops; then they are cut off.
    pub grace: Duration,
}

impl Default for ListenLimits {
    fn default() -> Self {
        Self {
            connections: 1024,
            handshake: Duration::from_secs(10),
            header: Duration::from_secs(30),
            longest: None,
            grace: Duration::from_secs(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_must_show_a_certificate_unless_it_is_said_otherwise() {
        let text = "certificate_file = \"a\"\nkey_file = \"b\"\n";
        let config: TlsConfig = toml::from_str(text).unwrap();
        assert_eq!(config.client_certificate, ClientCertificate::Required);
        let optional = format!("{text}client_ca_file = \"c\"\nclient_certificate = \"optional\"");
        let config: TlsConfig = toml::from_str(&optional).unwrap();
        assert_eq!(config.client_certificate, ClientCertificate::Optional);
        assert!(toml::from_str::<TlsConfig>(&format!("{text}kei_file = \"c\"")).is_err());
    }
}

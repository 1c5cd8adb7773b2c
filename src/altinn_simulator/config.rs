//! Who takes part in the stand-in: clients of Maskinporten, resources, and what AKELDO lists.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};
use url::Url;

use super::faults::FaultSettings;
use super::key::{KeyError, NewKey};
use crate::kernel::OrganisationId;

/// Everything the stand-in is told. In TOML, names are as here; unknown names are refused.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where it listens: an address of this machine alone. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Who may sign in to Maskinporten.
    pub clients: Vec<ClientConfig>,
    /// What files are sent under.
    pub resources: Vec<ResourceConfig>,
    /// Whom AKELDO lists.
    pub akeldo: Vec<AkeldoEntry>,
    /// How AKELDO's answers are spelled.
    pub akeldo_spelling: AkeldoSpelling,
    /// Where events are posted.
    pub subscriptions: Vec<Subscription>,
    /// How long a virus scan takes, in milliseconds, unless a fault says otherwise.
    pub scan_millis: u64,
    /// How long a token of Maskinporten counts, in seconds.
    pub maskinporten_token_seconds: u32,
    /// How long a token of Altinn counts, in seconds.
    pub altinn_token_seconds: u32,
    /// How long after all have confirmed a file is kept, in seconds.
    pub grace_seconds: u32,
    /// What is kept at most.
    pub limits: Limits,
    /// What goes wrong from the start.
    pub faults: FaultSettings,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            clients: Vec::new(),
            resources: Vec::new(),
            akeldo: Vec::new(),
            akeldo_spelling: AkeldoSpelling::default(),
            subscriptions: Vec::new(),
            scan_millis: 200,
            maskinporten_token_seconds: 120,
            altinn_token_seconds: 1800,
            grace_seconds: 7200,
            limits: Limits::default(),
            faults: FaultSettings::default(),
        }
    }
}

/// A client of Maskinporten. Its keys come from one of the three settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientConfig {
    /// The client id: `iss` of its assertions.
    pub id: String,
    /// The name of the key that is given as PEM: `kid` of its assertions.
    #[serde(default)]
    pub key_id: Option<String>,
    /// Its public RSA key as PEM.
    #[serde(default)]
    pub public_key: Option<String>,
    /// A file with its public RSA key as PEM.
    #[serde(default)]
    pub public_key_file: Option<PathBuf>,
    /// A file with its keys as a key set (JWKS).
    #[serde(default)]
    pub jwks_file: Option<PathBuf>,
    /// What it may ask for, such as `altinn:broker.read`.
    pub scopes: Vec<String>,
    /// The organisations that have approved a system user of it.
    #[serde(default)]
    pub system_users: Vec<OrganisationId>,
    /// The organisation whose client it is. A token without a system user acts for it; without it such a
    /// token has access to nothing.
    #[serde(default)]
    pub organisation: Option<OrganisationId>,
}

/// A resource of Altinn's resource registry.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceConfig {
    /// Its id, such as `kv_dsve_test`.
    pub id: String,
    /// Who may send and receive with it; all unless set.
    #[serde(default)]
    pub rights: Option<Vec<OrganisationId>>,
    /// To whom files may be sent; to all unless set.
    #[serde(default)]
    pub access_list: Option<Vec<OrganisationId>>,
    /// Who must be the sender or the only recipient, if anybody.
    #[serde(default)]
    pub required_party: Option<OrganisationId>,
    /// Whether its owner is set up for Broker (else code 2).
    #[serde(default = "yes")]
    pub owner_configured: bool,
    /// Whether its storage is there (else code 21).
    #[serde(default = "yes")]
    pub storage_ready: bool,
    /// Bytes of a file, at most; never more than `limits.file_bytes`.
    #[serde(default)]
    pub largest_file: Option<usize>,
    /// How long a file is kept, in seconds.
    #[serde(default = "thirty_days")]
    pub time_to_live_seconds: u32,
}

const fn yes() -> bool {
    true
}

const fn thirty_days() -> u32 {
    30 * 24 * 3600
}

impl ResourceConfig {
    /// One that everybody may use.
    pub fn open(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            rights: None,
            access_list: None,
            required_party: None,
            owner_configured: true,
            storage_ready: true,
            largest_file: None,
            time_to_live_seconds: thirty_days(),
        }
    }
}

/// A participant as AKELDO lists it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AkeldoEntry {
    /// Who.
    pub organisation: OrganisationId,
    /// `bank` or `megler`; told as it stands here.
    pub role: String,
    /// The message types it can send, spelled as here.
    #[serde(default)]
    pub sends: Vec<String>,
    /// The message types it can receive, spelled as here.
    #[serde(default)]
    pub receives: Vec<String>,
}

/// How AKELDO's answers are spelled: the real keys are not known, so that a reader must take several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AkeldoSpelling {
    /// `organisasjonsnummer`, `rolle`, lists of texts.
    Full,
    /// `orgnr`, `type`, lists of objects with `navn`.
    Short,
    /// `id`, `rolle`, lists of objects with `meldingstype`.
    Objects,
    /// Each participant in another of the three.
    #[default]
    Mixed,
}

/// Somebody to whom events are posted.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// Where.
    #[serde(deserialize_with = "address")]
    pub to: Url,
    /// The organisations whose events they are; all when there is none.
    #[serde(default)]
    pub organisations: Vec<OrganisationId>,
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    let text = String::deserialize(deserializer)?;
    Url::parse(&text).map_err(|error| serde::de::Error::custom(format!("is no address: {error}")))
}

/// What is kept at most. When it is used up, initialising and uploading is answered with code 21.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// File transfers.
    pub transfers: usize,
    /// Bytes of one file.
    pub file_bytes: usize,
    /// Bytes of all files.
    pub kept_bytes: usize,
    /// Bytes of any other request's body.
    pub body_bytes: usize,
    /// Tokens, and names of assertions, that are remembered.
    pub tokens: usize,
    /// Seconds within which a request's body must have come.
    pub body_seconds: u64,
    /// Connections at the same time.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            transfers: 10_000,
            file_bytes: 16 * 1024 * 1024,
            kept_bytes: 256 * 1024 * 1024,
            body_bytes: 256 * 1024,
            tokens: 10_000,
            body_seconds: 30,
            connections: 256,
        }
    }
}

/// Why a configuration is of no use.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    File {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is not as it must be.
    #[error("{path} is no configuration of the stand-in")]
    Toml {
        /// Which.
        path: String,
        /// What is wrong, and where.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// It would be reachable from elsewhere.
    #[error("{0} is not an address of this machine alone: listen at 127.0.0.1 or [::1]")]
    NotLoopback(SocketAddr),
    /// A client without a key.
    #[error(
        "client {0} has no key: set public_key or public_key_file together with key_id, or jwks_file"
    )]
    NoKey(String),
    /// A name that stands twice.
    #[error("{0} stands twice")]
    Twice(String),
    /// A key is of no use.
    #[error("client {client}")]
    Key {
        /// Whose.
        client: String,
        /// Why.
        #[source]
        source: KeyError,
    },
}

impl Config {
    /// Reads a TOML file. Paths in it are relative to its folder.
    ///
    /// # Errors
    /// When it cannot be read, or is not as it must be.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let name = || path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::File { path: name(), source })?;
        let mut config: Self = toml::from_str(&text)
            .map_err(|source| ConfigError::Toml { path: name(), source: Box::new(source) })?;
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        for client in &mut config.clients {
            for file in [&mut client.public_key_file, &mut client.jwks_file].into_iter().flatten() {
                *file = folder.join(&*file);
            }
        }
        Ok(config)
    }

    /// With a client that has this key under the name `key-1`, both scopes of Broker, and a system user of
    /// each organisation.
    #[must_use]
    pub fn with_client(
        mut self,
        id: &str,
        key: &NewKey,
        system_users: impl IntoIterator<Item = OrganisationId>,
    ) -> Self {
        self.clients.push(ClientConfig {
            id: id.to_owned(),
            key_id: Some("key-1".to_owned()),
            public_key: Some(key.public_pem().to_owned()),
            scopes: vec!["altinn:broker.read".to_owned(), "altinn:broker.write".to_owned()],
            system_users: system_users.into_iter().collect(),
            ..ClientConfig::default()
        });
        self
    }

    /// With a resource.
    #[must_use]
    pub fn with_resource(mut self, resource: ResourceConfig) -> Self {
        self.resources.push(resource);
        self
    }

    /// With a participant in AKELDO.
    #[must_use]
    pub fn with_participant(mut self, entry: AkeldoEntry) -> Self {
        self.akeldo.push(entry);
        self
    }

    /// With another time for virus scans, in milliseconds.
    #[must_use]
    pub const fn with_scan_millis(mut self, millis: u64) -> Self {
        self.scan_millis = millis;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_and_its_paths_are_relative_to_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("altinn.toml");
        let text = r#"
            scan_millis = 10
            [[clients]]
            id = "vendor"
            key_id = "key-1"
            public_key_file = "vendor.pem"
            scopes = ["altinn:broker.read"]
            system_users = ["NO:926018159", "929111117"]
            [[resources]]
            id = "kv_dsve_test"
            [[akeldo]]
            organisation = "926018159"
            role = "bank"
            receives = ["Restgjeldsforespoersel"]
            [[subscriptions]]
            to = "http://127.0.0.1:1/events"
            [faults.unavailable.list]
            times = 2
        "#;
        std::fs::write(&path, text).unwrap();
        let config = Config::load(&path).unwrap();
        assert_eq!(config.clients[0].public_key_file, Some(folder.path().join("vendor.pem")));
        assert_eq!(config.clients[0].system_users.len(), 2);
        std::fs::write(&path, "scan_mills = 1").unwrap();
        let wrong = Config::load(&path).unwrap_err();
        assert!(matches!(wrong, ConfigError::Toml { .. }), "{wrong}");
    }
}

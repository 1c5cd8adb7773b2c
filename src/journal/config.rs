//! What an installation says about its journal.

use serde::Deserialize;

use crate::kernel::Secret;

/// The settings of the journal.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalConfig {
    /// Where it is: `sqlite:<path>` or `postgres://<user>:<password>@<host>/<database>`.
    pub url: Secret,
    /// At most so many connections, 1 or more. For SQLite these read; one more writes.
    #[serde(default = "default_connections")]
    pub max_connections: u32,
    /// How long a call waits for a connection before it fails, in seconds, 1 or more.
    #[serde(default = "default_acquire_timeout")]
    pub acquire_timeout_seconds: u64,
}

impl JournalConfig {
    /// The journal at an address, all else as it is by default.
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: Secret::new(url),
            max_connections: default_connections(),
            acquire_timeout_seconds: default_acquire_timeout(),
        }
    }
}

const fn default_connections() -> u32 {
    8
}

const fn default_acquire_timeout() -> u64 {
    5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelled_setting_is_refused_and_the_rest_has_defaults() {
        let config: JournalConfig = toml::from_str("url = \"sqlite:innfri.db\"").unwrap();
        assert_eq!((config.max_connections, config.acquire_timeout_seconds), (8, 5));
        let error = toml::from_str::<JournalConfig>("url = \"x\"\nmax_conections = 2").unwrap_err();
        assert!(error.to_string().contains("max_conections"));
    }

    #[test]
    fn the_address_is_not_printed() {
        let config = JournalConfig::at("postgres://innfri:hunter2@localhost/innfri");
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}

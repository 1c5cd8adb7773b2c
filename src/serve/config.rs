//! The settings of a whole installation: the sum of what the rooms want to be told.
//!
//! Sources, later ones win: `deploy/innfri.default.toml` (compiled in), a file, the environment
//! (`INNFRI__SECTION__KEY`). Values from the environment stay texts until a field's own type reads
//! them, so a leading zero survives.

use std::path::{Path, PathBuf};

use config::{Config, Environment as Variables, File, FileFormat, Map, Value, ValueKind};
use serde::Deserialize;

use crate::channel::altinn::AltinnConfig;
use crate::channel::amqp::AmqpConfig;
use crate::channel::http::HttpConfig;
use crate::channel::watch::WatchConfig;
use crate::exchange::ExchangeConfig;
use crate::journal::JournalConfig;
use crate::kernel::{Environment, Limits};
use crate::source::akeldo::AkeldoConfig;
use crate::telemetry::TelemetryConfig;

/// The defaults, which are also their documentation.
pub const DEFAULTS: &str = include_str!("../../deploy/innfri.default.toml");

/// Sections whose `url` is a secret and may come from a file (`url_file`).
const SECTIONS_WITH_URL: [&str; 3] = ["journal", "amqp", "akeldo"];

/// Sections that switch something on: it is off when nothing in them is set.
const SECTIONS_THAT_MAY_BE_LEFT_OUT: [&str; 4] = ["amqp", "http", "akeldo", "altinn"];

/// The settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How strictly check digits are taken.
    pub environment: Environment,
    /// Where the directory is.
    pub directory: DirectorySettings,
    /// AKELDO; `None` when no address is given.
    pub akeldo: Option<AkeldoConfig>,
    /// The journal.
    pub journal: JournalConfig,
    /// RabbitMQ; `None` when no address is given.
    pub amqp: Option<AmqpConfig>,
    /// HTTP; `None` when it is not listened for.
    pub http: Option<HttpConfig>,
    /// Altinn 3 Broker; `None` when no address is given.
    pub altinn: Option<AltinnConfig>,
    /// The exchange.
    pub exchange: ExchangeConfig,
    /// Dead letters.
    pub dead_letters: DeadLetterSettings,
    /// Limits on messages.
    pub limits: Limits,
    /// Where innfri is watched.
    #[serde(default)]
    pub watch: WatchConfig,
    /// Logging, and sending spans.
    pub log: TelemetryConfig,
}

/// How operators care for dead letters.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeadLetterSettings {
    /// Days for which a discarded letter can be brought back.
    pub purge_after_days: u32,
    /// Letters replayed a second, where nothing else is said.
    pub replay_rate: u32,
    /// Seconds that a due delivery may wait to be taken up before a replay stands back, so that live
    /// traffic goes first.
    pub replay_stands_back_seconds: u64,
    /// Seconds that a replay waits for its deliveries, or for a receiver that does not take any,
    /// before it stops by itself.
    pub replay_patience_seconds: u64,
}

/// Where the directory is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectorySettings {
    /// A TOML file.
    pub file: PathBuf,
}

/// Why the settings could not be used. Secrets are never repeated.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A source cannot be read.
    #[error("cannot read the settings: {0}")]
    Unreadable(String),
    /// A value is wrong, or a key is not known.
    #[error("setting `{key}` is not right: {message}")]
    Wrong {
        /// The key, with its section.
        key: String,
        /// What is wrong with it.
        message: String,
    },
    /// A file that should hold a secret cannot be read.
    #[error("cannot read {}, which `{key}` names: {message}", path.display())]
    SecretFile {
        /// The key.
        key: String,
        /// The file.
        path: PathBuf,
        /// Why.
        message: String,
    },
}

impl Settings {
    /// Reads the settings: defaults, then `file` if given (else `innfri.toml` here, if there is one),
    /// then the environment.
    ///
    /// # Errors
    /// When a source cannot be read, a key is unknown or a value is wrong; the key is named.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        Self::from_config(effective(file)?)
    }

    fn from_config(config: Config) -> Result<Self, ConfigError> {
        serde_path_to_error::deserialize(config).map_err(|error| {
            let key = error.path().to_string();
            let message = if key.ends_with("url") {
                "write an address such as sqlite:innfri.db or amqps://user:password@host".to_owned()
            } else {
                error.inner().to_string()
            };
            ConfigError::Wrong { key, message }
        })
    }

    /// The effective settings as TOML, with secrets masked.
    ///
    /// # Errors
    /// As for [`Settings::load`].
    pub fn print(file: Option<&Path>) -> Result<String, ConfigError> {
        let config = effective(file)?;
        Self::from_config(config.clone())?;
        let mut text = String::new();
        write_table(&mut text, "", &config.cache);
        Ok(text)
    }
}

fn effective(file: Option<&Path>) -> Result<Config, ConfigError> {
    let unreadable = |error: config::ConfigError| ConfigError::Unreadable(error.to_string());
    let own = match file {
        Some(path) => File::from(path).format(FileFormat::Toml).required(true),
        None => File::from(Path::new("innfri.toml")).format(FileFormat::Toml).required(false),
    };
    let mut config = Config::builder()
        .add_source(File::from_str(DEFAULTS, FileFormat::Toml))
        .add_source(own)
        .add_source(Variables::with_prefix("INNFRI").prefix_separator("__").separator("__"))
        .build()
        .map_err(unreadable)?;
    let ValueKind::Table(sections) = &mut config.cache.kind else {
        return Err(ConfigError::Unreadable("the settings are not a table".to_owned()));
    };
    for section in SECTIONS_WITH_URL {
        read_secret(sections, section)?;
    }
    // Keys that are set without an address would be ignored in silence: let them be refused instead.
    for section in SECTIONS_THAT_MAY_BE_LEFT_OUT {
        let nothing_set = matches!(
            sections.get(section).map(|value| &value.kind),
            Some(ValueKind::Table(table)) if table.is_empty()
        );
        if nothing_set {
            sections.remove(section);
        }
    }
    Ok(config)
}

/// Puts what `url_file` names in the place of `url`.
fn read_secret(sections: &mut Map<String, Value>, section: &str) -> Result<(), ConfigError> {
    let Some(ValueKind::Table(table)) = sections.get_mut(section).map(|value| &mut value.kind)
    else {
        return Ok(());
    };
    let Some(file) = table.remove("url_file") else { return Ok(()) };
    let path = PathBuf::from(file.to_string());
    let text = std::fs::read_to_string(&path).map_err(|error| ConfigError::SecretFile {
        key: format!("{section}.url_file"),
        path,
        message: error.to_string(),
    })?;
    table.insert("url".to_owned(), Value::from(text.trim().to_owned()));
    Ok(())
}

fn write_table(text: &mut String, name: &str, value: &Value) {
    let ValueKind::Table(table) = &value.kind else { return };
    let mut keys: Vec<&String> = table.keys().collect();
    keys.sort();
    if !name.is_empty() {
        text.push_str(&format!("\n[{name}]\n"));
    }
    for key in &keys {
        let Some(value) = table.get(*key) else { continue };
        match &value.kind {
            ValueKind::Table(_) => {}
            ValueKind::Boolean(_) | ValueKind::I64(_) | ValueKind::U64(_) => {
                text.push_str(&format!("{key} = {value}\n"));
            }
            _ if key.as_str() == "url" => {
                text.push_str(&format!("{key} = {:?}\n", masked(&value.to_string())));
            }
            _ => text.push_str(&format!("{key} = {:?}\n", value.to_string())),
        }
    }
    for key in keys {
        if let Some(value) = table.get(key) {
            write_table(text, key, value);
        }
    }
}

/// An address without its password.
fn masked(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    match rest.rsplit_once('@') {
        None => url.to_owned(),
        Some((login, host)) => {
            let user = login.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}:***@{host}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Settings, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("innfri.toml");
        std::fs::write(&file, text).unwrap();
        Settings::load(Some(&file))
    }

    #[test]
    fn the_defaults_alone_are_enough() {
        let settings = load("").unwrap();
        assert!(settings.amqp.is_none() && settings.http.is_none());
        assert!(settings.akeldo.is_none());
        assert_eq!(settings.exchange.group_size, ExchangeConfig::default().group_size);
        assert_eq!(settings.limits, Limits::default());
    }

    #[test]
    fn an_unknown_key_is_named() {
        let error = load("[exchange]\ngroup_sise = 3").unwrap_err().to_string();
        assert!(error.contains("group_sise"), "{error}");
        let error = load("[amqp]\nprefetch = 3").unwrap_err().to_string();
        assert!(error.contains("amqp") && error.contains("url"), "{error}");
        let error = load("[http]\nburst = 3").unwrap_err().to_string();
        assert!(error.contains("http") && error.contains("listen"), "{error}");
        let error = load("[akeldo]\nrefresh_minutes = 3").unwrap_err().to_string();
        assert!(error.contains("akeldo") && error.contains("url"), "{error}");
    }

    #[test]
    fn a_secret_may_come_from_a_file_and_is_masked_when_printed() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("url");
        std::fs::write(&secret, "amqps://innfri:hunter2@host/\n").unwrap();
        let file = folder.path().join("innfri.toml");
        std::fs::write(&file, format!("[amqp]\nurl_file = {secret:?}")).unwrap();
        let settings = Settings::load(Some(&file)).unwrap();
        assert_eq!(settings.amqp.unwrap().url.expose(), "amqps://innfri:hunter2@host/");
        let printed = Settings::print(Some(&file)).unwrap();
        assert!(printed.contains("amqps://innfri:***@host/") && !printed.contains("hunter2"));
    }
}

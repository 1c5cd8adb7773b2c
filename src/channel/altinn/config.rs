//! The settings of the Altinn channel.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::error::SetupError;
use crate::kernel::{Country, OrganisationId};

/// How Altinn 3 Broker is reached, and for whom (`[altinn]`).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AltinnConfig {
    /// Altinn's platform: `https://platform.altinn.no`, for tests `https://platform.tt02.altinn.no`.
    pub platform_url: String,
    /// How innfri signs in.
    pub maskinporten: MaskinportenConfig,
    /// The resource that files are sent under: `kv_dsve`, for tests `kv_dsve_test`.
    pub resource_id: String,
    /// The Norwegian organisations that innfri receives and sends for, as their system user; 1 or more.
    pub organisations: Vec<OrganisationId>,
    /// Seconds between two looks for new files while files come; 1 or more.
    #[serde(default = "default::poll_shortest_seconds")]
    pub poll_shortest_seconds: u64,
    /// Seconds between two looks when nothing has come for long.
    #[serde(default = "default::poll_longest_seconds")]
    pub poll_longest_seconds: u64,
    /// Bytes of a file, at most, both ways; larger ones are not read. 1 or more.
    #[serde(default = "default::most_bytes")]
    pub most_bytes: u32,
    /// Seconds for one call; 1 or more.
    #[serde(default = "default::timeout_seconds")]
    pub timeout_seconds: u64,
    /// Seconds for one upload or download; 1 or more.
    #[serde(default = "default::transfer_timeout_seconds")]
    pub transfer_timeout_seconds: u64,
    /// Milliseconds after an upload until innfri first asks whether the file is published; the waits
    /// double then, to twenty times as long. 1 or more.
    #[serde(default = "default::follow_milliseconds")]
    pub follow_milliseconds: u64,
    /// Seconds for which one sending follows its file until that is published; then it is taken up anew
    /// later, where it stands. Less than half of `exchange.lease_seconds`. 1 or more.
    #[serde(default = "default::follow_seconds")]
    pub follow_seconds: u64,
    /// Seconds by which Altinn's lists may lag behind what was done.
    #[serde(default = "default::list_lag_seconds")]
    pub list_lag_seconds: u64,
    /// A file with the secret at the end of the address to which Altinn Events posts
    /// (`/altinn/events/SECRET`, where `http.listen` is): 32 letters, digits, hyphens or underscores, or
    /// more. Without it, no events are taken.
    #[serde(default)]
    pub events_secret_file: Option<PathBuf>,
    /// Certificates (PEM) to trust instead of the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Whether addresses of private networks and of this machine may be called: for the simulator.
    #[serde(default)]
    pub allow_private_addresses: bool,
}

/// How innfri signs in with Maskinporten (`[altinn.maskinporten]`).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaskinportenConfig {
    /// The issuer, as tokens name it: `https://maskinporten.no/`, for tests
    /// `https://test.maskinporten.no/`.
    pub issuer: String,
    /// The token endpoint; the issuer followed by `token` unless set.
    #[serde(default)]
    pub token_url: Option<String>,
    /// innfri's client, as Maskinporten names it.
    pub client_id: String,
    /// The client's RSA key: PEM, PKCS#8 (`BEGIN PRIVATE KEY`), or PKCS#12.
    pub key_file: PathBuf,
    /// A file with the password of a PKCS#12 file; an empty password unless set.
    #[serde(default)]
    pub key_password_file: Option<PathBuf>,
    /// The key's name at Maskinporten (`kid`).
    pub key_id: String,
    /// The scopes to ask for.
    #[serde(default = "default::scopes")]
    pub scopes: Vec<String>,
}

mod default {
    pub(super) const fn poll_shortest_seconds() -> u64 {
        5
    }
    pub(super) const fn poll_longest_seconds() -> u64 {
        300
    }
    pub(super) const fn most_bytes() -> u32 {
        10 * 1024 * 1024
    }
    pub(super) const fn timeout_seconds() -> u64 {
        30
    }
    pub(super) const fn transfer_timeout_seconds() -> u64 {
        120
    }
    pub(super) const fn follow_milliseconds() -> u64 {
        500
    }
    pub(super) const fn follow_seconds() -> u64 {
        40
    }
    pub(super) const fn list_lag_seconds() -> u64 {
        5
    }
    pub(super) fn scopes() -> Vec<String> {
        ["altinn:broker.read", "altinn:broker.write"].map(str::to_owned).to_vec()
    }
}

impl AltinnConfig {
    /// Checks what can be checked without Altinn.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn check(&self) -> Result<(), SetupError> {
        let counts = [
            ("altinn.poll_shortest_seconds", self.poll_shortest_seconds),
            ("altinn.most_bytes", u64::from(self.most_bytes)),
            ("altinn.timeout_seconds", self.timeout_seconds),
            ("altinn.transfer_timeout_seconds", self.transfer_timeout_seconds),
            ("altinn.follow_milliseconds", self.follow_milliseconds),
            ("altinn.follow_seconds", self.follow_seconds),
        ];
        let texts = [
            ("altinn.resource_id", &self.resource_id),
            ("altinn.maskinporten.client_id", &self.maskinporten.client_id),
            ("altinn.maskinporten.key_id", &self.maskinporten.key_id),
            ("altinn.maskinporten.issuer", &self.maskinporten.issuer),
        ];
        let wrong = |name, problem| Err(SetupError::Setting { name, problem });
        if let Some((name, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return wrong(name, "must be 1 or more");
        }
        if let Some((name, _)) = texts.into_iter().find(|(_, text)| text.trim().is_empty()) {
            return wrong(name, "must not be empty");
        }
        if self.poll_longest_seconds < self.poll_shortest_seconds {
            return wrong("altinn.poll_longest_seconds", "must not be less than the shortest");
        }
        if self.maskinporten.scopes.is_empty() {
            return wrong("altinn.maskinporten.scopes", "must name a scope");
        }
        if self.organisations.is_empty() {
            return wrong("altinn.organisations", "must name an organisation");
        }
        if self.organisations.iter().any(|one| one.country() != Country::No) {
            return wrong("altinn.organisations", "Altinn knows Norwegian organisations only");
        }
        Ok(())
    }

    /// The pauses between looks for new files.
    pub const fn poll_range(&self) -> (Duration, Duration) {
        (
            Duration::from_secs(self.poll_shortest_seconds),
            Duration::from_secs(self.poll_longest_seconds),
        )
    }
}

impl MaskinportenConfig {
    /// The issuer with the slash at its end that Maskinporten wants in `aud`.
    pub(super) fn audience(&self) -> String {
        format!("{}/", self.issuer.trim_end_matches('/'))
    }

    /// Where tokens are asked for.
    pub(super) fn token_endpoint(&self) -> String {
        self.token_url.clone().unwrap_or_else(|| format!("{}token", self.audience()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = r#"
        platform_url = "https://platform.altinn.no"
        resource_id = "kv_dsve"
        organisations = ["926018159"]
        [maskinporten]
        issuer = "https://maskinporten.no"
        client_id = "0b1d1d7e-5c1f-4a6e-9d0b-3f6a1e2c4b5d"
        key_file = "maskinporten.pem"
        key_id = "innfri-1"
    "#;

    fn read(text: &str) -> Result<AltinnConfig, toml::de::Error> {
        toml::from_str(text)
    }

    #[test]
    fn what_is_not_set_has_its_default_and_what_is_unknown_is_refused() {
        let config = read(LEAST).unwrap();
        config.check().unwrap();
        assert_eq!(config.poll_range(), (Duration::from_secs(5), Duration::from_secs(300)));
        assert_eq!(config.maskinporten.scopes, ["altinn:broker.read", "altinn:broker.write"]);
        assert!(read(&LEAST.replace("resource_id", "resourceid")).is_err());
        assert!(read(&format!("{LEAST}\nkey_fiel = \"x\"")).is_err());
    }

    #[test]
    fn the_documented_settings_are_all_there_are_with_their_defaults() {
        let documented = include_str!("../../../deploy/innfri.default.toml");
        let from = documented.find("\n[altinn]").unwrap() + 1;
        let part = documented.get(from..).unwrap();
        let part = part.get(..part.find("\n[").unwrap()).unwrap();
        // What is no sentence is a setting.
        let lines = part.lines().filter_map(|line| line.strip_prefix("# "));
        let is_setting =
            |line: &&str| line.starts_with('[') || (line.contains(" = ") && !line.ends_with('.'));
        let text = lines.filter(is_setting).collect::<Vec<_>>().join("\n");
        let text = text.replace("[altinn]", "").replace("[altinn.", "[");
        let documented = read(&text).unwrap();
        documented.check().unwrap();
        let mut least = read(LEAST).unwrap();
        // The examples of what has no default.
        least.ca_file = documented.ca_file.clone();
        least.events_secret_file = documented.events_secret_file.clone();
        least.maskinporten.issuer = documented.maskinporten.issuer.clone();
        least.maskinporten.token_url = documented.maskinporten.token_url.clone();
        least.maskinporten.key_password_file = documented.maskinporten.key_password_file.clone();
        assert_eq!(format!("{documented:?}"), format!("{least:?}"));
    }

    #[rstest::rstest]
    #[case::bare("https://maskinporten.no")]
    #[case::with_slash("https://maskinporten.no/")]
    fn the_audience_ends_in_one_slash(#[case] issuer: &str) {
        let mut config = read(LEAST).unwrap();
        config.maskinporten.issuer = issuer.to_owned();
        assert_eq!(config.maskinporten.audience(), "https://maskinporten.no/");
        assert_eq!(config.maskinporten.token_endpoint(), "https://maskinporten.no/token");
    }

    #[rstest::rstest]
    #[case::nobody("organisations = [\"926018159\"]", "organisations = []", "altinn.organisations")]
    #[case::finn("926018159", "FI:1234567-8", "altinn.organisations")]
    #[case::zero("resource_id", "most_bytes = 0\nresource_id", "altinn.most_bytes")]
    #[case::empty("\"kv_dsve\"", "\" \"", "altinn.resource_id")]
    #[case::backwards(
        "resource_id",
        "poll_longest_seconds = 1\nresource_id",
        "altinn.poll_longest_seconds"
    )]
    #[case::no_scope("[maskinporten]", "[maskinporten]\nscopes = []", "altinn.maskinporten.scopes")]
    fn a_setting_that_cannot_be_used_is_named(
        #[case] good: &str,
        #[case] bad: &str,
        #[case] expected: &str,
    ) {
        match read(&LEAST.replace(good, bad)).unwrap().check() {
            Err(SetupError::Setting { name, .. }) => assert_eq!(name, expected),
            other => panic!("{other:?}"),
        }
    }
}

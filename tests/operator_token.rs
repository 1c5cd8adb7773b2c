//! Tokens as people give them out: with the built program, and then signed in with.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops at what it did not expect"
)]

use std::process::{Command, Output};
use std::sync::Arc;

use assert_cmd::cargo::CommandCargoExt;
use innfri::channel::http::sign_in::{NotSignedIn, SignIn, SignInConfig};
use innfri::journal::JournalConfig;
use innfri::kernel::Login;
use innfri::port::SystemClock;
use innfri::source::file;
use serde_json::Value;
use tempfile::TempDir;

const DIRECTORY: &str = r#"
[[participant]]
id = "926018159"
name = "Eksempel Eiendomsmegling"
role = "estate-agency"

[[operator]]
login = "vendor"
name = "Eksempel System"
speaks_for = ["926018159"]
"#;

struct Installation {
    folder: TempDir,
}

impl Installation {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("directory.toml"), DIRECTORY).unwrap();
        Self { folder }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::cargo_bin("innfri").unwrap();
        command.current_dir(self.folder.path()).args(["operator", "token"]).args(arguments);
        command.output().unwrap()
    }

    fn list(&self) -> Vec<Value> {
        let listed = self.run(&["list", "--json"]);
        text(&listed.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Signing in, as a process that starts now would do it.
    async fn sign_in(&self, token: &str) -> Result<Login, NotSignedIn> {
        let path = self.folder.path().join("innfri.db");
        let config = JournalConfig::at(format!("sqlite:{}", path.display()));
        let tokens = innfri::journal::open_tokens(&config).await.unwrap();
        let directory = file::load(&self.folder.path().join("directory.toml")).unwrap();
        let (_keep, directory) = tokio::sync::watch::channel(Arc::new(directory));
        let config = SignInConfig::default();
        let sign_in = SignIn::new(&config, tokens, directory, Arc::new(SystemClock)).unwrap();
        sign_in.check(Some(&format!("Bearer {token}"))).await
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn a_token_is_given_out_listed_used_and_taken_back() {
    let installation = Installation::new();
    let given = installation.run(&[
        "create",
        "vendor",
        "--expires",
        "90d",
        "--note",
        "staging",
        "--operator",
        "kari",
    ]);
    assert!(given.status.success(), "{}", text(&given.stderr));
    let out = text(&given.stdout);
    let token = out.strip_suffix('\n').unwrap();
    assert!(token.starts_with("innfri_") && !token.contains(char::is_whitespace), "{out}");
    let id = token.split('_').nth(1).unwrap();
    let secret = token.rsplit('_').next().unwrap();
    assert!(text(&given.stderr).contains(id) && !text(&given.stderr).contains(secret));
    assert_eq!(installation.sign_in(token).await, Ok(Login::new("vendor")));

    let listed = installation.list();
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0]["id"], &listed[0]["state"]), (&id.into(), &"good".into()));
    assert_eq!((&listed[0]["createdBy"], &listed[0]["note"]), (&"kari".into(), &"staging".into()));
    assert!(listed[0]["expiresAt"].is_string());
    let table = text(&installation.run(&["list", "vendor"]).stdout);
    assert!(table.contains(id) && !table.contains(secret) && !table.contains("argon2"), "{table}");
    assert!(!text(&installation.run(&["list", "other"]).stdout).contains(id));

    let revoke = ["revoke", id, "--reason", "the vendor moved", "--operator", "ola"];
    assert!(installation.run(&revoke).status.success());
    assert_eq!(installation.sign_in(token).await, Err(NotSignedIn::Unknown));
    let again = installation.run(&["revoke", id, "--reason", "again", "--operator", "kari"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stdout).contains("ola: the vendor moved"));
    let listed = installation.list();
    assert_eq!((&listed[0]["state"], &listed[0]["revokedBy"]), (&"revoked".into(), &"ola".into()));
}

#[test]
fn a_token_for_nobody_without_an_end_in_time_or_without_a_reason_is_refused() {
    let installation = Installation::new();
    let stranger = installation.run(&["create", "stranger", "--operator", "kari"]);
    assert_eq!(stranger.status.code(), Some(2));
    let told = text(&stranger.stderr);
    assert!(stranger.stdout.is_empty() && told.contains("stranger") && told.contains("vendor"));
    for wrong in [
        ["create", "vendor", "--operator", "kari", "--expires", "0d"].as_slice(),
        &["create", "vendor", "--operator", " "],
        &["revoke", "000000000000", "--operator", "kari", "--reason", " "],
        &["revoke", "no id", "--operator", "kari", "--reason", "lost"],
    ] {
        let refused = installation.run(wrong);
        assert_eq!((refused.status.code(), refused.stdout.len()), (Some(2), 0), "{wrong:?}");
    }
    let unknown =
        installation.run(&["revoke", "000000000000", "--operator", "kari", "--reason", "lost"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(installation.list().is_empty());
}

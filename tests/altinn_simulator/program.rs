//! The stand-in as a program: keys made, addresses printed, stopped in good order.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

fn innfri() -> Command {
    let mut command = Command::new(
        std::env::var_os("INNFRI_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_innfri").into()),
    );
    command.arg("altinn-simulator").stdin(Stdio::null());
    command
}

#[tokio::test]
async fn a_key_is_made_and_the_program_plays_until_it_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("vendor.pem");
    assert!(innfri().arg("--new-key").arg(&key).status().unwrap().success());
    assert!(!innfri().arg("--new-key").arg(&key).stderr(Stdio::null()).status().unwrap().success());
    let config = folder.path().join("altinn.toml");
    let text = "[[clients]]\nid = \"vendor\"\nkey_id = \"key-1\"\npublic_key_file = \"vendor.pem.pub\"\n\
        scopes = [\"altinn:broker.read\"]\nsystem_users = [\"926018159\"]\n";
    std::fs::write(&config, text).unwrap();
    let mut program = innfri();
    program.arg("--config").arg(&config).args(["--json", "--faults", "{\"failed_scans\": 3}"]);
    let mut program = program.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let told: Value = serde_json::from_str(&line).unwrap();
    let base = told["base_url"].as_str().unwrap();
    assert_eq!(told["maskinporten_issuer"], format!("{base}/maskinporten/"));
    let state = reqwest::get(format!("{base}/simulator/state")).await.unwrap();
    let state: Value = state.json().await.unwrap();
    assert_eq!(state["faults"]["failed_scans"], 3);
    let killed = Command::new("kill").arg(program.id().to_string()).status().unwrap();
    assert!(killed.success());
    assert!(program.wait().unwrap().success());
}

#[test]
fn wrong_arguments_are_refused_and_the_help_is_complete() {
    for wrong in
        [vec![], vec!["--config", "/nowhere/altinn.toml"], vec!["--faults", "{\"luck\":1}"]]
    {
        let output = innfri().args(&wrong).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        assert!(!output.stderr.is_empty());
    }
    let help = innfri().arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for word in ["/broker/api/v1/filetransfer", "listing_delay_millis", "[[clients]]", "--new-key"]
    {
        assert!(help.contains(word), "{word}");
    }
}

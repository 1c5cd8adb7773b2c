//! The commands that need no server, as a user or a script meets them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops at what it did not expect"
)]

#[path = "support/program.rs"]
#[allow(dead_code, reason = "this test uses a part of it")]
mod program;

use std::path::PathBuf;
use std::process::Output;

use serde_json::Value;

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = program::run(arguments, &[]);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stdout), text(stderr))
}

fn example(name: &str) -> String {
    format!("{}/examples/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect()
}

#[test]
fn the_demo_shows_every_kind_of_outcome() {
    let (code, out, err) = run(&["demo", "--json"]);
    assert_eq!(code, Some(0), "{err}");
    let cases = lines(&out);
    let count = |key: &str, value: &str| cases.iter().filter(|case| case[key] == value).count();
    assert_eq!((count("outcome", "answer"), count("outcome", "open")), (3, 2));
    for code in ["LAAN_NEDBETALT", "LAAN_SOLGT", "SVARER_I_EPOST", "FEIL"] {
        assert!(count("status", code) >= 1, "{code} is shown");
    }
    assert!(cases.iter().any(|case| case["outcome"] == "answer"
        && case["type"] == "no.dsve.innfrielsessaldoforespoersel.v1"));
    assert!(cases.iter().any(|case| case["findings"].as_u64() > Some(1)));
}

#[test]
fn the_contracts_are_printed_without_settings_or_servers() {
    for (command, file) in [
        ("asyncapi", "schemas/asyncapi.json"),
        ("openapi", "schemas/openapi.json"),
        ("messages", "docs/messages.md"),
    ] {
        let kept = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
        let (code, out, err) = run(&[command]);
        assert_eq!((code, err.as_str()), (Some(0), ""), "{command}");
        assert!(out == std::fs::read_to_string(kept).unwrap(), "{command} prints {file}");
    }
}

#[test]
fn a_right_message_is_fine() {
    let file = example("demo/requests/01-restgjeld.no.dsve.restgjeldsforespoersel.v1.json");
    let (code, out, _) = run(&["check", &file, "--environment", "test", "--json"]);
    assert_eq!((code, lines(&out)[0]["ok"].clone()), (Some(0), Value::Bool(true)));
}

#[test]
fn a_wrong_message_gives_every_finding_with_its_place() {
    let file = example("demo/requests/11-ugyldig.no.dsve.innfrielsessaldoforespoersel.v1.json");
    let (code, out, _) = run(&["check", &file, "--json"]);
    assert_eq!(code, Some(1));
    let report = &lines(&out)[0];
    let places: Vec<&str> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["peker"].as_str())
        .collect();
    assert!(places.contains(&"/avsender/hastverk"), "{places:?}");
    assert!(places.len() >= 4, "{places:?}");
    let (code, out, _) = run(&["check", &file]);
    assert_eq!(code, Some(1));
    assert!(out.contains("skriv fire sifre"), "{out}");
}

#[test]
fn what_cannot_be_run_says_what_to_do() {
    let file = example("tour/directory.toml");
    let (code, _, err) = run(&["check", &file]);
    assert_eq!(code, Some(2));
    assert!(err.contains("--type") && err.contains("no.dsve.restgjeldssvar.v1"), "{err}");
    let (code, _, err) = run(&["check", "no-such-file.no.dsve.status.v1.json"]);
    assert_eq!(code, Some(2));
    assert!(err.contains("cannot read no-such-file"), "{err}");
    let (code, _, err) = run(&["explain", "INN-999"]);
    assert_eq!(code, Some(2));
    assert!(err.contains("lists all"), "{err}");
    let (code, _, err) = run(&["frobnicate"]);
    assert_eq!(code, Some(2));
    assert!(err.contains("--help"), "{err}");
}

#[test]
fn every_rule_is_explained() {
    let (code, out, _) = run(&["explain", "--json"]);
    assert_eq!(code, Some(0));
    let rules = lines(&out);
    assert!(rules.len() > 40);
    for rule in rules {
        for key in ["rule", "title", "tekst", "text", "whatToDo", "source"] {
            assert!(rule[key].as_str().is_some_and(|text| !text.is_empty()), "{key} of {rule}");
        }
    }
}

#[test]
fn settings_are_shown_with_secrets_masked_and_mistakes_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file: PathBuf = folder.path().join("innfri.toml");
    std::fs::write(&file, "[amqp]\nurl = \"amqps://innfri:hunter2@host/%2f\"\n").unwrap();
    let file = file.display().to_string();
    let (code, out, _) = run(&["serve", "--config", &file, "--print-config"]);
    assert_eq!(code, Some(0));
    assert!(out.contains("innfri:***@host") && !out.contains("hunter2"), "{out}");

    std::fs::write(&file, "[exchange]\ngroup_sise = 7\n").unwrap();
    let (code, _, err) = run(&["serve", "--config", &file]);
    assert_eq!(code, Some(2));
    assert!(err.contains("group_sise"), "{err}");

    let environment = [("INNFRI__EXCHANGE__GROUP_SIZE", "many")];
    let output = program::run(&["serve", "--print-config"], &environment);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("exchange.group_size"), "{said}");
}

#[test]
fn the_doctor_names_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("innfri.toml");
    let text = format!(
        "[directory]\nfile = \"missing.toml\"\n[journal]\nurl = \"sqlite:{}\"\n",
        folder.path().join("journal.db").display()
    );
    std::fs::write(&file, text).unwrap();
    let file = file.display().to_string();
    let (code, out, _) = run(&["doctor", "--config", &file, "--json"]);
    assert_eq!(code, Some(1));
    let checks = lines(&out);
    let of = |what: &str| checks.iter().find(|check| check["what"] == what).unwrap();
    assert_eq!(of("journal")["ok"], true);
    assert_eq!(of("directory")["ok"], false);
    assert!(of("directory")["says"].as_str().unwrap().contains("missing.toml"));
}

#[test]
fn every_command_explains_itself() {
    for command in [
        "demo", "check", "convert", "explain", "serve", "send", "case", "topology", "bank",
        "doctor",
    ] {
        let (code, out, _) = run(&[command, "--help"]);
        assert_eq!(code, Some(0));
        assert!(out.contains("Usage: innfri") && out.lines().count() > 5, "{command}: {out}");
    }
}

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops at what it did not expect"
)]
//! `innfri convert`, and `innfri check` of XML and ZIP, as a user or a script meets them.

#[path = "support/archive.rs"]
#[allow(dead_code, reason = "this test uses a part of it")]
mod archive;
#[path = "support/program.rs"]
#[allow(dead_code, reason = "this test uses a part of it")]
mod program;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const REQUEST: &str = "no.dsve.restgjeldsforespoersel.v1.matrikkel.json";
const ANSWER: &str = "no.dsve.innfrielsessaldosvar.v1.to-datoer.json";
const STATUS: &str = "no.dsve.status.v1.laan-solgt.json";

fn run(arguments: &[&str]) -> (Option<i32>, Vec<u8>, String) {
    let Output { status, stdout, stderr } = program::run(arguments, &[]);
    (status.code(), stdout, String::from_utf8(stderr).expect("UTF-8"))
}

/// Runs with something on standard input.
fn fed(arguments: &[&str], input: &[u8]) -> (Option<i32>, Vec<u8>, String) {
    let mut child = Command::new(program::binary())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    (status.code(), stdout, String::from_utf8(stderr).expect("UTF-8"))
}

fn example(name: &str) -> String {
    format!("{}/examples/messages/no/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("JSON")
}

fn of_file(file: &str) -> Value {
    json(&std::fs::read(file).unwrap())
}

/// A folder, and the path of a file in it.
fn place(name: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name).display().to_string();
    (folder, file)
}

/// The examples that have XML.
fn messages() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(example(""))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.display().to_string().contains("forespoersel")
                || path.display().to_string().contains("svar.v1")
        })
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    assert!(files.len() >= 16, "{}", files.len());
    files
}

#[test]
fn every_example_comes_back_from_xml_and_from_zip_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    for file in messages() {
        let name = file.display().to_string();
        for form in ["xml", "zip"] {
            let out = folder.path().join(format!("message.{form}")).display().to_string();
            let test = ["--environment", "test"];
            let (code, printed, err) =
                run(&[&["convert", &name, "--to", form, "--out", &out], &test[..]].concat());
            // Payoff dates of examples may have passed by the time this runs.
            assert!(code == Some(0) || err.contains("INN-048"), "{name}: {err}");
            assert!(printed.is_empty());
            let (_, back, err) = run(&[&["convert", &out], &test[..]].concat());
            assert_eq!(json(&back), of_file(&name), "{form}: {err}");
        }
    }
}

#[test]
fn the_same_message_gives_the_same_archive_each_time() {
    let archive = || run(&["convert", &example(ANSWER), "--to", "zip"]).1;
    let first = archive();
    assert!(first.starts_with(b"PK"));
    assert_eq!(first, archive());
}

#[test]
fn xml_goes_to_zip_and_back_to_the_same_xml() {
    let (_, xml, _) = run(&["convert", &example(ANSWER)]);
    assert!(
        xml.starts_with(b"<?xml")
            && String::from_utf8_lossy(&xml).contains("<innfrielsessaldosvar")
    );
    let (_, zip, _) = fed(&["convert", "-", "--to", "zip", "--reference", "A/1"], &xml);
    let (_, back, _) = fed(&["convert", "-", "--to", "xml"], &zip);
    assert_eq!(xml, back);
}

#[test]
fn a_refusal_travels_as_an_archive_without_an_answer() {
    let about = "no.dsve.restgjeldsforespoersel.v1";
    let (code, zip, err) = run(&["convert", &example(STATUS), "--to", "zip", "--about", about]);
    assert_eq!(code, Some(0), "{err}");
    let (code, back, err) = fed(&["convert", "-"], &zip);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let (back, wanted) = (json(&back), of_file(&example(STATUS)));
    for field in ["statuskode", "tekst"] {
        assert_eq!(back[field], wanted[field]);
    }
    assert_eq!(back["avsender"]["id"], wanted["avsender"]["id"]);

    let (_folder, file) = place("svar.zip");
    std::fs::write(&file, &zip).unwrap();
    let (code, out, _) = run(&["check", &file, "--json"]);
    let report = json(&out);
    assert_eq!((code, &report["type"]), (Some(0), &Value::from("no.dsve.status.v1")));

    for arguments in
        [vec!["convert", &file, "--to", "xml"], vec!["convert", &example(STATUS), "--to", "zip"]]
    {
        let (code, out, err) = run(&arguments);
        assert_eq!(code, Some(2), "{err}");
        assert!(out.is_empty() && (err.contains("json") || err.contains("--about")), "{err}");
    }
    // A status has no XML.
    let (code, out, err) = run(&["convert", &example(STATUS)]);
    assert_eq!((code, out.len()), (Some(1), 0), "{err}");
    assert!(err.contains("INN-077"), "{err}");
}

#[test]
fn xml_and_zip_are_checked_by_the_same_rules_as_json() {
    let mut message = of_file(&example(REQUEST));
    message["avsender"]["id"] = "926018150".into();
    let body = message.to_string();
    let kind = ["--type", "no.dsve.restgjeldsforespoersel.v1"];
    let (code, out, _) = fed(&[&["check", "-", "--json"], &kind[..]].concat(), body.as_bytes());
    assert_eq!(code, Some(1));
    let found = |bytes: &[u8]| -> Vec<(String, String)> {
        let report = json(bytes);
        let findings = report["findings"].as_array().unwrap();
        findings.iter().map(|it| (it["regel"].to_string(), it["peker"].to_string())).collect()
    };
    let wanted = found(&out);
    assert!(wanted.iter().any(|(rule, _)| rule.contains("INN-040")), "{wanted:?}");

    for form in ["xml", "zip"] {
        let (code, made, err) =
            fed(&[&["convert", "-", "--to", form], &kind[..]].concat(), body.as_bytes());
        assert_eq!(code, Some(1), "what breaks a rule is converted and told: {err}");
        assert!(err.contains("INN-040") && !made.is_empty(), "{err}");
        // Another ending than its own: the content decides.
        let (_folder, file) = place("melding.json");
        std::fs::write(&file, &made).unwrap();
        let (code, out, _) = run(&["check", &file, "--json"]);
        assert_eq!(code, Some(1));
        assert_eq!(json(&out)["type"], "no.dsve.restgjeldsforespoersel.v1");
        assert_eq!(found(&out), wanted);
        let (code, out, _) = run(&["check", &file, "--environment", "test"]);
        let out = String::from_utf8(out).unwrap();
        assert_eq!(code, Some(0), "{out}");
        assert!(out.contains("warning INN-040"), "{out}");
    }
}

#[test]
fn a_contact_that_is_missing_from_xml_is_a_warning_told_once() {
    let (_, xml, _) = run(&["convert", &example(REQUEST)]);
    let xml = String::from_utf8(xml).unwrap();
    let (front, rest) = xml.split_once("<kontaktperson>").unwrap();
    let (_, back) = rest.split_once("</kontaktperson>").unwrap();
    let xml = format!("{front}{back}");
    let zip = archive::archive(&[("Restgjeldsforespoersel.XML", xml.as_bytes())]);
    for bytes in [xml.as_bytes(), &zip] {
        let (code, out, _) = fed(&["check", "-", "--environment", "test", "--json"], bytes);
        let report = json(&out);
        let contact: Vec<&Value> = report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|it| it["regel"] == "INN-060" || it["regel"] == "INN-002")
            .collect();
        assert_eq!((code, contact.len()), (Some(0), 1), "{report}");
        assert_eq!(contact[0]["alvorlighet"], "warning");
    }
}

#[test]
fn what_cannot_be_read_gives_findings_and_no_output() {
    let no_message = archive::archive(&[("svar.xml", b"<a/>")]);
    let bomb = archive::archive(&[("restgjeldssvar_1.xml", &vec![b' '; 1_500_000])]);
    let cases: [(&str, &[u8], &str); 6] = [
        ("a.zip", b"not an archive", "INN-080"),
        ("a.zip", &no_message, "INN-084"),
        ("a.zip", &bomb, "INN-081"),
        ("a.xml", b"<restgjeldssvar>", "INN-061"),
        ("a.xml", b"<annet/>", "INN-065"),
        ("a.xml", b"<!DOCTYPE a [<!ENTITY b \"c\">]><restgjeldssvar/>", "INN-062"),
    ];
    for (name, bytes, rule) in cases {
        let (_folder, file) = place(name);
        std::fs::write(&file, bytes).unwrap();
        let (code, out, err) = run(&["convert", &file, "--json"]);
        assert_eq!((code, out.len()), (Some(1), 0), "{rule}: {err}");
        let report = json(err.as_bytes());
        let rules: Vec<&str> = report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|it| it["regel"].as_str())
            .collect();
        assert!(rules.contains(&rule), "{rules:?}");
        let (code, out, _) = run(&["check", &file]);
        assert_eq!(code, Some(1));
        assert!(String::from_utf8(out).unwrap().contains(rule));
        let (code, out, _) = run(&["explain", rule]);
        assert_eq!(code, Some(0));
        assert!(String::from_utf8(out).unwrap().contains("What to do"));
    }
}

#[test]
fn what_cannot_be_run_says_what_to_do() {
    let request = std::fs::read(example(REQUEST)).unwrap();
    let (code, _, err) = fed(&["convert", "-"], &request);
    assert_eq!(code, Some(2));
    assert!(err.contains("standard input") && err.contains("--type"), "{err}");
    let (code, _, err) = run(&["convert", "no-such-file.xml"]);
    assert_eq!(code, Some(2));
    assert!(err.contains("cannot read no-such-file.xml"), "{err}");
    let (_, xml, _) = run(&["convert", &example(REQUEST)]);
    let (code, _, err) = fed(&["convert", "-", "--type", "no.dsve.restgjeldssvar.v1"], &xml);
    assert_eq!(code, Some(2));
    assert!(err.contains("is no.dsve.restgjeldsforespoersel.v1"), "{err}");
    let nowhere = Path::new("/nonexistent/a.xml").display().to_string();
    let (code, _, err) = run(&["convert", &example(REQUEST), "--out", &nowhere]);
    assert_eq!(code, Some(2));
    assert!(err.contains("cannot write /nonexistent/a.xml"), "{err}");
    let (code, out, _) = run(&["convert", "--help"]);
    assert_eq!(code, Some(0));
    let help = String::from_utf8(out).unwrap();
    for word in ["--to", "--out", "--about", "--reference", "Exit codes", "standard input"] {
        assert!(help.contains(word), "{word}: {help}");
    }
}

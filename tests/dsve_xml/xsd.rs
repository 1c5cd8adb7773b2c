//! What is written follows the official XSD, and what the XSD refuses is refused here, too: judged by
//! `xmllint`, where `INNFRI_DSVE_XSD` names the file.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use innfri::contract::{Body, MessageType, read_message};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::dsve::{KINDS, body, canonical};
use super::style::{Style, style};
use super::{folder, read, told, write};

/// How many messages of each type are made.
const MESSAGES: usize = 1000;
/// How many damaged files are judged by both.
const DAMAGED: usize = 4000;
/// How many files one call takes.
const BATCH: usize = 500;

/// Says something whether or not the test passes: what was not run must not look as if it had been.
fn say(words: &str) {
    std::io::stderr().write_all(format!("dsve_xml: {words}\n").as_bytes()).unwrap();
}

/// The XSD, when it can be used; says so when it cannot.
fn xsd() -> Option<PathBuf> {
    let Some(path) = std::env::var_os("INNFRI_DSVE_XSD").map(PathBuf::from) else {
        say("NOT RUN: set INNFRI_DSVE_XSD to the path of the official dsve.xsd");
        return None;
    };
    if Command::new("xmllint").arg("--version").output().is_err() {
        say("NOT RUN: xmllint is not installed (apt-get install libxml2-utils)");
        return None;
    }
    assert!(path.is_file(), "INNFRI_DSVE_XSD: there is no {}", path.display());
    Some(path)
}

/// Whether each file follows the XSD, in the order given, with what was said of those that do not.
fn validate(xsd: &Path, files: &[Vec<u8>]) -> Vec<(bool, String)> {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = files
        .iter()
        .enumerate()
        .map(|(number, file)| {
            let path = folder.path().join(format!("{number}.xml"));
            std::fs::write(&path, file).unwrap();
            path
        })
        .collect();
    let mut verdicts = BTreeMap::new();
    for batch in paths.chunks(BATCH) {
        let output = Command::new("xmllint")
            .args(["--noout", "--nonet", "--schema"])
            .arg(xsd)
            .args(batch)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let valid: Vec<&str> =
            said.lines().filter_map(|line| line.strip_suffix(" validates")).collect();
        for path in batch {
            let name = path.to_str().unwrap();
            let about = said.lines().filter(|line| line.starts_with(name)).collect::<Vec<_>>();
            verdicts.insert(path.clone(), (valid.contains(&name), about.join("\n")));
        }
    }
    paths.iter().map(|path| verdicts.remove(path).unwrap()).collect()
}

#[test]
fn a_thousand_messages_of_each_type_follow_the_official_xsd() {
    let Some(xsd) = xsd() else { return };
    let mut runner = TestRunner::deterministic();
    for kind in KINDS {
        let mut files = Vec::new();
        for _ in 0..MESSAGES {
            files.push(write(&body(kind).new_tree(&mut runner).unwrap().current()));
        }
        for (file, (valid, said)) in files.iter().zip(validate(&xsd, &files)) {
            assert!(valid, "{said}\n{}", String::from_utf8_lossy(file));
        }
        say(&format!("{MESSAGES} of {kind} follow {}", xsd.display()));
    }
}

#[test]
fn the_examples_follow_the_official_xsd_before_and_after_they_are_read() {
    let Some(xsd) = xsd() else { return };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if let Some(kind) = KINDS.into_iter().find(|kind| name.starts_with(kind.name())) {
            files.push(write(&Body { message_type: kind, json: std::fs::read(&path).unwrap() }));
        }
    }
    assert!(files.len() >= 16, "{}", files.len());
    for entry in std::fs::read_dir(folder().join("dsve")).unwrap() {
        let file = std::fs::read(entry.unwrap().path()).unwrap();
        files.push(write(&super::taken(&file).body));
        files.push(file);
    }
    for (file, (valid, said)) in files.iter().zip(validate(&xsd, &files)) {
        assert!(valid, "{said}\n{}", String::from_utf8_lossy(file));
    }
    say(&format!("{} files follow {}", files.len(), xsd.display()));
}

/// Cuts, doubles, swaps, renames and changes pieces of a file that stays XML, mostly.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let piece = || any::<Index>();
    let kind = prop::sample::select(&KINDS);
    let message = kind.prop_flat_map(body);
    (message, style(), 0..9_u8, piece(), piece()).prop_map(|(body, style, how, one, other)| {
        let xml = String::from_utf8(write(&body)).unwrap();
        let mut lines: Vec<String> = xml.lines().map(str::to_owned).collect();
        let (one, other) = (one.index(lines.len()), other.index(lines.len()));
        match how {
            0 => {
                lines.remove(one);
            }
            1 => lines.insert(one, lines[one].clone()),
            2 => lines.swap(one, other),
            3 => lines.insert(one, lines[other].clone()),
            4 => lines[one] = lines[one].replacen("e>", "E>", 2),
            5 => lines[one] = emptied(&lines[one]),
            6 => lines[one] = without_attribute(&lines[one]),
            7 => lines[one] = lines[one].replacen('1', "x", 1),
            _ => return other_style(style).apply(xml.as_bytes()),
        }
        lines.join("\n").into_bytes()
    })
}

/// The XSD collapses spaces around numbers and days; xmllint does not.
fn other_style(style: Style) -> Style {
    Style { spaces_around: false, ..style }
}

fn emptied(line: &str) -> String {
    match line.split_once('>').and_then(|(start, rest)| Some((start, rest.rsplit_once("</")?.1))) {
        Some((start, name)) => format!("{start}></{name}"),
        None => line.to_owned(),
    }
}

fn without_attribute(line: &str) -> String {
    let without = || {
        let (before, rest) = line.split_once("=\"")?;
        let (element, _name) = before.rsplit_once(' ')?;
        Some(format!("{element}{}", rest.split_once('"')?.1))
    };
    without().unwrap_or_else(|| line.to_owned())
}

/// The bridge is at least as strict as the XSD, and reads whatever the XSD takes but for what our
/// types cannot hold.
#[test]
fn what_the_official_xsd_refuses_is_refused() {
    let Some(xsd) = xsd() else { return };
    let mut runner = TestRunner::deterministic();
    let strategy = damaged();
    let mut files = Vec::new();
    for _ in 0..DAMAGED {
        files.push(strategy.new_tree(&mut runner).unwrap().current());
    }
    let (mut refused, mut both) = (0, 0);
    let mut stricter = BTreeMap::<String, usize>::new();
    for (file, (valid, said)) in files.iter().zip(validate(&xsd, &files)) {
        match (valid, read(file)) {
            (true, Ok(_)) => both += 1,
            (false, Err(_)) => refused += 1,
            (false, Ok(_)) => panic!("{said}\n{}", String::from_utf8_lossy(file)),
            (true, Err(findings)) => {
                for line in told(&findings) {
                    let (rule, path) = line.split_once(' ').unwrap();
                    let place = path.rsplit('/').next().unwrap();
                    *stricter.entry(format!("{rule} {place}")).or_default() += 1;
                }
            }
        }
    }
    say(&format!("both take {both}, both refuse {refused}, the bridge alone refuses {stricter:?}"));
    assert!(both > DAMAGED / 20 && refused > DAMAGED / 4);
    // Numbers and identities that the XSD calls text, and times out of our reach.
    for place in stricter.keys() {
        let field = place.split(['@', ' ', '[']).next_back().unwrap();
        let text_in_xsd = [
            "id",
            "gaardsnummer",
            "bruksnummer",
            "festenummer",
            "seksjonsnummer",
            "andelsnummer",
            "organisasjonsnummer",
        ];
        assert!(place.starts_with("INN-074") && text_in_xsd.contains(&field), "{place}");
    }
}

/// The judge must be able to say no.
#[test]
fn the_xsd_refuses_what_is_wrong() {
    let Some(xsd) = xsd() else { return };
    let file = b"<restgjeldsforespoersel/>".to_vec();
    assert!(!validate(&xsd, &[file])[0].0);
}

/// Typed messages that the contract would refuse are written within the XSD or not at all.
#[test]
fn nothing_is_written_that_the_xsd_refuses() {
    let mut dates: Vec<String> = (1..=5).map(|day| format!("2026-07-0{day}")).collect();
    let kind = MessageType::Innfrielsessaldoforespoersel;
    let example = super::json_example(kind, "matrikkel");
    let mut fields: serde_json::Value = serde_json::from_slice(&example.json).unwrap();
    while dates.pop().is_some() {
        fields["innfrielsesdatoer"] = serde_json::json!(dates);
        let body = canonical(kind, &fields);
        assert!(read_message(&body).is_ok());
        let written = innfri::dsve::xml::write(&body);
        match dates.len() {
            1..=4 => assert!(written.is_ok()),
            _ => assert_eq!(told(&written.unwrap_err()), ["INN-077 /innfrielsesdatoer"]),
        }
    }
}

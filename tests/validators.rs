#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    unreachable_pub,
    reason = "a test stops at what it did not expect"
)]
//! The published contracts before validators of other houses: the parser of AsyncAPI, a validator of
//! OpenAPI, and two JSON Schema validators in other languages, which must judge every example message
//! as innfri does. Where they differ, our schema says something that is read in two ways.

#[path = "support/wrong.rs"]
#[allow(dead_code, reason = "this test uses a part of it")]
mod wrong;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use innfri::contract::{CheckContext, Contract, MessageType};
use innfri::kernel::{Environment, Limits, PaymentWindow, RuleId};
use innfri::market::no::rules::form;
use serde::Deserialize;
use serde_json::json;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder with the validators. `tests/run` has filled it; otherwise it is filled here.
static VALIDATORS: LazyLock<PathBuf> = LazyLock::new(|| {
    if let Some(folder) = std::env::var_os("INNFRI_VALIDATORS") {
        return std::path::absolute(folder).expect("a folder");
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("validators");
    let prepare = root().join("tests/validators/prepare");
    let status = Command::new(prepare).arg(&folder).status().expect("prepare runs");
    assert!(status.success(), "tests/validators/prepare has failed: see above");
    folder
});

fn node(script: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(root().join("tests/validators").join(script));
    command.env("INNFRI_VALIDATORS", &*VALIDATORS);
    command
}

fn python() -> Command {
    Command::new(VALIDATORS.join("venv/bin/python"))
}

/// Runs a program with this on its standard input, and shows what it says.
fn run(mut command: Command, input: &str) -> (bool, String) {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the validator starts");
    let mut stdin = child.stdin.take().unwrap();
    // All three read to the end before they write.
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    eprintln!("{}", text(stderr));
    (status.success(), text(stdout))
}

#[test]
fn the_amqp_contract_passes_the_parser_of_asyncapi() {
    let mut command = node("asyncapi.mjs");
    command.arg(root().join("schemas/asyncapi.json"));
    let (fine, said) = run(command, "");
    println!("{said}");
    assert!(fine, "{said}");
    // It has read the document rather than passed over it.
    for kind in MessageType::ALL {
        assert!(said.contains(kind.name()), "the parser has not seen {kind}");
    }
}

#[test]
fn a_broken_amqp_contract_does_not_pass_the_parser() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broken.json");
    let whole = std::fs::read_to_string(root().join("schemas/asyncapi.json")).unwrap();
    std::fs::write(&file, whole.replace("#/components/messages/no.dsve", "#/nowhere")).unwrap();
    let mut command = node("asyncapi.mjs");
    command.arg(file);
    assert!(!run(command, "").0);
}

#[test]
fn the_http_contract_passes_a_validator_of_openapi_and_a_broken_one_does_not() {
    let validate = |file: &Path| {
        let mut command = python();
        command.args(["-m", "openapi_spec_validator", "--schema", "3.1"]).arg(file);
        run(command, "")
    };
    let file = root().join("schemas/openapi.json");
    let (fine, said) = validate(&file);
    assert!(fine, "{said}");
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.json");
    let whole = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&broken, whole.replace("\"description\": \"The case.\",", "")).unwrap();
    assert!(!validate(&broken).0);
}

/// A message and what it is called.
struct Case {
    name: String,
    kind: MessageType,
    bytes: Vec<u8>,
    /// Whether it shall fit its schema.
    fits: bool,
}

/// Every example: the right ones, those that break only a rule, the wrong ones.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (folder, right) in [("", true), ("invalid", false)] {
        for file in std::fs::read_dir(wrong::folder().join(folder)).unwrap() {
            let path = file.unwrap().path();
            if !path.is_file() {
                continue;
            }
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let kind = MessageType::ALL.into_iter().find(|it| name.starts_with(it.name())).unwrap();
            // What breaks only a rule fits its schema: rules are innfri's alone.
            let fits = right || name.contains(".regler.") || name.contains(".datoer-og-fritekst.");
            let bytes = std::fs::read(&path).unwrap();
            cases.push(Case { name: format!("{folder}/{name}"), kind, bytes, fits });
        }
    }
    for kind in MessageType::ALL {
        for wrong in wrong::wrong_examples(kind) {
            let name = format!("wrong/{kind}.{}", wrong.name);
            let bytes = wrong.message.to_string().into_bytes();
            cases.push(Case { name, kind, bytes, fits: false });
        }
    }
    cases
}

/// What innfri's own schema check says: whether any finding is one of those that a schema gives.
fn own_verdict(contract: &Contract, case: &Case) -> bool {
    let of_schema: [RuleId; 11] = [
        form::MISSING.id,
        form::UNKNOWN_FIELD.id,
        form::WRONG_FORM.id,
        form::WRONG_TYPE.id,
        form::TOO_LONG.id,
        form::NOT_ALLOWED.id,
        form::EXACTLY_ONE.id,
        form::TOO_SHORT.id,
        form::OUT_OF_RANGE.id,
        form::NO_SUCH_TIME.id,
        form::OTHERWISE_WRONG.id,
    ];
    let window =
        PaymentWindow { today: "2026-06-22".parse().unwrap(), grace_days: 2, ahead_days: 60 };
    let context = CheckContext { environment: Environment::Test, window, contact_optional: false };
    let findings = contract.check(case.kind, &case.bytes, &context).findings;
    !findings.iter().any(|finding| of_schema.contains(&finding.regel))
}

#[derive(Deserialize)]
struct Verdict {
    name: String,
    valid: bool,
}

fn verdicts(validator: &str, command: Command, input: &str) -> BTreeMap<String, bool> {
    let (fine, said) = run(command, input);
    assert!(fine, "{validator} has failed: see above");
    said.lines()
        .map(|line| serde_json::from_str::<Verdict>(line).unwrap())
        .map(|verdict| (verdict.name, verdict.valid))
        .collect()
}

#[test]
fn three_validators_judge_every_example_alike() {
    let folder = tempfile::tempdir().unwrap();
    let cases = cases();
    let mut input = String::new();
    for (number, case) in cases.iter().enumerate() {
        let message = folder.path().join(format!("{number}.json"));
        std::fs::write(&message, &case.bytes).unwrap();
        let schema = root().join(format!("schemas/no/{}.json", case.kind));
        let line = json!({"name": case.name, "schema": schema, "message": message});
        writeln!(input, "{line}").unwrap();
    }
    let contract = Contract::new(Limits::default()).unwrap();
    let own: BTreeMap<String, bool> =
        cases.iter().map(|case| (case.name.clone(), own_verdict(&contract, case))).collect();
    let ajv = verdicts("ajv", node("ajv.mjs"), &input);
    let mut command = python();
    command.arg(root().join("tests/validators/jsonschema_verdicts.py"));
    let jsonschema = verdicts("jsonschema (Python)", command, &input);

    let mut differences = Vec::new();
    let words = |valid: &bool| if *valid { "fits" } else { "does not fit" };
    for Case { name, fits, .. } in &cases {
        for (validator, said) in
            [("innfri", &own), ("ajv", &ajv), ("jsonschema (Python)", &jsonschema)]
        {
            let verdict = said.get(name).expect("a verdict on every message");
            if verdict != fits {
                let (verdict, wanted) = (words(verdict), words(fits));
                differences.push(format!("{name}: {validator} says it {verdict}; it {wanted}"));
            }
        }
    }
    let (right, wrong): (Vec<&Case>, Vec<&Case>) = cases.iter().partition(|case| case.fits);
    println!("{} messages that fit, {} that do not, three validators", right.len(), wrong.len());
    assert!(right.len() >= 20 && wrong.len() >= 5 * MessageType::ALL.len());
    assert!(differences.is_empty(), "our schema is read in two ways:\n{}", differences.join("\n"));
}

//! The contract against the examples: what is right passes, what is wrong is told, nothing panics and
//! nothing of the message leaks into what is told.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops at what it did not expect"
)]

mod properties;
mod published;
#[path = "../support/wrong.rs"]
mod wrong;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use innfri::contract::{
    Answer, Body, CheckContext, Checked, Contract, Direction, Message, MessageType, Request,
    read_message, read_request,
};
use innfri::kernel::{Environment, Finding, Limits, PaymentWindow, Severity};
use innfri::market::no::receipt::Receipt;
use innfri::market::no::rejection::Rejection;
use innfri::market::no::rules;
use jiff::civil::date;
use rstest::rstest;
use serde_json::{Value, json};

static CONTRACT: LazyLock<Contract> =
    LazyLock::new(|| Contract::new(Limits::default()).expect("the schemas compile"));

/// A day that suits the dates of the examples.
fn context(environment: Environment) -> CheckContext {
    let window = PaymentWindow { today: date(2026, 6, 22), grace_days: 2, ahead_days: 60 };
    CheckContext { environment, window, contact_optional: false }
}

/// The type that an example's file name begins with.
fn kind_of(path: &Path) -> MessageType {
    let name = path.file_name().unwrap().to_str().unwrap();
    MessageType::ALL.into_iter().find(|kind| name.starts_with(kind.name())).expect("a type")
}

fn check(kind: MessageType, body: &[u8]) -> Checked {
    CONTRACT.check(kind, body, &context(Environment::Test))
}

fn rules_and_places(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| format!("{} {}", finding.regel, finding.peker)).collect()
}

fn example(name: &str) -> (MessageType, Value) {
    let path = Path::new("examples/messages/no").join(format!("{name}.json"));
    (kind_of(&path), serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap())
}

fn message(name: &str) -> Message {
    let (kind, value) = example(name);
    check(kind, value.to_string().as_bytes()).message.expect("a right message")
}

fn written(message: &Message) -> Value {
    match message {
        Message::Request(Request::Restgjeld(it)) => serde_json::to_value(it),
        Message::Request(Request::Innfrielsessaldo(it)) => serde_json::to_value(it),
        Message::Answer(Answer::Restgjeld(it)) => serde_json::to_value(it),
        Message::Answer(Answer::Innfrielsessaldo(it)) => serde_json::to_value(it),
        Message::Status(it) => serde_json::to_value(it),
    }
    .unwrap()
}

#[rstest]
fn a_right_example_has_no_errors_and_survives_reading_and_writing(
    #[files("examples/messages/no/*.json")] path: PathBuf,
) {
    let bytes = std::fs::read(&path).unwrap();
    let json: Value = serde_json::from_slice(&bytes).unwrap();
    let kind = kind_of(&path);
    let checked = check(kind, &bytes);
    match kind {
        MessageType::Rejection => {
            assert_eq!(rules_and_places(&checked.findings), ["INN-039 "]);
            let typed: Rejection = serde_json::from_slice(&bytes).unwrap();
            assert_eq!(serde_json::to_value(typed).unwrap(), json);
        }
        MessageType::Receipt => {
            assert_eq!(rules_and_places(&checked.findings), ["INN-039 "]);
            let typed: Receipt = serde_json::from_slice(&bytes).unwrap();
            assert_eq!(serde_json::to_value(typed).unwrap(), json);
        }
        MessageType::Restgjeldsforespoersel
        | MessageType::Restgjeldssvar
        | MessageType::Innfrielsessaldoforespoersel
        | MessageType::Innfrielsessaldosvar
        | MessageType::Status => {
            // Synthetic persons are the only thing to be said about an example.
            let others: Vec<&Finding> = checked
                .findings
                .iter()
                .filter(|finding| finding.regel != rules::number::SYNTHETIC.id)
                .collect();
            assert!(others.is_empty(), "{others:?}");
            let message = checked.message.expect("a message");
            assert_eq!(written(&message), json);
            let body = Body { message_type: kind, json: bytes };
            assert_eq!(read_message(&body).unwrap(), message);
            assert_eq!(read_request(&body).is_ok(), kind.direction() == Direction::Request);
            assert_eq!(checked.hints.avsender.unwrap().number(), json["avsender"]["id"]);
            assert_eq!(checked.hints.mottaker.unwrap().number(), json["mottaker"]["id"]);
        }
    }
}

#[test]
fn every_type_has_examples_and_its_schema_is_valid_strict_and_named_after_it() {
    fn strict(value: &Value) {
        if value.get("type") == Some(&json!("object")) {
            assert_eq!(value["additionalProperties"], json!(false), "{value}");
        }
        if value.get("type") == Some(&json!("array")) {
            assert!(value["maxItems"].is_u64(), "{value}");
        }
        if value.get("type") == Some(&json!("string")) {
            assert!(value["maxLength"].is_u64() || value["enum"].is_array(), "{value}");
        }
        match value {
            Value::Object(fields) => fields.values().for_each(strict),
            Value::Array(items) => items.iter().for_each(strict),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    for kind in MessageType::ALL {
        let schema: Value = serde_json::from_str(kind.schema()).unwrap();
        assert!(jsonschema::draft202012::meta::is_valid(&schema), "{kind}");
        assert_eq!(schema["$id"], format!("urn:innfri:schema:{kind}"));
        assert_eq!(schema["type"], "object");
        strict(&schema);
        for (field, subschema) in schema["properties"].as_object().unwrap() {
            let described = subschema["description"].is_string() || subschema["$ref"].is_string();
            assert!(described, "{kind} {field}");
        }
        let examples = std::fs::read_dir("examples/messages/no")
            .unwrap()
            .filter(|file| {
                let name = file.as_ref().unwrap().file_name();
                name.to_str().unwrap().starts_with(kind.name())
            })
            .count();
        let wanted = match kind.direction() {
            Direction::Request | Direction::Answer => 2,
            Direction::Status => 4,
            Direction::Notice => 1,
        };
        assert!(examples >= wanted, "{kind}");
    }
}

#[test]
fn parts_that_schemas_share_are_the_same_in_each() {
    let mut seen = std::collections::BTreeMap::<String, Value>::new();
    for kind in MessageType::ALL {
        let schema: Value = serde_json::from_str(kind.schema()).unwrap();
        for (name, part) in schema["$defs"].as_object().unwrap() {
            let first = seen.entry(name.clone()).or_insert_with(|| part.clone());
            assert_eq!(first, part, "{kind} {name}");
        }
    }
}

#[rstest]
#[case("no.dsve.innfrielsessaldoforespoersel.v1.skjema", &[
    "INN-002 /avsender/referanse",
    "INN-004 /avsender/id",
    "INN-015 /innfrielsesdatoer/1",
    "INN-004 /innfrielsesdatoer/2",
    "INN-003 /mottaker/orgnr",
    "INN-012 /registerenheterMedHjemmelshavere/0",
])]
#[case("no.dsve.innfrielsessaldoforespoersel.v1.datoer-og-fritekst", &[
    "INN-046 /avsender/referanse",
    "INN-045 /registerenheterMedHjemmelshavere/0/hjemmelshavere/0/person/id",
    "INN-047 /innfrielsesdatoer/1",
    "INN-048 /innfrielsesdatoer/2",
    "INN-049 /innfrielsesdatoer/3",
])]
#[case("no.dsve.restgjeldssvar.v1.skjema", &[
    "INN-002 /sperretForVidereOpplaan",
    "INN-005 /laanliste/0/fastrente",
    "INN-004 /laanliste/0/kidnummer",
    "INN-005 /laanliste/0/saldo",
    "INN-004 /laanliste/1/oevreGrenseRammelaan",
    "INN-004 /registerenheterMedDokumentreferanser/0/pantedokumentreferanser/0/beloep",
    "INN-014 /registerenheterMedDokumentreferanser/0/pantedokumentreferanser/0/dokumentnummer",
])]
#[case("no.dsve.restgjeldssvar.v1.regler", &[
    "INN-050 /laanliste/0/oevreGrenseRammelaan",
    "INN-050 /laanliste/1/oevreGrenseRammelaan",
    "INN-051 /laanliste/2/oevreGrenseRammelaan",
    "INN-052 /laanliste/1/laanenummer",
    "INN-054 /panterettSlettesVedInnfrielse",
])]
#[case("no.dsve.innfrielsessaldosvar.v1.regler", &[
    "INN-046 /laanliste/0/betalingsmelding",
    "INN-053 /laanliste/0/saldoerPerDato/1/dato",
    "INN-054 /panterettSlettesVedInnfrielse",
])]
#[case("no.dsve.status.v1.regler", &["INN-056 /mottaker", "INN-055 /aarsak"])]
#[case("no.dsve.restgjeldsforespoersel.v1.to-ganger", &[
    "INN-010 /avsender/id",
    "INN-002 /avsender/foretaksnavn",
    "INN-014 /prisantydning",
    "INN-013 /registerenheterMedHjemmelshavere",
    "INN-060 /avsender/kontaktperson",
])]
fn a_wrong_example_has_all_its_findings(#[case] name: &str, #[case] wanted: &[&str]) {
    let path = Path::new("examples/messages/no/invalid").join(format!("{name}.json"));
    let checked = check(kind_of(&path), &std::fs::read(&path).unwrap());
    assert!(checked.message.is_none());
    assert_eq!(rules_and_places(&checked.findings), wanted);
}

#[test]
fn every_wrong_example_is_listed_above() {
    assert_eq!(std::fs::read_dir("examples/messages/no/invalid").unwrap().count(), 7);
}

#[test]
fn what_is_a_warning_in_test_is_an_error_in_production() {
    let (kind, value) = example("no.dsve.restgjeldsforespoersel.v1.matrikkel");
    let body = value.to_string();
    let strict = CONTRACT.check(kind, body.as_bytes(), &context(Environment::Production));
    let lenient = CONTRACT.check(kind, body.as_bytes(), &context(Environment::Test));
    assert!(strict.message.is_none() && lenient.message.is_some());
    assert!(strict.findings.iter().all(|finding| finding.alvorlighet == Severity::Error));
    assert!(lenient.findings.iter().all(|finding| finding.alvorlighet == Severity::Warning));
    assert_eq!(rules_and_places(&strict.findings), rules_and_places(&lenient.findings));
}

#[test]
fn a_contact_may_be_missing_only_from_what_came_as_xml() {
    for name in [
        "no.dsve.restgjeldsforespoersel.v1.borettsandel",
        "no.dsve.innfrielsessaldosvar.v1.to-datoer",
    ] {
        let (kind, mut value) = example(name);
        value["avsender"].as_object_mut().unwrap().remove("kontaktperson");
        let run = |contact_optional| {
            let context = CheckContext { contact_optional, ..context(Environment::Test) };
            let checked = CONTRACT.check(kind, value.to_string().as_bytes(), &context);
            let contact = checked.findings.iter().find(|it| it.regel == rules::contact::MISSING.id);
            let contact = contact.expect("a finding").clone();
            assert_eq!(contact.peker, "/avsender/kontaktperson");
            assert_eq!(contact.tekst, "Feltet «kontaktperson» mangler.");
            (checked.message.is_some(), contact.alvorlighet)
        };
        assert_eq!(run(true), (true, Severity::Warning));
        assert_eq!(run(false), (false, Severity::Error));
    }
}

#[test]
fn a_refused_message_still_tells_who_sent_it() {
    let body =
        br#"{"avsender":{"id":"926018159","referanse":"R-1"},"mottaker":{"id":"918190937"}}"#;
    let hints = check(MessageType::Restgjeldssvar, body).hints;
    assert_eq!(hints.avsender.unwrap().number(), "926018159");
    assert_eq!(hints.avsender_referanse.unwrap(), "R-1");
    assert_eq!(hints.mottaker.unwrap().number(), "918190937");
    let body = br#"{"avsender":{"id":7,"referanse":"Gjelder 23904430552"},"mottaker":[]}"#;
    assert_eq!(check(MessageType::Restgjeldssvar, body).hints, Default::default());
}

#[test]
fn findings_end_at_the_limit_with_a_count() {
    let limits = Limits { findings: 3, ..Limits::default() };
    let contract = Contract::new(limits).unwrap();
    let body = json!({"innfrielsesdatoer": vec![1; 1000]}).to_string();
    let kind = MessageType::Innfrielsessaldoforespoersel;
    let checked = contract.check(kind, body.as_bytes(), &context(Environment::Test));
    assert_eq!(checked.findings.len(), 3);
    assert_eq!(checked.findings[2].regel, rules::form::MORE_FINDINGS.id);
    // 3 missing fields, the list, its 1000 elements; 2 of them are shown.
    assert!(checked.findings[2].text.contains("1002 more"), "{}", checked.findings[2].text);
}

#[test]
fn a_whole_number_with_a_point_is_found_although_json_schema_takes_it() {
    let (kind, mut value) = example("no.dsve.restgjeldsforespoersel.v1.matrikkel");
    value["prisantydning"] = json!(5.0);
    let checked = check(kind, value.to_string().as_bytes());
    assert_eq!(rules_and_places(&checked.findings), ["INN-017 /prisantydning"]);
    assert!(checked.message.is_none());
}

#[test]
fn the_largest_amount_is_taken_and_no_larger() {
    let (kind, mut value) = example("no.dsve.restgjeldssvar.v1.annuitetslaan");
    for (amount, taken) in [
        ("280000000000", true),
        ("280000000000.00", true),
        ("280000000000.01", false),
        ("280000000001", false),
        ("279999999999.99", true),
        ("0", true),
        ("007", false),
        ("1.234", false),
        ("-1", false),
    ] {
        value["laanliste"][0]["saldo"] = json!(amount);
        let checked = check(kind, value.to_string().as_bytes());
        assert_eq!(checked.message.is_some(), taken, "{amount} {:?}", checked.findings);
    }
}

fn request(name: &str) -> Request {
    match message(name) {
        Message::Request(request) => request,
        Message::Answer(_) | Message::Status(_) => panic!("{name} is no request"),
    }
}

#[test]
fn an_answer_that_fits_its_request_has_no_findings() {
    for (answer, asked) in [
        ("no.dsve.restgjeldssvar.v1.rammelaan", "no.dsve.restgjeldsforespoersel.v1.matrikkel"),
        (
            "no.dsve.restgjeldssvar.v1.borettsandel",
            "no.dsve.restgjeldsforespoersel.v1.borettsandel",
        ),
        (
            "no.dsve.innfrielsessaldosvar.v1.aksjeleilighet",
            "no.dsve.innfrielsessaldoforespoersel.v1.aksjeleilighet",
        ),
        ("no.dsve.status.v1.feil", "no.dsve.restgjeldsforespoersel.v1.matrikkel"),
    ] {
        assert_eq!(CONTRACT.check_answer(&message(answer), &request(asked)), [], "{answer}");
    }
}

#[test]
fn an_answer_about_something_else_or_without_the_reference_is_found() {
    let asked = request("no.dsve.restgjeldsforespoersel.v1.matrikkel");
    let (kind, mut value) = example("no.dsve.restgjeldssvar.v1.borettsandel");
    let run = |value: &Value| {
        let answer = check(kind, value.to_string().as_bytes()).message.unwrap();
        rules_and_places(&CONTRACT.check_answer(&answer, &asked))
    };
    let property = "INN-022 /registerenheterMedDokumentreferanser/0";
    assert_eq!(run(&value), [property]);
    value["mottaker"]["referanse"] = json!("noe annet");
    assert_eq!(run(&value), ["INN-023 /mottaker/referanse", property]);
    value["mottaker"].as_object_mut().unwrap().remove("referanse");
    assert_eq!(run(&value), ["INN-023 /mottaker/referanse", property]);
}

#[test]
fn a_status_may_leave_the_reference_out_but_not_get_it_wrong() {
    let asked = request("no.dsve.restgjeldsforespoersel.v1.matrikkel");
    let (kind, mut value) = example("no.dsve.status.v1.feil");
    let run = |value: &Value| {
        let status = check(kind, value.to_string().as_bytes()).message.unwrap();
        rules_and_places(&CONTRACT.check_answer(&status, &asked))
    };
    value["mottaker"]["referanse"] = json!("noe annet");
    assert_eq!(run(&value), ["INN-023 /mottaker/referanse"]);
    value["mottaker"].as_object_mut().unwrap().remove("referanse");
    assert!(run(&value).is_empty());
}

//! What must hold whatever comes in: no panic, a message or errors but never both, and no word of the
//! message in what is told of it.

use std::path::PathBuf;
use std::sync::LazyLock;

use innfri::contract::{Checked, MessageType};
use innfri::kernel::{Finding, Limits, has_errors};
use innfri::market::no::rules;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{check, kind_of, written};

/// What must hold whatever comes in.
fn holds(kind: MessageType, body: &[u8]) -> Checked {
    let checked = check(kind, body);
    assert_eq!(checked.message.is_some(), !has_errors(&checked.findings));
    assert!(checked.findings.len() <= Limits::default().findings);
    for finding in &checked.findings {
        assert!(rules::find(finding.regel.as_str()).is_some(), "{}", finding.regel);
        assert!(finding.peker.is_empty() || finding.peker.starts_with('/'));
        assert!(finding.tekst.ends_with('.') && finding.text.ends_with('.'), "{finding:?}");
    }
    checked
}

fn leaks(findings: &[Finding], marker: &str) -> bool {
    findings.iter().any(|finding| {
        [&finding.peker, &finding.tekst, &finding.text].into_iter().any(|it| it.contains(marker))
    })
}

const MARKERS: [&str; 3] = ["HemmeligNavn", "23904430552", "\u{1}HemmeligNavn"];

fn examples() -> &'static [(MessageType, Value)] {
    static EXAMPLES: LazyLock<Vec<(MessageType, Value)>> = LazyLock::new(|| {
        let mut paths: Vec<PathBuf> = std::fs::read_dir("examples/messages/no")
            .unwrap()
            .map(|file| file.unwrap().path())
            .filter(|path| path.is_file())
            .collect();
        paths.sort();
        let read = |path: &PathBuf| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        paths.iter().map(|path| (kind_of(path), read(path))).collect()
    });
    &EXAMPLES
}

/// The pointers to everything in a message.
fn places(value: &Value, from: &str, found: &mut Vec<String>) {
    found.push(from.to_owned());
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| places(value, &format!("{from}/{key}"), found));
        }
        Value::Array(items) => {
            let numbered = items.iter().enumerate();
            numbered.for_each(|(number, value)| places(value, &format!("{from}/{number}"), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn no_finding_ever_repeats_what_stood_in_the_message() {
    for (kind, value) in examples() {
        let mut all = Vec::new();
        places(value, "", &mut all);
        for place in all {
            for marker in MARKERS {
                let long = marker.repeat(300);
                for new in [json!(marker), json!([marker]), json!({ marker: marker }), json!(long)]
                {
                    let mut changed = value.clone();
                    *changed.pointer_mut(&place).unwrap() = new;
                    let checked = holds(*kind, changed.to_string().as_bytes());
                    // A key that looks like a field name is named: a misspelt one must be.
                    let named = |finding: &Finding| {
                        marker == MARKERS[0] && finding.regel == rules::form::UNKNOWN_FIELD.id
                    };
                    let told: Vec<Finding> =
                        checked.findings.into_iter().filter(|it| !named(it)).collect();
                    assert!(!leaks(&told, marker), "{kind} {place}");
                }
            }
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "[0-9]{2,13}".prop_map(Value::from),
        "[0-9]{4}-[0-9]{2}-[0-9]{2}".prop_map(Value::from),
    ];
    let key = prop_oneof![
        Just("avsender".to_owned()),
        Just("id".to_owned()),
        Just("laanliste".to_owned()),
        Just("tekst".to_owned()),
        ".{0,6}",
    ];
    leaf.prop_recursive(4, 32, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_findings(
        kind in prop::sample::select(MessageType::ALL.to_vec()),
        body in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        prop_assert!(holds(kind, &body).message.is_none());
    }

    #[test]
    fn arbitrary_json_is_findings(
        kind in prop::sample::select(MessageType::ALL.to_vec()),
        body in any_json(),
    ) {
        prop_assert!(holds(kind, body.to_string().as_bytes()).message.is_none());
    }

    #[test]
    fn a_changed_example_is_either_a_message_or_errors_and_the_schema_knows_the_types(
        (kind, value) in prop::sample::select(examples().to_vec()),
        at in any::<prop::sample::Index>(),
        new in any_json(),
        remove in any::<bool>(),
    ) {
        let mut all = Vec::new();
        places(&value, "", &mut all);
        let place = at.get(&all);
        let mut changed = value.clone();
        let (parent, key) = place.rsplit_once('/').unwrap_or(("", ""));
        match changed.pointer_mut(parent) {
            Some(Value::Object(fields)) if remove => { fields.remove(key); }
            Some(_) | None => *changed.pointer_mut(place).unwrap() = new.clone(),
        }
        let checked = holds(kind, changed.to_string().as_bytes());
        // What the schema takes, the type takes; only numbers such as 5.0 are told apart later.
        if !new.is_f64() {
            let unreadable = &rules::form::UNREADABLE.id;
            prop_assert!(!checked.findings.iter().any(|it| it.regel == *unreadable));
        }
        if let Some(message) = checked.message {
            let again = written(&message);
            let read = check(kind, again.to_string().as_bytes()).message;
            prop_assert_eq!(read, Some(message));
        }
    }
}

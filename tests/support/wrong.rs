//! The wrong examples: each is a change to a right one.

use std::path::{Path, PathBuf};

use innfri::contract::MessageType;
use serde::Deserialize;
use serde_json::Value;

/// A message that breaks its schema.
pub struct Wrong {
    /// What is wrong with it, in a word.
    pub name: String,
    /// The message.
    pub message: Value,
    /// What is said of it: rule and place.
    pub findings: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    from: String,
    patch: json_patch::Patch,
    findings: Vec<String>,
}

/// The folder of the examples.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/messages/no")
}

/// The wrong examples of a type.
pub fn wrong_examples(kind: MessageType) -> Vec<Wrong> {
    let table = folder().join("wrong").join(format!("{kind}.json"));
    let rows: Vec<Row> = serde_json::from_slice(&std::fs::read(table).unwrap()).unwrap();
    rows.into_iter()
        .map(|Row { name, from, patch, findings }| {
            let right = folder().join(format!("{kind}.{from}.json"));
            let mut message = serde_json::from_slice(&std::fs::read(right).unwrap()).unwrap();
            json_patch::patch(&mut message, &patch).expect("a change that fits its example");
            Wrong { name, message, findings }
        })
        .collect()
}

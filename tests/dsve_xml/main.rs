//! The XML bridge from outside: nothing is lost either way, what is written follows dsve.xsd, what is
//! peculiar in practice is read, and what is wrong or hostile ends in findings.
//!
//! The official XSD is not part of this repository. Where `INNFRI_DSVE_XSD` names it and `xmllint` is
//! installed, everything written is validated by it, too.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops at what it did not expect"
)]

#[path = "../support/dsve.rs"]
mod dsve;
mod hostile;
mod infoset;
mod peculiar;
mod round_trip;
mod style;
mod xsd;

use std::path::{Path, PathBuf};

use innfri::contract::{Body, MessageType};
use innfri::dsve::xml::{ReadXml, XmlLimits};
use innfri::kernel::Finding;

/// Reads within the usual limits.
fn read(xml: &[u8]) -> Result<ReadXml, Vec<Finding>> {
    innfri::dsve::xml::read(xml, &XmlLimits::default())
}

/// Reads what must be right.
fn taken(xml: &[u8]) -> ReadXml {
    read(xml).unwrap_or_else(|findings| panic!("{:?}", told(&findings)))
}

fn write(body: &Body) -> Vec<u8> {
    innfri::dsve::xml::write(body).unwrap_or_else(|findings| panic!("{:?}", told(&findings)))
}

/// Rule and place of each finding.
fn told(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| format!("{} {}", finding.regel, finding.peker)).collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/messages/no")
}

/// The JSON example of a type that bears this name.
fn json_example(kind: MessageType, name: &str) -> Body {
    let path = folder().join(format!("{kind}.{name}.json"));
    Body { message_type: kind, json: std::fs::read(path).unwrap() }
}

fn xml_example(name: &str) -> Vec<u8> {
    std::fs::read(folder().join("dsve").join(format!("{name}.xml"))).unwrap()
}

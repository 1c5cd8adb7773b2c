#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic_in_result_fn,
    unreachable_pub,
    reason = "a test stops at what it did not expect"
)]
//! The ZIP file around a DSVE message: packed and opened again, and everything that may be wrong with
//! one that somebody else packed.

#[path = "support/archive.rs"]
mod archive;

#[path = "dsve_archive/hostile.rs"]
mod hostile;
#[path = "dsve_archive/peculiar.rs"]
mod peculiar;
#[path = "dsve_archive/round_trip.rs"]
mod round_trip;

use std::collections::BTreeMap;

use innfri::dsve::ArchiveLimits;
use innfri::dsve::archive::{Envelope, open};
use innfri::kernel::{Finding, has_errors};
use innfri::market::no::rules;

/// A property list.
fn list(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Opens a file that came without a property list.
fn opened(zip: &[u8]) -> Result<Envelope, Vec<Finding>> {
    told(zip, &[])
}

/// Opens a file that came with a property list; findings must be worth reading.
fn told(zip: &[u8], properties: &[(&str, &str)]) -> Result<Envelope, Vec<Finding>> {
    let result = open(zip, &list(properties), &ArchiveLimits::default());
    let findings = match &result {
        Ok(envelope) => {
            assert!(!has_errors(&envelope.notes));
            &envelope.notes
        }
        Err(findings) => {
            assert!(has_errors(findings));
            findings
        }
    };
    for finding in findings {
        assert!(rules::find(finding.regel.as_str()).is_some(), "{} is explained", finding.regel);
        assert!(finding.tekst.ends_with('.') && finding.text.ends_with('.'), "{finding:?}");
        assert!(!format!("{finding:?}").contains("HEMMELIG"), "nothing of the file is repeated");
    }
    result
}

/// The rules of what was found.
fn rules_of(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.regel.as_str()).collect()
}

/// The rules by which a file was refused.
fn refused(zip: &[u8]) -> Vec<String> {
    let findings = opened(zip).err().expect("the file is refused");
    rules_of(&findings).into_iter().map(str::to_owned).collect()
}

//! Findings: what is wrong with a message, where, by which rule, in words for people.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of a rule, such as `INN-017`. `innfri explain` tells what each means.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuleId(std::borrow::Cow<'static, str>);

impl RuleId {
    /// The rule with this name; the names are listed in `market::no::rules`.
    pub const fn new(name: &'static str) -> Self {
        Self(std::borrow::Cow::Borrowed(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a finding means for the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The message is accepted all the same.
    Warning,
    /// The message is not accepted.
    Error,
}

/// One thing wrong with a message. The texts never repeat a name or a national identity number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Finding {
    /// Where: a JSON pointer (RFC 6901), or the path of an element in what is XML, such as
    /// `/restgjeldssvar/laanliste/laan[2]/saldo`; empty for the message as a whole.
    pub peker: String,
    /// Which rule.
    pub regel: RuleId,
    /// How bad.
    pub alvorlighet: Severity,
    /// A Norwegian sentence fit for an end user.
    pub tekst: String,
    /// The same in English, for developers.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.peker.is_empty() { "/" } else { &self.peker };
        write!(f, "{place}: {} ({})", self.tekst, self.regel)
    }
}

/// Whether a message with these findings must be refused.
pub fn has_errors(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.alvorlighet == Severity::Error)
}

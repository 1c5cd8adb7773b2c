//! The rules of the Norwegian messages: what a schema cannot say.
//!
//! A rule is a row of the catalogue ([`RuleDoc`]) and, where it is about one message alone, a pure
//! function beside it. Rules that need more than the message (who may speak for whom, what was
//! asked) have their row here too, and are raised by whoever knows, so that `innfri explain` can tell
//! what every finding means.

pub mod contact;
pub mod envelope;
pub mod fit;
pub mod form;
pub mod loan;
pub mod message;
pub mod number;
pub mod payoff;
mod place;
pub mod property;
pub mod situation;
pub mod text;
pub mod way;
pub mod xml;

use std::fmt;

use crate::kernel::{Environment, Finding, RuleId, Severity};
use place::Place;

/// One rule, as `innfri explain` prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleDoc {
    /// Its name.
    pub id: RuleId,
    /// What it is about, in a few English words.
    pub title: &'static str,
    /// Where the rule comes from.
    pub source: &'static str,
    /// How bad a breach is.
    pub level: Level,
    /// The Norwegian sentence of a finding; a finding may name the field and the limits besides.
    pub no: &'static str,
    /// The same in English.
    pub en: &'static str,
    /// What the sender does about it, in English.
    pub what_to_do: &'static str,
}

/// How bad a breach of a rule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The message is not accepted.
    Error,
    /// The message is accepted all the same.
    Warning,
    /// An error in production; a warning in test environments, whose numbers are made up.
    ByEnvironment,
    /// A warning in what comes as XML through Altinn; an error in anything else.
    OutsideAltinn,
}

impl Level {
    /// The severity of a breach in an environment.
    pub const fn severity(self, environment: Environment) -> Severity {
        match (self, environment) {
            (Self::Error | Self::OutsideAltinn, _)
            | (Self::ByEnvironment, Environment::Production) => Severity::Error,
            (Self::Warning, _) | (Self::ByEnvironment, Environment::Test) => Severity::Warning,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error: the message is not accepted",
            Self::Warning => "warning: the message is accepted all the same",
            Self::ByEnvironment => "error in production, warning in test",
            Self::OutsideAltinn => "error; in XML through Altinn a warning",
        })
    }
}

impl RuleDoc {
    /// A finding by this rule at a JSON pointer (empty for the message as a whole), as bad as it is
    /// in production.
    pub fn finding(&self, peker: impl Into<String>) -> Finding {
        self.finding_in(Environment::Production, peker)
    }

    /// A finding by this rule that leaves the message accepted, for whoever knows that the case is
    /// one in which the rule only warns.
    pub fn warning(&self, peker: impl Into<String>) -> Finding {
        Finding { alvorlighet: Severity::Warning, ..self.finding(peker) }
    }

    /// A finding by this rule at a JSON pointer, as bad as it is in an environment.
    pub fn finding_in(&self, environment: Environment, peker: impl Into<String>) -> Finding {
        Finding {
            peker: peker.into(),
            regel: self.id.clone(),
            alvorlighet: self.level.severity(environment),
            tekst: self.no.to_owned(),
            text: self.en.to_owned(),
        }
    }

    /// A finding by this rule with sentences of its own: Norwegian, then English. They must not hold
    /// anything from the message.
    pub fn worded(&self, peker: impl Into<String>, tekst: String, text: String) -> Finding {
        let alvorlighet = self.level.severity(Environment::Production);
        Finding { peker: peker.into(), regel: self.id.clone(), alvorlighet, tekst, text }
    }
}

/// Every rule, by name in rising order; no two share a name.
pub fn all() -> &'static [RuleDoc] {
    &ALL
}

/// The rule with this name, such as `INN-017`; capitals and small letters are the same.
pub fn find(name: &str) -> Option<&'static RuleDoc> {
    ALL.iter().find(|rule| rule.id.as_str().eq_ignore_ascii_case(name))
}

static ALL: [RuleDoc; 91] = [
    form::NOT_JSON,
    form::MISSING,
    form::UNKNOWN_FIELD,
    form::WRONG_FORM,
    form::WRONG_TYPE,
    form::TOO_LONG,
    form::BODY_TOO_LARGE,
    form::TOO_DEEP,
    form::NOT_UTF8,
    form::DUPLICATE_KEY,
    form::NOT_ALLOWED,
    form::EXACTLY_ONE,
    form::TOO_SHORT,
    form::OUT_OF_RANGE,
    form::NO_SUCH_TIME,
    form::OTHERWISE_WRONG,
    form::UNREADABLE,
    form::MORE_FINDINGS,
    way::NAME_NOT_AMONG_OWNERS,
    way::ACCOUNT_NOT_OF_BANK,
    fit::PROPERTY_NOT_ASKED,
    fit::REFERENCE_DIFFERS,
    way::SENDER_MAY_NOT_SPEAK,
    way::MESSAGE_ID,
    way::BROKER_GAVE_UP,
    way::DELIVERY_GIVEN_UP,
    way::MESSAGE_ID_REUSED,
    way::UNKNOWN_CASE,
    way::BANK_NOT_ASKED,
    way::ANSWER_DOES_NOT_FIT,
    way::UNKNOWN_TYPE,
    way::COVERED_BOND_COMPANY,
    way::RECEIVER_UNKNOWN,
    way::RECEIVER_DOES_NOT_TAKE,
    way::SENDER_MAY_NOT_SEND,
    way::CORRELATION_ID,
    way::CONTENT_TYPE,
    way::INNFRI_ALONE,
    number::ORGANISATION,
    number::ACCOUNT,
    number::KID,
    number::NATIONAL_ID,
    number::NATIONAL_ID_DATE,
    number::SYNTHETIC,
    text::NATIONAL_ID_IN_TEXT,
    payoff::REPEATED,
    payoff::PASSED,
    payoff::TOO_FAR,
    loan::LIMIT_PRESENCE,
    loan::LIMIT_BELOW_DEBT,
    loan::NUMBER_REPEATED,
    payoff::AMOUNT_REPEATED,
    loan::LIEN_KEPT,
    situation::REASON,
    situation::SIDES,
    property::LEVEL,
    property::REPEATED,
    property::NO_DOCUMENTS,
    contact::MISSING,
    xml::NOT_XML,
    xml::NO_DOCTYPE,
    xml::ENCODING,
    xml::TOO_LARGE,
    xml::UNKNOWN_ROOT,
    xml::NAMESPACE,
    xml::UNKNOWN_ELEMENT,
    xml::UNKNOWN_ATTRIBUTE,
    xml::MISSING,
    xml::REPEATED,
    xml::ORDER,
    xml::EXACTLY_ONE,
    xml::STRAY_TEXT,
    xml::VALUE,
    xml::AMOUNT,
    xml::LOCAL_TIME,
    xml::NOT_WRITABLE,
    envelope::NO_ARCHIVE,
    envelope::ARCHIVE_TOO_LARGE,
    envelope::UNSAFE_NAME,
    envelope::LOCKED,
    envelope::NO_MESSAGE,
    envelope::SEVERAL_MESSAGES,
    envelope::OTHER_FILES,
    envelope::NO_MANIFEST,
    envelope::ENVELOPE_DIFFERS,
    envelope::CONTENT_DIFFERS,
    envelope::UNKNOWN_MESSAGE,
    envelope::UNKNOWN_STATUS,
    envelope::VERSION,
    envelope::STATUS_TEXT,
    envelope::NOT_IN_DSVE,
];

/// Gathers the findings of one message.
struct Sink {
    environment: Environment,
    findings: Vec<Finding>,
}

impl Sink {
    const fn new(environment: Environment) -> Self {
        Self { environment, findings: Vec::new() }
    }

    fn add(&mut self, rule: &RuleDoc, place: Place<'_>) {
        self.findings.push(rule.finding_in(self.environment, place.pointer()));
    }

    /// Adds a finding when the condition does not hold.
    fn demand(&mut self, holds: bool, rule: &RuleDoc, place: Place<'_>) {
        if !holds {
            self.add(rule, place);
        }
    }
}

/// The places of those that occurred earlier in the list: each repeat is found once.
fn repeats<T: PartialEq>(values: &[T]) -> impl Iterator<Item = usize> {
    values
        .iter()
        .enumerate()
        .filter(|(place, value)| values.iter().take(*place).any(|earlier| earlier == *value))
        .map(|(place, _)| place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_stand_in_order_and_no_two_share_a_name() {
        let names: Vec<&str> = all().iter().map(|rule| rule.id.as_str()).collect();
        assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
        for name in names {
            assert!(name.len() == 7 && name.starts_with("INN-"), "{name}");
        }
    }

    #[test]
    fn every_rule_is_explained_in_both_languages() {
        for rule in all() {
            for text in [rule.title, rule.source, rule.no, rule.en, rule.what_to_do] {
                assert!(text.len() > 3, "{}", rule.id);
            }
            assert!(rule.no.ends_with('.') && rule.en.ends_with('.'), "{}", rule.id);
            assert!(rule.no != rule.en && rule.what_to_do.ends_with('.'), "{}", rule.id);
        }
    }

    #[test]
    fn a_rule_is_found_by_its_name_in_any_case() {
        assert_eq!(find("inn-022").unwrap().id, fit::PROPERTY_NOT_ASKED.id);
        assert!(find("INN-999").is_none());
    }

    #[test]
    fn made_up_numbers_are_errors_in_production_and_warnings_in_test() {
        let in_environment = |environment| number::ACCOUNT.finding_in(environment, "").alvorlighet;
        assert_eq!(in_environment(Environment::Production), Severity::Error);
        assert_eq!(in_environment(Environment::Test), Severity::Warning);
    }
}

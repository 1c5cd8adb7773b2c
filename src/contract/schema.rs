//! The compiled schemas. This is the one file that knows the schema library.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value;

use super::catalogue::MessageType;
use super::found::Found;
use super::wording::{
    self, Sentences, about, is_presentable, json_type, listed, push_segment, texts,
};
use crate::kernel::Finding;
use crate::market::no::rules::{RuleDoc, form};

/// Why the contract could not be made. It means that the program itself is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContractError {
    /// A schema is not JSON.
    #[error("the schema of {0} is not JSON")]
    NotJson(MessageType),
    /// A schema is not a valid JSON Schema of 2020-12.
    #[error("the schema of {0} is not a valid JSON Schema")]
    NotSchema(MessageType),
}

/// Every schema, compiled.
pub(super) struct Schemas(Vec<Compiled>);

struct Compiled {
    kind: MessageType,
    source: Value,
    validator: Validator,
}

impl Schemas {
    /// Compiles the schemas of the catalogue.
    pub(super) fn new() -> Result<Self, ContractError> {
        MessageType::ALL.into_iter().map(compile).collect::<Result<_, _>>().map(Self)
    }

    /// Adds everything that is wrong with a message by its schema.
    pub(super) fn check(&self, kind: MessageType, message: &Value, found: &mut Found) {
        let Some(schema) = self.0.iter().find(|schema| schema.kind == kind) else {
            found.add(form::OTHERWISE_WRONG.finding(""));
            return;
        };
        // Most messages are right, and saying so takes a fraction of listing errors.
        if schema.validator.is_valid(message) {
            return;
        }
        let mut findings = Vec::new();
        let mut misshapen = Vec::new();
        for error in schema.validator.iter_errors(message).filter(|error| !is_echo(error)) {
            if found.room() > findings.len() {
                schema.word(&error, &mut findings, &mut misshapen);
            } else {
                found.count_errors(1);
            }
        }
        findings.retain(|finding| !is_implied(finding, &misshapen));
        found.extend(findings);
        if !found.has_errors() {
            found.add(form::OTHERWISE_WRONG.finding(""));
        }
    }
}

/// Whether a finding only repeats that a field is misshapen: what is not eleven digits need not be
/// called too long as well, nor what is no date be called a date that does not exist.
fn is_implied(finding: &Finding, misshapen: &[String]) -> bool {
    [form::TOO_LONG.id, form::TOO_SHORT.id, form::NO_SUCH_TIME.id].contains(&finding.regel)
        && misshapen.contains(&finding.peker)
}

/// Whether an error only repeats what a pattern says. `not` stands in our schemas for readers whose
/// `$` lets a last line feed pass (Python's, among others); ours does not, so the pattern has told.
fn is_echo(error: &ValidationError<'_>) -> bool {
    matches!(error.kind(), ValidationErrorKind::Not { .. })
}

fn compile(kind: MessageType) -> Result<Compiled, ContractError> {
    let source: Value =
        serde_json::from_str(kind.schema()).map_err(|_| ContractError::NotJson(kind))?;
    let validator = jsonschema::draft202012::options()
        .should_validate_formats(true)
        // Never more than linear time in the length of a text.
        .with_pattern_options(PatternOptions::regex())
        .build(&source)
        .map_err(|_| ContractError::NotSchema(kind))?;
    Ok(Compiled { kind, source, validator })
}

impl Compiled {
    fn word(
        &self,
        error: &ValidationError<'_>,
        found: &mut Vec<Finding>,
        misshapen: &mut Vec<String>,
    ) {
        let place = error.instance_path().as_str();
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                for key in unexpected {
                    found.push(unknown(place, key));
                }
            }
            ValidationErrorKind::Required { property } => {
                found.push(missing(place, property.as_str().unwrap_or_default()));
            }
            // What is no object at all has been called so already.
            ValidationErrorKind::OneOfNotValid { .. }
            | ValidationErrorKind::OneOfMultipleValid { .. }
                if !error.instance().is_object() => {}
            kind => {
                if let ValidationErrorKind::Pattern { pattern } = kind
                    && !wording::is_free_text(pattern)
                {
                    misshapen.push(place.to_owned());
                }
                let (rule, (no, en)) = self.sentence(kind, place, error);
                found.push(rule.worded(place, no, en));
            }
        }
    }

    fn sentence(
        &self,
        kind: &ValidationErrorKind,
        place: &str,
        error: &ValidationError<'_>,
    ) -> (RuleDoc, Sentences) {
        use ValidationErrorKind as Kind;
        match kind {
            Kind::Type { kind } => (form::WRONG_TYPE, wrong_type(place, kind)),
            Kind::Pattern { pattern } => (form::WRONG_FORM, wrong_form(place, pattern)),
            Kind::Format { format } => (form::NO_SUCH_TIME, no_such_time(place, format)),
            Kind::Enum { options } => (form::NOT_ALLOWED, not_allowed(place, options)),
            Kind::OneOfNotValid { .. } | Kind::OneOfMultipleValid { .. } => {
                (form::EXACTLY_ONE, self.exactly_one(error))
            }
            Kind::MaxLength { limit } => (
                form::TOO_LONG,
                about(
                    place,
                    &format!("er for langt: høyst {limit} tegn"),
                    &format!("is too long: at most {limit} characters"),
                ),
            ),
            Kind::MaxItems { limit } => (
                form::TOO_LONG,
                about(
                    place,
                    &format!("har for mange elementer: høyst {limit}"),
                    &format!("has too many elements: at most {limit}"),
                ),
            ),
            Kind::MinLength { limit } => (
                form::TOO_SHORT,
                about(
                    place,
                    &format!("er for kort: minst {limit} tegn"),
                    &format!("is too short: at least {limit} characters"),
                ),
            ),
            Kind::MinItems { limit } => (
                form::TOO_SHORT,
                about(
                    place,
                    &format!("har for få elementer: minst {limit}"),
                    &format!("has too few elements: at least {limit}"),
                ),
            ),
            Kind::Maximum { limit } => (
                form::OUT_OF_RANGE,
                about(
                    place,
                    &format!("er for stort: høyst {limit}"),
                    &format!("is too large: at most {limit}"),
                ),
            ),
            Kind::Minimum { limit } => (
                form::OUT_OF_RANGE,
                about(
                    place,
                    &format!("er for lite: minst {limit}"),
                    &format!("is too small: at least {limit}"),
                ),
            ),
            // The library's list is long and grows; our schemas use no other keyword.
            _ => (
                form::OTHERWISE_WRONG,
                about(place, "følger ikke skjemaet", "does not follow the schema"),
            ),
        }
    }

    /// The alternatives stand in the schema, each as one required field.
    fn exactly_one(&self, error: &ValidationError<'_>) -> Sentences {
        let alternatives = self.source.pointer(error.schema_path().as_str());
        let names: Vec<&str> = alternatives
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|alternative| alternative.get("required"))
            .flat_map(texts)
            .collect();
        if names.is_empty() {
            return (form::EXACTLY_ONE.no.to_owned(), form::EXACTLY_ONE.en.to_owned());
        }
        let (no, en) = (listed(names.iter().copied(), "og"), listed(names.into_iter(), "and"));
        (
            format!("Nøyaktig ett av feltene {no} må være med."),
            format!("Exactly one of {en} must be given."),
        )
    }
}

fn unknown(place: &str, key: &str) -> Finding {
    if !is_presentable(key) {
        return form::UNKNOWN_FIELD.finding(place);
    }
    let mut pointer = place.to_owned();
    push_segment(&mut pointer, key);
    form::UNKNOWN_FIELD.worded(
        pointer,
        format!("Feltet «{key}» finnes ikke her i denne meldingstypen."),
        format!("The field `{key}` is not known here in this message type."),
    )
}

fn missing(place: &str, name: &str) -> Finding {
    let mut pointer = place.to_owned();
    push_segment(&mut pointer, name);
    form::MISSING.worded(
        pointer,
        format!("Feltet «{name}» mangler."),
        format!("The field `{name}` is missing."),
    )
}

fn wrong_type(place: &str, wanted: &TypeKind) -> Sentences {
    let (no, en) = match wanted {
        TypeKind::Single(wanted) => json_type(wanted.as_str()),
        TypeKind::Multiple(_) => json_type(""),
    };
    about(
        place,
        &format!("har feil type: det skal være {no}"),
        &format!("has the wrong type: {en} is wanted"),
    )
}

fn wrong_form(place: &str, pattern: &str) -> Sentences {
    match wording::form(pattern) {
        Some((no, en)) => about(
            place,
            &format!("har feil form: skriv {no}"),
            &format!("has the wrong form: write {en}"),
        ),
        None => about(place, "har feil form", "has the wrong form"),
    }
}

fn no_such_time(place: &str, format: &str) -> Sentences {
    match format {
        "date" => about(place, "er ikke en dato som finnes", "is not a date that exists"),
        "date-time" => about(place, "er ikke et tidspunkt som finnes", "is not a time that exists"),
        _ => about(place, "har feil form", "has the wrong form"),
    }
}

fn not_allowed(place: &str, options: &Value) -> Sentences {
    let no = listed(texts(options), "og");
    let en = listed(texts(options), "and");
    about(
        place,
        &format!("har en verdi som ikke er tillatt. Tillatt er {no}"),
        &format!("has a value that is not allowed. Allowed are {en}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(kind: MessageType, message: &Value) -> Vec<Finding> {
        let mut found = Found::new(100);
        Schemas::new().unwrap().check(kind, message, &mut found);
        found.into_findings()
    }

    fn status(change: Value) -> Value {
        let mut message = json!({
            "avsender": {"id": "918190937"},
            "mottaker": {"id": "926018159", "referanse": "R-1"},
            "statuskode": "LAAN_NEDBETALT",
            "tekst": "Lånet er innfridd.",
        });
        for (key, value) in change.as_object().unwrap() {
            message[key] = value.clone();
        }
        message
    }

    #[test]
    fn a_right_message_has_no_findings() {
        assert_eq!(found(MessageType::Status, &status(json!({}))), []);
    }

    #[test]
    fn each_kind_of_breach_says_where_and_what_is_wanted() {
        let cases = [
            (json!({"avsender": {}}), "INN-002 /avsender/id", "The field `id` is missing."),
            (json!({"ekstra": 1}), "INN-003 /ekstra", "`ekstra` is not known here"),
            (json!({"avsender": {"id": "91819093A"}}), "INN-004 /avsender/id", "nine digits"),
            (json!({"tekst": " \n"}), "INN-004 /tekst", "not blank"),
            (json!({"tekst": 7}), "INN-005 /tekst", "a string is wanted"),
            (json!({"tekst": "x".repeat(2001)}), "INN-006 /tekst", "at most 2000 characters"),
            (json!({"statuskode": "OK"}), "INN-011 /statuskode", "LAAN_SOLGT and FEIL"),
            (json!({"avvik": []}), "INN-013 /avvik", "at least 1"),
        ];
        for (change, place, words) in cases {
            let findings = found(MessageType::Status, &status(change));
            assert_eq!(findings.len(), 1, "{findings:?}");
            let finding = &findings[0];
            assert_eq!(format!("{} {}", finding.regel, finding.peker), place);
            assert!(finding.text.contains(words), "{}", finding.text);
        }
    }

    #[test]
    fn a_message_that_is_no_object_is_one_finding() {
        for message in [json!(null), json!([]), json!("x"), json!(1.5)] {
            let findings = found(MessageType::Restgjeldssvar, &message);
            assert_eq!(findings.len(), 1);
            assert_eq!(findings[0].text, "The message has the wrong type: an object is wanted.");
        }
    }

    #[test]
    fn a_choice_names_its_alternatives() {
        let kind = MessageType::Restgjeldsforespoersel;
        let unit = |unit: Value| {
            let findings = found(kind, &json!({"registerenheterMedHjemmelshavere": [unit]}));
            let choice = |finding: &&Finding| finding.regel == form::EXACTLY_ONE.id;
            findings.iter().filter(choice).map(|it| it.text.clone()).collect::<Vec<_>>()
        };
        let wanted = ["Exactly one of matrikkel, borettsandel and aksjeleilighet must be given."];
        assert_eq!(unit(json!({})), wanted);
        assert_eq!(unit(json!({"matrikkel": {}, "borettsandel": {}})), wanted);
        assert!(unit(json!({"matrikkel": {}})).is_empty());
        assert!(unit(json!(7)).is_empty());
    }

    #[test]
    fn a_key_that_is_no_field_name_is_not_repeated() {
        let findings = found(MessageType::Status, &status(json!({"Kari Nordmann": 1})));
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].peker, "");
        assert!(!format!("{findings:?}").contains("Kari"));
    }
}

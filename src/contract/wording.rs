//! What a breach of a schema is called, in Norwegian and English, without a word of the message.
//!
//! The schema library's own sentences quote the value that is wrong, which may be a name or a
//! national identity number; so they are never used.

use serde_json::Value;

/// The two sentences of a finding: Norwegian, English.
pub(super) type Sentences = (String, String);

/// What is wanted of a text that must match a pattern, by the pattern as the schemas have it.
const FORMS: [(&str, &str, &str); 13] = [
    ("^[0-9]{9}$", "ni sifre uten mellomrom", "nine digits without spaces"),
    (
        "^[0-9]{11}$",
        "elleve sifre uten mellomrom eller punktum",
        "eleven digits without spaces or dots",
    ),
    ("^[0-9]{4}$", "fire sifre", "four digits"),
    ("^[0-9]{2,25}$", "2 til 25 sifre", "2 to 25 digits"),
    (
        r"^((0|[1-9][0-9]{0,10}|1[0-9]{11}|2[0-7][0-9]{10})(\.[0-9]{1,2})?|280000000000(\.0{1,2})?)$",
        "et beløp fra 0 til 280000000000 med punktum og høyst to desimaler, som 1000.20",
        "an amount from 0 to 280000000000 with a point and at most two decimals, such as 1000.20",
    ),
    (
        r"^(0|[1-9][0-9]{0,10}|1[0-9]{11}|2[0-7][0-9]{10}|280000000000)(\.0{1,2})?$",
        "et beløp i hele kroner fra 0 til 280000000000",
        "an amount in whole kroner from 0 to 280000000000",
    ),
    ("^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}$", "en dato som 2026-06-30", "a date such as 2026-06-30"),
    (
        r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$",
        "et tidspunkt som 2026-06-30T09:00:00Z",
        "a time such as 2026-06-30T09:00:00Z",
    ),
    (
        r"^[^\u0000-\u001F\u007F]*[^\u0000-\u0020\u007F-\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000\uFEFF][^\u0000-\u001F\u007F]*$",
        "én linje tekst som ikke er tom",
        "one line of text that is not blank",
    ),
    (
        r"^[^\u0000-\u0009\u000B-\u001F\u007F]*[^\u0000-\u0020\u007F-\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000\uFEFF][^\u0000-\u0009\u000B-\u001F\u007F]*$",
        "tekst som ikke er tom, uten styretegn",
        "text that is not blank, without control characters",
    ),
    (
        r"^[^@\u0000-\u0020\u007F-\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000\uFEFF]+@[^@\u0000-\u0020\u007F-\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000\uFEFF]+$",
        "en e-postadresse",
        "an e-mail address",
    ),
    (
        r"^\+?[0-9][0-9 ()-]*$",
        "et telefonnummer med sifre og mellomrom",
        "a telephone number of digits and spaces",
    ),
    (
        "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$",
        "en UUID",
        "a UUID",
    ),
];

/// What a form is called: Norwegian, English.
pub(super) fn form(pattern: &str) -> Option<(&'static str, &'static str)> {
    FORMS.iter().find(|(known, ..)| *known == pattern).map(|(_, no, en)| (*no, *en))
}

/// Whether a pattern is about the characters of a text rather than its shape, so that a text may be
/// both too long and wrong. Such patterns begin with the characters they shut out.
pub(super) fn is_free_text(pattern: &str) -> bool {
    pattern.starts_with("^[^")
}

/// What a JSON type is called: Norwegian, English.
pub(super) fn json_type(name: &str) -> (&'static str, &'static str) {
    match name {
        "string" => ("en tekst i anførselstegn", "a string"),
        "integer" => ("et heltall uten anførselstegn", "a whole number"),
        "number" => ("et tall uten anførselstegn", "a number"),
        "boolean" => ("true eller false uten anførselstegn", "true or false"),
        "object" => ("et objekt", "an object"),
        "array" => ("en liste", "a list"),
        _ => ("en annen type", "another type"),
    }
}

/// Codes or field names as a list in running text. They come from a schema, never from a message.
pub(super) fn listed<'a>(names: impl Iterator<Item = &'a str>, and: &str) -> String {
    let names: Vec<&str> = names.collect();
    match names.split_last() {
        None => String::new(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} {and} {last}", rest.join(", ")),
    }
}

/// The texts of a JSON list.
pub(super) fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// Whether a key looks like a field name, and so may be repeated in a finding. Keys come from the
/// message: a program gone wrong may have put a number or a person's name there.
pub fn is_presentable(key: &str) -> bool {
    key.len() <= 64
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        && key.bytes().filter(u8::is_ascii_digit).count() <= 4
}

/// Adds a segment to a JSON pointer; the key must be presentable, and so needs no escaping.
pub(super) fn push_segment(pointer: &mut String, key: &str) {
    pointer.push('/');
    pointer.push_str(key);
}

/// The field that a pointer leads to, for a sentence: the last step that is not a place in a list.
/// `None` for the message itself.
pub(super) fn field_of(pointer: &str) -> Option<&str> {
    pointer
        .rsplit('/')
        .find(|step| !step.is_empty() && !step.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Opens both sentences with the field, and closes them with what is said of it.
pub(super) fn about(pointer: &str, no: &str, en: &str) -> Sentences {
    match field_of(pointer) {
        Some(field) => (format!("Feltet «{field}» {no}."), format!("The field `{field}` {en}.")),
        None => (format!("Meldingen {no}."), format!("The message {en}.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::MessageType;

    fn patterns(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    match value.as_str() {
                        Some(pattern) if key == "pattern" => found.push(pattern.to_owned()),
                        // Repeats the end of the pattern beside it, and is never told.
                        None if key == "not" => {}
                        Some(_) | None => patterns(value, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| patterns(item, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn every_pattern_of_the_schemas_is_put_in_words() {
        for kind in MessageType::ALL {
            let mut found = Vec::new();
            patterns(&serde_json::from_str(kind.schema()).unwrap(), &mut found);
            assert!(!found.is_empty());
            for pattern in found {
                // The one form that only innfri itself writes.
                if pattern != "^[A-Z]{2,8}-[0-9]{3,6}$" {
                    assert!(form(&pattern).is_some(), "{kind}: {pattern}");
                }
            }
        }
    }

    #[test]
    fn a_field_is_named_without_its_place_in_a_list() {
        assert_eq!(field_of("/laanliste/0/saldo"), Some("saldo"));
        assert_eq!(field_of("/innfrielsesdatoer/3"), Some("innfrielsesdatoer"));
        assert_eq!(field_of(""), None);
    }

    #[test]
    fn lists_read_well() {
        assert_eq!(listed(["a"].into_iter(), "og"), "a");
        assert_eq!(listed(["a", "b", "c"].into_iter(), "og"), "a, b og c");
    }

    #[test]
    fn numbers_and_sentences_are_not_field_names() {
        assert!(is_presentable("gaardsnummer") && is_presentable("F_1"));
        for key in ["23904430552", "Kari Nordmann", "a/b", "æ", &"x".repeat(65)] {
            assert!(!is_presentable(key), "{key}");
        }
    }
}

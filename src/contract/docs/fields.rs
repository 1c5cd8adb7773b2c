//! A schema as a flat list of fields, each in human words.

use std::fmt;

use super::super::catalogue::MessageType;
use super::super::example::examples_of;
use super::super::ordered::Json;
use super::super::parts::{part_name, schema_of};
use super::super::wording;

/// Whether a field must be there, within its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    Required,
    Optional,
    /// Exactly one of several.
    OneOf,
}

impl fmt::Display for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Required => "yes",
            Self::Optional => "no",
            Self::OneOf => "exactly one",
        })
    }
}

/// One field of a message type.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    /// Where it is: names with points between, `[]` after a list.
    pub(super) path: String,
    /// The shared part that it is made of, if any.
    pub(super) part: Option<String>,
    pub(super) presence: Presence,
    /// What it means.
    pub(super) meaning: String,
    /// What it must look like, in words.
    pub(super) form: String,
    /// A value from an example, as JSON; only for single values.
    pub(super) example: Option<String>,
}

/// The fields of a type in the order of its schema, each object before what is in it.
pub(super) fn fields_of(kind: MessageType) -> Vec<Field> {
    let schema = schema_of(kind);
    let parts = schema.get("$defs").cloned().unwrap_or(Json::Null);
    let examples: Vec<Json> =
        examples_of(kind).filter_map(|example| Json::read(example.json).ok()).collect();
    let mut walk = Walk { parts, fields: Vec::new() };
    walk.object(&schema, "", &examples.iter().collect::<Vec<_>>());
    walk.fields
}

struct Walk {
    parts: Json,
    fields: Vec<Field>,
}

impl Walk {
    /// The schema itself, where a reference stands for it, and the part's name.
    fn resolved(&self, schema: &Json) -> (Json, Option<String>) {
        let name = schema.get("$ref").and_then(Json::text).and_then(part_name);
        match name.and_then(|name| self.parts.get(name).map(|part| (part.clone(), name))) {
            Some((part, name)) => (part, Some(name.to_owned())),
            None => (schema.clone(), None),
        }
    }

    fn object(&mut self, schema: &Json, from: &str, examples: &[&Json]) {
        for (name, field) in schema.get("properties").map(Json::fields).unwrap_or_default() {
            let path = if from.is_empty() { name.clone() } else { format!("{from}.{name}") };
            let here: Vec<&Json> =
                examples.iter().filter_map(|example| example.get(name)).collect();
            self.field(schema, name, path, field, &here);
        }
    }

    fn field(&mut self, owner: &Json, name: &str, path: String, schema: &Json, here: &[&Json]) {
        let (body, part) = self.resolved(schema);
        let meaning = schema.get("description").or_else(|| body.get("description"));
        let items = body.get("items").map(|items| self.resolved(items).0);
        let path = if items.is_some() { format!("{path}[]") } else { path };
        let form = match &items {
            Some(item) => format!("{} of {}", form(&body), form(item)),
            None => form(&body),
        };
        let inner: Vec<&Json> = match &items {
            Some(_) => here.iter().flat_map(|value| value.items()).collect(),
            None => here.to_vec(),
        };
        let example =
            inner.iter().find(|value| value.fields().is_empty() && value.items().is_empty());
        self.fields.push(Field {
            part,
            presence: presence(owner, name),
            meaning: meaning.and_then(Json::text).unwrap_or_default().to_owned(),
            form,
            example: example.and_then(|value| serde_json::to_string(value).ok()),
            path: path.clone(),
        });
        self.object(items.as_ref().unwrap_or(&body), &path, &inner);
    }
}

fn presence(owner: &Json, name: &str) -> Presence {
    let names = |schema: &Json| {
        let required = schema.get("required").map(Json::items).unwrap_or_default();
        required.iter().any(|it| it.text() == Some(name))
    };
    let choices = owner.get("oneOf").map(Json::items).unwrap_or_default();
    if names(owner) {
        Presence::Required
    } else if choices.iter().any(names) {
        Presence::OneOf
    } else {
        Presence::Optional
    }
}

/// What a value must look like, without where or why.
fn form(schema: &Json) -> String {
    if let Some(codes) = schema.get("enum") {
        let codes: Vec<String> =
            codes.items().iter().filter_map(Json::text).map(|code| format!("`{code}`")).collect();
        return codes.join(", ");
    }
    match schema.get("type").and_then(Json::text).unwrap_or_default() {
        "object" => "an object".to_owned(),
        "boolean" => "`true` or `false`".to_owned(),
        "integer" => format!("a whole number{}", range(schema, "minimum", "maximum")),
        "array" => format!("a list{}", range(schema, "minItems", "maxItems")),
        _ => text_form(schema),
    }
}

fn text_form(schema: &Json) -> String {
    let pattern = schema.get("pattern").and_then(Json::text);
    let Some(pattern) = pattern else {
        return format!("text{}", longest(schema));
    };
    match wording::form(pattern) {
        Some((_, words)) if wording::is_free_text(pattern) => format!("{words}{}", longest(schema)),
        Some((_, words)) => words.to_owned(),
        None => "capitals, a hyphen, digits".to_owned(),
    }
}

fn longest(schema: &Json) -> String {
    number(schema, "maxLength")
        .map(|most| format!(", at most {most} characters"))
        .unwrap_or_default()
}

fn range(schema: &Json, least: &str, most: &str) -> String {
    match (number(schema, least), number(schema, most)) {
        (Some(least), Some(most)) => format!(" ({least} to {most})"),
        (Some(least), None) => format!(" (at least {least})"),
        (None, Some(most)) => format!(" (at most {most})"),
        (None, None) => String::new(),
    }
}

fn number(schema: &Json, name: &str) -> Option<String> {
    match schema.get(name)? {
        Json::Number(number) => Some(number.to_string()),
        Json::Null | Json::Bool(_) | Json::Text(_) | Json::List(_) | Json::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(kind: MessageType, path: &str) -> Field {
        fields_of(kind).into_iter().find(|field| field.path == path).unwrap()
    }

    #[test]
    fn a_field_says_where_it_is_what_it_means_and_what_it_looks_like() {
        let saldo = field(MessageType::Restgjeldssvar, "laanliste[].saldo");
        assert_eq!(saldo.presence, Presence::Required);
        assert!(saldo.meaning.contains("owed") && saldo.form.contains("at most two decimals"));
        assert_eq!(saldo.example.as_deref(), Some("\"2345678.90\""));
        assert_eq!(saldo.part.as_deref(), Some("beloep"));
    }

    #[test]
    fn a_choice_is_neither_required_nor_free() {
        let kind = MessageType::Restgjeldsforespoersel;
        let unit = "registerenheterMedHjemmelshavere[].matrikkel";
        assert_eq!(field(kind, unit).presence, Presence::OneOf);
        assert_eq!(field(kind, "prisantydning").presence, Presence::Optional);
    }

    #[test]
    fn every_field_has_a_meaning_and_a_form_and_nearly_every_one_an_example() {
        for kind in MessageType::ALL {
            let fields = fields_of(kind);
            for field in &fields {
                assert!(
                    !field.meaning.is_empty() && !field.form.is_empty(),
                    "{kind} {}",
                    field.path
                );
            }
            let single = |field: &&Field| !field.form.ends_with("an object");
            let without: Vec<&str> = fields
                .iter()
                .filter(single)
                .filter(|field| field.example.is_none())
                .map(|field| field.path.as_str())
                .collect();
            assert!(without.len() * 3 < fields.len(), "{kind}: {without:?}");
        }
    }
}

//! The schemas as parts of a larger document: what several schemas share stands once, and references
//! lead there.

use super::catalogue::MessageType;
use super::ordered::{Json, object};

/// Where a document keeps its schemas, as the start of a reference.
const SCHEMAS: &str = "#/components/schemas/";

/// What a document's readers make of words beside a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BesideReference {
    /// They are read (JSON Schema 2020-12, and so OpenAPI 3.1).
    Read,
    /// They are dropped (AsyncAPI's reference object, JSON Schema draft-07): the reference must
    /// stand alone.
    Dropped,
}

/// A reference to the schema of this name.
pub(super) fn schema_ref(name: &str) -> Json {
    object! { "$ref": format!("{SCHEMAS}{name}") }
}

/// Every schema of the catalogue under its message type, then the parts they share under their own
/// names. A test makes sure that parts of one name are the same in each schema.
pub(super) fn schemas(beside: BesideReference) -> Vec<(String, Json)> {
    let mut messages = Vec::new();
    let mut shared: Vec<(String, Json)> = Vec::new();
    for kind in MessageType::ALL {
        let schema = schema_of(kind);
        for (name, part) in schema.get("$defs").map(Json::fields).unwrap_or_default() {
            if !shared.iter().any(|(known, _)| known == name) {
                shared.push((name.clone(), embedded(part, beside)));
            }
        }
        let own =
            |(name, _): &&(String, Json)| !["$schema", "$id", "$defs"].contains(&name.as_str());
        let body = Json::object(schema.fields().iter().filter(own).cloned());
        messages.push((kind.name().to_owned(), embedded(&body, beside)));
    }
    messages.extend(shared);
    messages
}

/// The schema of a type with its fields in the order of its file.
pub(super) fn schema_of(kind: MessageType) -> Json {
    // A test compiles each of them.
    Json::read(kind.schema()).unwrap_or(Json::Null)
}

/// The part of its schema that a reference leads to, by the part's name.
pub(super) fn part_name(reference: &str) -> Option<&str> {
    reference.strip_prefix("#/$defs/")
}

fn embedded(schema: &Json, beside: BesideReference) -> Json {
    match schema {
        Json::Object(fields) => {
            let moved = Json::object(fields.iter().map(|(name, value)| {
                let part = value.text().filter(|_| name == "$ref").and_then(part_name);
                let value = part.map_or_else(
                    || embedded(value, beside),
                    |part| Json::Text(format!("{SCHEMAS}{part}")),
                );
                (name.clone(), value)
            }));
            if beside == BesideReference::Dropped { alone(moved) } else { moved }
        }
        Json::List(items) => Json::List(items.iter().map(|item| embedded(item, beside)).collect()),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) => schema.clone(),
    }
}

/// Moves a reference that has company into an `allOf`, which means the same.
fn alone(schema: Json) -> Json {
    let Json::Object(fields) = schema else { return schema };
    let is_reference = |(name, _): &(String, Json)| name == "$ref";
    if fields.len() < 2 || !fields.iter().any(is_reference) {
        return Json::Object(fields);
    }
    let (reference, mut others): (Vec<_>, Vec<_>) = fields.into_iter().partition(is_reference);
    others.push(("allOf".to_owned(), Json::List(vec![Json::Object(reference)])));
    Json::Object(others)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(schemas: &[(String, Json)], name: &str) -> Json {
        schemas.iter().find(|(known, _)| known == name).unwrap().1.clone()
    }

    #[test]
    fn every_type_and_every_shared_part_stands_once() {
        let schemas = schemas(BesideReference::Read);
        let mut names: Vec<&str> = schemas.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(names.contains(&"no.dsve.status.v1") && names.contains(&"avsender"));
    }

    #[test]
    fn references_lead_into_the_document_and_nowhere_else() {
        for beside in [BesideReference::Read, BesideReference::Dropped] {
            let schemas = schemas(beside);
            let text = Json::object(schemas.clone()).pretty();
            assert!(!text.contains("#/$defs/") && !text.contains("\"$id\""));
            for reference in text.split("\"#/components/schemas/").skip(1) {
                let name = reference.split('"').next().unwrap();
                assert!(schemas.iter().any(|(known, _)| known == name), "{name}");
            }
        }
    }

    #[test]
    fn words_beside_a_reference_survive_where_they_would_be_dropped() {
        let field = |beside| {
            let schema = named(&schemas(beside), "no.dsve.status.v1");
            schema.get("properties").unwrap().get("avsender").unwrap().clone()
        };
        assert!(field(BesideReference::Read).get("$ref").is_some());
        let wrapped = field(BesideReference::Dropped);
        assert!(wrapped.get("$ref").is_none() && wrapped.get("description").is_some());
        assert_eq!(wrapped.get("allOf").unwrap().items(), [schema_ref("statuspart")]);
    }
}

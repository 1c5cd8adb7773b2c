//! Reads what AKELDO says, whatever exact form it has: its keys are not published, so several spellings of
//! each are known, what is not known is left aside, and one bad entry does not spoil the others.
//!
//! Source: DSVE functional description, *Forutsetninger* (each participant is listed with its organisation
//! number, its role, and the message types that it sends and receives).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::{Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::contract::MessageType;
use crate::kernel::OrganisationId;

/// Bytes of a whole directory, at most: with a thousand bytes an entry, room for 16 000.
pub const MOST_BYTES: usize = 16 * 1024 * 1024;
/// Entries, at most.
pub const MOST_ENTRIES: usize = 50_000;
/// Bytes of one entry, at most.
const MOST_ENTRY_BYTES: usize = 64 * 1024;
/// Names of message types in one list that are looked at, and unknown ones that are kept of an entry.
const MOST_NAMES: usize = 500;
const MOST_UNKNOWN: usize = 50;
/// Characters of a text that are kept.
const MOST_CHARACTERS: usize = 200;
/// Objects within which the list may be wrapped.
const DEEPEST_WRAPPING: usize = 3;

const NUMBER_KEYS: [&str; 3] = ["organisasjonsnummer", "orgnr", "id"];
const NAME_KEYS: [&str; 3] = ["foretaksnavn", "organisasjonsnavn", "navn"];
const ROLE_KEYS: [&str; 2] = ["rolle", "type"];
const TYPE_KEYS: [&str; 2] = ["meldingstype", "navn"];
const WORD_KEYS: [&str; 3] = ["kode", "navn", "type"];

/// A participant as AKELDO lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its number.
    pub id: OrganisationId,
    /// Its name, where AKELDO tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is; `None` where AKELDO does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<ListedRole>,
    /// Message types of innfri that it sends.
    pub sends: BTreeSet<MessageType>,
    /// Message types of innfri that it receives.
    pub receives: BTreeSet<MessageType>,
    /// Names in its lists that are no message type of innfri, as they stand there.
    pub unknown: BTreeSet<String>,
}

/// What AKELDO says that a participant is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ListedRole {
    /// A bank.
    Bank,
    /// An estate agency (megler).
    EstateAgency,
    /// Something that innfri does not know, in AKELDO's word.
    Other(String),
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// One for each organisation, by number.
    pub entries: Vec<Entry>,
    /// What could not be used, in order.
    pub skipped: Vec<Skipped>,
}

/// An entry that could not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skipped {
    /// Which of the list, from 1.
    pub place: usize,
    /// Why.
    pub why: Unusable,
}

/// Why an entry could not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// A number, a text, a list.
    #[error("it is no object")]
    NoObject,
    /// Nobody can tell who it is.
    #[error("it has no organisation number under organisasjonsnummer, orgnr or id")]
    NoNumber,
    /// It is larger than any real one.
    #[error("it has more than {MOST_ENTRY_BYTES} bytes")]
    TooLarge,
    /// It is nested too deeply.
    #[error("it is nested too deeply")]
    TooDeep,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {}: {}", self.place, self.why)
    }
}

/// Why nothing could be read. Quotes nothing of what came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Too many bytes.
    #[error("it has more than {MOST_BYTES} bytes")]
    TooLarge,
    /// No JSON.
    #[error("it is no JSON (line {line}, column {column})")]
    NoJson {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// JSON, but no list of participants, nor one in an object.
    #[error("it holds no list of participants")]
    NoList,
    /// Too many entries.
    #[error("it has more than {MOST_ENTRIES} entries")]
    TooMany,
}

/// Reads a list of participants: a JSON array, or one inside an object; also a single participant.
///
/// # Errors
/// When it is too large, no JSON, or holds no list. An entry that cannot be used is skipped instead, and
/// an empty list is read as such.
pub fn read(bytes: &[u8]) -> Result<Listing, ReadError> {
    if bytes.len() > MOST_BYTES {
        return Err(ReadError::TooLarge);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let whole: &RawValue = serde_json::from_slice(bytes)
        .map_err(|error| ReadError::NoJson { line: error.line(), column: error.column() })?;
    let mut listing = Listing::default();
    let mut by_number: BTreeMap<OrganisationId, Entry> = BTreeMap::new();
    for (place, raw) in (1..).zip(list(whole, DEEPEST_WRAPPING)?) {
        match entry(raw) {
            // An organisation with two roles may be listed once for each.
            Ok(found) => match by_number.entry(found.id.clone()) {
                std::collections::btree_map::Entry::Vacant(free) => drop(free.insert(found)),
                std::collections::btree_map::Entry::Occupied(mut known) => {
                    known.get_mut().join(found);
                }
            },
            Err(why) => listing.skipped.push(Skipped { place, why }),
        }
    }
    listing.entries = by_number.into_values().collect();
    Ok(listing)
}

impl Entry {
    /// Takes in what another entry of the same organisation says.
    fn join(&mut self, other: Self) {
        self.name = self.name.take().or(other.name);
        self.role = match (self.role.take(), other.role) {
            (Some(ListedRole::Bank), _) | (_, Some(ListedRole::Bank)) => Some(ListedRole::Bank),
            (Some(ListedRole::Other(_)) | None, Some(known)) => Some(known),
            (mine, _) => mine,
        };
        self.sends.extend(other.sends);
        self.receives.extend(other.receives);
        self.unknown.extend(other.unknown);
        while self.unknown.len() > MOST_UNKNOWN {
            self.unknown.pop_last();
        }
    }
}

/// The entries, each still as it came.
fn list(whole: &RawValue, depth: usize) -> Result<Vec<&RawValue>, ReadError> {
    let text = whole.get();
    if text.starts_with('[') {
        return parts(text);
    }
    if !text.starts_with('{') || depth == 0 {
        return Err(ReadError::NoList);
    }
    if entry(whole).is_ok() {
        return Ok(vec![whole]);
    }
    let values = parts(text)?;
    let arrays: Vec<&RawValue> =
        values.iter().copied().filter(|value| value.get().starts_with('[')).collect();
    let inside = if arrays.is_empty() { values } else { arrays };
    let mut found = None;
    for value in inside {
        match list(value, depth - 1) {
            Ok(more) => found.get_or_insert_with(Vec::new).extend(more),
            Err(ReadError::NoList) => {}
            Err(error) => return Err(error),
        }
    }
    match found {
        Some(found) if found.len() > MOST_ENTRIES => Err(ReadError::TooMany),
        Some(found) => Ok(found),
        None => Err(ReadError::NoList),
    }
}

/// The elements of an array, or the values of an object.
fn parts(text: &str) -> Result<Vec<&RawValue>, ReadError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    // The text is sound JSON, so that only the number of parts can be wrong.
    Parts.deserialize(&mut reader).map_err(|_| ReadError::TooMany)
}

/// Collects [`MOST_ENTRIES`] parts, and no more, so that an endless list of nothing takes no memory.
struct Parts;

impl<'de> DeserializeSeed<'de> for Parts {
    type Value = Vec<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Parts {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {MOST_ENTRIES} parts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut found = Vec::new();
        while let Some(part) = list.next_element()? {
            push(&mut found, part)?;
        }
        Ok(found)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut found = Vec::new();
        while let Some((_, part)) = object.next_entry::<serde::de::IgnoredAny, _>()? {
            push(&mut found, part)?;
        }
        Ok(found)
    }
}

fn push<'de, E: serde::de::Error>(
    found: &mut Vec<&'de RawValue>,
    part: &'de RawValue,
) -> Result<(), E> {
    if found.len() == MOST_ENTRIES {
        return Err(E::custom("too many"));
    }
    found.push(part);
    Ok(())
}

fn entry(raw: &RawValue) -> Result<Entry, Unusable> {
    if raw.get().len() > MOST_ENTRY_BYTES {
        return Err(Unusable::TooLarge);
    }
    if !raw.get().starts_with('{') {
        return Err(Unusable::NoObject);
    }
    let value: Value = serde_json::from_str(raw.get()).map_err(|_| Unusable::TooDeep)?;
    let Value::Object(fields) = value else { return Err(Unusable::NoObject) };
    // Keys are told apart as names are: without case, hyphens and underscores.
    let fields: BTreeMap<String, Value> =
        fields.into_iter().map(|(key, value)| (folded(&key), value)).collect();
    let at = |keys: &[&str]| keys.iter().filter_map(|key| fields.get(*key)).collect::<Vec<_>>();
    let id = at(&NUMBER_KEYS).into_iter().find_map(number).ok_or(Unusable::NoNumber)?;
    let mut unknown = BTreeSet::new();
    let mut types = |key: &str| {
        fields.get(key).map(|list| message_types(list, &mut unknown)).unwrap_or_default()
    };
    let (sends, receives) = (types("sendeliste"), types("mottaksliste"));
    let name = at(&NAME_KEYS).into_iter().find_map(text).map(|name| short(&name));
    let role = at(&ROLE_KEYS).into_iter().find_map(role);
    Ok(Entry { id, name, role, sends, receives, unknown })
}

/// An organisation number: digits as text or number, with a country or without.
fn number(value: &Value) -> Option<OrganisationId> {
    let text = match value {
        Value::String(text) => text.split_whitespace().collect::<String>(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    // ISO 6523 writes Norwegian numbers with 0192 in front.
    text.strip_prefix("0192:").unwrap_or(&text).parse().ok()
}

/// A text that says something; of an object, its code or name.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Object(fields) => WORD_KEYS.iter().find_map(|wanted| {
            let found = fields.iter().find(|(key, _)| folded(key) == *wanted);
            found.and_then(|(_, value)| value.as_str()).map(str::to_owned)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    }
}

/// A role; of several, that of a bank counts, since a bank does all that an estate agency does.
fn role(value: &Value) -> Option<ListedRole> {
    let several = match value {
        Value::Array(list) => list.iter().filter_map(text).collect(),
        _ => text(value).into_iter().collect::<Vec<_>>(),
    };
    let mut roles = several.iter().map(|word| match folded(word).as_str() {
        "bank" => ListedRole::Bank,
        "megler" | "eiendomsmegler" | "meglerforetak" | "eiendomsmeglerforetak" => {
            ListedRole::EstateAgency
        }
        _ => ListedRole::Other(short(word)),
    });
    let first = roles.next()?;
    Some(roles.fold(first, |found, next| match (&found, &next) {
        (ListedRole::Bank, _) | (ListedRole::EstateAgency, ListedRole::Other(_)) => found,
        (ListedRole::Other(_), ListedRole::Other(_)) => found,
        (ListedRole::EstateAgency | ListedRole::Other(_), _) => next,
    }))
}

/// The message types of a list of names, or of objects that hold a name; also of one name alone.
fn message_types(list: &Value, unknown: &mut BTreeSet<String>) -> BTreeSet<MessageType> {
    let names: Vec<String> = match list {
        Value::Array(items) => items.iter().take(MOST_NAMES).filter_map(type_name).collect(),
        _ => type_name(list).into_iter().collect(),
    };
    let mut known = BTreeSet::new();
    for name in names {
        match message_type(&name) {
            Some(kind) => drop(known.insert(kind)),
            None if unknown.len() < MOST_UNKNOWN => drop(unknown.insert(short(&name))),
            None => {}
        }
    }
    known
}

fn type_name(item: &Value) -> Option<String> {
    match item {
        Value::String(name) => Some(name.trim().to_owned()).filter(|name| !name.is_empty()),
        Value::Object(fields) => TYPE_KEYS.iter().find_map(|wanted| {
            fields.iter().find(|(key, _)| folded(key) == *wanted).and_then(|(_, name)| text(name))
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    }
}

/// The type with this name in the DSVE manifest, in any capitals; one published misspelling is known.
fn message_type(name: &str) -> Option<MessageType> {
    match folded(name).as_str() {
        "restgjeldsforespoersel" => Some(MessageType::Restgjeldsforespoersel),
        "restgjeldssvar" => Some(MessageType::Restgjeldssvar),
        "innfrielsessaldoforespoersel" | "innfrielsessaldoforespoerspoersel" => {
            Some(MessageType::Innfrielsessaldoforespoersel)
        }
        "innfrielsessaldosvar" => Some(MessageType::Innfrielsessaldosvar),
        _ => None,
    }
}

/// A word without capitals, hyphens and the like, with Norwegian letters written out as in DSVE's names.
fn folded(word: &str) -> String {
    let mut folded = String::with_capacity(word.len());
    for letter in word.chars().flat_map(char::to_lowercase) {
        match letter {
            'ø' => folded.push_str("oe"),
            'å' => folded.push_str("aa"),
            'æ' => folded.push_str("ae"),
            other if other.is_alphanumeric() => folded.push(other),
            _ => {}
        }
    }
    folded
}

/// At most so much of a text as is kept, without signs that would change a terminal.
fn short(text: &str) -> String {
    text.chars().filter(|sign| !sign.is_control()).take(MOST_CHARACTERS).collect()
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;

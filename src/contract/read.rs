//! From bytes to JSON in one pass, with what JSON readers usually let through: fields that are given
//! twice, and nesting without end.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::wording::{is_presentable, push_segment};
use crate::kernel::{Finding, Limits};
use crate::market::no::rules::form;

/// The JSON reader's own limit, of which a part is left to it.
const DEEPEST: usize = 120;

/// Reads JSON within the limits. The findings are complete: when there are any, the value (where
/// there is one) is good for hints alone.
pub(super) fn read(body: &[u8], limits: &Limits) -> (Option<Value>, Vec<Finding>) {
    if body.len() > limits.body_bytes {
        return (None, vec![too_large(limits.body_bytes)]);
    }
    let Ok(text) = std::str::from_utf8(body) else {
        return (None, vec![form::NOT_UTF8.finding("")]);
    };
    let mut state = State {
        depth: limits.depth.min(DEEPEST),
        too_deep: false,
        duplicates: Vec::new(),
        room: limits.findings,
    };
    let mut reader = serde_json::Deserializer::from_str(text);
    let read =
        Node(&mut state).deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    match read {
        Ok(value) => {
            let findings = state.duplicates.into_iter().map(duplicate).collect();
            (Some(value), findings)
        }
        Err(_) if state.too_deep => (None, vec![too_deep(limits.depth.min(DEEPEST))]),
        Err(error) => (None, vec![not_json(error.line(), error.column())]),
    }
}

fn too_large(limit: usize) -> Finding {
    form::BODY_TOO_LARGE.worded(
        "",
        format!("Meldingen er for stor: høyst {limit} byte."),
        format!("The message is too large: at most {limit} bytes."),
    )
}

fn too_deep(limit: usize) -> Finding {
    form::TOO_DEEP.worded(
        "",
        format!("Meldingen har for mange nivåer inni hverandre: høyst {limit}."),
        format!("The message is nested too deeply: at most {limit} levels."),
    )
}

fn not_json(line: usize, column: usize) -> Finding {
    form::NOT_JSON.worded(
        "",
        format!("Innholdet er ikke gyldig JSON (linje {line}, tegn {column})."),
        format!("The body is not valid JSON (line {line}, column {column})."),
    )
}

fn duplicate(pointer: String) -> Finding {
    form::DUPLICATE_KEY.finding(pointer)
}

struct State {
    /// How many arrays and objects may still be opened.
    depth: usize,
    too_deep: bool,
    /// Pointers to fields that were given more than once.
    duplicates: Vec<String>,
    /// How many duplicates are still worth telling.
    room: usize,
}

impl State {
    fn open<E: serde::de::Error>(&mut self) -> Result<(), E> {
        match self.depth.checked_sub(1) {
            Some(left) => {
                self.depth = left;
                Ok(())
            }
            None => {
                self.too_deep = true;
                Err(E::custom("too deep"))
            }
        }
    }

    const fn close(&mut self) {
        self.depth += 1;
    }

    fn repeated(&mut self, key: &str) {
        if self.duplicates.len() < self.room {
            self.duplicates.push(pointer_to(key, ""));
        }
    }

    /// Completes the pointers that were noted inside a child.
    fn inside(&mut self, from: usize, key: &str) {
        for pointer in self.duplicates.iter_mut().skip(from) {
            *pointer = pointer_to(key, pointer);
        }
    }
}

/// A pointer from a key downwards. A key that does not look like a field name could be anything, so
/// the pointer then ends above it.
fn pointer_to(key: &str, below: &str) -> String {
    let mut pointer = String::new();
    if is_presentable(key) {
        push_segment(&mut pointer, key);
        pointer.push_str(below);
    }
    pointer
}

struct Node<'a>(&'a mut State);

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        self.0.open::<A::Error>()?;
        let mut items = Vec::new();
        loop {
            let noted = self.0.duplicates.len();
            let Some(item) = access.next_element_seed(Node(self.0))? else { break };
            if self.0.duplicates.len() > noted {
                self.0.inside(noted, &items.len().to_string());
            }
            items.push(item);
        }
        self.0.close();
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        self.0.open::<A::Error>()?;
        let mut fields = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let noted = self.0.duplicates.len();
            let value = access.next_value_seed(Node(self.0))?;
            if self.0.duplicates.len() > noted {
                self.0.inside(noted, &key);
            }
            match fields.entry(key) {
                serde_json::map::Entry::Vacant(place) => {
                    place.insert(value);
                }
                serde_json::map::Entry::Occupied(place) => self.0.repeated(place.key()),
            }
        }
        self.0.close();
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rules(body: &[u8], limits: &Limits) -> Vec<String> {
        let (_, findings) = read(body, limits);
        findings.iter().map(|finding| format!("{} {}", finding.regel, finding.peker)).collect()
    }

    #[test]
    fn json_is_read_as_it_is() {
        let text = r#"{"a":[1,-2,3.5,"æ\n",null,true,{}]}"#;
        let (value, findings) = read(text.as_bytes(), &Limits::default());
        assert_eq!(value.unwrap(), json!({"a": [1, -2, 3.5, "æ\n", null, true, {}]}));
        assert!(findings.is_empty());
    }

    #[test]
    fn what_is_not_json_is_one_finding_with_its_place() {
        for body in ["", "{", "{} {}", "{'a':1}", "\u{feff}{}", "[1e999]", r#"["\ud800"]"#] {
            assert_eq!(rules(body.as_bytes(), &Limits::default()), ["INN-001 "], "{body}");
        }
        let (_, findings) = read(b"{\n\"a\": x}", &Limits::default());
        assert!(findings[0].text.contains("line 2"), "{}", findings[0].text);
    }

    #[test]
    fn other_encodings_are_named() {
        assert_eq!(rules(b"{\"a\":\"\xe6\"}", &Limits::default()), ["INN-009 "]);
    }

    #[test]
    fn the_limits_hold_to_the_byte_and_the_level() {
        let limits = Limits { body_bytes: 8, depth: 2, findings: 10 };
        assert!(rules(b"[[     ]]".get(..8).unwrap(), &limits).contains(&"INN-001 ".to_owned()));
        assert!(rules(b"[[1, 2]]", &limits).is_empty());
        assert_eq!(rules(b"[[1, 2]] ", &limits), ["INN-007 "]);
        assert_eq!(rules(b"[[[]]]", &limits), ["INN-008 "]);
        assert!(rules(b"[[],[]]", &limits).is_empty());
    }

    #[test]
    fn endless_nesting_is_refused_whatever_the_limit() {
        let limits = Limits { body_bytes: 1 << 20, depth: usize::MAX, findings: 10 };
        assert_eq!(rules("[".repeat(100_000).as_bytes(), &limits), ["INN-008 "]);
    }

    #[test]
    fn fields_given_twice_are_found_wherever_they_are() {
        let body = br#"{"a":[{},{"b":{"c":1,"c":2,"c":3}}],"a":0}"#;
        let wanted = ["INN-010 /a/1/b/c", "INN-010 /a/1/b/c", "INN-010 /a"];
        assert_eq!(rules(body, &Limits::default()), wanted);
    }

    #[test]
    fn a_key_that_could_be_anything_is_not_repeated() {
        let body = br#"{"a":{"23904430552":1,"23904430552":2}}"#;
        assert_eq!(rules(body, &Limits::default()), ["INN-010 /a"]);
    }
}

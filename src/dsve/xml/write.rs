//! From JSON to XML, by the tables of the grammar: what is written follows dsve.xsd.

use serde_json::{Map, Value};

use super::grammar::{self, Child, Kind, List, Part, Record};
use super::scan::is_xml_char;
use super::simple::Simple;
use crate::contract::{self, Answer, Body, Message};
use crate::kernel::Finding;
use crate::market::no::rules::{form, loan, xml as rules};

/// Writes a message as DSVE's XML: UTF-8, with a declaration, the elements in the order of the XSD,
/// amounts as plain decimals.
///
/// # Errors
/// The findings, with JSON pointers: a type that has no XML (statuses and notices), an answer that
/// does not promise to delete the lien, or what neither XML nor the XSD can hold. A message that
/// passed the contract's check has only the first two.
pub fn write(body: &Body) -> Result<Vec<u8>, Vec<Finding>> {
    let Some(message) = grammar::message(body.message_type) else {
        return Err(vec![rules::NOT_WRITABLE.finding("")]);
    };
    let typed = contract::read_message(body).map_err(|finding| vec![finding])?;
    if let Message::Answer(answer) = &typed
        && !promises_deletion(answer)
    {
        return Err(vec![loan::LIEN_KEPT.finding("/panterettSlettesVedInnfrielse")]);
    }
    let json = typed.to_json().ok();
    let value = json.and_then(|json| serde_json::from_slice::<Value>(&json).ok());
    let Some(Value::Object(fields)) = value else {
        return Err(vec![form::UNREADABLE.finding("")]);
    };
    let mut writer = Writer { text: String::new(), depth: 0, findings: Vec::new() };
    writer.text.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    writer.record(message.root, message.record, &fields, "");
    if writer.findings.is_empty() { Ok(writer.text.into_bytes()) } else { Err(writer.findings) }
}

const fn promises_deletion(answer: &Answer) -> bool {
    match answer {
        Answer::Restgjeld(answer) => answer.panterett_slettes_ved_innfrielse,
        Answer::Innfrielsessaldo(answer) => answer.panterett_slettes_ved_innfrielse,
    }
}

struct Writer {
    text: String,
    depth: usize,
    findings: Vec<Finding>,
}

impl Writer {
    fn element(&mut self, child: &Child, value: &Value, pointer: &str) {
        let pointer = format!("{pointer}/{}", child.field);
        self.content(child.element, child.kind, value, &pointer);
    }

    fn content(&mut self, name: &str, kind: Kind, value: &Value, pointer: &str) {
        match (kind, value) {
            (Kind::Text(simple), value) => self.simple(name, simple, value, pointer),
            (Kind::Record(record), Value::Object(fields)) => {
                self.record(name, record, fields, pointer);
            }
            (Kind::List(list), Value::Array(items)) => self.list(name, list, items, pointer),
            (Kind::Record(_) | Kind::List(_), _) => self.refuse(pointer),
        }
    }

    fn record(&mut self, name: &str, record: &Record, fields: &Map<String, Value>, pointer: &str) {
        self.begin(name);
        for attribute in record.attributes {
            match fields.get(attribute.name) {
                Some(value) => {
                    let pointer = format!("{pointer}/{}", attribute.name);
                    let text = self.written(attribute.simple, value, &pointer);
                    self.text.push_str(&format!(" {}=\"{}\"", attribute.name, in_attribute(&text)));
                }
                None if attribute.required => self.refuse(&format!("{pointer}/{}", attribute.name)),
                None => {}
            }
        }
        let opened = self.open();
        for part in record.parts {
            let given = part.children().iter().filter_map(|it| Some((it, fields.get(it.field)?)));
            let given: Vec<(&Child, &Value)> = given.collect();
            match (part, given.as_slice()) {
                (_, [(child, value)]) => self.element(child, value, pointer),
                (Part::Maybe(_), []) => {}
                _ => self.refuse(pointer),
            }
        }
        self.close(name, opened);
    }

    fn list(&mut self, name: &str, list: &List, items: &[Value], pointer: &str) {
        if items.len() < list.min || list.max.is_some_and(|max| items.len() > max) {
            self.refuse(pointer);
        }
        self.begin(name);
        let opened = self.open();
        for (number, item) in items.iter().enumerate() {
            self.content(list.item, list.of, item, &format!("{pointer}/{number}"));
        }
        self.close(name, opened);
    }

    fn simple(&mut self, name: &str, simple: Simple, value: &Value, pointer: &str) {
        let text = self.written(simple, value, pointer);
        self.begin(name);
        self.text.push_str(&format!(">{}</{name}>\n", in_element(&text)));
    }

    /// The text of a value; nothing when it has none, which has been told then.
    fn written(&mut self, simple: Simple, value: &Value, pointer: &str) -> String {
        let text = simple.write(value).filter(|text| text.chars().all(is_xml_char));
        text.unwrap_or_else(|| {
            self.refuse(pointer);
            String::new()
        })
    }

    fn begin(&mut self, name: &str) {
        self.text.push_str(&"  ".repeat(self.depth));
        self.text.push('<');
        self.text.push_str(name);
    }

    /// Ends a begun tag; what is written from here on is inside.
    fn open(&mut self) -> usize {
        self.text.push_str(">\n");
        self.depth += 1;
        self.text.len()
    }

    /// Ends an element; one without content is written as one tag.
    fn close(&mut self, name: &str, opened: usize) {
        self.depth = self.depth.saturating_sub(1);
        if self.text.len() == opened {
            self.text.truncate(opened.saturating_sub(">\n".len()));
            self.text.push_str("/>\n");
        } else {
            self.text.push_str(&"  ".repeat(self.depth));
            self.text.push_str(&format!("</{name}>\n"));
        }
    }

    fn refuse(&mut self, pointer: &str) {
        self.findings.push(rules::NOT_WRITABLE.finding(pointer));
    }
}

/// A text between tags. A carriage return would become a line feed on the way.
fn in_element(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\r', "&#13;")
}

/// A text between quotation marks. Tabs and line feeds would become spaces on the way.
fn in_attribute(text: &str) -> String {
    in_element(text).replace('"', "&quot;").replace('\t', "&#9;").replace('\n', "&#10;")
}

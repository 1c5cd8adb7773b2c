//! From XML to JSON, by the tables of the grammar.

use serde_json::{Map, Value};

use super::grammar::{self, Child, Kind, List, Message, Part, Record};
use super::path::Path;
use super::scan::{Open, Scanner, Token, is_blank};
use super::sequence::{Sequence, Verdict};
use super::simple::Simple;
use super::{ReadXml, XmlLimits, wording};
use crate::contract::{self, Body, Found};
use crate::kernel::Finding;
use crate::market::no::rules::{RuleDoc, contact, form, xml as rules};

/// Reads a file in DSVE's XML: the message as JSON, or all that is wrong with it.
///
/// # Errors
/// The findings, at least one of them an error. Each points at an element or an attribute, and none
/// quotes a value.
pub fn read(xml: &[u8], limits: &XmlLimits) -> Result<ReadXml, Vec<Finding>> {
    let scanner = Scanner::new(xml, limits).map_err(|finding| vec![finding])?;
    let mut reader = Reader {
        scanner,
        path: Path::default(),
        found: Found::new(limits.findings),
        text_limit: limits.text,
        namespace_told: false,
    };
    let read = reader.message();
    match read {
        Ok((message, value)) if !reader.found.has_errors() => typed(message, value),
        Ok(_) => Err(reader.found.into_findings()),
        Err(last) => {
            reader.found.add(last);
            Err(reader.found.into_findings())
        }
    }
}

/// The typed message and its JSON, in which everything has one way of being written.
fn typed(message: &Message, value: Value) -> Result<ReadXml, Vec<Finding>> {
    let unreadable = || vec![form::UNREADABLE.finding("")];
    let json = serde_json::to_vec(&value).map_err(|_| unreadable())?;
    let body = Body { message_type: message.kind, json };
    let typed = contract::read_message(&body).map_err(|finding| vec![finding])?;
    let json = typed.to_json().map_err(|_| unreadable())?;
    let mut notes = Vec::new();
    if value.get("avsender").is_some_and(|sender| sender.get("kontaktperson").is_none()) {
        notes.push(contact::MISSING.warning(format!("/{}/avsender/kontaktperson", message.root)));
    }
    Ok(ReadXml { body: Body { json, ..body }, notes })
}

struct Reader<'x> {
    scanner: Scanner<'x>,
    path: Path,
    found: Found,
    text_limit: usize,
    namespace_told: bool,
}

/// Reading goes on after a finding; it ends with one that says that the file is no XML.
type Reading<T> = Result<T, Finding>;

impl<'x> Reader<'x> {
    fn message(&mut self) -> Reading<(&'static Message, Value)> {
        let Token::Open(root) = self.next()? else { return Err(rules::UNKNOWN_ROOT.finding("")) };
        let Some(message) = grammar::message_of_root(&root.name) else {
            return Err(rules::UNKNOWN_ROOT.finding(""));
        };
        self.path.enter(message.root);
        self.namespace(&root);
        let mut fields = self.record(message.record, &root)?;
        if let Some(implied) = message.implied {
            fields.insert(implied.to_owned(), Value::Bool(true));
        }
        self.next()?;
        Ok((message, Value::Object(fields)))
    }

    fn next(&mut self) -> Reading<Token<'x>> {
        let token = self.scanner.next();
        token.map_err(|finding| Finding { peker: self.path.here(), ..finding })
    }

    /// What an element holds; `None` when it is wrong, which has been told then.
    fn content(&mut self, kind: Kind, open: &Open<'x>) -> Reading<Option<Value>> {
        self.namespace(open);
        match kind {
            Kind::Text(simple) => {
                self.attributes(&[], open, &mut Map::new());
                self.text(simple)
            }
            Kind::Record(record) => Ok(Some(Value::Object(self.record(record, open)?))),
            Kind::List(list) => {
                self.attributes(&[], open, &mut Map::new());
                Ok(Some(Value::Array(self.list(list)?)))
            }
        }
    }

    fn record(&mut self, record: &'static Record, open: &Open<'x>) -> Reading<Map<String, Value>> {
        let mut fields = Map::new();
        self.attributes(record.attributes, open, &mut fields);
        let mut sequence = Sequence::new(record.parts);
        let mut text_told = false;
        loop {
            match self.next()? {
                Token::Open(open) => {
                    let (child, verdict) = sequence.take(&open.name);
                    self.child(child, verdict, &sequence, &open, &mut fields)?;
                }
                Token::Text(text) => self.stray(&text, &mut text_told),
                Token::Close | Token::End => break,
            }
        }
        for (place, part) in record.parts.iter().enumerate() {
            if sequence.seen(place) == 0 {
                self.absent(part);
            }
        }
        Ok(fields)
    }

    fn child(
        &mut self,
        child: Option<&'static Child>,
        verdict: Verdict,
        sequence: &Sequence,
        open: &Open<'x>,
        fields: &mut Map<String, Value>,
    ) -> Reading<()> {
        let Some(child) = child else {
            return self.stranger(&open.name, sequence.children);
        };
        let name = child.element;
        let mark = match verdict {
            Verdict::Repeated(number) => self.path.enter_nth(name, number),
            Verdict::Right | Verdict::Late | Verdict::Second => self.path.enter(name),
        };
        if let Some((rule, no, en)) = misplaced(verdict) {
            self.found.add(wording::element(&rule, self.path.here(), name, no, en));
        }
        let value = self.content(child.kind, open)?;
        if let (Verdict::Right | Verdict::Late, Some(value)) = (verdict, value) {
            fields.insert(child.field.to_owned(), value);
        }
        self.path.leave(mark);
        Ok(())
    }

    fn list(&mut self, list: &'static List) -> Reading<Vec<Value>> {
        let mut items = Vec::new();
        let (mut count, mut children) = (0, 0);
        let mut text_told = false;
        loop {
            match self.next()? {
                Token::Open(open) if open.name == list.item => {
                    children += 1;
                    count += 1;
                    let mark = self.path.enter_nth(list.item, count);
                    items.extend(self.content(list.of, &open)?);
                    self.path.leave(mark);
                }
                Token::Open(open) => {
                    children += 1;
                    self.stranger(&open.name, children)?;
                }
                Token::Text(text) => self.stray(&text, &mut text_told),
                Token::Close | Token::End => break,
            }
        }
        if count < list.min {
            self.missing(list.item);
        }
        if let Some(max) = list.max.filter(|max| count > *max) {
            let no = format!("kan være med høyst {max} ganger");
            let en = format!("may be given at most {max} times");
            let pointer = self.path.child(list.item);
            self.found.add(wording::element(&rules::REPEATED, pointer, list.item, &no, &en));
        }
        Ok(items)
    }

    fn text(&mut self, simple: Simple) -> Reading<Option<Value>> {
        let mut whole = String::new();
        let mut children = 0;
        loop {
            match self.next()? {
                Token::Text(text) => {
                    if whole.len() + text.len() > self.text_limit {
                        let pointer = self.path.here();
                        return Err(Finding { peker: pointer, ..self.scanner.text_too_long() });
                    }
                    whole.push_str(&text);
                }
                Token::Open(open) => {
                    children += 1;
                    self.stranger(&open.name, children)?;
                }
                Token::Close | Token::End => break,
            }
        }
        match simple.read(&whole) {
            Ok(value) => Ok((children == 0).then_some(value)),
            Err(why) => {
                let (rule, no, en) = simple.wrong(why);
                let pointer = self.path.here();
                let name = name_of(&pointer).to_owned();
                self.found.add(wording::element(&rule, pointer, &name, &no, &en));
                Ok(None)
            }
        }
    }

    fn attributes(
        &mut self,
        wanted: &'static [grammar::Attribute],
        open: &Open<'x>,
        fields: &mut Map<String, Value>,
    ) {
        for given in &open.attributes {
            if !wanted.iter().any(|it| it.name == given.name) {
                let pointer = self.path.attribute(&given.name);
                self.found.add(wording::unknown_attribute(pointer, &given.name));
            }
        }
        for it in wanted {
            let given = open.attributes.iter().find(|given| given.name == it.name);
            let (rule, no, en) = match given.map(|given| it.simple.read(&given.value)) {
                Some(Ok(value)) => {
                    fields.insert(it.name.to_owned(), value);
                    continue;
                }
                Some(Err(why)) => it.simple.wrong(why),
                None if it.required => {
                    (rules::MISSING, "mangler".to_owned(), "is missing".to_owned())
                }
                None => continue,
            };
            let pointer = self.path.attribute(it.name);
            self.found.add(wording::attribute(&rule, pointer, it.name, &no, &en));
        }
    }

    /// Tells of an element that should not be there, the so-manieth child of its parent, and passes
    /// over it.
    fn stranger(&mut self, name: &str, number: usize) -> Reading<()> {
        let mark = self.path.enter_stranger(name, number);
        self.found.add(wording::unknown_element(self.path.here(), name));
        self.skip()?;
        self.path.leave(mark);
        Ok(())
    }

    /// Passes over an element and all that is in it; its beginning has been read.
    fn skip(&mut self) -> Reading<()> {
        let mut depth = 1_usize;
        while depth > 0 {
            match self.next()? {
                Token::Open(_) => depth += 1,
                Token::Close => depth -= 1,
                Token::Text(_) => {}
                Token::End => break,
            }
        }
        Ok(())
    }

    /// Says once that elements are in a namespace: where one is, all are.
    fn namespace(&mut self, open: &Open<'_>) {
        if open.in_namespace && !self.namespace_told {
            self.namespace_told = true;
            self.found.add(rules::NAMESPACE.finding(self.path.here()));
        }
    }

    fn stray(&mut self, text: &str, told: &mut bool) {
        if !*told && !is_blank(text) {
            *told = true;
            self.found.add(rules::STRAY_TEXT.finding(self.path.here()));
        }
    }

    /// What it means that nothing stands in a place.
    fn absent(&mut self, part: &'static Part) {
        match part {
            Part::Maybe(_) => {}
            Part::One(child) => self.missing(child.element),
            Part::Choice(children) => {
                let names: Vec<&str> = children.iter().map(|child| child.element).collect();
                self.found.add(wording::none_of(self.path.here(), &names));
            }
        }
    }

    fn missing(&mut self, name: &str) {
        let pointer = self.path.child(name);
        let finding = wording::element(&rules::MISSING, pointer, name, "mangler", "is missing");
        self.found.add(finding);
    }
}

/// What is said of a child that does not stand where it should: the rule, Norwegian, English.
const fn misplaced(verdict: Verdict) -> Option<(RuleDoc, &'static str, &'static str)> {
    match verdict {
        Verdict::Right => None,
        Verdict::Late => Some((
            rules::ORDER,
            "står på feil plass i rekkefølgen",
            "stands in the wrong place of the order",
        )),
        Verdict::Repeated(_) => {
            Some((rules::REPEATED, "kan bare være med én gang", "may be given only once"))
        }
        Verdict::Second => Some((
            rules::EXACTLY_ONE,
            "kan ikke være med ved siden av det som alt er oppgitt",
            "may not be given beside the one that is given already",
        )),
    }
}

/// The name of the element at the end of a path.
fn name_of(pointer: &str) -> &str {
    let last = pointer.rsplit('/').next().unwrap_or_default();
    last.split('[').next().unwrap_or_default()
}

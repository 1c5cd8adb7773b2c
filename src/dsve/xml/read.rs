//! From XML to JSON, by the tables of the grammar.

use serde_json::{Map, Value};

use super::grammar::{self, Child, Kind, List, Message, Part, Record};
use super::path::Path;
use super::scan::{Open, Scanner, Token, is_blank};
use super::simple::Simple;
use super::{ReadXml, XmlLimits};
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
            let mark = self.path.enter_stranger(&open.name, sequence.children);
            let here = self.path.here();
            self.found.add(unknown_element(here, &open.name));
            self.skip()?;
            self.path.leave(mark);
            return Ok(());
        };
        let mark = match verdict {
            Verdict::Repeated(number) => self.path.enter_nth(child.element, number),
            Verdict::Right | Verdict::Late | Verdict::Second => self.path.enter(child.element),
        };
        match verdict {
            Verdict::Right => {}
            Verdict::Late => self.tell(
                &rules::ORDER,
                child.element,
                "står på feil plass i rekkefølgen",
                "stands in the wrong place of the order",
            ),
            Verdict::Repeated(_) => self.tell(
                &rules::REPEATED,
                child.element,
                "kan bare være med én gang",
                "may be given only once",
            ),
            Verdict::Second => self.tell(
                &rules::EXACTLY_ONE,
                child.element,
                "kan ikke være med ved siden av det som alt er oppgitt",
                "may not be given beside the one that is given already",
            ),
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
                    let mark = self.path.enter_stranger(&open.name, children);
                    let here = self.path.here();
                    self.found.add(unknown_element(here, &open.name));
                    self.skip()?;
                    self.path.leave(mark);
                }
                Token::Text(text) => self.stray(&text, &mut text_told),
                Token::Close | Token::End => break,
            }
        }
        if count < list.min {
            self.missing_element(&[list.item]);
        }
        if let Some(max) = list.max.filter(|max| count > *max) {
            let (no, en) = (
                format!("kan være med høyst {max} ganger"),
                format!("may be given at most {max} times"),
            );
            let pointer = self.path.child(list.item);
            self.found.add(worded(
                &rules::REPEATED,
                pointer,
                "Elementet",
                "element",
                list.item,
                &no,
                &en,
            ));
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
                    let mark = self.path.enter_stranger(&open.name, children);
                    let here = self.path.here();
                    self.found.add(unknown_element(here, &open.name));
                    self.skip()?;
                    self.path.leave(mark);
                }
                Token::Close | Token::End => break,
            }
        }
        match simple.read(&whole) {
            Ok(value) => Ok((children == 0).then_some(value)),
            Err((rule, no, en)) => {
                let pointer = self.path.here();
                let name = name_of(&pointer);
                self.found.add(worded(
                    &rule,
                    pointer.clone(),
                    "Elementet",
                    "element",
                    name,
                    &no,
                    &en,
                ));
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
                self.found.add(rules::UNKNOWN_ATTRIBUTE.finding(self.path.attribute(&given.name)));
            }
        }
        for it in wanted {
            let pointer = self.path.attribute(it.name);
            match open.attributes.iter().find(|given| given.name == it.name) {
                Some(given) => match it.simple.read(&given.value) {
                    Ok(value) => {
                        fields.insert(it.name.to_owned(), value);
                    }
                    Err((rule, no, en)) => {
                        self.found.add(worded(
                            &rule,
                            pointer,
                            "Attributtet",
                            "attribute",
                            it.name,
                            &no,
                            &en,
                        ));
                    }
                },
                None if it.required => {
                    self.found.add(worded(
                        &rules::MISSING,
                        pointer,
                        "Attributtet",
                        "attribute",
                        it.name,
                        "mangler",
                        "is missing",
                    ));
                }
                None => {}
            }
        }
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
            Part::One(child) => self.missing_element(&[child.element]),
            Part::Choice(children) => {
                let names: Vec<&str> = children.iter().map(|child| child.element).collect();
                self.missing_element(&names);
            }
        }
    }

    fn missing_element(&mut self, names: &[&str]) {
        let finding = match names {
            [name] => worded(
                &rules::MISSING,
                self.path.child(name),
                "Elementet",
                "element",
                name,
                "mangler",
                "is missing",
            ),
            names => rules::EXACTLY_ONE.worded(
                self.path.here(),
                format!("Nøyaktig ett av elementene {} må være med.", names.join(", ")),
                format!("Exactly one of the elements {} must be given.", names.join(", ")),
            ),
        };
        self.found.add(finding);
    }

    fn tell(&mut self, rule: &RuleDoc, name: &str, no: &str, en: &str) {
        let pointer = self.path.here();
        self.found.add(worded(rule, pointer, "Elementet", "element", name, no, en));
    }
}

/// What is said of an element that stands somewhere in a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It stands where it should.
    Right,
    /// It should have come earlier.
    Late,
    /// It is there for the so-manieth time.
    Repeated(usize),
    /// It, or another in its place, is there already, and only one of them may be.
    Second,
}

/// How far a sequence of elements has been read.
struct Sequence {
    parts: &'static [Part],
    /// How often each place has been filled.
    counts: Vec<usize>,
    /// Which child filled each place first.
    first: Vec<Option<&'static str>>,
    furthest: usize,
    /// How many children there have been, known and unknown.
    children: usize,
}

impl Sequence {
    fn new(parts: &'static [Part]) -> Self {
        let (counts, first) = (vec![0; parts.len()], vec![None; parts.len()]);
        Self { parts, counts, first, furthest: 0, children: 0 }
    }

    fn seen(&self, place: usize) -> usize {
        self.counts.get(place).copied().unwrap_or_default()
    }

    /// The child of this name, and whether it may stand here.
    fn take(&mut self, name: &str) -> (Option<&'static Child>, Verdict) {
        self.children += 1;
        let found = self.parts.iter().enumerate().find_map(|(place, part)| {
            part.children().iter().find(|child| child.element == name).map(|child| (place, child))
        });
        let Some((place, child)) = found else { return (None, Verdict::Right) };
        let (Some(count), Some(first)) = (self.counts.get_mut(place), self.first.get_mut(place))
        else {
            return (None, Verdict::Right);
        };
        *count += 1;
        let verdict = match first {
            Some(other) if *other != child.element => Verdict::Second,
            Some(_) => Verdict::Repeated(*count),
            None if place < self.furthest => Verdict::Late,
            None => Verdict::Right,
        };
        first.get_or_insert(child.element);
        self.furthest = self.furthest.max(place);
        (Some(child), verdict)
    }
}

fn unknown_element(pointer: String, name: &str) -> Finding {
    if contract::is_presentable(name) {
        let (no, en) = ("finnes ikke på dette stedet", "does not belong in this place");
        worded(&rules::UNKNOWN_ELEMENT, pointer, "Elementet", "element", name, no, en)
    } else {
        rules::UNKNOWN_ELEMENT.finding(pointer)
    }
}

/// A finding about an element or an attribute; its name is one of ours, or looks like one.
fn worded(
    rule: &RuleDoc,
    pointer: String,
    what_no: &str,
    what_en: &str,
    name: &str,
    no: &str,
    en: &str,
) -> Finding {
    rule.worded(
        pointer,
        format!("{what_no} «{name}» {no}."),
        format!("The {what_en} `{name}` {en}."),
    )
}

/// The name of the element at the end of a path.
fn name_of(pointer: &str) -> &str {
    let last = pointer.rsplit('/').next().unwrap_or_default();
    last.split('[').next().unwrap_or_default()
}

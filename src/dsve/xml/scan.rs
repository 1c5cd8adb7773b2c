//! From bytes to tags and texts, within limits: everything that XML allows and a message does not
//! need ends here. No document type, no entities, no namespaces, no second root, nothing cut short.

use std::borrow::Cow;

use quick_xml::XmlVersion;
use quick_xml::errors::Error as XmlError;
use quick_xml::escape::EscapeError;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace, NamespaceResolver, QName, ResolveResult};
use quick_xml::reader::NsReader;

use super::XmlLimits;
use crate::kernel::Finding;
use crate::market::no::rules::xml as rules;

/// Attributes from here (`xsi:noNamespaceSchemaLocation` and such) say nothing of the message.
const SCHEMA_INSTANCE: Namespace<'static> = Namespace("http://www.w3.org/2001/XMLSchema-instance");

/// The most attributes of one element, and the most namespace declarations in force; no message has
/// more than seven.
const MOST_ATTRIBUTES: usize = 64;

/// What comes next.
#[derive(PartialEq, Eq)]
pub(super) enum Token<'x> {
    /// An element begins. One without content is followed by its end all the same.
    Open(Open<'x>),
    /// The innermost element ends.
    Close,
    /// Text inside an element, decoded; text that is broken by a comment comes in pieces.
    Text(Cow<'x, str>),
    /// The file ends, and with it everything that was begun.
    End,
}

/// The beginning of an element.
#[derive(PartialEq, Eq)]
pub(super) struct Open<'x> {
    /// Its name, without a prefix.
    pub(super) name: String,
    /// Its attributes but those that declare namespaces or belong to XML Schema itself.
    pub(super) attributes: Vec<Attribute<'x>>,
    /// Whether its name is in a namespace, or has a prefix that stands for none.
    pub(super) in_namespace: bool,
}

/// An attribute.
#[derive(PartialEq, Eq)]
pub(super) struct Attribute<'x> {
    /// Its name, with its prefix.
    pub(super) name: String,
    /// Its value, normalised.
    pub(super) value: Cow<'x, str>,
}

/// Reads one file. What it refuses ends the reading; a finding's pointer is for the caller to fill.
pub(super) struct Scanner<'x> {
    reader: NsReader<&'x [u8]>,
    text: &'x str,
    limits: XmlLimits,
    depth: usize,
    elements: usize,
    root_seen: bool,
    /// Whether anything but the declaration may have come.
    started: bool,
}

impl<'x> Scanner<'x> {
    /// Begins a file.
    ///
    /// # Errors
    /// When it is too large, not UTF-8, or has characters that XML has not.
    pub(super) fn new(xml: &'x [u8], limits: &XmlLimits) -> Result<Self, Finding> {
        if xml.len() > limits.bytes {
            return Err(too_large(limits.bytes, "byte", "bytes"));
        }
        if is_utf_16(xml) {
            return Err(other_encoding());
        }
        let text = std::str::from_utf8(xml).map_err(|_| rules::ENCODING.finding(""))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if let Some(place) = text.find(|c| !is_xml_char(c)) {
            return Err(not_xml(text, place));
        }
        let mut reader = NsReader::from_str(text);
        let config = reader.config_mut();
        config.check_comments = true;
        config.check_end_names = true;
        config.expand_empty_elements = true;
        reader.resolver_mut().set_max_namespace_bindings(MOST_ATTRIBUTES);
        let limits = *limits;
        Ok(Self { reader, text, limits, depth: 0, elements: 0, root_seen: false, started: false })
    }

    /// What comes next; comments and processing instructions are passed over.
    ///
    /// # Errors
    /// When the file is no XML from here on, or goes beyond what is allowed.
    pub(super) fn next(&mut self) -> Result<Token<'x>, Finding> {
        loop {
            let event = self.reader.read_event().map_err(|error| self.refusal(&error))?;
            let first = !std::mem::replace(&mut self.started, true);
            match event {
                Event::Start(start) => return self.open(&start).map(Token::Open),
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Token::Close);
                }
                // An element without content is read as a beginning and an end.
                Event::Empty(_) => return Err(self.not_xml()),
                Event::Text(text) => {
                    let text = text.xml10_content();
                    if text.contains("]]>") {
                        return Err(self.not_xml());
                    }
                    if let Some(text) = self.text(text)? {
                        return Ok(Token::Text(text));
                    }
                }
                Event::CData(text) if self.depth > 0 => {
                    return Ok(Token::Text(text.xml10_content()));
                }
                Event::CData(_) => return Err(self.not_xml()),
                Event::GeneralRef(reference) => {
                    let text = self.reference(&reference)?;
                    return Ok(Token::Text(text.into()));
                }
                Event::Decl(declaration) if first => self.declaration(&declaration)?,
                Event::Decl(_) => return Err(self.not_xml()),
                Event::DocType(_) => return Err(rules::NO_DOCTYPE.finding("")),
                Event::Comment(_) | Event::PI(_) => {}
                Event::Eof if self.depth > 0 || !self.root_seen => return Err(self.cut_short()),
                Event::Eof => return Ok(Token::End),
            }
        }
    }

    fn open(&mut self, start: &BytesStart<'x>) -> Result<Open<'x>, Finding> {
        if self.depth == 0 && self.root_seen {
            return Err(self.not_xml());
        }
        self.root_seen = true;
        self.depth += 1;
        self.elements += 1;
        if self.depth > self.limits.depth {
            return Err(too_large(self.limits.depth, "nivåer inni hverandre", "nested levels"));
        }
        if self.elements > self.limits.elements {
            return Err(too_large(self.limits.elements, "elementer", "elements"));
        }
        let (namespace, local) = self.reader.resolver().resolve_element(start.name());
        let in_namespace = namespace != ResolveResult::Unbound;
        let name = local.into_inner().to_owned();
        let mut attributes = Vec::new();
        let mut count = 0;
        for attribute in start.attributes() {
            count += 1;
            if count > MOST_ATTRIBUTES {
                return Err(too_large(
                    MOST_ATTRIBUTES,
                    "attributter på ett element",
                    "attributes on one element",
                ));
            }
            let attribute = attribute.map_err(|_| self.not_xml())?;
            let value = self.value(&attribute)?;
            if is_about_xml(self.reader.resolver(), attribute.key) {
                continue;
            }
            let name = attribute.key.into_inner().to_owned();
            attributes.push(Attribute { name, value });
        }
        Ok(Open { name, attributes, in_namespace })
    }

    fn value(
        &self,
        attribute: &quick_xml::events::attributes::Attribute<'_>,
    ) -> Result<Cow<'x, str>, Finding> {
        if attribute.value.len() > self.limits.text {
            return Err(self.text_too_long());
        }
        if attribute.value.contains('<') {
            return Err(self.not_xml());
        }
        let value = attribute.normalized_value(XmlVersion::Explicit1_0);
        let value = value.map_err(|error| self.refusal(&error))?.into_owned();
        // A numeric reference may have brought in what XML has not.
        if value.chars().all(is_xml_char) { Ok(Cow::Owned(value)) } else { Err(self.not_xml()) }
    }

    /// Text inside an element; outside of the root there may be white space alone.
    fn text(&self, text: Cow<'x, str>) -> Result<Option<Cow<'x, str>>, Finding> {
        match (self.depth, is_blank(&text)) {
            (0, true) => Ok(None),
            (0, false) => Err(self.not_xml()),
            _ => Ok(Some(text)),
        }
    }

    fn reference(&self, reference: &BytesRef<'_>) -> Result<String, Finding> {
        let known = match reference.resolve_char_ref() {
            Ok(Some(c)) => is_xml_char(c).then(|| c.to_string()),
            Ok(None) => {
                let entity = quick_xml::escape::resolve_xml_entity(reference);
                return match entity {
                    Some(text) if self.depth > 0 => Ok(text.to_owned()),
                    Some(_) => Err(self.not_xml()),
                    None => Err(rules::NO_DOCTYPE.finding("")),
                };
            }
            Err(_) => None,
        };
        known.filter(|_| self.depth > 0).ok_or_else(|| self.not_xml())
    }

    /// The declaration may say version 1.0 and UTF-8.
    fn declaration(&self, declaration: &BytesDecl<'_>) -> Result<(), Finding> {
        match declaration.xml_version() {
            Ok(XmlVersion::Explicit1_0) => {}
            _ => return Err(self.not_xml()),
        }
        match declaration.encoding() {
            None => Ok(()),
            Some(Ok(encoding)) if encoding.eq_ignore_ascii_case("utf-8") => Ok(()),
            Some(Ok(_)) => Err(other_encoding()),
            Some(Err(_)) => Err(self.not_xml()),
        }
    }

    /// The limit on texts, which the caller counts, as texts come in pieces.
    pub(super) fn text_too_long(&self) -> Finding {
        too_large(self.limits.text, "byte i én tekst", "bytes in one text")
    }

    fn refusal(&self, error: &XmlError) -> Finding {
        match error {
            XmlError::Escape(EscapeError::UnrecognizedEntity(..)) => rules::NO_DOCTYPE.finding(""),
            _ => self.not_xml(),
        }
    }

    fn not_xml(&self) -> Finding {
        let place = self.reader.error_position().max(self.reader.buffer_position());
        not_xml(self.text, usize::try_from(place).unwrap_or(usize::MAX))
    }

    fn cut_short(&self) -> Finding {
        let line = line_of(self.text, self.text.len());
        rules::NOT_XML.worded(
            "",
            format!("Filen slutter før meldingen er slutt (linje {line})."),
            format!("The file ends before the message does (line {line})."),
        )
    }
}

/// Whether an attribute declares a namespace or belongs to XML Schema, and so says nothing of the
/// message.
fn is_about_xml(resolver: &NamespaceResolver, key: QName<'_>) -> bool {
    key.as_namespace_binding().is_some()
        || resolver.resolve_attribute(key).0 == ResolveResult::Bound(SCHEMA_INSTANCE)
}

/// Whether a character may stand in XML 1.0 (section 2.2).
pub(super) const fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Whether a text is XML's white space alone.
pub(super) fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
}

/// Whether bytes begin as UTF-16 does: with its byte order mark, or with `<` in two bytes.
const fn is_utf_16(xml: &[u8]) -> bool {
    matches!(xml, [0xfe, 0xff, ..] | [0xff, 0xfe, ..] | [0, b'<', ..] | [b'<', 0, ..])
}

fn other_encoding() -> Finding {
    rules::ENCODING.worded(
        "",
        "Filen er i en annen tegnkoding enn UTF-8, for eksempel UTF-16.".to_owned(),
        "The file is in another encoding than UTF-8, such as UTF-16.".to_owned(),
    )
}

fn too_large(limit: usize, no: &str, en: &str) -> Finding {
    rules::TOO_LARGE.worded(
        "",
        format!("Filen er større enn det som er tillatt: høyst {limit} {no}."),
        format!("The file is larger than is allowed: at most {limit} {en}."),
    )
}

fn not_xml(text: &str, place: usize) -> Finding {
    let line = line_of(text, place);
    rules::NOT_XML.worded(
        "",
        format!("Filen er ikke gyldig XML (linje {line})."),
        format!("The file is not well-formed XML (line {line})."),
    )
}

/// The line of a place, from 1.
fn line_of(text: &str, place: usize) -> usize {
    1 + text.bytes().take(place).filter(|byte| *byte == b'\n').count()
}

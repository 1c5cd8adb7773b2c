//! The same file written as others would write it: another declaration, comments, CDATA, references,
//! quotes, white space, numbers and times in other forms. What it says stays the same.

use jiff::Timestamp;
use jiff::tz::Offset;
use proptest::prelude::*;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::Event;
use quick_xml::{Reader, XmlVersion};

/// How a file is written.
#[derive(Debug, Clone, Default)]
pub struct Style {
    pub byte_order_mark: bool,
    pub no_declaration: bool,
    pub stylesheet: bool,
    pub schema_location: bool,
    pub comments: bool,
    pub comments_in_text: bool,
    pub cdata: bool,
    pub references: bool,
    pub single_quotes: bool,
    pub attributes_reversed: bool,
    pub carriage_returns: bool,
    pub no_indentation: bool,
    pub digits_for_yes_and_no: bool,
    pub numbers: u8,
    pub spaces_around: bool,
    pub offset: i8,
}

/// Any way of writing.
pub fn style() -> impl Strategy<Value = Style> {
    (any::<[bool; 14]>(), 0..4_u8, -14..=14_i8).prop_map(|(flags, numbers, offset)| {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n] = flags;
        Style {
            byte_order_mark: a,
            no_declaration: b,
            stylesheet: c,
            schema_location: d,
            comments: e,
            comments_in_text: f,
            cdata: g,
            references: h,
            single_quotes: i,
            attributes_reversed: j,
            carriage_returns: k,
            no_indentation: l,
            digits_for_yes_and_no: m,
            spaces_around: n,
            numbers,
            offset,
        }
    })
}

impl Style {
    /// Writes a file again in this way. Elements hold either text or elements.
    pub fn apply(&self, xml: &[u8]) -> Vec<u8> {
        let mut reader = Reader::from_str(std::str::from_utf8(xml).unwrap());
        reader.config_mut().expand_empty_elements = true;
        let (mut out, mut text, mut holds_text) = (self.opening(), String::new(), false);
        let mut root = true;
        let mut depth = 0;
        loop {
            match reader.read_event().unwrap() {
                Event::Start(start) => {
                    self.between(&mut out, depth);
                    let name = start.name().into_inner();
                    out.push_str(&format!("<{name}"));
                    if std::mem::take(&mut root) && self.schema_location {
                        out.push_str(
                            " xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" \
                             xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" \
                             i:noNamespaceSchemaLocation=\"dsve.xsd\" xmlns=\"\"",
                        );
                    }
                    let mut attributes: Vec<String> = start
                        .attributes()
                        .map(Result::unwrap)
                        .map(|it| {
                            let value = it.normalized_value(XmlVersion::Explicit1_0).unwrap();
                            self.attribute(it.key.into_inner(), &value)
                        })
                        .collect();
                    if self.attributes_reversed {
                        attributes.reverse();
                    }
                    out.push_str(&attributes.concat());
                    out.push('>');
                    (text, holds_text) = (String::new(), true);
                    depth += 1;
                }
                Event::End(end) => {
                    depth -= 1;
                    let name = end.name().into_inner();
                    if std::mem::take(&mut holds_text) {
                        out.push_str(&self.text(name, &text));
                    } else {
                        self.between(&mut out, depth);
                    }
                    out.push_str(&format!("</{name}>"));
                }
                Event::Text(piece) => text.push_str(&piece.xml10_content()),
                Event::GeneralRef(reference) => match reference.resolve_char_ref().unwrap() {
                    Some(c) => text.push(c),
                    None => text.push_str(resolve_xml_entity(&reference).unwrap()),
                },
                Event::Eof => break,
                Event::Decl(_) => {}
                other => panic!("{other:?}"),
            }
        }
        self.between(&mut out, 0);
        out.into_bytes()
    }

    fn opening(&self) -> String {
        let mut out = String::new();
        if self.byte_order_mark {
            out.push('\u{feff}');
        }
        if !self.no_declaration {
            out.push_str("<?xml version='1.0' encoding='utf-8' standalone='yes'?>");
        }
        if self.stylesheet {
            out.push_str("<?xml-stylesheet type=\"text/xsl\" href=\"dsve.xsl\"?>");
        }
        out
    }

    fn between(&self, out: &mut String, depth: usize) {
        let line = if self.carriage_returns { "\r\n" } else { "\n" };
        if !self.no_indentation && !out.is_empty() {
            out.push_str(line);
            out.push_str(&"\t".repeat(depth));
        }
        // A declaration must stand first.
        if self.comments && out.contains("?>") {
            out.push_str("<!-- <saldo>1</saldo> &dummy; -->");
        }
    }

    fn attribute(&self, name: &str, value: &str) -> String {
        let value = self.value(name, value);
        let quote = if self.single_quotes { '\'' } else { '"' };
        let mut escaped = String::new();
        for c in value.chars() {
            match c {
                '<' | '&' | '\t' | '\n' | '\r' => escaped.push_str(&format!("&#x{:X};", c as u32)),
                '"' => escaped.push_str("&quot;"),
                '\'' => escaped.push_str("&apos;"),
                c if self.references && !c.is_ascii_alphanumeric() => {
                    escaped.push_str(&format!("&#{};", c as u32));
                }
                c => escaped.push(c),
            }
        }
        format!("\n  {name} = {quote}{escaped}{quote}")
    }

    fn text(&self, name: &str, value: &str) -> String {
        if value.is_empty() {
            return String::new();
        }
        let value = self.value(name, value);
        let comment = if self.comments_in_text { "<!-- & -->" } else { "" };
        if self.cdata && !value.contains("]]>") && !value.contains('\r') {
            return format!("{comment}<![CDATA[{value}]]>{comment}");
        }
        let mut escaped = String::new();
        for c in value.chars() {
            match c {
                '<' => escaped.push_str("&lt;"),
                '&' => escaped.push_str("&amp;"),
                '>' => escaped.push_str("&gt;"),
                '\r' => escaped.push_str("&#xD;"),
                c if self.references => escaped.push_str(&format!("&#x{:x};", c as u32)),
                c => escaped.push(c),
            }
            if escaped.len() == 1 {
                escaped.push_str(comment);
            }
        }
        escaped
    }

    /// The value in another way of writing, where its type has several.
    fn value(&self, name: &str, value: &str) -> String {
        let other = match (name, value) {
            (_, "true") if self.digits_for_yes_and_no => "1".to_owned(),
            (_, "false") if self.digits_for_yes_and_no => "0".to_owned(),
            ("saldo", _) => self.decimal(value),
            ("oevreGrenseRammelaan", _) => self.double(value),
            ("beloep", _) if value.contains('.') => self.double(value),
            ("registreringstidspunkt", _) => self.instant(value),
            (
                "beloep"
                | "paalydende"
                | "antall"
                | "akjsenummerFra"
                | "akjsenummerTil"
                | "prisantydning"
                | "dokumentnummer"
                | "dokumentaar"
                | "embetenummer"
                | "rettsstiftelsesnummer",
                _,
            ) if self.numbers > 1 => format!("+00{value}"),
            ("beloep" | "paalydende" | "antall" | "prisantydning", _) => value.to_owned(),
            ("dato" | "innfrielsesdato" | "rammelaan" | "fastrente", _) => value.to_owned(),
            _ => return value.to_owned(),
        };
        if self.spaces_around { format!(" \t{other}\n ") } else { other }
    }

    fn decimal(&self, value: &str) -> String {
        match self.numbers {
            0 => value.to_owned(),
            1 => format!("+{value}00000000"),
            2 => format!("00000000{value}"),
            _ => value.trim_end_matches('0').to_owned(),
        }
    }

    fn double(&self, value: &str) -> String {
        let oere = value.replace('.', "");
        match self.numbers {
            0 => format!("{oere}e-2"),
            1 => format!("{oere}000E-0005"),
            2 => format!("+0.{oere}E{}", oere.len() - 2),
            _ => self.decimal(value),
        }
    }

    fn instant(&self, value: &str) -> String {
        let instant: Timestamp = value.parse().unwrap();
        let offset = Offset::from_hours(self.offset).unwrap();
        let local = offset.to_datetime(instant);
        format!("{local}{}{:02}:00", if self.offset < 0 { '-' } else { '+' }, self.offset.abs())
    }
}

//! What a file says, whatever it looks like: every element, attribute and value in order. Written
//! without the bridge, so that the two can disagree.

use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::Event;
use quick_xml::{Reader, XmlVersion};
use rust_decimal::Decimal;

/// One line for each element and attribute, with its path and its value in one way of writing.
pub fn infoset(xml: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(xml).unwrap();
    let mut reader = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    reader.config_mut().expand_empty_elements = true;
    let (mut path, mut texts, mut lines) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                path.push(start.name().into_inner().to_owned());
                texts.push(String::new());
                lines.push(path.join("/"));
                let mut attributes: Vec<String> = start
                    .attributes()
                    .map(Result::unwrap)
                    .filter(|it| !it.key.into_inner().starts_with("xmlns"))
                    .filter(|it| !it.key.into_inner().contains(':'))
                    .map(|it| {
                        let name = it.key.into_inner();
                        let value = it.normalized_value(XmlVersion::Explicit1_0).unwrap();
                        format!("{}/@{name}={}", path.join("/"), plain(name, &value))
                    })
                    .collect();
                attributes.sort();
                lines.extend(attributes);
            }
            Event::End(_) => {
                let (name, text) = (path.last().unwrap().clone(), texts.pop().unwrap());
                if !text.trim().is_empty() {
                    lines.push(format!("{}={}", path.join("/"), plain(&name, &text)));
                }
                path.pop();
            }
            Event::Text(text) => append(&mut texts, &text.xml10_content()),
            Event::CData(text) => append(&mut texts, &text),
            Event::GeneralRef(reference) => match reference.resolve_char_ref().unwrap() {
                Some(c) => append(&mut texts, &c.to_string()),
                None => append(&mut texts, resolve_xml_entity(&reference).unwrap()),
            },
            Event::Eof => return lines,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

fn append(texts: &mut [String], text: &str) {
    if let Some(last) = texts.last_mut() {
        last.push_str(text);
    }
}

/// The value in one way of writing, by what the field of this name holds.
fn plain(name: &str, value: &str) -> String {
    match name {
        "saldo" | "beloep" | "oevreGrenseRammelaan" | "paalydende" => {
            let value = value.trim().trim_start_matches(['+', '0']);
            let value = format!("0{value}");
            let scientific = Decimal::from_scientific(&value);
            scientific.or_else(|_| value.parse()).unwrap().normalize().to_string()
        }
        "rammelaan"
        | "fastrente"
        | "realkausjon"
        | "laantakerIkkeHjemmelshaver"
        | "transporterklaering"
        | "sperretForVidereOpplaan" => value.trim().replace('1', "true").replace('0', "false"),
        "dato" | "innfrielsesdato" => value.trim().to_owned(),
        "prisantydning"
        | "antall"
        | "akjsenummerFra"
        | "akjsenummerTil"
        | "dokumentnummer"
        | "dokumentaar"
        | "embetenummer"
        | "rettsstiftelsesnummer" => value.trim().parse::<i64>().unwrap().to_string(),
        "registreringstidspunkt" => {
            // Times may be written with any offset; those without one are told apart elsewhere.
            value
                .trim()
                .parse::<jiff::Timestamp>()
                .map_or_else(|_| value.to_owned(), |it| it.to_string())
        }
        _ => value.to_owned(),
    }
}

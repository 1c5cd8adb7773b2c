//! Files that are wrong, by mistake or on purpose: each ends in findings, at once, and none of them
//! repeats what the file says.

use std::time::{Duration, Instant};

use innfri::contract::MessageType;
use innfri::dsve::xml::{XmlLimits, message_type_of};
use innfri::kernel::{Finding, Severity};
use innfri::market::no::rules;
use proptest::prelude::*;
use proptest::sample::Index;

use super::dsve::any_body;
use super::{json_example, read, told, write, xml_example};

/// A name and a number that must never be repeated.
const SECRETS: [&str; 2] = ["HemmeligNavn", "23904430552"];

/// A right request, to be damaged.
fn request() -> String {
    String::from_utf8(xml_example("restgjeldsforespoersel_matrikkel")).unwrap()
}

/// The right request with one piece replaced.
fn with(piece: &str, by: &str) -> Vec<u8> {
    let right = request();
    let damaged = right.replacen(piece, by, 1);
    assert_ne!(damaged, right, "{piece}");
    damaged.into_bytes()
}

/// The right request with something in front of its root.
fn before_root(text: &str) -> Vec<u8> {
    with("<restgjeldsforespoersel>", &format!("{text}<restgjeldsforespoersel>"))
}

/// The right request in UTF-16, with a byte order mark or without.
fn utf_16(mark: bool, little: bool) -> Vec<u8> {
    let text = request().replace("UTF-8", "UTF-16");
    let text = if mark { format!("\u{feff}{text}") } else { text };
    let bytes = |unit: u16| if little { unit.to_le_bytes() } else { unit.to_be_bytes() };
    text.encode_utf16().flat_map(bytes).collect()
}

/// What is wrong with it, the file, and the findings.
type Case = (&'static str, Vec<u8>, &'static [&'static str]);

fn not_xml() -> Vec<Case> {
    let bomb = "<!DOCTYPE a [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">\
                <!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">]>";
    let name = "Fjordblikk Eiendomsmegling AS (fiktiv)";
    let xml = &["INN-061 "][..];
    let inside = &["INN-061 /restgjeldsforespoersel/avsender/foretaksnavn"][..];
    let entity = &["INN-062 /restgjeldsforespoersel/avsender/foretaksnavn"][..];
    vec![
        ("empty", Vec::new(), xml),
        ("blank", b" \n".to_vec(), xml),
        ("a byte order mark alone", b"\xef\xbb\xbf".to_vec(), xml),
        ("JSON", b"{\"avsender\": {}}".to_vec(), xml),
        ("a ZIP file", b"PK\x03\x04\x14\x00\x00\x00\x08\x00".to_vec(), xml),
        ("text before the root", before_root("hei"), xml),
        (
            "text after the root",
            [request().as_bytes(), b"hei"].concat(),
            &["INN-061 /restgjeldsforespoersel"],
        ),
        (
            "two roots",
            [request().as_bytes(), b"<restgjeldsforespoersel/>"].concat(),
            &["INN-061 /restgjeldsforespoersel"],
        ),
        ("a declaration that is not first", [b"\n", request().as_bytes()].concat(), xml),
        ("two declarations", before_root("<?xml version=\"1.0\"?>"), xml),
        ("XML 1.1", with("version=\"1.0\"", "version=\"1.1\""), xml),
        ("a declaration without a version", with("version=\"1.0\" ", ""), xml),
        ("an end that does not fit", with("</foretaksnavn>", "</navn>"), inside),
        (
            "an end too many",
            with("<avsender", "</avsender><avsender"),
            &["INN-061 /restgjeldsforespoersel"],
        ),
        (
            "a name cut off",
            with("</restgjeldsforespoersel>", "</restgjeld"),
            &["INN-061 /restgjeldsforespoersel"],
        ),
        (
            "an attribute without quotes",
            with("id=\"926018159\"", "id=926018159"),
            &["INN-061 /restgjeldsforespoersel"],
        ),
        (
            "an attribute without a value",
            with("id=\"926018159\"", "id"),
            &["INN-061 /restgjeldsforespoersel"],
        ),
        (
            "the same attribute twice",
            with("id=\"926018159\"", "id=\"926018159\" id=\"926018159\""),
            &["INN-061 /restgjeldsforespoersel"],
        ),
        (
            "a tag in an attribute",
            with("id=\"926018159\"", "id=\"<a>\""),
            &["INN-061 /restgjeldsforespoersel"],
        ),
        ("an ampersand alone", with(name, "A & B"), inside),
        ("a reference without its end", with(name, "A &amp B"), inside),
        ("a NUL", with(name, "A\0B"), xml),
        ("a control character", with(name, "A\u{8}B"), xml),
        ("no character at all", with(name, "A\u{ffff}B"), xml),
        ("a reference to NUL", with(name, "A&#0;B"), inside),
        ("a reference to a control character", with(name, "A&#x1F;B"), inside),
        ("a reference to half a character", with(name, "A&#xD800;B"), inside),
        ("a reference to no number", with(name, "A&#xZZ;B"), inside),
        (
            "a reference to NUL in an attribute",
            with("kommunenavn=\"Oslo\"", "kommunenavn=\"&#0;\""),
            &[
                "INN-061 /restgjeldsforespoersel/registerenheterMedHjemmelshavere/registerenhetMedHjemmelshavere[1]",
            ],
        ),
        ("the end of CDATA without its beginning", with(name, "A]]>B"), inside),
        ("CDATA without end", with(name, "<![CDATA[A"), inside),
        ("a comment without end", with(name, "<!-- A"), inside),
        ("a comment with two hyphens", with(name, "<!-- A -- B -->"), inside),
        ("a document type", before_root("<!DOCTYPE restgjeldsforespoersel>"), &["INN-062 "]),
        ("an entity bomb", before_root(bomb), &["INN-062 "]),
        (
            "an external entity",
            before_root("<!DOCTYPE a [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>"),
            &["INN-062 "],
        ),
        (
            "an external document type",
            before_root("<!DOCTYPE a SYSTEM \"http://127.0.0.1/a.dtd\">"),
            &["INN-062 "],
        ),
        (
            "a document type inside",
            with("<avsender", "<!DOCTYPE a><avsender"),
            &["INN-062 /restgjeldsforespoersel"],
        ),
        ("an unknown entity", with(name, "A &a; B"), entity),
        ("an entity of HTML", with(name, "A&nbsp;B"), entity),
        (
            "an unknown entity in an attribute",
            with("kommunenavn=\"Oslo\"", "kommunenavn=\"&a;\""),
            &[
                "INN-062 /restgjeldsforespoersel/registerenheterMedHjemmelshavere/registerenhetMedHjemmelshavere[1]",
            ],
        ),
        ("UTF-16 with its mark", utf_16(true, true), &["INN-063 "]),
        ("UTF-16 the other way round", utf_16(true, false), &["INN-063 "]),
        ("UTF-16 without its mark", utf_16(false, true), &["INN-063 "]),
        ("another encoding declared", with("UTF-8", "ISO-8859-1"), &["INN-063 "]),
        (
            "invalid UTF-8",
            request().into_bytes().into_iter().chain(*b"\xc3\x28").collect(),
            &["INN-063 "],
        ),
        (
            "ISO 8859-1",
            request().bytes().map(|byte| if byte == b'F' { 0xd8 } else { byte }).collect(),
            &["INN-063 "],
        ),
    ]
}

fn too_much() -> Vec<Case> {
    let deep = [
        request().replace("</restgjeldsforespoersel>", "").as_bytes(),
        "<a>".repeat(50_000).as_bytes(),
    ]
    .concat();
    let attributes: String = (0..10_000).map(|number| format!(" a{number}=\"\"")).collect();
    let namespaces: String = (0..1000).map(|number| format!(" xmlns:a{number}=\"b\"")).collect();
    vec![
        ("larger than a megabyte", before_root(&" ".repeat(1 << 20)), &["INN-064 "]),
        ("a million levels", "<a>".repeat(349_000).into_bytes(), &["INN-065 "]),
        (
            "levels below the root",
            deep,
            &["INN-067 /restgjeldsforespoersel/a", "INN-064 /restgjeldsforespoersel/a"],
        ),
        (
            "a huge attribute",
            with("kommunenavn=\"Oslo\"", &format!("kommunenavn=\"{}\"", "O".repeat(100_000))),
            &[
                "INN-064 /restgjeldsforespoersel/registerenheterMedHjemmelshavere/registerenhetMedHjemmelshavere[1]",
            ],
        ),
        (
            "a huge text",
            with("Fjordblikk", &"F".repeat(100_000)),
            &["INN-064 /restgjeldsforespoersel/avsender/foretaksnavn"],
        ),
        (
            "a huge text in pieces",
            with("Fjordblikk", &"F<!---->".repeat(5000)),
            &["INN-064 /restgjeldsforespoersel/avsender/foretaksnavn"],
        ),
        (
            "many references",
            with("Fjordblikk", &"&#65;".repeat(5000)),
            &["INN-064 /restgjeldsforespoersel/avsender/foretaksnavn"],
        ),
        (
            "ten thousand attributes",
            with("<avsender", &format!("<avsender{attributes}")),
            &["INN-064 /restgjeldsforespoersel"],
        ),
        (
            "a thousand namespaces",
            with("<avsender", &format!("<avsender{namespaces}")),
            &["INN-061 /restgjeldsforespoersel"],
        ),
    ]
}

fn not_dsve() -> Vec<Case> {
    let name = "Fjordblikk Eiendomsmegling AS (fiktiv)";
    vec![
        ("another root", b"<intensjonfrabank/>".to_vec(), &["INN-065 "]),
        ("the root in capitals", with("<restgjeldsforespoersel>", "<RESTGJELDSFORESPOERSEL>"), &["INN-065 "]),
        ("a namespace", with("<restgjeldsforespoersel>", "<restgjeldsforespoersel xmlns=\"urn:dsve\">"), &["INN-066 /restgjeldsforespoersel"]),
        ("a namespace with a prefix", with("<mottaker ", "<mottaker xmlns=\"urn:dsve\" "), &["INN-066 /restgjeldsforespoersel/mottaker"]),
        ("an undeclared prefix", request().replace("foretaksnavn>", "dsve:foretaksnavn>").into_bytes(), &["INN-066 /restgjeldsforespoersel/avsender/foretaksnavn"]),
        ("an attribute with a prefix", with("id=\"926018159\"", "id=\"926018159\" dsve:id=\"1\""), &["INN-068 /restgjeldsforespoersel/avsender/@*"]),
        ("an attribute of XML itself", with("id=\"926018159\"", "id=\"926018159\" xml:lang=\"nb\""), &["INN-068 /restgjeldsforespoersel/avsender/@*"]),
        ("an unknown attribute", with("id=\"926018159\"", "id=\"926018159\" orgnr=\"1\""), &["INN-068 /restgjeldsforespoersel/avsender/@orgnr"]),
        ("an unknown element", with("<mottaker ", "<merknad>Haster</merknad><mottaker "), &["INN-067 /restgjeldsforespoersel/merknad"]),
        ("an element inside text", with(name, "<b>A</b>"), &["INN-067 /restgjeldsforespoersel/avsender/foretaksnavn/b"]),
        ("text between elements", with("<mottaker ", "hei<mottaker "), &["INN-073 /restgjeldsforespoersel"]),
        ("a number where only elements belong", with("<mottaker ", "&#65;<mottaker "), &["INN-073 /restgjeldsforespoersel"]),
        ("a missing attribute", with("id=\"926018159\"", ""), &["INN-069 /restgjeldsforespoersel/avsender/@id"]),
        ("a missing element", with("<foretaksnavn>Nordlys Sparebank (fiktiv)</foretaksnavn>", ""), &["INN-069 /restgjeldsforespoersel/mottaker/foretaksnavn"]),
        ("an element twice", with("<foretaksnavn>N", "<foretaksnavn>A</foretaksnavn><foretaksnavn>N"), &["INN-070 /restgjeldsforespoersel/mottaker/foretaksnavn[2]"]),
        ("an empty number", with("gaardsnummer=\"208\"", "gaardsnummer=\"\""), &[
            "INN-074 /restgjeldsforespoersel/registerenheterMedHjemmelshavere/registerenhetMedHjemmelshavere[1]/matrikkel/@gaardsnummer",
        ]),
        ("nil", b"<restgjeldsforespoersel xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"true\"/>".to_vec(), &[
            "INN-069 /restgjeldsforespoersel/avsender",
            "INN-069 /restgjeldsforespoersel/mottaker",
            "INN-069 /restgjeldsforespoersel/registerenheterMedHjemmelshavere",
        ]),
    ]
}

/// What must hold of everything that is refused.
fn well_told(findings: &[Finding]) {
    assert!(!findings.is_empty() && findings.len() <= XmlLimits::default().findings);
    assert!(innfri::kernel::has_errors(findings));
    for finding in findings {
        assert!(rules::find(finding.regel.as_str()).is_some(), "{}", finding.regel);
        assert_eq!(finding.alvorlighet, Severity::Error);
        assert!(finding.peker.is_empty() || finding.peker.starts_with('/'), "{}", finding.peker);
        assert!(finding.peker.len() <= 1024);
        assert!(finding.tekst.ends_with('.') && finding.text.ends_with('.'), "{finding:?}");
        for secret in SECRETS {
            let texts = [&finding.peker, &finding.tekst, &finding.text];
            assert!(!texts.iter().any(|text| text.contains(secret)), "{finding:?}");
        }
    }
}

#[test]
fn a_file_that_is_no_message_says_what_it_is_instead() {
    let cases: Vec<Case> = [not_xml(), too_much(), not_dsve()].concat();
    assert!(cases.len() >= 70);
    for (what, file, wanted) in cases {
        let begun = Instant::now();
        let findings = read(&file).expect_err(what);
        assert!(begun.elapsed() < Duration::from_secs(2), "{what} took {:?}", begun.elapsed());
        assert_eq!(told(&findings), wanted, "{what}");
        well_told(&findings);
    }
}

#[test]
fn the_damage_alone_is_what_is_refused() {
    assert_eq!(read(request().as_bytes()).unwrap().notes, []);
}

#[test]
fn a_file_that_is_cut_short_anywhere_is_noticed() {
    let whole = write(&json_example(MessageType::Restgjeldssvar, "rammelaan"));
    let end = whole.len() - 1;
    assert_eq!(whole[end], b'\n');
    for length in 0..end {
        let findings = read(&whole[..length]).expect_err("cut short");
        well_told(&findings);
        let rule = findings[findings.len() - 1].regel.as_str();
        assert!(matches!(rule, "INN-061" | "INN-063"), "{length} {rule}");
    }
    assert!(read(&whole[..end]).is_ok());
}

#[test]
fn what_is_cut_between_elements_is_called_cut_short() {
    let whole = request();
    let cut = whole.split_once("<mottaker").unwrap().0;
    let findings = read(cut.as_bytes()).unwrap_err();
    assert_eq!(told(&findings), ["INN-061 /restgjeldsforespoersel"]);
    assert!(findings[0].text.contains("ends before"), "{}", findings[0].text);
}

#[test]
fn ten_thousand_properties_end_at_a_limit() {
    let whole = request();
    let unit = whole
        .split_once("<registerenhetMedHjemmelshavere>")
        .and_then(|(_, rest)| rest.split_once("</registerenhetMedHjemmelshavere>"))
        .map(|(unit, _)| unit)
        .unwrap();
    let unit = format!("<registerenhetMedHjemmelshavere>{unit}</registerenhetMedHjemmelshavere>");
    let many = whole.replacen(&unit, &unit.repeat(10_000), 1).into_bytes();
    assert!(many.len() > 1 << 20);
    assert_eq!(told(&read(&many).unwrap_err()), ["INN-064 "]);
    let large = XmlLimits { bytes: usize::MAX, ..XmlLimits::default() };
    let findings = innfri::dsve::xml::read(&many, &large).unwrap_err();
    assert!(told(&findings)[0].starts_with("INN-064 /restgjeldsforespoersel/"), "{findings:?}");
    let larger = XmlLimits { elements: usize::MAX, ..large };
    assert!(innfri::dsve::xml::read(&many, &larger).is_ok());

    let empty = format!(
        "<restgjeldsforespoersel><registerenheterMedHjemmelshavere>{}\
         </registerenheterMedHjemmelshavere></restgjeldsforespoersel>",
        "<registerenhetMedHjemmelshavere/>".repeat(10_000)
    );
    let findings = read(empty.as_bytes()).unwrap_err();
    well_told(&findings);
    assert_eq!(findings.len(), 100);
    assert!(findings[99].text.contains("more findings"), "{}", findings[99].text);
}

#[test]
fn nothing_of_the_message_is_repeated() {
    for secret in SECRETS {
        let person = with("23904430552", "2390443055x");
        well_told(&read(&person).unwrap_err());
        let files = [
            with("id=\"926018159\"", &format!("id=\"{secret}\"")),
            with("kommunenavn=\"Oslo\"", &format!("kommunenavn=\"&{secret};\"")),
            with("eiendomsnivaa=\"E\"", &format!("eiendomsnivaa=\"{secret}\"")),
            with("<mottaker ", &format!("{secret}<mottaker ")),
            with("<mottaker ", &format!("<!{secret}><mottaker ")),
            with("</avsender>", &format!("</{secret}>")),
            format!("<{secret}/>").into_bytes(),
            with("<mottaker ", &format!("<x y=\"{secret}\">{secret}</x><mottaker ")),
            with("<mottaker ", &format!("<a{secret}å/><mottaker ")),
        ];
        for file in files {
            well_told(&read(&file).unwrap_err());
        }
    }
}

#[test]
fn the_type_is_known_from_the_root_whatever_follows() {
    let kind = Some(MessageType::Restgjeldsforespoersel);
    assert_eq!(message_type_of(b"<restgjeldsforespoersel><broken"), kind);
    assert_eq!(message_type_of(request().as_bytes()), kind);
    for (what, file, _) in [not_xml(), too_much()].concat() {
        // Whatever it says, it says so without reading further than the root.
        let known = message_type_of(&file);
        assert!(known.is_none() || known == kind, "{what}");
    }
    for file in [&b""[..], b"hei", b"<status/>", b"<!DOCTYPE a><restgjeldssvar/>", b"{}"] {
        assert_eq!(message_type_of(file), None);
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_findings(file in prop::collection::vec(any::<u8>(), 0..200)) {
        well_told(&read(&file).unwrap_err());
        message_type_of(&file);
    }

    #[test]
    fn arbitrary_tags_are_findings(file in "(<[/!?]?[a-z:]{0,3}( [a-z]=['\"]?[&#x0-9a;]{0,4}['\"]?)?[/?]?>|[&a-z;#0-9]{0,5}|<!--|-->|<!\\[CDATA\\[|\\]\\]>){0,20}") {
        well_told(&read(file.as_bytes()).unwrap_err());
    }

    #[test]
    fn a_changed_byte_is_no_panic_and_never_a_message_that_cannot_be_written(
        body in any_body(),
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..4),
    ) {
        let mut file = write(&body);
        for (place, byte) in changes {
            let place = place.index(file.len());
            file[place] = byte;
        }
        match read(&file) {
            Err(findings) => well_told(&findings),
            Ok(read) => {
                let again = super::taken(&write(&read.body));
                prop_assert_eq!(again.body, read.body);
            }
        }
    }
}

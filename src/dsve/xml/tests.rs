//! The bridge over the example messages, and what it says of files that are wrong.

use super::{XmlLimits, message_type_of, read, write};
use crate::contract::example::EXAMPLES;
use crate::contract::{Body, MessageType, read_message};
use crate::kernel::Finding;

fn body(message_type: MessageType, json: &str) -> Body {
    Body { message_type, json: json.as_bytes().to_vec() }
}

/// Rule and place of each finding.
fn told(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| format!("{} {}", finding.regel, finding.peker)).collect()
}

fn refused(xml: &str) -> Vec<String> {
    told(&read(xml.as_bytes(), &XmlLimits::default()).unwrap_err())
}

#[test]
fn every_example_goes_to_xml_and_back() {
    let mut written = 0;
    for example in EXAMPLES {
        let before = body(example.message_type, example.json);
        if super::grammar::message(example.message_type).is_none() {
            assert_eq!(told(&write(&before).unwrap_err()), ["INN-077 "]);
            continue;
        }
        let xml = write(&before).unwrap();
        assert_eq!(message_type_of(&xml), Some(example.message_type));
        let after = read(&xml, &XmlLimits::default()).unwrap();
        assert_eq!(after.notes, []);
        assert_eq!(read_message(&after.body).unwrap(), read_message(&before).unwrap());
        assert_eq!(write(&after.body).unwrap(), xml);
        written += 1;
    }
    assert!(written >= 16, "{written}");
}

#[test]
fn all_that_is_wrong_is_told_at_once_with_its_place() {
    let findings = refused(
        "<innfrielsessaldosvar><mottaker id='926018159'><foretaksnavn>M</foretaksnavn></mottaker>\
         <avsender ID='1'><foretaksnavn>B</foretaksnavn><referanse>R</referanse></avsender>\
         <laanliste><laan><laantakerIkkeHjemmelshaver>ja</laantakerIkkeHjemmelshaver>\
         <saldoerPerDato><saldoPerDato><beloep>1e-3</beloep><dato>30.06.2026</dato></saldoPerDato>\
         </saldoerPerDato><laanenummer>7</laanenummer><saldo>1</saldo></laan>tekst<laan/></laanliste>\
         </innfrielsessaldosvar>",
    );
    let loan = "/innfrielsessaldosvar/laanliste/laan";
    let mut wanted = vec![
        "INN-071 /innfrielsessaldosvar/avsender".to_owned(),
        "INN-068 /innfrielsessaldosvar/avsender/@ID".to_owned(),
        "INN-069 /innfrielsessaldosvar/avsender/@id".to_owned(),
        format!("INN-074 {loan}[1]/laantakerIkkeHjemmelshaver"),
        format!("INN-075 {loan}[1]/saldoerPerDato/saldoPerDato[1]/beloep"),
        format!("INN-074 {loan}[1]/saldoerPerDato/saldoPerDato[1]/dato"),
        format!("INN-071 {loan}[1]/laanenummer"),
        format!("INN-067 {loan}[1]/saldo"),
        format!("INN-069 {loan}[1]/transporterklaering"),
        format!("INN-069 {loan}[1]/kontonummer"),
        format!("INN-069 {loan}[1]/laantakereHjemmelshaver"),
        "INN-073 /innfrielsessaldosvar/laanliste".to_owned(),
    ];
    for name in [
        "laantakerIkkeHjemmelshaver",
        "transporterklaering",
        "laanenummer",
        "kontonummer",
        "saldoerPerDato",
        "laantakereHjemmelshaver",
    ] {
        wanted.push(format!("INN-069 {loan}[2]/{name}"));
    }
    wanted.push("INN-069 /innfrielsessaldosvar/registerenheterMedDokumentreferanser".to_owned());
    assert_eq!(findings, wanted);
}

#[test]
fn an_answer_that_will_not_delete_the_lien_is_not_written() {
    for example in EXAMPLES.iter().filter(|it| it.json.contains("panterettSlettesVedInnfrielse")) {
        let json = example.json.replace(
            "\"panterettSlettesVedInnfrielse\": true",
            "\"panterettSlettesVedInnfrielse\": false",
        );
        assert_ne!(json, example.json);
        let findings = write(&body(example.message_type, &json)).unwrap_err();
        assert_eq!(told(&findings), ["INN-054 /panterettSlettesVedInnfrielse"]);
    }
}

//! What is peculiar in practice (the files that others write), each shown by an example file.

use innfri::contract::{CheckContext, Contract, Message, MessageType, read_message};
use innfri::dsve::xml::{XmlLimits, message_type_of};
use innfri::kernel::{Environment, Limits, PaymentWindow};
use innfri::market::no::restgjeld::Restgjeldssvar;
use serde_json::{Value, json};

use super::infoset::infoset;
use super::{folder, json_example, read, taken, told, write, xml_example};

/// The XML examples that are JSON examples written as XML.
const PLAIN: [(&str, MessageType, &str); 5] = [
    ("restgjeldsforespoersel_matrikkel", MessageType::Restgjeldsforespoersel, "matrikkel"),
    (
        "restgjeldsforespoersel_flere-enheter",
        MessageType::Restgjeldsforespoersel,
        "organisasjon-og-feste",
    ),
    ("restgjeldssvar_rammelaan", MessageType::Restgjeldssvar, "rammelaan"),
    (
        "innfrielsessaldoforespoersel_borettsandel",
        MessageType::Innfrielsessaldoforespoersel,
        "borettsandel",
    ),
    ("innfrielsessaldosvar_to-datoer", MessageType::Innfrielsessaldosvar, "to-datoer"),
];

/// Those that look as no JSON example does.
const PECULIAR: [&str; 3] = [
    "restgjeldsforespoersel_uten-kontakt",
    "restgjeldssvar_aksjeleilighet",
    "innfrielsessaldosvar_eksponenter",
];

fn json_of(name: &str) -> Value {
    serde_json::from_slice(&taken(&xml_example(name)).body.json).unwrap()
}

#[test]
fn the_plain_examples_are_the_json_examples() {
    for (file, kind, name) in PLAIN {
        let body = json_example(kind, name);
        let xml = xml_example(file);
        assert_eq!(
            String::from_utf8(write(&body)).unwrap(),
            String::from_utf8(xml.clone()).unwrap()
        );
        assert_eq!(message_type_of(&xml), Some(kind));
        assert_eq!(read_message(&taken(&xml).body), read_message(&body));
    }
}

#[test]
fn every_example_is_named_here_and_survives_json() {
    let known = PLAIN.iter().map(|(file, ..)| *file).chain(PECULIAR);
    let mut known: Vec<String> = known.map(|name| format!("{name}.xml")).collect();
    known.sort();
    let files = std::fs::read_dir(folder().join("dsve")).unwrap();
    let mut files: Vec<String> =
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    assert_eq!(files, known);
    for name in files {
        let xml = xml_example(name.trim_end_matches(".xml"));
        let again = write(&taken(&xml).body);
        let said = |xml| -> Vec<String> {
            // A time without an offset is written with one.
            infoset(xml).into_iter().filter(|it| !it.contains("registreringstidspunkt")).collect()
        };
        assert_eq!(said(&again), said(&xml), "{name}");
    }
}

#[test]
fn a_missing_contact_is_noted_and_through_altinn_no_error() {
    let xml = xml_example("restgjeldsforespoersel_uten-kontakt");
    assert!(String::from_utf8_lossy(&xml).contains("<?xml-stylesheet"));
    let taken = taken(&xml);
    assert_eq!(told(&taken.notes), ["INN-060 /restgjeldsforespoersel/avsender/kontaktperson"]);
    assert!(!innfri::kernel::has_errors(&taken.notes));
    let contract = Contract::new(Limits::default()).unwrap();
    let window =
        PaymentWindow { today: "2026-06-22".parse().unwrap(), grace_days: 2, ahead_days: 60 };
    for contact_optional in [true, false] {
        let context = CheckContext { environment: Environment::Test, window, contact_optional };
        let checked = contract.check(taken.body.message_type, &taken.body.json, &context);
        assert_eq!(checked.message.is_some(), contact_optional);
        assert!(told(&checked.findings).contains(&"INN-060 /avsender/kontaktperson".to_owned()));
    }
}

#[test]
fn shares_are_misspelt_in_xml_alone() {
    let xml = xml_example("restgjeldssvar_aksjeleilighet");
    assert!(String::from_utf8_lossy(&xml).contains("<akjsenummerFra>"));
    let json = json_of("restgjeldssvar_aksjeleilighet");
    let shares =
        &json["registerenheterMedDokumentreferanser"][0]["aksjeleilighet"]["aksjeinformasjon"];
    assert_eq!(
        shares,
        &json!({"aksjenummerFra": 301, "aksjenummerTil": 350, "paalydende": "100.00", "antall": 50})
    );
    let corrected = String::from_utf8(xml).unwrap().replace("akjse", "aksje");
    let shares = "/restgjeldssvar/registerenheterMedDokumentreferanser/\
                  registerenhetMedDokumentreferanse[1]/aksjeleilighet/aksjeinformasjon";
    let wanted =
        [format!("INN-067 {shares}/aksjenummerFra"), format!("INN-067 {shares}/aksjenummerTil")];
    assert_eq!(told(&read(corrected.as_bytes()).unwrap_err()), wanted);
}

#[test]
fn exponents_digits_for_yes_cdata_and_local_times_are_read() {
    let json = json_of("innfrielsessaldosvar_eksponenter");
    let loan = &json["laanliste"][0];
    assert_eq!(loan["transporterklaering"], json!(true));
    assert_eq!(loan["laantakerIkkeHjemmelshaver"], json!(false));
    assert_eq!(
        loan["saldoerPerDato"],
        json!([
            {"beloep": "1204567.00", "dato": "2026-07-01"},
            {"beloep": "1200000.00", "dato": "2026-07-02"},
            {"beloep": "1204321.50", "dato": "2026-07-03"},
        ])
    );
    assert_eq!(loan["betalingsmelding"], json!("Innfrielse <lån> & gebyr"));
    let documents = &json["registerenheterMedDokumentreferanser"][0]["pantedokumentreferanser"];
    // Summer time, winter time, and an offset that is told.
    let times = ["2019-05-02T07:00:00Z", "2019-12-02T08:00:00Z", "2020-01-01T00:00:00.5Z"];
    for (place, wanted) in times.into_iter().enumerate() {
        assert_eq!(documents[place]["registreringstidspunkt"], json!(wanted));
    }
    assert_eq!(json["panterettSlettesVedInnfrielse"], json!(true));
}

#[test]
fn properties_keep_their_order_and_their_owners() {
    let read = read_message(&taken(&xml_example("restgjeldsforespoersel_flere-enheter")).body);
    let Ok(Message::Request(request)) = read else { panic!("no request") };
    assert_eq!(request.registerenheter().len(), 2);
    assert!(request.registerenheter().iter().all(|it| it.hjemmelshavere.len() == 1));
}

#[test]
fn the_same_amount_is_read_as_saldo_only_without_an_exponent() {
    let plain = String::from_utf8(xml_example("restgjeldssvar_rammelaan")).unwrap();
    let json: Restgjeldssvar = serde_json::from_slice(&taken(plain.as_bytes()).body.json).unwrap();
    let saldo = json.laanliste[0].saldo.to_string();
    for (other, right) in [
        (format!(" +0{saldo}0 "), true),
        (format!("{}e-2", saldo.replace('.', "")), false),
        ("INF".to_owned(), false),
        (saldo.replace('.', ","), false),
    ] {
        let changed = plain.replacen(
            &format!("<saldo>{saldo}</saldo>"),
            &format!("<saldo>{other}</saldo>"),
            1,
        );
        assert_ne!(changed, plain);
        match read(changed.as_bytes()) {
            Ok(read) => assert!(right && read == taken(plain.as_bytes()), "{other}"),
            Err(findings) => {
                assert!(!right, "{other}");
                assert_eq!(told(&findings), ["INN-075 /restgjeldssvar/laanliste/laan[1]/saldo"]);
            }
        }
    }
}

#[test]
fn limits_are_settings() {
    let xml = xml_example("restgjeldssvar_rammelaan");
    let usual = XmlLimits::default();
    assert!(innfri::dsve::xml::read(&xml, &usual).is_ok());
    for (limits, unit) in [
        (XmlLimits { bytes: xml.len() - 1, ..usual }, "bytes"),
        (XmlLimits { depth: 3, ..usual }, "levels"),
        (XmlLimits { elements: 10, ..usual }, "elements"),
        (XmlLimits { text: 8, ..usual }, "one text"),
    ] {
        let findings = innfri::dsve::xml::read(&xml, &limits).unwrap_err();
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!(findings[0].regel.as_str(), "INN-064");
        assert!(findings[0].text.contains(unit), "{}", findings[0].text);
    }
    let exact = XmlLimits { bytes: xml.len(), ..usual };
    assert!(innfri::dsve::xml::read(&xml, &exact).is_ok());
}

//! Fuzzing in the tree: the bytes that enter each decoder, mutated from real examples by a seeded
//! generator. No decoder may panic, hang or give more than its limits, whatever comes.
//!
//! The normal run tries some thirty thousand inputs; `INNFRI_SOAK=1` a hundred times as many.
//! `INNFRI_FUZZ_SEED=n` starts elsewhere. A failure prints the input.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test stops at what it did not expect, and says what it tried"
)]

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use innfri::bank::{BuiltInBank, LoanBook};
use innfri::channel::amqp::properties;
use innfri::contract::example::EXAMPLES;
use innfri::contract::{Body, CheckContext, Contract, Message, MessageType, read_message};
use innfri::decide::{Context, Found, broker_death, decide, read};
use innfri::dsve::archive::{Content, Packing, pack};
use innfri::dsve::xml::{self, XmlLimits};
use innfri::dsve::{Arrived, FileLimits, Sending, read_file, write_file};
use innfri::kernel::person::{contains_national_id, mask_national_ids};
use innfri::kernel::{
    AccountNumber, Amount, Environment, Kid, Limits, MessageId, NationalId, OrganisationId,
    PaymentWindow,
};
use innfri::source::file;
use jiff::Timestamp;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldArray, FieldTable, LongString};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

/// Pieces that decoders have tripped over before.
const TOKENS: [&[u8]; 31] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\u0000",
    b"\\ud800",
    b"\xff",
    b"\xc3",
    b"\xef\xbb\xbf",
    b"null",
    b"-0",
    b"1e999",
    b"0.1",
    b"99999999999999999999",
    b"\"\":",
    b"[[[[[[[[[[",
    b"{\"a\":",
    b"\r\n",
    b"2026-02-30",
    b"\x00",
    b",",
    b"<!DOCTYPE a [<!ENTITY b \"c\">]>",
    b"&b;",
    b"&#0;",
    b"<![CDATA[",
    b"]]>",
    b"<!--",
    b" xmlns=\"urn:a\"",
    b"PK\x05\x06",
    b"PK\x01\x02",
];

fn budget(normal: usize) -> usize {
    if std::env::var_os("INNFRI_SOAK").is_some() { normal * 100 } else { normal }
}

fn seed() -> u64 {
    std::env::var("INNFRI_FUZZ_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20_261_121)
}

fn files(folder: &str, ending: &str) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == ending) {
                found.push(fs::read(path).unwrap());
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "there are examples to start from");
    found
}

/// One example, changed in a few places.
fn mutated(corpus: &[Vec<u8>], random: &mut StdRng) -> Vec<u8> {
    let mut bytes = corpus.choose(random).unwrap().clone();
    for _ in 0..random.random_range(0..6) {
        let end = bytes.len();
        let place = random.random_range(0..=end);
        match random.random_range(0..7) {
            0 if end > 0 => bytes[place.min(end - 1)] = random.random(),
            1 if end > 0 => bytes[place.min(end - 1)] ^= 1 << random.random_range(0..8),
            2 => bytes.truncate(place),
            3 => {
                let token = TOKENS.choose(random).unwrap();
                bytes.splice(place..place, token.iter().copied());
            }
            4 => {
                let until = random.random_range(place..=end);
                bytes.drain(place..until);
            }
            5 => {
                let until = random.random_range(place..=end.min(place + 200));
                let copy: Vec<u8> = bytes[place..until].to_vec();
                bytes.splice(place..place, copy);
            }
            _ => {
                let other = corpus.choose(random).unwrap();
                let from = random.random_range(0..=other.len());
                bytes.truncate(place);
                bytes.extend_from_slice(&other[from..]);
            }
        }
    }
    bytes.truncate(300_000);
    bytes
}

/// Feeds a decoder, and names the input that it fell over.
fn feed(
    name: &str,
    corpus: &[Vec<u8>],
    inputs: usize,
    decode: impl Fn(&[u8], &mut StdRng) -> bool,
) {
    let mut random = StdRng::seed_from_u64(seed());
    let (mut taken, inputs) = (0, budget(inputs));
    for _ in 0..inputs {
        let input = mutated(corpus, &mut random);
        let outcome = catch_unwind(AssertUnwindSafe(|| decode(&input, &mut random)));
        match outcome {
            Ok(accepted) => taken += usize::from(accepted),
            Err(_) => panic!("{name} fell over: {:?}", String::from_utf8_lossy(&input)),
        }
    }
    println!("{name}: {inputs} inputs, {taken} accepted");
    assert!(taken > 0 && taken < inputs, "{name}: the inputs reach both ends");
}

fn check_context() -> CheckContext {
    let window =
        PaymentWindow { today: "2026-11-20".parse().unwrap(), grace_days: 3, ahead_days: 180 };
    CheckContext { environment: Environment::Test, window, contact_optional: false }
}

#[test]
fn the_contract_stands_any_bytes() {
    let limits = Limits { findings: 20, ..Limits::default() };
    let contract = Contract::new(limits).unwrap();
    let corpus = files("examples/messages", "json");
    feed("contract", &corpus, 6_000, |bytes, random| {
        let kind = *MessageType::ALL.choose(random).unwrap();
        let checked = contract.check(kind, bytes, &check_context());
        let refused = innfri::kernel::has_errors(&checked.findings);
        assert_eq!(checked.message.is_some(), !refused, "a message, or errors");
        assert!(checked.findings.len() <= limits.findings + 1);
        drop(contract.hints(bytes));
        drop(read_message(&Body { message_type: kind, json: bytes.to_vec() }));
        checked.message.is_some()
    });
}

#[test]
fn deciding_stands_any_envelope() {
    let text = include_str!("../examples/tour/directory.toml");
    let directory = file::parse(text, Path::new("directory.toml")).unwrap();
    let contract = Contract::new(Limits::default()).unwrap();
    let context = Context {
        directory: &directory,
        contract: &contract,
        check: check_context(),
        now: Timestamp::UNIX_EPOCH,
    };
    let corpus = files("examples/messages", "json");
    feed("deciding", &corpus, 4_000, |bytes, random| {
        let incoming = properties::incoming(
            "innfri.in.requests",
            &envelope(random),
            bytes.to_vec(),
            Timestamp::UNIX_EPOCH,
        );
        drop(broker_death::decide(&incoming, &context));
        let reading = read(incoming, &context);
        let decision = decide(&reading, &Found::default(), &context);
        assert!(
            !decision.deliveries.is_empty() || !decision.dead_letters.is_empty(),
            "nothing ends in silence"
        );
        decision.change.is_some()
    });
}

/// Properties such as a strange client may set.
fn envelope(random: &mut StdRng) -> BasicProperties {
    let texts = [
        "megler",
        "testvik",
        "no.dsve.restgjeldsforespoersel.v1",
        "no.dsve.restgjeldssvar.v1",
        "0b1d1d7e-5c1f-4a6e-9d0b-3f6a1e2c4b5d",
        "",
        "application/json",
        "\u{fffd}\u{0}",
        "å",
    ];
    let mut text = || (*texts.choose(random).unwrap()).into();
    let (user, kind, id, correlation) = (text(), text(), text(), text());
    let content_type = text();
    let mut headers = FieldTable::default();
    let death = match random.random_range(0..4) {
        0 => AMQPValue::Void,
        1 => AMQPValue::LongString(LongString::from(vec![0xff; 400])),
        2 => AMQPValue::FieldArray(FieldArray::from(vec![AMQPValue::Boolean(true); 40])),
        _ => {
            let mut entry = FieldTable::default();
            entry.insert("reason".into(), AMQPValue::LongString("expired".into()));
            entry.insert("count".into(), AMQPValue::LongLongInt(i64::MIN));
            AMQPValue::FieldArray(FieldArray::from(vec![AMQPValue::FieldTable(entry)]))
        }
    };
    headers.insert("x-death".into(), death);
    headers.insert("traceparent".into(), AMQPValue::LongString(LongString::from(vec![0xc3, 0x28])));
    BasicProperties::default()
        .with_user_id(user)
        .with_type(kind)
        .with_message_id(id)
        .with_correlation_id(correlation)
        .with_content_type(content_type)
        .with_headers(headers)
}

#[test]
fn directories_and_loan_books_stand_any_text() {
    let mut corpus = files("examples/tour", "toml");
    corpus.extend(files("examples/demo", "toml"));
    corpus.extend(files("examples/loan-books", "toml"));
    let requests: Vec<Message> = files("examples/messages/no", "json")
        .into_iter()
        .flat_map(|json| {
            MessageType::ALL.map(|message_type| Body { message_type, json: json.clone() })
        })
        .filter_map(|body| read_message(&body).ok())
        .collect();
    feed("files", &corpus, 1_500, |bytes, random| {
        let text = String::from_utf8_lossy(bytes);
        let directory = file::parse(&text, Path::new("directory.toml"));
        let book = LoanBook::parse(&text);
        let accepted = directory.is_ok() || book.is_ok();
        if let (Ok(book), Some(Message::Request(request))) = (book, requests.choose(random)) {
            let id = MessageId::of_content("", "", bytes);
            drop(BuiltInBank::new(book).answer(request, id, "2026-11-20".parse().unwrap()));
        }
        accepted
    });
}

#[test]
fn numbers_and_free_text_stand_any_text() {
    let corpus: Vec<Vec<u8>> = [
        "NO:926018159",
        "926018159",
        "15640410423",
        "0531956759934",
        "23904430552",
        "1000.20",
        "Gjelder 239044 30552 og 15640410423.",
        "FI:1234567-8",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    feed("numbers", &corpus, 20_000, |bytes, _| {
        let text = String::from_utf8_lossy(bytes);
        let organisation = text.parse::<OrganisationId>();
        if let Ok(organisation) = &organisation {
            assert_eq!(&organisation.to_string().parse::<OrganisationId>().unwrap(), organisation);
            let _ = organisation.has_valid_check_digit();
        }
        if let Ok(amount) = text.parse::<Amount>() {
            assert_eq!(amount.to_string().parse::<Amount>().unwrap(), amount);
        }
        if let Ok(kid) = text.parse::<Kid>() {
            let _ = kid.has_valid_check_digit();
        }
        if let Ok(account) = text.parse::<AccountNumber>() {
            assert!(text.starts_with(account.register_number().as_str()));
        }
        if let Ok(id) = text.parse::<NationalId>() {
            let _ = (id.has_valid_check_digits(), id.has_plausible_date(), id.is_synthetic());
            assert!(!format!("{id:?}{id}").contains(text.as_ref()));
        }
        assert!(!contains_national_id(&mask_national_ids(&text)));
        organisation.is_ok()
    });
}

/// The examples as they go through Altinn: the XML of messages, and the files of messages and refusals.
fn dsve_corpus() -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let (mut xmls, mut zips) = (Vec::new(), Vec::new());
    let reportee: OrganisationId = "926018159".parse().unwrap();
    for example in EXAMPLES {
        let body =
            Body { message_type: example.message_type, json: example.json.as_bytes().to_vec() };
        let sending = Sending {
            body: &body,
            about: Some(MessageType::Restgjeldsforespoersel),
            senders_reference: "1",
            reportee: &reportee,
            sent_at: Some(Timestamp::UNIX_EPOCH),
        };
        xmls.extend(xml::write(&body));
        zips.extend(write_file(&sending).map(|outgoing| outgoing.zip));
    }
    assert!(xmls.len() >= 16 && zips.len() > xmls.len());
    (xmls, zips)
}

#[test]
fn dsves_xml_stands_any_bytes() {
    let limits = XmlLimits { findings: 20, ..XmlLimits::default() };
    feed("xml", &dsve_corpus().0, 4_000, |bytes, _| {
        let _ = xml::message_type_of(bytes);
        match xml::read(bytes, &limits) {
            Ok(read) => {
                assert!(!innfri::kernel::has_errors(&read.notes));
                let again = xml::read(&xml::write(&read.body).unwrap(), &limits).unwrap();
                assert!(again.body == read.body, "what is read is written and read the same");
                true
            }
            Err(findings) => {
                assert!(innfri::kernel::has_errors(&findings) && findings.len() <= 21);
                false
            }
        }
    });
}

#[test]
fn files_from_altinn_stand_any_bytes() {
    let (xmls, zips) = dsve_corpus();
    let limits = FileLimits::default();
    let reportee: OrganisationId = "926018159".parse().unwrap();
    feed("archives", &zips, 4_000, |bytes, random| {
        let list = property_list(random);
        // A changed archive seldom opens, so every other time a right one has changed content.
        let content = mutated(&xmls, random);
        let packed = pack(&Packing {
            message_type: MessageType::Restgjeldssvar,
            senders_reference: &String::from_utf8_lossy(bytes.get(..40).unwrap_or_default()),
            reportee: &reportee,
            sent_at: None,
            content: Content::Message(&content),
        });
        let packed = packed.unwrap();
        let zip = if random.random() { bytes } else { &packed };
        let (notes, accepted) = match read_file(zip, &list, &limits) {
            Ok(Arrived::Message(arrival)) => (arrival.notes, true),
            Ok(Arrived::Nack(nack)) => {
                assert!(!nack.text.trim().is_empty() && nack.text.chars().count() <= 2000);
                (nack.notes, true)
            }
            Err(findings) => (findings, false),
        };
        assert_eq!(innfri::kernel::has_errors(&notes), !accepted);
        accepted
    });
}

/// A property list such as a strange sender may set.
fn property_list(random: &mut StdRng) -> BTreeMap<String, String> {
    let keys = ["messageType", "STATUS", "statusDescription", "version", "", "\u{0}"];
    let values =
        ["Restgjeldssvar", "Feil", "LånSolgt", "RutetSuksessfullt", "1", "2", "", "\u{7}\u{202e}å"];
    let pairs = random.random_range(0..4);
    let mut one = || {
        let key = (*keys.choose(random).unwrap()).to_owned();
        (key, (*values.choose(random).unwrap()).to_owned())
    };
    (0..pairs).map(|_| one()).collect()
}

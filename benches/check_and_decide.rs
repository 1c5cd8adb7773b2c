//! What it costs to check and decide on a request of about 2 KB and on its answer, as time and as a
//! multiple of reading the JSON and validating it against its schema alone.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::float_arithmetic,
    clippy::disallowed_methods,
    reason = "a measurement stops at what it did not expect"
)]

use std::hint::black_box;
use std::time::Instant;

use criterion::Criterion;
use innfri::case::StoredCase;
use innfri::contract::{CheckContext, Contract, MessageType};
use innfri::decide::{Context, Found, decide, read};
use innfri::directory::Directory;
use innfri::kernel::{ChannelName, Environment, Incoming, Limits, Login, PaymentWindow};
use innfri::source::file;
use jiff::Timestamp;
use serde_json::{Value, json};

const DIRECTORY: &str = include_str!("../examples/tour/directory.toml");

fn directory() -> Directory {
    file::parse(DIRECTORY, "directory.toml".as_ref()).unwrap()
}

fn context<'a>(directory: &'a Directory, contract: &'a Contract) -> Context<'a> {
    let window =
        PaymentWindow { today: "2026-11-20".parse().unwrap(), grace_days: 3, ahead_days: 180 };
    let check = CheckContext { environment: Environment::Test, window, contact_optional: false };
    Context { directory, contract, check, now: "2026-11-20T10:00:00Z".parse().unwrap() }
}

fn incoming(login: &str, kind: MessageType, body: &Value) -> Incoming {
    Incoming {
        channel: ChannelName::Amqp,
        source: "innfri.in.requests".into(),
        login: Some(Login::new(login)),
        message_type: Some(kind.name().into()),
        message_id: Some("0b1d1d7e-5c1f-4a6e-9d0b-3f6a1e2c4b5d".into()),
        correlation_id: None,
        content_type: Some("application/json".into()),
        traceparent: None,
        deaths: Vec::new(),
        findings: Vec::new(),
        received_at: Timestamp::UNIX_EPOCH,
        body: serde_json::to_vec(body).unwrap(),
    }
}

fn property(number: u32) -> Value {
    json!({"kommunenavn": "Testvik", "kommunenummer": "9901", "gaardsnummer": 12,
           "bruksnummer": number, "eiendomsnivaa": "E"})
}

fn request() -> Value {
    let unit = |number: u32| {
        json!({"matrikkel": property(number), "hjemmelshavere": [
            {"person": {"id": "23904430552", "fornavn": "Prøve Eksempel", "etternavn": "Fiksjon"}},
            {"person": {"id": "20821197423", "fornavn": "Testing", "etternavn": "Oppdiktet"}}]})
    };
    json!({
        "avsender": {"id": "926018159", "foretaksnavn": "Eksempel Eiendomsmegling",
            "adresse": {"gatenavn": "Prøveveien 1", "postnummer": "9990", "poststed": "Testvik"},
            "kontaktperson": {"navn": "Meglerkontakt", "epost": "oppgjor@megler.example"},
            "referanse": "OPPDRAG-1"},
        "mottaker": {"id": "918190937", "foretaksnavn": "Testvik Sparebank"},
        "registerenheterMedHjemmelshavere": [unit(1), unit(2), unit(3), unit(4), unit(5)],
        "prisantydning": 4_500_000
    })
}

fn answer() -> Value {
    let loan = |number: u32| {
        json!({"rammelaan": true, "oevreGrenseRammelaan": "900000.00", "fastrente": false,
            "realkausjon": false, "laantakerIkkeHjemmelshaver": false, "transporterklaering": false,
            "laanenummer": format!("900{number}"), "kontonummer": "15640410423",
            "kidnummer": "0531956759934", "saldo": "812345.67",
            "laantakereHjemmelshaver": ["Prøve Eksempel Fiksjon", "Oppdiktet Testing"]})
    };
    let unit = |number: u32| {
        json!({"matrikkel": property(number), "pantedokumentreferanser": [
            {"dokumentnummer": 1000 + number, "dokumentaar": 2019, "embetenummer": 200,
             "rettsstiftelsesnummer": 1, "beloep": "2000000"}]})
    };
    json!({
        "avsender": {"id": "918190937", "foretaksnavn": "Testvik Sparebank",
            "kontaktperson": {"navn": "Bankkontakt"}, "referanse": "LAAN-7"},
        "mottaker": {"id": "926018159", "foretaksnavn": "Eksempel Eiendomsmegling",
            "referanse": "OPPDRAG-1"},
        "laanliste": [loan(1), loan(2)],
        "registerenheterMedDokumentreferanser": [unit(1), unit(2)],
        "sperretForVidereOpplaan": true,
        "panterettSlettesVedInnfrielse": true
    })
}

/// One message, and the two things that are done with it.
struct Subject<'a> {
    name: &'static str,
    incoming: Incoming,
    found: Found,
    validator: jsonschema::Validator,
    context: Context<'a>,
}

impl Subject<'_> {
    fn validate(&self) {
        let value: Value = serde_json::from_slice(black_box(&self.incoming.body)).unwrap();
        assert!(self.validator.is_valid(&value));
    }

    fn check_and_decide(&self) {
        let reading = read(black_box(self.incoming.clone()), &self.context);
        let decision = decide(&reading, &self.found, &self.context);
        assert!(!decision.deliveries.is_empty());
        black_box(decision);
    }

    /// The multiple, from rounds that take turns: the median of their ratios.
    fn multiple(&self) -> f64 {
        const ROUNDS: usize = 101;
        const TIMES: u32 = 100;
        let timed = |work: &dyn Fn()| {
            let start = Instant::now();
            (0..TIMES).for_each(|_| work());
            start.elapsed().as_secs_f64()
        };
        let mut ratios: Vec<f64> = (0..ROUNDS)
            .map(|_| timed(&|| self.check_and_decide()) / timed(&|| self.validate()))
            .collect();
        ratios.sort_by(f64::total_cmp);
        ratios[ROUNDS / 2]
    }
}

fn main() {
    let (directory, contract) = (directory(), Contract::new(Limits::default()).unwrap());
    let context = context(&directory, &contract);
    let validator = |kind: MessageType| {
        let schema: Value = serde_json::from_str(kind.schema()).unwrap();
        jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
    };
    let asked = incoming("megler", MessageType::Restgjeldsforespoersel, &request());
    let opened = decide(&read(asked.clone(), &context), &Found::default(), &context);
    let change = opened.change.unwrap();
    let case = StoredCase { case: change.case, request: change.request.unwrap() };
    let answered = Incoming {
        correlation_id: Some(case.case.forwarded_as.to_string()),
        ..incoming("testvik", MessageType::Restgjeldssvar, &answer())
    };
    let subjects = [
        Subject {
            name: "request",
            incoming: asked,
            found: Found::default(),
            validator: validator(MessageType::Restgjeldsforespoersel),
            context,
        },
        Subject {
            name: "answer",
            incoming: answered,
            found: Found { inbox: None, case: Some(case) },
            validator: validator(MessageType::Restgjeldssvar),
            context,
        },
    ];
    let mut criterion = Criterion::default().configure_from_args();
    for subject in &subjects {
        let bytes = subject.incoming.body.len();
        let validate = format!("{} of {bytes} bytes: read and validate", subject.name);
        criterion.bench_function(&validate, |bencher| bencher.iter(|| subject.validate()));
        let whole = format!("{} of {bytes} bytes: check and decide", subject.name);
        criterion.bench_function(&whole, |bencher| bencher.iter(|| subject.check_and_decide()));
        println!(
            "{}: check and decide is {:.2} times reading and validating alone\n",
            subject.name,
            subject.multiple()
        );
    }
    criterion.final_summary();
}

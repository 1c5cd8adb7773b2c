//! What deciding promises, one sentence a test.

mod altinn;

use serde_json::{Value, json};

use super::*;
use crate::case::{DeadReason, Event, Purpose, StoredCase};
use crate::contract::{Body, MessageType};
use crate::directory::{DeliveryPolicy, Handler, Operator, Participant, Role};
use crate::kernel::{ChannelName, Environment, Incoming, Limits, Login, PaymentWindow};
use crate::kernel::{Finding, Severity};
use crate::market::no::rejection::Rejection;
use crate::market::no::status::{Aarsak, Status};

const AGENCY: &str = "926018159";
const BANK: &str = "918190937";
const OTHER_BANK: &str = "903137215";
const BOND_COMPANY: &str = "882880729";
const UNKNOWN: &str = "920579868";
const REQUEST: &str = "no.dsve.restgjeldsforespoersel.v1";
const PAYOFF: &str = "no.dsve.innfrielsessaldoforespoersel.v1";
const ANSWER: &str = "no.dsve.restgjeldssvar.v1";
const PAYOFF_ANSWER: &str = "no.dsve.innfrielsessaldosvar.v1";
const STATUS: &str = "no.dsve.status.v1";

struct World {
    directory: Directory,
    contract: Contract,
}

fn participant(id: &str, name: &str, role: Role) -> Participant {
    let both = [MessageType::Restgjeldsforespoersel, MessageType::Innfrielsessaldoforespoersel];
    let bank = role == Role::Bank;
    Participant {
        id: id.parse().unwrap(),
        name: name.into(),
        sends: both.into(),
        receives: if bank { both.into() } else { Default::default() },
        register_numbers: Default::default(),
        approved_register_numbers: Default::default(),
        handler: Handler::Amqp,
        receipts: false,
        delivery: DeliveryPolicy::default(),
        role,
    }
}

fn operator(login: &str, speaks_for: &[&str]) -> Operator {
    let speaks_for = speaks_for.iter().map(|id| id.parse().unwrap()).collect();
    Operator { login: Login::new(login), name: login.into(), speaks_for, organisation: None }
}

impl World {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Vec<Participant>)) -> Self {
        let mut participants = vec![
            participant(AGENCY, "Eksempel Eiendomsmegling", Role::EstateAgency),
            participant(BANK, "Testvik Sparebank", Role::Bank),
            participant(OTHER_BANK, "Fjordprøven Bank", Role::Bank),
            participant(
                BOND_COMPANY,
                "Testvik Boligkreditt",
                Role::CoveredBondCompany { parent: BANK.parse().unwrap() },
            ),
        ];
        participants[1].register_numbers.insert("1564".parse().unwrap());
        participants[2].register_numbers.insert("5377".parse().unwrap());
        participants[2].receives.remove(&MessageType::Innfrielsessaldoforespoersel);
        change(&mut participants);
        let operators = vec![
            operator("agent", &[AGENCY]),
            operator("bank", &[BANK]),
            operator("other", &[OTHER_BANK]),
            operator("centre", &[BANK, OTHER_BANK]),
        ];
        Self {
            directory: Directory::new(participants, operators).unwrap(),
            contract: Contract::new(Limits::default()).unwrap(),
        }
    }

    fn context(&self) -> Context<'_> {
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let window =
            PaymentWindow { today: "2026-11-20".parse().unwrap(), grace_days: 3, ahead_days: 180 };
        let check =
            CheckContext { environment: Environment::Test, window, contact_optional: false };
        Context { directory: &self.directory, contract: &self.contract, check, now }
    }

    fn decide(&self, incoming: Incoming, found: &Found) -> Decision {
        let reading = read(incoming, &self.context());
        decide(&reading, found, &self.context())
    }

    fn take(&self, incoming: Incoming) -> Decision {
        self.decide(incoming, &Found::default())
    }

    /// An accepted request and its case.
    fn open(&self) -> StoredCase {
        stored(&self.take(message("agent", REQUEST, &request())))
    }

    fn reply(&self, kind: &str, body: &Value, case: &StoredCase) -> Decision {
        let found = Found { inbox: None, case: Some(case.clone()) };
        self.decide(answering(case, message("bank", kind, body)), &found)
    }
}

fn stored(decision: &Decision) -> StoredCase {
    let change = decision.change.clone().unwrap();
    StoredCase { case: change.case, request: change.request.unwrap() }
}

fn message(login: &str, kind: &str, body: &Value) -> Incoming {
    Incoming {
        channel: ChannelName::Amqp,
        source: "innfri.in.requests".into(),
        login: Some(Login::new(login)),
        message_type: Some(kind.into()),
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

fn answering(case: &StoredCase, incoming: Incoming) -> Incoming {
    Incoming { correlation_id: Some(case.case.forwarded_as.to_string()), ..incoming }
}

fn property() -> Value {
    json!({"kommunenavn": "Testvik", "kommunenummer": "9901", "gaardsnummer": 12,
           "bruksnummer": 34, "eiendomsnivaa": "E"})
}

fn request() -> Value {
    json!({
        "avsender": {"id": AGENCY, "foretaksnavn": "Eksempel Eiendomsmegling",
            "kontaktperson": {"navn": "Meglerkontakt"}, "referanse": "OPPDRAG-1"},
        "mottaker": {"id": BANK, "foretaksnavn": "Testvik Sparebank"},
        "registerenheterMedHjemmelshavere": [{
            "matrikkel": property(),
            "hjemmelshavere": [
                {"person": {"id": "23904430552", "fornavn": "Prøve", "etternavn": "Fiksjon"}}]
        }]
    })
}

fn answer() -> Value {
    json!({
        "avsender": {"id": BANK, "foretaksnavn": "Testvik Sparebank",
            "kontaktperson": {"navn": "Bankkontakt"}, "referanse": "LAAN-7"},
        "mottaker": {"id": AGENCY, "foretaksnavn": "Eksempel Eiendomsmegling",
            "referanse": "OPPDRAG-1"},
        "laanliste": [{
            "rammelaan": false, "fastrente": false, "realkausjon": false,
            "laantakerIkkeHjemmelshaver": false, "transporterklaering": false,
            "laanenummer": "9001", "kontonummer": "15640410423", "saldo": "1000.20",
            "laantakereHjemmelshaver": ["Prøve Fiksjon"]
        }],
        "registerenheterMedDokumentreferanser": [{
            "matrikkel": property(), "pantedokumentreferanser": []}],
        "sperretForVidereOpplaan": true,
        "panterettSlettesVedInnfrielse": true
    })
}

fn status_message() -> Value {
    json!({"avsender": {"id": BANK}, "mottaker": {"id": AGENCY, "referanse": "OPPDRAG-1"},
           "statuskode": "LAAN_SOLGT", "tekst": "Pantet er overdratt."})
}

/// The `FEIL` that a request was refused with, addressed to the agency.
fn refusal(decision: &Decision) -> Status {
    assert_eq!(decision.disposition, Disposition::Refused);
    let [delivery] = decision.deliveries.as_slice() else { panic!("one status is owed") };
    assert_eq!(delivery.to, AGENCY.parse().unwrap());
    assert_eq!(delivery.purpose, Purpose::Outcome { revision: 1 });
    assert_eq!(stored(decision).case.state.revision(), 1);
    let status: Status = serde_json::from_slice(&delivery.body.json).unwrap();
    assert!(!status.tekst.is_empty() && !status.avvik.is_empty());
    status
}

/// The report that a bank gets about an answer that was not accepted.
fn rejection(decision: &Decision, to: &str) -> Rejection {
    assert_eq!(decision.disposition, Disposition::Rejected);
    let [delivery] = decision.deliveries.as_slice() else { panic!("one rejection is owed") };
    assert_eq!((delivery.to.number(), delivery.purpose), (to, Purpose::Rejection));
    serde_json::from_slice(&delivery.body.json).unwrap()
}

/// The rules that were broken, warnings aside.
fn rules(findings: &[Finding]) -> Vec<&str> {
    let errors = findings.iter().filter(|finding| finding.alvorlighet == Severity::Error);
    errors.map(|finding| finding.regel.as_str()).collect()
}

#[test]
fn an_accepted_request_is_owed_to_its_bank_unchanged() {
    let incoming = message("agent", REQUEST, &request());
    let decision = World::new().take(incoming.clone());
    assert_eq!(decision.disposition, Disposition::Accepted);
    let [forward] = decision.deliveries.as_slice() else { panic!("one delivery is owed") };
    assert_eq!((forward.to.number(), forward.purpose), (BANK, Purpose::Request));
    assert_eq!(forward.body.json, incoming.body);
    let case = stored(&decision).case;
    assert_eq!((case.reference.as_str(), case.forwarded_as), ("OPPDRAG-1", forward.id));
    assert_eq!(decision, World::new().take(incoming), "deciding again gives the same");
}

#[test]
fn a_receipt_is_owed_to_an_asker_who_wants_one() {
    let world = World::with(|all| all[0].receipts = true);
    let decision = world.take(message("agent", REQUEST, &request()));
    let purposes: Vec<_> = decision.deliveries.iter().map(|owed| owed.purpose).collect();
    assert_eq!(purposes, [Purpose::Request, Purpose::Receipt]);
}

#[test]
fn a_repeat_has_no_effect_and_a_reused_id_is_refused_and_kept() {
    let world = World::new();
    let first = world.take(message("agent", REQUEST, &request()));
    let found = Found { inbox: first.inbox.clone(), case: None };
    let repeat = world.decide(message("agent", REQUEST, &request()), &found);
    assert_eq!(repeat, Decision { case: first.case, ..Decision::none(Disposition::Repeated) });

    let mut other = request();
    other["prisantydning"] = json!(1);
    let reused = world.decide(message("agent", REQUEST, &other), &found);
    assert_eq!(rules(&rejection(&reused, AGENCY).avvik), ["INN-028"]);
    assert_eq!(reused.dead_letters[0].reason, DeadReason::ReusedMessageId);
    assert!(reused.change.is_none());
}

#[test]
fn a_message_from_nobody_known_is_kept() {
    let absent = Incoming { login: None, ..message("agent", REQUEST, &request()) };
    let stranger = message("stranger", REQUEST, &request());
    for incoming in [absent, stranger] {
        let decision = World::new().take(incoming);
        assert_eq!(decision.disposition, Disposition::DeadLettered);
        assert_eq!(decision.dead_letters[0].reason, DeadReason::UnknownSender);
        assert!(decision.deliveries.is_empty() && decision.change.is_none());
    }
}

#[test]
fn a_spoofed_sender_is_kept_and_the_login_is_told() {
    let decision = World::new().take(message("bank", REQUEST, &request()));
    assert_eq!(decision.dead_letters[0].reason, DeadReason::SpoofedSender);
    assert_eq!(decision.deliveries[0].to.number(), BANK);
    assert!(decision.change.is_none());
    let of_many = World::new().take(message("centre", REQUEST, &request()));
    assert!(of_many.deliveries.is_empty(), "nobody to tell among several");
}

#[test]
fn a_message_in_anothers_name_does_not_use_up_the_report_on_its_id() {
    let world = World::new();
    let spoofed = world.take(message("bank", ANSWER, &{
        let mut body = answer();
        body["avsender"]["id"] = json!(AGENCY);
        body
    }));
    let put_right = world.take(message("bank", ANSWER, &answer()));
    assert_eq!(spoofed.deliveries[0].correlation_id, put_right.deliveries[0].correlation_id);
    assert_ne!(spoofed.deliveries[0].id, put_right.deliveries[0].id);
}

#[test]
fn an_unreadable_body_gets_a_status_with_the_finding() {
    let deep = format!("{}1{}", "[".repeat(40), "]".repeat(40)).into_bytes();
    let bodies: [(&str, Vec<u8>); 5] = [
        ("not JSON", b"{".to_vec()),
        ("empty", Vec::new()),
        ("wrong encoding", vec![b'"', 0xff, b'"']),
        ("too deep", deep),
        ("too large", vec![b' '; Limits::default().body_bytes + 1]),
    ];
    for (what, body) in bodies {
        let incoming = Incoming { body, ..message("agent", REQUEST, &json!({})) };
        let status = refusal(&World::new().take(incoming));
        assert_eq!(status.aarsak, Some(Aarsak::UgyldigMelding), "{what}");
    }
}

#[test]
fn all_findings_are_told_at_once() {
    let mut bad = request();
    bad["registerenheterMedHjemmelshavere"][0]["matrikkel"]["kommunenummer"] = json!("99");
    bad["avsender"]["kontaktperson"] = json!({});
    bad["extra"] = json!(1);
    let status = refusal(&World::new().take(message("agent", REQUEST, &bad)));
    assert!(status.avvik.len() >= 3, "{:?}", status.avvik);
}

#[test]
fn an_unknown_or_own_type_gets_a_status() {
    for (kind, rule) in
        [("no.dsve.unknown.v1", "INN-032"), ("", "INN-032"), ("innfri.receipt.v1", "INN-039")]
    {
        let status = refusal(&World::new().take(message("agent", kind, &request())));
        assert_eq!(rules(&status.avvik), [rule], "{kind}");
    }
}

#[test]
fn a_missing_message_id_gets_a_status_once() {
    for message_id in [None, Some("42".to_owned())] {
        let incoming = Incoming { message_id, ..message("agent", REQUEST, &request()) };
        let decision = World::new().take(incoming.clone());
        assert_eq!(rules(&refusal(&decision).avvik), ["INN-025"]);
        assert_eq!(decision.deliveries[0].correlation_id, None);
        assert_eq!(decision.case, World::new().take(incoming).case);
    }
}

#[test]
fn another_content_type_gets_a_status() {
    let xml = Some("application/xml".to_owned());
    let incoming = Incoming { content_type: xml, ..message("agent", REQUEST, &request()) };
    assert_eq!(rules(&refusal(&World::new().take(incoming)).avvik), ["INN-038"]);
}

#[test]
fn a_request_that_may_not_go_there_says_why_and_whom_to_ask() {
    let to = |id: &str| {
        let mut body = request();
        body["mottaker"]["id"] = json!(id);
        body
    };
    let refused =
        |kind: &str, body: &Value| refusal(&World::new().take(message("agent", kind, body)));
    let bond = refused(REQUEST, &to(BOND_COMPANY));
    assert_eq!(bond.aarsak, Some(Aarsak::IkkeStoettet));
    assert!(bond.tekst.contains("Testvik Sparebank (918190937)"), "{}", bond.tekst);
    assert_eq!(refused(REQUEST, &to(UNKNOWN)).aarsak, Some(Aarsak::UkjentMottaker));
    assert_eq!(refused(REQUEST, &to(AGENCY)).aarsak, Some(Aarsak::IkkeStoettet));

    let mut payoff = to(OTHER_BANK);
    payoff["innfrielsesdatoer"] = json!(["2026-12-01"]);
    assert_eq!(refused(PAYOFF, &payoff).aarsak, Some(Aarsak::IkkeStoettet));

    let silent = World::with(|all| all[0].sends.clear());
    let status = refusal(&silent.take(message("agent", REQUEST, &request())));
    assert_eq!(status.aarsak, Some(Aarsak::IkkeTillatt));
}

#[test]
fn returnertil_is_honoured_for_a_participant_only() {
    let mut body = request();
    body["avsender"]["returnertil"] = json!({"id": OTHER_BANK, "foretaksnavn": "B"});
    let decision = World::new().take(message("agent", REQUEST, &body));
    assert_eq!(stored(&decision).case.reply_to.number(), OTHER_BANK);
    body["avsender"]["returnertil"]["id"] = json!(UNKNOWN);
    let status = refusal(&World::new().take(message("agent", REQUEST, &body)));
    assert_eq!(status.aarsak, Some(Aarsak::UgyldigMelding));
}

#[test]
fn a_bank_may_ask_a_bank() {
    let mut body = request();
    body["avsender"]["id"] = json!(OTHER_BANK);
    let decision = World::new().take(message("other", REQUEST, &body));
    assert_eq!(decision.disposition, Disposition::Accepted);
}

#[test]
fn an_answer_becomes_the_outcome_and_a_newer_one_replaces_it() {
    let world = World::new();
    let case = world.open();
    let first = world.reply(ANSWER, &answer(), &case);
    assert_eq!(first.disposition, Disposition::Accepted);
    let outcome = &first.deliveries[0];
    assert_eq!((outcome.to.number(), outcome.purpose), (AGENCY, Purpose::Outcome { revision: 1 }));
    assert_eq!(outcome.correlation_id, case.case.request_id);

    let case = StoredCase { case: first.change.unwrap().case, request: case.request };
    let second = world.reply(STATUS, &status_message(), &case);
    assert_eq!(second.deliveries[0].purpose, Purpose::Outcome { revision: 2 });
    assert_ne!(second.deliveries[0].id, outcome.id);
}

#[test]
fn an_answer_to_no_case_of_the_bank_goes_back() {
    let world = World::new();
    let case = world.open();
    let unknown = world.take(answering(&case, message("bank", ANSWER, &answer())));
    assert_eq!(rules(&rejection(&unknown, BANK).avvik), ["INN-029"]);
    assert_eq!(unknown.dead_letters[0].reason, DeadReason::UnknownCase);

    let uncorrelated = world.take(message("bank", ANSWER, &answer()));
    assert_eq!(rules(&rejection(&uncorrelated, BANK).avvik), ["INN-037"]);

    let mut foreign = answer();
    foreign["avsender"]["id"] = json!(OTHER_BANK);
    let incoming = answering(&case, message("other", ANSWER, &foreign));
    let found = Found { inbox: None, case: Some(case.clone()) };
    let foreign = world.decide(incoming, &found);
    let told = rejection(&foreign, OTHER_BANK);
    assert_eq!((rules(&told.avvik), told.sak), (vec!["INN-030"], None));
    assert!(foreign.change.is_none(), "the case does not hear of it");
}

#[test]
fn an_answer_of_the_wrong_type_goes_back() {
    let world = World::new();
    let case = world.open();
    let mut payoff = answer();
    payoff["laanliste"] = json!([{
        "laantakerIkkeHjemmelshaver": false, "transporterklaering": false, "laanenummer": "1",
        "kontonummer": "15640410423", "laantakereHjemmelshaver": [],
        "saldoerPerDato": [{"beloep": "1.00", "dato": "2026-12-01"}]}]);
    payoff.as_object_mut().unwrap().remove("sperretForVidereOpplaan");
    let told = rejection(&world.reply(PAYOFF_ANSWER, &payoff, &case), BANK);
    assert!(rules(&told.avvik).contains(&"INN-031"), "{:?}", told.avvik);
}

#[test]
fn a_wrong_answer_goes_back_and_the_case_stays_open() {
    let world = World::new();
    let case = world.open();
    let mut bad = answer();
    bad["laanliste"][0]["saldo"] = json!("-1");
    bad["mottaker"]["referanse"] = json!("OPPDRAG-2");
    let decision = world.reply(ANSWER, &bad, &case);
    let told = rejection(&decision, BANK);
    assert_eq!(told.sak, Some(case.case.id));
    assert!(!told.avvik.is_empty());
    assert_eq!(decision.change.unwrap().case.state, case.case.state);
    bad["laanliste"][0]["saldo"] = json!("1");
    let told = rejection(&world.reply(ANSWER, &bad, &case), BANK);
    assert_eq!(rules(&told.avvik), ["INN-023"]);
}

#[test]
fn an_answer_about_another_property_goes_back() {
    let world = World::new();
    let case = world.open();
    let mut bad = answer();
    bad["registerenheterMedDokumentreferanser"][0]["matrikkel"]["bruksnummer"] = json!(99);
    let told = rejection(&world.reply(ANSWER, &bad, &case), BANK);
    assert_eq!(rules(&told.avvik), ["INN-022"]);
}

#[test]
fn a_stranger_is_not_named_to_anybody() {
    let world = World::new();
    let case = world.open();
    let mut leak = answer();
    leak["laanliste"][0]["laantakereHjemmelshaver"] = json!(["Prøve Fiksjon", "Hemmelig Person"]);
    let decision = world.reply(ANSWER, &leak, &case);
    let told = rejection(&decision, BANK);
    assert_eq!(rules(&told.avvik), ["INN-020"]);
    let pointers: Vec<&str> = told.avvik.iter().map(|finding| finding.peker.as_str()).collect();
    assert!(pointers.contains(&"/laanliste/0/laantakereHjemmelshaver/1"), "{pointers:?}");
    for delivery in &decision.deliveries {
        assert!(!String::from_utf8_lossy(&delivery.body.json).contains("Hemmelig"));
    }
    let events = &decision.change.unwrap().events;
    assert!(events.iter().any(|one| matches!(one.event, Event::PrivacyAlert { names: 1 })));
    assert!(!format!("{events:?}").contains("Hemmelig"));
}

#[test]
fn a_payoff_to_another_banks_account_is_stopped() {
    let world = World::new();
    let case = world.open();
    let mut doubtful = answer();
    doubtful["laanliste"][0]["kontonummer"] = json!("53776020776");
    let decision = world.reply(ANSWER, &doubtful, &case);
    assert_eq!(rules(&rejection(&decision, BANK).avvik), ["INN-021"]);
    let events = &decision.change.unwrap().events;
    assert!(events.iter().any(|one| matches!(one.event, Event::PaymentAlert { .. })));

    let approved = World::with(|all| {
        all[1].approved_register_numbers.insert("5377".parse().unwrap());
    });
    let decision = approved.reply(ANSWER, &doubtful, &case);
    assert_eq!(decision.disposition, Disposition::Accepted);
}

#[test]
fn a_message_the_broker_gave_up_on_is_kept_with_its_history() {
    let world = World::new();
    let death = crate::kernel::Death {
        reason: "delivery_limit".into(),
        queue: "innfri.in.requests".into(),
        count: 1,
    };
    let incoming = Incoming { deaths: vec![death], ..message("agent", REQUEST, &request()) };
    let decision = broker_death::decide(&incoming, &world.context());
    let letter = &decision.dead_letters[0];
    assert_eq!(letter.reason, DeadReason::BrokerDeath);
    assert_eq!(letter.reference.as_deref(), Some("OPPDRAG-1"));
    let signature =
        "BROKER_DEATH/delivery_limit broker NO:918190937 no.dsve.restgjeldsforespoersel.v1";
    assert_eq!(letter.signature(), signature);
}

#[test]
fn a_request_that_cannot_be_delivered_is_answered_with_a_technical_error_once() {
    let world = World::new();
    let traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into());
    let asked = Incoming { traceparent, ..message("agent", REQUEST, &request()) };
    let opened = world.take(asked.clone());
    let case = stored(&opened);
    let failure = undelivered::Failure {
        channel: ChannelName::Amqp,
        attempts: 9,
        code: "unroutable".into(),
        detail: "no queue takes it".into(),
    };
    let delivery = &opened.deliveries[0];
    let decision = undelivered::give_up(delivery, &failure, Some(&case), &world.context());
    assert_eq!(decision.given_up, Some(delivery.id));
    assert_eq!(decision.dead_letters[0].body, delivery.body.json);
    let status: Status = serde_json::from_slice(&decision.deliveries[0].body.json).unwrap();
    assert_eq!(status.aarsak, Some(Aarsak::TekniskFeil));
    assert_eq!(decision.deliveries[0].traceparent, asked.traceparent, "in the request's trace");

    let settled = StoredCase { case: decision.change.unwrap().case, request: case.request };
    let again = undelivered::give_up(delivery, &failure, Some(&settled), &world.context());
    assert!(again.deliveries.is_empty(), "the asker is told once");
    let late = world.reply(ANSWER, &answer(), &settled);
    assert_eq!(late.deliveries[0].purpose, Purpose::Outcome { revision: 2 });
}

#[test]
fn a_stored_request_that_cannot_be_read_stops_the_answer() {
    let world = World::new();
    let mut case = world.open();
    case.request = Body { json: b"{}".to_vec(), ..case.request };
    let decision = world.reply(ANSWER, &answer(), &case);
    assert_eq!(decision.disposition, Disposition::Rejected);
}

fn promised(seconds: u64) -> World {
    World::with(|all| {
        let kind = MessageType::Restgjeldsforespoersel;
        all[1].delivery.answer_within_seconds.insert(kind, seconds);
    })
}

fn later(context: Context<'_>, seconds: i64) -> Context<'_> {
    Context { now: context.now + jiff::SignedDuration::from_secs(seconds), ..context }
}

#[test]
fn an_overdue_answer_is_told_once_and_replaced_by_a_late_one() {
    let world = promised(60);
    let case = world.open();
    let now = world.context();
    assert_eq!(overdue::answer_overdue(&case, &later(now, 59)), None);
    let decision = overdue::answer_overdue(&case, &later(now, 60)).unwrap();
    let told = &decision.deliveries[0];
    assert_eq!((decision.deliveries.len(), told.purpose), (1, Purpose::Outcome { revision: 1 }));
    let status: Status = serde_json::from_slice(&told.body.json).unwrap();
    assert_eq!(status.aarsak, Some(Aarsak::IkkeSvartITide));
    assert_eq!(Some(told.to.clone()), Some(case.case.reply_to.clone()));
    let checked = world.contract.check(MessageType::Status, &told.body.json, &now.check);
    assert!(checked.findings.is_empty());

    let change = decision.change.unwrap();
    assert_eq!(change.expected, Some(case.case.version));
    let settled = StoredCase { case: change.case, request: case.request };
    assert_eq!(overdue::answer_overdue(&settled, &later(now, 999)), None, "once");
    let late = world.reply(ANSWER, &answer(), &settled);
    assert_eq!(late.deliveries[0].purpose, Purpose::Outcome { revision: 2 });
}

#[test]
fn a_bank_that_promised_nothing_is_never_overdue() {
    let world = World::new();
    let case = world.open();
    assert_eq!(overdue::answer_overdue(&case, &later(world.context(), 999_999)), None);
    let world = promised(u64::MAX);
    assert_eq!(overdue::answer_overdue(&case, &later(world.context(), 999_999)), None);
}

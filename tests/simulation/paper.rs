//! What participants write: directory, requests, answers and statuses, in JSON as the published
//! schemas have it. Every reference and amount occurs once in a run, so that whatever arrives anywhere
//! can be traced to who wrote it.

use std::collections::BTreeSet;

use innfri::contract::MessageType;
use innfri::directory::{DeliveryPolicy, Directory, Handler, Operator, Participant, Role};
use innfri::kernel::Login;
use serde_json::{Value, json};

pub const AGENCY: &str = "926018159";
pub const OTHER_AGENCY: &str = "920579868";
pub const BANK: &str = "918190937";
pub const OTHER_BANK: &str = "903137215";
pub const BOND_COMPANY: &str = "882880729";
/// Well formed, and nobody's.
pub const UNKNOWN: &str = "910000004";

pub const PARTIES: [&str; 4] = [AGENCY, OTHER_AGENCY, BANK, OTHER_BANK];
pub const OWNERS: [&str; 3] = ["Fiksjon", "Oppdikt", "Eksempel"];
/// In no request; it may reach nobody but in the answer that the bank itself wrote.
pub const STRANGER: &str = "Hemmelig";
pub const DATE: &str = "2026-12-10";

pub const REQUEST: &str = "no.dsve.restgjeldsforespoersel.v1";
pub const PAYOFF: &str = "no.dsve.innfrielsessaldoforespoersel.v1";
pub const ANSWER: &str = "no.dsve.restgjeldssvar.v1";
pub const PAYOFF_ANSWER: &str = "no.dsve.innfrielsessaldosvar.v1";
pub const STATUS: &str = "no.dsve.status.v1";

/// The login that speaks for one party alone.
pub fn login_of(party: &str) -> &'static str {
    match party {
        AGENCY => "agent",
        OTHER_AGENCY => "other-agent",
        BANK => "bank",
        _ => "other-bank",
    }
}

pub fn other_bank(bank: &str) -> &'static str {
    if bank == BANK { OTHER_BANK } else { BANK }
}

pub fn account_of(bank: &str) -> &'static str {
    if bank == BANK { "15640410423" } else { "53776020776" }
}

pub fn directory() -> Directory {
    let participant = |id: &str, role: Role, register: Option<&str>| {
        let both = [MessageType::Restgjeldsforespoersel, MessageType::Innfrielsessaldoforespoersel];
        let receives = if role == Role::Bank { both.into() } else { BTreeSet::new() };
        Participant {
            id: id.parse().unwrap(),
            name: format!("Deltaker {id}"),
            sends: both.into(),
            receives,
            register_numbers: register.map(|number| number.parse().unwrap()).into_iter().collect(),
            approved_register_numbers: BTreeSet::new(),
            handler: Handler::Amqp,
            receipts: id == OTHER_AGENCY,
            delivery: DeliveryPolicy::default(),
            role,
        }
    };
    let bond = Role::CoveredBondCompany { parent: BANK.parse().unwrap() };
    let participants = vec![
        participant(AGENCY, Role::EstateAgency, None),
        participant(OTHER_AGENCY, Role::EstateAgency, None),
        participant(BANK, Role::Bank, Some("1564")),
        participant(OTHER_BANK, Role::Bank, Some("5377")),
        participant(BOND_COMPANY, bond, None),
    ];
    let operator = |login: &str, parties: &[&str]| Operator {
        login: Login::new(login),
        name: login.to_owned(),
        speaks_for: parties.iter().map(|party| party.parse().unwrap()).collect(),
        organisation: None,
    };
    let mut operators: Vec<Operator> =
        PARTIES.iter().map(|party| operator(login_of(party), &[party])).collect();
    operators.push(operator("centre", &[BANK, OTHER_BANK]));
    Directory::new(participants, operators).unwrap()
}

pub fn bytes(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).unwrap()
}

pub fn reference(number: u64) -> String {
    format!("OPPDRAG-{number}")
}

fn property(number: u64) -> Value {
    json!({"kommunenavn": "Testvik", "kommunenummer": "9901", "gaardsnummer": 12,
           "bruksnummer": number + 1, "eiendomsnivaa": "E"})
}

/// Question `number`.
pub fn request(number: u64, from: &str, to: &str, owner: &str, payoff: bool) -> Value {
    let mut body = json!({
        "avsender": {"id": from, "foretaksnavn": "Spør AS",
            "kontaktperson": {"navn": "Meglerkontakt"}, "referanse": reference(number)},
        "mottaker": {"id": to, "foretaksnavn": "Svar Bank"},
        "registerenheterMedHjemmelshavere": [{
            "matrikkel": property(number),
            "hjemmelshavere": [
                {"person": {"id": "23904430552", "fornavn": "Prøve", "etternavn": owner}}]
        }]
    });
    if payoff {
        body["innfrielsesdatoer"] = json!([DATE]);
    }
    body
}

/// The answer to question `number`; `amount` tells it from every other.
pub fn answer(
    number: u64,
    bank: &str,
    asker: &str,
    owner: &str,
    payoff: bool,
    amount: u64,
) -> Value {
    let mut body = json!({
        "avsender": {"id": bank, "foretaksnavn": "Svar Bank",
            "kontaktperson": {"navn": "Bankkontakt"}, "referanse": format!("LAAN-{amount}")},
        "mottaker": {"id": asker, "foretaksnavn": "Spør AS", "referanse": reference(number)},
        "registerenheterMedDokumentreferanser": [{
            "matrikkel": property(number), "pantedokumentreferanser": []}],
        "panterettSlettesVedInnfrielse": true,
        "laanliste": [{
            "laantakerIkkeHjemmelshaver": false, "transporterklaering": false,
            "laanenummer": "9001", "kontonummer": account_of(bank),
            "laantakereHjemmelshaver": [format!("Prøve {owner}")]
        }]
    });
    let loan = &mut body["laanliste"][0];
    let money = format!("{amount}.20");
    if payoff {
        loan["saldoerPerDato"] = json!([{"beloep": money, "dato": DATE}]);
    } else {
        for word in ["rammelaan", "fastrente", "realkausjon"] {
            loan[word] = json!(false);
        }
        loan["saldo"] = json!(money);
        body["sperretForVidereOpplaan"] = json!(true);
    }
    body
}

/// A status on question `number`; `amount` tells it from every other.
pub fn status(number: u64, bank: &str, asker: &str, code: &str, amount: u64) -> Value {
    let mut body = json!({
        "avsender": {"id": bank}, "mottaker": {"id": asker, "referanse": reference(number)},
        "statuskode": code, "tekst": format!("Se beskjed {amount} fra banken.")});
    if code == "FEIL" {
        body["aarsak"] = json!("FEIL_PANTHAVER");
    }
    body
}

//! Messages that the tests send: one agency, one bank, numbers from the synthetic sets.

use serde_json::{Value, json};

pub const AGENCY: &str = "926018159";
pub const BANK: &str = "918190937";
pub const RESTGJELD: &str = "no.dsve.restgjeldsforespoersel.v1";
pub const RESTGJELD_ANSWER: &str = "no.dsve.restgjeldssvar.v1";
pub const INNFRIELSE: &str = "no.dsve.innfrielsessaldoforespoersel.v1";
pub const INNFRIELSE_ANSWER: &str = "no.dsve.innfrielsessaldosvar.v1";
pub const STATUS: &str = "no.dsve.status.v1";
pub const REJECTION: &str = "innfri.rejection.v1";

/// A message id that is the same in every run.
pub fn message_id(number: u32) -> String {
    uuid::Uuid::from_u128(0x1111_2222_3333_4444_8555_6666_0000_0000 + u128::from(number))
        .to_string()
}

fn property(number: u32) -> Value {
    json!({"kommunenavn": "Testvik", "kommunenummer": "9901", "gaardsnummer": 12,
           "bruksnummer": number + 1, "eiendomsnivaa": "E"})
}

pub fn reference(number: u32) -> String {
    format!("OPPDRAG-{number}")
}

/// What is owed on property `number`?
pub fn restgjeld(number: u32) -> Value {
    json!({
        "avsender": {"id": AGENCY, "foretaksnavn": "Eksempel Eiendomsmegling",
            "kontaktperson": {"navn": "Meglerkontakt"}, "referanse": reference(number)},
        "mottaker": {"id": BANK, "foretaksnavn": "Testvik Sparebank"},
        "registerenheterMedHjemmelshavere": [{
            "matrikkel": property(number),
            "hjemmelshavere": [
                {"person": {"id": "23904430552", "fornavn": "Prøve", "etternavn": "Fiksjon"}}]
        }]
    })
}

/// What pays off the loans on property `number` on `date`?
pub fn innfrielse(number: u32, date: &str) -> Value {
    let mut body = restgjeld(number);
    body["innfrielsesdatoer"] = json!([date]);
    body
}

fn parties(number: u32) -> Value {
    json!({
        "avsender": {"id": BANK, "foretaksnavn": "Testvik Sparebank",
            "kontaktperson": {"navn": "Bankkontakt"}, "referanse": format!("LAAN-{number}")},
        "mottaker": {"id": AGENCY, "foretaksnavn": "Eksempel Eiendomsmegling",
            "referanse": reference(number)},
        "registerenheterMedDokumentreferanser": [{
            "matrikkel": property(number), "pantedokumentreferanser": []}],
        "panterettSlettesVedInnfrielse": true
    })
}

/// The answer to [`restgjeld`].
pub fn restgjeld_answer(number: u32, saldo: &str) -> Value {
    let mut body = parties(number);
    body["sperretForVidereOpplaan"] = json!(true);
    body["laanliste"] = json!([{
        "rammelaan": false, "fastrente": false, "realkausjon": false,
        "laantakerIkkeHjemmelshaver": false, "transporterklaering": false,
        "laanenummer": format!("9{number}"), "kontonummer": "15640410423", "saldo": saldo,
        "laantakereHjemmelshaver": ["Prøve Fiksjon"]
    }]);
    body
}

/// The answer to [`innfrielse`].
pub fn innfrielse_answer(number: u32, date: &str, beloep: &str) -> Value {
    let mut body = parties(number);
    body["laanliste"] = json!([{
        "laantakerIkkeHjemmelshaver": false, "transporterklaering": false,
        "laanenummer": format!("9{number}"), "kontonummer": "15640410423",
        "saldoerPerDato": [{"beloep": beloep, "dato": date}],
        "laantakereHjemmelshaver": []
    }]);
    body
}

/// A status on either.
pub fn status(number: u32, code: &str) -> Value {
    let mut body = json!({
        "avsender": {"id": BANK}, "mottaker": {"id": AGENCY, "referanse": reference(number)},
        "statuskode": code, "tekst": "Se egen beskjed fra banken."});
    if code == "FEIL" {
        body["aarsak"] = json!("FEIL_PANTHAVER");
    }
    body
}

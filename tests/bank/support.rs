//! Books and requests for the tests of the built-in bank.

use std::path::{Path, PathBuf};

use innfri::bank::{BuiltInBank, LoanBook};
use innfri::contract::Request;
use jiff::civil::Date;
use serde_json::{Value, json};

pub fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

pub fn bank(book: &str) -> BuiltInBank {
    BuiltInBank::new(LoanBook::load(&examples().join(book)).unwrap())
}

/// The demo's request whose file begins so, with the bytes it is sent as.
pub fn demo_request(start: &str) -> Request {
    typed(&demo_file(start).0, &std::fs::read(demo_file(start).1).unwrap())
}

/// Name and path of the demo's request whose file begins so.
pub fn demo_file(start: &str) -> (String, PathBuf) {
    let named = std::fs::read_dir(examples().join("demo/requests")).unwrap().map(|entry| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), entry.path())
    });
    let mut found: Vec<_> = named.filter(|(name, _)| name.starts_with(start)).collect();
    assert_eq!(found.len(), 1, "{start}");
    found.remove(0)
}

fn typed(name: &str, json: &[u8]) -> Request {
    if name.contains("restgjeldsforespoersel") {
        Request::Restgjeld(serde_json::from_slice(json).unwrap())
    } else {
        Request::Innfrielsessaldo(serde_json::from_slice(json).unwrap())
    }
}

/// A whole property of the example municipality.
pub fn matrikkel(gaardsnummer: u32, bruksnummer: u32) -> Value {
    json!({"matrikkel": {"kommunenavn": "Testvik", "kommunenummer": "9901",
        "gaardsnummer": gaardsnummer, "bruksnummer": bruksnummer, "eiendomsnivaa": "E"}})
}

/// A share of the example cooperative.
pub fn share(andelsnummer: u32) -> Value {
    json!({"borettsandel": {"organisasjonsnummer": "939336338",
        "borettslagnavn": "Testlia borettslag", "andelsnummer": andelsnummer}})
}

/// A property with persons as owners, named after their place in the list.
pub fn owner(property: Value, national_ids: &[&str]) -> Value {
    let owners: Vec<Value> = national_ids
        .iter()
        .enumerate()
        .map(|(place, id)| {
            json!({"person": {"id": id, "fornavn": format!("Nummer{place}"),
                "etternavn": "Nordmann"}})
        })
        .collect();
    let mut unit = property;
    unit["hjemmelshavere"] = Value::Array(owners);
    unit
}

fn message(units: Value) -> Value {
    json!({
        "avsender": {"id": "926018159", "foretaksnavn": "Eksempel Eiendomsmegling",
            "kontaktperson": {"navn": "Mona Megler"}, "referanse": "M-1"},
        "mottaker": {"id": "918190937", "foretaksnavn": "Testvik Sparebank"},
        "registerenheterMedHjemmelshavere": units,
    })
}

pub fn restgjeld(units: Value) -> Request {
    Request::Restgjeld(serde_json::from_value(message(units)).unwrap())
}

pub fn innfrielse(units: Value, dates: &[Date]) -> Request {
    let mut message = message(units);
    message["innfrielsesdatoer"] = json!(dates);
    Request::Innfrielsessaldo(serde_json::from_value(message).unwrap())
}

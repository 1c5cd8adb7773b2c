//! What the tool writes as the other side: requests, answers and statuses, all invented.

use jiff::civil::Date;
use serde_json::{Value, json};

use crate::contract::MessageType;
use crate::contract::example::examples_of;
use crate::directory::Participant;
use crate::kernel::AccountNumber;

/// Days from today to the payoff date that is asked for.
const PAYOFF_IN_DAYS: i64 = 7;

/// A request from `asker` to `bank`, made from a template: a request of that type, whose parties and
/// dates are replaced. Without one, the plainest example is taken.
pub fn request(
    kind: MessageType,
    template: Option<&Value>,
    (asker, bank): (&Participant, &Participant),
    reference: &str,
    today: Date,
) -> Value {
    let example = || {
        let example = examples_of(kind).next().map_or("{}", |example| example.json);
        serde_json::from_str(example).unwrap_or_default()
    };
    let mut body = template.cloned().unwrap_or_else(example);
    let contact = json!({"navn": "Samsvarstest"});
    set(
        &mut body,
        "avsender",
        json!({
            "id": asker.id.number(), "foretaksnavn": asker.name, "kontaktperson": contact,
            "referanse": reference,
        }),
    );
    set(&mut body, "mottaker", json!({"id": bank.id.number(), "foretaksnavn": bank.name}));
    if kind == MessageType::Innfrielsessaldoforespoersel {
        let date = today.saturating_add(jiff::Span::new().days(PAYOFF_IN_DAYS));
        set(&mut body, "innfrielsesdatoer", json!([date.to_string()]));
    }
    body
}

/// The answer with amounts to a request; `None` when the request has no answering type, or the bank
/// no register number.
pub fn answer(
    kind: MessageType,
    request: &Value,
    bank: &Participant,
) -> Option<(MessageType, Value)> {
    let answering = kind.answered_by()?;
    let asker = request.get("avsender")?;
    let mut loan = json!({
        "laantakerIkkeHjemmelshaver": true, "transporterklaering": false,
        "laanenummer": "CNF-1", "kontonummer": account(bank)?.as_str(),
        "laantakereHjemmelshaver": [],
    });
    let mut body = json!({
        "avsender": {"id": bank.id.number(), "foretaksnavn": bank.name,
            "kontaktperson": {"navn": "Samsvarstest"}, "referanse": "CNF"},
        "mottaker": {"id": asker.get("id")?, "foretaksnavn": asker.get("foretaksnavn")?,
            "referanse": asker.get("referanse")?},
        "registerenheterMedDokumentreferanser": units(request)?,
        "panterettSlettesVedInnfrielse": true,
    });
    if kind == MessageType::Innfrielsessaldoforespoersel {
        let dates = request.get("innfrielsesdatoer")?.as_array()?;
        let saldoer: Vec<Value> =
            dates.iter().map(|date| json!({"beloep": "1234567.00", "dato": date})).collect();
        set(&mut loan, "saldoerPerDato", Value::Array(saldoer));
    } else {
        for flag in ["rammelaan", "fastrente", "realkausjon"] {
            set(&mut loan, flag, json!(false));
        }
        set(&mut loan, "saldo", json!("1234567.00"));
        set(&mut body, "sperretForVidereOpplaan", json!(true));
    }
    set(&mut body, "laanliste", json!([loan]));
    Some((answering, body))
}

/// A status to a request.
pub fn status(request: &Value, bank: &Participant, code: &str, aarsak: Option<&str>) -> Value {
    let asker = request.get("avsender");
    let of = |key: &str| asker.and_then(|asker| asker.get(key)).cloned().unwrap_or_default();
    let mut body = json!({
        "avsender": {"id": bank.id.number()},
        "mottaker": {"id": of("id"), "referanse": of("referanse")},
        "statuskode": code,
        "tekst": "Svar fra samsvarstesten. Banken er ikke spurt.",
    });
    if let Some(aarsak) = aarsak {
        set(&mut body, "aarsak", json!(aarsak));
    }
    body
}

/// The properties as an answer lists them: without owners, with no documents.
fn units(request: &Value) -> Option<Vec<Value>> {
    let units = request.get("registerenheterMedHjemmelshavere")?.as_array()?;
    let told = |unit: &Value| {
        let mut unit = unit.clone();
        if let Value::Object(fields) = &mut unit {
            fields.remove("hjemmelshavere");
        }
        set(&mut unit, "pantedokumentreferanser", json!([]));
        unit
    };
    Some(units.iter().map(told).collect())
}

/// An account of this bank with a right check digit.
fn account(bank: &Participant) -> Option<AccountNumber> {
    let register = bank.register_numbers.first()?;
    (1..100).find_map(|number: u32| {
        let account: AccountNumber = format!("{register}{number:07}").parse().ok()?;
        account.has_valid_check_digit().then_some(account)
    })
}

fn set(body: &mut Value, key: &str, value: Value) {
    if let Value::Object(fields) = body {
        fields.insert(key.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::contract::{Body, Message, read_request};
    use crate::source::file;

    fn parties() -> (Arc<Participant>, Arc<Participant>) {
        let text = include_str!("../../examples/tour/directory.toml");
        let directory = file::parse(text, Path::new("directory.toml")).unwrap();
        let of = |id: &str| Arc::clone(directory.participant(&id.parse().unwrap()).unwrap());
        (of("926018159"), of("918190937"))
    }

    #[test]
    fn what_the_tool_writes_has_no_findings() {
        let (asker, bank) = parties();
        let today: Date = "2026-11-21".parse().unwrap();
        for kind in [MessageType::Restgjeldsforespoersel, MessageType::Innfrielsessaldoforespoersel]
        {
            let asked = request(kind, None, (&asker, &bank), "CNF-1", today);
            let json = serde_json::to_vec(&asked).unwrap();
            read_request(&Body { message_type: kind, json }).unwrap();
            let (answering, answer) = answer(kind, &asked, &bank).unwrap();
            assert_eq!(Some(answering), kind.answered_by());
            let json = serde_json::to_vec(&answer).unwrap();
            let read = crate::contract::read_message(&Body { message_type: answering, json });
            assert!(matches!(read, Ok(Message::Answer(_))));
            let status = status(&asked, &bank, "FEIL", Some("TEKNISK_FEIL"));
            let json = serde_json::to_vec(&status).unwrap();
            let read =
                crate::contract::read_message(&Body { message_type: MessageType::Status, json });
            assert!(matches!(read, Ok(Message::Status(_))));
        }
    }
}

//! What holds for any request, whatever it asks.

use std::collections::BTreeSet;

use innfri::bank::interest::payoff;
use innfri::bank::statement::Statement;
use innfri::contract::{Answer, MessageType, Request};
use innfri::kernel::MessageId;
use innfri::market::no::innfrielsessaldo::Innfrielsessaldosvar;
use innfri::market::no::part::Hjemmelshaver;
use innfri::market::no::restgjeld::Restgjeldssvar;
use innfri::market::no::status::Status;
use jiff::civil::Date;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::support::{bank, innfrielse, matrikkel, restgjeld, share};

const BOOK: &str = "loan-books/testvik.toml";

/// Borrowers of the book who own nothing.
const NEVER_NAMED: [&str; 2] = ["Sønn Utenpart", "Mellomspill AS"];

/// Any day of the calendar, most of them near the book's.
fn any_date() -> impl Strategy<Value = Date> {
    let near = (2024_i16..2032, 1_i8..=12, 1_i8..=31);
    let far = (-9999_i16..=9999, 1_i8..=12, 1_i8..=31);
    prop_oneof![9 => near, 1 => far]
        .prop_filter_map("no such day", |(year, month, day)| Date::new(year, month, day).ok())
}

/// A property: of the book, or beside it.
fn any_property() -> impl Strategy<Value = Value> {
    let house = (
        prop::sample::select(vec![12_u32, 20, 30, 31, 32, 77, 0, u32::MAX]),
        prop::sample::select(vec![1_u32, 2, 34]),
    );
    let flat = prop::sample::select(vec!["H0302", "", "æ"]).prop_map(|number| {
        json!({"aksjeleilighet": {"organisasjonsnummer": "920579868", "organisasjonsnavn": "",
            "leilighetsnummer": number, "aksjeinformasjon": {}}})
    });
    prop_oneof![
        4 => house.prop_map(|(farm, title)| matrikkel(farm, title)),
        1 => prop::sample::select(vec![17_u32, 18]).prop_map(share),
        1 => flat,
    ]
}

/// An owner: of the book or not, under any name, the names of the book's borrowers among them.
fn any_owner() -> impl Strategy<Value = Value> {
    let ids = vec![
        "23904430552",
        "20821197423",
        "18910150355",
        "15839326561",
        "10879952447",
        "01926611530",
        "43846966235",
        "62829656812",
        "50893623113",
    ];
    let family = prop_oneof![".{0,12}", Just("Nordmann".to_owned()), Just("Solgt".to_owned())];
    let person = (prop::sample::select(ids), "[A-ZÆØÅ]?[a-zæøå]{0,8}", family).prop_map(
        |(id, first, family)| json!({"person": {"id": id, "fornavn": first, "etternavn": family}}),
    );
    let organisation = prop::sample::select(vec!["903137215", "926018159"])
        .prop_map(|id| json!({"organisasjon": {"id": id, "foretaksnavn": "Utleie"}}));
    prop_oneof![5 => person, 1 => organisation]
}

fn any_units() -> impl Strategy<Value = Value> {
    let unit = (any_property(), prop::collection::vec(any_owner(), 0..4)).prop_map(
        |(mut unit, owners)| {
            unit["hjemmelshavere"] = Value::Array(owners);
            unit
        },
    );
    prop::collection::vec(unit, 0..4).prop_map(Value::Array)
}

fn any_request() -> impl Strategy<Value = Request> {
    let dates = prop::collection::vec(any_date(), 0..5);
    prop_oneof![
        any_units().prop_map(restgjeld),
        (any_units(), dates).prop_map(|(units, dates)| innfrielse(units, &dates)),
    ]
}

fn owners_of(request: &Request) -> BTreeSet<String> {
    let name = |owner: &Hjemmelshaver| match owner {
        Hjemmelshaver::Person(person) => format!("{} {}", person.fornavn, person.etternavn),
        Hjemmelshaver::Organisasjon(organisation) => organisation.foretaksnavn.clone(),
    };
    request.registerenheter().iter().flat_map(|unit| &unit.hjemmelshavere).map(name).collect()
}

proptest! {
    #[test]
    fn any_request_gets_a_reply_that_the_typed_model_takes(
        request in any_request(),
        id in any::<u128>(),
        today in any_date(),
    ) {
        let reply = bank(BOOK).answer(&request, MessageId::from_uuid(Uuid::from_u128(id)), today);
        let read = match reply.message_type {
            MessageType::Restgjeldssvar => {
                serde_json::from_slice::<Restgjeldssvar>(&reply.body).map(|_| ())
            }
            MessageType::Innfrielsessaldosvar => {
                serde_json::from_slice::<Innfrielsessaldosvar>(&reply.body).map(|_| ())
            }
            MessageType::Status => serde_json::from_slice::<Status>(&reply.body).map(|_| ()),
            other => panic!("{other}"),
        };
        prop_assert!(read.is_ok(), "{:?}", read);
    }

    #[test]
    fn nobody_is_named_but_the_owners_asked_about(request in any_request(), today in any_date()) {
        let owners = owners_of(&request);
        match bank(BOOK).statement(&request, today) {
            Statement::Answer(answer) => {
                for payment in answer.betalinger() {
                    for name in payment.laantakere_hjemmelshaver {
                        prop_assert!(owners.contains(name), "a name that was not asked about");
                        prop_assert!(!NEVER_NAMED.contains(&name.as_str()));
                    }
                }
            }
            Statement::Status(status) => {
                for name in NEVER_NAMED {
                    prop_assert!(!status.tekst.contains(name));
                }
            }
        }
    }

    #[test]
    fn an_answer_is_about_properties_and_dates_that_were_asked_about(
        request in any_request(),
        today in any_date(),
    ) {
        let Statement::Answer(answer) = bank(BOOK).statement(&request, today) else {
            return Ok(());
        };
        prop_assert!(!answer.registerenheter().is_empty());
        for told in answer.registerenheter() {
            prop_assert!(
                request.registerenheter().iter().any(|unit| unit.registerenhet == told.registerenhet)
            );
        }
        match (answer.as_ref(), &request) {
            (Answer::Restgjeld(answer), Request::Restgjeld(_)) => {
                prop_assert!(!answer.laanliste.is_empty());
                for loan in &answer.laanliste {
                    prop_assert!(loan.oevre_grense_rammelaan.is_none_or(|limit| limit >= loan.saldo));
                }
            }
            (Answer::Innfrielsessaldo(answer), Request::Innfrielsessaldo(request)) => {
                prop_assert!(!answer.laanliste.is_empty());
                for saldo in answer.laanliste.iter().flat_map(|loan| &loan.saldoer_per_dato) {
                    prop_assert!(request.innfrielsesdatoer.contains(&saldo.dato));
                }
            }
            (Answer::Restgjeld(_), Request::Innfrielsessaldo(_))
            | (Answer::Innfrielsessaldo(_), Request::Restgjeld(_)) => panic!("the other answer"),
        }
    }

    #[test]
    fn a_payoff_never_falls_with_time_nor_below_balance_and_fees(
        one in any_date(),
        other in any_date(),
    ) {
        let (early, late) = (one.min(other), one.max(other));
        for loan in bank(BOOK).book().loans() {
            let least = loan.balance.value() + loan.fees.payoff.value()
                + loan.fees.termination.value();
            let (first, second) = (payoff(loan, early).unwrap(), payoff(loan, late).unwrap());
            prop_assert!(least <= first.value() && first <= second);
        }
    }
}

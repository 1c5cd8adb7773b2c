//! The built-in bank as a whole: what it says to requests, over the example books.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops at what it did not expect"
)]

#[path = "bank/handler.rs"]
mod handler;
#[path = "bank/property.rs"]
mod property;
#[path = "bank/support.rs"]
mod support;

use innfri::contract::{Answer, MessageType, Request};
use innfri::kernel::MessageId;
use innfri::market::no::innfrielsessaldo::{Innfrielseslaan, Innfrielsessaldosvar};
use innfri::market::no::restgjeld::Restgjeldssvar;
use innfri::market::no::status::{Aarsak, Status, Statuskode};
use jiff::civil::{Date, date};
use rstest::rstest;
use serde_json::json;
use support::{bank, demo_request, innfrielse, matrikkel, owner, restgjeld, share};

/// The day on which the requests of these tests are asked.
const TODAY: Date = date(2026, 11, 21);

/// The richest of the example books.
const BOOK: &str = "loan-books/testvik.toml";

fn answer(book: &str, request: &Request) -> Answer {
    let reply = bank(book).answer(request, request_id(), TODAY);
    match reply.message_type {
        MessageType::Restgjeldssvar => {
            Answer::Restgjeld(serde_json::from_slice(&reply.body).unwrap())
        }
        MessageType::Innfrielsessaldosvar => {
            Answer::Innfrielsessaldo(serde_json::from_slice(&reply.body).unwrap())
        }
        other => panic!("{other}: {}", String::from_utf8(reply.body).unwrap()),
    }
}

fn restgjeldssvar(book: &str, request: &Request) -> Restgjeldssvar {
    match answer(book, request) {
        Answer::Restgjeld(answer) => answer,
        Answer::Innfrielsessaldo(_) => panic!("not a restgjeldssvar"),
    }
}

fn innfrielsessaldosvar(book: &str, request: &Request) -> Innfrielsessaldosvar {
    match answer(book, request) {
        Answer::Innfrielsessaldo(answer) => answer,
        Answer::Restgjeld(_) => panic!("not an innfrielsessaldosvar"),
    }
}

fn status(book: &str, request: &Request) -> Status {
    let reply = bank(book).answer(request, request_id(), TODAY);
    assert_eq!(reply.message_type, MessageType::Status, "{:?}", String::from_utf8(reply.body));
    serde_json::from_slice(&reply.body).unwrap()
}

fn request_id() -> MessageId {
    "0b1d1d7e-5c1f-4a6e-9d0b-3f6a1e2c4b5d".parse().unwrap()
}

/// Dates and amounts of each loan, as `2026-12-01 1909100.00`.
fn amounts(answer: &Innfrielsessaldosvar) -> Vec<Vec<String>> {
    let of_loan = |loan: &Innfrielseslaan| {
        loan.saldoer_per_dato
            .iter()
            .map(|saldo| format!("{} {}", saldo.dato, saldo.beloep))
            .collect()
    };
    answer.laanliste.iter().map(of_loan).collect()
}

#[test]
fn restgjeld_lists_the_loans_without_interest() {
    let answer = restgjeldssvar("demo/testvik.toml", &demo_request("01-"));
    let [plain, rammelaan] = answer.laanliste.as_slice() else { panic!("two loans") };
    assert_eq!(plain.saldo.to_string(), "1825000.00");
    assert_eq!((plain.rammelaan, plain.oevre_grense_rammelaan), (false, None));
    assert_eq!(plain.kidnummer.as_ref().unwrap().as_str(), "0531956759934");
    assert_eq!(plain.laantakere_hjemmelshaver, ["Kari Nordmann", "Ola Nordmann"]);
    assert!(!plain.laantaker_ikke_hjemmelshaver && !plain.fastrente && !plain.realkausjon);
    // The unused credit is closed: the limit is what is used, not the 1 000 000 agreed.
    assert_eq!(rammelaan.saldo.to_string(), "700000.00");
    assert_eq!(rammelaan.oevre_grense_rammelaan.unwrap().to_string(), "700000.00");
    assert_eq!(rammelaan.laantakere_hjemmelshaver, ["Kari Nordmann"]);
    assert!(rammelaan.rammelaan && rammelaan.laantaker_ikke_hjemmelshaver);
    assert!(answer.sperret_for_videre_opplaan && answer.panterett_slettes_ved_innfrielse);
    // Both loans share one mortgage document; it is listed once.
    let [unit] = answer.registerenheter_med_dokumentreferanser.as_slice() else { panic!("one") };
    assert_eq!(unit.pantedokumentreferanser.len(), 1);
}

#[test]
fn an_answer_says_who_answers_whom_about_what() {
    let request = demo_request("01-");
    let answer = restgjeldssvar("demo/testvik.toml", &request);
    assert_eq!(answer.avsender.id, request.mottaker().id);
    assert_eq!(answer.avsender.referanse, "15641000001+1");
    assert_eq!(
        answer.avsender.kontaktperson.unwrap().epost.unwrap(),
        "innfrielser@testvik.example"
    );
    assert_eq!(answer.mottaker.id, request.avsender().id);
    assert_eq!(answer.mottaker.referanse.as_deref(), Some("DEMO-01"));
    let [asked] = request.registerenheter() else { panic!("one") };
    let [told] = answer.registerenheter_med_dokumentreferanser.as_slice() else { panic!("one") };
    assert_eq!(told.registerenhet, asked.registerenhet);
}

#[test]
fn a_framework_loan_that_stays_open_tells_its_agreed_limit() {
    let request = restgjeld(json!([owner(share(17), &["18910150355"])]));
    let answer = restgjeldssvar(BOOK, &request);
    let [loan] = answer.laanliste.as_slice() else { panic!("one loan") };
    assert_eq!(loan.saldo.to_string(), "700000.00");
    assert_eq!(loan.oevre_grense_rammelaan.unwrap().to_string(), "1000000.00");
    assert!(answer.sperret_for_videre_opplaan);
}

#[test]
fn payoff_amounts_hold_debt_interest_and_fees_on_each_date() {
    let answer = innfrielsessaldosvar("demo/testvik.toml", &demo_request("02-"));
    // 1 825 000 at 5 % by actual days: 91 250 / 365 = 250.00 a day.
    //   1 Dec: 334 days (365 less 31 of December) × 250 = 83 500; + 600 fee = 1 909 100.
    //  15 Dec: 348 days × 250 = 87 000; + 600 = 1 912 600.
    // 700 000 at 6.12 % by 30/360: 42 840 / 360 = 119.00 a day; fees 600 + 250.
    //   1 Dec: 11 × 30 = 330 days × 119 = 39 270; + 850 = 740 120.
    //  15 Dec: 344 days × 119 = 40 936; + 850 = 741 786.
    let wanted = [
        ["2026-12-01 1909100.00", "2026-12-15 1912600.00"],
        ["2026-12-01 740120.00", "2026-12-15 741786.00"],
    ];
    assert_eq!(amounts(&answer), wanted);
    let message = answer.laanliste.last().unwrap().betalingsmelding.as_deref();
    assert_eq!(message, Some("Innfrielse 15641000002"));
}

#[test]
fn a_bank_is_answered_like_an_agent() {
    let answer = innfrielsessaldosvar("demo/testvik.toml", &demo_request("03-"));
    assert_eq!(answer.mottaker.id.to_string(), "NO:903137215");
    // 1 460 000 at 5.25 %: 76 650 / 365 = 210.00 a day × 334 days = 70 140; + 600 = 1 530 740.
    assert_eq!(amounts(&answer), [["2026-12-01 1530740.00"]]);
}

#[rstest]
#[case("testvik", "04-", Statuskode::LaanNedbetalt, None, "pantet er ennå ikke slettet")]
#[case("fjordproven", "05-", Statuskode::LaanSolgt, None, "overført til Testvik Sparebank")]
#[case("fjordproven", "06-", Statuskode::SvarerIEpost, None, "manuelt")]
#[case("testvik", "07-", Statuskode::SvarerIEpost, None, "fast rente")]
#[case("fjordproven", "08-", Statuskode::Feil, Some(Aarsak::FeilPanthaver), "ikke pant")]
fn where_no_amounts_can_be_told_a_status_says_why(
    #[case] book: &str,
    #[case] request: &str,
    #[case] code: Statuskode,
    #[case] reason: Option<Aarsak>,
    #[case] text: &str,
) {
    let request = demo_request(request);
    let status = status(&format!("demo/{book}.toml"), &request);
    assert_eq!((status.statuskode, status.aarsak), (code, reason));
    assert!(status.tekst.contains(text), "{}", status.tekst);
    assert_eq!(status.avsender.unwrap().id, request.mottaker().id);
    let asker = status.mottaker.unwrap();
    assert_eq!(asker.id, request.avsender().id);
    assert_eq!(asker.referanse.as_ref(), Some(&request.avsender().referanse));
}

#[test]
fn each_kind_of_loan_in_the_example_book_has_its_status() {
    let cases = [
        (30, "01926611530", Statuskode::LaanNedbetalt),
        (31, "43846966235", Statuskode::LaanSolgt),
        (32, "62829656812", Statuskode::SvarerIEpost),
    ];
    for (farm, id, code) in cases {
        let units = json!([owner(matrikkel(farm, 1), &[id])]);
        assert_eq!(status(BOOK, &restgjeld(units.clone())).statuskode, code);
        assert_eq!(status(BOOK, &innfrielse(units, &[TODAY])).statuskode, code);
    }
}

#[test]
fn a_sold_loan_beside_an_open_one_is_answered_by_hand_and_a_repaid_one_is_left_out() {
    let house = || owner(matrikkel(12, 34), &["23904430552"]);
    let sold = owner(matrikkel(31, 1), &["43846966235"]);
    let mixed = status(BOOK, &restgjeld(json!([house(), sold])));
    assert_eq!(mixed.statuskode, Statuskode::SvarerIEpost);
    let repaid = owner(matrikkel(30, 1), &["01926611530"]);
    let answer = restgjeldssvar(BOOK, &restgjeld(json!([house(), repaid])));
    let numbers: Vec<&str> =
        answer.laanliste.iter().map(|loan| loan.laanenummer.as_str()).collect();
    assert_eq!(numbers, ["15641000001", "15641000002"]);
}

#[test]
fn the_demos_dishonest_book_gives_the_answers_that_the_guards_must_stop() {
    let answer = restgjeldssvar("demo/uerlig.toml", &demo_request("09-"));
    let [loan] = answer.laanliste.as_slice() else { panic!("one loan") };
    assert_eq!(loan.laantakere_hjemmelshaver, ["Anne Eksempel", "Bjørn Utenpart"]);
    let answer = innfrielsessaldosvar("demo/uerlig.toml", &demo_request("10-"));
    let [loan] = answer.laanliste.as_slice() else { panic!("one loan") };
    assert_eq!(loan.kontonummer.register_number().as_str(), "0222");
    assert!(loan.kontonummer.has_valid_check_digit());
}

#[test]
fn a_known_property_with_unknown_owners_is_an_unknown_pledgor() {
    let request = restgjeld(json!([owner(matrikkel(12, 34), &["50893623113"])]));
    let status = status(BOOK, &request);
    assert_eq!(status.aarsak, Some(Aarsak::UkjentPantsetter));
    assert_eq!(status.avsender.unwrap().referanse, None, "no loan is told of");
}

#[test]
fn one_property_with_unknown_owners_refuses_the_whole_request() {
    let good = owner(matrikkel(12, 34), &["23904430552"]);
    let wrong = owner(matrikkel(20, 1), &["23904430552"]);
    let status = status(BOOK, &restgjeld(json!([good, wrong])));
    assert_eq!(status.aarsak, Some(Aarsak::UkjentPantsetter));
}

#[test]
fn properties_without_a_lien_are_left_out_of_the_answer() {
    let units = json!([
        owner(matrikkel(99, 99), &["23904430552"]),
        owner(matrikkel(12, 34), &["23904430552"])
    ]);
    let answer = restgjeldssvar(BOOK, &restgjeld(units));
    assert_eq!(answer.registerenheter_med_dokumentreferanser.len(), 1);
    assert_eq!(answer.laanliste.len(), 2);
}

#[test]
fn a_loan_on_two_properties_is_listed_once_with_both() {
    let leasehold = json!({"matrikkel": {"kommunenavn": "Testvik", "kommunenummer": "9901",
        "gaardsnummer": 20, "bruksnummer": 2, "festenummer": 3, "eiendomsnivaa": "F"}});
    let units =
        json!([owner(matrikkel(20, 1), &["10879952447"]), owner(leasehold, &["10879952447"])]);
    let answer = restgjeldssvar(BOOK, &restgjeld(units));
    assert_eq!(answer.laanliste.len(), 1);
    let rights: Vec<u32> = answer
        .registerenheter_med_dokumentreferanser
        .iter()
        .flat_map(|unit| &unit.pantedokumentreferanser)
        .map(|document| document.rettsstiftelsesnummer)
        .collect();
    assert_eq!(rights, [1, 2]);
}

#[test]
fn names_are_told_as_the_request_writes_them() {
    let mut unit = owner(matrikkel(12, 34), &["23904430552"]);
    *unit.pointer_mut("/hjemmelshavere/0/person/fornavn").unwrap() = json!("KARI ANNE");
    let answer = restgjeldssvar(BOOK, &restgjeld(json!([unit])));
    let plain = answer.laanliste.first().unwrap();
    // Ola owns the house too but is not party to this sale: he is told of, not named.
    assert_eq!(plain.laantakere_hjemmelshaver, ["KARI ANNE Nordmann"]);
    assert!(plain.laantaker_ikke_hjemmelshaver);
}

#[test]
fn a_flat_without_documents_is_answered_for_its_company() {
    let unit = json!({
        "aksjeleilighet": {"organisasjonsnummer": "920579868", "organisasjonsnavn": "Prøvegården",
            "leilighetsnummer": "h0302", "aksjeinformasjon": {}},
        "hjemmelshavere": [{"organisasjon": {"id": "903137215", "foretaksnavn": "Utleie"}}],
    });
    let answer = innfrielsessaldosvar(BOOK, &innfrielse(json!([unit]), &[date(2026, 3, 1)]));
    // Interest since 1 Feb: 950 000 at 7.30 % is 69 350 / 365 = 190.00 a day × 28 days = 5 320.
    assert_eq!(amounts(&answer), [["2026-03-01 955320.00"]]);
    let [loan] = answer.laanliste.as_slice() else { panic!("one loan") };
    assert!(loan.transporterklaering && loan.laantaker_ikke_hjemmelshaver);
    assert!(loan.laantakere_hjemmelshaver.is_empty());
}

#[test]
fn a_fixed_rate_is_answered_up_to_its_days_ahead_and_by_hand_after() {
    let section = json!({"matrikkel": {"kommunenavn": "Testvik", "kommunenummer": "9901",
        "gaardsnummer": 77, "bruksnummer": 1, "seksjonsnummer": 8, "eiendomsnivaa": "E"}});
    let ask = |date| innfrielse(json!([owner(section.clone(), &["15839326561"])]), &[date]);
    // 14 days after 21 Nov is 5 Dec. By 30/360 that is 11 × 30 + 4 = 334 days; 2 400 000 at 4.35 %
    // is 104 400 / 360 = 290.00 a day: 96 860; + fees 600 + 12 500 = 2 509 960.
    let answer = innfrielsessaldosvar(BOOK, &ask(date(2026, 12, 5)));
    assert_eq!(amounts(&answer), [["2026-12-05 2509960.00"]]);
    let status = status(BOOK, &ask(date(2026, 12, 6)));
    assert_eq!(status.statuskode, Statuskode::SvarerIEpost);
    assert!(status.tekst.contains("14 dager"), "{}", status.tekst);
}

#[test]
fn days_before_the_balance_are_not_answered() {
    let units = json!([owner(matrikkel(12, 34), &["23904430552"])]);
    let (before, on) = (date(2025, 12, 31), date(2026, 1, 1));
    let answer = innfrielsessaldosvar(BOOK, &innfrielse(units.clone(), &[before, on]));
    // On the first day there is no interest yet: balance and fees.
    assert_eq!(amounts(&answer), [["2026-01-01 1825600.00"], ["2026-01-01 700850.00"]]);
    let status = status(BOOK, &innfrielse(units, &[before]));
    assert_eq!(status.statuskode, Statuskode::SvarerIEpost);
}

#[test]
fn a_repeat_of_the_request_gives_the_same_answer_under_the_same_name() {
    let (bank, request) = (bank("demo/testvik.toml"), demo_request("02-"));
    let first = bank.answer(&request, request_id(), TODAY);
    assert_eq!(first, bank.answer(&request, request_id(), TODAY));
    let other: MessageId = "11111111-5c1f-4a6e-9d0b-3f6a1e2c4b5d".parse().unwrap();
    assert_ne!(first.message_id, bank.answer(&request, other, TODAY).message_id);
    // Another answer to the same request is another message: the newest counts.
    let corrected = bank.answer(&demo_request("01-"), request_id(), TODAY);
    assert_ne!(first.message_id, corrected.message_id);
}

#[test]
fn a_reply_prints_no_body() {
    let reply = bank("demo/testvik.toml").answer(&demo_request("01-"), request_id(), TODAY);
    let printed = format!("{reply:?}");
    // 75, 97, 114, 105 are the bytes of a name in it.
    assert!(printed.contains("body_bytes") && !printed.contains("75, 97, 114"), "{printed}");
    assert!(format!("{:?}", reply.body).contains("75, 97, 114, 105"));
}

//! innfri at the agency's side: what it asks goes out, and what banks say finds its case.

use innfri::case::{Purpose, Step};
use innfri::contract::MessageType;
use innfri::dsve::Arrived;
use serde_json::json;

use crate::messages::{BANK, reference, restgjeld, restgjeld_answer, status};
use crate::world::{OTHER_BANK, Told, World, eventually};

const ANSWER: MessageType = MessageType::Restgjeldssvar;

#[tokio::test(flavor = "multi_thread")]
async fn a_request_goes_out_under_its_deliverys_name() {
    let world = World::of_the_agency().await;
    let case = world.ask(1).await;
    let [file] = world.files_for(BANK, 1).await.try_into().ok().unwrap();
    assert_eq!(file.reference, case.forwarded_as.to_string());
    assert_eq!(file.properties["messageType"], "Restgjeldsforespoersel");
    let Arrived::Message(request) = file.read else { panic!("a request") };
    let json: serde_json::Value = serde_json::from_slice(&request.body.json).unwrap();
    assert_eq!(json, restgjeld(1));
    world.end().await;
}

/// Where a bank repeats what it answers.
#[rstest::rstest]
#[case::manifest(|forwarded: &str| (forwarded.to_owned(), "their-own-7".to_owned()))]
#[case::altinn(|forwarded: &str| ("their-own-7".to_owned(), forwarded.to_owned()))]
#[case::message_alone(|_: &str| ("their-own-7".to_owned(), "their-own-8".to_owned()))]
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_finds_its_case_by_each_reference(#[case] told: fn(&str) -> (String, String)) {
    let world = World::of_the_agency().await;
    let (case, other) = (world.ask(1).await, world.ask(2).await);
    let (manifest, altinn) = told(&case.forwarded_as.to_string());
    let told = Told { in_manifest: &manifest, at_altinn: &altinn };
    world.message(BANK, told, ANSWER, &restgjeld_answer(1, "1000.20")).await;
    world.fetch().await;
    let (outcome, json) = world.outcome().await;
    assert_eq!((outcome.case, outcome.correlation_id), (Some(case.id), case.request_id));
    assert_eq!(json["laanliste"][0]["saldo"], "1000.20");
    assert_eq!(world.case(case.id).await.state.revision(), 1);
    assert_eq!(world.case(other.id).await.state.revision(), 0);
    world.end().await;
}

#[rstest::rstest]
#[case::requests_transfer(|forwarded: &str, _: &str| forwarded.to_owned())]
#[case::askers_reference(|_: &str, reference: &str| reference.to_owned())]
#[tokio::test(flavor = "multi_thread")]
async fn a_no_finds_its_case_though_it_carries_no_message(
    #[case] repeats: fn(&str, &str) -> String,
) {
    let world = World::of_the_agency().await;
    let (case, _other) = (world.ask(1).await, world.ask(2).await);
    let repeated = repeats(&case.forwarded_as.to_string(), &reference(1));
    let told = Told { in_manifest: &repeated, at_altinn: "their-own-7" };
    world.message(BANK, told, MessageType::Status, &status(1, "LAAN_NEDBETALT")).await;
    world.fetch().await;
    let (outcome, json) = world.outcome().await;
    assert_eq!(outcome.case, Some(case.id));
    assert_eq!(json["statuskode"], "LAAN_NEDBETALT");
    assert_eq!(json["mottaker"]["referanse"], reference(1));
    assert!(!json["tekst"].as_str().unwrap().is_empty());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_that_repeats_nothing_known_is_kept_and_no_case_is_guessed() {
    let world = World::of_the_agency().await;
    let case = world.ask(1).await;
    let told = Told { in_manifest: "their-own-6", at_altinn: "their-own-7" };
    world.message(BANK, told, MessageType::Status, &status(1, "LAAN_SOLGT")).await;
    world.fetch().await;
    assert_eq!(world.case(case.id).await.state.revision(), 0);
    // The no itself, and that its bank cannot be told: DSVE has no message for it.
    eventually("the bank cannot be told", async || world.letters().await.len() == 2).await;
    let letters = world.letters().await;
    let came = letters.iter().find(|letter| letter.reason.step() == Step::Intake).unwrap();
    assert_eq!(came.reason.code(), "UNKNOWN_CASE");
    assert_eq!(came.correlation_id.as_deref(), Some("their-own-6"));
    let untold = letters.iter().find(|letter| letter.reason.step() == Step::Delivery).unwrap();
    assert!(untold.detail.contains("INN-094"), "{}", untold.detail);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_cases_with_one_reference_the_newest_is_answered() {
    let world = World::of_the_agency().await;
    let first = world.ask(1).await;
    let mut again = restgjeld(1);
    again["prisantydning"] = json!(3_000_000);
    let second = world.post(crate::messages::RESTGJELD, &again, None).await.case.unwrap();
    let told = Told { in_manifest: "their-own-6", at_altinn: "their-own-7" };
    world.message(BANK, told, ANSWER, &restgjeld_answer(1, "5.00")).await;
    world.fetch().await;
    assert_eq!(world.outcome().await.0.case, Some(second));
    assert_eq!(world.case(first.id).await.state.revision(), 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_that_was_not_asked_answers_nothing() {
    let world = World::of_the_agency().await;
    let case = world.ask(1).await;
    let forwarded = case.forwarded_as.to_string();
    let told = Told { in_manifest: &forwarded, at_altinn: "their-own-7" };
    let mut answer = restgjeld_answer(1, "5.00");
    answer["avsender"]["id"] = json!(OTHER_BANK);
    world.message(OTHER_BANK, told, ANSWER, &answer).await;
    world.fetch().await;
    // Neither does one that gives itself out as the bank.
    world.message(OTHER_BANK, told, ANSWER, &restgjeld_answer(1, "6.00")).await;
    world.fetch().await;
    assert_eq!(world.case(case.id).await.state.revision(), 0);
    let reasons = world.reasons().await;
    assert!(
        reasons.contains(&"FOREIGN_CASE") && reasons.contains(&"SPOOFED_SENDER"),
        "{reasons:?}"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_file_again_has_no_effect() {
    let world = World::of_the_agency().await;
    let case = world.ask(1).await;
    let forwarded = case.forwarded_as.to_string();
    let told = Told { in_manifest: &forwarded, at_altinn: "their-own-7" };
    let unconfirmed = r#"{"unavailable":{"confirm":{"times":1}}}"#;
    world.simulator.switch(serde_json::from_str(unconfirmed).unwrap());
    world.message(BANK, told, ANSWER, &restgjeld_answer(1, "5.00")).await;
    // It is kept, and its confirmation not taken: so it is offered again, and kept again.
    let walk = world.look().await;
    assert_eq!((walk.confirmed.len(), walk.left.len()), (0, 1), "{walk:?}");
    world.outcome().await;
    world.fetch().await;
    assert!(world.look().await.confirmed.is_empty());
    let outcomes = world.delivered();
    let outcomes = outcomes.iter().filter(|(it, _)| matches!(it.purpose, Purpose::Outcome { .. }));
    assert_eq!(outcomes.count(), 1);
    assert_eq!(world.case(case.id).await.state.revision(), 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_whom_innfri_does_not_act_for_waits_and_says_what_is_missing() {
    let world = World::acting_for(crate::messages::AGENCY, &[BANK]).await;
    let case = world.ask(1).await;
    let mut said = None;
    eventually("an attempt fails", async || {
        let record = world.journal.delivery(&case.forwarded_as).await.unwrap().unwrap();
        said = record.last_error;
        said.is_some()
    })
    .await;
    let said = said.unwrap();
    assert!(said.starts_with("not_set_up: ") && said.contains("altinn.organisations"), "{said}");
    world.end().await;
}

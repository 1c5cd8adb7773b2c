//! innfri at the bank's side: what comes in from members of DSVE, and what goes back to them.

use std::collections::BTreeMap;

use innfri::case::Purpose;
use innfri::contract::MessageType;
use innfri::dsve::Arrived;
use innfri::market::no::status::Statuskode;
use serde_json::{Value, json};

use crate::messages::{
    AGENCY, RESTGJELD_ANSWER, STATUS, innfrielse, reference, restgjeld, restgjeld_answer, status,
};
use crate::world::{Found, MOST_BYTES, OTHER_BANK, STRANGER, Told, World, eventually};

const REQUEST: MessageType = MessageType::Restgjeldsforespoersel;
const TOLD: Told<'static> = Told { in_manifest: "-", at_altinn: "oppdrag-2026/17" };

fn said_no(found: &Found) -> (Statuskode, &str, Option<&str>) {
    let Arrived::Nack(nack) = &found.read else { panic!("a no") };
    (nack.code, &nack.text, nack.senders_reference.as_deref())
}

/// The file that went back to the agency.
async fn reply(world: &World) -> Found {
    world.files_for(AGENCY, 1).await.pop().unwrap()
}

fn properties() -> BTreeMap<String, String> {
    BTreeMap::from([("messageType".to_owned(), "RESTGJELDSFORESPOERSEL".to_owned())])
}

/// The request as it is handed to the bank.
async fn handed_on(world: &World) -> String {
    let mut id = String::new();
    eventually("the bank is asked", async || {
        let delivered = world.delivered();
        let asked = delivered.iter().find(|(it, _)| it.purpose == Purpose::Request);
        id = asked.map(|(it, _)| it.id.to_string()).unwrap_or_default();
        !id.is_empty()
    })
    .await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_goes_back_and_repeats_what_the_request_was_called() {
    let world = World::of_the_bank().await;
    world.message(AGENCY, TOLD, REQUEST, &restgjeld(1)).await;
    world.fetch().await;
    let asked = handed_on(&world).await;
    world.post(RESTGJELD_ANSWER, &restgjeld_answer(1, "1000.20"), Some(asked)).await;
    let found = reply(&world).await;
    assert_eq!(found.properties["status"], "RutetSuksessfullt");
    let Arrived::Message(answer) = found.read else { panic!("an answer") };
    assert_eq!(answer.senders_reference.as_deref(), Some(TOLD.at_altinn));
    let json: Value = serde_json::from_slice(&answer.body.json).unwrap();
    assert_eq!(json, restgjeld_answer(1, "1000.20"));
    let case = world.cases().await.pop().unwrap();
    let owed = world.journal.story(&case.id).await.unwrap().unwrap().deliveries;
    assert!(owed.iter().any(|one| one.id.to_string() == found.reference));
    world.end().await;
}

#[rstest::rstest]
#[case("LAAN_NEDBETALT", Statuskode::LaanNedbetalt)]
#[case("LAAN_SOLGT", Statuskode::LaanSolgt)]
#[case("SVARER_I_EPOST", Statuskode::SvarerIEpost)]
#[case("FEIL", Statuskode::Feil)]
#[tokio::test(flavor = "multi_thread")]
async fn every_status_goes_back_as_a_no_with_its_text(
    #[case] code: &str,
    #[case] expected: Statuskode,
) {
    let world = World::of_the_bank().await;
    world.message(AGENCY, TOLD, REQUEST, &restgjeld(1)).await;
    world.fetch().await;
    let asked = handed_on(&world).await;
    let mut status = status(1, code);
    if code == "FEIL" {
        status["aarsak"] = json!("FEIL_PANTHAVER");
    }
    world.post(STATUS, &status, Some(asked)).await;
    let found = reply(&world).await;
    let (given, text, repeated) = said_no(&found);
    assert_eq!((given, repeated), (expected, Some(TOLD.at_altinn)));
    assert_eq!(text, status["tekst"].as_str().unwrap());
    assert_eq!(found.properties["messageType"], "Restgjeldssvar");
    world.end().await;
}

#[rstest::rstest]
#[case::no_archive(b"no archive".to_vec(), "INN-08")]
#[case::too_large(vec![7; MOST_BYTES + 1], "INN-08")]
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_read_is_answered_with_what_is_wrong(
    #[case] bytes: Vec<u8>,
    #[case] rule: &str,
) {
    let world = World::of_the_bank().await;
    world.file(AGENCY, TOLD.at_altinn, &properties(), bytes).await;
    world.fetch().await;
    let found = reply(&world).await;
    let (code, text, repeated) = said_no(&found);
    assert_eq!((code, repeated), (Statuskode::Feil, Some(TOLD.at_altinn)));
    assert!(text.contains(rule), "{text}");
    let case = world.cases().await.pop().unwrap();
    assert_eq!(case.bank.unwrap().number(), crate::messages::BANK);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_breaks_a_rule_is_answered_with_what_is_wrong() {
    let world = World::of_the_bank().await;
    let request = innfrielse(1, "2020-01-02");
    world.message(AGENCY, TOLD, MessageType::Innfrielsessaldoforespoersel, &request).await;
    world.fetch().await;
    let found = reply(&world).await;
    let (code, text, _) = said_no(&found);
    assert_eq!(code, Statuskode::Feil);
    assert!(text.contains("/innfrielsesdatoer/0: ") && text.contains("(INN-"), "{text}");
    assert_eq!(found.properties["messageType"], "Innfrielsessaldosvar");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn innfri_is_no_way_from_one_member_to_another() {
    let world = World::of_the_bank().await;
    let mut request = restgjeld(1);
    request["mottaker"]["id"] = json!(OTHER_BANK);
    world.message(AGENCY, TOLD, REQUEST, &request).await;
    world.fetch().await;
    let found = reply(&world).await;
    let (code, text, _) = said_no(&found);
    assert_eq!(code, Statuskode::Feil);
    assert!(text.contains("Send direkte til banken"), "{text}");
    assert!(world.delivered().is_empty());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_no_directory_lists_is_kept_for_operators() {
    let world = World::of_the_bank().await;
    let mut request = restgjeld(1);
    request["avsender"]["id"] = json!(STRANGER);
    world.message(STRANGER, TOLD, REQUEST, &request).await;
    world.fetch().await;
    assert_eq!(world.reasons().await, ["UNKNOWN_SENDER"]);
    assert!(world.cases().await.is_empty() && world.delivered().is_empty());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_gives_itself_out_as_another_is_kept_for_operators() {
    let world = World::of_the_bank().await;
    world.message(OTHER_BANK, TOLD, REQUEST, &restgjeld(1)).await;
    world.fetch().await;
    assert!(world.reasons().await.contains(&"SPOOFED_SENDER"));
    assert!(world.cases().await.is_empty());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_dsve_cannot_say_goes_back_to_the_bank_at_once() {
    let world = World::of_the_bank().await;
    world.message(AGENCY, TOLD, REQUEST, &restgjeld(1)).await;
    world.fetch().await;
    let asked = handed_on(&world).await;
    let mut answer = restgjeld_answer(1, "1000.20");
    answer["panterettSlettesVedInnfrielse"] = json!(false);
    world.post(RESTGJELD_ANSWER, &answer, Some(asked)).await;
    eventually("the bank is told", async || {
        world
            .delivered()
            .iter()
            .any(|(it, json)| it.purpose == Purpose::Rejection && json["referanse"] == reference(1))
    })
    .await;
    assert_eq!(world.cases().await.pop().unwrap().state.revision(), 0);
    world.end().await;
}

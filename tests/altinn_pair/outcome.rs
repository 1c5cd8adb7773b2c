//! Every outcome arrives, also while Altinn is slow, puts off, repeats itself, loses its answers or gives
//! none.

use std::time::Duration;

use serde_json::{Value, json};

use crate::pair::{BankWorks, Pair};
use crate::question::{
    Expected, OWED, PLAIN, UNLISTED_BANK, answered_by_the_bank, back_end,
    refused_by_the_agents_side,
};
use crate::server::Server;
use crate::support::messages::AGENCY;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_outcome_of_a_loan_book_reaches_the_agency_through_altinn() {
    every_outcome(BankWorks::LoanBook).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_outcome_of_a_back_end_reaches_the_agency_through_altinn() {
    let server = Server::plain().await;
    server.does(back_end);
    every_outcome(BankWorks::BackEnd(&server.url("/innfri"))).await;
    assert_eq!(server.seen_at("/innfri").len(), answered_by_the_bank().len() - 1);
}

async fn every_outcome(works: BankWorks<'_>) {
    let mut pair = Pair::start(works).await;
    let mut questions = answered_by_the_bank();
    questions.push(refused_by_the_agents_side());
    pair.ask_all(&questions).await;
    pair.rest().await;
    let to_nobody = |one: &Value| one.to_string().contains(UNLISTED_BANK);
    assert!(!pair.files().iter().any(to_nobody), "nothing is sent there");
    assert_eq!(pair.published().len(), 2 * answered_by_the_bank().len());
    for side in [&pair.agent, &pair.bank] {
        side.command(&["journal", "verify"]);
        let said = side.said();
        for secret in ["23904430552", "Prøve", "BEGIN PRIVATE KEY"] {
            assert!(!said.contains(secret), "a log names a secret");
        }
    }
    pair.agent.stop();
    pair.bank.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_nothing_doubled_by_an_altinn_in_trouble() {
    let mut pair = Pair::start(BankWorks::LoanBook).await;
    let away = json!({ "times": 1, "retry_after": 1 });
    let (unanswered, unheard) = (json!({ "moment": "after" }), json!({ "moment": "before" }));
    // Altinn's lists may lag by less than innfri is told that they do.
    pair.switch(json!({
        "scan_millis": 1500,
        "unavailable": {
            "token": away, "exchange": away, "initialise": away, "overview": away, "list": away,
            "download": away, "confirm": { "times": 1 },
            "upload": { "times": 2, "retry_after": 1, "code": 21 },
        },
        "lost": {
            "token": 1, "exchange": 1, "initialise": 2, "upload": 2, "overview": 1, "list": 1,
            "download": 1, "confirm": 1,
        },
        "held": {
            "token": unanswered, "exchange": unheard, "initialise": unanswered, "upload": unanswered,
            "overview": unheard, "list": unheard, "download": unanswered, "confirm": unanswered,
        },
        "duplicate_listing": true,
        "listing_delay_millis": 500,
        "quoted_token": true,
    }));
    let questions = answered_by_the_bank();
    for (question, _) in &questions {
        pair.ask(*question).await;
        pair.switch(json!({ "expire_tokens": true }));
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    pair.switch(json!({ "refuse_repeated_confirm": true }));
    for (question, expected) in &questions {
        let asked = pair.asked(question);
        expected.check(question, &pair.outcome(&asked).await);
    }
    pair.rest().await;
    let left = pair.altinn.state()["faults"].clone();
    let counts = left["unavailable"].as_object().unwrap().values().map(|one| &one["times"]);
    let mut counts = counts.chain(left["lost"].as_object().unwrap().values());
    let all_gone_wrong = counts.all(|left| *left == 0) && left["held"] == json!({});
    assert!(all_gone_wrong, "not all has gone wrong: {left:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_of_altinn_makes_innfri_look_at_once() {
    let mut pair = Pair::start(BankWorks::LoanBook).await;
    pair.agent.stop();
    let secret = "0123456789abcdef0123456789abcdef";
    pair.agent.write("secret", secret);
    let settings = std::fs::read_to_string(pair.agent.path("innfri.toml")).unwrap();
    let (often, seldom) = (
        "poll_shortest_seconds = 1\npoll_longest_seconds = 2",
        format!(
            "poll_shortest_seconds = 600\npoll_longest_seconds = 600\nevents_secret_file = {:?}",
            pair.agent.path("secret")
        ),
    );
    assert!(settings.contains(often));
    pair.agent.write("innfri.toml", &settings.replace(often, &seldom));
    pair.agent.start().await;
    let asked = pair.ask(PLAIN).await;
    pair.until("an answer", |pair| pair.published().len() == 2).await;

    let address = pair.agent.address().await;
    let event = json!({
        "specversion": "1.0", "id": "1", "source": "urn:altinn", "type": "no.altinn.broker.published",
        "subject": format!("urn:altinn:organization:identifier-no:{AGENCY}"),
        "data": { "Role": "Recipient" },
    });
    let tell = async |secret: &str| {
        let url = format!("{address}/altinn/events/{secret}");
        let request = reqwest::Client::new().post(url);
        let request = request.header("content-type", "application/cloudevents+json");
        request.body(event.to_string()).send().await.unwrap().status().as_u16()
    };
    assert_eq!(tell("ffffffffffffffffffffffffffffffff").await, 404);
    assert_eq!(tell(secret).await, 200);
    // It comes long before the next look would.
    let outcome = pair.outcome(&asked).await;
    Expected::Amount(OWED).check(&asked.question, &outcome);
    pair.rest().await;
    assert!(!pair.agent.said().contains(secret));
}

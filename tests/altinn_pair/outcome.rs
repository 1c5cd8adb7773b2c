//! Every outcome arrives, also while Altinn is slow, puts off, repeats itself and loses its answers.

use std::time::Duration;

use serde_json::json;

use crate::pair::{BankWorks, Pair};
use crate::question::{UNLISTED_BANK, answered_by_the_bank, back_end, refused_by_the_agents_side};
use crate::server::Server;

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
    let state = pair.altinn.state();
    let to_nobody = |one: &serde_json::Value| one.to_string().contains(UNLISTED_BANK);
    assert!(!state["transfers"].as_array().unwrap().iter().any(to_nobody), "nothing is sent there");
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
    let away = json!({ "times": 2, "retry_after": 1 });
    // Altinn's lists may lag by less than innfri is told that they do.
    pair.switch(json!({
        "scan_millis": 1500,
        "unavailable": {
            "token": away, "exchange": away, "initialise": away, "overview": away, "list": away,
            "download": away, "confirm": { "times": 2 },
            "upload": { "times": 2, "retry_after": 1, "code": 21 },
        },
        "lost": {
            "token": 1, "exchange": 1, "initialise": 2, "upload": 2, "overview": 2, "list": 2,
            "download": 2, "confirm": 2,
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
    let all_used = counts.chain(left["lost"].as_object().unwrap().values());
    assert!(all_used.clone().all(|left| left == 0), "each has gone wrong as often: {left:#}");
}

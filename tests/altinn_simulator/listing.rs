//! Lists: what they hold, in which order, and how they are walked.

use std::collections::HashSet;

use reqwest::Response;
use rstest::rstest;
use serde_json::json;
use url::form_urlencoded::byte_serialize;

use crate::caller::{AGENT, Altinn, BANK, Caller, OTHER, config};

/// Walks a list as the reference says: ascending, from the time of the last that came.
async fn walk(caller: &Caller, query: &str, time: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut from = String::new();
    loop {
        let page = caller.list(&format!("{query}&orderAscending=true{from}")).await;
        assert!(page.len() <= 100);
        let fresh: Vec<String> = page.iter().filter(|id| !found.contains(id)).cloned().collect();
        let Some(last) = fresh.last() else { return found };
        let overview = caller.overview(last).await;
        let at: String = byte_serialize(overview[time].as_str().unwrap().as_bytes()).collect();
        from = format!("&from={at}");
        found.extend(fresh);
    }
}

#[tokio::test]
async fn two_hundred_and_fifty_transfers_are_walked_completely() {
    let altinn = Altinn::start(config().with_scan_millis(0)).await;
    let (agent, bank) = (altinn.caller(AGENT).await, altinn.caller(BANK).await);
    let mut sent = Vec::new();
    for _ in 0..250 {
        let id = agent.initialise(BANK).await;
        assert_eq!(agent.upload(&id, b"a").await.status(), 200);
        sent.push(id);
    }
    agent.until(sent.last().unwrap(), "Published").await;
    assert_eq!(walk(&agent, "&role=Sender", "created").await, sent);
    let query = "&status=Published&recipientStatus=Initialized&role=Recipient";
    let found = walk(&bank, query, "fileTransferStatusChanged").await;
    assert_eq!(found.iter().collect::<HashSet<_>>(), sent.iter().collect());
    let mut newest: Vec<String> = sent.split_off(150);
    newest.reverse();
    assert_eq!(agent.list("").await, newest);
}

#[tokio::test]
async fn from_and_to_mean_creation_or_with_a_status_when_it_was_taken() {
    let altinn = Altinn::plain().await;
    let agent = altinn.caller(AGENT).await;
    let late = agent.initialise(BANK).await;
    let early = agent.send(BANK, b"a").await;
    assert_eq!(agent.upload(&late, b"a").await.status(), 200);
    let late_seen = agent.until(&late, "Published").await;
    let early_seen = agent.overview(&early).await;
    let time = |seen: &serde_json::Value, name: &str| -> String {
        byte_serialize(seen[name].as_str().unwrap().as_bytes()).collect()
    };
    let (created, changed) = ("created", "fileTransferStatusChanged");
    let query = format!("&from={}", time(&early_seen, created));
    assert_eq!(agent.list(&query).await, [early.as_str()]);
    let query = format!("&status=Published&from={}", time(&late_seen, changed));
    assert_eq!(agent.list(&query).await, [late.as_str()]);
    let query = format!("&status=Published&to={}", time(&early_seen, changed));
    assert_eq!(agent.list(&query).await, [early.as_str()]);
    assert_eq!(
        agent.list("&status=Published&orderAscending=true").await,
        [early.clone(), late.clone()]
    );
    assert_eq!(agent.list("&status=published").await, [late.clone(), early.clone()]);
    assert_eq!(agent.list("&orderAscending=True").await, [late, early]);
}

#[tokio::test]
async fn the_role_and_the_recipients_own_status_choose() {
    let altinn = Altinn::plain().await;
    let (agent, bank) = (altinn.caller(AGENT).await, altinn.caller(BANK).await);
    let other = altinn.caller(OTHER).await;
    let mut body = agent.announcement(BANK);
    body["recipients"] = json!([format!("0192:{BANK}"), format!("0192:{OTHER}")]);
    let answer: serde_json::Value = agent.announce(&body).await.json().await.unwrap();
    let id = answer["fileTransferId"].as_str().unwrap().to_owned();
    agent.upload(&id, b"a").await;
    agent.until(&id, "Published").await;
    bank.get(&format!("/{id}/download")).await;
    bank.post(&format!("/{id}/confirmdownload")).await;
    let here = vec![id.clone()];
    assert_eq!(agent.list("&role=Sender").await, here);
    assert!(agent.list("&role=Recipient").await.is_empty());
    assert!(bank.list("&role=Sender").await.is_empty());
    assert_eq!(bank.list("&role=Recipient&recipientStatus=DownloadConfirmed").await, here);
    assert_eq!(other.list("&status=Published&recipientStatus=Initialized").await, here);
    other.get(&format!("/{id}/download")).await;
    other.post(&format!("/{id}/confirmdownload")).await;
    assert_eq!(agent.list("&status=AllConfirmedDownloaded").await, here);
    assert!(agent.list("&status=Published").await.is_empty());
}

#[rstest]
#[case("")]
#[case("?status=Published")]
#[case("?resourceId=kv_dsve_test&status=Sent")]
#[case("?resourceId=kv_dsve_test&recipientStatus=Published")]
#[case("?resourceId=kv_dsve_test&role=Bank")]
#[case("?resourceId=kv_dsve_test&from=yesterday")]
#[case("?resourceId=kv_dsve_test&orderAscending=up")]
#[tokio::test]
async fn a_wrong_parameter_is_refused(#[case] query: &str) {
    let altinn = Altinn::plain().await;
    let answer: Response = altinn.caller(BANK).await.get(query).await;
    assert_eq!(answer.status(), 400);
}

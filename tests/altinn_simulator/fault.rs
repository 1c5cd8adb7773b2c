//! The switches: each makes go wrong what it says, and no more.

use std::time::{Duration, Instant};

use innfri::altinn_simulator::{FaultSettings, Route};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::caller::{AGENT, Altinn, BANK, PATIENCE, RESOURCE, refused};

#[tokio::test]
async fn unavailable_calls_do_nothing_and_say_when_to_try_again() {
    let altinn = Altinn::plain().await;
    let agent = altinn.caller(AGENT).await;
    altinn
        .switch(json!({ "unavailable": {
            "initialise": { "times": 2, "retry_after": 3 }, "list": { "times": 1, "code": 30 },
        }}))
        .await;
    for _ in 0..2 {
        let answer = agent.announce(&agent.announcement(BANK)).await;
        assert_eq!(answer.headers()["retry-after"], "3");
        assert_eq!(refused(answer).await, (503, String::new()));
    }
    let answer = agent.get(&format!("?resourceId={RESOURCE}")).await;
    assert!(!answer.headers().contains_key("retry-after"));
    assert_eq!(refused(answer).await, (503, "BRO-00030".to_owned()));
    assert!(agent.list("").await.is_empty());
    agent.initialise(BANK).await;
    let state = altinn.running.state();
    assert_eq!(
        (state["calls"]["initialise"].as_u64(), state["calls"]["list"].as_u64()),
        (Some(3), Some(2))
    );
}

#[tokio::test]
async fn a_lost_answer_has_had_its_effect() {
    let altinn = Altinn::plain().await;
    let (agent, bank) = (altinn.caller(AGENT).await, altinn.caller(BANK).await);
    altinn.switch(json!({ "lost": { "initialise": 1, "upload": 1, "confirm": 1 } })).await;
    let announced = agent.call(Method::POST, "").json(&agent.announcement(BANK));
    assert!(announced.send().await.is_err());
    let [id] = agent.list("&role=Sender").await.try_into().unwrap();
    assert_eq!(agent.overview(&id).await["sendersFileTransferReference"], "ref-1");
    let upload = agent.call(Method::POST, &format!("/{id}/upload"));
    let upload = upload.header("content-type", "application/octet-stream").body("a");
    assert!(upload.send().await.is_err());
    agent.until(&id, "Published").await;
    bank.get(&format!("/{id}/download")).await;
    let confirm = format!("/{id}/confirmdownload");
    assert!(bank.call(Method::POST, &confirm).send().await.is_err());
    assert_eq!(bank.overview(&id).await["fileTransferStatus"], "AllConfirmedDownloaded");
    assert_eq!(bank.post(&confirm).await.status(), 200);
    altinn.switch(json!({ "refuse_repeated_confirm": true })).await;
    assert_eq!(refused(bank.post(&confirm).await).await, (400, "BRO-00010".to_owned()));
    assert_eq!(agent.list("").await, [id]);
}

/// What the stand-in tells of held calls, once so many of their callers are still there.
async fn held(altinn: &Altinn, waiting: u64) -> Value {
    let until = Instant::now() + PATIENCE;
    loop {
        let held = altinn.running.state()["held"].clone();
        let counts = held.as_array().unwrap().iter().map(|one| one["waiting"].as_u64().unwrap());
        if !held.as_array().unwrap().is_empty() && counts.sum::<u64>() == waiting {
            return held;
        }
        assert!(Instant::now() < until, "{held}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_held_call_is_never_answered_and_takes_effect_or_not() {
    let altinn = Altinn::plain().await;
    let (agent, bank) = (altinn.caller(AGENT).await, altinn.caller(BANK).await);
    for (moment, status) in [("before", "Initialized"), ("after", "Published")] {
        let id = agent.initialise(BANK).await;
        altinn.switch(json!({ "held": { "upload": { "moment": moment } } })).await;
        let mut caller = JoinSet::new();
        let (uploader, to) = (agent.clone(), id.clone());
        // More than fits into what lies between two programs.
        caller.spawn(async move { uploader.upload(&to, &[7; 4 * 1024 * 1024]).await });
        let told = held(&altinn, 1).await;
        let told = told.as_array().unwrap().iter().find(|one| one["moment"] == moment);
        assert_eq!(
            told.unwrap(),
            &json!({
                "route": "upload", "moment": moment, "times": 1, "waiting": 1,
            })
        );
        assert_eq!(altinn.running.state()["faults"]["held"], json!({}), "it acts once");
        agent.until(&id, status).await;
        // Others are answered meanwhile, and nothing ends by itself.
        assert!(bank.list("&role=Sender").await.is_empty());
        assert!(caller.try_join_next().is_none());
        drop(caller);
        assert_eq!(held(&altinn, 0).await.as_array().unwrap().last().unwrap()["times"], 1);
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(agent.overview(&id).await["fileTransferStatus"], status);
    }
}

#[tokio::test]
async fn a_call_may_be_held_for_one_organisation_alone() {
    let altinn = Altinn::plain().await;
    let (agent, bank) = (altinn.caller(AGENT).await, altinn.caller(BANK).await);
    let meant = json!({ "held": { "list": { "moment": "after", "organisation": BANK } } });
    altinn.switch(meant.clone()).await;
    for _ in 0..2 {
        assert!(agent.list("").await.is_empty());
    }
    // A refused call is not one that was carried out.
    assert_eq!(bank.get("?resourceId=nothing").await.status(), 403);
    let mut caller = JoinSet::new();
    caller.spawn(async move { bank.list("").await });
    held(&altinn, 1).await;
    drop(caller);
    held(&altinn, 0).await;
    altinn.switch(meant).await;
    assert!(agent.list("").await.is_empty());
    let wrong = json!({ "held": { "list": "after" } });
    assert!(serde_json::from_value::<FaultSettings>(wrong).is_err());
}

#[tokio::test]
async fn a_slow_scan_and_a_failed_one_are_made() {
    let altinn = Altinn::plain().await;
    let agent = altinn.caller(AGENT).await;
    altinn.running.switch(FaultSettings { failed_scans: Some(1), ..FaultSettings::default() });
    let id = agent.initialise(BANK).await;
    agent.upload(&id, b"a").await;
    agent.until(&id, "Failed").await;
    altinn.switch(json!({ "scan_millis": 400 })).await;
    let id = agent.initialise(BANK).await;
    let began = Instant::now();
    agent.upload(&id, b"a").await;
    agent.until(&id, "Published").await;
    assert!(began.elapsed() >= Duration::from_millis(400));
}

#[tokio::test]
async fn lists_repeat_or_come_late() {
    let altinn = Altinn::plain().await;
    let agent = altinn.caller(AGENT).await;
    let id = agent.send(BANK, b"a").await;
    altinn.switch(json!({ "duplicate_listing": true })).await;
    assert_eq!(agent.list("").await, [id.clone(), id.clone()]);
    altinn.switch(json!({ "duplicate_listing": false, "listing_delay_millis": 600_000 })).await;
    assert!(agent.list("").await.is_empty());
    altinn.switch(json!({ "listing_delay_millis": 0, "slow_millis": { "list": 200 } })).await;
    let began = Instant::now();
    assert_eq!(agent.list("").await, [id]);
    assert!(began.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn the_exchanged_token_stands_in_quotation_marks_when_asked() {
    let altinn = Altinn::plain().await;
    altinn.switch(json!({ "quoted_token": true })).await;
    let quoted = altinn.caller(BANK).await.token;
    let token: String = serde_json::from_str(&quoted).unwrap();
    let mut bank = altinn.caller(BANK).await;
    bank.token = token;
    assert!(bank.list("").await.is_empty());
}

#[tokio::test]
async fn an_unknown_switch_is_refused_and_the_others_are_told() {
    let altinn = Altinn::plain().await;
    let url = format!("{}/simulator/faults", altinn.running.base_url());
    let wrong = altinn.client.post(&url).body(r#"{"luck": 1}"#).send().await.unwrap();
    assert_eq!(wrong.status(), 400);
    altinn.switch(json!({ "lost": { "upload": 2 } })).await;
    let told: Value = altinn.client.get(&url).send().await.unwrap().json().await.unwrap();
    assert_eq!(told["lost"], json!({ "upload": 2 }));
    let faults: FaultSettings = serde_json::from_value(told).unwrap();
    assert_eq!(faults.lost.get(&Route::Upload), Some(&2));
}

#[tokio::test]
async fn an_upload_that_breaks_off_has_failed() {
    use tokio::io::AsyncWriteExt as _;
    let altinn = Altinn::plain().await;
    let agent = altinn.caller(AGENT).await;
    let id = agent.initialise(BANK).await;
    let mut stream = tokio::net::TcpStream::connect(altinn.running.address()).await.unwrap();
    let head = format!(
        "POST /broker/api/v1/filetransfer/{id}/upload HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n\
         content-type: application/octet-stream\r\ncontent-length: 100\r\n\r\nhalf",
        agent.token
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    agent.until(&id, "UploadStarted").await;
    drop(stream);
    agent.until(&id, "Failed").await;
}

//! What is told besides Broker's answers: AKELDO's list, events, and forms with a file.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use innfri::altinn_simulator::{AkeldoEntry, Subscription};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::caller::{
    AGENT, Altinn, BANK, OTHER, PATIENCE, RESOURCE, config, organisation, refused,
};

fn entry(number: &str, role: &str) -> AkeldoEntry {
    AkeldoEntry {
        organisation: organisation(number),
        role: role.to_owned(),
        sends: vec!["Restgjeldssvar".to_owned()],
        receives: vec!["Innfrielsessaldoforespoerspoersel".to_owned()],
    }
}

#[tokio::test]
async fn akeldo_is_spelled_in_three_ways_and_fails_when_asked() {
    let config = config()
        .with_participant(entry(BANK, "bank"))
        .with_participant(entry(AGENT, "megler"))
        .with_participant(entry(OTHER, "Bank"));
    let altinn = Altinn::start(config).await;
    let url = format!("{}/akeldo/aktoer", altinn.running.base_url());
    let get = async |path: &str| altinn.client.get(format!("{url}{path}")).send().await.unwrap();
    let all: Value = get("").await.json().await.unwrap();
    assert_eq!(all[0]["organisasjonsnummer"], BANK);
    assert_eq!(all[0]["mottaksliste"], json!(["Innfrielsessaldoforespoerspoersel"]));
    assert_eq!((&all[1]["orgnr"], &all[1]["type"]), (&json!(AGENT), &json!("megler")));
    assert_eq!(all[1]["sendeliste"], json!([{ "navn": "Restgjeldssvar" }]));
    assert_eq!(all[2]["id"], OTHER);
    assert_eq!(all[2]["sendeliste"], json!([{ "meldingstype": "Restgjeldssvar" }]));
    let one: Value = get(&format!("/{AGENT}")).await.json().await.unwrap();
    assert_eq!(one, all[1]);
    assert_eq!(get("/811176702").await.status(), 404);
    altinn.switch(json!({ "akeldo": "empty" })).await;
    assert_eq!(get("").await.text().await.unwrap(), "[]");
    altinn.switch(json!({ "akeldo": "broken" })).await;
    assert!(get("").await.json::<Value>().await.is_err());
    altinn.switch(json!({ "akeldo": "normal", "unavailable": { "akeldo": { "times": 1 } } })).await;
    assert_eq!(get("").await.status(), 503);
    assert_eq!(get("").await.status(), 200);
}

type Heard = Arc<Mutex<Vec<Value>>>;

async fn hear(State(heard): State<Heard>, headers: HeaderMap, body: String) {
    assert_eq!(headers["content-type"], "application/cloudevents+json");
    heard.lock().await.push(serde_json::from_str(&body).unwrap());
}

#[tokio::test]
async fn events_are_posted_to_those_whom_they_are_for() {
    let (all, banks) = (Heard::default(), Heard::default());
    let mut servers = JoinSet::new();
    let mut config = config();
    for (heard, organisations) in [(&all, vec![]), (&banks, vec![organisation(BANK)])] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = format!("http://{}/events", listener.local_addr().unwrap()).parse().unwrap();
        config.subscriptions.push(Subscription { to, organisations });
        let router = Router::new().route("/events", post(hear)).with_state(Arc::clone(heard));
        servers.spawn(async move { axum::serve(listener, router).await.unwrap() });
    }
    let altinn = Altinn::start(config).await;
    let (agent, bank) = (altinn.caller(AGENT).await, altinn.caller(BANK).await);
    let id = agent.send(BANK, b"a").await;
    bank.get(&format!("/{id}/download")).await;
    bank.post(&format!("/{id}/confirmdownload")).await;
    let count = async {
        while all.lock().await.len() < 7 || banks.lock().await.len() < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, count).await.unwrap();
    let told = |events: &[Value]| -> Vec<String> {
        let name = |event: &Value, at: &str| event[at].as_str().unwrap().to_owned();
        events
            .iter()
            .map(|event| {
                let kind = name(event, "type");
                let kind = kind.strip_prefix("no.altinn.broker.").unwrap();
                format!("{kind} {}", event["data"]["Role"].as_str().unwrap())
            })
            .collect()
    };
    let all = all.lock().await;
    assert_eq!(
        told(&all),
        [
            "filetransferinitialized Sender",
            "uploadprocessing Sender",
            "published Sender",
            "published Recipient",
            "downloadconfirmed Sender",
            "downloadconfirmed Recipient",
            "allconfirmeddownloaded Sender",
        ]
    );
    assert_eq!(told(&banks.lock().await), ["published Recipient", "downloadconfirmed Recipient"]);
    let published = &all[3];
    assert_eq!(published["specversion"], "1.0");
    assert_eq!(published["resource"], format!("urn:altinn:resource:{RESOURCE}"));
    assert_eq!(published["resourceinstance"], id);
    assert!(published["subject"].as_str().unwrap().ends_with(BANK));
}

#[tokio::test]
async fn a_form_initialises_and_uploads_in_one_call() {
    let altinn = Altinn::plain().await;
    let (agent, bank) = (altinn.caller(AGENT).await, altinn.caller(BANK).await);
    let field = |name: &str, value: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let form = [
        field("Metadata.FileName", "dsve.zip"),
        field("Metadata.ResourceId", RESOURCE),
        field("Metadata.SendersFileTransferReference", "ref-2"),
        field("Metadata.Sender", &format!("0192:{AGENT}")),
        field("Metadata.Recipients[0]", &format!("0192:{BANK}")),
        field("Metadata.PropertyList[messageType]", "Restgjeldssvar"),
        field("Metadata.DisableVirusScan", "true"),
        field("FileTransfer", "the file"),
        "--b--\r\n".to_owned(),
    ]
    .concat();
    let send = async |form: String| {
        let request = agent.call(Method::POST, "/upload");
        let request = request.header("content-type", "multipart/form-data; boundary=b");
        request.body(form).send().await.unwrap()
    };
    let answer: Value = send(form.clone()).await.json().await.unwrap();
    let id = answer["fileTransferId"].as_str().unwrap();
    let seen = bank.overview(id).await;
    assert_eq!(
        (&seen["fileTransferStatus"], &seen["useVirusScan"]),
        (&json!("Published"), &json!(false))
    );
    assert_eq!(seen["propertyList"], json!({ "messageType": "Restgjeldssvar" }));
    let answer = bank.get(&format!("/{id}/download")).await;
    assert_eq!(answer.bytes().await.unwrap().as_ref(), b"the file");
    assert_eq!(send(form.replace("FileTransfer\"", "Other\"")).await.status(), 400);
    assert_eq!(send(form.replace("--b--", "")).await.status(), 400);
    assert_eq!(agent.post("/upload").await.status(), 415);
}

#[tokio::test]
async fn a_range_of_a_file_is_given_or_refused() {
    let altinn = Altinn::plain().await;
    let (agent, bank) = (altinn.caller(AGENT).await, altinn.caller(BANK).await);
    let id = agent.send(BANK, b"0123456789").await;
    let range = async |range: &str| {
        let request = bank.call(Method::GET, &format!("/{id}/download"));
        request.header("range", range).send().await.unwrap()
    };
    assert_eq!(refused(range("bytes=10-").await).await, (416, "BRO-00029".to_owned()));
    assert_eq!(refused(range("bytes=3-1").await).await, (416, "BRO-00029".to_owned()));
    let seen = bank.overview(&id).await;
    assert_eq!(seen["recipients"][0]["currentRecipientFileTransferStatusCode"], "Initialized");
    for (asked, told, part) in [
        ("bytes=2-4", "bytes 2-4/10", "234"),
        ("bytes=8-", "bytes 8-9/10", "89"),
        ("bytes=-3", "bytes 7-9/10", "789"),
    ] {
        let answer = range(asked).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["content-range"]),
            (206, &told.parse().unwrap())
        );
        assert_eq!(answer.text().await.unwrap(), part);
    }
    let whole = bank.get(&format!("/{id}/download")).await;
    assert_eq!(whole.headers()["accept-ranges"], "bytes");
    assert!(whole.headers()["content-disposition"].to_str().unwrap().contains("dsve.zip"));
}

#[tokio::test]
async fn files_are_purged_when_their_time_is_over() {
    let mut config = config();
    config.resources[0].time_to_live_seconds = 1;
    let altinn = Altinn::start(config).await;
    let (agent, bank) = (altinn.caller(AGENT).await, altinn.caller(BANK).await);
    let id = agent.send(BANK, b"a").await;
    agent.until(&id, "Purged").await;
    assert_eq!(refused(bank.get(&format!("/{id}/download")).await).await.1, "BRO-00007");
    let mut config = crate::caller::config();
    config.grace_seconds = 0;
    let altinn = Altinn::start(config).await;
    let (agent, bank) = (altinn.caller(AGENT).await, altinn.caller(BANK).await);
    let id = agent.send(BANK, b"a").await;
    bank.get(&format!("/{id}/download")).await;
    bank.post(&format!("/{id}/confirmdownload")).await;
    agent.until(&id, "Purged").await;
}

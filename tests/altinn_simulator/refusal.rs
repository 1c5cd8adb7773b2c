//! Every refusal of Broker, with its code.

use innfri::altinn_simulator::{Config, ResourceConfig};
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::caller::{AGENT, Altinn, BANK, OTHER, config, organisation, refused};

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

fn code(status: u16, number: u16) -> (u16, String) {
    (status, format!("BRO-{number:05}"))
}

#[tokio::test]
async fn what_is_not_there_is_1() {
    let altinn = Altinn::plain().await;
    let bank = altinn.caller(BANK).await;
    for path in ["", "/details", "/download"] {
        let answer = bank.get(&format!("/{NOBODY}{path}")).await;
        assert_eq!(refused(answer).await, code(404, 1), "{path}");
    }
    let answer = bank.post(&format!("/{NOBODY}/confirmdownload")).await;
    assert_eq!(refused(answer).await, code(404, 1));
    assert_eq!(refused(bank.upload(NOBODY, b"a").await).await, code(404, 1));
    assert_eq!(refused(bank.get("/no-uuid").await).await, (400, String::new()));
}

#[tokio::test]
async fn a_strangers_transfer_is_6() {
    let altinn = Altinn::plain().await;
    let (agent, stranger) = (altinn.caller(AGENT).await, altinn.caller(OTHER).await);
    let bank = altinn.caller(BANK).await;
    let id = agent.initialise(BANK).await;
    assert_eq!(refused(stranger.upload(&id, b"a").await).await, code(401, 6));
    assert_eq!(refused(bank.upload(&id, b"a").await).await, code(401, 6));
    agent.upload(&id, b"a").await;
    agent.until(&id, "Published").await;
    for path in ["", "/details", "/download"] {
        let answer = stranger.get(&format!("/{id}{path}")).await;
        assert_eq!(refused(answer).await, code(401, 6), "{path}");
    }
    for caller in [&stranger, &agent] {
        let answer = caller.post(&format!("/{id}/confirmdownload")).await;
        assert_eq!(refused(answer).await, code(401, 6));
        let answer = caller.get(&format!("/{id}/download")).await;
        assert_eq!(refused(answer).await, code(401, 6));
    }
    assert!(stranger.list("").await.is_empty());
    let mut spoofed = agent.announcement(BANK);
    spoofed["sender"] = json!(format!("0192:{OTHER}"));
    assert_eq!(refused(agent.announce(&spoofed).await).await, code(401, 6));
}

#[tokio::test]
async fn what_the_resource_does_not_allow_has_its_codes() {
    let resource = |id: &str, change: fn(&mut ResourceConfig)| {
        let mut resource = ResourceConfig::open(id);
        change(&mut resource);
        resource
    };
    let config: Config = config()
        .with_resource(resource("no-owner", |one| one.owner_configured = false))
        .with_resource(resource("no-storage", |one| one.storage_ready = false))
        .with_resource(resource("rights", |one| one.rights = Some(vec![organisation(BANK)])))
        .with_resource(resource("listed", |one| one.access_list = Some(vec![organisation(OTHER)])))
        .with_resource(resource("party", |one| one.required_party = Some(organisation(OTHER))));
    let altinn = Altinn::start(config).await;
    let agent = altinn.caller(AGENT).await;
    for (id, expected) in [
        ("unknown", code(403, 5)),
        ("no-owner", code(400, 2)),
        ("no-storage", code(503, 21)),
        ("rights", code(401, 6)),
        ("listed", code(400, 28)),
        ("party", code(400, 26)),
    ] {
        let mut body = agent.announcement(BANK);
        body["resourceId"] = json!(id);
        assert_eq!(refused(agent.announce(&body).await).await, expected, "{id}");
        body["recipients"] = json!([format!("0192:{OTHER}")]);
        let works = matches!(id, "listed" | "party");
        assert_eq!(agent.announce(&body).await.status() == 200, works, "{id}");
    }
    assert_eq!(refused(agent.get("?resourceId=unknown").await).await, code(403, 5));
    assert_eq!(refused(agent.get("?resourceId=rights").await).await, code(401, 6));
}

#[tokio::test]
async fn uploads_that_are_refused_have_their_codes() {
    let mut small = ResourceConfig::open("small");
    small.largest_file = Some(4);
    let altinn = Altinn::start(config().with_resource(small)).await;
    let agent = altinn.caller(AGENT).await;
    let initialise = async |change: Value| {
        let mut body = agent.announcement(BANK);
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let answer: Value = agent.announce(&body).await.json().await.unwrap();
        answer["fileTransferId"].as_str().unwrap().to_owned()
    };
    let id = initialise(json!({ "resourceId": "small" })).await;
    assert_eq!(refused(agent.upload(&id, b"12345").await).await, code(400, 16));
    let empty = agent.call(Method::POST, &format!("/{id}/upload"));
    let empty = empty.header("content-type", "application/octet-stream");
    assert_eq!(empty.try_clone().unwrap().send().await.unwrap().status(), 411);
    let empty = empty.header("content-length", "0").send().await.unwrap();
    assert_eq!(refused(empty).await, code(400, 3));
    let text = agent.call(Method::POST, &format!("/{id}/upload"));
    let text = text.header("content-type", "text/plain").body("a").send().await.unwrap();
    assert_eq!(text.status(), 415);
    assert_eq!(agent.upload(&id, b"1234").await.status(), 200);
    assert_eq!(refused(agent.upload(&id, b"1234").await).await, code(409, 4));
    let id = initialise(json!({ "checksum": "0".repeat(32) })).await;
    assert_eq!(refused(agent.upload(&id, b"a").await).await, code(400, 9));
    assert_eq!(agent.overview(&id).await["fileTransferStatus"], "Failed");
    let id = initialise(json!({ "checksum": "0cc175b9c0f1b6a831c399e269772661" })).await;
    assert_eq!(agent.upload(&id, b"a").await.status(), 200);
    agent.until(&id, "Published").await;
    altinn.switch(json!({ "failed_uploads": 1 })).await;
    let id = initialise(json!({})).await;
    assert_eq!(refused(agent.upload(&id, b"a").await).await, code(500, 8));
    assert_eq!(agent.overview(&id).await["fileTransferStatus"], "Failed");
}

#[tokio::test]
async fn an_infected_file_fails_with_a_text_and_is_never_published() {
    let altinn = Altinn::plain().await;
    let (agent, bank) = (altinn.caller(AGENT).await, altinn.caller(BANK).await);
    let id = agent.initialise(BANK).await;
    agent.upload(&id, b"X5O$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*").await;
    let seen = agent.until(&id, "Failed").await;
    assert!(seen["fileTransferStatusText"].as_str().unwrap().contains("Malware"));
    assert!(bank.list("&status=Published").await.is_empty());
    assert_eq!(refused(bank.get(&format!("/{id}/download")).await).await, code(403, 7));
}

#[tokio::test]
async fn what_comes_too_early_has_its_codes() {
    let altinn = Altinn::start(config().with_scan_millis(600_000)).await;
    let (agent, bank) = (altinn.caller(AGENT).await, altinn.caller(BANK).await);
    let id = agent.initialise(BANK).await;
    let (download, confirm) = (format!("/{id}/download"), format!("/{id}/confirmdownload"));
    assert_eq!(refused(bank.get(&download).await).await, code(403, 7));
    assert_eq!(refused(bank.post(&confirm).await).await, code(400, 3));
    agent.upload(&id, b"a").await;
    assert_eq!(agent.overview(&id).await["fileTransferStatus"], "UploadProcessing");
    assert_eq!(refused(bank.get(&download).await).await, code(403, 7));
    assert_eq!(refused(bank.post(&confirm).await).await, code(400, 10));
    let cancel = format!("{}/simulator/cancel/{id}", agent.base);
    assert_eq!(altinn.client.post(&cancel).send().await.unwrap().status(), 204);
    assert_eq!(altinn.client.post(&cancel).send().await.unwrap().status(), 409);
    assert_eq!(agent.overview(&id).await["fileTransferStatus"], "Cancelled");
}

#[rstest]
#[case::no_name("fileName", Value::Null)]
#[case::empty_name("fileName", json!(""))]
#[case::long_name("fileName", json!("a".repeat(256)))]
#[case::no_resource("resourceId", Value::Null)]
#[case::no_reference("sendersFileTransferReference", Value::Null)]
#[case::long_reference("sendersFileTransferReference", json!("a".repeat(4097)))]
#[case::bare_sender("sender", json!(AGENT))]
#[case::no_recipients("recipients", json!([]))]
#[case::recipients_twice("recipients", json!(["0192:926018159", "0192:926018159"]))]
#[case::a_recipient_that_is_none("recipients", json!(["926018159"]))]
#[case::many_properties("propertyList",
    (0..11).map(|at| (format!("k{at}"), json!("v"))).collect())]
#[case::long_key("propertyList", json!({ ("k".repeat(51)): "v" }))]
#[case::long_value("propertyList", json!({ "k": "v".repeat(3001) }))]
#[case::a_property_that_is_no_text("propertyList", json!({ "k": 1 }))]
#[case::capitals_in_the_checksum("checksum", json!("0CC175B9C0F1B6A831C399E269772661"))]
#[case::short_checksum("checksum", json!("0cc1"))]
#[case::scan_that_is_no_truth("disableVirusScan", json!("no"))]
#[tokio::test]
async fn a_wrong_field_is_named(#[case] field: &str, #[case] value: Value) {
    let altinn = Altinn::plain().await;
    let agent = altinn.caller(AGENT).await;
    let mut body = agent.announcement(BANK);
    body[field] = value;
    let answer = agent.announce(&body).await;
    assert_eq!(answer.status(), 400);
    let told: Value = answer.json().await.unwrap();
    assert!(told["errors"][field][0].is_string(), "{told}");
    assert_eq!(told["errors"].as_object().unwrap().len(), 1, "{told}");
}

#[tokio::test]
async fn the_longest_fields_both_spellings_and_unknown_fields_are_taken() {
    let altinn = Altinn::plain().await;
    let agent = altinn.caller(AGENT).await;
    let mut body = agent.announcement(BANK);
    let value = "ø".repeat(3000);
    let properties: Value =
        (0..10).map(|at| (format!("{at}{}", "k".repeat(49)), json!(value))).collect();
    body["fileName"] = json!("å".repeat(255));
    body["sendersFileTransferReference"] = json!("a".repeat(4096));
    body["propertyList"] = properties.clone();
    body["recipients"] =
        json!([format!("urn:altinn:organization:identifier-no:{BANK}"), format!("0192:{OTHER}"),]);
    body["checksum"] = json!("");
    body["notKnown"] = json!({ "a": 1 });
    let answer = agent.announce(&body).await;
    assert_eq!(answer.status(), 200);
    let answer: Value = answer.json().await.unwrap();
    let seen = agent.overview(answer["fileTransferId"].as_str().unwrap()).await;
    assert_eq!(seen["propertyList"], properties);
    assert_eq!(seen["recipients"][0]["recipient"], format!("0192:{BANK}"));
    let text = agent.call(Method::POST, "").header("content-type", "text/plain").body("{}");
    assert_eq!(text.send().await.unwrap().status(), 415);
    let broken = agent.call(Method::POST, "").header("content-type", "application/json").body("{");
    assert_eq!(refused(broken.send().await.unwrap()).await, (400, String::new()));
    assert_eq!(agent.call(Method::PUT, "").send().await.unwrap().status(), 405);
}

#[tokio::test]
async fn what_is_kept_has_a_limit() {
    let mut config = config();
    config.limits.transfers = 2;
    config.limits.kept_bytes = 5;
    let altinn = Altinn::start(config).await;
    let agent = altinn.caller(AGENT).await;
    let (first, second) = (agent.initialise(BANK).await, agent.initialise(BANK).await);
    let answer = agent.announce(&agent.announcement(BANK)).await;
    assert_eq!(refused(answer).await, code(503, 21));
    assert_eq!(agent.upload(&first, b"123").await.status(), 200);
    assert_eq!(refused(agent.upload(&second, b"123").await).await, code(503, 21));
    assert_eq!(agent.upload(&second, b"12").await.status(), 200);
    assert_eq!(agent.list("").await.len(), 2);
}

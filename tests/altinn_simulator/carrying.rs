//! A file's way from sender to recipient, and what is told of it.

use reqwest::Method;
use serde_json::Value;

use crate::caller::{AGENT, Altinn, BANK, refused};

#[tokio::test]
async fn a_file_goes_from_sender_to_recipient() {
    let altinn = Altinn::plain().await;
    let (agent, bank) = (altinn.caller(AGENT).await, altinn.caller(BANK).await);
    let id = agent.send(BANK, b"a question").await;
    let waiting = "&status=Published&recipientStatus=Initialized&role=Recipient";
    assert_eq!(bank.list(waiting).await, [id.as_str()]);
    let seen = bank.overview(&id).await;
    assert_eq!(seen["propertyList"]["messageType"], "Restgjeldsforespoersel");
    assert_eq!(
        (seen["sender"].as_str(), seen["fileTransferSize"].as_u64()),
        (Some("0192:910753614"), Some(10))
    );
    let answer = bank.post(&format!("/{id}/confirmdownload")).await;
    assert_eq!(refused(answer).await, (400, "BRO-00019".to_owned()));
    let answer = bank.get(&format!("/{id}/download")).await;
    assert_eq!(answer.headers()["content-type"], "application/octet-stream");
    assert_eq!(answer.text().await.unwrap(), "a question");
    assert_eq!(bank.list(waiting).await, Vec::<String>::new());
    assert_eq!(bank.list("&status=Published&recipientStatus=DownloadStarted").await, [id.as_str()]);
    for _ in 0..2 {
        let answer = bank.post(&format!("/{id}/confirmdownload")).await;
        assert_eq!((answer.status().as_u16(), answer.text().await.unwrap()), (200, String::new()));
    }
    let details: Value = agent.get(&format!("/{id}/details")).await.json().await.unwrap();
    let names = |list: &str, key: &str| -> Vec<String> {
        let list = details[list].as_array().unwrap().iter();
        list.map(|change| change[key].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        names("fileTransferStatusHistory", "fileTransferStatus"),
        ["Initialized", "UploadStarted", "UploadProcessing", "Published", "AllConfirmedDownloaded"]
    );
    assert_eq!(
        names("recipientFileTransferStatusHistory", "recipientFileTransferStatusCode"),
        ["Initialized", "DownloadStarted", "DownloadConfirmed"]
    );
    assert_eq!(agent.call(Method::HEAD, &format!("/{id}")).send().await.unwrap().status(), 405);
}

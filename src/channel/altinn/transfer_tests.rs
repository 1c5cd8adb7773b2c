//! What is read of Altinn's words, and what may be sent.

use super::*;

const BANK: &str = "926018159";

#[rstest::rstest]
#[case::iso("0192:926018159", Some(BANK))]
#[case::urn("urn:altinn:organization:identifier-no:926018159", Some(BANK))]
#[case::urn_in_capitals("URN:altinn:organization:identifier-no:926018159", Some(BANK))]
#[case::bare("926018159", Some(BANK))]
#[case::person("urn:altinn:person:identifier-no:926018159", None)]
#[case::other_scheme("9908:926018159", None)]
#[case::short("0192:92601815", None)]
#[case::empty("", None)]
#[case::not_ascii("0192æ926018159", None)]
fn an_organisation_is_read_in_both_spellings(#[case] text: &str, #[case] number: Option<&str>) {
    let party = Party::read(text);
    assert_eq!(party.organisation.as_ref().map(OrganisationId::number), number);
    assert_eq!(party.written, text);
}

#[test]
fn a_status_that_is_not_known_is_unknown_and_every_known_one_reads_back() {
    for status in TransferStatus::KNOWN {
        let text = format!("\"{}\"", status.as_str());
        assert_eq!(serde_json::from_str::<TransferStatus>(&text).unwrap(), *status);
    }
    for text in ["\"Quarantined\"", "\"Unknown\"", "null"] {
        assert_eq!(serde_json::from_str::<TransferStatus>(text).unwrap(), TransferStatus::Unknown);
    }
    let started: RecipientStatus = serde_json::from_str("\"downloadStarted\"").unwrap();
    assert_eq!(started, RecipientStatus::DownloadStarted);
}

#[test]
fn an_overview_is_read_with_what_is_there() {
    let whole: Overview = serde_json::from_value(serde_json::json!({
        "fileTransferId": "0b1d1d7e-5c1f-4a6e-9d0b-3f6a1e2c4b5d",
        "resourceId": "kv_dsve", "fileName": "a.zip", "sendersFileTransferReference": "r",
        "checksum": null, "useVirusScan": true, "fileTransferSize": 1234,
        "fileTransferStatus": "Published", "fileTransferStatusText": null,
        "fileTransferStatusChanged": "2026-11-20T10:00:00.1234567+00:00",
        "created": "2026-11-20T10:00:00Z", "expirationTime": "2026-12-20T10:00:00Z",
        "sender": "0192:926018159",
        "recipients": [{ "recipient": "urn:altinn:organization:identifier-no:918190937",
            "currentRecipientFileTransferStatusCode": "DownloadStarted",
            "currentRecipientFileTransferStatusText": "x",
            "currentRecipientFileTransferStatusChanged": "2026-11-20T10:00:00Z" }],
        "propertyList": { "messageType": "Restgjeldssvar", "status": null },
        "somethingNew": {}
    }))
    .unwrap();
    assert_eq!(whole.status, TransferStatus::Published);
    assert!(whole.status_changed > whole.created && whole.published.is_none());
    let receiver = "918190937".parse().unwrap();
    assert_eq!(whole.status_for(&receiver), Some(RecipientStatus::DownloadStarted));
    assert_eq!(whole.status_for(&BANK.parse().unwrap()), None);
    assert_eq!(whole.properties.get("messageType").map(String::as_str), Some("Restgjeldssvar"));

    let least: Overview = serde_json::from_value(serde_json::json!({
        "fileTransferId": "0b1d1d7e-5c1f-4a6e-9d0b-3f6a1e2c4b5d",
        "fileTransferStatus": "Published", "created": "yesterday", "propertyList": null
    }))
    .unwrap();
    assert!(least.created.is_none() && least.properties.is_empty() && least.recipients.is_empty());
}

#[test]
fn a_history_is_read() {
    let details: Details = serde_json::from_value(serde_json::json!({
        "fileTransferId": "0b1d1d7e-5c1f-4a6e-9d0b-3f6a1e2c4b5d", "fileTransferStatus": "Purged",
        "fileTransferStatusHistory": [{ "fileTransferStatus": "Published" }],
        "recipientFileTransferStatusHistory": []
    }))
    .unwrap();
    let published = Past { status: TransferStatus::Published };
    assert_eq!(
        (details.overview.status, details.history),
        (TransferStatus::Purged, vec![published])
    );
}

#[rstest::rstest]
#[case::ten(10, 50, 3000, true)]
#[case::eleven(11, 5, 5, false)]
#[case::long_name(1, 51, 5, false)]
#[case::long_value(1, 5, 3001, false)]
#[case::empty_value(1, 5, 0, true)]
fn properties_keep_altinns_limits(
    #[case] count: usize,
    #[case] key: usize,
    #[case] value: usize,
    #[case] fits: bool,
) {
    let all = (0..count).map(|number| (format!("{number:0>key$}"), "å".repeat(value)));
    assert_eq!(PropertyList::new(all).is_ok(), fits);
}

#[test]
fn a_parcel_keeps_altinns_limits_and_prints_no_bytes() {
    let parcel = |name: &str, reference: &str| {
        let to = BANK.parse().unwrap();
        Parcel::new(name, reference, to, PropertyList::default(), b"secret".to_vec())
    };
    assert_eq!(parcel("", "r").unwrap_err(), InvalidParcel::FileName);
    assert_eq!(parcel(&"a".repeat(256), "r").unwrap_err(), InvalidParcel::FileName);
    assert_eq!(parcel("a", "").unwrap_err(), InvalidParcel::Reference);
    assert_eq!(parcel("a", &"r".repeat(4097)).unwrap_err(), InvalidParcel::Reference);
    let good = parcel(&"a".repeat(255), &"r".repeat(4096)).unwrap();
    assert!(!format!("{good:?}").contains("secret"));
}

#[test]
fn a_checksum_is_md5_in_lower_case() {
    // RFC 1321, appendix A.5.
    assert_eq!(Checksum::of(b"abc").as_str(), "900150983cd24fb0d6963f7d28e17f72");
}

//! Events as Altinn posts them, and everything else that may be posted there.

use std::sync::Mutex;

use axum::body::{Body, to_bytes};
use serde_json::json;
use tower::ServiceExt as _;

use super::*;

const SECRET: &str = "a-secret-that-nobody-can-guess-0123456789";
const CLOUD_EVENTS: &str = "application/cloudevents+json; charset=utf-8";

/// Who was looked for.
type Looks = Arc<Mutex<Vec<Option<String>>>>;

fn door() -> (Router, Looks) {
    let looks = Looks::default();
    let noted = Arc::clone(&looks);
    let wake = move |organisation: Option<OrganisationId>| {
        noted.lock().unwrap().push(organisation.map(|one| one.number().to_owned()));
    };
    (router(Secret::new(SECRET), Arc::new(wake)), looks)
}

/// What an event with these attributes beside the required ones is answered, and who is looked for.
async fn told(more: Value) -> Vec<Option<String>> {
    let mut event = json!({
        "specversion": "1.0",
        "id": "1faa107f-3c0a-4fa6-9fce-7cee8838e258",
        "source": "https://platform.tt02.altinn.no/broker/api/v1/filetransfer",
        "type": PUBLISHED,
    });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let (status, _, looks) = post_body(SECRET, CLOUD_EVENTS, event.to_string()).await;
    assert_eq!(status, 200);
    looks
}

async fn post_body(
    secret: &str,
    content_type: &str,
    body: impl Into<Body>,
) -> (u16, String, Vec<Option<String>>) {
    let (router, looks) = door();
    let request = Request::post(format!("/altinn/events/{secret}"));
    let request = request.header(CONTENT_TYPE, content_type).body(body.into()).unwrap();
    let response = router.oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    if status != 200 {
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
    }
    let body = to_bytes(response.into_body(), 10_000).await.unwrap();
    let looks = looks.lock().unwrap().clone();
    (status, String::from_utf8(body.to_vec()).unwrap(), looks)
}

#[rstest::rstest]
#[case::urn("urn:altinn:organization:identifier-no:926018159", Some("926018159"))]
#[case::scheme("0192:926018159", Some("926018159"))]
#[case::path("/organisation/926018159", Some("926018159"))]
#[case::party("/party/50015641", None)]
#[case::person("/person/01017012345", None)]
#[case::too_long("/organisation/9260181590", None)]
#[case::nothing("", None)]
#[tokio::test]
async fn an_event_makes_innfri_look_for_its_subject_or_else_for_all(
    #[case] subject: &str,
    #[case] expected: Option<&str>,
) {
    assert_eq!(told(json!({ "subject": subject })).await, [expected.map(str::to_owned)]);
}

#[rstest::rstest]
#[case::no_subject(json!({}))]
#[case::null(json!({ "subject": null, "data": null }))]
#[case::other_data(json!({ "data": ["Sender"] }))]
#[case::receiver(json!({ "data": { "Role": "Recipient" } }))]
#[case::capitals(json!({ "type": "no.altinn.broker.Published" }))]
#[tokio::test]
async fn an_event_that_tells_less_makes_innfri_look_for_all(#[case] event: Value) {
    assert_eq!(told(event).await, [None]);
}

#[rstest::rstest]
#[case::for_the_sender(json!({ "subject": "0192:926018159", "data": { "Role": "Sender" } }))]
#[case::in_small_letters(json!({ "data": { "role": "sender" } }))]
#[case::confirmed(json!({ "type": "no.altinn.broker.downloadconfirmed" }))]
#[case::made(json!({ "type": "no.altinn.broker.filetransferinitialized" }))]
#[case::trial(json!({ "type": "platform.events.validatesubscription" }))]
#[case::of_another_service(json!({ "type": "no.altinn.correspondence.correspondencepublished" }))]
#[tokio::test]
async fn an_event_after_which_there_is_nothing_to_fetch_is_answered_and_left(#[case] event: Value) {
    assert_eq!(told(event).await, []);
}

#[tokio::test]
async fn plain_json_will_do_and_other_forms_are_refused() {
    let event = json!({ "specversion": "1.0", "id": "1", "source": "s", "type": PUBLISHED });
    for (form, status) in [
        ("application/json", 200),
        ("APPLICATION/JSON ; charset=utf-8", 200),
        ("text/plain", 415),
        ("application/cloudevents-batch+json", 415),
    ] {
        let (answered, _, looks) = post_body(SECRET, form, event.to_string()).await;
        assert_eq!((answered, looks.len()), (status, usize::from(status == 200)), "{form}");
    }
}

#[rstest::rstest]
#[case::another("a-secret-that-nobody-can-guess-0123456780")]
#[case::shorter("a-secret-that-nobody-can-guess")]
#[case::longer("a-secret-that-nobody-can-guess-01234567890")]
#[case::no_text("%ff%fe")]
#[tokio::test]
async fn whoever_does_not_know_the_secret_finds_nothing(#[case] secret: &str) {
    // Not even what is no event is looked at.
    let (status, said, looks) = post_body(secret, "text/plain", "Hemmelig").await;
    assert_eq!((status, looks), (404, vec![]));
    assert!(said.contains("urn:innfri:problem:not-found") && !said.contains(secret), "{said}");
}

#[tokio::test]
async fn only_what_is_posted_is_looked_at() {
    let (router, looks) = door();
    let request = Request::get(format!("/altinn/events/{SECRET}")).body(Body::empty()).unwrap();
    assert_eq!(router.oneshot(request).await.unwrap().status(), 404);
    assert!(looks.lock().unwrap().is_empty());
}

#[rstest::rstest]
#[case::no_json("Hemmelig")]
#[case::empty("")]
#[case::no_object("[]")]
#[case::no_version(r#"{"id":"1","source":"s","type":"no.altinn.broker.published"}"#)]
#[case::other_version(
    r#"{"specversion":"0.3","id":"1","source":"s","type":"no.altinn.broker.published"}"#
)]
#[case::no_id(r#"{"specversion":"1.0","id":" ","source":"s","type":"no.altinn.broker.published"}"#)]
#[case::no_type(r#"{"specversion":"1.0","id":"1","source":"s"}"#)]
#[case::capitals(
    r#"{"SpecVersion":"1.0","Id":"1","Source":"s","Type":"no.altinn.broker.published"}"#
)]
#[case::subject_is_no_text(
    r#"{"specversion":"1.0","id":"1","source":"s","type":"no.altinn.broker.published","subject":{}}"#
)]
#[tokio::test]
async fn what_is_no_event_is_refused_without_being_quoted(#[case] body: &'static str) {
    let (status, said, looks) = post_body(SECRET, CLOUD_EVENTS, body).await;
    assert_eq!((status, looks), (400, vec![]));
    assert!(said.contains("urn:innfri:problem:bad-request"), "{said}");
    assert!(!said.contains(SECRET) && !said.contains("Hemmelig"), "{said}");
}

#[tokio::test]
async fn an_event_may_be_so_large_and_no_larger() {
    let event = |bytes: usize| {
        let head = r#"{"specversion":"1.0","id":"1","source":"s","type":"x","data":""#;
        format!("{head}{}\"}}", "x".repeat(bytes - head.len() - 2))
    };
    assert_eq!(post_body(SECRET, CLOUD_EVENTS, event(MOST_BYTES)).await.0, 200);
    let (status, said, _) = post_body(SECRET, CLOUD_EVENTS, event(MOST_BYTES + 1)).await;
    assert!(status == 413 && said.contains("65536"), "{said}");
    // Its size may not be told.
    let parts = [event(MOST_BYTES), " ".to_owned()].map(Ok::<_, std::io::Error>);
    let body = Body::from_stream(futures_util::stream::iter(parts));
    assert_eq!(post_body(SECRET, CLOUD_EVENTS, body).await.0, 413);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_does_not_come_is_not_waited_for() {
    let never = futures_util::stream::pending::<Result<Bytes, std::io::Error>>();
    let (status, said, _) = post_body(SECRET, CLOUD_EVENTS, Body::from_stream(never)).await;
    assert!(status == 400 && said.contains("in time"), "{said}");
}

#[test]
fn a_secret_is_long_and_fits_into_an_address() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.secret");
    let mut config: AltinnConfig = toml::from_str(
        r#"
        platform_url = "https://platform.altinn.no"
        resource_id = "kv_dsve"
        organisations = ["926018159"]
        maskinporten = { issuer = "i", client_id = "c", key_file = "k", key_id = "n" }
        "#,
    )
    .unwrap();
    assert!(read_secret(&config).unwrap().is_none());
    config.events_secret_file = Some(file.clone());
    assert!(read_secret(&config).unwrap_err().to_string().contains("events.secret"));
    for (text, is_good) in [
        ("0123456789abcdef0123456789ABCD-_\n", true),
        ("0123456789abcdef0123456789ABCDE", false),
        ("0123456789abcdef/0123456789ABCDEF", false),
        ("0123456789abcdef 0123456789ABCDEF", false),
        ("0123456789abcdefå0123456789ABCDEF", false),
        ("0123456789abcdef\n0123456789ABCDEF", false),
    ] {
        std::fs::write(&file, text).unwrap();
        match read_secret(&config) {
            Ok(secret) => assert!(is_good && secret.unwrap().expose() == text.trim(), "{text:?}"),
            Err(error) => {
                assert!(!is_good, "{text:?}");
                assert!(!error.to_string().contains("0123456789"), "{error}");
            }
        }
    }
}

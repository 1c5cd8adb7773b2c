//! What an operator asks of the journal, with the built program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops at what it did not expect"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use assert_cmd::cargo::CommandCargoExt;
use innfri::case::{Case, CaseState, Delivery, Event, Purpose};
use innfri::contract::{Body, MessageType};
use innfri::journal::JournalConfig;
use innfri::kernel::{CaseId, ChannelName, DeliveryId, Digest, MessageId, OrganisationId};
use innfri::port::journal::CaseChange;
use innfri::port::{Claim, Decision, Disposition};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;
use uuid::Uuid;

const DIRECTORY: &str = r#"
[[participant]]
id = "926018159"
name = "Eksempel Eiendomsmegling"
role = "estate-agency"

[[participant]]
id = "918190937"
name = "Testvik Sparebank"
role = "bank"

[participant.delivery]
retry_first_seconds = 7
retry_longest_seconds = 7
give_up_after_seconds = 777
answer_within_seconds = { "no.dsve.restgjeldsforespoersel.v1" = 3600 }
"#;

struct Installation {
    folder: TempDir,
    settings: PathBuf,
    database: PathBuf,
}

/// Years ago, so that it is past wherever the test runs.
fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_577_880_000 + second).unwrap()
}

fn agency() -> OrganisationId {
    "926018159".parse().unwrap()
}

fn bank() -> OrganisationId {
    "918190937".parse().unwrap()
}

fn case_id(number: u128) -> CaseId {
    CaseId::of(&agency(), &MessageId::from_uuid(Uuid::from_u128(number)))
}

/// A case of the bank, answered after so many seconds, or still open.
fn decision(number: u128, opened_at: Timestamp, answered_after: Option<i64>) -> Decision {
    let id = case_id(number);
    let request_type = MessageType::Restgjeldsforespoersel;
    let request = Body { message_type: request_type, json: b"{}".to_vec() };
    let mut case = Case {
        id,
        request_type,
        request_id: None,
        forwarded_as: DeliveryId::of(&id, "request"),
        asker: agency(),
        reply_to: agency(),
        bank: Some(bank()),
        reference: format!("OPPDRAG-{number}"),
        opened_at,
        state: CaseState::Open,
        version: 0,
        head: Digest::ZERO,
    };
    let opened = Event::Opened {
        message_type: request_type,
        asker: agency(),
        bank: Some(bank()),
        channel: ChannelName::Amqp,
        login: None,
        digest: Digest::of(&[request_type.name().as_bytes(), &request.json]).to_string(),
    };
    let mut events = vec![case.record(opened, opened_at).unwrap()];
    if let Some(seconds) = answered_after {
        let answered = Event::Answered {
            revision: 1,
            message_type: MessageType::Restgjeldssvar,
            message_id: MessageId::from_uuid(Uuid::from_u128(9000 + number)),
        };
        events.push(case.record(answered, opened_at + SignedDuration::from_secs(seconds)).unwrap());
    }
    Decision {
        case: Some(id),
        deliveries: vec![Delivery {
            id: case.forwarded_as,
            case: Some(id),
            purpose: Purpose::Request,
            to: bank(),
            body: request.clone(),
            correlation_id: None,
            traceparent: None,
        }],
        change: Some(CaseChange { case, expected: None, events, request: Some(request) }),
        ..Decision::none(Disposition::Accepted)
    }
}

impl Installation {
    async fn with(decisions: &[Decision]) -> Self {
        let folder = TempDir::new().unwrap();
        let database = folder.path().join("innfri.db");
        let directory = folder.path().join("directory.toml");
        let settings = folder.path().join("innfri.toml");
        std::fs::write(&directory, DIRECTORY).unwrap();
        let text = format!(
            "[journal]\nurl = \"sqlite:{}\"\n[directory]\nfile = \"{}\"\n",
            database.display(),
            directory.display()
        );
        std::fs::write(&settings, text).unwrap();
        let url = format!("sqlite:{}", database.display());
        let journal = innfri::journal::open(&JournalConfig::at(url)).await.unwrap();
        let lease = SignedDuration::from_secs(60);
        let claim = Claim { owner: Uuid::nil(), now: at(0), lease };
        journal.commit(decisions, &claim).await.unwrap();
        Self { folder, settings, database }
    }

    /// Exit code and output.
    fn run(&self, arguments: &[&str]) -> (i32, String) {
        let output = Command::cargo_bin("innfri")
            .unwrap()
            .args(arguments)
            .arg("--config")
            .arg(&self.settings)
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let complained = String::from_utf8_lossy(&output.stderr);
        (output.status.code().unwrap(), format!("{said}{complained}"))
    }

    async fn raw(&self, sql: &'static str) {
        let url = format!("sqlite:{}", self.database.display());
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_is_sealed_verified_and_compared_with_a_copy() {
    let decisions: Vec<Decision> = (1..=3).map(|n| decision(n, at(0), Some(60))).collect();
    let installation = Installation::with(&decisions).await;
    let (code, sealed) = installation.run(&["journal", "seal"]);
    assert_eq!((code, sealed.lines().count()), (0, 1), "{sealed}");
    let (_, heads) = installation.run(&["journal", "heads"]);
    assert_eq!(heads, sealed);
    let copy = installation.path("heads.txt");
    std::fs::write(&copy, &heads).unwrap();
    let with_copy = ["journal", "verify", "--heads", text(&copy)];
    let (code, said) = installation.run(&with_copy);
    assert_eq!((code, said.contains("3 cases, 6 events, 1 sealed days")), (0, true), "{said}");

    installation.raw("UPDATE cases SET outcome_by = 'innfri' WHERE reference = 'OPPDRAG-2'").await;
    let (code, said) = installation.run(&["journal", "verify"]);
    let named = said.contains(&case_id(2).to_string()) && said.contains("outcome_by");
    assert_eq!((code, named), (1, true), "{said}");
    let (code, said) = installation.run(&["journal", "verify", "--json"]);
    let found: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &found["firstBreak"]["flaw"]), (1, &"case_differs".into()));

    installation.raw("UPDATE cases SET outcome_by = 'bank'").await;
    installation.raw("DROP TRIGGER day_heads_are_not_deleted; DELETE FROM day_heads").await;
    assert_eq!(installation.run(&["journal", "verify"]).0, 0, "nothing is left to see");
    let (code, said) = installation.run(&with_copy);
    assert_eq!((code, said.contains("2020-01-01")), (1, true), "{said}");

    std::fs::write(&copy, "nonsense\n").unwrap();
    let (code, said) = installation.run(&with_copy);
    assert_eq!((code, said.contains("heads.txt, line 1")), (2, true), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_case_that_waits_longer_than_usual_is_marked_and_found_behind_many_others() {
    let mut decisions: Vec<Decision> =
        (1..=20).map(|number| decision(number, at(0), Some(3600))).collect();
    decisions.push(decision(100, at(10), None));
    let far_ahead: Timestamp = "2200-01-01T00:00:00Z".parse().unwrap();
    decisions.extend((200..=330).map(|number| decision(number, far_ahead, None)));
    let installation = Installation::with(&decisions).await;
    let (code, said) = installation.run(&["case", "list", "--late", "--json"]);
    let late: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((code, late.len()), (0, 1), "{said}");
    assert_eq!((&late[0]["reference"], &late[0]["late"]), (&"OPPDRAG-100".into(), &true.into()));
    let (_, said) = installation.run(&["case", "list", "--open", "--limit", "500"]);
    let marked: Vec<&str> = said.lines().filter(|line| line.contains("LATE")).collect();
    assert_eq!((marked.len(), marked[0].contains("OPPDRAG-100")), (1, true), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_story_shows_the_receivers_own_schedule_and_the_mark() {
    let mut decisions: Vec<Decision> =
        (1..=20).map(|number| decision(number, at(0), Some(3600))).collect();
    decisions.push(decision(100, at(10), None));
    let installation = Installation::with(&decisions).await;
    let id = case_id(100).to_string();
    let (code, said) = installation.run(&["case", "show", &id]);
    assert_eq!((code, said.contains("open, LATE, revision 0")), (0, true), "{said}");
    assert!(said.contains("7 s, 7 s, 7 s, 7 s …, given up after 777 s"), "{said}");

    std::fs::remove_file(installation.path("directory.toml")).unwrap();
    let (code, said) = installation.run(&["case", "show", &id]);
    assert_eq!((code, said.contains("2 s, 4 s, 8 s, 16 s …")), (0, true), "{said}");
}

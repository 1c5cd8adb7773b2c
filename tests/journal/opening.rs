//! What only one of the stores does: permissions, refusals with advice, and a server that goes away.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use innfri::journal::{JournalConfig, OpenError};
use innfri::port::{CommitError, JournalError};
use tempfile::TempDir;

use crate::bench::{Bench, open, patient};
use crate::samples::*;
use crate::support::postgres::{PATIENCE, PostgreSql};

async fn refusal(url: String) -> OpenError {
    let config = JournalConfig { acquire_timeout_seconds: 20, ..JournalConfig::at(url) };
    match innfri::journal::open(&config).await {
        Ok(_) => panic!("it opened"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn only_the_owner_can_read_the_sqlite_files() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("innfri.db");
    let journal = open(&JournalConfig::at(format!("sqlite:{}", path.display()))).await;
    journal.commit(&[request(1)], &early()).await.unwrap();
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.file_name());
    }
}

#[tokio::test]
async fn a_refusal_says_what_to_do_and_not_the_password() {
    let directory = TempDir::new().unwrap();
    let nowhere = directory.path().join("none").join("innfri.db");
    let file = refusal(format!("sqlite:{}", nowhere.display())).await;
    assert!(matches!(file, OpenError::File { .. }) && file.to_string().contains("directory"));

    let text = directory.path().join("text");
    std::fs::write(&text, "this is no database, and long enough to be read as one ".repeat(40))
        .unwrap();
    let text = refusal(format!("sqlite:{}", text.display())).await;
    assert!(matches!(text, OpenError::Sqlite { .. }), "{text:?}");

    for address in
        ["", "mysql://u:hunter2@h/d", "sqlite:", "sqlite::memory:", "postgres://u:p@h:x/d"]
    {
        assert!(matches!(refusal(address.into()).await, OpenError::Address), "{address}");
    }
    let closed = refusal("postgres://u:hunter2@127.0.0.1:1/d".into()).await;
    assert!(matches!(closed, OpenError::Unreachable { .. }), "{closed:?}");
    assert!(
        closed.to_string().contains("127.0.0.1:1/d") && !format!("{closed:?}").contains("hunter2")
    );
    let config = JournalConfig { max_connections: 0, ..JournalConfig::at("sqlite:x") };
    let error = innfri::journal::open(&config).await.err().unwrap();
    assert_eq!(error.to_string(), "journal.max_connections must be 1 or more");
}

#[tokio::test]
async fn a_journal_of_a_newer_innfri_is_not_touched() {
    let bench = Bench::sqlite().await;
    bench.raw("UPDATE _sqlx_migrations SET version = 9999 WHERE version = 1").await.unwrap();
    let error = refusal(bench.config.url.expose().to_owned()).await;
    assert!(matches!(error, OpenError::Newer(9999)), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_and_a_missing_database_are_told_apart_from_a_dead_server() {
    let server = PostgreSql::start().await;
    let wrong = server.url().replace("innfri:a%20", "innfri:b%20");
    for (url, expected) in [(wrong, "28P01"), (server.url_of("none"), "3D000")] {
        let error = refusal(url).await;
        let OpenError::Refused { code, .. } = &error else { panic!("{error:?}") };
        assert_eq!(code, expected);
        assert!(!format!("{error} {error:?}").contains("password%20with"), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_goes_away_is_unavailable_and_comes_back_with_everything() {
    let server = PostgreSql::start().await;
    let config =
        JournalConfig { acquire_timeout_seconds: 2, ..patient(server.create_database().await) };
    let journal = open(&config).await;
    journal.commit(&[request(1)], &early()).await.unwrap();

    server.stop();
    for _ in 0..3 {
        let (group, claim) = ([request(2)], early());
        let down = tokio::time::timeout(PATIENCE, journal.commit(&group, &claim)).await;
        let down = down.expect("it does not hang");
        let unavailable =
            CommitError::Journal(JournalError::Unavailable(Box::new(std::fmt::Error)));
        assert_eq!(down.unwrap_err().to_string(), unavailable.to_string());
    }

    server.start_again();
    let back = async {
        while let Err(error) = journal.commit(&[request(3)], &early()).await {
            assert!(matches!(error, CommitError::Journal(JournalError::Unavailable(_))));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, back).await.expect("it comes back");
    assert_eq!(journal.counts().await.unwrap().open_cases, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_committed_survives_power_cuts() {
    let server = PostgreSql::start().await;
    let journal = open(&patient(server.create_database().await)).await;
    let mut kept = Vec::new();
    for round in 0..3_u32 {
        for number in round * 10..round * 10 + 10 {
            // A connection that died is replaced; at most a call on its way fails with it.
            loop {
                match journal.commit(&[request(number)], &early()).await {
                    Ok(()) | Err(CommitError::Conflict(_)) => break,
                    Err(CommitError::Journal(JournalError::Unavailable(_))) => (),
                    Err(other) => panic!("{other:?}"),
                }
            }
            kept.push(number);
        }
        server.restart_immediately();
    }
    let count = u64::try_from(kept.len()).unwrap();
    assert_eq!(journal.counts().await.unwrap().open_cases, count);
    for number in kept {
        assert!(journal.story(&case_id(number)).await.unwrap().is_some());
    }
}

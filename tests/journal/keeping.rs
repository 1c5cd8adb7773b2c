//! Durability, integrity and many at once.

use std::sync::Arc;
use std::time::Duration;

use innfri::case::DeadReason;
use innfri::kernel::Digest;
use innfri::port::Whose;
use innfri::port::{
    CaseFilter, CommitError, Counts, DeadLetterFilter, Decision, JournalError, Key,
};
use tokio::task::JoinSet;

use crate::bench::{Bench, open};
use crate::samples::*;

pub async fn opened_again_a_journal_holds_everything(bench: Bench) {
    let letter = letter(1, DeadReason::UnknownSender);
    bench.journal.commit(&[request(1), dead(letter.clone())], &early()).await.unwrap();
    let before = bench.journal.story(&case_id(1)).await.unwrap();
    let bench = bench.reopened().await;
    assert_eq!(bench.journal.story(&case_id(1)).await.unwrap(), before);
    let letters = bench.journal.dead_letters(&DeadLetterFilter::default()).await.unwrap();
    assert_eq!(letters, [letter]);
    let key = Key { inbox: Some((agent(), message(1))), ..Key::default() };
    assert_eq!(bench.journal.look_up(&[key]).await.unwrap()[0].inbox, Some(inbox(1)));
    assert_eq!(
        bench.journal.claim(&claim_at(1000, 9), 9, Whose::AllBut(&[])).await.unwrap().len(),
        1
    );
}

pub async fn events_are_never_changed(bench: Bench) {
    bench.journal.commit(&[request(1)], &early()).await.unwrap();
    let before = bench.journal.story(&case_id(1)).await.unwrap();
    for sql in ["UPDATE events SET json = '{}'", "DELETE FROM events"] {
        let error = bench.raw(sql).await.unwrap_err();
        assert!(error.to_string().contains("events are never"), "{error}");
    }
    assert_eq!(bench.journal.story(&case_id(1)).await.unwrap(), before);
}

pub async fn the_chain_of_events_holds_after_reading(bench: Bench) {
    bench.journal.commit(&[request(1)], &early()).await.unwrap();
    bench.journal.commit(&[follow(&new_case(1).0, feil(), 5)], &early()).await.unwrap();
    let story = bench.journal.story(&case_id(1)).await.unwrap().unwrap();
    let mut previous = Digest::ZERO;
    for event in &story.events {
        assert!(event.follows(&previous));
        previous = event.hash;
    }
    assert_eq!((story.events.len(), previous), (2, story.stored.case.head));
}

pub async fn a_row_that_cannot_be_read_is_named(bench: Bench) {
    let letter = letter(1, DeadReason::UnknownSender);
    bench.journal.commit(&[request(1), dead(letter.clone())], &early()).await.unwrap();
    bench.raw("UPDATE cases SET asker = 'Kari Nordmann'").await.unwrap();
    bench.raw("UPDATE deliveries SET attempts = -2").await.unwrap();
    bench.raw("UPDATE dead_letters SET last_at = 9223372036854775807").await.unwrap();

    let case = bench.journal.cases(&CaseFilter::default()).await.unwrap_err();
    let owed = bench.journal.claim(&claim_at(1000, 2), 9, Whose::AllBut(&[])).await.unwrap_err();
    let dead = bench.journal.dead_letters(&DeadLetterFilter::default()).await.unwrap_err();
    let expected = [
        (case, "cases", case_id(1).to_string(), "asker"),
        (owed, "deliveries", request_delivery(1).to_string(), "attempts"),
        (dead, "dead_letters", letter.id.to_string(), "last_at"),
    ];
    for (error, table, id, column) in expected {
        let JournalError::Corrupt(what) = error else { panic!("{error:?}") };
        assert_eq!(what, format!("{table} {id}: column {column}"));
    }
}

pub async fn eight_tasks_committing_at_once_lose_nothing(bench: Bench) {
    // Two journals on one store, as two processes would have.
    let journals = [Arc::clone(&bench.journal), open(&bench.config).await];
    let mut tasks = JoinSet::new();
    for task in 0..8_u32 {
        let journal = Arc::clone(&journals[(task % 2) as usize]);
        tasks.spawn(async move {
            let decisions: Vec<Decision> =
                (0..200).map(|number| request(task * 1000 + number)).collect();
            for group in decisions.chunks(20) {
                journal.commit(group, &early()).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    let counts = bench.journal.counts().await.unwrap();
    assert_eq!(counts, Counts { open_cases: 1600, owed_deliveries: 1600, dead_letters: 0 });
    let keys: Vec<Key> = (0..8_u32)
        .flat_map(|task| (0..200).map(move |number| task * 1000 + number))
        .map(|number| Key {
            inbox: Some((agent(), message(number))),
            case: Some(case_id(number)),
            ..Key::default()
        })
        .collect();
    let found = bench.journal.look_up(&keys).await.unwrap();
    assert!(found.iter().all(|found| found.inbox.is_some() && found.case.is_some()));
}

pub async fn one_of_many_that_change_a_case_at_once_wins(bench: Bench) {
    let cases = [1, 2, 3, 4];
    bench.journal.commit(&cases.map(request), &early()).await.unwrap();
    let other = open(&bench.config).await;
    let mut tasks = JoinSet::new();
    for task in 0..8_i64 {
        let journal = if task % 2 == 0 { Arc::clone(&bench.journal) } else { Arc::clone(&other) };
        tasks.spawn(async move {
            let mut group: Vec<Decision> =
                cases.map(|number| follow(&new_case(number).0, answered(1), task)).into();
            if task % 2 == 0 {
                group.reverse();
            }
            match journal.commit(&group, &early()).await {
                Ok(()) => true,
                Err(CommitError::Conflict(places)) => {
                    assert_eq!(places, [0, 1, 2, 3]);
                    false
                }
                Err(other) => panic!("{other:?}"),
            }
        });
    }
    let won = tasks.join_all().await;
    assert_eq!(won.iter().filter(|won| **won).count(), 1);
    for number in cases {
        let story = bench.journal.story(&case_id(number)).await.unwrap().unwrap();
        assert_eq!((story.stored.case.version, story.events.len()), (2, 2));
    }
}

pub async fn processes_that_start_together_do_not_collide(bench: Bench) {
    // An empty store next to the bench's: none of its tables are there yet.
    let drop_all = "DROP TABLE day_heads; DROP TABLE events; DROP TABLE inbox; DROP TABLE deliveries; \
                    DROP TABLE replays; DROP TABLE replay_runs; DROP TABLE letter_notes; \
                    DROP TABLE operator_actions; DROP TABLE operator_tokens; \
                    DROP TABLE dead_letters; DROP TABLE directory_copies; DROP TABLE cases; \
                    DROP TABLE _sqlx_migrations";
    bench.raw(drop_all).await.unwrap();
    if bench.config.url.expose().starts_with("postgres") {
        for function in [
            "refuse_change_of_events",
            "refuse_change_of_day_heads",
            "refuse_change_of_operator_actions",
            "refuse_change_of_operator_tokens",
            "refuse_events_of_sealed_days",
        ] {
            bench.raw(&format!("DROP FUNCTION {function}")).await.unwrap();
        }
    }
    let mut tasks = JoinSet::new();
    for _ in 0..6 {
        let config = bench.config.clone();
        tasks.spawn(async move { open(&config).await });
    }
    let journals = tasks.join_all().await;
    for (number, journal) in (0_u32..).zip(&journals) {
        journal.commit(&[request(number)], &early()).await.unwrap();
    }
    assert_eq!(journals[0].counts().await.unwrap().open_cases, 6);
}

pub async fn a_call_that_is_dropped_halfway_leaves_nothing_locked(bench: Bench) {
    for number in 0..60 {
        let group: Vec<Decision> = (0..20).map(|part| request(number * 100 + part)).collect();
        let patience = Duration::from_micros(u64::from(number) * 150);
        // Whether it was in time does not matter, only that the next call is not in its way.
        tokio::time::timeout(patience, bench.journal.commit(&group, &early())).await.ok();
    }
    bench.journal.commit(&[request(99_999)], &early()).await.unwrap();
    let counts = bench.journal.counts().await.unwrap();
    assert_eq!((counts.open_cases % 20, counts.owed_deliveries % 20), (1, 1));
}

//! Whatever is changed past the journal is found, and named.

use std::sync::Arc;

use innfri::case::day::day_of;
use innfri::port::Audit;
use innfri::port::audit::{Break, Flaw, Verification};
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;

use crate::bench::{Bench, open};
use crate::samples::*;

async fn audit(bench: &Bench) -> Arc<dyn Audit> {
    innfri::journal::open_audit(&bench.config).await.unwrap()
}

async fn verify(bench: &Bench) -> Verification {
    audit(bench).await.verify(&[]).await.unwrap()
}

async fn first_break(bench: &Bench) -> Break {
    verify(bench).await.first_break.expect("it does not hold")
}

/// The day of the samples, and a time at which it is over.
fn after_midnight() -> Timestamp {
    at(0) + SignedDuration::from_hours(48)
}

/// Cases 1 to `count`; each was answered, every third twice.
async fn fill(bench: &Bench, count: u32) {
    for number in 1..=count {
        bench.journal.commit(&[request(number)], &early()).await.unwrap();
        let answer = follow(&new_case(number).0, answered(1), 100);
        bench.journal.commit(std::slice::from_ref(&answer), &early()).await.unwrap();
        if number % 3 == 0 {
            let case = answer.change.unwrap().case;
            bench.journal.commit(&[follow(&case, answered(2), 200)], &early()).await.unwrap();
        }
    }
}

fn is_postgres(bench: &Bench) -> bool {
    bench.config.url.expose().starts_with("postgres")
}

/// What somebody who may change tables does first.
async fn disarm(bench: &Bench) {
    let sql = if is_postgres(bench) {
        "ALTER TABLE events DISABLE TRIGGER ALL; ALTER TABLE day_heads DISABLE TRIGGER ALL; \
         ALTER TABLE inbox DISABLE TRIGGER ALL; ALTER TABLE deliveries DISABLE TRIGGER ALL; \
         ALTER TABLE cases DISABLE TRIGGER ALL"
    } else {
        "DROP TRIGGER events_are_not_updated; DROP TRIGGER events_are_not_deleted; \
         DROP TRIGGER sealed_days_get_no_events; DROP TRIGGER day_heads_are_not_updated; \
         DROP TRIGGER day_heads_are_not_deleted"
    };
    bench.raw(sql).await.unwrap();
}

/// A case's id as the store writes it.
fn id(bench: &Bench, number: u32) -> String {
    let id = case_id(number).as_uuid().simple().to_string();
    if is_postgres(bench) { format!("'{id}'::uuid") } else { format!("x'{id}'") }
}

async fn change(bench: &Bench, number: u32, sql: &str) {
    disarm(bench).await;
    for part in sql.split(';') {
        bench.raw(&part.replace("CASE_ID", &id(bench, number))).await.unwrap();
    }
}

fn at_event(number: u32, event: u32, flaw: Flaw) -> Break {
    Break { case: Some(case_id(number)), event: Some(event), day: None, flaw }
}

const REMOVE_CASE: &str = "DELETE FROM deliveries WHERE case_id = CASE_ID; \
     DELETE FROM inbox WHERE case_id = CASE_ID; DELETE FROM events WHERE case_id = CASE_ID; \
     DELETE FROM cases WHERE id = CASE_ID";

pub async fn an_untouched_journal_holds(bench: Bench) {
    fill(&bench, 230).await;
    let audit = audit(&bench).await;
    let heads = audit.seal_days(after_midnight()).await.unwrap();
    assert_eq!(heads.iter().map(|head| head.events).sum::<u64>(), 230 * 2 + 76);
    let found = audit.verify(&heads).await.unwrap();
    let whole = Verification { cases: 230, events: 536, days: 1, first_break: None };
    assert_eq!(found, whole);
}

pub async fn a_changed_event_is_named(bench: Bench) {
    fill(&bench, 3).await;
    let sql = "UPDATE events SET json = replace(json, '\"revision\":1', '\"revision\": 1') \
               WHERE case_id = CASE_ID AND number = 2";
    change(&bench, 2, sql).await;
    // White space alone says nothing else.
    assert_eq!(verify(&bench).await.first_break, None);
    let sql = "UPDATE events SET json = replace(json, 'innfrielsessaldosvar', 'restgjeldssvar') \
               WHERE case_id = CASE_ID AND number = 2";
    bench.raw(&sql.replace("CASE_ID", &id(&bench, 2))).await.unwrap();
    assert_eq!(first_break(&bench).await, at_event(2, 2, Flaw::EventChanged));
}

pub async fn an_event_that_cannot_be_read_is_named(bench: Bench) {
    fill(&bench, 2).await;
    let sql = "UPDATE events SET json = 'x' WHERE case_id = CASE_ID AND number = 2";
    change(&bench, 1, sql).await;
    let Break { case, event, flaw: Flaw::Unreadable(place), .. } = first_break(&bench).await else {
        panic!("another flaw")
    };
    assert_eq!((case, event), (Some(case_id(1)), Some(2)));
    assert_eq!(place, format!("events {}/2: column json", case_id(1)));
}

pub async fn a_removed_last_event_is_named(bench: Bench) {
    fill(&bench, 3).await;
    change(&bench, 3, "DELETE FROM events WHERE case_id = CASE_ID AND number = 3").await;
    assert_eq!(first_break(&bench).await, at_event(3, 3, Flaw::EventMissing));
}

pub async fn a_removed_event_in_between_is_named(bench: Bench) {
    fill(&bench, 3).await;
    change(&bench, 3, "DELETE FROM events WHERE case_id = CASE_ID AND number = 2").await;
    assert_eq!(first_break(&bench).await, at_event(3, 2, Flaw::EventMissing));
}

pub async fn a_last_event_removed_with_its_traces_is_seen_by_the_day(bench: Bench) {
    fill(&bench, 1).await;
    let sealed = audit(&bench).await.seal_days(after_midnight()).await.unwrap();
    let head = new_case(1).1.hash.to_string();
    let head = if is_postgres(&bench) { format!("'\\x{head}'") } else { format!("x'{head}'") };
    let sql = format!(
        "DELETE FROM events WHERE case_id = CASE_ID AND number = 2; \
         UPDATE cases SET version = 1, revision = 0, outcome_kind = NULL, answer_type = NULL, \
         outcome_by = NULL, outcome_at = NULL, head = {head} WHERE id = CASE_ID"
    );
    change(&bench, 1, &sql).await;
    let flaw = Flaw::DayChanged { sealed: 2, found: 1 };
    let expected = Break { case: None, event: None, day: Some(sealed[0].day), flaw };
    assert_eq!(first_break(&bench).await, expected);
}

pub async fn a_removed_case_is_seen_by_the_day(bench: Bench) {
    fill(&bench, 3).await;
    let sealed = audit(&bench).await.seal_days(after_midnight()).await.unwrap();
    change(&bench, 2, REMOVE_CASE).await;
    let flaw = Flaw::DayChanged { sealed: 7, found: 5 };
    let expected = Break { case: None, event: None, day: Some(sealed[0].day), flaw };
    assert_eq!(first_break(&bench).await, expected);
}

pub async fn a_removed_day_is_seen_with_a_copy(bench: Bench) {
    fill(&bench, 1).await;
    let audit = audit(&bench).await;
    let copy = audit.seal_days(after_midnight()).await.unwrap();
    change(&bench, 1, REMOVE_CASE).await;
    bench.raw("DELETE FROM day_heads").await.unwrap();
    assert_eq!(audit.verify(&[]).await.unwrap().first_break, None, "nothing is left to see");
    let found = audit.verify(&copy).await.unwrap().first_break.unwrap();
    assert_eq!((found.day, found.flaw), (Some(copy[0].day), Flaw::DayMissing));
}

pub async fn days_that_were_written_anew_differ_from_the_copy(bench: Bench) {
    fill(&bench, 2).await;
    let audit = audit(&bench).await;
    let copy = audit.seal_days(after_midnight()).await.unwrap();
    change(&bench, 1, REMOVE_CASE).await;
    bench.raw("DELETE FROM day_heads").await.unwrap();
    audit.seal_days(after_midnight()).await.unwrap();
    assert_eq!(audit.verify(&[]).await.unwrap().first_break, None);
    let found = audit.verify(&copy).await.unwrap().first_break.unwrap();
    assert_eq!((found.day, found.flaw), (Some(copy[0].day), Flaw::DayDiffers));
}

pub async fn events_in_another_order_are_named(bench: Bench) {
    fill(&bench, 3).await;
    let sql = "UPDATE events SET number = 9 WHERE case_id = CASE_ID AND number = 2; \
               UPDATE events SET number = 2 WHERE case_id = CASE_ID AND number = 3; \
               UPDATE events SET number = 3 WHERE case_id = CASE_ID AND number = 9";
    change(&bench, 3, sql).await;
    assert_eq!(first_break(&bench).await, at_event(3, 2, Flaw::EventChanged));
}

pub async fn an_added_event_is_named(bench: Bench) {
    fill(&bench, 1).await;
    let mut case = new_case(1).0;
    case.record(answered(1), at(100)).unwrap();
    let more = case.record(answered(2), at(101)).unwrap();
    let hash = more.hash.to_string();
    let hash = if is_postgres(&bench) { format!("'\\x{hash}'") } else { format!("x'{hash}'") };
    let json = serde_json::to_string(&more.event).unwrap();
    let sql = format!(
        "INSERT INTO events (case_id, number, at, kind, json, hash) \
         VALUES (CASE_ID, 3, {}, 'answered', '{json}', {hash})",
        more.at.as_microsecond()
    );
    change(&bench, 1, &sql).await;
    assert_eq!(first_break(&bench).await, at_event(1, 3, Flaw::EventAdded));
}

pub async fn events_without_their_case_are_named(bench: Bench) {
    fill(&bench, 5).await;
    let sql = "DELETE FROM deliveries WHERE case_id = CASE_ID; \
               DELETE FROM inbox WHERE case_id = CASE_ID";
    change(&bench, 4, sql).await;
    let sql = format!("DELETE FROM cases WHERE id = {}", id(&bench, 4));
    let sql = if is_postgres(&bench) { sql } else { format!("PRAGMA foreign_keys = OFF; {sql}") };
    bench.raw(&sql).await.unwrap();
    assert_eq!(first_break(&bench).await, at_event(4, 1, Flaw::CaseMissing));
}

pub async fn a_changed_column_of_a_case_is_named(bench: Bench) {
    let changes = [
        ("answer_type = 'no.dsve.restgjeldssvar.v1'", "outcome_kind"),
        ("outcome_by = 'innfri'", "outcome_by"),
        ("outcome_at = outcome_at + 1", "outcome_at"),
        ("revision = 7", "revision"),
        ("asker = 'NO:903137215'", "asker"),
        ("bank = NULL", "bank"),
        ("opened_at = opened_at - 1", "opened_at"),
        ("request_type = 'no.dsve.restgjeldsforespoersel.v1'", "request_type"),
    ];
    fill(&bench, 1).await;
    bench.raw("CREATE TABLE copy AS SELECT * FROM cases").await.unwrap();
    for (sql, column) in changes {
        bench.raw(&format!("UPDATE cases SET {sql}")).await.unwrap();
        let Break { case, flaw: Flaw::CaseDiffers(named), .. } = first_break(&bench).await else {
            panic!("another flaw after {sql}")
        };
        assert_eq!(case, Some(case_id(1)));
        assert!(named.starts_with(column), "{named} after {sql}");
        let back = "UPDATE cases SET answer_type = copy.answer_type, asker = copy.asker, \
            outcome_by = copy.outcome_by, outcome_at = copy.outcome_at, bank = copy.bank, \
            revision = copy.revision, opened_at = copy.opened_at, \
            request_type = copy.request_type FROM copy";
        bench.raw(back).await.unwrap();
    }
    bench.raw("UPDATE cases SET outcome_kind = 'nothing'").await.unwrap();
    let expected = Flaw::Unreadable(format!("cases {}: column outcome_kind", case_id(1)));
    assert_eq!(first_break(&bench).await.flaw, expected);
}

pub async fn a_changed_request_is_named(bench: Bench) {
    fill(&bench, 1).await;
    let request = if is_postgres(&bench) { "'\\x7b7d'" } else { "x'7b7d'" };
    bench.raw(&format!("UPDATE cases SET request = {request}")).await.unwrap();
    assert_eq!(first_break(&bench).await.flaw, Flaw::CaseDiffers("request"));
}

pub async fn sealed_days_are_chained_and_none_is_left_out(bench: Bench) {
    let audit = audit(&bench).await;
    bench.journal.commit(&[request(1)], &early()).await.unwrap();
    let answer = follow(&new_case(1).0, answered(1), 3 * 86_400);
    bench.journal.commit(&[answer], &early()).await.unwrap();
    let later = at(5 * 86_400);
    let heads = audit.seal_days(later).await.unwrap();
    assert_eq!(heads.len(), 2);
    assert_eq!(heads[0].day, day_of(at(1)));
    assert_eq!(audit.seal_days(later).await.unwrap(), [], "a day is sealed once");
    assert_eq!(audit.day_heads().await.unwrap(), heads);
    assert_eq!(audit.verify(&heads).await.unwrap().days, 2);

    disarm(&bench).await;
    let first = heads[0].day;
    let begins = innfri::case::day::begin_of(first).as_microsecond();
    bench.raw(&format!("DELETE FROM day_heads WHERE begins_at = {begins}")).await.unwrap();
    let found = first_break(&bench).await;
    assert_eq!((found.day, found.flaw), (Some(first), Flaw::DayNotSealed));
}

pub async fn a_sealed_day_is_not_changed_and_gets_no_events(bench: Bench) {
    fill(&bench, 1).await;
    let audit = audit(&bench).await;
    assert_eq!(audit.seal_days(at(0)).await.unwrap(), [], "the day is not over");
    assert_eq!(audit.seal_days(after_midnight()).await.unwrap().len(), 1);
    for sql in ["UPDATE day_heads SET events = 9", "DELETE FROM day_heads"] {
        let error = bench.raw(sql).await.unwrap_err();
        assert!(error.to_string().contains("sealed days are never"), "{error}");
    }
    let late = bench.journal.commit(&[request(2)], &early()).await;
    assert!(late.is_err(), "a late event would break the day");
    assert_eq!(verify(&bench).await.first_break, None);
    let mut case = new_case(1).0;
    case.record(answered(1), at(100)).unwrap();
    let next_day = follow(&case, answered(2), 86_400);
    bench.journal.commit(&[next_day], &early()).await.unwrap();
}

pub async fn a_journal_that_is_written_meanwhile_holds(bench: Bench) {
    fill(&bench, 120).await;
    let writer = open(&bench.config).await;
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        for number in 1..=120_u32 {
            let mut case = new_case(number).0;
            case.record(answered(1), at(100)).unwrap();
            if number % 3 == 0 {
                case.record(answered(2), at(200)).unwrap();
            }
            let revision = case.state.revision() + 1;
            let more = follow(&case, answered(revision), 300);
            writer.commit(&[more, request(1000 + number)], &early()).await.unwrap();
        }
    });
    let audit = audit(&bench).await;
    while !tasks.is_empty() {
        assert_eq!(audit.verify(&[]).await.unwrap().first_break, None);
        if let Some(done) = tasks.try_join_next() {
            done.unwrap();
        }
    }
    let whole = audit.verify(&[]).await.unwrap();
    assert_eq!((whole.cases, whole.events), (240, 280 + 240));
}

pub async fn many_processes_seal_a_day_once(bench: Bench) {
    fill(&bench, 20).await;
    let mut tasks = JoinSet::new();
    for _ in 0..4 {
        let audit = audit(&bench).await;
        tasks.spawn(async move { audit.seal_days(after_midnight()).await.unwrap().len() });
    }
    assert_eq!(tasks.join_all().await.into_iter().sum::<usize>(), 1);
    assert_eq!(verify(&bench).await.first_break, None);
}

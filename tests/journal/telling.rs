//! Lists, stories and counts for people.

use innfri::case::{DeadReason, Event, Purpose};
use innfri::contract::MessageType;
use innfri::kernel::{CaseId, DeadLetterId};
use innfri::port::{CaseFilter, Counts, DeadLetterFilter, Decision, Disposition, Journal};

use crate::bench::Bench;
use crate::samples::*;

pub async fn a_story_is_told_in_order(bench: Bench) {
    let first = request(1);
    bench.journal.commit(&[first.clone(), request(2)], &claim_at(0, 1)).await.unwrap();
    let second = follow(&new_case(1).0, feil(), 10);
    let changed = second.change.clone().unwrap();
    let third = follow(&changed.case, answered(2), 11);
    bench.journal.commit(std::slice::from_ref(&second), &claim_at(10, 1)).await.unwrap();
    bench.journal.commit(std::slice::from_ref(&third), &claim_at(11, 1)).await.unwrap();

    let story = bench.journal.story(&case_id(1)).await.unwrap().unwrap();
    let last = third.change.clone().unwrap();
    assert_eq!(story.stored.case, last.case);
    assert_eq!(story.stored.request, first.change.clone().unwrap().request.unwrap());
    let events =
        [&first, &second, &third].map(|step| step.change.clone().unwrap().events.remove(0));
    assert_eq!(story.events, events);
    let purposes: Vec<Purpose> = story.deliveries.iter().map(|record| record.purpose).collect();
    let outcome = |revision| Purpose::Outcome { revision };
    assert_eq!(purposes, [Purpose::Request, outcome(1), outcome(2)]);
    let record = &story.deliveries[2];
    assert_eq!((record.id, &record.to), (third.deliveries[0].id, &other_bank()));
    assert_eq!((&record.body, record.owed_since), (&third.deliveries[0].body, at(11)));
}

pub async fn an_unknown_case_has_no_story(bench: Bench) {
    assert_eq!(bench.journal.story(&case_id(1)).await.unwrap(), None);
}

async fn listed(journal: &dyn Journal, filter: CaseFilter) -> Vec<CaseId> {
    journal.cases(&filter).await.unwrap().iter().map(|case| case.id).collect()
}

pub async fn cases_are_listed_newest_first_and_at_most_so_many(bench: Bench) {
    let group: Vec<Decision> = [3, 1, 2].map(request).into();
    bench.journal.commit(&group, &early()).await.unwrap();
    let all = bench.journal.cases(&CaseFilter::default()).await.unwrap();
    assert_eq!(all, [3, 2, 1].map(|number| new_case(number).0));
    let two = listed(&*bench.journal, CaseFilter { limit: 2, ..CaseFilter::default() }).await;
    assert_eq!(two, [3, 2].map(case_id));

    let many: Vec<Decision> = (10..130).map(request).collect();
    bench.journal.commit(&many, &early()).await.unwrap();
    assert_eq!(listed(&*bench.journal, CaseFilter::default()).await.len(), 100);
}

pub async fn each_part_of_a_case_filter_narrows(bench: Bench) {
    let mut other = request(2);
    {
        let case = &mut other.change.as_mut().unwrap().case;
        case.bank = None;
        case.request_type = MessageType::Restgjeldsforespoersel;
        case.reply_to = agent();
    }
    let group = [request(1), other, request(3)];
    bench.journal.commit(&group, &early()).await.unwrap();
    bench.journal.commit(&[follow(&new_case(3).0, answered(1), 9)], &early()).await.unwrap();

    let any = CaseFilter::default;
    let rows: [(CaseFilter, &[u32]); 12] = [
        (CaseFilter { reference: Some("oppdrag 2".into()), ..any() }, &[2]),
        (CaseFilter { reference: Some("oppdrag".into()), ..any() }, &[]),
        (CaseFilter { organisation: Some(agent()), ..any() }, &[3, 2, 1]),
        (CaseFilter { organisation: Some(bank()), ..any() }, &[3, 1]),
        (CaseFilter { organisation: Some(other_bank()), ..any() }, &[3, 1]),
        (CaseFilter { open: Some(true), ..any() }, &[2, 1]),
        (CaseFilter { open: Some(false), ..any() }, &[3]),
        (CaseFilter { message_type: Some(MessageType::Restgjeldsforespoersel), ..any() }, &[2]),
        (CaseFilter { since: Some(at(2)), ..any() }, &[3, 2]),
        (CaseFilter { before: Some(at(2)), ..any() }, &[1]),
        (CaseFilter { since: Some(at(1)), before: Some(at(3)), ..any() }, &[2, 1]),
        (CaseFilter { open: Some(true), organisation: Some(bank()), ..any() }, &[1]),
    ];
    for (filter, expected) in rows {
        let expected: Vec<CaseId> = expected.iter().copied().map(case_id).collect();
        assert_eq!(listed(&*bench.journal, filter.clone()).await, expected, "{filter:?}");
    }
}

pub async fn every_field_of_a_dead_letter_is_found_again(bench: Bench) {
    let full = letter(1, DeadReason::BrokerDeath);
    let mut bare = letter(2, DeadReason::Unreadable);
    bare.findings.clear();
    bare.deaths.clear();
    bare.login = None;
    bare.from = None;
    bare.to = None;
    bare.message_type = None;
    bare.message_id = None;
    bare.correlation_id = None;
    bare.content_type = None;
    bare.traceparent = None;
    bare.reference = None;
    bare.case = None;
    bare.delivery = None;
    bench.journal.commit(&[dead(full.clone()), dead(bare.clone())], &early()).await.unwrap();
    let found = bench.journal.dead_letters(&DeadLetterFilter::default()).await.unwrap();
    assert_eq!(found, [bare, full]);
}

pub async fn a_dead_letter_that_comes_again_is_not_doubled(bench: Bench) {
    let mut first = letter(1, DeadReason::DeliveryGivenUp);
    bench.journal.commit(&[dead(first.clone())], &early()).await.unwrap();
    let mut later = first.clone();
    later.at = at(900);
    later.attempts = 12;
    bench.journal.commit(&[dead(later)], &early()).await.unwrap();
    first.at = at(900);
    first.attempts = 12;
    let found = bench.journal.dead_letters(&DeadLetterFilter::default()).await.unwrap();
    assert_eq!(found, [first]);
    let times = "INSERT INTO dead_letters SELECT * FROM dead_letters WHERE times = 2 \
                 AND first_at < last_at";
    assert!(bench.raw(times).await.is_err(), "a second row with the same id is refused");
}

pub async fn a_dead_letter_twice_in_a_group_is_one(bench: Bench) {
    let first = letter(1, DeadReason::UnknownSender);
    let mut later = first.clone();
    later.at = at(900);
    let group = [dead(first), dead(later.clone())];
    bench.journal.commit(&group, &early()).await.unwrap();
    let found = bench.journal.dead_letters(&DeadLetterFilter::default()).await.unwrap();
    assert_eq!(found, [later]);
}

pub async fn each_part_of_a_dead_letter_filter_narrows(bench: Bench) {
    let first = letter(1, DeadReason::UnknownSender);
    let mut second = letter(2, DeadReason::UnknownType);
    second.from = Some(other_bank());
    let mut third = letter(3, DeadReason::UnknownType);
    third.to = None;
    let id = |letter: &innfri::case::DeadLetter| letter.id;
    let (one, two, three) = (id(&first), id(&second), id(&third));
    bench.journal.commit(&[dead(first), dead(second), dead(third)], &early()).await.unwrap();

    let any = DeadLetterFilter::default;
    let unknown_type = || Some("UNKNOWN_TYPE".to_owned());
    let rows: [(DeadLetterFilter, Vec<DeadLetterId>); 8] = [
        (any(), vec![three, two, one]),
        (DeadLetterFilter { id: Some(two), ..any() }, vec![two]),
        (DeadLetterFilter { reason: unknown_type(), ..any() }, vec![three, two]),
        (DeadLetterFilter { organisation: Some(agent()), ..any() }, vec![three, one]),
        (DeadLetterFilter { organisation: Some(bank()), ..any() }, vec![two, one]),
        (DeadLetterFilter { organisation: Some(other_bank()), ..any() }, vec![two]),
        (DeadLetterFilter { limit: 1, ..any() }, vec![three]),
        (
            DeadLetterFilter { reason: unknown_type(), organisation: Some(bank()), ..any() },
            vec![two],
        ),
    ];
    for (filter, expected) in rows {
        let found = bench.journal.dead_letters(&filter).await.unwrap();
        let found: Vec<DeadLetterId> = found.iter().map(id).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
}

pub async fn counts_follow_what_happens(bench: Bench) {
    assert_eq!(bench.journal.counts().await.unwrap(), Counts::default());
    assert_eq!(bench.journal.oldest_owed().await.unwrap(), None);
    let letter = dead(letter(1, DeadReason::UnknownSender));
    bench.journal.commit(&[request(1), request(2), letter], &early()).await.unwrap();
    let counts = bench.journal.counts().await.unwrap();
    assert_eq!(counts, Counts { open_cases: 2, owed_deliveries: 2, dead_letters: 1 });
    assert_eq!(bench.journal.oldest_owed().await.unwrap(), Some(early().now));
    bench.journal.commit(&[follow(&new_case(1).0, answered(1), 5)], &early()).await.unwrap();
    let counts = bench.journal.counts().await.unwrap();
    assert_eq!(counts, Counts { open_cases: 1, owed_deliveries: 3, dead_letters: 1 });
}

/// PostgreSQL cannot hold U+0000 in a text. Were such a message refused, it would come back for ever.
pub async fn a_text_with_a_null_character_is_kept(bench: Bench) {
    let mut letter = letter(1, DeadReason::Unreadable);
    letter.message_type = Some("a\0b".into());
    letter.detail = "\0".into();
    letter.findings[0].text = "\0".into();
    let mut opened = request(1);
    opened.change.as_mut().unwrap().case.reference = "x\0y".into();
    let (case, _) = new_case(1);
    let reason = "unroutable\0".to_owned();
    let event = Event::DeliveryGivenUp { delivery: request_delivery(1), reason };
    let given_up = Decision { deliveries: Vec::new(), ..follow(&case, event.clone(), 9) };
    bench.journal.commit(&[opened, dead(letter)], &early()).await.unwrap();
    bench.journal.commit(&[given_up], &early()).await.unwrap();

    let found = bench.journal.dead_letters(&DeadLetterFilter::default()).await.unwrap().remove(0);
    assert_eq!(found.message_type.as_deref(), Some("a\u{fffd}b"));
    assert_eq!(found.findings[0].text, "\0");
    let filter = CaseFilter { reference: Some("x\0y".into()), ..CaseFilter::default() };
    assert_eq!(listed(&*bench.journal, filter).await, [case.id]);
    let story = bench.journal.story(&case.id).await.unwrap().unwrap();
    assert_eq!(story.events[1].event, event);
}

pub async fn a_long_reference_is_kept_and_found(bench: Bench) {
    let reference: String = (0..40_000).map(|n| char::from(b'a' + (n * 7 % 26) as u8)).collect();
    let mut opened = request(1);
    opened.disposition = Disposition::Refused;
    opened.change.as_mut().unwrap().case.reference.clone_from(&reference);
    bench.journal.commit(&[opened], &early()).await.unwrap();
    let filter = CaseFilter { reference: Some(reference), ..CaseFilter::default() };
    assert_eq!(listed(&*bench.journal, filter).await, [case_id(1)]);
}

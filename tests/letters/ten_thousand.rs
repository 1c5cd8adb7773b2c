//! Ten thousand letters of five kinds: grouped, a tenth corrected, replayed at a rate, interrupted
//! twice and continued. None goes out twice, none is forgotten.

use std::collections::BTreeSet;

use innfri::case::DeadReason;
use innfri::decide::{self, Reading, broker_death};
use innfri::directory::Directory;
use innfri::kernel::{DeliveryId, Incoming};
use innfri::letters::edit::{Correction, corrected, patched};
use innfri::letters::{Ended, Pace};
use innfri::port::Decision;
use innfri::port::letters::{ActionKind, Fate, LetterFilter, LetterState};
use tokio_util::sync::CancellationToken;

use crate::bench::{Bench, agency, bank, died, directory, everybody, forwarded, pace, request};
use crate::messages;

const MANY: u32 = 2250;
const EDITED: u32 = 1000;

async fn take_all(
    bench: &Bench,
    arrivals: impl Iterator<Item = Incoming>,
    directory: &Directory,
) -> Vec<Decision> {
    let arrivals: Vec<Incoming> = arrivals.collect();
    let mut decisions = Vec::new();
    for group in arrivals.chunks(250) {
        let context = bench.context(directory);
        let readings: Vec<Reading> =
            group.iter().map(|incoming| decide::read(incoming.clone(), &context)).collect();
        let keys: Vec<_> = readings.iter().map(Reading::key).collect();
        let found = bench.desk.journal.look_up(&keys).await.unwrap();
        let group: Vec<Decision> = readings
            .iter()
            .zip(&found)
            .map(|(reading, found)| decide::decide(reading, found, &context))
            .collect();
        bench.commit(&group).await;
        decisions.extend(group);
    }
    decisions
}

/// Makes the letters; gives the deliveries that replaying must lead to.
async fn make(bench: &Bench) -> BTreeSet<DeliveryId> {
    let numbers = |kind: u32| kind * 10_000..kind * 10_000 + MANY;
    let all = everybody();
    take_all(bench, numbers(0).map(|n| request(n, "megler")), &directory(&[])).await;
    // Signed in as somebody who may not speak for the agency yet.
    let before = directory(&[("vikar", bank()), ("megler", agency())]);
    take_all(bench, numbers(1).map(|n| request(n, "vikar")), &before).await;
    let context = bench.context(&all);
    let deaths: Vec<Decision> =
        numbers(2).map(|n| broker_death::decide(&died(n), &context)).collect();
    bench.commit(&deaths).await;
    // Accepted, forwarded, and not deliverable.
    let opened = take_all(bench, numbers(3).map(|n| request(n, "megler")), &all).await;
    let given_up: Vec<Decision> = opened.iter().map(|decision| give_up(bench, decision)).collect();
    bench.commit(&given_up).await;
    // Message ids that were used before.
    let fresh = 40_000..40_000 + EDITED;
    take_all(bench, fresh.clone().map(|n| request(n, "megler")), &all).await;
    let again = fresh.map(|n| Incoming {
        message_id: Some(messages::message_id(n)),
        ..request(n + 5000, "megler")
    });
    take_all(bench, again, &all).await;
    bench.deliver().await;
    (0..4).flat_map(numbers).map(forwarded).collect()
}

fn give_up(bench: &Bench, opened: &Decision) -> Decision {
    let change = opened.change.as_ref().unwrap();
    let stored = innfri::case::StoredCase {
        case: change.case.clone(),
        request: change.request.clone().unwrap(),
    };
    let all = everybody();
    let failure = crate::bench::failure();
    let context = bench.context(&all);
    decide::undelivered::give_up(&opened.deliveries[0], &failure, Some(&stored), &context)
}

/// Corrects every letter with a message id that was used before; gives what they will lead to.
async fn correct(bench: &Bench) -> BTreeSet<DeliveryId> {
    let filter = LetterFilter {
        reason: Some(DeadReason::ReusedMessageId),
        limit: EDITED + 1,
        ..LetterFilter::default()
    };
    let patch = br#"[{"op":"replace","path":"/avsender/foretaksnavn","value":"Rettet"}]"#;
    let mut expected = BTreeSet::new();
    for record in bench.desk.letters.list(&filter).await.unwrap() {
        let body = patched(&record.letter.body, patch).unwrap();
        let correction = Correction { body, ..Correction::default() };
        let now = bench.now();
        let contract = &bench.desk.contract;
        let copy = corrected(&record, &correction, contract, &bench.check(), now).unwrap();
        let action = bench.action(ActionKind::Edited);
        assert!(bench.desk.letters.keep_edit(&record.letter.id, &copy, &action).await.unwrap());
        let message = copy.message_id.unwrap().parse().unwrap();
        let case = innfri::kernel::CaseId::of(&agency(), &message);
        expected.insert(DeliveryId::of(&case, "request"));
    }
    expected
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_ten_thousand_letters_none_is_sent_twice_and_none_is_forgotten() {
    let bench = Bench::sqlite().await;
    let mut expected = make(&bench).await;
    let groups = bench.desk.groups().await.unwrap();
    let counts: Vec<u64> = groups.iter().map(|group| group.count).collect();
    assert_eq!(
        counts,
        [u64::from(MANY); 4].into_iter().chain([u64::from(EDITED)]).collect::<Vec<_>>()
    );
    expected.extend(correct(&bench).await);
    assert_eq!(expected.len(), 10_000);

    let ids = bench.open_letters().await;
    assert_eq!(ids.len(), 10_000);
    let run = bench.begin(&ids).await;
    let pace = Pace { rate: 20_000, ..pace() };
    let stop = CancellationToken::new();
    let mut halfway = |progress: &innfri::letters::Progress| {
        if progress.done >= 4000 {
            stop.cancel();
        }
    };
    let ended = bench.desk.work(&run, &pace, &stop, &mut halfway).await.unwrap();
    assert_eq!(ended, Ended::Interrupted);
    // Then its process dies in the middle of a turn.
    let stop = CancellationToken::new();
    let dead = CancellationToken::new();
    let mut until_then = |progress: &innfri::letters::Progress| {
        if progress.done >= 7000 {
            dead.cancel();
        }
    };
    tokio::select! {
        biased;
        () = dead.cancelled() => {}
        ended = bench.desk.work(&run, &pace, &stop, &mut until_then) => {
            panic!("it was to die before it was done: {ended:?}");
        }
    }
    bench.clock.advance(120);
    let heir = bench.other_desk();
    let ended = heir.work(&run, &pace, &stop, &mut |_| {}).await.unwrap();
    assert_eq!(ended, Ended::Finished);

    assert_eq!(bench.run(&run).await.fates, [(Fate::Owed, 10_000)]);
    let due = bench.deliver().await;
    let ids: BTreeSet<DeliveryId> = due.iter().map(|owed| owed.delivery.id).collect();
    assert_eq!((due.len(), ids == expected), (10_000, true));
    bench.desk.letters.follow(bench.now()).await.unwrap();
    assert_eq!(bench.run(&run).await.fates, [(Fate::Sent, 10_000)]);
    let replayed = LetterFilter {
        states: vec![LetterState::Replayed],
        limit: 20_000,
        ..LetterFilter::default()
    };
    assert_eq!(bench.desk.letters.select(&replayed).await.unwrap().len(), 10_000);
    assert!(bench.open_letters().await.is_empty());
    assert!(bench.due().await.is_empty());
}

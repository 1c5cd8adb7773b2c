//! Replaying: what goes out, what does not, and never twice.

use innfri::case::CaseState;
use innfri::letters::replay::ReplayError;
use innfri::letters::{Ended, Pace};
use innfri::port::AttemptResult;
use innfri::port::letters::{Fate, LetterState};
use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use crate::bench::{Bench, answer, bank, directory, everybody, forwarded, pace, request};

/// A letter of a request by somebody who was not known then.
async fn unknown(bench: &Bench, number: u32) -> innfri::kernel::DeadLetterId {
    bench.take(request(number, "megler"), &directory(&[])).await.dead_letters[0].id
}

pub async fn a_plan_says_what_would_happen_and_changes_nothing(bench: Bench) {
    let passes = unknown(&bench, 1).await;
    let stranger = bench.take(request(2, "stranger"), &everybody()).await.dead_letters[0].id;
    bench.clock.advance(2 * 3600);
    let handled = unknown(&bench, 3).await;
    bench.take(request(3, "megler"), &everybody()).await;
    bench.deliver().await;
    let plan = bench.desk.plan(&[passes, stranger, handled], 2).await.unwrap();
    assert_eq!((plan.total, plan.pass, plan.fail, plan.handled), (3, 1, 1, 1));
    assert_eq!(plan.by_age.iter().sum::<u64>(), 3);
    assert_eq!(plan.destinations.get(&bank().to_string()), Some(&1));
    assert_eq!(plan.takes.as_millis(), 1000);
    assert!(bench.due().await.is_empty());
    assert_eq!(bench.open_letters().await.len(), 3);
}

pub async fn a_replayed_message_is_owed_to_whoever_serves(bench: Bench) {
    let id = unknown(&bench, 1).await;
    let (run, ended) = bench.replay(&[id]).await;
    assert_eq!(ended, Ended::Finished);
    assert_eq!(bench.run(&run).await.fates, [(Fate::Owed, 1)]);
    assert_eq!(bench.letter(&id).await.state, LetterState::Replaying);
    let due = bench.due().await;
    assert_eq!(due.len(), 1);
    assert_eq!((due[0].delivery.id, &due[0].delivery.to), (forwarded(1), &bank()));
}

pub async fn a_replayed_delivery_is_owed_again_as_if_new(bench: Bench) {
    bench.take(request(1, "megler"), &everybody()).await;
    let id = bench.give_up(&forwarded(1)).await.id;
    bench.deliver().await;
    let (_, ended) = bench.replay(&[id]).await;
    assert_eq!(ended, Ended::Finished);
    let due = bench.due().await;
    assert_eq!(due.len(), 1);
    assert_eq!((due[0].delivery.id, due[0].attempts), (forwarded(1), 0));
    let age = bench.now().duration_since(due[0].owed_since);
    assert!(age < SignedDuration::from_secs(60));
}

pub async fn what_was_handled_meanwhile_is_skipped(bench: Bench) {
    let repeat = unknown(&bench, 1).await;
    bench.take(request(1, "megler"), &everybody()).await;
    bench.take(request(2, "megler"), &everybody()).await;
    let answered = bench.give_up(&forwarded(2)).await.id;
    bench.answer(2, &forwarded(2)).await;
    bench.deliver().await;
    let (run, ended) = bench.replay(&[repeat, answered]).await;
    assert_eq!(ended, Ended::Finished);
    assert_eq!(bench.run(&run).await.fates, [(Fate::Skipped, 2)]);
    assert!(bench.due().await.is_empty());
    for (id, word) in [(repeat, "handled meanwhile"), (answered, "answered meanwhile")] {
        assert_eq!(bench.letter(&id).await.state, LetterState::Skipped);
        let detail = bench.desk.letters.replays(&id).await.unwrap().remove(0).detail.unwrap();
        assert!(detail.contains(word), "{detail}");
    }
}

pub async fn a_letter_is_taken_by_one_run_alone(bench: Bench) {
    let mut ids = Vec::new();
    for number in 0..20 {
        ids.push(unknown(&bench, number).await);
    }
    let (first, second) = (bench.begin(&ids).await, bench.begin(&ids).await);
    let (left, right) = tokio::join!(bench.work(&first), bench.work(&second));
    assert_eq!((left, right), (Ended::Finished, Ended::Finished));
    assert_eq!(bench.due().await.len(), 20);
    let mut owed = 0;
    for run in [first, second] {
        let fates = bench.run(&run).await.fates;
        owed += fates.iter().find(|(fate, _)| *fate == Fate::Owed).map_or(0, |(_, n)| *n);
    }
    assert_eq!(owed, 20);
    // The second is told whose it is.
    let replays = bench.desk.letters.replays(&ids[0]).await.unwrap();
    let skipped = replays.iter().find(|replay| replay.fate == Fate::Skipped).unwrap();
    assert!(skipped.detail.as_deref().unwrap().contains("kari"), "{skipped:?}");
}

pub async fn a_run_stops_when_a_letter_comes_back(bench: Bench) {
    let mut ids = Vec::new();
    for number in 0..5 {
        let decision = bench.take(request(number, "stranger"), &everybody()).await;
        ids.push(decision.dead_letters[0].id);
    }
    let run = bench.begin(&ids).await;
    let pace = Pace { steps: "1,all".parse().unwrap(), ..pace() };
    let stop = CancellationToken::new();
    let ended = bench.desk.work(&run, &pace, &stop, &mut |_| {}).await.unwrap();
    let Ended::Stopped(why) = ended else { panic!("{ended:?}") };
    assert!(why.contains("UNKNOWN_SENDER"), "{why}");
    assert_eq!(bench.run(&run).await.fates, [(Fate::Planned, 4), (Fate::FailedAgain, 1)]);
    let states: Vec<(LetterState, u32)> = {
        let mut states = Vec::new();
        for id in &ids {
            let record = bench.letter(id).await;
            states.push((record.state, record.failures));
        }
        states.sort_unstable();
        states
    };
    assert_eq!(states[4], (LetterState::FailedAgain, 1));
    assert_eq!(states[3], (LetterState::Parked, 0));
    // Mended, the run goes on with the others.
    let mut mended = bench.other_desk();
    mended.directory = std::sync::Arc::new(directory(&[("stranger", crate::bench::agency())]));
    let ended = mended.work(&run, &pace, &stop, &mut |_| {}).await;
    // Its first step is over, and nobody serves.
    assert_eq!(ended.unwrap(), Ended::Finished);
    assert_eq!(bench.due().await.len(), 4);
}

pub async fn a_replay_stands_back_while_live_traffic_waits(bench: Bench) {
    let letter = unknown(&bench, 1).await;
    bench.take(request(2, "megler"), &everybody()).await;
    // What live traffic is owed is held by nobody, and falls behind.
    bench.clock.advance(600);
    let run = bench.begin(&[letter]).await;
    let pace = Pace { stands_back_after: std::time::Duration::from_secs(3), ..pace() };
    let stop = CancellationToken::new();
    let ended = bench.desk.work(&run, &pace, &stop, &mut |_| {}).await.unwrap();
    let Ended::Stopped(why) = ended else { panic!("{ended:?}") };
    assert!(why.contains("goes first"), "{why}");
    assert_eq!(bench.run(&run).await.fates, [(Fate::Planned, 1)]);
    // Once that is delivered, the run goes on.
    assert_eq!(bench.deliver().await.len(), 1);
    bench.desk.work(&run, &pace, &stop, &mut |_| {}).await.unwrap();
    assert_eq!(bench.run(&run).await.fates, [(Fate::Owed, 1)]);
}

pub async fn an_interrupted_turn_is_not_done_twice(bench: Bench) {
    let message = unknown(&bench, 1).await;
    bench.take(request(2, "megler"), &everybody()).await;
    let delivery = bench.give_up(&forwarded(2)).await.id;
    let untouched = unknown(&bench, 3).await;
    bench.deliver().await;
    let run = bench.begin(&[message, delivery, untouched]).await;
    // As a process leaves it that dies after the commit of the message and before it is kept.
    let now = bench.now();
    let taken = bench.desk.letters.take(&run, &[message, delivery], now).await.unwrap();
    assert_eq!(taken.taken.len(), 2);
    bench.take(request(1, "megler"), &everybody()).await;

    bench.clock.advance(120);
    let stop = CancellationToken::new();
    let ended = bench.other_desk().work(&run, &pace(), &stop, &mut |_| {}).await.unwrap();
    assert_eq!(ended, Ended::Finished);
    assert_eq!(bench.run(&run).await.fates, [(Fate::Owed, 3)]);
    let mut due: Vec<_> = bench.due().await.into_iter().map(|owed| owed.delivery.id).collect();
    let mut expected = vec![forwarded(1), forwarded(2), forwarded(3)];
    due.sort_unstable();
    expected.sort_unstable();
    assert_eq!(due, expected);
}

pub async fn a_run_in_other_hands_is_left_alone(bench: Bench) {
    let id = unknown(&bench, 1).await;
    let run = bench.begin(&[id]).await;
    let stop = CancellationToken::new();
    let refused = bench.other_desk().work(&run, &pace(), &stop, &mut |_| {}).await.unwrap_err();
    assert!(matches!(refused, ReplayError::Held { .. }), "{refused:?}");
    let unknown = innfri::port::letters::RunId::from_uuid(uuid::Uuid::from_u128(5));
    let refused = bench.desk.work(&unknown, &pace(), &stop, &mut |_| {}).await.unwrap_err();
    assert!(matches!(refused, ReplayError::UnknownRun(_)), "{refused:?}");
}

pub async fn nothing_is_added_for_a_receiver_that_does_not_take_deliveries(bench: Bench) {
    bench.take(request(1, "megler"), &everybody()).await;
    let letter = bench.broker_death(2).await.id;
    let due = bench.due().await;
    let failed = AttemptResult::Failed {
        delivery: due[0].delivery.id,
        next_attempt_at: bench.now(),
        error: "unroutable".into(),
    };
    bench.desk.journal.record(&[failed]).await.unwrap();
    let (run, ended) = bench.replay(&[letter]).await;
    let Ended::Stopped(why) = ended else { panic!("{ended:?}") };
    assert!(why.contains(&bank().to_string()), "{why}");
    bench.deliver().await;
    assert_eq!(bench.work(&run).await, Ended::Finished);
    assert_eq!(bench.due().await.len(), 1);
}

pub async fn an_answer_whose_case_is_known_now_reaches_its_asker(bench: Bench) {
    let early = answer(1, &forwarded(1).to_string());
    let decision = bench.take(early, &everybody()).await;
    let id = decision.dead_letters[0].id;
    bench.deliver().await;
    let (_, ended) = bench.replay(&[id]).await;
    assert!(matches!(ended, Ended::Stopped(_)), "{ended:?}");
    bench.take(request(1, "megler"), &everybody()).await;
    bench.deliver().await;
    let (_, ended) = bench.replay(&[id]).await;
    assert_eq!(ended, Ended::Finished);
    let due = bench.due().await;
    assert_eq!((due.len(), &due[0].delivery.to), (1, &crate::bench::agency()));
    let story = bench.desk.journal.story(&due[0].delivery.case.unwrap()).await.unwrap().unwrap();
    assert!(matches!(story.stored.case.state, CaseState::Settled(_)));
}

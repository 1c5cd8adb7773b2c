//! Deliveries to receivers that refuse, hang, or are away.

use innfri::case::{DeadReason, Purpose};
use innfri::directory::DeliveryPolicy;
use innfri::exchange::ExchangeConfig;
use innfri::kernel::CaseId;
use innfri::port::{Claim, DeadLetterFilter, DeliveryRecord, Whose};
use jiff::SignedDuration;
use uuid::Uuid;

use crate::messages::{AGENCY, BANK};
use crate::world::{
    ALTINN_BANK, MAILBOX_BANK, Mood, OTHER_BANK, World, hurried, let_it_look, until,
};

async fn forwarded(world: &World, case: CaseId) -> DeliveryRecord {
    let deliveries = world.story(case).await.deliveries;
    deliveries.into_iter().find(|one| one.purpose == Purpose::Request).unwrap()
}

async fn failed(world: &World, case: CaseId, times: u32) -> DeliveryRecord {
    until("an attempt is counted", async || forwarded(world, case).await.attempts == times).await;
    forwarded(world, case).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_given_up_is_a_dead_letter_and_the_asker_is_told_once() {
    let policy = DeliveryPolicy {
        give_up_after_seconds: Some(1000),
        retry_longest_seconds: Some(60),
        ..DeliveryPolicy::default()
    };
    let world = World::new(ExchangeConfig { breaker_failures: 999, ..hurried() }, policy).await;
    world.receiver(BANK).feels(Mood::Refuses);
    let case = world.ask(BANK, 1).await;
    failed(&world, case, 1).await;
    world.turn(999);
    let before = failed(&world, case, 2).await;
    assert_eq!(before.given_up_at, None, "the time is not over");

    world.turn(100);
    let agency = world.receiver(AGENCY);
    until("the asker is told", async || !agency.outcomes().is_empty()).await;
    let given_up = forwarded(&world, case).await;
    assert_eq!(given_up.given_up_at, Some(world.now()));
    let letters = world.journal.dead_letters(&DeadLetterFilter::default()).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].reason, letters[0].attempts), (DeadReason::DeliveryGivenUp, 3));
    assert_eq!((letters[0].case, letters[0].delivery), (Some(case), Some(given_up.id)));

    world.turn(100_000);
    let_it_look().await;
    let outcomes = agency.outcomes();
    assert_eq!(outcomes.len(), 1, "once");
    assert_eq!((outcomes[0].0, &outcomes[0].1["aarsak"]), (1, &"TEKNISK_FEIL".into()));
    assert_eq!(world.receiver(BANK).groups().len(), 3, "it is tried no more");

    // The bank had it by another way, and answers.
    world.answer(case, 1).await;
    until("the late answer arrives", async || agency.outcomes().len() == 2).await;
    assert_eq!(agency.outcomes()[1].0, 2);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_breaker_lets_nothing_through_and_then_one_probe() {
    let config = ExchangeConfig {
        breaker_failures: 3,
        breaker_open_seconds: 1000,
        retry_first_seconds: 10,
        retry_longest_seconds: 10,
        ..hurried()
    };
    let world = World::new(config, DeliveryPolicy::default()).await;
    let bank = world.receiver(BANK);
    bank.feels(Mood::Refuses);
    let case = world.ask(BANK, 1).await;
    for attempt in 1..=2 {
        failed(&world, case, attempt).await;
        world.turn(13);
    }
    failed(&world, case, 3).await;
    assert_eq!(bank.groups().len(), 3);

    // When exactly it opened is not seen from here, only that it is not before the attempt.
    // It is open: neither what waits nor what is new goes out, and nothing is counted.
    let more = [world.ask(BANK, 2).await, world.ask(BANK, 3).await];
    world.turn(800);
    let_it_look().await;
    assert_eq!(bank.groups().len(), 3);
    for case in more {
        assert_eq!(forwarded(&world, case).await.attempts, 0);
    }

    // One probe, which fails: it is open again.
    until("a probe goes out", async || {
        world.turn(50);
        bank.groups().len() == 4
    })
    .await;
    assert_eq!(bank.groups()[3].len(), 1);
    world.turn(800);
    let_it_look().await;
    assert_eq!(bank.groups().len(), 4);

    // One probe, which is taken: everything follows.
    bank.feels(Mood::Takes);
    until("everything is delivered", async || {
        world.turn(50);
        world.journal.counts().await.unwrap().owed_deliveries == 0
    })
    .await;
    assert_eq!(bank.groups()[4].len(), 1, "the probe goes alone");
    let sent: usize = bank.groups().iter().skip(4).map(Vec::len).sum();
    assert_eq!(sent, 3);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_slow_receiver_holds_up_nobody_else() {
    let world = World::new(hurried(), DeliveryPolicy::default()).await;
    world.receiver(BANK).feels(Mood::Hangs);
    for number in 0..20 {
        world.ask(BANK, number).await;
    }
    for number in 100..120 {
        world.ask(OTHER_BANK, number).await;
    }
    let other = world.receiver(OTHER_BANK);
    let received = async || other.groups().iter().map(Vec::len).sum::<usize>() == 20;
    until("the other bank has its requests", received).await;
    assert_eq!(world.receiver(BANK).groups().len(), 1, "one group waits for it");
    assert_eq!(world.all_cases().await.len(), 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_is_tried_by_its_own_schedule() {
    let policy = DeliveryPolicy {
        retry_first_seconds: Some(100),
        retry_longest_seconds: Some(150),
        ..DeliveryPolicy::default()
    };
    let world = World::new(hurried(), policy).await;
    world.receiver(BANK).feels(Mood::Refuses);
    world.receiver(OTHER_BANK).feels(Mood::Refuses);
    let (own, general) = (world.ask(BANK, 1).await, world.ask(OTHER_BANK, 2).await);
    let wait =
        |record: DeliveryRecord| record.next_attempt_at.duration_since(world.now()).as_secs();
    assert!((80..=120).contains(&wait(failed(&world, own, 1).await)));
    assert!((1..=3).contains(&wait(failed(&world, general, 1).await)));
    world.turn(121);
    assert!((120..=180).contains(&wait(failed(&world, own, 2).await)), "not 200 but 150");
    assert!((3..=5).contains(&wait(failed(&world, general, 2).await)));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_way_that_is_down_is_not_tried_and_nothing_is_counted() {
    let world = World::new(hurried(), DeliveryPolicy::default()).await;
    let bank = world.receiver(BANK);
    bank.feels(Mood::Away);
    let case = world.ask(BANK, 1).await;
    for _ in 0..3 {
        world.turn(100_000);
        let_it_look().await;
    }
    let waits = forwarded(&world, case).await;
    assert_eq!((waits.attempts, waits.given_up_at, bank.groups().len()), (0, None, 0));

    bank.feels(Mood::Takes);
    world.turn(91);
    until("it goes out", async || forwarded(&world, case).await.delivered_at.is_some()).await;
    assert_eq!(bank.groups().len(), 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bank_beyond_altinn_is_asked_there_and_not_while_the_way_is_down() {
    let mut world = World::new(hurried(), DeliveryPolicy::default()).await;
    let first = world.ask(ALTINN_BANK, 1).await;
    until("it goes out", async || forwarded(&world, first).await.delivered_at.is_some()).await;

    world.receiver(ALTINN_BANK).feels(Mood::Away);
    let case = world.ask(ALTINN_BANK, 2).await;
    // Longer than a delivery is tried; a process that starts now has not met the bank.
    for _ in 0..3 {
        world.turn(100_000);
        let_it_look().await;
    }
    world.join_process();
    let_it_look().await;
    let waits = forwarded(&world, case).await;
    assert_eq!((waits.attempts, waits.given_up_at), (0, None));
    assert_eq!(world.receiver(ALTINN_BANK).groups().len(), 1);

    world.receiver(ALTINN_BANK).feels(Mood::Takes);
    world.turn(91);
    until("it goes out", async || forwarded(&world, case).await.delivered_at.is_some()).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_that_falls_over_or_hangs_does_not_hold_its_receiver_up_for_ever() {
    for mood in [Mood::Panics, Mood::Hangs] {
        let config = ExchangeConfig { lease_seconds: 4, ..hurried() };
        let world = World::new(config, DeliveryPolicy::default()).await;
        let bank = world.receiver(BANK);
        bank.feels(mood);
        let case = world.ask(BANK, 1).await;
        until("it was sent", async || !bank.groups().is_empty()).await;
        bank.feels(Mood::Takes);
        // The lease of what fell over runs out; what hangs is given half of it.
        until("it goes out after all", async || {
            world.turn(1);
            forwarded(&world, case).await.delivered_at.is_some()
        })
        .await;
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_collects_from_a_mailbox_is_given_up_in_time() {
    let config = ExchangeConfig { give_up_after_seconds: 1000, ..hurried() };
    let world = World::new(config, DeliveryPolicy::default()).await;
    let case = world.ask(MAILBOX_BANK, 1).await;
    let to = [MAILBOX_BANK.parse().unwrap()];
    // It lies there for whoever collects, and is not tried.
    until("it is laid out", async || {
        let claim = Claim { owner: Uuid::nil(), now: world.now(), lease: SignedDuration::ZERO };
        world.journal.claim(&claim, 10, Whose::Only(&to, None)).await.unwrap().len() == 1
    })
    .await;
    world.turn(999);
    let_it_look().await;
    let waits = forwarded(&world, case).await;
    assert_eq!((waits.attempts, waits.given_up_at), (0, None));

    world.turn(2);
    let agency = world.receiver(AGENCY);
    until("the asker is told", async || !agency.outcomes().is_empty()).await;
    assert_eq!(agency.outcomes()[0].1["aarsak"], "TEKNISK_FEIL");
    let letters = world.journal.dead_letters(&DeadLetterFilter::default()).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert!(letters[0].detail.contains("nobody collected"), "{}", letters[0].detail);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_for_good_is_given_up_at_once_and_the_asker_is_told_once() {
    let world = World::new(hurried(), DeliveryPolicy::default()).await;
    world.receiver(BANK).feels(Mood::RefusesForGood);
    let case = world.ask(BANK, 1).await;
    let agency = world.receiver(AGENCY);
    until("the asker is told", async || !agency.outcomes().is_empty()).await;
    assert_eq!(forwarded(&world, case).await.given_up_at, Some(world.now()));
    world.turn(100_000);
    let_it_look().await;
    let outcomes = agency.outcomes();
    assert_eq!((outcomes.len(), &outcomes[0].1["aarsak"]), (1, &"TEKNISK_FEIL".into()));
    let letters = world.journal.dead_letters(&DeadLetterFilter::default()).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].attempts, letters[0].reason), (1, DeadReason::DeliveryGivenUp));
    assert_eq!(letters[0].detail, "refused_for_good: refused for good: closed");
    assert_eq!(world.receiver(BANK).groups().len(), 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_that_is_asked_for_is_granted_but_not_past_the_end() {
    let policy = DeliveryPolicy { give_up_after_seconds: Some(1000), ..DeliveryPolicy::default() };
    let world = World::new(hurried(), policy).await;
    let bank = world.receiver(BANK);
    let wait =
        |record: DeliveryRecord| record.next_attempt_at.duration_since(world.now()).as_secs();
    // A wait shorter than the schedule's own is no reason to hurry.
    bank.feels(Mood::AsksToWait(0));
    let case = world.ask(BANK, 1).await;
    assert!((1..=3).contains(&wait(failed(&world, case, 1).await)));
    bank.feels(Mood::AsksToWait(400));
    world.turn(3);
    assert_eq!(wait(failed(&world, case, 2).await), 400);
    bank.feels(Mood::AsksToWait(u64::MAX));
    world.turn(400);
    assert_eq!(wait(failed(&world, case, 3).await), 597, "then it is tried a last time");
    bank.feels(Mood::Takes);
    world.turn(597);
    until("it goes out", async || forwarded(&world, case).await.delivered_at.is_some()).await;
    world.end().await;
}

//! Answers that do not come in time.

use std::time::Duration;

use innfri::case::{Event, Purpose};
use innfri::contract::MessageType;
use innfri::directory::DeliveryPolicy;

use crate::messages::{AGENCY, BANK};
use crate::world::{OTHER_BANK, World, hurried, until};

fn within(seconds: u64) -> DeliveryPolicy {
    DeliveryPolicy {
        answer_within_seconds: [(MessageType::Restgjeldsforespoersel, seconds)].into(),
        ..DeliveryPolicy::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_overdue_answer_is_told_once_by_many_processes_and_a_late_one_replaces_it() {
    let mut world = World::new(hurried(), within(3600)).await;
    world.join_process();
    world.join_process();
    // More than are looked at together, and others that have no deadline.
    let mut cases = Vec::new();
    for number in 0..120 {
        cases.push(world.ask(BANK, number).await);
    }
    let other = world.ask(OTHER_BANK, 900).await;
    let agency = world.receiver(AGENCY);
    world.turn(3599);
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(agency.outcomes(), [], "nobody is late yet");

    world.turn(1);
    until("all are told", async || agency.outcomes().len() >= 120).await;
    // Every process looks at least once more.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(agency.outcomes().len(), 120);
    assert!(agency.outcomes().iter().all(|(revision, body)| *revision == 1
        && body["statuskode"] == "FEIL"
        && body["aarsak"] == "IKKE_SVART_I_TIDE"));
    assert_eq!(world.case(other).await.state.revision(), 0);

    world.answer(cases[7], 7).await;
    until("the late answer arrives", async || agency.outcomes().len() == 121).await;
    let (revision, body) = agency.outcomes().pop().unwrap();
    assert_eq!((revision, body.get("aarsak")), (2, None));
    let story = world.story(cases[7]).await;
    let names: Vec<&str> = story.events.iter().map(|one| one.event.name()).collect();
    assert_eq!(names, ["opened", "status_given", "answered"]);
    assert!(matches!(story.events[1].event, Event::StatusGiven { revision: 1, .. }));
    let second = Purpose::Outcome { revision: 2 };
    let second = story.deliveries.iter().find(|one| one.purpose == second).unwrap();
    assert!(second.attempts == 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_in_time_is_followed_by_nothing() {
    let world = World::new(hurried(), within(3600)).await;
    let case = world.ask(BANK, 1).await;
    world.answer(case, 1).await;
    world.turn(9999);
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(world.case(case).await.state.revision(), 1);
    world.end().await;
}

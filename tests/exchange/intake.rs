//! An intake that would make nothing but dead letters stops itself.

use innfri::directory::DeliveryPolicy;
use innfri::exchange::ExchangeConfig;
use innfri::kernel::{Death, Incoming};
use innfri::port::{Disposition, IntakeError};

use crate::messages::{RESTGJELD, restgjeld};
use crate::world::{World, hurried};

async fn letters(world: &World) -> u64 {
    world.journal.counts().await.unwrap().dead_letters
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_intake_that_would_make_only_dead_letters_stops_and_goes_on_by_itself() {
    let guard = ExchangeConfig { batch_guard_percent: 80, batch_guard_window: 20, ..hurried() };
    let world = World::new(guard, DeliveryPolicy::default()).await;
    let message =
        |login: &str, number: u32| world.incoming(login, RESTGJELD, number, &restgjeld(number));
    for number in 0..15 {
        let taken = world.take(message("stranger", number)).await.unwrap();
        assert_eq!(taken.disposition, Disposition::DeadLettered);
    }
    // The sixteenth of twenty stops it: it and all others stay where they are.
    for number in 15..100 {
        let taken = world.take(message("stranger", number)).await;
        assert_eq!(taken, Err(IntakeError::Unavailable));
    }
    assert_eq!(world.take(message("agent", 200)).await, Err(IntakeError::Unavailable));
    assert_eq!(letters(&world).await, 15);

    // What RabbitMQ itself gave up on is kept all the same.
    let death = Death { reason: "expired".into(), queue: "q".into(), count: 1 };
    let dead = Incoming { deaths: vec![death], ..message("stranger", 300) };
    assert!(world.keep_dead(dead).await.is_ok());
    assert_eq!(letters(&world).await, 16);

    // One is tried in ten seconds; as long as it fares no better, the others wait.
    world.turn(10);
    assert!(world.take(message("stranger", 15)).await.is_ok());
    assert_eq!(world.take(message("agent", 200)).await, Err(IntakeError::Unavailable));
    assert_eq!(letters(&world).await, 17);

    world.turn(10);
    let taken = world.take(message("agent", 200)).await.unwrap();
    assert_eq!(taken.disposition, Disposition::Accepted);
    for number in 201..240 {
        assert!(world.take(message("agent", number)).await.is_ok());
    }
    assert!(world.take(message("stranger", 16)).await.is_ok(), "one among many is no batch");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_was_here_before_is_found_out_though_it_is_presumed_new() {
    let guard = ExchangeConfig { batch_guard_percent: 80, batch_guard_window: 20, ..hurried() };
    let world = World::new(guard, DeliveryPolicy::default()).await;
    let message =
        |id: u32, body: u32| world.take(world.incoming("agent", RESTGJELD, id, &restgjeld(body)));
    for number in 0..20 {
        assert_eq!(message(number, number).await.unwrap().disposition, Disposition::Accepted);
    }
    let first = world.all_cases().await;
    for number in 0..20 {
        let taken = message(number, number).await.unwrap();
        assert_eq!(taken.disposition, Disposition::Repeated);
        assert!(first.iter().any(|case| taken.case == Some(case.id)));
    }
    assert_eq!(world.all_cases().await, first);
    // The same names with other content: as many as would be a batch stop the intake here as well.
    for number in 0..15 {
        let taken = message(number, 100 + number).await.unwrap();
        assert_eq!(taken.disposition, Disposition::Rejected);
    }
    assert_eq!(message(15, 115).await, Err(IntakeError::Unavailable));
    assert_eq!(letters(&world).await, 15);
    world.end().await;
}

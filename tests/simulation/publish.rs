//! How anybody hands a message in: again and again, to whichever process is there, until one says that
//! it is safe. Now and then twice at once, once more afterwards, or not waiting for the answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use innfri::kernel::{Death, Incoming};
use innfri::port::{Clock as _, Intake as _, Taken};

use crate::process::SimulatedClock;
use crate::world::World;

/// Hands a message in. `None` only when the run has failed.
pub async fn publish(world: &Arc<World>, incoming: Incoming) -> Option<Taken> {
    world.busy.fetch_add(1, Ordering::Relaxed);
    let first = if world.strikes(world.weather.duplicate) {
        let (one, other) =
            tokio::join!(offer(world, incoming.clone()), offer(world, incoming.clone()));
        agree(world, one, other);
        one
    } else {
        offer(world, incoming.clone()).await
    };
    if world.strikes(world.weather.duplicate) {
        tokio::time::sleep(world.chance.millis(0, 10_000)).await;
        agree(world, first, offer(world, incoming).await);
    }
    world.busy.fetch_sub(1, Ordering::Relaxed);
    first
}

/// Hands in a message that the broker has given up on.
pub fn given_up(incoming: Incoming) -> Incoming {
    let queue = "innfri.in.requests".to_owned();
    let death = Death { reason: "delivery_limit".into(), queue, count: 1 };
    Incoming { deaths: vec![death], ..incoming }
}

fn agree(world: &World, one: Option<Taken>, other: Option<Taken>) {
    if let (Some(one), Some(other)) = (one, other)
        && one.case != other.case
    {
        world.violated(format!("one message, two cases: {one:?} and {other:?}"));
    }
}

async fn offer(world: &Arc<World>, mut incoming: Incoming) -> Option<Taken> {
    let clock = SimulatedClock { began: world.began, ahead: jiff::SignedDuration::ZERO };
    let name = format!("{} {}", incoming.message_id.as_deref().unwrap_or("-"), incoming.body.len());
    while !world.has_failed() {
        let Some(process) = world.some_process() else {
            tokio::time::sleep(world.chance.millis(100, 1_000)).await;
            continue;
        };
        let exchange = process.exchange.get().cloned()?;
        incoming.received_at = clock.now();
        let patience = if world.strikes(world.weather.impatient) {
            world.chance.millis(1, 3_000)
        } else {
            Duration::from_secs(60)
        };
        let taking = async {
            if incoming.deaths.is_empty() {
                exchange.take(incoming.clone()).await
            } else {
                exchange.keep_dead(incoming.clone()).await
            }
        };
        match tokio::time::timeout(patience, taking).await {
            Ok(Ok(taken)) => {
                world.note(|| format!("p{} took {name}: {taken:?}", process.number));
                return Some(taken);
            }
            Ok(Err(error)) => {
                world.note(|| format!("p{} took not {name}: {error}", process.number))
            }
            Err(_) => world.note(|| format!("p{} was not waited for with {name}", process.number)),
        }
        tokio::time::sleep(world.chance.millis(10, 2_000)).await;
    }
    None
}

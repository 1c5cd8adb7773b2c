//! The way out: a model of a message broker with one queue for each participant. It refuses, falls
//! silent, loses confirmations, delivers late and in another order; what it confirms has arrived.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use innfri::case::Delivery;
use innfri::directory::Participant;
use innfri::port::{Outbound, Outgoing, SendError, Sender};
use tokio::time::Instant;

use crate::chance::lock;
use crate::paper::PARTIES;
use crate::planted::Planted;
use crate::process::Process;
use crate::watch;
use crate::world::World;

#[derive(Clone)]
pub struct Post {
    pub world: Arc<World>,
    pub process: Arc<Process>,
}

impl Outbound for Post {
    fn sender(&self, _: &Participant) -> Result<Arc<dyn Sender>, SendError> {
        Ok(Arc::new(self.clone()))
    }
}

#[async_trait]
impl Sender for Post {
    async fn send(&self, group: Vec<Outgoing>) -> Vec<Result<(), SendError>> {
        let world = &self.world;
        self.process.must_live().await;
        if world.strikes(world.weather.sender_slow) {
            tokio::time::sleep(world.chance.millis(1, 6_000)).await;
        }
        let mut results = vec![Ok(()); group.len()];
        let mut order: Vec<usize> = (0..group.len()).collect();
        world.chance.shuffle(&mut order);
        for place in order {
            if world.strikes(world.weather.crash) {
                self.process.crash(world, "while sending").await;
            }
            self.process.must_live().await;
            results[place] = self.one(&group[place].delivery).await;
        }
        if world.strikes(world.weather.crash) {
            self.process.crash(world, "before it hears that it was sent").await;
        }
        results
    }

    fn is_up(&self) -> bool {
        !self.world.way_is_down()
    }
}

impl Post {
    async fn one(&self, delivery: &Delivery) -> Result<(), SendError> {
        let world = &self.world;
        let weather = &world.weather;
        let result = if world.way_is_down() {
            Err(SendError::Unavailable("simulated".into()))
        } else if world.is_down(delivery.to.number()) {
            Err(SendError::Unroutable("simulated".into()))
        } else if world.strikes(weather.refuse) {
            Err(SendError::Refused("simulated".into()))
        } else if world.strikes(weather.time_out) {
            tokio::time::sleep(Duration::from_secs(5)).await;
            Err(SendError::TimedOut(5))
        } else if world.strikes(weather.late) {
            let due = Instant::now() + world.chance.millis(100, 15_000);
            lock(&world.late).push((due, delivery.clone()));
            Err(SendError::TimedOut(5))
        } else {
            self.put(delivery);
            if world.strikes(weather.confirm_lost) {
                match world.chance.below(2) {
                    0 => Err(SendError::TimedOut(5)),
                    _ => Err(SendError::Unavailable("simulated".into())),
                }
            } else {
                Ok(())
            }
        };
        if let Err(error) = &result {
            world.note(|| format!("not sent to {}: {error}", delivery.to));
        }
        if world.planted == Some(Planted::FailureHidden) { Ok(()) } else { result }
    }

    fn put(&self, delivery: &Delivery) {
        let mut delivery = delivery.clone();
        if self.world.planted == Some(Planted::Misdelivered) && self.world.chance.per_mille(50) {
            delivery.to = format!("NO:{}", self.world.chance.pick(&PARTIES)).parse().unwrap();
        }
        arrive(&self.world, delivery);
    }
}

/// What was sent is in its receiver's queue.
fn arrive(world: &World, delivery: Delivery) {
    world.note(|| format!("{} gets {:?} {}", delivery.to, delivery.purpose, delivery.id));
    watch::arrived(world, &delivery);
    let number = delivery.to.number().to_owned();
    lock(&world.queues).entry(number).or_default().push(delivery);
    world.arrived.notify_waiters();
}

/// Brings what was late.
pub async fn bring_late(world: Arc<World>) {
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let now = Instant::now();
        let due: Vec<(Instant, Delivery)> =
            lock(&world.late).extract_if(.., |(at, _)| *at <= now).collect();
        for (_, delivery) in due {
            arrive(&world, delivery);
        }
    }
}

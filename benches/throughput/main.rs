//! `cargo bench --bench throughput`: what innfri costs, against what others cost, in one run on one machine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::float_arithmetic,
    unreachable_pub,
    dead_code,
    reason = "a measurement stops at what it did not expect, and says what it found"
)]

mod contender;
mod load;
mod relay;
mod relaying;
#[path = "../../tests/support/mod.rs"]
mod support;
mod world;

use contender::{Contender, Scripts};
use load::Line;
use relaying::Runs;
use world::{ANSWERER, ASKER, PEER_IN, World};

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|word| word == "relay") {
        let setting = |name: &str| std::env::var(name).unwrap();
        let to: Vec<String> = setting("RELAY_TO").split(',').map(str::to_owned).collect();
        return relay::run(&setting("AMQP_URL"), &setting("QUEUE_IN"), &to).await;
    }
    let count: usize = std::env::var("N").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000);
    let rounds: usize = std::env::var("R").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    let only = std::env::var("ONLY").unwrap_or_default();
    let scripts = Scripts::prepare();
    let world = World::start().await;
    let database = world.postgres.create_database().await;
    let peers_database = world.postgres.create_database().await;
    let settings = world.settings("innfri", &database, 0);
    world.apply_topology(&settings);
    let line = Line::open(&world.rabbit.url(ASKER, ASKER)).await;
    let answering = Line::open(&world.rabbit.url(ANSWERER, ANSWERER)).await;
    let peer_line = Line::open(&world.rabbit.url("peer", "peer")).await;
    peer_line.declare(PEER_IN).await;
    let mut runs = Runs::new(&world, &line, &answering, count);
    for _ in 0..rounds {
        for contender in Contender::ALL {
            if !only.is_empty() && !contender.name().contains(&only) {
                continue;
            }
            if contender == Contender::Innfri {
                let (requests, answers) = runs.innfri(&settings, true).await;
                println!(
                    "{:24} requests {:>8.0}/s {:?} {} MiB",
                    contender.name(),
                    requests.per_second,
                    requests.processor,
                    requests.resident
                );
                let answers = answers.unwrap();
                println!(
                    "{:24} answers  {:>8.0}/s {:?} {} MiB",
                    contender.name(),
                    answers.per_second,
                    answers.processor,
                    answers.resident
                );
            } else {
                let shown = runs.peer(contender, &scripts, &peers_database).await;
                println!(
                    "{:24}          {:>8.0}/s {:?} {} MiB",
                    contender.name(),
                    shown.per_second,
                    shown.processor,
                    shown.resident
                );
            }
        }
    }
}

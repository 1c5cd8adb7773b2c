//! Nothing is lost: cases at a steady rate while processes, RabbitMQ, PostgreSQL and the lines between
//! them fail by a schedule that follows from a seed.
//!
//! `INNFRI_KILL_SEED=n` replays a schedule. `INNFRI_SOAK=1` makes the run long (200 000 cases, or
//! `INNFRI_KILL_CASES`) and has it say how far it is. `INNFRI_KILL_LOGS=folder` keeps the logs of all processes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops at what it did not expect"
)]
#![allow(dead_code, reason = "each test crate uses a part of what they share")]

#[path = "kill/mod.rs"]
mod kill;
mod support;

use std::sync::Arc;

use kill::schedule::{Kind, Size};
use support::rabbitmq::RabbitMq;

const BAG: &[Kind] = &[
    Kind::KillInnfri,
    Kind::KillInnfri,
    Kind::KillInnfri,
    Kind::KillEveryInnfri,
    Kind::StopInnfri,
    Kind::KillNode,
    Kind::KillNode,
    Kind::RestartPostgres,
    Kind::PostgresAway,
    Kind::CutAmqp,
    Kind::StallAmqp,
    Kind::MuteAmqp,
    Kind::CutJournal,
    Kind::StallJournal,
    Kind::MuteJournal,
    Kind::MuteParticipants,
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_dies_every_question_gets_its_one_outcome() {
    let size = Size { cases: 2000, per_trouble: 125, nodes: 1, processes: 3, rate: 500, bag: BAG };
    let size = if kill::soak() {
        Size { cases: kill::soak_cases(), per_trouble: 200, rate: 500, ..size }
    } else {
        size
    };
    kill::run("kill test", vec![Arc::new(RabbitMq::start())], size).await;
}

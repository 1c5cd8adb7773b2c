//! Nothing is lost on a cluster either: three RabbitMQ nodes, of which one at a time is killed and
//! brought back while processes, PostgreSQL and lines fail too. innfri and the participants reach
//! whichever node is there through a proxy, as through a load balancer.
//!
//! Takes the same variables as the kill test (see `kill.rs`).

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
    Kind::KillNode,
    Kind::KillNode,
    Kind::KillNode,
    Kind::KillInnfri,
    Kind::RestartPostgres,
    Kind::CutAmqp,
    Kind::MuteAmqp,
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whichever_node_dies_every_question_gets_its_one_outcome() {
    let size = Size { cases: 350, per_trouble: 50, nodes: 3, processes: 2, rate: 500, bag: BAG };
    let size = if kill::soak() {
        Size { cases: kill::soak_cases(), per_trouble: 200, ..size }
    } else {
        size
    };
    let nodes = tokio::task::spawn_blocking(RabbitMq::start_cluster).await.expect("a cluster");
    kill::run("cluster test", nodes.map(Arc::new).into(), size).await;
}

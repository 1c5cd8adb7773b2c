//! `cargo bench --bench throughput`: what innfri costs, beside what others cost, in one run on one machine.
//!
//! Starts its own RabbitMQ and PostgreSQL, times innfri and its peers in turn, prints a table of the goals and
//! keeps it in a file. docs/performance.md tells what the figures mean.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::float_arithmetic,
    clippy::disallowed_methods,
    unreachable_pub,
    dead_code,
    reason = "a measurement stops at what it did not expect, and says what it found"
)]

mod contender;
mod embedded;
mod fill;
mod latency;
mod load;
mod parts;
mod processes;
mod relay;
mod relaying;
mod report;
#[path = "../../tests/support/mod.rs"]
mod support;
mod worker;
mod world;

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Times innfri and its peers.
#[derive(Parser)]
#[command(
    after_help = "Needs node, npm, python3 with venv, taskset, RabbitMQ and PostgreSQL, as tests/run installs \
    them. Times mean something only on a machine that does nothing else."
)]
struct Arguments {
    /// Runs of each contender, one after the other in turn.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Messages of one run.
    #[arg(long, default_value_t = 40_000)]
    messages: usize,
    /// Cases that the filled journal holds; up to a million of them are open.
    #[arg(long, default_value_t = 1_000_000)]
    cases: usize,
    /// Banks of the directory beside the filled journal, up to 9000.
    #[arg(long, default_value_t = 9_000)]
    banks: usize,
    /// Only these parts.
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// Where the result is kept.
    #[arg(long, default_value = "target/throughput.json")]
    out: PathBuf,
    /// What Cargo says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Messages a second, and processor time for each, beside the peers.
    Relaying,
    /// Added latency at 500 messages a second.
    Latency,
    /// A filled journal and a large directory against empty ones; memory.
    Growth,
    /// Two processes against one.
    Processes,
    /// SQLite, HTTP in and mailbox out.
    Embedded,
    /// From start to ready.
    Starts,
}

#[tokio::main]
async fn main() {
    let setting = |name: &str| std::env::var(name).unwrap();
    match std::env::args().nth(1).as_deref() {
        Some("relay") => {
            let to: Vec<String> = setting("RELAY_TO").split(',').map(str::to_owned).collect();
            relay::run(&setting("AMQP_URL"), &setting("QUEUE_IN"), &to).await;
        }
        Some("worker") => {
            let (number, seconds) = (setting("WORKER_NUMBER"), setting("WORKER_SECONDS"));
            let directory = PathBuf::from(setting("WORKER_DIRECTORY"));
            let banks = world::banks(world::BANKS);
            let journal = setting("WORKER_JOURNAL");
            worker::run(
                &journal,
                &directory,
                &banks,
                number.parse().unwrap(),
                seconds.parse().unwrap(),
            )
            .await;
        }
        _ => parts::measure(Arguments::parse()).await,
    }
}

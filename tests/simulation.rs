#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    unreachable_pub,
    reason = "a test stops at what it did not expect"
)]
//! A deterministic simulation of whole installations: the real exchange and the real deciding on a model
//! journal, between model participants, in simulated time. docs/simulation.md tells what it models and
//! how to replay a seed.

#[path = "simulation/asker.rs"]
mod asker;
#[path = "simulation/bank.rs"]
mod bank;
#[path = "simulation/chance.rs"]
mod chance;
#[path = "simulation/journal.rs"]
mod journal;
#[path = "simulation/ledger.rs"]
mod ledger;
#[path = "simulation/paper.rs"]
mod paper;
#[path = "simulation/planted.rs"]
mod planted;
#[path = "simulation/post.rs"]
mod post;
#[path = "simulation/process.rs"]
mod process;
#[path = "simulation/publish.rs"]
mod publish;
#[path = "simulation/store.rs"]
mod store;
#[path = "simulation/verdict.rs"]
mod verdict;
#[path = "simulation/watch.rs"]
mod watch;
#[path = "simulation/world.rs"]
mod world;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use innfri::contract::Contract;
use innfri::kernel::Limits;

use chance::lock;
use planted::Planted;
use world::{Run, run};

/// Seeds in an ordinary run.
const SEEDS: u64 = 2_000;
/// Seeds with `INNFRI_SOAK=1`.
const SOAK: u64 = 200_000;
/// Seeds within which a planted bug must be found.
const FOUND_WITHIN: u64 = 60;

fn contract() -> Arc<Contract> {
    Arc::new(Contract::new(Limits::default()).unwrap())
}

/// Tells a failed run so that it can be understood and replayed.
fn story(seed: u64, run: &Run) -> String {
    let violation = run.violation.as_deref().unwrap_or("nothing is wrong");
    format!(
        "seed {seed}: {violation}\n{}\nreplay it: INNFRI_SIMULATION_SEED={seed} cargo test --test \
         simulation what_must_always_be_true -- --nocapture",
        run.lines.join("\n")
    )
}

/// Runs seeds on every core until one fails, and gives the first that did.
fn first_failure(seeds: std::ops::Range<u64>, every: Option<u64>) -> Option<(u64, Run)> {
    let next = AtomicU64::new(seeds.start);
    let totals = Mutex::new((0_usize, 0_u64, 0_usize));
    let failed: Mutex<Option<(u64, Run)>> = Mutex::new(None);
    let began = Instant::now();
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZeroUsize::get);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                let contract = contract();
                while lock(&failed).is_none() {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let run = run(seed, None, Arc::clone(&contract));
                    {
                        let mut totals = lock(&totals);
                        totals.0 += run.cases;
                        totals.1 += run.deaths;
                        totals.2 += run.given_up;
                    }
                    if run.violation.is_some() {
                        lock(&failed).get_or_insert((seed, run));
                    }
                    if every.is_some_and(|every| seed % every == every - 1) {
                        eprintln!("{} seeds in {:?}", seed + 1, began.elapsed());
                    }
                }
            });
        }
    });
    let (cases, deaths, given_up) = *lock(&totals);
    eprintln!(
        "{} seeds in {:?}: {cases} cases, {deaths} crashes, {given_up} deliveries given up",
        next.load(Ordering::Relaxed).min(seeds.end) - seeds.start,
        began.elapsed()
    );
    let failed = failed.into_inner().unwrap();
    let stormy = cases > 0 && deaths > 0 && given_up > 0;
    assert!(failed.is_some() || stormy, "a simulation in which nothing goes wrong shows nothing");
    failed
}

#[test]
fn what_must_always_be_true_is_true_in_every_seed() {
    if let Ok(seed) = std::env::var("INNFRI_SIMULATION_SEED") {
        let seed = seed.parse().expect("INNFRI_SIMULATION_SEED is a number");
        let run = run(seed, None, contract());
        eprintln!("{}", story(seed, &run));
        assert!(run.violation.is_none(), "seed {seed} fails");
        return;
    }
    let soak = std::env::var("INNFRI_SOAK").is_ok_and(|value| value == "1");
    let failure =
        if soak { first_failure(0..SOAK, Some(1_000)) } else { first_failure(0..SEEDS, None) };
    if let Some((seed, run)) = failure {
        panic!("{}", story(seed, &run));
    }
}

#[test]
fn a_seed_is_replayed_exactly() {
    let contract = contract();
    for seed in 0..20 {
        let first = run(seed, None, Arc::clone(&contract));
        let again = run(seed, None, self::contract());
        let differ = first.lines.iter().zip(&again.lines).find(|(one, other)| one != other);
        assert!(first.trace == again.trace, "seed {seed} differs: {differ:?}");
    }
    assert_ne!(run(1, None, Arc::clone(&contract)).trace, run(2, None, contract).trace);
}

/// What the first seed that finds a bug says of it.
fn found(bug: Planted) -> String {
    let contract = contract();
    let mut runs =
        (0..FOUND_WITHIN).map(|seed| (seed, run(seed, Some(bug), Arc::clone(&contract))));
    let found = runs.find_map(|(seed, run)| run.violation.map(|what| (seed, what)));
    let (seed, what) = found.unwrap_or_else(|| panic!("{bug:?} is not found"));
    eprintln!("{bug:?} is found by seed {seed}: {what}");
    what
}

#[test]
fn every_planted_bug_is_found() {
    for bug in Planted::ALL {
        found(bug);
    }
}

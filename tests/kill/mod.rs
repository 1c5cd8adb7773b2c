//! A run: cases at a steady rate, trouble by a schedule, then quiet and the reckoning.

mod fleet;
mod ledger;
mod plan;
pub mod schedule;
mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use innfri::port::Clock as _;
use tokio::task::JoinSet;

use crate::support::rabbitmq::RabbitMq;
use plan::Plan;
use schedule::{Planned, Size, Trouble, schedule};
use world::{PATIENCE, World};

/// How far a run has come.
#[derive(Default)]
struct Progress {
    asked: AtomicU32,
    begun: AtomicU32,
}

/// The seed of a run: the one that is named; in a long run a new one. Otherwise always the same, so that
/// two runs of one change meet the same schedule.
pub fn seed() -> u64 {
    match std::env::var("INNFRI_KILL_SEED") {
        Ok(text) => text.parse().expect("INNFRI_KILL_SEED is a number"),
        Err(_) if soak() => rand::random_range(0..1_000_000),
        Err(_) => 34,
    }
}

/// Whether the long runs are wanted.
pub fn soak() -> bool {
    std::env::var_os("INNFRI_SOAK").is_some_and(|value| value == "1")
}

/// The cases of a long run.
pub fn soak_cases() -> u32 {
    match std::env::var("INNFRI_KILL_CASES") {
        Ok(text) => text.parse().expect("INNFRI_KILL_CASES is a number"),
        Err(_) => 200_000,
    }
}

/// Runs it all on these nodes, and fails if anything was lost, doubled or changed.
#[expect(clippy::print_stderr, reason = "a run says what it does")]
pub async fn run(name: &str, nodes: Vec<Arc<RabbitMq>>, size: Size) {
    let seed = seed();
    eprintln!("{name}: INNFRI_KILL_SEED={seed} replays this schedule");
    let planned = schedule(seed, &size);
    let world = Arc::new(World::start(nodes, &size).await);
    let started = Instant::now();
    let progress = Arc::new(Progress::default());
    let mut work = JoinSet::new();
    work.spawn(ask(Arc::clone(&world), Arc::clone(&progress), seed, size.clone()));
    work.spawn(trouble(Arc::clone(&world), Arc::clone(&progress), planned.clone()));

    let mut watch = Watch::new(&world);
    while !work.is_empty() {
        watch.look(&size, &progress);
        tokio::time::sleep(Duration::from_millis(100)).await;
        while let Some(ended) = work.try_join_next() {
            ended.expect("it goes on");
        }
    }
    eprintln!("{name}: all asked and all trouble over after {} s", started.elapsed().as_secs());
    until_quiet(&world, &mut watch, &size, &progress).await;

    // What works for everybody else must still work for somebody new.
    let letters = world.post.ledger.lock().unwrap().open(Plan::plain(size.cases));
    world.post.send(letters);
    until_quiet(&world, &mut watch, &size, &progress).await;
    if let Some(folder) = std::env::var_os("INNFRI_KILL_LOGS") {
        world.keep_logs(folder.as_ref());
    }
    summary(name, &world, &planned, size.cases + 1, started);
    reckon(&world, size.cases + 1);
}

/// Cases that wait for their outcome at the same time, at most: a long run must not only pile up.
const MOST_WAITING: usize = 1000;

/// Asks at a steady rate, as far as the trouble has come.
async fn ask(world: Arc<World>, progress: Arc<Progress>, seed: u64, size: Size) {
    let today = innfri::port::SystemClock.today();
    let date = today.saturating_add(jiff::Span::new().days(7)).to_string();
    let most = size.cases / size.per_trouble;
    for number in 0..size.cases {
        while number / size.per_trouble > progress.begun.load(Ordering::Relaxed)
            && progress.begun.load(Ordering::Relaxed) < most
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        while number.is_multiple_of(50)
            && world.post.ledger.lock().unwrap().waiting() > MOST_WAITING
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let letters = world.post.ledger.lock().unwrap().open(Plan::of(seed, number, &date));
        world.post.send(letters);
        progress.asked.store(number + 1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs(1) / size.rate).await;
    }
}

/// Makes trouble when its time has come, and ends when all of it is over.
async fn trouble(world: Arc<World>, progress: Arc<Progress>, planned: Vec<Planned>) {
    let mut under_way = JoinSet::new();
    for Planned { after, amid, then_pause, trouble } in planned {
        while progress.asked.load(Ordering::Relaxed) < after {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        if let Some(steps) = amid {
            in_the_midst(&world, steps.into()).await;
        }
        let world = Arc::clone(&world);
        under_way.spawn(async move { world.make(trouble).await });
        progress.begun.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(then_pause).await;
        // No more than a few at a time, or the last would be over long after the last question.
        while under_way.len() > 2 {
            under_way.join_next().await.expect("trouble").expect("it goes on");
        }
    }
    while let Some(ended) = under_way.join_next().await {
        ended.expect("it goes on");
    }
}

/// Waits until so much has happened from now on, or there is nothing left to happen.
async fn in_the_midst(world: &World, steps: u64) {
    let steps_so_far = || world.post.ledger.lock().unwrap().steps;
    let enough = steps_so_far() + steps;
    let mut looks = 0_u32;
    while steps_so_far() < enough {
        tokio::time::sleep(Duration::from_millis(5)).await;
        looks += 1;
        // Counting what is complete takes a while in a long run.
        if looks.is_multiple_of(100) {
            let ledger = world.post.ledger.lock().unwrap();
            if ledger.complete() == ledger.opened() {
                return;
            }
        }
    }
}

/// Looks after the processes, and sees whether anything still moves.
struct Watch {
    world: Arc<World>,
    last_steps: u64,
    last_move: Instant,
    last_word: Instant,
}

impl Watch {
    fn new(world: &Arc<World>) -> Self {
        let now = Instant::now();
        Self { world: Arc::clone(world), last_steps: 0, last_move: now, last_word: now }
    }

    #[expect(clippy::print_stderr, reason = "a long run says how far it is")]
    fn look(&mut self, size: &Size, progress: &Progress) {
        self.world.fleet.supervise();
        let ledger = self.world.post.ledger.lock().unwrap();
        let (steps, wrongs) = (ledger.steps, ledger.wrongs().to_vec());
        let complete = if soak() { ledger.complete() } else { 0 };
        let verdict = (self.last_move.elapsed() > PATIENCE).then(|| ledger.judge());
        drop(ledger);
        assert!(wrongs.is_empty(), "{wrongs:#?}");
        if steps > self.last_steps {
            (self.last_steps, self.last_move) = (steps, Instant::now());
        } else if let Some(verdict) = verdict {
            panic!("nothing moves any more: {verdict:#?}");
        }
        if soak() && self.last_word.elapsed() > Duration::from_secs(10) {
            self.last_word = Instant::now();
            eprintln!(
                "  asked {} of {}, complete {complete}, troubles {}, peak memory {:?} MiB",
                progress.asked.load(Ordering::Relaxed),
                size.cases,
                progress.begun.load(Ordering::Relaxed),
                self.world.fleet.peaks(),
            );
        }
    }
}

/// Waits until every participant has what it must get, nothing is owed and no queue holds anything.
async fn until_quiet(world: &World, watch: &mut Watch, size: &Size, progress: &Progress) {
    let mut quiet_by = None;
    loop {
        watch.look(size, progress);
        let (complete, opened, letters) = {
            let ledger = world.post.ledger.lock().unwrap();
            (ledger.complete(), ledger.opened(), ledger.dead_letters())
        };
        if complete == opened && world.fleet.all_running() {
            let by = *quiet_by.get_or_insert_with(|| Instant::now() + PATIENCE);
            let report = world.command(&["doctor"]);
            let wanted = format!("0 open case(s), 0 delivery(ies) owed, {letters} dead letter(s)");
            let full = world.full_queues();
            if report.contains(&wanted) && full.is_empty() {
                return;
            }
            assert!(Instant::now() < by, "never quiet: {wanted}, but:\n{report}\n{full:#?}");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Fails if anything was lost, doubled, changed or led astray.
fn reckon(world: &World, cases: u32) {
    let verdict = world.post.ledger.lock().unwrap().judge();
    assert_eq!(verdict, ledger::Verdict::default(), "{verdict:#?}");
    let limit = (cases + 10).to_string();
    let listed = world.command(&["case", "list", "--json", "--settled", "--limit", &limit]);
    assert_eq!(listed.lines().count(), cases as usize, "cases in the journal");
    let (holds, said) = world.judged(&["journal", "verify"]);
    assert!(holds, "the journal does not hold: {said}");
    for slot in world.fleet.slots() {
        let said = slot.said();
        let panicked: Vec<&str> =
            said.lines().filter(|line| line.contains("panicked")).take(5).collect();
        assert!(panicked.is_empty(), "{panicked:#?}");
        assert!(!said.contains("Hemmelig"), "a log names a person");
    }
}

#[expect(clippy::print_stderr, reason = "this is what a run is for")]
fn summary(name: &str, world: &World, planned: &[Planned], cases: u32, started: Instant) {
    let count =
        |fits: fn(&Trouble) -> bool| planned.iter().filter(|one| fits(&one.trouble)).count();
    let ledger = world.post.ledger.lock().unwrap();
    let verdict = ledger.judge();
    let (starts, ended) = world.fleet.starts();
    let all = count(|trouble| matches!(trouble, Trouble::KillEveryInnfri(_)));
    let kills = count(|trouble| matches!(trouble, Trouble::KillInnfri(..)))
        + all * world.fleet.slots().len();
    eprintln!(
        "{name}: {cases} cases in {} s, {} troubles: {kills} kills of innfri ({starts} starts, \
         {ended} ended by themselves), {} kills of RabbitMQ nodes, {} restarts of PostgreSQL, \
         {} cuts and stalls; repeats dropped {}, lost {}, doubled {}, wrong {}; \
         peak memory {:?} MiB",
        started.elapsed().as_secs(),
        planned.len(),
        count(|trouble| matches!(trouble, Trouble::KillNode(..))),
        count(|trouble| matches!(trouble, Trouble::RestartPostgres | Trouble::PostgresAway(_))),
        count(|trouble| matches!(
            trouble,
            Trouble::Cut(_) | Trouble::Stall(..) | Trouble::Mute(..)
        )),
        ledger.repeats,
        verdict.lost.len(),
        verdict.doubled.len(),
        verdict.wrong.len(),
        world.fleet.peaks(),
    );
}

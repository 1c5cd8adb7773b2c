//! One run: a small installation, its participants and its weather, all from one seed.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use innfri::case::Delivery;
use innfri::contract::Contract;
use innfri::directory::Directory;
use innfri::exchange::ExchangeConfig;
use innfri::kernel::Digest;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::chance::{Chance, Weather, lock};
use crate::ledger::Ledger;
use crate::paper::{self, AGENCY, BANK, OTHER_AGENCY, OTHER_BANK, PARTIES};
use crate::planted::Planted;
use crate::process::{Process, keep_running};
use crate::store::Store;
use crate::{asker, bank, post, verdict};

/// How long, in simulated seconds, everything may take to come to rest when nothing fails any more.
const REST_WITHIN: u64 = 1_800;

pub struct World {
    pub chance: Chance,
    pub weather: Weather,
    pub planted: Option<Planted>,
    pub began: Instant,
    pub contract: Arc<Contract>,
    pub directory: watch::Sender<Arc<Directory>>,
    pub config: ExchangeConfig,
    pub store: Mutex<Store>,
    pub ledger: Mutex<Ledger>,
    pub pool: Mutex<Pool>,
    pub processes: Mutex<Vec<Option<Arc<Process>>>>,
    pub queues: Mutex<BTreeMap<String, Vec<Delivery>>>,
    pub late: Mutex<Vec<(Instant, Delivery)>>,
    pub arrived: Notify,
    /// Participants in the middle of something.
    pub busy: AtomicUsize,
    pub deaths: AtomicU64,
    calls: AtomicU64,
    numbers: AtomicU64,
    outages: Mutex<Outages>,
    trace: Mutex<Vec<String>>,
    violation: Mutex<Option<String>>,
}

/// Message ids that both agencies use, each once.
#[derive(Default)]
pub struct Pool(BTreeMap<&'static str, u128>);

impl Pool {
    pub fn take(&mut self, asker: &'static str) -> Option<String> {
        let next = self.0.entry(asker).or_insert(0x4000_8000_0000_0000_0000);
        *next += 1;
        Some(uuid::Uuid::from_u128(*next).to_string())
    }
}

/// Until when what is down; nothing is after the storm.
#[derive(Default)]
struct Outages {
    journal: Option<Instant>,
    way: Option<Instant>,
    receivers: BTreeMap<&'static str, Instant>,
}

/// What a run came to.
#[derive(Debug, Clone)]
pub struct Run {
    /// Of everything that happened, in order: two runs are the same when this is.
    pub trace: Digest,
    pub lines: Vec<String>,
    pub cases: usize,
    pub deaths: u64,
    pub given_up: usize,
    pub violation: Option<String>,
}

impl World {
    fn new(seed: u64, planted: Option<Planted>, contract: Arc<Contract>) -> Self {
        let chance = Chance::of(seed);
        let weather = Weather::of(&chance);
        let config = config(&chance);
        Self {
            weather,
            planted,
            began: Instant::now(),
            contract,
            directory: watch::Sender::new(Arc::new(paper::directory())),
            config,
            store: Mutex::new(Store { planted, ..Store::default() }),
            ledger: Mutex::default(),
            pool: Mutex::default(),
            processes: Mutex::new(vec![None; chance.place(3) + 1]),
            queues: Mutex::default(),
            late: Mutex::default(),
            arrived: Notify::new(),
            busy: AtomicUsize::new(0),
            deaths: AtomicU64::new(0),
            calls: AtomicU64::new(0),
            numbers: AtomicU64::new(0),
            outages: Mutex::default(),
            trace: Mutex::default(),
            violation: Mutex::default(),
            chance,
        }
    }

    pub fn note(&self, line: impl FnOnce() -> String) {
        let at = self.began.elapsed().as_millis();
        lock(&self.trace).push(format!("{at:>8} {}", line()));
    }

    /// Something that must always be true is not. The first counts.
    pub fn violated(&self, what: String) {
        self.note(|| format!("VIOLATED: {what}"));
        lock(&self.violation).get_or_insert(what);
    }

    pub fn has_failed(&self) -> bool {
        lock(&self.violation).is_some()
    }

    pub fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub fn count_call(&self) -> u64 {
        self.calls.fetch_add(1, Ordering::Relaxed)
    }

    pub fn is_storm(&self) -> bool {
        self.began.elapsed() < Duration::from_secs(self.weather.seconds)
    }

    /// Whether a fault of this likelihood (per mille) strikes now.
    pub fn strikes(&self, likelihood: u64) -> bool {
        likelihood > 0 && self.is_storm() && self.chance.per_mille(likelihood)
    }

    /// After so long, if the storm still lasts; else never.
    pub async fn storm_lasts(&self, so_long: Duration) {
        tokio::time::sleep(so_long).await;
        if !self.is_storm() {
            std::future::pending::<()>().await;
        }
    }

    fn lasts(&self, until: Option<Instant>) -> bool {
        self.is_storm() && until.is_some_and(|until| Instant::now() < until)
    }

    pub fn journal_is_down(&self) -> bool {
        self.lasts(lock(&self.outages).journal)
    }

    pub fn way_is_down(&self) -> bool {
        self.lasts(lock(&self.outages).way)
    }

    pub fn is_down(&self, receiver: &str) -> bool {
        self.lasts(lock(&self.outages).receivers.get(receiver).copied())
    }

    pub fn some_process(&self) -> Option<Arc<Process>> {
        let processes = lock(&self.processes);
        let there: Vec<&Arc<Process>> = processes.iter().flatten().collect();
        if there.is_empty() {
            None
        } else {
            Some(Arc::clone(there[self.chance.place(there.len())]))
        }
    }

    fn is_at_rest(&self) -> bool {
        let queues = lock(&self.queues);
        let read =
            [BANK, OTHER_BANK].iter().all(|bank| queues.get(*bank).is_none_or(Vec::is_empty));
        read && self.busy.load(Ordering::Relaxed) == 0
            && lock(&self.late).is_empty()
            && lock(&self.store).counts().owed_deliveries == 0
    }
}

/// Small numbers, so that limits are met.
fn config(chance: &Chance) -> ExchangeConfig {
    let impatient = chance.below(3) == 0;
    ExchangeConfig {
        waiting_messages: chance.pick(&[1, 4, 1024]),
        group_size: chance.pick(&[1, 3, 128]),
        deciders: chance.pick(&[1, 2, 3]),
        lease_seconds: chance.between(8, 40),
        sweep_milliseconds: chance.pick(&[250, 1000, 3000]),
        in_flight_per_receiver: chance.pick(&[1, 3, 128]),
        waiting_per_receiver: chance.pick(&[1, 3, 1024]),
        receivers_at_once: chance.pick(&[1, 2, 64]),
        retry_first_seconds: chance.between(1, 3),
        retry_longest_seconds: chance.between(5, 30),
        give_up_after_seconds: if impatient { chance.between(5, 40) } else { 259_200 },
        breaker_failures: chance.pick(&[1, 2, 5]),
        breaker_open_seconds: chance.between(1, 20),
        ..ExchangeConfig::default()
    }
}

async fn change_weather(world: Arc<World>) {
    while world.is_storm() {
        tokio::time::sleep(world.chance.millis(200, 4_000)).await;
        if world.strikes(world.weather.outages) {
            let until = Instant::now() + world.chance.millis(100, 20_000);
            let mut outages = lock(&world.outages);
            match world.chance.below(4) {
                0 => outages.journal = Some(until),
                1 => outages.way = Some(until),
                _ => drop(outages.receivers.insert(world.chance.pick(&PARTIES), until)),
            }
        }
    }
}

thread_local! {
    /// Panics on this thread: tasks swallow them.
    static PANICS: Cell<u64> = const { Cell::new(0) };
}

fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.set(PANICS.get() + 1);
            before(panic);
        }));
    });
}

/// Runs a seed to its end.
pub fn run(seed: u64, planted: Option<Planted>, contract: Arc<Contract>) -> Run {
    count_panics();
    let panics = PANICS.get();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let world = runtime.block_on(async {
        let world = Arc::new(World::new(seed, planted, contract));
        live(&world).await;
        world
    });
    drop(runtime);
    if PANICS.get() > panics {
        world.violated("something panicked".into());
    }
    let store = lock(&world.store);
    let lines = std::mem::take(&mut *lock(&world.trace));
    let trace = Digest::of(&lines.iter().map(String::as_bytes).collect::<Vec<_>>());
    let given_up = store.deliveries.values().filter(|owed| owed.given_up_at.is_some()).count();
    let violation = lock(&world.violation).take();
    let deaths = world.deaths.load(Ordering::Relaxed);
    Run { trace, lines, cases: store.cases.len(), deaths, given_up, violation }
}

async fn live(world: &Arc<World>) {
    world.note(|| format!("{:?}", world.weather));
    world.note(|| format!("{:?}", world.config));
    let stop = CancellationToken::new();
    let mut processes = JoinSet::new();
    for place in 0..lock(&world.processes).len() {
        processes.spawn(keep_running(Arc::clone(world), place, stop.clone()));
    }
    let mut around = JoinSet::new();
    around.spawn(post::bring_late(Arc::clone(world)));
    around.spawn(change_weather(Arc::clone(world)));
    around.spawn(bank::work(Arc::clone(world), BANK));
    around.spawn(bank::work(Arc::clone(world), OTHER_BANK));
    around.spawn(throw_away(Arc::clone(world)));

    let mut askers = JoinSet::new();
    for number in 1..=world.chance.between(3, 10) {
        askers.spawn(asker::ask(Arc::clone(world), number));
    }
    rest(world, &mut askers, "the storm").await;
    for number in 101..=102 {
        askers.spawn(asker::ask_plainly(Arc::clone(world), number));
    }
    rest(world, &mut askers, "the last questions").await;

    stop.cancel();
    let ended = async { while processes.join_next().await.is_some() {} };
    if tokio::time::timeout(Duration::from_secs(600), ended).await.is_err() {
        world.violated("the processes did not stop".into());
    }
    around.shutdown().await;
    if !world.has_failed() {
        verdict::give(world);
    }
}

/// Waits until everybody has said what they had to say and nothing is owed.
async fn rest(world: &World, askers: &mut JoinSet<()>, after: &str) {
    let storm = Duration::from_secs(world.weather.seconds).saturating_sub(world.began.elapsed());
    let deadline = Instant::now() + storm + Duration::from_secs(REST_WITHIN);
    while !world.has_failed() {
        while let Some(done) = askers.try_join_next() {
            if done.is_err() {
                world.violated("an asker fell over".into());
            }
        }
        if askers.is_empty() && world.is_at_rest() && !world.is_storm() {
            return;
        }
        if Instant::now() > deadline {
            let counts = lock(&world.store).counts();
            let busy = world.busy.load(Ordering::Relaxed);
            world.violated(format!(
                "no rest after {after}: {counts:?}, {busy} busy, {} askers",
                askers.len()
            ));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Agencies have only a ledger, which knows by now.
async fn throw_away(world: Arc<World>) {
    loop {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let mut queues = lock(&world.queues);
        for agency in [AGENCY, OTHER_AGENCY] {
            queues.remove(agency);
        }
    }
}

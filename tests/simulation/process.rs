//! innfri's processes: each is the real exchange on the model journal. A crash drops everything that a
//! process holds, at whatever it waits for; the next one starts under another name.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use innfri::exchange::{self, Exchange, Parts};
use innfri::kernel::Environment;
use innfri::port::{Claim, Clock, Decision};
use jiff::{SignedDuration, Timestamp};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::chance::lock;
use crate::journal::Line;
use crate::post::Post;
use crate::world::World;

/// Time that stands still until everybody waits, and then jumps. The clocks of two machines differ.
pub struct SimulatedClock {
    pub began: Instant,
    pub ahead: SignedDuration,
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        let start: Timestamp = Timestamp::from_second(1_795_000_000).unwrap();
        start + SignedDuration::try_from(self.began.elapsed()).unwrap() + self.ahead
    }

    /// A day without time zones, which take long to look up thousands of times.
    fn today(&self) -> jiff::civil::Date {
        jiff::tz::Offset::constant(1).to_datetime(self.now()).date()
    }
}

pub struct Process {
    pub number: u64,
    pub exchange: OnceLock<Exchange>,
    pub stop: CancellationToken,
    /// What the journal said was kept and was not: only with a planted bug.
    pub put_off: Mutex<Vec<(Vec<Decision>, Claim)>>,
    alive: AtomicBool,
    abort: OnceLock<AbortHandle>,
}

impl Process {
    /// Goes on only while the process lives: nothing has effect after a crash.
    pub async fn must_live(&self) {
        if !self.alive.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    }

    pub fn kill(&self, world: &World, when: &str) {
        world.note(|| format!("p{} dies {when}", self.number));
        world.deaths.fetch_add(1, Ordering::Relaxed);
        self.alive.store(false, Ordering::Relaxed);
        if let Some(abort) = self.abort.get() {
            abort.abort();
        }
    }

    /// Dies here and now.
    pub async fn crash(&self, world: &World, when: &str) {
        self.kill(world, when);
        std::future::pending::<()>().await;
    }
}

/// Keeps one place in the installation filled with a process until `stop`, and then ends it in order.
pub async fn keep_running(world: Arc<World>, place: usize, stop: CancellationToken) {
    while !stop.is_cancelled() && !world.has_failed() {
        let mut tasks = JoinSet::new();
        let process = start(&world, &mut tasks);
        lock(&world.processes)[place] = Some(Arc::clone(&process));
        let life = world.chance.millis(500, 40_000);
        tokio::select! {
            biased;
            _ = tasks.join_next() => {}
            () = stop.cancelled() => end(&world, &process, &mut tasks).await,
            () = world.storm_lasts(life) => {
                if world.weather.crash > 0 && world.chance.below(2) == 0 {
                    process.kill(&world, "of its own");
                } else {
                    end(&world, &process, &mut tasks).await;
                }
            }
        }
        lock(&world.processes)[place] = None;
        tasks.shutdown().await;
        if world.is_storm() {
            tokio::time::sleep(world.chance.millis(0, 5_000)).await;
        }
    }
}

async fn end(world: &World, process: &Process, tasks: &mut JoinSet<()>) {
    world.note(|| format!("p{} is told to stop", process.number));
    process.stop.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(300), tasks.join_next()).await;
    if ended.is_err() {
        world.violated(format!("p{} did not stop within 300 s", process.number));
    }
}

fn start(world: &Arc<World>, tasks: &mut JoinSet<()>) -> Arc<Process> {
    let process = Arc::new(Process {
        number: world.next_number(),
        exchange: OnceLock::new(),
        stop: CancellationToken::new(),
        put_off: Mutex::default(),
        alive: AtomicBool::new(true),
        abort: OnceLock::new(),
    });
    let ahead =
        SignedDuration::from_millis(world.chance.pick(&[0, 0, 0, -4_000, -700, 900, 3_000]));
    let line = Line { world: Arc::clone(world), process: Arc::clone(&process) };
    let (exchange, work) = exchange::assemble(Parts {
        journal: Arc::new(line),
        contract: Arc::clone(&world.contract),
        directory: world.directory.subscribe(),
        clock: Arc::new(SimulatedClock { began: world.began, ahead }),
        environment: Environment::Test,
        config: world.config.clone(),
        bell: innfri::port::Bell::default(),
        metrics: innfri::exchange::Metrics::default(),
        process: Uuid::from_u128(u128::from(process.number)),
    });
    world.note(|| format!("p{} starts", process.number));
    drop(process.exchange.set(exchange));
    let post = Arc::new(Post { world: Arc::clone(world), process: Arc::clone(&process) });
    let abort = tasks.spawn(work.run(post, process.stop.clone()));
    drop(process.abort.set(abort));
    process
}

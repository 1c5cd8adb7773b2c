//! Several processes of innfri's over one journal, each with its own way to RabbitMQ and PostgreSQL, and
//! what a supervisor does for them: one that has ended is started again.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::support::program::Program;
use crate::support::proxy::Proxy;

/// How soon a process that ended by itself is started again.
const AGAIN: Duration = Duration::from_millis(500);

/// The processes.
pub struct Fleet {
    slots: Vec<Slot>,
}

/// One process and its ways.
pub struct Slot {
    config: PathBuf,
    log: PathBuf,
    pub amqp: Proxy,
    pub journal: Proxy,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    program: Option<Program>,
    /// Not to be started before this.
    down_until: Option<Instant>,
    /// Somebody waits for its end, and will say when it may be started again.
    stopping: bool,
    starts: usize,
    ended_by_itself: usize,
    peak: u64,
}

impl Slot {
    /// A process that will run with the settings `config`.
    pub fn new(folder: &Path, name: &str, config: String, amqp: Proxy, journal: Proxy) -> Self {
        let path = folder.join(format!("{name}.toml"));
        std::fs::write(&path, config).unwrap();
        let log = folder.join(format!("{name}.log"));
        Self { config: path, log, amqp, journal, state: Mutex::default() }
    }

    fn supervise(&self) {
        let mut state = self.state.lock().unwrap();
        state.look();
        if let Some(program) = &mut state.program {
            if program.ended().is_some() {
                state.program = None;
                state.ended_by_itself += 1;
                state.down_until = Some(Instant::now() + AGAIN);
            }
        } else if !state.stopping && state.down_until.is_none_or(|until| Instant::now() >= until) {
            let config = self.config.display().to_string();
            let arguments = ["serve", "--config", &config];
            state.program = Some(Program::start(&arguments, &[("NO_COLOR", "1")], &self.log));
            state.starts += 1;
        }
    }

    /// Kills the process; it is started again after `down`.
    pub fn kill(&self, down: Duration) {
        let mut state = self.state.lock().unwrap();
        state.look();
        state.down_until = Some(Instant::now() + down);
        if let Some(mut program) = state.program.take() {
            program.kill();
        }
    }

    /// Tells the process to stop and waits until it has. Blocks.
    pub fn stop(&self) {
        let taken = {
            let mut state = self.state.lock().unwrap();
            state.look();
            state.stopping = true;
            state.program.take()
        };
        if let Some(mut program) = taken {
            program.terminate();
        }
        self.state.lock().unwrap().stopping = false;
    }

    fn is_running(&self) -> bool {
        self.state.lock().unwrap().program.is_some()
    }

    /// Everything that its processes have said.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl State {
    fn look(&mut self) {
        let now = self.program.as_ref().and_then(Program::peak_memory);
        self.peak = self.peak.max(now.unwrap_or_default());
    }
}

impl Fleet {
    pub fn new(slots: Vec<Slot>) -> Self {
        Self { slots }
    }

    pub fn slot(&self, place: usize) -> &Slot {
        &self.slots[place]
    }

    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Starts what is not running and should be. To be called often.
    pub fn supervise(&self) {
        self.slots.iter().for_each(Slot::supervise);
    }

    /// Waits until every process has said once that it is ready.
    pub fn wait_until_ready(&self) {
        self.supervise();
        for slot in &self.slots {
            let mut state = slot.state.lock().unwrap();
            state.program.as_mut().expect("a process").wait_for("innfri is ready", 1);
        }
    }

    pub fn all_running(&self) -> bool {
        self.slots.iter().all(Slot::is_running)
    }

    /// How often processes were started, and how often one ended by itself.
    pub fn starts(&self) -> (usize, usize) {
        let states = self.slots.iter().map(|slot| slot.state.lock().unwrap());
        states.fold((0, 0), |(starts, ends), state| {
            (starts + state.starts, ends + state.ended_by_itself)
        })
    }

    /// The most memory that the processes of each slot have used, in MiB.
    pub fn peaks(&self) -> Vec<u64> {
        let look = |slot: &Slot| {
            let mut state = slot.state.lock().unwrap();
            state.look();
            state.peak / 1024
        };
        self.slots.iter().map(look).collect()
    }
}

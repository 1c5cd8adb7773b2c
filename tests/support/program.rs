//! The program as its users run it: the built binary as separate processes.

#![allow(clippy::print_stderr, reason = "a failed test shows what the program said")]

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// The binary under test: the release build when the test run names it, else the one Cargo built.
pub fn binary() -> PathBuf {
    std::env::var_os("INNFRI_BINARY")
        .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_innfri")), PathBuf::from)
}

/// Runs a command to its end.
pub fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(binary())
        .args(arguments)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()
        .expect("the binary starts")
}

/// A process that goes on until it is stopped.
pub struct Program {
    child: Child,
    log: PathBuf,
    /// Whether what it starts is killed with it.
    group: bool,
}

impl Program {
    /// Starts a command; what it says goes to a file.
    pub fn start(arguments: &[&str], environment: &[(&str, &str)], log: &Path) -> Self {
        let mut command = Command::new(binary());
        command.args(arguments).envs(environment.iter().copied());
        Self::spawn(command, log)
    }

    /// Starts a program that is not innfri; what it says goes to a file.
    pub fn spawn(mut command: Command, log: &Path) -> Self {
        let out = File::options().create(true).append(true).open(log).expect("a log file");
        let child = command
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("a second handle"))
            .stderr(out)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        Self { child, log: log.to_owned(), group: false }
    }

    /// Starts a program that works by starting others, such as a script: a kill takes them along.
    pub fn spawn_group(mut command: Command, log: &Path) -> Self {
        command.process_group(0);
        let mut program = Self::spawn(command, log);
        program.group = true;
        program
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has said so far.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its exit status, when it has ended by itself.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child")
    }

    /// The most memory that it has used so far, in KiB; `None` once it is gone.
    pub fn peak_memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }

    /// Waits until it has said this `times` times.
    pub fn wait_for(&mut self, text: &str, times: usize) {
        let until = Instant::now() + Duration::from_secs(120);
        loop {
            if self.said().matches(text).count() >= times {
                return;
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("ended with {status} before saying {text:?}:\n{}", self.said());
            }
            assert!(Instant::now() < until, "never said {text:?}:\n{}", self.said());
            sleep(50);
        }
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().expect("kill runs");
        assert!(sent.success(), "signal {name} was not sent");
    }

    /// Asks it to read its directory again.
    pub fn hang_up(&self) {
        self.signal("HUP");
    }

    /// Presses Ctrl-C, and waits until it has stopped; its exit code.
    pub fn interrupt(&mut self) -> Option<i32> {
        self.signal("INT");
        self.end()
    }

    /// Asks it to stop, and waits until it has; its exit code.
    pub fn terminate(&mut self) -> Option<i32> {
        self.signal("TERM");
        self.end()
    }

    /// Waits until it has ended; its exit code.
    pub fn end(&mut self) -> Option<i32> {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.code();
            }
            assert!(Instant::now() < until, "did not stop:\n{}", self.said());
            sleep(50);
        }
    }

    /// Kills it with SIGKILL.
    pub fn kill(&mut self) {
        if self.group && matches!(self.child.try_wait(), Ok(None)) {
            let group = format!("-{}", self.child.id());
            Command::new("kill").args(["-s", "KILL", "--", &group]).status().ok();
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let said = self.said();
            let lines: Vec<&str> = said.lines().collect();
            let last = lines.len().saturating_sub(60);
            eprintln!("--- last lines of {}:", self.log.display());
            lines.iter().skip(last).for_each(|line| eprintln!("{line}"));
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "tests wait for processes, not for tasks")]
fn sleep(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

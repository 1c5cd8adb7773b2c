//! One installation: the program with its settings, directory and journal, started and killed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use innfri::journal::{self, JournalConfig};
use innfri::port::Journal;
use tempfile::TempDir;

use crate::support::program::{Program, run};

/// Only a bound: nothing is measured.
pub const PATIENCE: Duration = Duration::from_secs(90);

pub struct Side {
    // First, so that it can still show its log when it is dropped.
    program: Option<Program>,
    folder: TempDir,
    starts: usize,
}

impl Side {
    /// An installation that is not started, in a folder of its own.
    pub fn new() -> Self {
        Self { program: None, folder: TempDir::new().unwrap(), starts: 0 }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Settings in which it finds its files, with short times so that a kill is soon gone over.
    pub fn settings(&self, more: &str) -> String {
        format!(
            "environment = \"test\"\n[directory]\nfile = {:?}\n[journal]\nurl = \"{}\"\n\
             [exchange]\nlease_seconds = 8\nsweep_milliseconds = 200\nretry_first_seconds = 1\n\
             retry_longest_seconds = 2\nbreaker_open_seconds = 1\nbatch_guard_percent = 0\n{more}\n",
            self.path("directory.toml"),
            self.journal_url(),
        )
    }

    fn journal_url(&self) -> String {
        format!("sqlite:{}", self.path("innfri.db").display())
    }

    fn config(&self) -> String {
        self.path("innfri.toml").display().to_string()
    }

    /// Runs a command of this installation; what it prints.
    pub fn command(&self, arguments: &[&str]) -> String {
        let config = self.config();
        let output = tokio::task::block_in_place(|| {
            run(&[arguments, &["--config", &config]].concat(), &[("NO_COLOR", "1")])
        });
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {told}{complained}");
        told
    }

    /// Starts it on the journal that it has, and waits until it is ready.
    pub async fn start(&mut self) {
        assert!(self.program.is_none(), "it runs");
        let config = self.config();
        let log = self.path("innfri.log");
        let program = Program::start(&["serve", "--config", &config], &[("NO_COLOR", "1")], &log);
        self.program = Some(program);
        self.starts += 1;
        self.until_said("innfri is ready", self.starts).await;
    }

    /// Waits without holding up those who serve it.
    async fn until_said(&mut self, text: &str, times: usize) {
        let until = Instant::now() + PATIENCE;
        let program = self.program.as_mut().expect("it runs");
        while program.said().matches(text).count() < times {
            assert!(program.ended().is_none(), "it has ended:\n{}", program.said());
            assert!(Instant::now() < until, "never said {text:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Kills it with SIGKILL.
    pub fn kill(&mut self) {
        let mut program = self.program.take().expect("it runs");
        assert!(program.ended().is_none(), "it has ended by itself:\n{}", program.said());
        program.kill();
    }

    /// Stops it in good order.
    pub fn stop(&mut self) {
        let mut program = self.program.take().expect("it runs");
        assert_eq!(tokio::task::block_in_place(|| program.terminate()), Some(0));
    }

    /// Where it listens for HTTP since its last start.
    pub async fn address(&mut self) -> String {
        self.until_said("listens for HTTP", self.starts).await;
        let said = self.said();
        let (_, last) = said.rsplit_once("listens for HTTP address=127.0.0.1:").unwrap();
        let port: String = last.chars().take_while(char::is_ascii_digit).collect();
        format!("http://127.0.0.1:{port}")
    }

    /// Its journal, beside the program.
    pub async fn journal(&self) -> Arc<dyn Journal> {
        journal::open(&JournalConfig::at(self.journal_url())).await.unwrap()
    }

    /// What it has said since it was first started.
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.path("innfri.log")).unwrap_or_default()
    }
}

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops at what it did not expect"
)]
//! `examples/altinn/run` as somebody new would run it: what it prints, and that it leaves nothing behind.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use support::program::{Program, binary};
use support::rabbitmq::RabbitMq;
use tempfile::TempDir;

/// How long the whole of it may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(400);

/// A run of the script, whose temporary files are in a folder of its own.
struct Run {
    // First, so that it can still show its log when it is dropped.
    program: Program,
    folder: TempDir,
}

impl Run {
    fn start(amqp_url: Option<&str>) -> Self {
        let folder = TempDir::new().unwrap();
        let temporary = folder.path().join("tmp");
        std::fs::create_dir(&temporary).unwrap();
        let mut command = script();
        // What descends from this run is known by its place for temporary files.
        command.env("TMPDIR", &temporary).env("INNFRI_BINARY", binary()).env_remove("AMQP_URL");
        // A setting from elsewhere does not count.
        command.env("INNFRI__ALTINN__RESOURCE_ID", "other");
        if let Some(url) = amqp_url {
            command.env("AMQP_URL", url);
        }
        let program = Program::spawn_group(command, &folder.path().join("run.log"));
        Self { program, folder }
    }

    fn temporary(&self) -> PathBuf {
        self.folder.path().join("tmp")
    }

    /// Waits for its end, and for nothing to be left; its exit code and what it said.
    fn end(mut self) -> (Option<i32>, String) {
        let until = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.program.ended() {
                break status;
            }
            assert!(Instant::now() < until, "does not end:\n{}", self.program.said());
            pause();
        };
        let said = self.program.said();
        let left = std::fs::read_dir(self.temporary()).unwrap().count();
        assert_eq!(left, 0, "files are left:\n{said}");
        assert_eq!(processes_of(&self.temporary()), Vec::<String>::new(), "processes are left");
        (status.code(), said)
    }
}

fn script() -> Command {
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/altinn/run"))
}

/// The processes whose temporary files are there.
fn processes_of(temporary: &Path) -> Vec<String> {
    let wanted = format!("TMPDIR={}", temporary.display()).into_bytes();
    let mut found = Vec::new();
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        // A process that is not ours to read, or ends meanwhile, is none of ours.
        let Ok(environment) = std::fs::read(process.path().join("environ")) else { continue };
        if environment.split(|byte| *byte == 0).any(|variable| variable == wanted) {
            let name = std::fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            found.push(format!("{} {}", process.file_name().display(), name.trim()));
        }
    }
    found
}

#[expect(clippy::disallowed_methods, reason = "tests wait for processes, not for tasks")]
fn pause() {
    std::thread::sleep(Duration::from_millis(100));
}

/// What stands after a headline, up to the next.
fn part<'a>(said: &'a str, headline: &str) -> &'a str {
    let (_, rest) = said.split_once(&format!("=== {headline}")).expect(headline);
    rest.split("\n=== ").next().unwrap()
}

/// Every question went the whole way, and came back with the outcome that it should.
fn went_well(code: Option<i32>, said: &str) {
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("every question got the outcome that it should"), "{said}");
    let answered = part(said, "Ask 01-");
    assert!(answered.contains("15641000001: 1825000.00 kroner"), "{answered}");
    assert!(answered.contains("15641000002: 700000.50 kroner"), "{answered}");
    let payoff = part(said, "Ask 02-");
    assert_eq!(payoff.matches("15641000003: 1487650.20 kroner (20").count(), 2, "{payoff}");
    assert!(part(said, "Ask 03-").contains("LAAN_NEDBETALT: Lånet er nedbetalt."), "{said}");

    let files = part(said, "The files that went through Altinn");
    let told: Vec<String> = files
        .lines()
        .filter(|line| line.contains("->"))
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    let (agency, bank) = ("0192:926018159", "0192:918190937");
    let asked = |what: &str| format!("{agency} -> {bank} {what} AllConfirmedDownloaded");
    let answered = |what: &str| format!("{bank} -> {agency} {what} AllConfirmedDownloaded");
    let expected = [
        asked("Restgjeldsforespoersel"),
        answered("Restgjeldssvar RutetSuksessfullt"),
        asked("Innfrielsessaldoforespoersel"),
        answered("Innfrielsessaldosvar RutetSuksessfullt"),
        asked("Innfrielsessaldoforespoersel"),
        answered("Innfrielsessaldosvar LaanNedbetalt"),
    ];
    assert_eq!(told, expected);

    let back_end = part(said, "What the bank's back-end was asked");
    for reference in ["ALTINN-01\t", "ALTINN-02\t", "ALTINN-03\t"] {
        assert_eq!(back_end.matches(reference).count(), 1, "{back_end}");
    }
    for side in ["The cases at the agent vendor", "The cases at the bank's data centre"] {
        let cases = part(said, side);
        assert_eq!(cases.matches("  answer\n").count(), 2, "{cases}");
        assert_eq!(cases.matches("  LAAN_NEDBETALT\n").count(), 1, "{cases}");
    }
    let story = part(said, "The story of the first case");
    for event in ["\"opened\"", "\"accounts_not_compared\"", "\"answered\""] {
        assert!(story.contains(event), "{story}");
    }
    let doctors: Vec<&str> = said.lines().filter(|line| line.starts_with("ok  ")).collect();
    assert_eq!(doctors.iter().filter(|line| line.contains("access to Altinn")).count(), 2);
    assert!(!said.contains("PROBLEM"), "{said}");
}

#[test]
fn with_a_rabbitmq_that_is_there_every_question_comes_back_and_a_signal_stops_it() {
    let rabbit = RabbitMq::start();
    let everything = ".*";
    rabbit.add_user("a-vendor", "hemmelig-ord", everything, everything, everything);
    let url = rabbit.url("a-vendor", "hemmelig-ord");

    let (code, said) = Run::start(Some(&url)).end();
    went_well(code, &said);
    assert!(said.contains("its login is a-vendor") && !said.contains("hemmelig-ord"), "{said}");

    let mut stopped = Run::start(Some(&url));
    stopped.program.wait_for("=== Ask 01-", 1);
    let pid = stopped.program.id().to_string();
    assert!(Command::new("kill").arg(pid).status().unwrap().success());
    let (code, said) = stopped.end();
    assert_eq!(code, Some(143), "{said}");
    assert!(said.contains("FAILED at the step \"Ask 01-"), "{said}");
}

#[test]
fn without_a_rabbitmq_it_starts_its_own() {
    let (code, said) = Run::start(None).end();
    assert!(said.contains("=== Start a RabbitMQ"), "{said}");
    went_well(code, &said);
}

#[test]
fn what_is_missing_is_named() {
    let refused = |command: &mut Command| {
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = refused(script().arg("--frobnicate"));
    assert!(code == Some(2) && said.contains("--frobnicate") && said.contains("Usage"), "{said}");
    let nowhere = Path::new(env!("CARGO_MANIFEST_DIR")).join("innfri");
    let (code, said) =
        refused(script().env("INNFRI_BINARY", nowhere).env("AMQP_URL", "amqp://127.0.0.1:1"));
    assert!(code == Some(2) && said.contains("check INNFRI_BINARY"), "{said}");
    // A RabbitMQ that is not there.
    let (code, said) =
        refused(script().env("INNFRI_BINARY", binary()).env("AMQP_URL", "amqp://127.0.0.1:1"));
    assert!(code == Some(2) && said.contains("the doctor has found a problem"), "{said}");
}

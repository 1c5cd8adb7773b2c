//! The conformance list, run against systems that keep it (the client programs of examples/clients) and
//! against systems that break one promise each: exactly that check must fail.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    dead_code,
    reason = "a test stops at what it did not expect"
)]

#[path = "conformance/bad_agent.rs"]
mod bad_agent;
#[path = "conformance/bad_bank.rs"]
mod bad_bank;
#[path = "clients/language.rs"]
mod language;
mod support;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use language::{Clients, Language, Side, root};
use serde_json::Value;
use support::messages::{AGENCY, BANK};
use support::program::{Program, binary, run};
use support::rabbitmq::RabbitMq;
use tempfile::TempDir;
use tokio::task::JoinSet;

/// Checks with their results, by id.
type Results = BTreeMap<String, (String, String)>;

/// One sandbox.
struct Sandbox {
    // First, so that it can still show its log when it is dropped.
    _innfri: Program,
    rabbit: RabbitMq,
    folder: TempDir,
    config: String,
}

impl Sandbox {
    fn start() -> Self {
        let rabbit = RabbitMq::start();
        let everything = ".*";
        rabbit.add_user("innfri", "innfri", everything, everything, everything);
        let reads = format!("^innfri\\.org\\.no\\.{AGENCY}\\.answers$");
        rabbit.add_user("megler", "megler", "^$", "^innfri\\.requests$", &reads);
        let reads = format!("^innfri\\.org\\.no\\.{BANK}\\..*$");
        rabbit.add_user("testvik", "testvik", "^$", "^innfri\\.answers$", &reads);
        let folder = TempDir::new().unwrap();
        let text = format!(
            "environment = \"test\"\n[directory]\nfile = {:?}\n[journal]\nurl = \"sqlite:{}\"\n\
             [amqp]\nurl = {:?}\n",
            root().join("examples/tour/directory.toml"),
            folder.path().join("innfri.db").display(),
            rabbit.url("innfri", "innfri"),
        );
        let config = folder.path().join("innfri.toml");
        std::fs::write(&config, text).unwrap();
        let config = config.display().to_string();
        let log = folder.path().join("innfri.log");
        let mut innfri =
            Program::start(&["serve", "--config", &config], &[("NO_COLOR", "1")], &log);
        innfri.wait_for("innfri is ready", 1);
        Self { _innfri: innfri, rabbit, folder, config }
    }

    /// Starts the tool, which plays the other side with this login.
    fn tool(&self, partner: &str, login: &str, more: &[&str]) -> Tool {
        // Free a moment ago; the tool takes it at once.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let listen = format!("127.0.0.1:{port}");
        let arguments = ["conformance", "--json", "--as", partner, "--config", &self.config];
        let mut child = Command::new(binary())
            .args(arguments)
            .args(["--listen", &listen])
            .args(more)
            .env("INNFRI_PEER_URL", self.rabbit.url(login, login))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        // Yes to all that is asked; whether that is true is looked at afterwards.
        child.stdin.take().unwrap().write_all(b"y\ny\n").unwrap();
        Tool { child: Some(child), port }
    }
}

/// The tool at work.
struct Tool {
    child: Option<Child>,
    port: u16,
}

impl Tool {
    fn url(&self, user: &str) -> String {
        format!("amqp://{user}:{user}@127.0.0.1:{}/%2f", self.port)
    }

    /// Waits until it has ended: its exit code and the results.
    async fn end(mut self) -> (i32, Results) {
        let child = self.child.take().unwrap();
        let output =
            tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let rows = text.lines().map(|line| {
            let row: Value = serde_json::from_str(line).unwrap();
            let said = |key: &str| row[key].as_str().unwrap().to_owned();
            (said("id"), (said("grade"), said("seen")))
        });
        (output.status.code().unwrap(), rows.collect())
    }
}

impl Drop for Tool {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

fn graded(results: &Results, grade: &str) -> Vec<String> {
    let fits = results.iter().filter(|(_, (given, _))| given == grade);
    fits.map(|(id, _)| id.clone()).collect()
}

fn example(name: &str) -> String {
    root().join("examples/clients/requests").join(name).display().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_python_bank_and_the_python_agent_pass_every_check() {
    let clients = Clients::prepare_scripts();
    let sandbox = Sandbox::start();

    let asked = [
        example("01-restgjeld.no.dsve.restgjeldsforespoersel.v1.json"),
        example("02-innfrielsessaldo.no.dsve.innfrielsessaldoforespoersel.v1.json"),
    ];
    let wrong_first = example("07-feil-konto.no.dsve.restgjeldsforespoersel.v1.json");
    let arguments =
        ["--requests", &asked[0], "--requests", &asked[1], "--wrong-first", &wrong_first];
    let tool = sandbox.tool(BANK, "megler", &arguments);
    let mut command = clients.command(Language::Python, Side::Bank);
    command
        .arg(root().join("examples/clients/loans.json"))
        .env("AMQP_URL", tool.url("testvik"))
        .env("BANK_STATE", sandbox.folder.path().join("bank-state.json"));
    let bank = Program::spawn(command, &sandbox.folder.path().join("bank.log"));
    let (code, results) = tool.end().await;
    assert_eq!((code, graded(&results, "pass").len()), (0, 11), "{results:#?}");
    assert_eq!(results.len(), 11);
    drop(bank);

    let state = sandbox.folder.path().join("agent-state.json");
    let tool = sandbox.tool(AGENCY, "testvik", &["--ask"]);
    let mut command = clients.command(Language::Python, Side::Agent);
    command
        .arg(root().join("examples/clients/requests"))
        .env("AMQP_URL", tool.url("megler"))
        .env("AGENT_STATE", &state);
    let agent = Program::spawn(command, &sandbox.folder.path().join("agent.log"));
    let (code, results) = tool.end().await;
    assert_eq!((code, graded(&results, "pass").len()), (0, 9), "{results:#?}");
    assert_eq!(results.len(), 9);
    // What the tool was told is true: the newer outcome is what the agent keeps, in both cases.
    let kept: Value = serde_json::from_slice(&std::fs::read(state).unwrap()).unwrap();
    let newer = kept.as_object().unwrap().values().filter(|request| {
        request["outcome"]["revision"] == 2 && request["outcome"]["type"] != "no.dsve.status.v1"
    });
    assert_eq!(newer.count(), 2, "{kept:#}");
    drop(agent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_bank_that_breaks_one_promise_fails_exactly_that_check() {
    use bad_bank::Habit;
    let sandbox = Sandbox::start();
    for (habit, failing) in [
        (Habit::None, None),
        (Habit::SharesNoIdentity, Some("CNF-02")),
        (Habit::NewIdOnRetry, Some("CNF-04")),
        (Habit::IgnoresConfirms, Some("CNF-04")),
        (Habit::AsksForNoConfirms, Some("CNF-04")),
        (Habit::StaysAway, Some("CNF-05")),
        (Habit::AnswersRepeatsAnew, Some("CNF-06")),
        (Habit::WrongCorrelation, Some("CNF-13")),
        (Habit::NoRejections, Some("CNF-14")),
        (Habit::RejectedIdAgain, Some("CNF-15")),
    ] {
        let tool = sandbox.tool(BANK, "megler", &["--timeout", "10s"]);
        let mut system = JoinSet::new();
        system.spawn(bad_bank::run(tool.url("testvik"), habit));
        let (code, results) = tool.end().await;
        let expected: Vec<String> = failing.into_iter().map(str::to_owned).collect();
        assert_eq!(graded(&results, "fail"), expected, "{habit:?}: {results:#?}");
        assert_eq!(code, i32::from(failing.is_some()), "{habit:?}");
        if habit == Habit::None {
            assert_eq!(graded(&results, "not-shown"), Vec::<String>::new(), "{results:#?}");
            // It says neither who it is nor when.
            assert_eq!(graded(&results, "advice"), ["CNF-03"], "{results:#?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_agent_that_breaks_one_promise_fails_exactly_that_check() {
    use bad_agent::Habit;
    let sandbox = Sandbox::start();
    for (habit, failing) in [
        (Habit::None, None),
        (Habit::SharesNoIdentity, Some("CNF-02")),
        (Habit::NewIdOnRetry, Some("CNF-04")),
        (Habit::IgnoresConfirms, Some("CNF-04")),
        (Habit::LeavesRepeats, Some("CNF-06")),
        (Habit::LeavesRefusals, Some("CNF-21")),
        (Habit::FirstOutcomeOnly, Some("CNF-22")),
        (Habit::ClosedByFailure, Some("CNF-23")),
    ] {
        let tool = sandbox.tool(AGENCY, "testvik", &["--timeout", "10s"]);
        let mut system = JoinSet::new();
        system.spawn(bad_agent::run(tool.url("megler"), habit));
        let (code, results) = tool.end().await;
        let expected: Vec<String> = failing.into_iter().map(str::to_owned).collect();
        assert_eq!(graded(&results, "fail"), expected, "{habit:?}: {results:#?}");
        assert_eq!(code, i32::from(failing.is_some()), "{habit:?}");
        if habit == Habit::None {
            // What it shows to people cannot be seen from outside, and nobody was asked.
            assert_eq!(graded(&results, "not-shown"), ["CNF-22", "CNF-23"], "{results:#?}");
        }
    }
}

#[test]
fn the_list_in_the_repository_is_the_one_the_program_prints() {
    let printed = run(&["conformance", "--list"], &[]);
    let kept = std::fs::read(root().join("docs/conformance.md")).unwrap();
    assert!(
        printed.stdout == kept,
        "docs/conformance.md is out of date: run `cargo run -- conformance --list > docs/conformance.md`"
    );
}

#[test]
fn nobody_is_tried_in_production() {
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("innfri.toml");
    std::fs::write(&config, "environment = \"production\"\n").unwrap();
    let config = config.display().to_string();
    let output = run(&["conformance", "--as", BANK, "--config", &config], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("no sandbox"));
}

//! The runbook, done: what docs/operations.md tells operators to do, with a real RabbitMQ, a real
//! PostgreSQL and the program as its users run it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops at what it did not expect"
)]

mod support;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::messages as sample;
use support::participant::{Letter, Mail, Participant};
use support::postgres::{self, PostgreSql};
use support::program::{Program, run};
use support::rabbitmq::RabbitMq;
use tempfile::TempDir;

/// Long enough for a slow machine.
const PATIENCE: Duration = Duration::from_secs(180);
const REQUESTS: &str = "innfri.requests";
const ANSWERS: &str = "innfri.answers";
const BANK_QUEUE: &str = "innfri.org.no.918190937.requests";
const AGENCY_QUEUE: &str = "innfri.org.no.926018159.answers";

const DIRECTORY: &str = r#"
[[participant]]
id = "926018159"
name = "Eksempel Eiendomsmegling"
role = "estate-agency"
sends = ["no.dsve.restgjeldsforespoersel.v1"]

[[participant]]
id = "918190937"
name = "Testvik Sparebank"
role = "bank"
receives = ["no.dsve.restgjeldsforespoersel.v1"]
register_numbers = ["1564"]
delivery = { give_up_after_seconds = 1, retry_first_seconds = 1, retry_longest_seconds = 1 }

[[operator]]
login = "agent"
name = "Agent"
speaks_for = ["926018159"]

[[operator]]
login = "bank"
name = "Bank"
speaks_for = ["918190937"]
"#;

/// One installation with an agent and a bank.
struct World {
    innfri: Option<Program>,
    started: usize,
    folder: TempDir,
    rabbit: RabbitMq,
    agent: Participant,
    bank: Participant,
}

impl World {
    fn new() -> Self {
        Self::on(RabbitMq::start())
    }

    fn on(rabbit: RabbitMq) -> Self {
        rabbit.add_user("innfri", "innfri", ".*", ".*", ".*");
        rabbit.add_user("agent", "agent", "^$", "^innfri\\.requests$", AGENCY_QUEUE);
        rabbit.add_user("bank", "bank", "^$", "^innfri\\.answers$", BANK_QUEUE);
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("directory.toml"), DIRECTORY).unwrap();
        Self {
            agent: Participant::new(&rabbit.url("agent", "agent"), "agent"),
            bank: Participant::new(&rabbit.url("bank", "bank"), "bank"),
            innfri: None,
            started: 0,
            folder,
            rabbit,
        }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// Writes the settings for a journal, with more of the exchange's.
    fn settings(&self, journal: &str, exchange: &str) {
        let text = format!(
            "environment = \"test\"\n[directory]\nfile = {:?}\n[journal]\nurl = {journal:?}\n\
             [amqp]\nurl = {:?}\nreconnect_longest_seconds = 2\n[exchange]\n{exchange}\n",
            self.path("directory.toml"),
            self.rabbit.url("innfri", "innfri"),
        );
        std::fs::write(self.path("innfri.toml"), text).unwrap();
    }

    /// Starts the broker, without waiting until it is ready.
    fn start(&mut self) -> &mut Program {
        self.started += 1;
        let config = self.path("innfri.toml").display().to_string();
        let log = self.path("innfri.log");
        let environment = [("NO_COLOR", "1")];
        self.innfri.insert(Program::start(&["serve", "--config", &config], &environment, &log))
    }

    fn serve(&mut self) {
        self.start();
        let started = self.started;
        self.innfri.as_mut().unwrap().wait_for("innfri is ready", started);
    }

    fn stop(&mut self) {
        assert_eq!(self.innfri.take().unwrap().terminate(), Some(0));
    }

    /// Runs a command of the program and gives its exit code and what it printed.
    fn command(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let config = self.path("innfri.toml").display().to_string();
        let mut all = arguments.to_vec();
        all.extend(["--config", &config]);
        let output = run(&all, &[]);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    }

    fn well(&self, arguments: &[&str]) -> String {
        let (code, said) = self.command(arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {said}");
        said
    }

    async fn ask(&mut self, number: u32) {
        let body = sample::restgjeld(number);
        let letter = Letter::of(sample::RESTGJELD, &sample::message_id(number), &body);
        self.agent.publish(REQUESTS, &letter, PATIENCE).await;
    }

    /// The next request at the bank, which answers it.
    async fn answer(&mut self) -> Mail {
        let mail = self.bank.next(BANK_QUEUE, PATIENCE).await.expect("a request at the bank");
        let reference = mail.json()["avsender"]["referanse"].as_str().unwrap().to_owned();
        let number: u32 = reference.rsplit('-').next().unwrap().parse().unwrap();
        let body = sample::restgjeld_answer(number, "1000.00");
        let id = sample::message_id(10_000 + number);
        let letter = Letter::of(sample::RESTGJELD_ANSWER, &id, &body).answering(&mail);
        self.bank.publish(ANSWERS, &letter, PATIENCE).await;
        mail
    }

    /// The next outcome of each of so many questions, all of one type.
    async fn outcomes(&mut self, count: usize, message_type: &str) -> Vec<Value> {
        let mut found = std::collections::BTreeMap::new();
        while found.len() < count {
            let mail = self.agent.next(AGENCY_QUEUE, PATIENCE).await.expect("an outcome");
            assert_eq!(mail.message_type, message_type);
            found.insert(mail.correlation_id.clone().unwrap(), mail.json());
        }
        found.into_values().collect()
    }
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "never: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_that_was_down_gets_every_request_once_after_an_interrupted_replay() {
    const COUNT: u32 = 30;
    let mut world = World::new();
    let postgres = PostgreSql::start().await;
    let database = postgres.create_database().await;
    world.settings(&database, "breaker_open_seconds = 1");

    // The server of the journal is away when innfri starts.
    postgres.stop();
    world.start().wait_for("waiting for the journal", 1);
    postgres.start_again();
    world.innfri.as_mut().unwrap().wait_for("innfri is ready", 1);
    world.rabbit.settle();

    // The bank's queue is gone: what is for it is given up, and the askers are told.
    world.rabbit.ctl(&["delete_queue", BANK_QUEUE]);
    for number in 0..COUNT {
        world.ask(number).await;
    }
    for told in world.outcomes(COUNT as usize, sample::STATUS).await {
        assert_eq!(told["aarsak"], json!("TEKNISK_FEIL"));
    }
    let groups = world.well(&["dead", "groups", "--json"]);
    assert_eq!(groups.lines().count(), 1, "{groups}");
    let group: Value = serde_json::from_str(groups.lines().next().unwrap()).unwrap();
    let signature = group["signature"].as_str().unwrap().to_owned();

    // Mended, planned, replayed, interrupted with Ctrl-C, continued.
    world.well(&["topology", "apply"]);
    let plan = world.well(&["dead", "replay", "--signature", &signature, "--dry-run"]);
    assert!(plan.contains(&COUNT.to_string()), "{plan}");
    let config = world.path("innfri.toml").display().to_string();
    let mut arguments = vec!["dead", "replay", "--signature", &signature, "--reason", "oppe igjen"];
    arguments.extend(["--rate", "4", "--config", &config]);
    let mut replay = Program::start(&arguments, &[], &world.path("replay.log"));
    let first = world.answer().await;
    assert_eq!(replay.interrupt(), Some(1), "{}", replay.said());
    assert!(replay.said().contains("--continue"), "{}", replay.said());
    let runs = world.well(&["dead", "runs", "--json"]);
    let record: Value = serde_json::from_str(runs.lines().next().unwrap()).unwrap();
    let run_id = record["run"].as_str().unwrap();
    world.well(&["dead", "replay", "--continue", run_id, "--reason", "videre", "--rate", "20"]);

    let mut ids = BTreeSet::from([first.message_id]);
    for _ in 1..COUNT {
        assert!(ids.insert(world.answer().await.message_id), "a request came twice");
    }
    assert_eq!(world.outcomes(COUNT as usize, sample::RESTGJELD_ANSWER).await.len(), 30);
    until("all answered", || world.well(&["dead", "runs", "--json"]).contains("\"answered\":30"))
        .await;
    world.well(&["journal", "verify"]);
    world.well(&["doctor"]);
    world.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_backup_goes_on_and_what_came_after_it_is_mended() {
    let mut world = World::new();
    let postgres = PostgreSql::start().await;
    let database = postgres.create_database().await;
    world.settings(&database, "");
    world.serve();
    world.rabbit.settle();
    world.ask(1).await;
    world.answer().await;
    world.outcomes(1, sample::RESTGJELD_ANSWER).await;

    let tool = |name: &str| Command::new(postgres::binaries().join(name));
    let dump = world.path("backup.dump");
    let dumped =
        tool("pg_dump").arg("--format=custom").arg("--file").arg(&dump).arg(&database).status();
    assert!(dumped.unwrap().success());

    // A case that the backup does not know; its bank answers after the journal was restored.
    world.ask(2).await;
    let request = world.bank.next(BANK_QUEUE, PATIENCE).await.unwrap();
    world.stop();
    let restored = postgres.create_database().await;
    let done =
        tool("pg_restore").arg("--no-owner").arg("--dbname").arg(&restored).arg(&dump).status();
    assert!(done.unwrap().success());
    world.settings(&restored, "");
    world.well(&["journal", "verify"]);
    world.serve();
    let body = sample::restgjeld_answer(2, "2000.00");
    let answer = Letter::of(sample::RESTGJELD_ANSWER, &sample::message_id(10_002), &body);
    world.bank.publish(ANSWERS, &answer.answering(&request), PATIENCE).await;
    until("the answer is kept", || world.command(&["dead", "list"]).1.contains("UNKNOWN_CASE"))
        .await;

    // The asker sends its request again, under the same id; then the answer is replayed.
    world.ask(2).await;
    world.bank.next(BANK_QUEUE, PATIENCE).await.expect("the request again");
    world.well(&["dead", "replay", "--reason-code", "UNKNOWN_CASE", "--reason", "etter backup"]);
    let outcome = world.outcomes(1, sample::RESTGJELD_ANSWER).await;
    assert_eq!(outcome[0], body);
    world.well(&["journal", "verify"]);
    world.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_node_is_seen_and_work_goes_on_until_it_is_back() {
    let nodes = tokio::task::spawn_blocking(RabbitMq::start_cluster).await.unwrap();
    let [first, second, third] = nodes;
    let mut world = World::on(first);
    let journal = format!("sqlite:{}", world.path("journal.db").display());
    world.settings(&journal, "");
    world.serve();
    world.rabbit.settle();
    second.settle();
    third.settle();
    let critical = "check_if_node_is_quorum_critical";
    second.kill();
    until("the others know", || world.rabbit.tool("rabbitmq-queues", &[critical]).is_err()).await;
    world.rabbit.tool("rabbitmq-diagnostics", &["check_running"]).unwrap();
    world.ask(1).await;
    world.answer().await;
    world.outcomes(1, sample::RESTGJELD_ANSWER).await;
    second.start_again();
    until("it is whole again", || world.rabbit.tool("rabbitmq-queues", &[critical]).is_ok()).await;
    world.well(&["topology", "apply"]);
    world.well(&["doctor"]);
    world.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_alarm_of_rabbitmq_holds_everything_up_and_loses_nothing() {
    let mut world = World::new();
    let journal = format!("sqlite:{}", world.path("journal.db").display());
    world.settings(&journal, "");
    world.serve();
    world.rabbit.settle();
    world.ask(1).await;
    let request = world.bank.next(BANK_QUEUE, PATIENCE).await.expect("a request at the bank");

    // No disk has so much room: RabbitMQ stops all who publish.
    world.rabbit.ctl(&["set_disk_free_limit", "1000000GB"]);
    until("the alarm", || world.rabbit.tool("rabbitmq-diagnostics", &["check_alarms"]).is_err())
        .await;
    let body = sample::restgjeld_answer(1, "1000.00");
    let answer = Letter::of(sample::RESTGJELD_ANSWER, &sample::message_id(10_001), &body);
    let answer = answer.answering(&request);
    let waiting = world.bank.publish(ANSWERS, &answer, PATIENCE);
    let room = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        world.rabbit.ctl(&["set_disk_free_limit", "50MB"]);
    };
    tokio::join!(waiting, room);
    assert_eq!(world.outcomes(1, sample::RESTGJELD_ANSWER).await, [body]);
    world.well(&["doctor"]);
    world.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_is_large_enough_takes_nothing_more_and_loses_nothing() {
    let mut world = World::new();
    let journal = format!("sqlite:{}", world.path("journal.db").display());
    world.settings(&journal, "journal_most_megabytes = 1");
    world.serve();
    world.rabbit.settle();
    let mut asked = 0;
    while !world.innfri.as_ref().unwrap().said().contains("the intake has stopped") {
        world.ask(asked).await;
        asked += 1;
        assert!(asked < 20_000, "the intake never stops");
    }
    // What is asked now waits in RabbitMQ, safe; with more room it is taken in.
    world.ask(asked).await;
    let last = sample::reference(asked);
    let (code, report) = world.command(&["doctor"]);
    assert_eq!(code, Some(1), "{report}");
    assert!(!world.well(&["case", "list", "--reference", &last]).contains(&last));
    world.stop();
    world.settings(&journal, "journal_most_megabytes = 1000");
    world.serve();
    until("the last is taken in", || {
        world.command(&["case", "list", "--reference", &last]).1.contains(&last)
    })
    .await;
    world.stop();
}

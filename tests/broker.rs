//! The whole program from outside: a real RabbitMQ, a real PostgreSQL, the built binary as a separate
//! process, and an agent and a bank that share no code with it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    dead_code,
    clippy::print_stderr,
    reason = "a test stops at what it did not expect"
)]

mod support;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use support::messages::{self as sample, AGENCY, BANK};
use support::participant::{Letter, Mail, Participant};
use support::postgres::PostgreSql;
use support::program::{Program, run};
use support::rabbitmq::RabbitMq;
use tempfile::TempDir;

/// Long enough for a slow machine that restarts RabbitMQ meanwhile.
const PATIENCE: Duration = Duration::from_secs(180);
const REQUESTS: &str = "innfri.requests";
const ANSWERS: &str = "innfri.answers";

const DIRECTORY: &str = r#"
[[participant]]
id = "926018159"
name = "Eksempel Eiendomsmegling"
role = "estate-agency"
sends = ["no.dsve.restgjeldsforespoersel.v1", "no.dsve.innfrielsessaldoforespoersel.v1"]

[[participant]]
id = "918190937"
name = "Testvik Sparebank"
role = "bank"
receives = ["no.dsve.restgjeldsforespoersel.v1", "no.dsve.innfrielsessaldoforespoersel.v1"]
register_numbers = ["1564"]

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
    // First, so that it can still show its log when it is dropped.
    innfri: Option<Program>,
    folder: TempDir,
    rabbit: RabbitMq,
    postgres: PostgreSql,
    config: String,
    started: usize,
    agent: Participant,
    bank: Participant,
}

impl Drop for World {
    /// Shows where things stand when a test has failed.
    fn drop(&mut self) {
        if std::thread::panicking() {
            for what in [
                "list_queues name messages_ready messages_unacknowledged consumers state leader",
                "list_channels connection number confirm messages_unconfirmed prefetch_count",
            ] {
                eprintln!("{}", self.rabbit.ctl(&what.split(' ').collect::<Vec<_>>()));
            }
            eprintln!("{}", self.rabbit.last_words());
            eprintln!("{:?}", self.command(&["doctor"]));
            let (_, cases, _) = self.command(&["case", "list", "--json"]);
            for case in cases.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
                let shown =
                    self.command(&["case", "show", case["case"].as_str().unwrap_or_default()]);
                eprintln!("{}", shown.1);
            }
        }
    }
}

fn answers_of(organisation: &str) -> String {
    format!("innfri.org.no.{organisation}.answers")
}

fn requests_of(organisation: &str) -> String {
    format!("innfri.org.no.{organisation}.requests")
}

impl World {
    async fn start() -> Self {
        let rabbit = RabbitMq::start();
        let postgres = PostgreSql::start().await;
        let database = postgres.create_database().await;
        let everything = ".*";
        rabbit.add_user("innfri", "innfri", everything, everything, everything);
        rabbit.add_user("agent", "agent", "^$", "^innfri\\.requests$", &answers_of(AGENCY));
        let reads = format!("^innfri\\.org\\.no\\.{BANK}\\..*$");
        rabbit.add_user("bank", "bank", "^$", "^innfri\\.answers$", &reads);
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("directory.toml"), DIRECTORY).unwrap();
        let config = folder.path().join("innfri.toml");
        let text = format!(
            "environment = \"test\"\n[directory]\nfile = {:?}\n[journal]\nurl = {:?}\n\
             acquire_timeout_seconds = 3\n\
             [amqp]\nurl = {:?}\nreconnect_longest_seconds = 2\n[exchange]\n\
             lease_seconds = 30\nretry_first_seconds = 1\nretry_longest_seconds = 2\n\
             breaker_open_seconds = 2\n",
            folder.path().join("directory.toml"),
            database,
            rabbit.url("innfri", "innfri"),
        );
        std::fs::write(&config, text).unwrap();
        let mut world = Self {
            agent: Participant::new(&rabbit.url("agent", "agent"), "agent"),
            bank: Participant::new(&rabbit.url("bank", "bank"), "bank"),
            config: config.display().to_string(),
            folder,
            rabbit,
            postgres,
            innfri: None,
            started: 0,
        };
        world.start_innfri();
        world.rabbit.settle();
        world
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("innfri.log")
    }

    fn start_innfri(&mut self) {
        self.started += 1;
        let mut innfri =
            Program::start(&["serve", "--config", &self.config], &[("NO_COLOR", "1")], &self.log());
        innfri.wait_for("innfri is ready", self.started);
        self.innfri = Some(innfri);
    }

    fn innfri(&mut self) -> &mut Program {
        self.innfri.as_mut().unwrap()
    }

    /// Runs a command of the program with this installation's settings.
    fn command(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let mut all = arguments.to_vec();
        all.extend(["--config", &self.config]);
        let output = run(&all, &[]);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }

    async fn ask(&mut self, kind: &str, number: u32, body: &Value) {
        let letter = Letter::of(kind, &sample::message_id(number), body);
        self.agent.publish(REQUESTS, &letter, PATIENCE).await;
    }

    /// The request at the bank, which must be the one that was asked.
    async fn at_bank(&mut self, body: &Value) -> Mail {
        loop {
            let mail = self.bank.next(&requests_of(BANK), PATIENCE).await;
            let mail = mail.expect("the request reaches the bank");
            // One whose acknowledgement was lost may come again.
            if &mail.json() == body {
                return mail;
            }
        }
    }

    async fn answer(&mut self, kind: &str, number: u32, body: &Value, to: &Mail) {
        let letter = Letter::of(kind, &sample::message_id(10_000 + number), body).answering(to);
        self.bank.publish(ANSWERS, &letter, PATIENCE).await;
    }

    /// The outcome of question `number` at the agent.
    async fn outcome(&mut self, number: u32) -> Mail {
        loop {
            let mail = self.agent.next(&answers_of(AGENCY), PATIENCE).await;
            let mail = mail.unwrap_or_else(|| panic!("no outcome of question {number}"));
            if mail.correlation_id.as_deref() == Some(&sample::message_id(number)) {
                return mail;
            }
        }
    }
}

fn in_a_week() -> String {
    use innfri::port::Clock as _;
    let week = jiff::Span::new().days(7);
    innfri::port::SystemClock.today().saturating_add(week).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_question_gets_its_one_outcome_whatever_is_restarted() {
    let mut world = World::start().await;
    let date = in_a_week();
    let questions: Vec<(&str, Value)> = (0..6)
        .map(|number| match number {
            1 => (sample::INNFRIELSE, sample::innfrielse(number, &date)),
            _ => (sample::RESTGJELD, sample::restgjeld(number)),
        })
        .collect();
    let replies: Vec<(&str, Value)> = vec![
        (sample::RESTGJELD_ANSWER, sample::restgjeld_answer(0, "1250000.50")),
        (sample::INNFRIELSE_ANSWER, sample::innfrielse_answer(1, &date, "1250100.00")),
        (sample::STATUS, sample::status(2, "LAAN_NEDBETALT")),
        (sample::STATUS, sample::status(3, "LAAN_SOLGT")),
        (sample::STATUS, sample::status(4, "SVARER_I_EPOST")),
        (sample::STATUS, sample::status(5, "FEIL")),
    ];
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for (number, ((kind, question), (reply_kind, reply))) in
        questions.iter().zip(&replies).enumerate()
    {
        let number = u32::try_from(number).unwrap();
        world.ask(kind, number, question).await;
        match number {
            1 => {
                world.innfri().kill();
                world.start_innfri();
            }
            2 => {
                world.rabbit.kill();
                world.rabbit.start_again();
            }
            3 => world.postgres.restart_immediately(),
            4 => {
                assert_eq!(world.innfri().terminate(), Some(0), "a graceful stop");
                world.start_innfri();
            }
            _ => {}
        }
        let mail = world.at_bank(question).await;
        match number {
            0 => {
                world.rabbit.kill();
                world.rabbit.start_again();
            }
            2 => world.postgres.restart_immediately(),
            5 => {
                world.innfri().kill();
                world.start_innfri();
            }
            _ => {}
        }
        world.answer(reply_kind, number, reply, &mail).await;
        let outcome = world.outcome(number).await;
        assert_eq!((outcome.message_type.as_str(), &outcome.json()), (*reply_kind, reply));
        *seen.entry(outcome.message_id).or_default() += 1;
    }
    assert_eq!(seen.len(), questions.len(), "one outcome each");

    let (code, listed, _) = world.command(&["case", "list", "--json", "--settled"]);
    assert_eq!((code, listed.lines().count()), (Some(0), questions.len()));
    let case: Value = serde_json::from_str(listed.lines().next().unwrap()).unwrap();
    let (code, shown, _) = world.command(&["case", "show", case["case"].as_str().unwrap()]);
    assert_eq!(code, Some(0));
    assert!(shown.contains("status_given") && shown.contains("delivered"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_accepted_has_a_defined_end() {
    let mut world = World::start().await;

    // Broken JSON: the agent gets a status with the finding.
    let broken = Letter {
        body: b"{".to_vec(),
        ..Letter::of(sample::RESTGJELD, &sample::message_id(1), &json!({}))
    };
    world.agent.publish(REQUESTS, &broken, PATIENCE).await;
    let refused = world.outcome(1).await.json();
    assert_eq!(
        (&refused["statuskode"], &refused["aarsak"]),
        (&json!("FEIL"), &json!("UGYLDIG_MELDING"))
    );
    assert!(!refused["avvik"].as_array().unwrap().is_empty());

    // No user_id, and a sender for whom the login may not speak: dead letters.
    let unsigned = Letter {
        signed: false,
        ..Letter::of(sample::RESTGJELD, &sample::message_id(2), &sample::restgjeld(2))
    };
    world.agent.publish(REQUESTS, &unsigned, PATIENCE).await;
    let mut spoof = sample::restgjeld(3);
    spoof["avsender"]["id"] = json!(BANK);
    world.ask(sample::RESTGJELD, 3, &spoof).await;

    // A wrong answer: the bank is told why, the asker sees nothing, and the right answer follows.
    let question = sample::restgjeld(4);
    world.ask(sample::RESTGJELD, 4, &question).await;
    let mail = world.at_bank(&question).await;
    let mut leak = sample::restgjeld_answer(4, "1.00");
    leak["laanliste"][0]["laantakereHjemmelshaver"] = json!(["Hemmelig Person"]);
    world.answer(sample::RESTGJELD_ANSWER, 4, &leak, &mail).await;
    let rejection = world.bank.next(&answers_of(BANK), PATIENCE).await.unwrap();
    assert_eq!(rejection.message_type, sample::REJECTION);
    let findings = rejection.json()["avvik"].clone();
    let rules: Vec<&str> =
        findings.as_array().unwrap().iter().filter_map(|one| one["regel"].as_str()).collect();
    assert!(rules.contains(&"INN-020"), "{rules:?}");
    assert!(!String::from_utf8_lossy(&rejection.body).contains("Hemmelig"));
    let right = sample::restgjeld_answer(4, "2.00");
    world.answer(sample::RESTGJELD_ANSWER, 5, &right, &mail).await;
    assert_eq!(world.outcome(4).await.json(), right);

    let (code, report, _) = world.command(&["doctor"]);
    assert_eq!(code, Some(0), "{report}");
    assert!(report.contains("2 dead letter"), "{report}");
    let log = world.innfri().said();
    for secret in ["Hemmelig", "23904430552", "Prøve"] {
        assert!(!log.contains(secret), "the log names {secret}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_from_a_loan_book_and_an_agent_from_the_command_line() {
    let mut world = World::start().await;
    let folder = env!("CARGO_MANIFEST_DIR");
    let book = format!("{folder}/examples/demo/testvik.toml");
    let url = world.rabbit.url("bank", "bank");
    let log = world.folder.path().join("bank.log");
    let mut bank =
        Program::start(&["bank", "--book", &book], &[("INNFRI_PEER_URL", url.as_str())], &log);
    bank.wait_for("waits for requests", 1);
    let url = world.rabbit.url("agent", "agent");
    for (file, code) in [
        ("01-restgjeld.no.dsve.restgjeldsforespoersel.v1.json", "no.dsve.restgjeldssvar.v1"),
        ("04-laan-nedbetalt.no.dsve.restgjeldsforespoersel.v1.json", "LAAN_NEDBETALT"),
    ] {
        let file = format!("{folder}/examples/demo/requests/{file}");
        let arguments = ["send", &file, "--from", AGENCY, "--wait", "120s"];
        let output = run(&arguments, &[("INNFRI_PEER_URL", url.as_str())]);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let wrong = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{said}\n{wrong}");
        assert!(said.contains(code), "{said}");
    }
    assert_eq!(bank.terminate(), Some(0));

    // The directory is read again when asked: from now on the agency may not ask for payoffs.
    let narrower = DIRECTORY.replacen("\"no.dsve.innfrielsessaldoforespoersel.v1\"]", "]", 1);
    std::fs::write(world.folder.path().join("directory.toml"), narrower).unwrap();
    world.innfri().hang_up();
    world.innfri().wait_for("directory is read again", 1);
    world.ask(sample::INNFRIELSE, 1, &sample::innfrielse(1, &in_a_week())).await;
    assert_eq!(world.outcome(1).await.json()["aarsak"], json!("IKKE_TILLATT"));
}

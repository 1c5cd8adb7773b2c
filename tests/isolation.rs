//! Nobody reads or answers for another over AMQP: each way that somebody could try, with the users and
//! permissions that `innfri topology definitions` makes. Each attempt fails and leaves a trace: where
//! RabbitMQ refuses it, in RabbitMQ's log; where innfri does, as a dead letter. (`tests/http/isolation.rs`
//! does the same over HTTP.)

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops at what it did not expect"
)]

mod support;

use std::time::Duration;

use lapin::options::{BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use serde_json::{Value, json};
use support::messages as sample;
use support::participant::{Letter, Mail, Participant};
use support::program::{Program, run};
use support::rabbitmq::RabbitMq;
use tempfile::TempDir;

/// Long enough for a slow machine.
const PATIENCE: Duration = Duration::from_secs(120);
const REQUESTS: &str = "innfri.requests";
const ANSWERS: &str = "innfri.answers";
const AGENCY_QUEUE: &str = "innfri.org.no.926018159.answers";
const BANK_QUEUE: &str = "innfri.org.no.918190937.requests";
const OTHER_QUEUE: &str = "innfri.org.no.903137215.answers";

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

[[participant]]
id = "903137215"
name = "En annen bank"
role = "bank"
receives = ["no.dsve.restgjeldsforespoersel.v1"]
register_numbers = ["5377"]

[[operator]]
login = "agent"
name = "Agent"
speaks_for = ["926018159"]

[[operator]]
login = "bank"
name = "Bank"
speaks_for = ["918190937"]

[[operator]]
login = "other"
name = "En annen bank"
speaks_for = ["903137215"]
"#;

/// An installation whose users are exactly those of its definitions.
struct World {
    innfri: Program,
    rabbit: RabbitMq,
    config: String,
    _folder: TempDir,
}

impl World {
    fn start() -> Self {
        let rabbit = RabbitMq::start();
        let folder = TempDir::new().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("directory.toml"), DIRECTORY).unwrap();
        let text = format!(
            "environment = \"test\"\n[directory]\nfile = {:?}\n[journal]\nurl = \"sqlite:{}\"\n\
             [amqp]\nurl = {:?}\n",
            path("directory.toml"),
            path("journal.db").display(),
            rabbit.url("innfri", "innfri"),
        );
        std::fs::write(path("innfri.toml"), text).unwrap();
        let config = path("innfri.toml").display().to_string();
        let printed = run(&["topology", "definitions", "--config", &config], &[]);
        assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
        let definitions = path("definitions.json");
        std::fs::write(&definitions, printed.stdout).unwrap();
        rabbit.ctl(&["import_definitions", definitions.to_str().unwrap()]);
        for login in ["innfri", "agent", "bank", "other"] {
            rabbit.ctl(&["change_password", login, login]);
        }
        let mut innfri = Program::start(&["serve", "--config", &config], &[], &path("innfri.log"));
        innfri.wait_for("innfri is ready", 1);
        Self { innfri, rabbit, config, _folder: folder }
    }

    fn participant(&self, login: &str) -> Participant {
        Participant::new(&self.rabbit.url(login, login), login)
    }

    /// A channel of somebody who does what a well-behaved client does not.
    async fn channel(&self, login: &str) -> (Connection, Channel) {
        let url = self.rabbit.url(login, login);
        let connection = Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        (connection, channel)
    }

    /// What RabbitMQ says to somebody who publishes this.
    async fn refusal(&self, exchange: &str, key: &str, user: &str) -> String {
        let (_connection, channel) = self.channel("other").await;
        let properties = BasicProperties::default().with_user_id(user.into());
        let options = BasicPublishOptions { mandatory: true, ..Default::default() };
        let sent = channel.basic_publish(exchange.into(), key.into(), options, b"{}", properties);
        let outcome = match sent.await {
            Ok(confirm) => confirm.await,
            Err(error) => Err(error),
        };
        outcome.expect_err("it must be refused").to_string()
    }

    /// Waits until RabbitMQ's log speaks of this.
    async fn on_record(&self, what: &str) {
        let until = std::time::Instant::now() + PATIENCE;
        while !self.rabbit.last_words().contains(what) {
            assert!(std::time::Instant::now() < until, "{what}: {}", self.rabbit.last_words());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The dead letters for a reason.
    fn letters(&self, reason: &str) -> usize {
        let listed =
            run(&["dead", "list", "--reason", reason, "--json", "--config", &self.config], &[]);
        String::from_utf8(listed.stdout).unwrap().lines().count()
    }
}

async fn next(participant: &mut Participant, queue: &str) -> Mail {
    participant.next(queue, PATIENCE).await.expect("a message")
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_or_answers_for_another_over_amqp() {
    let world = World::start();
    let (mut agent, mut bank) = (world.participant("agent"), world.participant("bank"));
    let mut other = world.participant("other");
    let question = sample::restgjeld(1);
    let letter = Letter::of(sample::RESTGJELD, &sample::message_id(1), &question);
    agent.publish(REQUESTS, &letter, PATIENCE).await;
    let request = next(&mut bank, BANK_QUEUE).await;

    // Another's queue is not readable, nor writable past innfri.
    for queue in [BANK_QUEUE, AGENCY_QUEUE, "innfri.in.requests", "innfri.in.dead"] {
        let (_connection, channel) = world.channel("other").await;
        let consuming = channel.basic_consume(
            queue.into(),
            "".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let refused = consuming.await.expect_err("it must be refused").to_string();
        assert!(refused.contains("ACCESS_REFUSED"), "{queue}: {refused}");
        world.on_record(&format!("queue '{queue}' in vhost '/' refused for user 'other'")).await;
    }
    for exchange in ["", "innfri.deliveries"] {
        let refused = world.refusal(exchange, AGENCY_QUEUE, "other").await;
        assert!(refused.contains("ACCESS_REFUSED"), "{exchange}: {refused}");
    }
    world.on_record("exchange 'innfri.deliveries' in vhost '/' refused for user 'other'").await;
    // Nobody signs with another's name.
    let refused = world.refusal(ANSWERS, "", "bank").await;
    assert!(refused.contains("PRECONDITION_FAILED"), "{refused}");
    world.on_record("user_id property set to 'bank' but authenticated user was 'other'").await;

    // An answer to another bank's case goes back, and is kept.
    let mut foreign = sample::restgjeld_answer(1, "1.00");
    foreign["avsender"]["id"] = json!("903137215");
    let answer = Letter::of(sample::RESTGJELD_ANSWER, &sample::message_id(2), &foreign);
    other.publish(ANSWERS, &answer.answering(&request), PATIENCE).await;
    let told = next(&mut other, OTHER_QUEUE).await;
    assert_eq!(told.message_type, sample::REJECTION);
    assert_eq!(world.letters("FOREIGN_CASE"), 1);

    // So are an answer and a question in another's name.
    let answer = Letter::of(
        sample::RESTGJELD_ANSWER,
        &sample::message_id(3),
        &sample::restgjeld_answer(1, "1.00"),
    );
    other.publish(ANSWERS, &answer.answering(&request), PATIENCE).await;
    assert_eq!(next(&mut other, OTHER_QUEUE).await.message_type, sample::REJECTION);
    let letter = Letter::of(sample::RESTGJELD, &sample::message_id(4), &sample::restgjeld(4));
    other.publish(REQUESTS, &letter, PATIENCE).await;
    assert_eq!(next(&mut other, OTHER_QUEUE).await.message_type, sample::REJECTION);
    assert_eq!(world.letters("SPOOFED_SENDER"), 2);

    // Nothing of it touched the case: its own bank answers, and the asker hears that alone.
    let right: Value = sample::restgjeld_answer(1, "1250000.50");
    let answer = Letter::of(sample::RESTGJELD_ANSWER, &sample::message_id(5), &right);
    bank.publish(ANSWERS, &answer.answering(&request), PATIENCE).await;
    assert_eq!(next(&mut agent, AGENCY_QUEUE).await.json(), right);
    assert!(agent.next(AGENCY_QUEUE, Duration::from_secs(1)).await.is_none());
    drop(world.innfri);
}

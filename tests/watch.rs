//! Watching the whole program from outside: its three routes, with each part taken away and given back,
//! and a trace that goes with a case from one end to the other.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops at what it did not expect"
)]

mod support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use innfri::channel::amqp::{Entrance, Inbox, Peer, PeerMessage, Received, Settled};
use innfri::kernel::Secret;
use serde_json::Value;
use support::messages::{self as sample, AGENCY, BANK};
use support::postgres::PostgreSql;
use support::program::Program;
use support::rabbitmq::RabbitMq;
use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(180);

const DIRECTORY: &str = r#"
[[participant]]
id = "926018159"
name = "Eksempel Eiendomsmegling"
role = "estate-agency"
sends = ["no.dsve.restgjeldsforespoersel.v1"]
receipts = true

[[participant]]
id = "918190937"
name = "Testvik Sparebank"
role = "bank"
receives = ["no.dsve.restgjeldsforespoersel.v1"]
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

/// A running innfri and where to ask it.
struct Innfri {
    program: Program,
    address: String,
    client: reqwest::Client,
    _folder: TempDir,
}

impl Innfri {
    /// Starts it and waits until it can be watched; it may not be ready by then.
    fn start(directory: &str, settings: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("directory.toml");
        std::fs::write(&file, directory).unwrap();
        let config = folder.path().join("innfri.toml");
        let settings = settings.replace("FOLDER", &folder.path().display().to_string());
        let text = format!(
            "environment = \"test\"\n[directory]\nfile = {file:?}\n\
             [watch]\nlisten = \"127.0.0.1:0\"\n{settings}"
        );
        std::fs::write(&config, text).unwrap();
        let log = folder.path().join("innfri.log");
        let arguments = ["serve", "--config", &config.display().to_string()];
        let mut program = Program::start(&arguments, &[("NO_COLOR", "1")], &log);
        program.wait_for("can be watched", 1);
        let said = program.said();
        let line = said.lines().find(|line| line.contains("can be watched")).unwrap();
        let address = line.rsplit_once("address=").unwrap().1.trim().to_owned();
        let client = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
        Self { program, address, client, _folder: folder }
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let url = format!("http://{}{path}", self.address);
        let answer = self.client.get(url).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Waits until `/readyz` says so, and gives what it names as missing.
    async fn until(&self, status: u16) -> Vec<String> {
        let until = Instant::now() + PATIENCE;
        loop {
            let (said, body) = self.get("/readyz").await;
            if said == status {
                let body: Value = serde_json::from_str(&body).unwrap();
                assert_eq!(body["ready"], status == 200);
                let missing = body["missing"].as_array().unwrap();
                return missing.iter().map(|part| part.as_str().unwrap().to_owned()).collect();
            }
            assert!(Instant::now() < until, "/readyz says {said}: {body}");
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// The sum of a metric's series that have all of these labels.
    async fn sum(&self, name: &str, labels: &[&str]) -> u64 {
        let (status, text) = self.get("/metrics").await;
        assert_eq!(status, 200);
        let series = text.lines().filter_map(|line| line.rsplit_once(' '));
        let wanted = series.filter(|(series, _)| {
            series.split('{').next() == Some(name)
                && labels.iter().all(|label| series.contains(label))
        });
        let values: Vec<u64> = wanted.map(|(_, value)| value.parse().unwrap()).collect();
        assert!(!values.is_empty(), "no {name} with {labels:?}:\n{text}");
        values.iter().sum()
    }

    async fn until_sum(&self, name: &str, labels: &[&str], wanted: u64) {
        let until = Instant::now() + PATIENCE;
        while self.sum(name, labels).await != wanted {
            assert!(Instant::now() < until, "{name} {labels:?}: {}", self.sum(name, labels).await);
            sleep(Duration::from_millis(100)).await;
        }
    }
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_of_one_file_and_a_loan_book_can_be_watched() {
    let book = example("demo/testvik.toml");
    let entry = "id = \"918190937\"";
    let directory = DIRECTORY
        .replace(entry, &format!("{entry}\nhandler = \"loan-book\"\nloan_book = {book:?}"));
    let mut innfri = Innfri::start(&directory, "[journal]\nurl = \"sqlite:FOLDER/journal.db\"\n");
    assert_eq!(innfri.get("/healthz").await, (200, "ok".to_owned()));
    assert!(innfri.until(200).await.is_empty());
    let (_, text) = innfri.get("/metrics").await;
    assert!(text.ends_with("# EOF\n") && text.contains("innfri_build_info{version="), "{text}");
    assert!(!text.contains("innfri_amqp_connections"), "without RabbitMQ");
    innfri.until_sum("innfri_journal_up", &[], 1).await;
    assert!(innfri.sum("innfri_journal_bytes", &[]).await > 0);
    assert_eq!(innfri.sum("innfri_messages_total", &["disposition=\"accepted\""]).await, 0);
    assert_eq!(innfri.program.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_is_away_is_named_until_it_is_back() {
    let postgres = PostgreSql::start().await;
    let database = postgres.create_database().await;
    let settings = format!("[journal]\nurl = {database:?}\nacquire_timeout_seconds = 3\n");
    let innfri = Innfri::start(DIRECTORY, &settings);
    assert!(innfri.until(200).await.is_empty());
    postgres.stop();
    assert_eq!(innfri.until(503).await, ["journal"]);
    assert_eq!(innfri.get("/healthz").await.0, 200, "no reason to restart it");
    innfri.until_sum("innfri_journal_up", &[], 0).await;
    postgres.start_again();
    innfri.until(200).await;
    innfri.until_sum("innfri_journal_up", &[], 1).await;
}

/// Traces of the asker and of the bank: the bank begins its own.
const ASKED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const ANSWERED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

fn message(kind: &str, number: u32, body: &Value, traceparent: &str) -> PeerMessage {
    PeerMessage {
        message_type: kind.to_owned(),
        message_id: sample::message_id(number),
        correlation_id: None,
        traceparent: Some(traceparent.to_owned()),
        app_id: "test".to_owned(),
        body: serde_json::to_vec(body).unwrap(),
    }
}

async fn next(inbox: &mut Inbox) -> Received {
    timeout(PATIENCE, inbox.next()).await.expect("a message")
}

/// With a collector, what goes out names innfri's own span in the same trace; and one that its sender does
/// not record stays as it was.
#[cfg(feature = "otlp")]
async fn spans_go_to_a_collector(
    settings: &str,
    agent: &Peer,
    bank: &Peer,
    at_agent: &mut Inbox,
    at_bank: &mut Inbox,
) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let mut collector = tokio::task::JoinSet::new();
    let received = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    collector.spawn(collect(listener, std::sync::Arc::clone(&received)));
    let settings = format!("{settings}[log]\notlp_endpoint = {endpoint:?}\n");
    let mut innfri = Innfri::start(DIRECTORY, &settings);
    innfri.until(200).await;

    let request = message(sample::RESTGJELD, 7, &sample::restgjeld(7), ASKED);
    agent.publish(Entrance::Requests, request).await.unwrap();
    let asked = next(at_bank).await;
    let carried = asked.traceparent.clone().unwrap();
    let (trace, parent) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    assert!(carried.contains(trace) && !carried.contains(parent), "{carried}");
    let answer = PeerMessage {
        correlation_id: asked.message_id.clone(),
        ..message(sample::RESTGJELD_ANSWER, 8, &sample::restgjeld_answer(7, "10.00"), ANSWERED)
    };
    asked.ack().await;
    bank.publish(Entrance::Answers, answer).await.unwrap();
    loop {
        let outcome = next(at_agent).await;
        let (kind, carried) = (outcome.message_type.clone(), outcome.traceparent.clone());
        outcome.ack().await;
        if kind.as_deref() == Some(sample::RESTGJELD_ANSWER) {
            assert_eq!(carried.as_deref(), Some(ANSWERED), "nobody records it");
            break;
        }
    }
    assert_eq!(innfri.program.terminate(), Some(0));
    let sent = received.lock().unwrap().clone();
    let id = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes();
    for part in [b"process innfri.in.requests".as_slice(), b"send innfri.deliveries", &id] {
        assert!(sent.windows(part.len()).any(|bytes| bytes == part), "{:?}", innfri.program.said());
    }
    for personal in [b"23904430552".as_slice(), b"Testvik"] {
        assert!(!sent.windows(personal.len()).any(|bytes| bytes == personal));
    }
}

/// Takes whatever is sent and says that it is fine.
#[cfg(feature = "otlp")]
async fn collect(
    listener: tokio::net::TcpListener,
    received: std::sync::Arc<std::sync::Mutex<Vec<u8>>>,
) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (mut request, mut chunk) = (Vec::new(), [0_u8; 4096]);
        while let Ok(count @ 1..) = stream.read(&mut chunk).await {
            request.extend(chunk.iter().take(count));
            let text = String::from_utf8_lossy(&request).to_lowercase();
            let Some((head, _)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.unwrap().trim().parse().unwrap();
            let end = request.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
            if request.len() >= end + length {
                received.lock().unwrap().append(&mut request);
                let fine = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                stream.write_all(fine).await.unwrap();
                break;
            }
        }
    }
}

async fn connect(rabbit: &RabbitMq, user: &str) -> Peer {
    Peer::connect(&Secret::new(rabbit.url(user, user))).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_move_with_a_case_and_its_trace_goes_with_it() {
    let rabbit = RabbitMq::start();
    rabbit.add_user("innfri", "innfri", ".*", ".*", ".*");
    rabbit.add_user("agent", "agent", "^$", "^innfri\\.requests$", ".*");
    rabbit.add_user("bank", "bank", "^$", "^innfri\\.answers$", ".*");
    let settings = format!(
        "[journal]\nurl = \"sqlite:FOLDER/journal.db\"\n\
         [amqp]\nurl = {:?}\nreconnect_longest_seconds = 1\n",
        rabbit.url("innfri", "innfri")
    );
    let innfri = Innfri::start(DIRECTORY, &settings);
    innfri.until(200).await;
    assert_eq!(innfri.sum("innfri_amqp_connections", &[]).await, 4);

    let (agent, bank) = (connect(&rabbit, "agent").await, connect(&rabbit, "bank").await);
    let mut at_agent = agent.consume(&format!("innfri.org.no.{AGENCY}.answers")).await.unwrap();
    let mut at_bank = bank.consume(&format!("innfri.org.no.{BANK}.requests")).await.unwrap();
    let mut told_bank = bank.consume(&format!("innfri.org.no.{BANK}.answers")).await.unwrap();

    let request = message(sample::RESTGJELD, 1, &sample::restgjeld(1), ASKED);
    agent.publish(Entrance::Requests, request).await.unwrap();
    let asked = next(&mut at_bank).await;
    assert_eq!(asked.traceparent.as_deref(), Some(ASKED), "the request's trace reaches the bank");
    let correlation_id = asked.message_id.clone();
    assert_eq!(asked.ack().await, Settled::Acknowledged);
    let receipt = next(&mut at_agent).await;
    assert_eq!(receipt.traceparent.as_deref(), Some(ASKED), "a receipt is of the request's trace");
    receipt.ack().await;

    // An answer that is not accepted comes back in its own trace.
    let wrong = PeerMessage {
        correlation_id: correlation_id.clone(),
        ..message(sample::RESTGJELD_ANSWER, 2, &serde_json::json!({}), ANSWERED)
    };
    bank.publish(Entrance::Answers, wrong).await.unwrap();
    let rejection = next(&mut told_bank).await;
    assert_eq!(rejection.message_type.as_deref(), Some(sample::REJECTION));
    assert_eq!(rejection.traceparent.as_deref(), Some(ANSWERED));
    rejection.ack().await;

    let answer = PeerMessage {
        correlation_id,
        ..message(sample::RESTGJELD_ANSWER, 3, &sample::restgjeld_answer(1, "10.00"), ANSWERED)
    };
    bank.publish(Entrance::Answers, answer).await.unwrap();
    let outcome = next(&mut at_agent).await;
    assert_eq!(outcome.message_type.as_deref(), Some(sample::RESTGJELD_ANSWER));
    assert_eq!(outcome.traceparent.as_deref(), Some(ANSWERED), "the answer's reaches the asker");
    outcome.ack().await;

    // What is refused at once: of its own trace, and what is no trace goes no further.
    for (number, given, carried) in [(4, ASKED, Some(ASKED)), (5, "Kari Nordmann", None)] {
        let refused = message("no.such.type.v1", number, &sample::restgjeld(4), given);
        agent.publish(Entrance::Requests, refused).await.unwrap();
        let status = next(&mut at_agent).await;
        assert_eq!(status.message_type.as_deref(), Some(sample::STATUS));
        assert_eq!(status.traceparent.as_deref(), carried);
        status.ack().await;
    }

    let taken = |kind: &str, what: &str| {
        (
            format!("type=\"{kind}\""),
            format!("channel=\"amqp\",type=\"{kind}\",disposition=\"{what}\""),
        )
    };
    for (kind, what, count) in [
        (sample::RESTGJELD, "accepted", 1),
        (sample::RESTGJELD_ANSWER, "accepted", 1),
        (sample::RESTGJELD_ANSWER, "rejected", 1),
        ("unknown", "refused", 2),
    ] {
        let (kind, labels) = taken(kind, what);
        assert_eq!(innfri.sum("innfri_messages_total", &[&kind, &labels]).await, count, "{labels}");
    }
    let answered = ["outcome=\"ANSWERED\"", "bank=\"NO:918190937\"", "by=\"bank\""];
    assert_eq!(innfri.sum("innfri_cases_total", &answered).await, 1);
    assert_eq!(innfri.sum("innfri_answer_seconds_count", &["bank=\"NO:918190937\""]).await, 1);
    for (purpose, count) in [("request", 1), ("outcome", 3), ("receipt", 1), ("rejection", 1)] {
        let labels = ["channel=\"amqp\"", &format!("purpose=\"{purpose}\""), "error_type=\"\""];
        innfri.until_sum("innfri_attempts_total", &labels, count).await;
    }
    let confirmed = ["messaging_destination_name=\"innfri.deliveries\"", "error_type=\"\""];
    innfri.until_sum("messaging_client_sent_messages_total", &confirmed, 6).await;
    assert_eq!(innfri.sum("messaging_client_consumed_messages_total", &[]).await, 5);
    assert_eq!(innfri.sum("messaging_process_duration_seconds_count", &[]).await, 5);
    let (_, text) = innfri.get("/metrics").await;
    for personal in ["Kari", "23904430552", "no.such.type"] {
        assert!(!text.contains(personal), "{text}");
    }

    #[cfg(feature = "otlp")]
    let innfri = {
        drop(innfri);
        spans_go_to_a_collector(&settings, &agent, &bank, &mut at_agent, &mut at_bank).await;
        Innfri::start(DIRECTORY, &settings)
    };
    innfri.until(200).await;

    rabbit.stop();
    let missing = innfri.until(503).await;
    assert!(missing.iter().all(|part| part.starts_with("amqp")), "{missing:?}");
    innfri.until_sum("innfri_amqp_connections", &[], 0).await;
    rabbit.start_again();
    innfri.until(200).await;
    innfri.until_sum("innfri_amqp_connections", &[], 4).await;
}

//! An estate agent's system: asks what stands in files, and waits until each question has its outcome.
//!
//!     AMQP_URL=amqp://megler:megler@127.0.0.1/%2f cargo run --example agent -- examples/clients/requests
//!
//! Arguments    request files, or folders of them; a file's name holds its message type
//! AMQP_URL     how to reach RabbitMQ, and as whom
//! AGENT_STATE  file that keeps message ids and outcomes (agent-state.json)
//!
//! It prints lines of fields with tabs between them:
//!     asked    MESSAGE-ID  FILE                   RabbitMQ has confirmed the request
//!     outcome  MESSAGE-ID  STATUS-OR-TYPE  TEXT   one for each request
//!     finding  MESSAGE-ID  RULE  PLACE  TEXT      what was wrong with a request
//!     repeat   MESSAGE-ID                         an outcome that was known came again
//!
//! Kill it and start it again: it goes on where it was, and asks nothing twice. It uses nothing of innfri.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "rules for innfri's own code; this is somebody else's program"
)]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use futures_util::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
    ConfirmSelectOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::uri::AMQPUri;
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};
use serde_json::{Map, Value, json};
use uuid::Uuid;

const STATUS: &str = "no.dsve.status.v1";
const REJECTION: &str = "innfri.rejection.v1";
const RECEIPT: &str = "innfri.receipt.v1";

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn say(fields: &[&str]) {
    let words = |field: &&str| field.split_whitespace().collect::<Vec<_>>().join(" ");
    println!("{}", fields.iter().map(words).collect::<Vec<_>>().join("\t"));
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn items<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn name_of(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The part of a file's name from `no.dsve.` to the version, such as `no.dsve.status.v1`.
fn type_of(file: &Path) -> Option<String> {
    let name = name_of(file);
    let parts: Vec<&str> = name.split('.').collect();
    let at = parts.windows(2).position(|pair| pair == ["no", "dsve"])?;
    Some(parts.get(at..at + 4)?.join("."))
}

fn amounts(loan: &Value) -> String {
    let number = text(loan, "/laanenummer");
    if loan.get("saldo").is_some() {
        return format!("{number} {}", text(loan, "/saldo"));
    }
    let told = |per: &Value| format!("{number} {} {}", text(per, "/dato"), text(per, "/beloep"));
    items(loan, "/saldoerPerDato").iter().map(told).collect::<Vec<_>>().join(", ")
}

fn show(request: &Value) {
    let (id, kind) = (text(request, "/id"), text(request, "/outcome/type"));
    if kind != STATUS {
        let loans = items(request, "/outcome/body/laanliste").iter().map(amounts);
        say(&["outcome", id, kind, &loans.collect::<Vec<_>>().join("; ")]);
        return;
    }
    let body = "/outcome/body";
    let [code, words] =
        ["statuskode", "tekst"].map(|name| text(request, &format!("{body}/{name}")));
    say(&["outcome", id, code, words]);
    for one in items(request, "/outcome/body/avvik") {
        say(&["finding", id, text(one, "/regel"), text(one, "/peker"), text(one, "/tekst")]);
    }
}

struct Agent {
    url: String,
    user: String,
    files: Vec<PathBuf>,
    state_path: PathBuf,
    /// What must outlive this process: which id each request has, and its newest outcome.
    requests: Map<String, Value>,
}

impl Agent {
    fn save(&self) -> Result<(), Failure> {
        // Written whole beside the old one, then put in its place: a kill leaves the one or the other.
        let beside = self.state_path.with_extension("new");
        std::fs::write(&beside, serde_json::to_vec(&self.requests)?)?;
        Ok(std::fs::rename(&beside, &self.state_path)?)
    }

    fn open(&self) -> Vec<PathBuf> {
        let settled = |file: &&PathBuf| self.requests[&name_of(file)].get("outcome").is_some();
        self.files.iter().filter(|file| !settled(file)).cloned().collect()
    }

    /// Publishes one request and waits until RabbitMQ has it.
    async fn ask(&self, channel: &Channel, file: &Path) -> Result<(), Failure> {
        let id = text(&self.requests[&name_of(file)], "/id");
        let kind = type_of(file).ok_or("a file's name must hold its message type")?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
        let properties = BasicProperties::default()
            .with_type(kind.into())
            .with_message_id(id.into()) // the idempotency key: the same again has no effect
            .with_user_id(self.user.as_str().into()) // RabbitMQ checks it against the login
            .with_content_type("application/json".into())
            .with_app_id("example-agent-rust".into())
            .with_timestamp(now)
            .with_delivery_mode(2);
        // Without it a message that reaches no queue is confirmed all the same, and lost.
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let body = std::fs::read(file)?;
        let confirm = channel
            .basic_publish("innfri.requests".into(), "".into(), options, &body, properties)
            .await?;
        // An acknowledgement that holds a message means that the message reached no queue.
        let Confirmation::Ack(None) = confirm.await? else { return Err("not taken".into()) };
        say(&["asked", id, &name_of(file)]);
        Ok(())
    }

    /// Keeps what has come; false when it is not ours.
    fn receive(&mut self, delivery: &Delivery) -> Result<bool, Failure> {
        let properties = &delivery.properties;
        let correlation = properties.correlation_id().as_ref().map(|id| id.as_str().to_owned());
        let ours = |request: &&mut Value| Some(text(request, "/id")) == correlation.as_deref();
        let Some(request) = self.requests.values_mut().find(ours) else { return Ok(false) };
        let id = text(request, "/id").to_owned();
        let kind = properties.kind().as_ref().map_or("", |kind| kind.as_str());
        let body: Value = serde_json::from_slice(&delivery.data)?;
        if kind == REJECTION {
            // This id was used before with other content. The first message keeps its effect.
            let rules: Vec<&str> =
                items(&body, "/avvik").iter().map(|a| text(a, "/regel")).collect();
            say(&["rejected", &id, &rules.join(","), text(&body, "/tekst")]);
        } else if kind != RECEIPT {
            // An outcome may come twice, and a bank may send a newer one: the highest revision counts.
            let headers = properties.headers().as_ref();
            let revision = match headers.and_then(|all| all.inner().get("innfri-revision")) {
                Some(AMQPValue::LongLongInt(number)) => *number,
                _ => 1,
            };
            let known = request.pointer("/outcome/revision").and_then(Value::as_i64).unwrap_or(0);
            if revision <= known {
                say(&["repeat", &id]);
                return Ok(true);
            }
            request["outcome"] = json!({"type": kind, "revision": revision, "body": body});
            let settled = request.clone();
            self.save()?;
            show(&settled);
        }
        Ok(true)
    }

    /// One connection's life: asks what has no outcome yet, then waits for outcomes.
    async fn session(&mut self) -> Result<(), Failure> {
        let connection = Connection::connect(&self.url, ConnectionProperties::default()).await?;
        eprintln!("connected");
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        channel.basic_qos(100, BasicQosOptions::default()).await?;
        for file in self.open() {
            self.ask(&channel, &file).await?;
        }
        let first = self.files.first().ok_or("no files")?;
        let asker: Value = serde_json::from_slice(&std::fs::read(first)?)?;
        let queue = format!("innfri.org.no.{}.answers", text(&asker, "/avsender/id"));
        let (options, table) = (BasicConsumeOptions::default(), FieldTable::default());
        let mut arrived =
            channel.basic_consume(queue.as_str().into(), "".into(), options, table).await?;
        while !self.open().is_empty() {
            let delivery = arrived.next().await.ok_or("the connection is closed")??;
            // Acknowledged only once it is kept. What is not ours goes back when we leave.
            if self.receive(&delivery)? {
                channel.basic_ack(delivery.delivery_tag, BasicAckOptions::default()).await?;
            }
        }
        Ok(connection.close(200, "goodbye".into()).await?)
    }
}

fn find_files(arguments: impl Iterator<Item = String>) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in arguments.map(PathBuf::from) {
        if !path.is_dir() {
            files.push(path);
            continue;
        }
        let inside = std::fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path()));
        let mut inside: Vec<PathBuf> = inside.collect::<Result<_, _>>()?;
        inside.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
        inside.sort();
        files.extend(inside);
    }
    Ok(files)
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let files = find_files(std::env::args().skip(1))?;
    let url = std::env::var("AMQP_URL").map_err(|_| "set AMQP_URL")?;
    let user = url.parse::<AMQPUri>()?.authority.userinfo.username;
    let state_path = std::env::var("AGENT_STATE").unwrap_or("agent-state.json".into()).into();
    let requests = match std::fs::read(&state_path) {
        Ok(kept) => serde_json::from_slice(&kept)?,
        Err(_) => Map::new(),
    };
    let mut agent = Agent { url, user, files, state_path, requests };
    // The id is made once and kept before it is first used: a restart asks with the same id.
    for file in &agent.files {
        let new = || json!({"id": Uuid::new_v4().to_string()});
        agent.requests.entry(name_of(file)).or_insert_with(new);
    }
    agent.save()?;
    let settled = |request: &&Value| request.get("outcome").is_some();
    agent.files.iter().map(|file| &agent.requests[&name_of(file)]).filter(settled).for_each(show);
    let mut pause = Duration::from_millis(500);
    while !agent.open().is_empty() {
        let began = Instant::now();
        if let Err(error) = agent.session().await {
            // Waits double up to 30 s, with chance in them so that not all come back at once.
            let long_ago = began.elapsed() > Duration::from_secs(30);
            let double = (pause * 2).min(Duration::from_secs(30));
            pause = if long_ago { Duration::from_millis(500) } else { double };
            eprintln!("disconnected: {error}");
            tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
        }
    }
    Ok(())
}

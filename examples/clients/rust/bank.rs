//! A bank's back-end: answers the requests in its queue from a small table of loans.
//!
//!     AMQP_URL=amqp://testvik:testvik@127.0.0.1/%2f cargo run --example bank -- examples/clients/loans.json
//!
//! Argument      the table: who we are, and what is known of each property
//! AMQP_URL      how to reach RabbitMQ, and as whom
//! BANK_STATE    file that keeps answers to be corrected (bank-state.json)
//! BANK_SECONDS  how long the bank takes over each request (0), so that you can kill it meanwhile
//!
//! It prints lines of fields with tabs between them:
//!     working   REQUEST-ID  TYPE                       a request has come
//!     answered  REQUEST-ID  ANSWER-ID  STATUS-OR-TYPE  RabbitMQ has confirmed the answer
//!     rejected  ANSWER-ID  RULES  TEXT                 innfri did not accept an answer, and why
//!
//! A loan with `wrongAccountFirst` is first answered with that account, to show what then happens: innfri
//! rejects the answer, the asker sees nothing of it, and the right answer follows.
//! Kill it and start it again: what it had not acknowledged comes again and gets the same answer. It uses
//! nothing of innfri.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "rules for innfri's own code; this is somebody else's program"
)]

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use futures_util::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, BasicRejectOptions,
    ConfirmSelectOptions,
};
use lapin::types::{FieldTable, ShortString};
use lapin::uri::AMQPUri;
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, Consumer};
use serde_json::{Map, Value, json};
use uuid::Uuid;

const STATUS: &str = "no.dsve.status.v1";

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

fn given(property: &Option<ShortString>) -> &str {
    property.as_ref().map_or("", |text| text.as_str())
}

fn answered_by(request_type: &str) -> Option<&'static str> {
    match request_type {
        "no.dsve.restgjeldsforespoersel.v1" => Some("no.dsve.restgjeldssvar.v1"),
        "no.dsve.innfrielsessaldoforespoersel.v1" => Some("no.dsve.innfrielsessaldosvar.v1"),
        _ => None,
    }
}

/// A property's row in the table.
fn row<'a>(book: &'a Value, unit: &Value) -> Option<&'a Value> {
    let key = if let Some(plot) = unit.get("matrikkel") {
        let number = text(plot, "/kommunenummer");
        format!("{number}/{}/{}", plot["gaardsnummer"], plot["bruksnummer"])
    } else {
        let share = unit.get("borettsandel")?;
        format!("{}/{}", text(share, "/organisasjonsnummer"), share["andelsnummer"])
    };
    book["properties"].get(key)
}

fn loan_entry(loan: &Value, owners: &[String], request: &Value) -> Value {
    // Only borrowers who own the property may be named; that there are others may be said.
    let borrowers = items(loan, "/laantakere");
    let owns = |name: &&Value| owners.iter().any(|owner| name.as_str() == Some(owner));
    let named: Vec<&Value> = borrowers.iter().filter(owns).collect();
    let mut entry = json!({
        "laantakerIkkeHjemmelshaver": named.len() < borrowers.len(),
        "transporterklaering": false,
        "laanenummer": loan["laanenummer"],
        "kontonummer": loan["kontonummer"],
        "kidnummer": loan["kidnummer"],
        "laantakereHjemmelshaver": named,
    });
    if request.get("innfrielsesdatoer").is_some() {
        // A real bank works out the interest to each date. Amounts are decimal strings, never floats.
        let told = |dato: &Value| json!({"beloep": loan["innfrielse"], "dato": dato});
        entry["saldoerPerDato"] = items(request, "/innfrielsesdatoer").iter().map(told).collect();
    } else {
        for no in ["rammelaan", "fastrente", "realkausjon"] {
            entry[no] = json!(false);
        }
        entry["saldo"] = loan["saldo"].clone();
    }
    entry
}

/// What the table says to a request: message type, body, and the wrong account to give first.
fn answer(
    book: &Value,
    kind: &'static str,
    request: &Value,
) -> (&'static str, Value, Option<Value>) {
    let units = items(request, "/registerenheterMedHjemmelshavere");
    let known: Vec<(&Value, &Value)> =
        units.iter().filter_map(|unit| Some((unit, row(book, unit)?))).collect();
    let (asker, bank) = (&request["avsender"], &book["bank"]);
    let Some((_, first)) = known.first() else {
        let body = json!({
            "avsender": {"id": bank["id"], "referanse": "UKJENT"},
            "mottaker": {"id": asker["id"], "referanse": asker["referanse"]},
            "statuskode": "FEIL", "aarsak": "FEIL_PANTHAVER",
            "tekst": "Vi har ikke pant i denne eiendommen.",
        });
        return (STATUS, body, None);
    };
    if let Some(status) = known.iter().find_map(|(_, row)| row.get("status")) {
        let mut body = status.clone();
        body["avsender"] = json!({"id": bank["id"], "referanse": first["sak"]});
        body["mottaker"] = json!({"id": asker["id"], "referanse": asker["referanse"]});
        return (STATUS, body, None);
    }
    let people = units.iter().flat_map(|unit| items(unit, "/hjemmelshavere"));
    let full_name = |owner: &Value| {
        format!("{} {}", text(owner, "/person/fornavn"), text(owner, "/person/etternavn"))
    };
    let owners: Vec<String> = people.map(full_name).collect();
    let loans = known.iter().flat_map(|(_, row)| items(row, "/loans"));
    let told = known.iter().map(|(unit, row)| {
        let mut told = unit.as_object().cloned().unwrap_or_default();
        told.remove("hjemmelshavere");
        let documents = "pantedokumentreferanser";
        told.insert(documents.into(), row[documents].clone());
        Value::Object(told)
    });
    let mut body = json!({
        "avsender": bank,
        "mottaker": {"id": asker["id"], "foretaksnavn": asker["foretaksnavn"], "referanse": asker["referanse"]},
        "laanliste": loans.map(|loan| loan_entry(loan, &owners, request)).collect::<Vec<_>>(),
        "registerenheterMedDokumentreferanser": told.collect::<Vec<_>>(),
        "panterettSlettesVedInnfrielse": true,
    });
    body["avsender"]["referanse"] = first["sak"].clone();
    if request.get("innfrielsesdatoer").is_none() {
        body["sperretForVidereOpplaan"] = json!(true);
    }
    (kind, body, first.get("wrongAccountFirst").cloned())
}

struct Bank {
    url: String,
    user: String,
    book: Value,
    takes: Duration,
    state_path: PathBuf,
    /// Answers that wait for their rejection, by the id of the wrong one.
    corrections: Map<String, Value>,
}

impl Bank {
    fn save(&self) -> Result<(), Failure> {
        // Written whole beside the old one, then put in its place: a kill leaves the one or the other.
        let beside = self.state_path.with_extension("new");
        std::fs::write(&beside, serde_json::to_vec(&self.corrections)?)?;
        Ok(std::fs::rename(&beside, &self.state_path)?)
    }

    /// Publishes an answer and waits until RabbitMQ has it.
    async fn publish(
        &self,
        channel: &Channel,
        [request_id, name, kind]: [&str; 3],
        body: &Value,
    ) -> Result<(), Failure> {
        // Derived from the request's id: the same request always gets the same answer id, so that innfri
        // drops what we say twice. (The same id with other content would be refused.)
        let answer_id = Uuid::new_v5(&request_id.parse()?, name.as_bytes()).to_string();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
        let properties = BasicProperties::default()
            .with_type(kind.into())
            .with_message_id(answer_id.as_str().into())
            .with_correlation_id(request_id.into()) // the message_id of the request as delivered to us
            .with_user_id(self.user.as_str().into()) // RabbitMQ checks it against the login
            .with_content_type("application/json".into())
            .with_app_id("example-bank-rust".into())
            .with_timestamp(now)
            .with_delivery_mode(2);
        // Without it a message that reaches no queue is confirmed all the same, and lost.
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let content = serde_json::to_vec(body)?;
        let confirm = channel
            .basic_publish("innfri.answers".into(), "".into(), options, &content, properties)
            .await?;
        // An acknowledgement that holds a message means that the message reached no queue.
        let Confirmation::Ack(None) = confirm.await? else { return Err("not taken".into()) };
        let code = body["statuskode"].as_str().unwrap_or(kind);
        say(&["answered", request_id, &answer_id, code]);
        Ok(())
    }

    async fn on_request(&mut self, channel: &Channel, delivery: &Delivery) -> Result<(), Failure> {
        let request_id = given(delivery.properties.message_id());
        let kind = given(delivery.properties.kind());
        say(&["working", request_id, kind]);
        let Some(kind) = answered_by(kind) else {
            // Not for us to guess: it goes to innfri's dead letters, where people look.
            let options = BasicRejectOptions { requeue: false };
            return Ok(channel.basic_reject(delivery.delivery_tag, options).await?);
        };
        tokio::time::sleep(self.takes).await;
        let request = serde_json::from_slice(&delivery.data)?;
        let (kind, mut body, wrong_account) = answer(&self.book, kind, &request);
        if let Some(wrong_account) = wrong_account {
            let wrong_id = Uuid::new_v5(&request_id.parse()?, b"answer").to_string();
            let right = json!({"request": request_id, "type": kind, "body": body});
            self.corrections.insert(wrong_id, right);
            self.save()?;
            body["laanliste"][0]["kontonummer"] = wrong_account;
        }
        self.publish(channel, [request_id, "answer", kind], &body).await?;
        // Only now: killed before this line, the request comes again.
        Ok(channel.basic_ack(delivery.delivery_tag, BasicAckOptions::default()).await?)
    }

    /// Other post to the bank. A rejection says everything that was wrong; a person would look.
    async fn on_message(&mut self, channel: &Channel, delivery: &Delivery) -> Result<(), Failure> {
        let body: Value = serde_json::from_slice(&delivery.data)?;
        let rejected_id = given(delivery.properties.correlation_id());
        let rules: Vec<&str> =
            items(&body, "/avvik").iter().map(|one| text(one, "/regel")).collect();
        say(&["rejected", rejected_id, &rules.join(","), text(&body, "/tekst")]);
        if let Some(right) = self.corrections.get(rejected_id).cloned() {
            let names = [text(&right, "/request"), "correction", text(&right, "/type")];
            self.publish(channel, names, &right["body"]).await?;
            self.corrections.remove(rejected_id);
            self.save()?;
        }
        Ok(channel.basic_ack(delivery.delivery_tag, BasicAckOptions::default()).await?)
    }

    /// One connection's life; it ends only by breaking.
    async fn session(&mut self) -> Result<(), Failure> {
        let connection = Connection::connect(&self.url, ConnectionProperties::default()).await?;
        eprintln!("connected");
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        channel.basic_qos(10, BasicQosOptions::default()).await?;
        let mut requests = self.consume(&channel, "requests").await?;
        let mut messages = self.consume(&channel, "answers").await?;
        loop {
            tokio::select! {
                next = requests.next() => {
                    self.on_request(&channel, &next.ok_or("the connection is closed")??).await?;
                }
                next = messages.next() => {
                    self.on_message(&channel, &next.ok_or("the connection is closed")??).await?;
                }
            }
        }
    }

    async fn consume(&self, channel: &Channel, which: &str) -> Result<Consumer, Failure> {
        let queue = format!("innfri.org.no.{}.{which}", text(&self.book, "/bank/id"));
        let (options, table) = (BasicConsumeOptions::default(), FieldTable::default());
        Ok(channel.basic_consume(queue.as_str().into(), "".into(), options, table).await?)
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let book_path = std::env::args().nth(1).ok_or("usage: bank LOANS.json")?;
    let url = std::env::var("AMQP_URL").map_err(|_| "set AMQP_URL")?;
    let user = url.parse::<AMQPUri>()?.authority.userinfo.username;
    let seconds = std::env::var("BANK_SECONDS").unwrap_or("0".into()).parse()?;
    let state_path = std::env::var("BANK_STATE").unwrap_or("bank-state.json".into()).into();
    let corrections = match std::fs::read(&state_path) {
        Ok(kept) => serde_json::from_slice(&kept)?,
        Err(_) => Map::new(),
    };
    let book = serde_json::from_slice(&std::fs::read(book_path)?)?;
    let takes = Duration::from_secs_f64(seconds);
    let mut bank = Bank { url, user, book, takes, state_path, corrections };
    let mut pause = Duration::from_millis(500);
    loop {
        let began = Instant::now();
        if let Err(error) = bank.session().await {
            eprintln!("disconnected: {error}");
        }
        // Waits double up to 30 s, with chance in them so that not all come back at once.
        let long_ago = began.elapsed() > Duration::from_secs(30);
        let double = (pause * 2).min(Duration::from_secs(30));
        pause = if long_ago { Duration::from_millis(500) } else { double };
        tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
    }
}

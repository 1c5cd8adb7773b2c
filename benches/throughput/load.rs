//! The load: messages of a usual size, filled into a queue before the clock starts, and a look at how many have
//! come out. Nothing of the load runs while a contender is timed but that look.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
    ConfirmSelectOptions, QueueDeclareOptions, QueueDeleteOptions, QueuePurgeOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use serde_json::{Value, json};

use crate::world::{AGENCY, Bank};

/// Messages that wait for their confirmation while a queue is filled.
const WINDOW: usize = 500;
/// How often the queues are looked at.
const LOOK: Duration = Duration::from_millis(50);

/// One message to be filled in.
pub struct Letter {
    pub exchange: &'static str,
    pub routing_key: String,
    pub properties: BasicProperties,
    pub body: Vec<u8>,
}

/// A connection of the load's own.
pub struct Line {
    connection: Connection,
    pub channel: Channel,
}

impl Line {
    pub async fn open(url: &str) -> Self {
        let connection = Connection::connect(url, ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        Self { connection, channel }
    }

    /// Ends it, with its consumers.
    pub async fn close(self) {
        self.connection.close(200, "done".into()).await.unwrap();
    }

    /// Declares a queue like innfri's own.
    pub async fn declare(&self, queue: &str) {
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
        let options = QueueDeclareOptions { durable: true, ..Default::default() };
        self.channel.queue_declare(queue.into(), options, arguments).await.unwrap();
    }

    pub async fn delete(&self, queue: &str) {
        self.channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await.ok();
    }

    pub async fn purge(&self, queue: &str) {
        self.channel.queue_purge(queue.into(), QueuePurgeOptions::default()).await.unwrap();
    }

    /// Publishes all, each confirmed.
    pub async fn fill(&self, letters: impl Iterator<Item = Letter>) {
        let mut waiting = std::collections::VecDeque::new();
        for letter in letters {
            let confirm = self
                .channel
                .basic_publish(
                    letter.exchange.into(),
                    letter.routing_key.as_str().into(),
                    BasicPublishOptions::default(),
                    &letter.body,
                    letter.properties,
                )
                .await
                .unwrap();
            waiting.push_back(confirm);
            if waiting.len() >= WINDOW {
                assert!(waiting.pop_front().unwrap().await.unwrap().is_ack(), "not confirmed");
            }
        }
        for confirm in waiting {
            assert!(confirm.await.unwrap().is_ack(), "not confirmed");
        }
    }

    /// How many messages wait in these queues.
    pub async fn depth(&self, queues: &[String]) -> usize {
        let mut total = 0;
        for queue in queues {
            let options = QueueDeclareOptions { passive: true, ..Default::default() };
            let found = self
                .channel
                .queue_declare(queue.as_str().into(), options, FieldTable::default())
                .await
                .unwrap();
            total += found.message_count() as usize;
        }
        total
    }

    /// Takes `count` messages out of a queue.
    pub async fn drain(
        &self,
        queue: &str,
        count: usize,
        mut each: impl FnMut(lapin::message::Delivery),
    ) {
        if count == 0 {
            return;
        }
        self.channel.basic_qos(1000, BasicQosOptions::default()).await.unwrap();
        let tag = format!("drain {queue}");
        let mut consumer = self
            .channel
            .basic_consume(
                queue.into(),
                tag.as_str().into(),
                BasicConsumeOptions::default(),
                FieldTable::default(),
            )
            .await
            .unwrap();
        for done in 1..=count {
            let delivery = consumer.next().await.expect("as many as were counted").unwrap();
            if done % 200 == 0 || done == count {
                let options = BasicAckOptions { multiple: true };
                self.channel.basic_ack(delivery.delivery_tag, options).await.unwrap();
            }
            each(delivery);
        }
        self.channel.basic_cancel(tag.as_str().into(), Default::default()).await.unwrap();
    }
}

/// What was seen of a contender while messages came out.
pub struct Passage {
    pub messages: usize,
    pub took: Duration,
}

impl Passage {
    pub fn per_second(&self) -> f64 {
        self.messages as f64 / self.took.as_secs_f64()
    }
}

/// Watches until all messages have come out, and times from the first that were seen. `at` is told when the
/// clock starts and stops.
pub async fn watch(line: &Line, queues: &[String], all: usize, mut at: impl FnMut()) -> Passage {
    let give_up = Instant::now() + Duration::from_secs(600);
    let first = loop {
        let seen = line.depth(queues).await;
        if seen > 0 {
            break seen;
        }
        assert!(Instant::now() < give_up, "nothing comes out");
        tokio::time::sleep(LOOK).await;
    };
    at();
    let began = Instant::now();
    loop {
        let seen = line.depth(queues).await;
        if seen >= all {
            let took = began.elapsed();
            at();
            return Passage { messages: all - first, took };
        }
        assert!(Instant::now() < give_up, "{seen} of {all} came out, and no more");
        tokio::time::sleep(LOOK).await;
    }
}

fn property(number: usize) -> Value {
    json!({"kommunenavn": "Testvik", "kommunenummer": "9901", "gaardsnummer": 12,
           "bruksnummer": number % 9000 + 1, "seksjonsnummer": 3, "eiendomsnivaa": "E"})
}

fn contact() -> Value {
    json!({"navn": "Meglerkontakt", "epost": "oppgjoer@eksempel.example",
           "telefondirekte": "00000000", "telefon": "00000001"})
}

fn address() -> Value {
    json!({"gatenavn": "Storgata 1", "postnummer": "9901", "poststed": "TESTVIK"})
}

/// A reference in hexadecimal: eleven decimal digits could be taken for a national identity number.
pub fn reference(number: usize) -> String {
    format!("OPPDRAG-{number:x}")
}

/// A question of about 1.3 KB: two properties with two owners each.
pub fn request(number: usize, bank: &Bank) -> Value {
    let owner = json!({"person": {"id": "23904430552", "fornavn": "Prøve Eksempel", "etternavn": "Fiksjon"}});
    let company = json!({"organisasjon": {"id": AGENCY, "foretaksnavn": "Eksempel Eiendom", "adresse": address()}});
    json!({
        "avsender": {"id": AGENCY, "foretaksnavn": "Eksempel Eiendomsmegling", "adresse": address(),
            "kontaktperson": contact(), "referanse": reference(number)},
        "mottaker": {"id": bank.number, "foretaksnavn": "Testvik Sparebank", "adresse": address()},
        "registerenheterMedHjemmelshavere": [
            {"matrikkel": property(number), "hjemmelshavere": [owner, company]},
            {"matrikkel": property(number + 1), "hjemmelshavere": [owner, company]}
        ],
        "prisantydning": 4_500_000
    })
}

/// The answer to [`request`], of about the same size.
pub fn answer(reference: &str, number: usize, bank: &Bank) -> Value {
    let document = json!({"dokumentnummer": 100_200, "dokumentaar": 2019, "embetenummer": 200,
        "rettsstiftelsesnummer": 1, "registreringstidspunkt": "2019-05-06T12:00:00Z", "beloep": "3500000"});
    json!({
        "avsender": {"id": bank.number, "foretaksnavn": "Testvik Sparebank", "adresse": address(),
            "kontaktperson": contact(), "referanse": format!("LAAN-{number}")},
        "mottaker": {"id": AGENCY, "foretaksnavn": "Eksempel Eiendomsmegling", "adresse": address(),
            "referanse": reference},
        "laanliste": [{
            "rammelaan": true, "oevreGrenseRammelaan": "3500000.00", "fastrente": false, "realkausjon": false,
            "laantakerIkkeHjemmelshaver": false, "transporterklaering": false,
            "laanenummer": format!("9{number}"), "kontonummer": bank.account, "saldo": "2750123.45",
            "betalingsmelding": format!("Innfrielse av lån {number}"),
            "laantakereHjemmelshaver": ["Prøve Eksempel Fiksjon"]}],
        "registerenheterMedDokumentreferanser": [
            {"matrikkel": property(number), "pantedokumentreferanser": [document]},
            {"matrikkel": property(number + 1), "pantedokumentreferanser": [document]}],
        "sperretForVidereOpplaan": true,
        "panterettSlettesVedInnfrielse": true
    })
}

/// What every client says about a message.
pub fn properties(kind: &str, id: &str, user: &str) -> BasicProperties {
    BasicProperties::default()
        .with_type(kind.into())
        .with_message_id(id.into())
        .with_user_id(user.into())
        .with_content_type("application/json".into())
        .with_delivery_mode(2)
}

/// A message id that no other run of the same world uses.
pub fn message_id(run: usize, number: usize) -> String {
    let bits = (run as u128) << 40 | number as u128;
    uuid::Uuid::from_u128(0x1111_2222_3333_4444_8555_0000_0000_0000 | bits).to_string()
}

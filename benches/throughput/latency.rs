//! Added latency: messages at a steady pace, each timed from its publication to its arrival in a queue.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use lapin::Channel;
use lapin::options::{BasicConsumeOptions, BasicPublishOptions};
use lapin::types::FieldTable;

use crate::load::{Letter, Line};

/// Messages before the clock counts, so that connections and caches are warm.
const WARM: usize = 500;

/// Times of one run, sorted.
pub struct Times(Vec<Duration>);

impl Times {
    /// The time that this share of the messages did not exceed.
    pub fn at(&self, share: f64) -> Duration {
        let place = (self.0.len() as f64 * share) as usize;
        self.0.get(place.min(self.0.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}

/// Publishes letters at `per_second` and times each until it is read from one of the queues; letters are told
/// apart by the reference in their body.
pub async fn time(
    line: &Line,
    url: &str,
    letters: Vec<Letter>,
    queues: &[String],
    per_second: u32,
) -> Times {
    let reader = Line::open(url).await;
    let consumers = consume(&reader.channel, queues).await;
    let mut arrivals = futures_util::stream::select_all(consumers);
    let sent: Mutex<HashMap<String, Instant>> = Mutex::default();
    let all = letters.len();
    let publishing = async {
        let mut pace = tokio::time::interval(Duration::from_secs(1) / per_second);
        pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
        for letter in letters {
            pace.tick().await;
            sent.lock().unwrap().insert(reference(&letter.body), Instant::now());
            let options = BasicPublishOptions::default();
            let (exchange, key) = (letter.exchange.into(), letter.routing_key.as_str().into());
            let confirm =
                line.channel.basic_publish(exchange, key, options, &letter.body, letter.properties);
            drop(confirm.await.unwrap());
        }
    };
    let reading = async {
        let mut times = Vec::with_capacity(all);
        while times.len() < all {
            let next = tokio::time::timeout(Duration::from_secs(60), arrivals.next()).await;
            let delivery = next.expect("all arrive").expect("a stream").unwrap();
            let now = Instant::now();
            if let Some(then) = sent.lock().unwrap().remove(&reference(&delivery.data)) {
                times.push(now - then);
            }
        }
        times
    };
    let ((), mut times) = tokio::join!(publishing, reading);
    reader.close().await;
    let mut times = times.split_off(WARM.min(all / 2));
    times.sort_unstable();
    Times(times)
}

async fn consume(channel: &Channel, queues: &[String]) -> Vec<lapin::Consumer> {
    let mut consumers = Vec::new();
    for queue in queues {
        let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
        let table = FieldTable::default();
        consumers.push(
            channel.basic_consume(queue.as_str().into(), "".into(), options, table).await.unwrap(),
        );
    }
    consumers
}

fn reference(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let (_, after) = text.split_once("OPPDRAG-").expect("a reference");
    let number = after.split('"').next().unwrap_or_default();
    format!("OPPDRAG-{number}")
}

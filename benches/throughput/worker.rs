//! A process that decides and commits as innfri does, with a stand-in for RabbitMQ on both sides: it makes its own
//! requests, and its receivers take everything at once. What is left is innfri and its journal.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::StreamExt;
use innfri::contract::Contract;
use innfri::directory::Participant;
use innfri::exchange::{ExchangeConfig, Parts, assemble};
use innfri::journal::JournalConfig;
use innfri::kernel::{ChannelName, Environment, Incoming, Limits, Login};
use innfri::port::{Clock as _, Intake as _, Outbound, Outgoing, SendError, Sender, SystemClock};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::load::{message_id, request};
use crate::world::{ASKER, Bank};

/// Requests under way, as many as innfri takes of one queue.
const UNDER_WAY: usize = 512;

struct Sink;

#[async_trait]
impl Sender for Sink {
    async fn send(&self, group: Vec<Outgoing>) -> Vec<Result<(), SendError>> {
        vec![Ok(()); group.len()]
    }
}

impl Outbound for Sink {
    fn sender(&self, _: &Participant) -> Result<Arc<dyn Sender>, SendError> {
        Ok(Arc::new(Sink))
    }
}

/// Takes requests for so long after a warming up, and says how many.
pub async fn run(
    journal: &str,
    directory: &std::path::Path,
    banks: &[Bank],
    number: usize,
    seconds: u64,
) {
    let journal = innfri::journal::open(&JournalConfig::at(journal.to_owned())).await.unwrap();
    let directory = Arc::new(innfri::source::file::load(directory).unwrap());
    let (_keep, directory) = watch::channel(directory);
    let parts = Parts {
        journal,
        contract: Arc::new(Contract::new(Limits::default()).unwrap()),
        directory,
        clock: Arc::new(SystemClock),
        environment: Environment::Test,
        config: ExchangeConfig::default(),
        bell: innfri::port::Bell::default(),
        metrics: innfri::exchange::Metrics::default(),
        process: uuid::Uuid::from_u128(number as u128),
    };
    let (exchange, work) = assemble(parts);
    let stop = CancellationToken::new();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(work.run(Arc::new(Sink), stop.clone()));
    let taken = AtomicUsize::new(0);
    let taking = futures_util::stream::iter(0..).for_each_concurrent(UNDER_WAY, |place| {
        let incoming = incoming(number, place, banks);
        let (exchange, taken) = (&exchange, &taken);
        async move {
            exchange.take(incoming).await.unwrap();
            taken.fetch_add(1, Ordering::Relaxed);
        }
    });
    let watching = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let (before, began) = (taken.load(Ordering::Relaxed), Instant::now());
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let done = taken.load(Ordering::Relaxed) - before;
        println!("{}", done as f64 / began.elapsed().as_secs_f64());
    };
    tokio::select! {
        () = taking => {}
        () = watching => {}
    }
    std::process::exit(0);
}

fn incoming(worker: usize, number: usize, banks: &[Bank]) -> Incoming {
    let number = worker * 100_000_000 + number;
    Incoming {
        channel: ChannelName::Amqp,
        source: "innfri.in.requests".into(),
        login: Some(Login::new(ASKER)),
        message_type: Some("no.dsve.restgjeldsforespoersel.v1".into()),
        message_id: Some(message_id(900_000 + worker, number)),
        correlation_id: None,
        content_type: Some("application/json".into()),
        traceparent: None,
        deaths: Vec::new(),
        findings: Vec::new(),
        received_at: SystemClock.now(),
        body: serde_json::to_vec(&request(number, &banks[number % banks.len()])).unwrap(),
    }
}

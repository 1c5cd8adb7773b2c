//! An installation as `innfri serve` puts it together, with a clock that the test turns: an agency with
//! a mailbox, and a bank that is reached as the test says.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use innfri::case::Purpose;
use innfri::contract::Contract;
use innfri::directory::Directory;
use innfri::exchange::{Exchange, ExchangeConfig, Parts, assemble};
use innfri::journal::JournalConfig;
use innfri::kernel::{CaseId, ChannelName, Environment, Incoming, Limits, Login};
use innfri::port::{
    Bell, CaseStory, Clock, DeadLetterFilter, DeliveryRecord, Intake, Journal, Taken,
};
use innfri::serve::senders::{Senders, WayError};
use innfri::source::file;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::messages::{self, message_id};

/// Only a bound: nothing is measured.
const PATIENCE: Duration = Duration::from_secs(120);

/// The secret of webhooks, and the one that follows it.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub const NEXT_SECRET: &str = "whsec_bmV4dCBzZWNyZXQgb2YgdGhpcyB0ZXN0IHdlYmhvb2s=";

const DIRECTORY: &str = r#"
[[participant]]
id = "926018159"
name = "Eksempel Eiendomsmegling"
role = "estate-agency"
sends = ["no.dsve.restgjeldsforespoersel.v1", "no.dsve.innfrielsessaldoforespoersel.v1"]
handler = "mailbox"

[[participant]]
id = "918190937"
name = "Testvik Sparebank"
role = "bank"
receives = ["no.dsve.restgjeldsforespoersel.v1", "no.dsve.innfrielsessaldoforespoersel.v1"]
register_numbers = ["1564"]
WAY

[[operator]]
login = "agent"
name = "Agent"
speaks_for = ["926018159"]

[[operator]]
login = "bank"
name = "Bank"
speaks_for = ["918190937"]
"#;

/// A clock that stands still until the test turns it.
pub struct TurnedClock(Mutex<Timestamp>);

impl TurnedClock {
    /// At the real time, which the reference library wants to see in signatures.
    pub fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(innfri::port::SystemClock.now())))
    }
}

impl Clock for TurnedClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// A webhook of the bank, as the directory has it.
pub fn webhook(url: &str, more: &str) -> String {
    format!(
        "handler = \"webhook\"\n[participant.webhook]\nsecret_files = [\"secret\"]\n\
         target = {{ url = \"{url}\", allow_private_addresses = true{more} }}\n"
    )
}

/// A back-end of the bank, as the directory has it.
pub fn back_end(url: &str, target: &str, more: &str) -> String {
    format!(
        "handler = \"http\"\n[participant.http]\n\
         target = {{ url = \"{url}\", allow_private_addresses = true{target} }}\n{more}\n"
    )
}

pub struct World {
    pub folder: TempDir,
    pub journal: Arc<dyn Journal>,
    clock: Arc<TurnedClock>,
    exchange: Arc<Exchange>,
    senders: Arc<Senders>,
    directory: watch::Sender<Arc<Directory>>,
    stop: CancellationToken,
    running: JoinSet<()>,
}

/// Settings of a hurried installation, whose breakers never open.
pub fn hurried() -> ExchangeConfig {
    ExchangeConfig {
        sweep_milliseconds: 10,
        // The clock is turned far: nothing must run out while it is being sent.
        lease_seconds: 10_000_000,
        breaker_failures: 999,
        ..ExchangeConfig::default()
    }
}

/// A folder with the files that settings name.
pub fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("secret"), format!("{SECRET}\n")).unwrap();
    std::fs::write(folder.path().join("next_secret"), NEXT_SECRET).unwrap();
    std::fs::write(folder.path().join("client_secret"), "hunter2 + more\n").unwrap();
    folder
}

pub fn directory(folder: &TempDir, way: &str) -> Directory {
    let text = DIRECTORY.replace("WAY", way);
    file::parse(&text, &folder.path().join("directory.toml")).unwrap()
}

impl World {
    /// An installation that runs, whose bank is reached this way.
    pub async fn new(folder: TempDir, way: &str, config: ExchangeConfig) -> Self {
        let url = format!("sqlite:{}", folder.path().join("innfri.db").display());
        let journal = innfri::journal::open(&JournalConfig {
            acquire_timeout_seconds: 60,
            ..JournalConfig::at(url)
        })
        .await
        .unwrap();
        let clock = TurnedClock::new();
        let time: Arc<dyn Clock> = Arc::<TurnedClock>::clone(&clock);
        let snapshot = Arc::new(directory(&folder, way));
        let (directory, current) = watch::channel(Arc::clone(&snapshot));
        let (exchange, work) = assemble(Parts {
            journal: Arc::clone(&journal),
            contract: Arc::new(Contract::new(Limits::default()).unwrap()),
            directory: current,
            clock: Arc::clone(&time),
            environment: Environment::Test,
            config: config.clone(),
            bell: Bell::default(),
            metrics: innfri::exchange::Metrics::default(),
            process: Uuid::from_u128(1),
        });
        let exchange = Arc::new(exchange);
        let intake: Arc<dyn Intake> = Arc::<Exchange>::clone(&exchange);
        let senders = Arc::new(Senders::new(None, intake, time).paced(&config));
        senders.open(&snapshot).unwrap();
        let stop = CancellationToken::new();
        let mut running = JoinSet::new();
        running.spawn(work.run(Arc::<Senders>::clone(&senders), stop.clone()));
        Self { folder, journal, clock, exchange, senders, directory, stop, running }
    }

    /// Reads the directory again, as SIGHUP does.
    pub fn reload(&self, way: &str) -> Result<(), WayError> {
        let new = directory(&self.folder, way);
        self.senders.open(&new)?;
        self.directory.send_replace(Arc::new(new));
        Ok(())
    }

    pub fn turn(&self, seconds: i64) {
        let mut now = self.clock.0.lock().unwrap();
        *now = now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn take(&self, login: &str, kind: &str, number: u32, body: &Value) -> Taken {
        self.take_answer(login, kind, number, body, None).await
    }

    /// What the bank says by a channel of its own.
    pub async fn take_answer(
        &self,
        login: &str,
        kind: &str,
        number: u32,
        body: &Value,
        correlation_id: Option<String>,
    ) -> Taken {
        let incoming = Incoming {
            channel: ChannelName::Http,
            source: "test".into(),
            login: Some(Login::new(login)),
            message_type: Some(kind.into()),
            message_id: Some(message_id(number)),
            correlation_id,
            content_type: Some("application/json".into()),
            traceparent: None,
            deaths: Vec::new(),
            findings: Vec::new(),
            received_at: self.now(),
            body: serde_json::to_vec(body).unwrap(),
        };
        self.exchange.take(incoming).await.unwrap()
    }

    /// The agency asks the bank.
    pub async fn ask(&self, number: u32) -> CaseId {
        let body = messages::restgjeld(number);
        self.take("agent", messages::RESTGJELD, number, &body).await.case.unwrap()
    }

    pub async fn story(&self, case: CaseId) -> CaseStory {
        self.journal.story(&case).await.unwrap().unwrap()
    }

    /// The delivery of the question.
    pub async fn forwarded(&self, case: CaseId) -> DeliveryRecord {
        let deliveries = self.story(case).await.deliveries;
        deliveries.into_iter().find(|one| one.purpose == Purpose::Request).unwrap()
    }

    /// Waits until the question has failed so many times.
    pub async fn failed(&self, case: CaseId, times: u32) -> DeliveryRecord {
        until("an attempt fails", async || self.forwarded(case).await.attempts == times).await;
        self.forwarded(case).await
    }

    pub async fn delivered(&self, case: CaseId) -> DeliveryRecord {
        until("the question is delivered", async || {
            self.forwarded(case).await.delivered_at.is_some()
        })
        .await;
        self.forwarded(case).await
    }

    /// How many outcomes the agency is owed or has got.
    pub async fn outcomes(&self, case: CaseId) -> usize {
        let deliveries = self.story(case).await.deliveries;
        let is_outcome = |one: &&DeliveryRecord| matches!(one.purpose, Purpose::Outcome { .. });
        deliveries.iter().filter(is_outcome).count()
    }

    /// What the dead letters say went wrong.
    pub async fn dead(&self) -> Vec<String> {
        let letters = self.journal.dead_letters(&DeadLetterFilter::default()).await.unwrap();
        letters.into_iter().map(|letter| letter.detail).collect()
    }

    /// Stops everything in good order.
    pub async fn end(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.running.join_next().await {
            ended.unwrap();
        }
    }
}

/// Waits until something holds.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Lets the exchange look many times: for what must not happen.
pub async fn let_it_look() {
    tokio::time::sleep(Duration::from_millis(300)).await;
}

//! An exchange with everything around it: one agency, two banks, a clock, and scripted receivers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use innfri::case::{Case, Purpose};
use innfri::contract::{Contract, MessageType};
use innfri::directory::{DeliveryPolicy, Directory, Handler, Operator, Participant, Role};
use innfri::exchange::{Exchange, ExchangeConfig, Parts, assemble};
use innfri::journal::JournalConfig;
use innfri::kernel::{CaseId, ChannelName, Environment, Incoming, Limits, Login};
use innfri::port::{
    CaseFilter, CaseStory, Clock, Intake, IntakeError, Journal, Outbound, Outgoing, SendError,
    Sender, Taken,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::messages::{AGENCY, BANK, message_id};

pub const OTHER_BANK: &str = "903137215";
/// A bank that collects from its mailbox.
pub const MAILBOX_BANK: &str = "920579868";
/// A bank that is reached through Altinn.
pub const ALTINN_BANK: &str = "939336338";

/// Only a bound: nothing is measured.
const PATIENCE: Duration = Duration::from_secs(120);

/// A clock that stands still until the test turns it.
pub struct TurnedClock(Mutex<Timestamp>);

impl Clock for TurnedClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// What a receiver does with what it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Takes,
    Refuses,
    /// Does not come to an end.
    Hangs,
    /// The way to it is down.
    Away,
    /// Will never take what it is sent.
    RefusesForGood,
    /// Asks to be left alone for so many seconds.
    AsksToWait(u64),
    /// The sender falls over.
    Panics,
}

/// A receiver as the exchange sees it.
pub struct Receiver {
    mood: Mutex<Mood>,
    groups: Mutex<Vec<Vec<Outgoing>>>,
}

impl Receiver {
    fn new() -> Self {
        Self { mood: Mutex::new(Mood::Takes), groups: Mutex::default() }
    }

    pub fn feels(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn mood(&self) -> Mood {
        *self.mood.lock().unwrap()
    }

    /// The groups that it was sent, whatever it did with them.
    pub fn groups(&self) -> Vec<Vec<Outgoing>> {
        self.groups.lock().unwrap().clone()
    }

    /// The outcomes it was sent: revision and body.
    pub fn outcomes(&self) -> Vec<(u32, Value)> {
        self.groups()
            .into_iter()
            .flatten()
            .filter_map(|sent| match sent.delivery.purpose {
                Purpose::Outcome { revision } => {
                    Some((revision, serde_json::from_slice(&sent.delivery.body.json).unwrap()))
                }
                Purpose::Request | Purpose::Receipt | Purpose::Rejection => None,
            })
            .collect()
    }
}

#[async_trait]
impl Sender for Receiver {
    async fn send(&self, group: Vec<Outgoing>) -> Vec<Result<(), SendError>> {
        let count = group.len();
        self.groups.lock().unwrap().push(group);
        match self.mood() {
            Mood::Takes => vec![Ok(()); count],
            Mood::Refuses => vec![Err(SendError::Refused("the queue is full".into())); count],
            Mood::Hangs => std::future::pending().await,
            Mood::Panics => panic!("a planted panic"),
            Mood::Away => vec![Err(SendError::Unavailable("away".into())); count],
            Mood::RefusesForGood => vec![Err(SendError::Permanent("closed".into())); count],
            Mood::AsksToWait(seconds) => {
                let error = SendError::RetryAfter { seconds, detail: "busy".into() };
                vec![Err(error); count]
            }
        }
    }

    fn is_up(&self) -> bool {
        self.mood() != Mood::Away
    }
}

struct Ways(BTreeMap<String, Arc<Receiver>>);

impl Outbound for Ways {
    fn sender(&self, to: &Participant) -> Result<Arc<dyn Sender>, SendError> {
        match self.0.get(to.id.number()) {
            Some(receiver) => Ok(Arc::<Receiver>::clone(receiver)),
            None => Err(SendError::NotSetUp("nobody".into())),
        }
    }
}

pub struct World {
    pub journal: Arc<dyn Journal>,
    clock: Arc<TurnedClock>,
    exchange: Exchange,
    ways: Arc<Ways>,
    stop: CancellationToken,
    running: JoinSet<()>,
    parts: Box<dyn Fn() -> Parts + Send + Sync>,
    _folder: TempDir,
}

/// Settings of a hurried installation.
pub fn hurried() -> ExchangeConfig {
    ExchangeConfig {
        sweep_milliseconds: 10,
        // The clock is turned far: nothing must run out while it is being sent.
        lease_seconds: 10_000_000,
        deadline_interval_seconds: 1,
        ..ExchangeConfig::default()
    }
}

fn participant(id: &str, role: Role, delivery: DeliveryPolicy) -> Participant {
    let both = [MessageType::Restgjeldsforespoersel, MessageType::Innfrielsessaldoforespoersel];
    let register = if id == BANK { "1564" } else { "5377" };
    Participant {
        id: id.parse().unwrap(),
        name: id.into(),
        sends: both.into(),
        receives: if role == Role::Bank { both.into() } else { Default::default() },
        register_numbers: match role {
            Role::Bank => [register.parse().unwrap()].into(),
            Role::EstateAgency | Role::CoveredBondCompany { .. } => Default::default(),
        },
        approved_register_numbers: Default::default(),
        handler: Handler::Amqp,
        receipts: false,
        delivery,
        role,
    }
}

fn directory(policy: DeliveryPolicy) -> Directory {
    let participants = vec![
        participant(AGENCY, Role::EstateAgency, DeliveryPolicy::default()),
        participant(BANK, Role::Bank, policy),
        participant(OTHER_BANK, Role::Bank, DeliveryPolicy::default()),
        Participant {
            handler: Handler::Mailbox,
            register_numbers: Default::default(),
            ..participant(MAILBOX_BANK, Role::Bank, DeliveryPolicy::default())
        },
        Participant {
            handler: Handler::Altinn,
            register_numbers: Default::default(),
            ..participant(ALTINN_BANK, Role::Bank, DeliveryPolicy::default())
        },
    ];
    let operators = [("agent", AGENCY), ("bank", BANK), ("other", OTHER_BANK)]
        .map(|(login, id)| Operator {
            login: Login::new(login),
            name: login.into(),
            speaks_for: [id.parse().unwrap()].into(),
            organisation: None,
        })
        .into();
    Directory::new(participants, operators).unwrap()
}

impl World {
    /// An exchange that runs; `policy` is the first bank's.
    pub async fn new(config: ExchangeConfig, policy: DeliveryPolicy) -> Self {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite:{}", folder.path().join("innfri.db").display());
        let journal = innfri::journal::open(&JournalConfig {
            acquire_timeout_seconds: 60,
            ..JournalConfig::at(url)
        })
        .await
        .unwrap();
        let start = "2026-11-20T10:00:00Z".parse().unwrap();
        let clock = Arc::new(TurnedClock(Mutex::new(start)));
        let contract = Arc::new(Contract::new(Limits::default()).unwrap());
        let (_, current) = watch::channel(Arc::new(directory(policy)));
        let receivers = [AGENCY, BANK, OTHER_BANK, ALTINN_BANK]
            .map(|id| (id.to_owned(), Arc::new(Receiver::new())))
            .into();
        let ways = Arc::new(Ways(receivers));
        let (for_parts, time) = (Arc::clone(&journal), Arc::clone(&clock));
        let names = Mutex::new(0_u128);
        let parts = move || {
            let mut name = names.lock().unwrap();
            *name += 1;
            Parts {
                journal: Arc::clone(&for_parts),
                contract: Arc::clone(&contract),
                directory: current.clone(),
                clock: Arc::<TurnedClock>::clone(&time),
                environment: Environment::Test,
                config: config.clone(),
                bell: innfri::port::Bell::default(),
                metrics: innfri::exchange::Metrics::default(),
                process: Uuid::from_u128(*name),
            }
        };
        let (exchange, work) = assemble(parts());
        let stop = CancellationToken::new();
        let mut running = JoinSet::new();
        running.spawn(work.run(Arc::<Ways>::clone(&ways), stop.clone()));
        let parts = Box::new(parts);
        Self { journal, clock, exchange, ways, stop, running, parts, _folder: folder }
    }

    /// Starts one more process on the same journal, which only works.
    pub fn join_process(&mut self) {
        let (_, work) = assemble((self.parts)());
        self.running.spawn(work.run(Arc::<Ways>::clone(&self.ways), self.stop.clone()));
    }

    pub fn receiver(&self, id: &str) -> &Receiver {
        self.ways.0.get(id).unwrap()
    }

    pub fn turn(&self, seconds: i64) {
        let mut now = self.clock.0.lock().unwrap();
        *now = now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub async fn take(&self, incoming: Incoming) -> Result<Taken, IntakeError> {
        self.exchange.take(incoming).await
    }

    pub async fn keep_dead(&self, incoming: Incoming) -> Result<Taken, IntakeError> {
        self.exchange.keep_dead(incoming).await
    }

    /// A message from the login of somebody.
    pub fn incoming(&self, login: &str, kind: &str, number: u32, body: &Value) -> Incoming {
        Incoming {
            channel: ChannelName::Amqp,
            source: "innfri.in.requests".into(),
            login: Some(Login::new(login)),
            message_type: Some(kind.into()),
            message_id: Some(message_id(number)),
            correlation_id: None,
            content_type: Some("application/json".into()),
            traceparent: None,
            deaths: Vec::new(),
            findings: Vec::new(),
            received_at: self.now(),
            body: serde_json::to_vec(body).unwrap(),
        }
    }

    /// The agency asks `bank` number `number`.
    pub async fn ask(&self, bank: &str, number: u32) -> CaseId {
        let mut body = crate::messages::restgjeld(number);
        body["mottaker"]["id"] = bank.into();
        let incoming = self.incoming("agent", crate::messages::RESTGJELD, number, &body);
        self.take(incoming).await.unwrap().case.unwrap()
    }

    /// The first bank answers a case.
    pub async fn answer(&self, case: CaseId, number: u32) -> Taken {
        let forwarded_as = self.case(case).await.forwarded_as;
        let body = crate::messages::restgjeld_answer(number, "100.00");
        let kind = crate::messages::RESTGJELD_ANSWER;
        let incoming = self.incoming("bank", kind, 500 + number, &body);
        let incoming = Incoming { correlation_id: Some(forwarded_as.to_string()), ..incoming };
        self.take(incoming).await.unwrap()
    }

    pub async fn story(&self, case: CaseId) -> CaseStory {
        self.journal.story(&case).await.unwrap().unwrap()
    }

    pub async fn case(&self, case: CaseId) -> Case {
        self.story(case).await.stored.case
    }

    pub async fn all_cases(&self) -> Vec<Case> {
        self.journal.cases(&CaseFilter::default()).await.unwrap()
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

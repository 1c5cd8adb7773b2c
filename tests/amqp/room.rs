//! What each test of the AMQP channel works with: a vhost of its own, and an intake that remembers.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use innfri::case::{Delivery, Purpose};
use innfri::channel::amqp::{
    AmqpConfig, AmqpError, AmqpSender, Consumer, Metrics, Peer, PeerMessage, Topology, connection,
};
use innfri::contract::{Body, MessageType};
use innfri::directory::{DeliveryPolicy, Directory, Handler, Operator, Participant, Role};
use innfri::kernel::{CaseId, DeliveryId, Incoming, Login, MessageId, OrganisationId, Secret};
use innfri::port::{Disposition, Intake, IntakeError, Outgoing, SystemClock, Taken};
use lapin::options::ConfirmSelectOptions;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::support::rabbitmq::RabbitMq;

pub const PATIENCE: Duration = Duration::from_secs(120);
pub const BANK: &str = "NO:926018159";
pub const AGENT: &str = "NO:918190937";

/// One node for all tests of this file that do not hurt it.
pub static SHARED: LazyLock<RabbitMq> = LazyLock::new(RabbitMq::start);

/// A vhost of one test, with innfri's user and topology.
pub struct Room<'a> {
    pub rabbit: &'a RabbitMq,
    pub vhost: String,
    pub config: AmqpConfig,
}

impl<'a> Room<'a> {
    pub async fn new(rabbit: &'a RabbitMq, configure: impl FnOnce(&mut AmqpConfig)) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let vhost = format!("room{}", COUNT.fetch_add(1, Ordering::Relaxed));
        rabbit.add_vhost(&vhost);
        let room_user = format!("innfri-{vhost}");
        rabbit.add_user_in(&vhost, &room_user, "secret", [".*", ".*", ".*"]);
        let url = Secret::new(rabbit.url_in(&vhost, &room_user, "secret"));
        let mut config = AmqpConfig { reconnect_longest_seconds: 1, ..AmqpConfig::new(url) };
        configure(&mut config);
        let room = Self { rabbit, vhost, config };
        room.declare().await.unwrap();
        room
    }

    pub async fn declare(&self) -> Result<(), AmqpError> {
        let connection = connection::open(&self.config, "test").await?;
        let channel = connection::channel(&connection, &self.config).await?;
        let declared = Topology::of(&directory(), &self.config).declare(&channel).await;
        connection::close(&connection).await;
        declared
    }

    /// A user of this vhost and its address.
    pub fn user(&self, name: &str, permissions: [&str; 3]) -> Secret {
        let name = format!("{name}-{}", self.vhost);
        self.rabbit.add_user_in(&self.vhost, &name, "pw", permissions);
        Secret::new(self.rabbit.url_in(&self.vhost, &name, "pw"))
    }

    pub async fn peer(&self) -> Peer {
        Peer::connect_with(self.config.clone()).await.unwrap()
    }

    pub async fn channel(&self) -> (lapin::Connection, lapin::Channel) {
        let connection = connection::open(&self.config, "test").await.unwrap();
        let channel = connection::channel(&connection, &self.config).await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        (connection, channel)
    }

    pub fn consume(&self, intake: &Arc<Recorder>) -> Running {
        let clock = Arc::new(SystemClock);
        let consumer =
            Consumer::new(self.config.clone(), intake.clone(), clock, Metrics::default()).unwrap();
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let token = stop.clone();
        tasks.spawn(async move { consumer.run(token).await });
        Running { stop, tasks }
    }

    pub async fn sender(&self) -> AmqpSender {
        let sender =
            AmqpSender::start(self.config.clone(), Arc::new(SystemClock), Metrics::default())
                .unwrap();
        sender.ready(PATIENCE).await.unwrap();
        sender
    }
}

pub struct Running {
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Running {
    pub async fn stop(mut self) {
        self.stop.cancel();
        timeout(PATIENCE, self.tasks.join_next()).await.unwrap().unwrap().unwrap();
    }
}

/// An intake that records what it got, after failing as often as told.
#[derive(Default)]
pub struct Recorder {
    pub taken: Mutex<Vec<Incoming>>,
    pub dead: Mutex<Vec<Incoming>>,
    pub failures: Mutex<VecDeque<IntakeError>>,
    pub offers: AtomicU32,
}

impl Recorder {
    pub fn decide(
        &self,
        incoming: Incoming,
        to: &Mutex<Vec<Incoming>>,
    ) -> Result<Taken, IntakeError> {
        self.offers.fetch_add(1, Ordering::SeqCst);
        if let Some(failure) = self.failures.lock().unwrap().pop_front() {
            return Err(failure);
        }
        to.lock().unwrap().push(incoming);
        Ok(Taken { case: None, disposition: Disposition::Accepted, notice: None })
    }

    pub fn ids(&self) -> BTreeSet<String> {
        self.taken.lock().unwrap().iter().filter_map(|taken| taken.message_id.clone()).collect()
    }

    pub async fn has(&self, ids: &[&str]) {
        let wanted: BTreeSet<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        until(&format!("{ids:?} to be taken"), || wanted.is_subset(&self.ids())).await;
    }
}

#[async_trait]
impl Intake for Recorder {
    async fn take(&self, incoming: Incoming) -> Result<Taken, IntakeError> {
        self.decide(incoming, &self.taken)
    }

    async fn keep_dead(&self, incoming: Incoming) -> Result<Taken, IntakeError> {
        self.decide(incoming, &self.dead)
    }
}

pub async fn until(what: &str, condition: impl Fn() -> bool) {
    let give_up = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < give_up, "waited in vain for {what}");
        sleep(Duration::from_millis(50)).await;
    }
}

pub fn participant(id: &str, role: Role) -> Participant {
    Participant {
        id: id.parse().unwrap(),
        name: "A name".into(),
        role,
        sends: BTreeSet::new(),
        receives: BTreeSet::new(),
        register_numbers: BTreeSet::new(),
        approved_register_numbers: BTreeSet::new(),
        handler: Handler::Amqp,
        receipts: false,
        delivery: DeliveryPolicy::default(),
    }
}

pub fn directory() -> Directory {
    let operator = |login: &str, id: &str| Operator {
        login: Login::new(login),
        name: login.into(),
        speaks_for: BTreeSet::from([id.parse().unwrap()]),
        organisation: None,
    };
    Directory::new(
        vec![participant(BANK, Role::Bank), participant(AGENT, Role::EstateAgency)],
        vec![operator("data-centre", BANK), operator("agent-system", AGENT)],
    )
    .unwrap()
}

pub fn message(id: &str) -> PeerMessage {
    PeerMessage {
        message_type: "no.dsve.status.v1".into(),
        message_id: id.into(),
        body: b"{}".to_vec(),
        ..PeerMessage::default()
    }
}

pub fn owed(number: u32, to: &str, purpose: Purpose) -> Delivery {
    let asked: MessageId = "0b1d1d7e-5c1f-4a6e-9d0b-3f6a1e2c4b5d".parse().unwrap();
    let to: OrganisationId = to.parse().unwrap();
    let case = CaseId::of(&to, &asked);
    Delivery {
        id: DeliveryId::of(&case, &format!("{} {number}", purpose.name())),
        case: Some(case),
        purpose,
        to,
        body: Body { message_type: MessageType::Status, json: format!("{number}").into_bytes() },
        correlation_id: Some(asked),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
    }
}

pub fn group(deliveries: &[Delivery]) -> Vec<Outgoing> {
    let outgoing = |delivery: &Delivery| {
        let delivery = delivery.clone();
        Outgoing { delivery, maybe_sent_since: None }
    };
    deliveries.iter().map(outgoing).collect()
}

//! One organisation that innfri acts for, and one beyond Altinn.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use innfri::altinn_simulator::{Config, NewKey, ResourceConfig, Running, start};
use innfri::case::{Case, DeadLetter, Delivery, Purpose};
use innfri::channel::altinn::{
    Acting, Altinn, AltinnConfig, ListFilter, Parcel, Patience, PropertyList, Role as Side,
    Sending, TransferId, Transfers as _, Walk, receive, send,
};
use innfri::channel::dsve::{AltinnSender, Receiver};
use innfri::contract::{Body, Contract, MessageType};
use innfri::directory::{DeliveryPolicy, Directory, Handler, Operator, Participant, Role};
use innfri::dsve::{Arrived, FileLimits, Sending as Packing, read_file, write_file};
use innfri::exchange::{Exchange, ExchangeConfig, Parts, assemble};
use innfri::journal::JournalConfig;
use innfri::kernel::{CaseId, ChannelName, Environment, Incoming, Limits, Login, OrganisationId};
use innfri::port::{
    CaseFilter, DeadLetterFilter, Intake as _, Journal, Outbound, Outgoing, SendError, Sender,
    SystemClock, Taken,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::messages::{AGENCY, BANK, RESTGJELD};

/// Another bank beyond Altinn.
pub const OTHER_BANK: &str = "903137215";
/// An organisation that Altinn knows and no directory does.
pub const STRANGER: &str = "987464291";
const RESOURCE: &str = "kv_dsve_test";
/// Bytes of a file, at most.
pub const MOST_BYTES: usize = 20_000;

static KEY: LazyLock<NewKey> = LazyLock::new(|| NewKey::generate().unwrap());

pub fn organisation(number: &str) -> OrganisationId {
    OrganisationId::norwegian(number).unwrap()
}

/// Whom innfri sends to in this process: keeps everything.
#[derive(Default)]
struct Shelf(Mutex<Vec<Delivery>>);

#[async_trait]
impl Sender for Shelf {
    async fn send(&self, group: Vec<Outgoing>) -> Vec<Result<(), SendError>> {
        let count = group.len();
        self.0.lock().unwrap().extend(group.into_iter().map(|outgoing| outgoing.delivery));
        vec![Ok(()); count]
    }
}

struct Ways {
    near: Arc<Shelf>,
    beyond: Arc<dyn Sender>,
}

impl Outbound for Ways {
    fn sender(&self, to: &Participant) -> Result<Arc<dyn Sender>, SendError> {
        match to.handler {
            Handler::Altinn => Ok(Arc::clone(&self.beyond)),
            _ => Ok(Arc::<Shelf>::clone(&self.near)),
        }
    }
}

pub struct World {
    pub simulator: Running,
    pub journal: Arc<dyn Journal>,
    ours: String,
    exchange: Exchange,
    receiver: Receiver,
    near: Arc<Shelf>,
    acting: Acting,
    strange: Altinn,
    stop: CancellationToken,
    work: JoinHandle<()>,
    _folder: TempDir,
}

fn settings(folder: &TempDir, simulator: &Running, organisations: &[&str]) -> AltinnConfig {
    let key = folder.path().join("key.pem");
    if !key.exists() {
        KEY.write_private(&key).unwrap();
    }
    let text = format!(
        r#"
        platform_url = "{}"
        resource_id = "{RESOURCE}"
        organisations = {organisations:?}
        follow_milliseconds = 10
        list_lag_seconds = 0
        allow_private_addresses = true
        [maskinporten]
        issuer = "{}"
        client_id = "vendor"
        key_file = {key:?}
        key_id = "key-1"
        "#,
        simulator.base_url(),
        simulator.issuer(),
    );
    toml::from_str(&text).unwrap()
}

fn participant(id: &str, role: Role, is_near: bool) -> Participant {
    let both = [MessageType::Restgjeldsforespoersel, MessageType::Innfrielsessaldoforespoersel];
    let numbers = (is_near && role == Role::Bank).then(|| "1564".parse().unwrap());
    Participant {
        id: organisation(id),
        name: format!("Participant {id}"),
        sends: both.into(),
        receives: if role == Role::Bank { both.into() } else { Default::default() },
        register_numbers: numbers.into_iter().collect(),
        approved_register_numbers: Default::default(),
        handler: if is_near { Handler::Amqp } else { Handler::Altinn },
        receipts: false,
        delivery: DeliveryPolicy::default(),
        role,
    }
}

fn directory(ours: &str) -> Directory {
    let participants = vec![
        participant(AGENCY, Role::EstateAgency, ours == AGENCY),
        participant(BANK, Role::Bank, ours == BANK),
        participant(OTHER_BANK, Role::Bank, false),
    ];
    let operator = Operator {
        login: Login::new("ours"),
        name: "Ours".into(),
        speaks_for: [organisation(ours)].into(),
        organisation: None,
    };
    Directory::new(participants, vec![operator]).unwrap()
}

impl World {
    /// innfri at the agency's side.
    pub async fn of_the_agency() -> Self {
        Self::acting_for(AGENCY, &[AGENCY]).await
    }

    /// innfri at the bank's side.
    pub async fn of_the_bank() -> Self {
        Self::acting_for(BANK, &[BANK]).await
    }

    /// innfri at the side of `ours`, as the system user of these organisations.
    pub async fn acting_for(ours: &str, organisations: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let everybody = [AGENCY, BANK, OTHER_BANK, STRANGER];
        let config = Config::default()
            .with_client("vendor", &KEY, everybody.map(organisation))
            .with_resource(ResourceConfig::open(RESOURCE))
            .with_scan_millis(0);
        let simulator = start(config).await.unwrap();
        let clock = || Arc::new(SystemClock);
        let open = |organisations: &[&str]| {
            Altinn::open(&settings(&folder, &simulator, organisations), clock()).unwrap()
        };
        let (altinn, strange) = (open(organisations), open(&everybody));
        let url = format!("sqlite:{}", folder.path().join("innfri.db").display());
        let journal = innfri::journal::open(&JournalConfig::at(url)).await.unwrap();
        let (_, current) = watch::channel(Arc::new(directory(ours)));
        let config =
            ExchangeConfig { sweep_milliseconds: 50, retry_first_seconds: 1, ..Default::default() };
        let (exchange, work) = assemble(Parts {
            journal: Arc::clone(&journal),
            contract: Arc::new(Contract::new(Limits::default()).unwrap()),
            directory: current,
            clock: clock(),
            environment: Environment::Test,
            config,
            bell: Default::default(),
            metrics: Default::default(),
            process: Uuid::from_u128(1),
        });
        let patience = Patience::of(&settings(&folder, &simulator, organisations));
        let lease = Duration::from_secs(60);
        let beyond = AltinnSender::new(&altinn, Arc::clone(&journal), clock(), patience, lease);
        let near = Arc::<Shelf>::default();
        let stop = CancellationToken::new();
        let ways = Ways { near: Arc::clone(&near), beyond: Arc::new(beyond) };
        let work = tokio::spawn(work.run(Arc::new(ways), stop.clone()));
        let limits = FileLimits::default();
        let intake = Arc::new(exchange.clone());
        let receiver = Receiver::new(Arc::clone(&journal), intake, clock(), limits);
        Self {
            acting: strange.acting_for(&organisation(ours)),
            ours: ours.to_owned(),
            simulator,
            journal,
            exchange,
            receiver,
            near,
            strange,
            stop,
            work,
            _folder: folder,
        }
    }

    /// Somebody beyond, with files of its own making.
    pub fn stranger(&self, number: &str) -> Acting {
        self.strange.acting_for(&organisation(number))
    }

    /// What our own organisation posts to innfri.
    pub async fn post(&self, kind: &str, body: &Value, correlation_id: Option<String>) -> Taken {
        let incoming = Incoming {
            channel: ChannelName::Amqp,
            source: "queue".into(),
            login: Some(Login::new("ours")),
            message_type: Some(kind.into()),
            message_id: Some(
                Uuid::new_v5(&Uuid::NAMESPACE_OID, body.to_string().as_bytes()).into(),
            ),
            correlation_id,
            content_type: None,
            traceparent: None,
            deaths: Vec::new(),
            findings: Vec::new(),
            received_at: jiff::Timestamp::now(),
            body: body.to_string().into_bytes(),
        };
        self.exchange.take(incoming).await.unwrap()
    }

    /// The agency asks the bank about property `number`.
    pub async fn ask(&self, number: u32) -> Case {
        let taken = self.post(RESTGJELD, &crate::messages::restgjeld(number), None).await;
        self.case(taken.case.unwrap()).await
    }

    pub async fn case(&self, id: CaseId) -> Case {
        self.journal.story(&id).await.unwrap().unwrap().stored.case
    }

    pub async fn cases(&self) -> Vec<Case> {
        self.journal.cases(&CaseFilter::default()).await.unwrap()
    }

    pub async fn letters(&self) -> Vec<DeadLetter> {
        self.journal.dead_letters(&DeadLetterFilter::default()).await.unwrap()
    }

    pub async fn reasons(&self) -> Vec<&'static str> {
        let letters = self.letters().await;
        letters.iter().map(|letter| letter.reason.code()).collect()
    }

    /// innfri looks once for files.
    pub async fn look(&self) -> Walk {
        receive(&self.acting, &self.receiver, MOST_BYTES).await
    }

    /// innfri looks once, and there is just one file, which it keeps.
    pub async fn fetch(&self) {
        let walk = self.look().await;
        assert_eq!((walk.confirmed.len(), walk.left.len()), (1, 0), "{walk:?}");
    }

    /// What our own organisation has been sent: purpose, revision and JSON.
    pub fn delivered(&self) -> Vec<(Delivery, Value)> {
        let near = self.near.0.lock().unwrap();
        let read = |one: &Delivery| (one.clone(), serde_json::from_slice(&one.body.json).unwrap());
        near.iter().map(read).collect()
    }

    /// The newest outcome that our own organisation is sent, when it has come.
    pub async fn outcome(&self) -> (Delivery, Value) {
        let mut found = None;
        eventually("an outcome is delivered", async || {
            let is_one = |one: &(Delivery, Value)| matches!(one.0.purpose, Purpose::Outcome { .. });
            found = self.delivered().into_iter().rfind(is_one);
            found.is_some()
        })
        .await;
        found.unwrap()
    }

    /// The files that wait for somebody, when there are so many.
    pub async fn files_for(&self, number: &str, count: usize) -> Vec<Found> {
        let acting = self.stranger(number);
        let filter = ListFilter {
            role: Side::Recipient,
            status: Some(innfri::channel::altinn::TransferStatus::Published),
            recipient_status: None,
            since: None,
        };
        let mut ids = Vec::new();
        eventually("files are published", async || {
            ids = acting.list(&filter).await.unwrap().ids;
            ids.len() >= count
        })
        .await;
        let mut found = Vec::new();
        for id in ids {
            let overview = acting.overview(id).await.unwrap();
            let bytes = acting.download(id, MOST_BYTES).await.unwrap();
            let properties = overview.properties;
            let read = read_file(&bytes, &properties, &FileLimits::default()).unwrap();
            found.push(Found { reference: overview.reference, properties, read });
        }
        found
    }

    pub async fn end(self) {
        self.stop.cancel();
        self.work.await.unwrap();
    }

    /// Sends a file as it is, and gives its name.
    pub async fn file(
        &self,
        from: &str,
        reference: &str,
        properties: &BTreeMap<String, String>,
        bytes: Vec<u8>,
    ) -> TransferId {
        let to = organisation(&self.ours);
        let said = PropertyList::new(properties.clone()).unwrap();
        let parcel = Parcel::new("file.zip", reference, to, said, bytes).unwrap();
        let patience = Patience {
            first: Duration::from_millis(10),
            longest: Duration::from_millis(100),
            list_lag: Duration::ZERO,
            within: Duration::from_secs(60),
        };
        let acting = self.stranger(from);
        send(&acting, &SystemClock, &mut Sending::new(), &parcel, &patience).await.unwrap()
    }

    /// Sends a message as another member would: `in_manifest` is what its manifest repeats.
    pub async fn message(&self, from: &str, told: Told<'_>, kind: MessageType, json: &Value) {
        let body = Body { message_type: kind, json: json.to_string().into_bytes() };
        let file = write_file(&Packing {
            body: &body,
            about: Some(MessageType::Restgjeldsforespoersel),
            senders_reference: told.in_manifest,
            reportee: &organisation(from),
            sent_at: None,
        });
        let file = file.unwrap();
        self.file(from, told.at_altinn, &file.properties, file.zip).await;
    }
}

/// What a file refers to.
#[derive(Clone, Copy)]
pub struct Told<'a> {
    pub in_manifest: &'a str,
    pub at_altinn: &'a str,
}

/// A file that waits for somebody.
pub struct Found {
    pub reference: String,
    pub properties: BTreeMap<String, String>,
    pub read: Arrived,
}

/// Waits for what comes by itself; only a bound, nothing is measured.
pub async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..6000 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}

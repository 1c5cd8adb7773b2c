//! A desk on a fresh journal, a clock that the test sets, and letters of every kind.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use innfri::case::DeadLetter;
use innfri::contract::{CheckContext, Contract, MessageType};
use innfri::decide::undelivered::{Failure, give_up};
use innfri::decide::{self, Context, broker_death};
use innfri::directory::{DeliveryPolicy, Directory, Handler, Operator, Participant, Role};
use innfri::journal::seal::NullSeal;
use innfri::journal::{JournalConfig, open_whole};
use innfri::kernel::{
    ChannelName, DeadLetterId, Death, DeliveryId, Environment, Incoming, Limits, Login,
    OrganisationId, PaymentWindow,
};
use innfri::letters::{Desk, Pace};
use innfri::port::Whose;
use innfri::port::letters::{
    Action, ActionKind, LetterFilter, LetterRecord, LetterState, Run, RunId, RunRecord,
};
use innfri::port::{AttemptResult, Claim, Clock, Decision, OwedDelivery};
use jiff::{SignedDuration, Timestamp};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::messages;
use crate::postgres_server::PostgreSql;

/// A clock that goes on by a millisecond each time it is asked.
pub struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.fetch_add(1000, Ordering::Relaxed)).unwrap()
    }
}

impl TestClock {
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
    }
}

pub struct Bench {
    pub desk: Desk,
    pub clock: Arc<TestClock>,
    pub config: JournalConfig,
    _directory: Option<TempDir>,
}

async fn server() -> &'static PostgreSql {
    static SERVER: OnceCell<PostgreSql> = OnceCell::const_new();
    SERVER.get_or_init(PostgreSql::start).await
}

pub fn agency() -> OrganisationId {
    format!("NO:{}", messages::AGENCY).parse().unwrap()
}

pub fn bank() -> OrganisationId {
    format!("NO:{}", messages::BANK).parse().unwrap()
}

fn participant(id: OrganisationId, role: Role) -> Participant {
    let requests = [MessageType::Restgjeldsforespoersel, MessageType::Innfrielsessaldoforespoersel];
    let is_bank = role == Role::Bank;
    Participant {
        id,
        name: "Eksempel".into(),
        role,
        sends: requests.into(),
        receives: if is_bank { requests.into() } else { [].into() },
        register_numbers: if is_bank { [register("1564")].into() } else { [].into() },
        approved_register_numbers: [].into(),
        handler: Handler::Amqp,
        receipts: false,
        delivery: DeliveryPolicy::default(),
    }
}

fn register(text: &str) -> innfri::kernel::RegisterNumber {
    text.parse().unwrap()
}

/// The agency and the bank, and these operators, each speaking for one.
pub fn directory(operators: &[(&str, OrganisationId)]) -> Directory {
    let operators = operators.iter().map(|(login, id)| Operator {
        login: Login::new(*login),
        name: (*login).to_owned(),
        speaks_for: [id.clone()].into(),
        organisation: None,
    });
    let participants =
        vec![participant(agency(), Role::EstateAgency), participant(bank(), Role::Bank)];
    Directory::new(participants, operators.collect()).unwrap()
}

pub fn everybody() -> Directory {
    directory(&[("megler", agency()), ("testvik", bank()), ("vikar", agency())])
}

impl Bench {
    pub async fn sqlite() -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("innfri.db");
        let url = format!("sqlite:{}", path.display());
        Self::at(url, Some(directory)).await
    }

    pub async fn postgres() -> Self {
        Self::at(server().await.create_database().await, None).await
    }

    async fn at(url: String, folder: Option<TempDir>) -> Self {
        let config = JournalConfig {
            max_connections: 4,
            acquire_timeout_seconds: 60,
            ..JournalConfig::at(url)
        };
        let innfri::journal::Whole { journal, letters, .. } =
            open_whole(&config, Arc::new(NullSeal)).await.unwrap();
        let clock = Arc::new(TestClock(AtomicI64::new(1_780_000_000_000_000)));
        let desk = Desk {
            journal,
            letters,
            contract: Arc::new(Contract::new(Limits::default()).unwrap()),
            directory: Arc::new(everybody()),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            environment: Environment::Test,
            payoff_date_grace_days: 3,
            payoff_date_ahead_days: 180,
            process: Uuid::from_u128(1),
        };
        Self { desk, clock, config, _directory: folder }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The same desk in another process.
    pub fn other_desk(&self) -> Desk {
        Desk { process: Uuid::from_u128(2), ..self.desk.clone() }
    }

    pub fn check(&self) -> CheckContext {
        let today = self.clock.today();
        let window = PaymentWindow { today, grace_days: 3, ahead_days: 180 };
        CheckContext { environment: Environment::Test, window, contact_optional: false }
    }

    pub fn context<'a>(&'a self, directory: &'a Directory) -> Context<'a> {
        Context {
            directory,
            contract: &self.desk.contract,
            check: self.check(),
            now: self.clock.now(),
        }
    }

    /// Runs a statement past the journal.
    pub async fn raw(&self, sql: &str) -> Result<(), sqlx::Error> {
        let url = self.config.url.expose();
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        if url.starts_with("sqlite:") {
            sql.execute(&mut SqliteConnection::connect(url).await?).await?;
        } else {
            sql.execute(&mut PgConnection::connect(url).await?).await?;
        }
        Ok(())
    }

    pub async fn commit(&self, decisions: &[Decision]) {
        let claim =
            Claim { owner: Uuid::nil(), now: self.clock.now(), lease: SignedDuration::ZERO };
        self.desk.journal.commit(decisions, &claim).await.unwrap();
    }

    /// What a live message leads to, by this directory.
    pub async fn decided(&self, incoming: Incoming, directory: &Directory) -> Decision {
        let context = self.context(directory);
        let reading = decide::read(incoming, &context);
        let found = self.desk.journal.look_up(&[reading.key()]).await.unwrap().remove(0);
        decide::decide(&reading, &found, &context)
    }

    /// Takes a live message in.
    pub async fn take(&self, incoming: Incoming, directory: &Directory) -> Decision {
        let decision = self.decided(incoming, directory).await;
        self.commit(std::slice::from_ref(&decision)).await;
        decision
    }

    /// Claims all that is due.
    pub async fn due(&self) -> Vec<OwedDelivery> {
        let claim = Claim {
            owner: Uuid::from_u128(9),
            now: self.clock.now(),
            lease: SignedDuration::from_secs(60),
        };
        self.desk.journal.claim(&claim, 100_000, Whose::AllBut(&[])).await.unwrap()
    }

    /// Delivers all that is due, and gives it.
    pub async fn deliver(&self) -> Vec<OwedDelivery> {
        let due = self.due().await;
        let at = self.clock.now();
        let delivered: Vec<AttemptResult> = due
            .iter()
            .map(|owed| AttemptResult::Delivered { delivery: owed.delivery.id, at })
            .collect();
        self.desk.journal.record(&delivered).await.unwrap();
        due
    }

    /// Gives up a request's delivery.
    pub async fn give_up(&self, delivery: &DeliveryId) -> DeadLetter {
        let kept = self.desk.letters.deliveries(&[*delivery]).await.unwrap().remove(0).delivery;
        let key = innfri::port::Key { case: kept.case, ..Default::default() };
        let stored = self.desk.journal.look_up(&[key]).await.unwrap().remove(0).case;
        let directory = everybody();
        let decision = give_up(&kept, &failure(), stored.as_ref(), &self.context(&directory));
        self.commit(std::slice::from_ref(&decision)).await;
        decision.dead_letters[0].clone()
    }

    /// Keeps a message that the broker gave up on.
    pub async fn broker_death(&self, number: u32) -> DeadLetter {
        let directory = everybody();
        let died = Incoming { received_at: self.clock.now(), ..died(number) };
        let decision = broker_death::decide(&died, &self.context(&directory));
        self.commit(std::slice::from_ref(&decision)).await;
        decision.dead_letters[0].clone()
    }

    /// The bank answers a forwarded request.
    pub async fn answer(&self, number: u32, forwarded_as: &DeliveryId) -> Decision {
        self.take(answer(number, &forwarded_as.to_string()), &everybody()).await
    }

    pub async fn open_letters(&self) -> Vec<DeadLetterId> {
        let filter = LetterFilter {
            states: LetterState::OPEN.into(),
            limit: 100_000,
            ..LetterFilter::default()
        };
        self.desk.letters.select(&filter).await.unwrap()
    }

    pub async fn letter(&self, id: &DeadLetterId) -> LetterRecord {
        self.desk.letters.fetch(&[*id]).await.unwrap().remove(0)
    }

    pub fn action(&self, kind: ActionKind) -> Action {
        Action {
            at: self.clock.now(),
            operator: "kari".into(),
            kind,
            letter: None,
            run: None,
            signature: None,
            reason: "prøve".into(),
            detail: String::new(),
        }
    }

    /// Begins a run of these letters.
    pub async fn begin(&self, ids: &[DeadLetterId]) -> RunId {
        let at = self.clock.now();
        let run = Run {
            id: RunId::of("kari", at, self.desk.process),
            started_at: at,
            operator: "kari".into(),
            reason: "rettet".into(),
            selection: "these".into(),
            rate: 1000,
            steps: "all".into(),
        };
        self.desk.begin(&run, ids, &self.action(ActionKind::Replayed)).await.unwrap();
        run.id
    }

    /// Begins a run and works on it to its end.
    pub async fn replay(&self, ids: &[DeadLetterId]) -> (RunId, innfri::letters::Ended) {
        let run = self.begin(ids).await;
        let ended = self.work(&run).await;
        (run, ended)
    }

    pub async fn work(&self, run: &RunId) -> innfri::letters::Ended {
        let stop = CancellationToken::new();
        self.desk.work(run, &pace(), &stop, &mut |_| {}).await.unwrap()
    }

    pub async fn run(&self, run: &RunId) -> RunRecord {
        self.desk.letters.run(run).await.unwrap().unwrap()
    }
}

pub fn pace() -> Pace {
    Pace {
        rate: 5000,
        steps: "all".parse().unwrap(),
        // Nobody serves in these tests, but for the one about standing back.
        stands_back_after: Duration::from_secs(1_000_000),
        patience: Duration::from_millis(300),
    }
}

pub fn failure() -> Failure {
    Failure {
        channel: ChannelName::Amqp,
        attempts: 7,
        code: "unroutable".into(),
        detail: "no queue takes it".into(),
    }
}

/// A question to the bank, under this login.
pub fn request(number: u32, login: &str) -> Incoming {
    Incoming {
        channel: ChannelName::Amqp,
        source: "innfri.in.requests".into(),
        login: Some(Login::new(login)),
        message_type: Some(messages::RESTGJELD.into()),
        message_id: Some(messages::message_id(number)),
        correlation_id: None,
        content_type: Some("application/json".into()),
        traceparent: None,
        deaths: Vec::new(),
        findings: Vec::new(),
        received_at: Timestamp::from_second(1_780_000_000).unwrap(),
        body: serde_json::to_vec(&messages::restgjeld(number)).unwrap(),
    }
}

/// A question that the broker gave up on before innfri saw it.
pub fn died(number: u32) -> Incoming {
    let queue = "innfri.in.requests".to_owned();
    let death = Death { reason: "delivery_limit".into(), queue, count: 20 };
    Incoming { deaths: vec![death], ..request(number, "megler") }
}

/// The bank's answer to a request that was forwarded under this id.
pub fn answer(number: u32, correlation_id: &str) -> Incoming {
    Incoming {
        login: Some(Login::new("testvik")),
        message_type: Some(messages::RESTGJELD_ANSWER.into()),
        message_id: Some(messages::message_id(500_000 + number)),
        correlation_id: Some(correlation_id.to_owned()),
        body: serde_json::to_vec(&messages::restgjeld_answer(number, "1000.00")).unwrap(),
        ..request(number, "testvik")
    }
}

/// What the request of this number is forwarded under.
pub fn forwarded(number: u32) -> DeliveryId {
    let message = messages::message_id(number).parse().unwrap();
    DeliveryId::of(&innfri::kernel::CaseId::of(&agency(), &message), "request")
}

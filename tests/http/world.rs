//! The HTTP channel in process: a real journal and exchange, a clock that the test turns, and tokens that
//! are the logins' names.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use innfri::channel::http::{Door, HttpConfig, Parts, Refusal, router};
use innfri::contract::routes::Route;
use innfri::contract::{Contract, MessageType, ROUTES};
use innfri::directory::{DeliveryPolicy, Directory, Handler, Operator, Participant, Role};
use innfri::exchange::{ExchangeConfig, assemble};
use innfri::journal::JournalConfig;
use innfri::journal::seal::NullSeal;
use innfri::kernel::{Environment, Limits, Login};
use innfri::port::letters::{Action, ActionFilter};
use innfri::port::{
    Bell, Clock, DeadLetterFilter, Intake, Journal, Letters, Outbound, SendError, Sender,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use uuid::Uuid;

use crate::messages::{self, AGENCY, BANK, message_id};

pub const OTHER_BANK: &str = "903137215";
pub const OTHER_AGENCY: &str = "939336338";
/// Only a bound: nothing is measured.
const PATIENCE: Duration = Duration::from_secs(60);

/// A clock that stands still until the test turns it.
pub struct TurnedClock(Mutex<Timestamp>);

impl Clock for TurnedClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// Lets in whoever names its login as its token; `hasty` has called too often.
struct NamesAreTokens(watch::Receiver<Arc<Directory>>);

#[async_trait]
impl Door for NamesAreTokens {
    async fn check(&self, authorization: Option<&str>) -> Result<Login, Refusal> {
        let name = authorization.and_then(|text| text.strip_prefix("Bearer "));
        match name {
            Some("hasty") => Err(Refusal::TooMany(Duration::from_secs(7))),
            Some("unlucky") => Err(Refusal::Unavailable),
            Some(name) if self.0.borrow().operator(&Login::new(name)).is_some() => {
                Ok(Login::new(name))
            }
            Some(_) | None => Err(Refusal::NotSignedIn {
                detail: "send `Authorization: Bearer <token>`".to_owned(),
                challenge: "Bearer",
            }),
        }
    }
}

/// Nobody is sent to: all collect.
struct NoWays;

impl Outbound for NoWays {
    fn sender(&self, _: &Participant) -> Result<Arc<dyn Sender>, SendError> {
        Err(SendError::NotSetUp("nobody".into()))
    }
}

/// What an operator posts about itself.
#[derive(Default)]
pub struct Call<'a> {
    pub token: &'a str,
    pub headers: Vec<(&'a str, String)>,
    pub body: Vec<u8>,
}

/// What came back.
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub json: Value,
}

impl Reply {
    /// The kind of problem it is, checked as a whole.
    pub fn problem(&self) -> &str {
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(self.json["status"], self.status.as_u16());
        assert!(!self.json["title"].as_str().unwrap().is_empty());
        assert!(!self.json["detail"].as_str().unwrap().is_empty());
        self.json["type"].as_str().unwrap().strip_prefix("urn:innfri:problem:").unwrap()
    }

    pub fn rules(&self) -> Vec<&str> {
        let findings = self.json["findings"].as_array();
        findings.into_iter().flatten().filter_map(|one| one["regel"].as_str()).collect()
    }

    pub fn messages(&self) -> &[Value] {
        assert_eq!(self.status, StatusCode::OK, "{}", self.json);
        self.json["messages"].as_array().unwrap()
    }
}

pub struct World {
    pub router: Router,
    pub journal: Arc<dyn Journal>,
    letters: Arc<dyn Letters>,
    clock: Arc<TurnedClock>,
    pub stop: CancellationToken,
    running: JoinSet<()>,
    pub directory: watch::Sender<Arc<Directory>>,
    _folder: TempDir,
}

pub fn participant(id: &str, role: Role, handler: Handler) -> Participant {
    let both = [MessageType::Restgjeldsforespoersel, MessageType::Innfrielsessaldoforespoersel];
    let register: &[&str] = match id {
        BANK => &["1564"],
        OTHER_BANK => &["5377"],
        _ => &[],
    };
    Participant {
        id: id.parse().unwrap(),
        name: id.into(),
        sends: both.into(),
        receives: if role == Role::Bank { both.into() } else { Default::default() },
        register_numbers: register.iter().map(|number| number.parse().unwrap()).collect(),
        approved_register_numbers: Default::default(),
        handler,
        receipts: false,
        delivery: DeliveryPolicy::default(),
        role,
    }
}

pub fn directory(participants: Vec<Participant>) -> Directory {
    let own = [
        ("agent", vec![AGENCY]),
        ("other-agent", vec![OTHER_AGENCY]),
        ("bank", vec![BANK]),
        ("other-bank", vec![OTHER_BANK]),
        ("centre", vec![AGENCY, OTHER_AGENCY]),
    ];
    let operators = own.map(|(login, ids)| Operator {
        login: Login::new(login),
        name: login.into(),
        speaks_for: ids.into_iter().map(|id| id.parse().unwrap()).collect(),
        organisation: None,
    });
    Directory::new(participants, operators.into()).unwrap()
}

pub fn everybody() -> Vec<Participant> {
    vec![
        participant(AGENCY, Role::EstateAgency, Handler::Mailbox),
        participant(OTHER_AGENCY, Role::EstateAgency, Handler::Mailbox),
        participant(BANK, Role::Bank, Handler::Mailbox),
        participant(OTHER_BANK, Role::Bank, Handler::Mailbox),
    ]
}

impl World {
    pub async fn new() -> Self {
        Self::with(HttpConfig::at("127.0.0.1:0")).await
    }

    pub async fn with(config: HttpConfig) -> Self {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite:{}", folder.path().join("innfri.db").display());
        let settings = JournalConfig { acquire_timeout_seconds: 60, ..JournalConfig::at(url) };
        let innfri::journal::Whole { journal, letters, .. } =
            innfri::journal::open_whole(&settings, Arc::new(NullSeal)).await.unwrap();
        let start = "2026-11-20T10:00:00Z".parse().unwrap();
        let clock = Arc::new(TurnedClock(Mutex::new(start)));
        let (directory, current) = watch::channel(Arc::new(directory(everybody())));
        let bell = Bell::default();
        let process = Uuid::from_u128(1);
        let (exchange, work) = assemble(innfri::exchange::Parts {
            journal: Arc::clone(&journal),
            contract: Arc::new(Contract::new(Limits::default()).unwrap()),
            directory: current.clone(),
            clock: Arc::<TurnedClock>::clone(&clock),
            environment: Environment::Test,
            config: ExchangeConfig { sweep_milliseconds: 10, ..ExchangeConfig::default() },
            bell: bell.clone(),
            metrics: innfri::exchange::Metrics::default(),
            process,
        });
        let stop = CancellationToken::new();
        let mut running = JoinSet::new();
        running.spawn(work.run(Arc::new(NoWays), stop.clone()));
        let router = router(Parts {
            journal: Arc::clone(&journal),
            letters: Arc::clone(&letters),
            intake: Arc::new(exchange) as Arc<dyn Intake>,
            directory: current.clone(),
            bell,
            clock: Arc::<TurnedClock>::clone(&clock),
            door: Arc::new(NamesAreTokens(current)),
            config,
            body_bytes: Limits::default().body_bytes,
            process,
            stop: stop.clone(),
        });
        Self { router, journal, letters, clock, stop, running, directory, _folder: folder }
    }

    pub fn turn(&self, seconds: i64) {
        let mut now = self.clock.0.lock().unwrap();
        *now = now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub async fn call(&self, method: Method, path: &str, call: Call<'_>) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        if !call.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", call.token));
        }
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        let request = request.body(Body::from(call.body)).unwrap();
        let published = published(&request);
        let response = self.router.clone().oneshot(request).await.unwrap();
        if let Some(route) = published {
            let status = response.status().as_u16();
            assert!(route.statuses().contains(&status), "{status} of {} is published", route.path);
        }
        let (parts, body) = response.into_parts();
        assert_eq!(parts.headers["cache-control"], "no-store");
        assert_eq!(parts.headers["x-content-type-options"], "nosniff");
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let json =
            if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        Reply { status: parts.status, headers: parts.headers, json }
    }

    pub async fn get(&self, token: &str, path: &str) -> Reply {
        self.call(Method::GET, path, Call { token, ..Call::default() }).await
    }

    /// Posts without a body, or with a JSON body.
    pub async fn post(&self, token: &str, path: &str, body: Option<Value>) -> Reply {
        let headers = match &body {
            Some(_) => vec![("content-type", "application/json".to_owned())],
            None => Vec::new(),
        };
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        self.call(Method::POST, path, Call { token, headers, body }).await
    }

    /// Posts a message with headers.
    pub async fn send(
        &self,
        token: &str,
        kind: &str,
        number: u32,
        correlation: Option<&str>,
        body: &Value,
    ) -> Reply {
        let mut headers = vec![
            ("content-type", "application/json".to_owned()),
            ("innfri-message-type", kind.to_owned()),
            ("innfri-message-id", message_id(number)),
        ];
        headers.extend(correlation.map(|id| ("innfri-correlation-id", id.to_owned())));
        let body = serde_json::to_vec(body).unwrap();
        self.call(Method::POST, "/v1/messages", Call { token, headers, body }).await
    }

    /// The agency asks the bank number `number`; the case.
    pub async fn ask(&self, number: u32) -> String {
        let body = messages::restgjeld(number);
        let reply = self.send("agent", messages::RESTGJELD, number, None, &body).await;
        assert_eq!(reply.status, StatusCode::ACCEPTED, "{}", reply.json);
        reply.json["caseId"].as_str().unwrap().to_owned()
    }

    /// The bank answers the request that it was given under this id.
    pub async fn answer(&self, number: u32, request: &str) -> Reply {
        let body = messages::restgjeld_answer(number, "100.00");
        self.send("bank", messages::RESTGJELD_ANSWER, 500 + number, Some(request), &body).await
    }

    /// What a login collects, once there is something.
    pub async fn collected(&self, token: &str, query: &str) -> Vec<Value> {
        let begun = Instant::now();
        loop {
            let reply = self.get(token, &format!("/v1/mailbox{query}")).await;
            if !reply.messages().is_empty() {
                return reply.messages().to_vec();
            }
            assert!(begun.elapsed() < PATIENCE, "never anything for {token}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// One message for a login.
    pub async fn one(&self, token: &str) -> Value {
        let mut messages = self.collected(token, "?max=1").await;
        messages.pop().unwrap()
    }

    pub async fn acknowledge(&self, token: &str, message: &Value) -> Reply {
        let id = message["id"].as_str().unwrap();
        self.post(token, &format!("/v1/mailbox/{id}/ack"), None).await
    }

    /// What is on record of attempts to reach what is another's.
    pub async fn trespasses(&self) -> Vec<Action> {
        self.letters.actions(&ActionFilter::default()).await.unwrap()
    }

    pub async fn dead_letters(&self) -> Vec<&'static str> {
        let letters = self.journal.dead_letters(&DeadLetterFilter::default()).await.unwrap();
        letters.iter().map(|letter| letter.reason.code()).collect()
    }

    /// Stops everything in good order.
    pub async fn end(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.running.join_next().await {
            ended.unwrap();
        }
    }
}

/// The route that a request goes to, as the contract publishes it.
fn published(request: &Request<Body>) -> Option<&'static Route> {
    let path = request.uri().path();
    ROUTES.iter().find(|route| {
        let mut given = path.split('/');
        let mut parts = route.path.split('/');
        let same = parts
            .by_ref()
            .all(|part| given.next().is_some_and(|text| part == text || part.starts_with('{')));
        same && given.next().is_none() && route.method.name() == request.method().as_str()
    })
}

/// A message in an envelope.
pub fn envelope(kind: &str, number: u32, body: &Value) -> Value {
    json!({"type": kind, "messageId": message_id(number), "body": body})
}

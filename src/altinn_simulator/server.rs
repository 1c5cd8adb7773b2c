//! Puts the services together on one address, and stands before them: counts, delays, 503, and answers
//! that get lost or never come.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use futures_util::stream;
use jiff::Timestamp;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::config::{ClientConfig, Config, ConfigError, ResourceConfig};
use super::faults::{FaultSettings, Moment, Route};
use super::key::{self, KeyError, RegisteredKey};
use super::problem::{Code, Refusal, fresh_id};
use super::world::World;
use super::{
    akeldo, authentication, control, events, hold, initialise, list, maskinporten, overview,
    receive, upload,
};
use crate::channel::listen::{ListenLimits, listen};
use crate::kernel::OrganisationId;
use crate::port::{Clock, SystemClock};

/// How often what has fallen due is done while nobody calls.
const TURN: Duration = Duration::from_millis(20);
/// How long requests under way may take when it stops.
const GRACE: Duration = Duration::from_secs(1);
/// The longest delay that a fault makes.
const LONGEST_DELAY: Duration = Duration::from_secs(60);

const METADATA: &str = "/maskinporten/.well-known/oauth-authorization-server";
const EXCHANGE: &str = "/authentication/api/v1/exchange/maskinporten";
const BROKER: &str = "/broker/api/v1/filetransfer";

/// Why the stand-in does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// What it was told is of no use.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The address cannot be had.
    #[error("cannot listen at {address}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Events cannot be posted.
    #[error("cannot post events")]
    Events(#[source] reqwest::Error),
}

/// A client of Maskinporten with its keys read.
pub(super) struct Client {
    pub(super) keys: Vec<RegisteredKey>,
    pub(super) scopes: Vec<String>,
    pub(super) system_users: Vec<OrganisationId>,
    pub(super) organisation: Option<OrganisationId>,
}

/// What every call needs.
pub(super) struct Simulator {
    pub(super) config: Config,
    pub(super) clients: HashMap<String, Client>,
    pub(super) base_url: String,
    pub(super) issuer: String,
    clock: Arc<dyn Clock>,
    world: Mutex<World>,
}

pub(super) type Shared = Arc<Simulator>;

impl Simulator {
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What is kept, after everything due was done. Never held while waiting.
    pub(super) fn lock(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.advance(self.now());
        world
    }

    pub(super) fn resource(&self, id: &str) -> Option<&ResourceConfig> {
        self.config.resources.iter().find(|resource| resource.id == id)
    }
}

/// A stand-in that runs. It stops when this is dropped.
pub struct Running {
    address: SocketAddr,
    simulator: Shared,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Running {
    /// Where it is, such as `http://127.0.0.1:4711`: the base of Altinn's platform and of AKELDO.
    pub fn base_url(&self) -> &str {
        &self.simulator.base_url
    }

    /// The issuer of Maskinporten, with the last slash: `aud` of assertions. Tokens are at `<issuer>token`.
    pub fn issuer(&self) -> &str {
        &self.simulator.issuer
    }

    /// The address, with the port that was given for port 0.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Switches faults: what is not named stays.
    pub fn switch(&self, faults: FaultSettings) {
        self.simulator.lock().switch(faults);
    }

    /// What `/simulator/state` tells.
    pub fn state(&self) -> Value {
        control::told(&self.simulator.lock())
    }

    /// Runs until told to stop by this token.
    pub fn stopper(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Waits until it has stopped.
    pub async fn ended(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }

    /// Stops: takes no more calls, and lets those under way end.
    pub async fn stop(mut self) {
        self.stop.cancel();
        self.ended().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Starts a stand-in on this machine.
///
/// # Errors
/// When the configuration is of no use, or the address cannot be had.
pub async fn start(config: Config) -> Result<Running, StartError> {
    start_with(config, Arc::new(SystemClock)).await
}

/// Starts a stand-in that goes by this clock.
///
/// # Errors
/// As [`start`].
pub async fn start_with(config: Config, clock: Arc<dyn Clock>) -> Result<Running, StartError> {
    if !config.listen.ip().is_loopback() {
        return Err(ConfigError::NotLoopback(config.listen).into());
    }
    let clients = clients(&config)?;
    let mut resources = BTreeSet::new();
    if let Some(twice) = config.resources.iter().find(|resource| !resources.insert(&resource.id)) {
        return Err(ConfigError::Twice(twice.id.clone()).into());
    }
    let failed = |source| StartError::Listen { address: config.listen, source };
    let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let base_url = format!("http://{address}");
    let (outlet, postman) =
        events::open(config.subscriptions.clone()).map_err(StartError::Events)?;
    let world = Mutex::new(World::new(&config, outlet));
    let issuer = format!("{base_url}/maskinporten/");
    let simulator = Arc::new(Simulator { config, clients, base_url, issuer, clock, world });
    let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
    if let Some(postman) = postman {
        let (base_url, stop) = (simulator.base_url.clone(), stop.clone());
        tasks.spawn(async move {
            stop.run_until_cancelled(postman.run(base_url)).await;
        });
    }
    tasks.spawn(keep_time(Arc::clone(&simulator), stop.clone()));
    let limits = ListenLimits {
        connections: simulator.config.limits.connections,
        grace: GRACE,
        ..ListenLimits::default()
    };
    tasks.spawn(listen(listener, None, router(&simulator), limits, stop.clone()));
    Ok(Running { address, simulator, stop, tasks })
}

fn clients(config: &Config) -> Result<HashMap<String, Client>, ConfigError> {
    let mut clients = HashMap::new();
    for client in &config.clients {
        let keys = keys(client)
            .map_err(|source| ConfigError::Key { client: client.id.clone(), source })?
            .ok_or_else(|| ConfigError::NoKey(client.id.clone()))?;
        let read = Client {
            keys,
            scopes: client.scopes.clone(),
            system_users: client.system_users.clone(),
            organisation: client.organisation.clone(),
        };
        if clients.insert(client.id.clone(), read).is_some() {
            return Err(ConfigError::Twice(client.id.clone()));
        }
    }
    Ok(clients)
}

/// `None` when the configuration names no key.
fn keys(client: &ClientConfig) -> Result<Option<Vec<RegisteredKey>>, KeyError> {
    if let Some(path) = &client.jwks_file {
        let place = path.display().to_string();
        return key::from_key_set(&key::file(path)?, &place).map(Some);
    }
    let Some(name) = &client.key_id else { return Ok(None) };
    let (pem, place) = match (&client.public_key, &client.public_key_file) {
        (Some(pem), _) => (pem.clone(), "public_key".to_owned()),
        (None, Some(path)) => (key::file(path)?, path.display().to_string()),
        (None, None) => return Ok(None),
    };
    Ok(Some(vec![key::from_pem(name, &pem, &place)?]))
}

async fn keep_time(simulator: Shared, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(TURN)).await.is_some() {
        drop(simulator.lock());
    }
}

fn router(simulator: &Shared) -> Router {
    let before = |route: Route, service: MethodRouter<Shared>| {
        let gate = Gate { simulator: Arc::clone(simulator), route };
        service.route_layer(from_fn_with_state(gate, stand_before))
    };
    let (with_slash, one) = (format!("{BROKER}/"), |rest| format!("{BROKER}/{{id}}{rest}"));
    let transfers = || {
        before(Route::List, get(list::list))
            .merge(before(Route::Initialise, post(initialise::initialise)))
    };
    Router::new()
        .route("/maskinporten/token", before(Route::Token, post(maskinporten::token)))
        .route(METADATA, get(maskinporten::metadata))
        .route(EXCHANGE, before(Route::Exchange, get(authentication::exchange)))
        .route(BROKER, transfers())
        .route(&with_slash, transfers())
        .route(&format!("{BROKER}/upload"), before(Route::InitialiseAndUpload, post(upload::both)))
        .route(&one(""), before(Route::Overview, get(overview::overview)))
        .route(&one("/details"), before(Route::Details, get(overview::details)))
        .route(&one("/upload"), before(Route::Upload, post(upload::upload)))
        .route(&one("/download"), before(Route::Download, get(receive::download)))
        .route(&one("/confirmdownload"), before(Route::Confirm, post(receive::confirm)))
        .route("/akeldo/aktoer", before(Route::Akeldo, get(akeldo::all)))
        .route("/akeldo/aktoer/{number}", before(Route::Akeldo, get(akeldo::one)))
        .route("/simulator/faults", get(control::faults).post(control::switch))
        .route("/simulator/state", get(control::state))
        .route("/simulator/cancel/{id}", post(control::cancel))
        .with_state(Arc::clone(simulator))
}

/// The gate before one route.
#[derive(Clone)]
struct Gate {
    simulator: Shared,
    route: Route,
}

/// What stands before every service.
async fn stand_before(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let Gate { simulator, route } = gate;
    // The framework would answer HEAD as GET; the services have no such calls.
    if request.method() == Method::HEAD {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let (slow, unavailable) = {
        let mut world = simulator.lock();
        *world.calls.entry(route).or_default() += 1;
        let slow = world.faults.slow_millis.get(&route).copied();
        (slow, world.faults.take_unavailable(route))
    };
    if let Some(millis) = slow {
        tokio::time::sleep(Duration::from_millis(millis).min(LONGEST_DELAY)).await;
    }
    if let Some(fault) = unavailable {
        let refusal = match fault.code {
            Some(21) => Code::StorageNotReady.into(),
            Some(30) => Code::ScanNotReady.into(),
            _ => Refusal::plain(StatusCode::SERVICE_UNAVAILABLE, "Not now"),
        };
        let refusal = match fault.retry_after {
            Some(seconds) => refusal.after(seconds),
            None => refusal,
        };
        return refusal.into_response();
    }
    let caller = simulator.shown_by(request.headers());
    let is_held = |moment| simulator.lock().faults.take_held(route, moment, caller.as_ref());
    if is_held(Moment::Before) {
        return hold::before(&simulator, route, request.into_body()).await;
    }
    let response = next.run(request).await;
    if !response.status().is_success() {
        return response;
    }
    if is_held(Moment::After) {
        return hold::after(&simulator, route).await;
    }
    if simulator.lock().faults.take_lost(route) {
        return cut_off();
    }
    response
}

/// An answer of which nothing arrives: its body breaks before the head is sent, and the connection is cut.
fn cut_off() -> Response {
    let broken = std::io::Error::other("the answer shall get lost");
    Response::new(Body::from_stream(stream::iter([Err::<Bytes, _>(broken)])))
}

/// Whether the content is of this type, whatever its parameters.
pub(super) fn has_type(headers: &HeaderMap, wanted: &str) -> bool {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(wanted)
}

/// A body, when it comes whole, in time, and within so many bytes.
pub(super) async fn read_body(body: Body, most: usize, seconds: u64) -> Result<Bytes, Refusal> {
    let whole = axum::body::to_bytes(body, most);
    match tokio::time::timeout(Duration::from_secs(seconds), whole).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => {
            let text = format!("The body broke off, or has more than {most} bytes");
            Err(Refusal::plain(StatusCode::PAYLOAD_TOO_LARGE, &text))
        }
        Err(_) => Err(Refusal::plain(StatusCode::REQUEST_TIMEOUT, "The body did not come in time")),
    }
}

/// A token of which nobody can guess the next.
pub(super) fn fresh_token(issuer: &str) -> String {
    format!("{issuer}.{}{}", fresh_id().simple(), fresh_id().simple())
}

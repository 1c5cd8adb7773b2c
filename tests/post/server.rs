//! A receiver: a server on a free port that notes what it is sent and answers as the test says.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// One request as it arrived.
#[derive(Clone)]
pub struct Seen {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What a server answers.
#[derive(Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    delay: Duration,
}

impl Reply {
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), delay: Duration::ZERO }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn body(self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self.header("content-type", media_type) }
    }

    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }
}

type Behaviour = Arc<dyn Fn(&Seen) -> Reply + Send + Sync>;

struct Inner {
    seen: Mutex<Vec<Seen>>,
    behaviour: Mutex<Behaviour>,
    now: AtomicUsize,
    most: AtomicUsize,
}

pub struct Server {
    address: SocketAddr,
    scheme: &'static str,
    inner: Arc<Inner>,
    // Ends the server when it is dropped.
    _serving: JoinSet<()>,
}

impl Server {
    /// A server that takes everything, without TLS.
    pub async fn plain() -> Self {
        Self::start(None).await
    }

    pub async fn tls(config: ServerConfig) -> Self {
        Self::start(Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn start(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Inner {
            seen: Mutex::default(),
            behaviour: Mutex::new(Arc::new(|_| Reply::new(204))),
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        });
        let router = Router::new().fallback(handle).with_state(Arc::clone(&inner));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (router, tls) = (router.clone(), tls.clone());
                connections.spawn(async move {
                    match tls {
                        None => talk(stream, router).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                talk(stream, router).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, scheme, inner, _serving: serving }
    }

    /// Its address by number, and a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// Its address by name.
    pub fn named_url(&self, path: &str) -> String {
        format!("{}://localhost:{}{path}", self.scheme, self.address.port())
    }

    /// From now on it answers so.
    pub fn does(&self, behaviour: impl Fn(&Seen) -> Reply + Send + Sync + 'static) {
        *self.inner.behaviour.lock().unwrap() = Arc::new(behaviour);
    }

    /// From now on it answers each request like this.
    pub fn answers(&self, reply: Reply) {
        self.does(move |_| reply.clone());
    }

    /// What arrived at a path.
    pub fn seen_at(&self, path: &str) -> Vec<Seen> {
        let seen = self.inner.seen.lock().unwrap();
        seen.iter().filter(|seen| seen.path == path).cloned().collect()
    }

    /// The most requests that were under way at the same time.
    pub fn most_at_once(&self) -> usize {
        self.inner.most.load(Ordering::SeqCst)
    }
}

async fn talk(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, router: Router) {
    let service = TowerToHyperService::new(router);
    let builder = Builder::new(TokioExecutor::new()).http1_only();
    // How a connection ends is the far side's affair.
    builder.serve_connection(TokioIo::new(stream), service).await.unwrap_or_default();
}

async fn handle(State(inner): State<Arc<Inner>>, request: Request) -> Response<Body> {
    let now = inner.now.fetch_add(1, Ordering::SeqCst) + 1;
    inner.most.fetch_max(now, Ordering::SeqCst);
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap().to_vec();
    let seen = Seen { path: head.uri.path().into(), headers: head.headers, body };
    let behaviour = Arc::clone(&inner.behaviour.lock().unwrap());
    let reply = behaviour(&seen);
    inner.seen.lock().unwrap().push(seen);
    tokio::time::sleep(reply.delay).await;
    inner.now.fetch_sub(1, Ordering::SeqCst);
    let response = Response::builder().status(reply.status);
    let response =
        reply.headers.iter().fold(response, |response, (name, value)| response.header(name, value));
    response.body(Body::from(reply.body)).unwrap()
}

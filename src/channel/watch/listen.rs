//! Listening for those who watch: few callers, who may be slow or broken.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::channel::listen::{ListenLimits, listen};

/// Connections at the same time; further ones wait.
const MOST_CONNECTIONS: usize = 64;
/// How long a caller may take to say what it wants, on a new connection or an idle one.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
/// How long a connection may last: what is left behind by a caller gives its place to others.
const LONGEST: Duration = Duration::from_secs(300);
/// How long an answer may take to get away when innfri stops.
const GRACE: Duration = Duration::from_secs(1);

/// Why nobody can watch.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen at {address}, which `watch.listen` names")]
pub struct WatchError {
    /// The address.
    pub address: SocketAddr,
    /// Why.
    #[source]
    pub source: std::io::Error,
}

/// An address at which innfri can be watched.
#[derive(Debug)]
pub struct Watch {
    listener: TcpListener,
    address: SocketAddr,
}

impl Watch {
    /// Takes the address; callers wait until [`Watch::serve`].
    ///
    /// # Errors
    /// When the address cannot be had.
    pub async fn bind(address: SocketAddr) -> Result<Self, WatchError> {
        let wrong = |source| WatchError { address, source };
        let listener = TcpListener::bind(address).await.map_err(wrong)?;
        let address = listener.local_addr().map_err(wrong)?;
        Ok(Self { listener, address })
    }

    /// The address, with the port that was given for port 0.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until told to stop; connections that are open then are closed.
    pub async fn serve(self, router: Router, stop: CancellationToken) {
        let limits = ListenLimits {
            connections: MOST_CONNECTIONS,
            header: HEADERS_WITHIN,
            longest: Some(LONGEST),
            grace: GRACE,
            ..ListenLimits::default()
        };
        listen(self.listener, None, router, limits, stop).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use async_trait::async_trait;
    use prometheus_client::metrics::counter::Counter;
    use prometheus_client::registry::Registry;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::task::JoinSet;

    use super::super::{Readiness, router};
    use super::*;

    #[derive(Default)]
    struct Switch {
        broken: AtomicBool,
        asked: AtomicUsize,
    }

    #[async_trait]
    impl Readiness for Switch {
        async fn missing(&self) -> Vec<&'static str> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            if self.broken.load(Ordering::Relaxed) { vec!["journal"] } else { Vec::new() }
        }
    }

    struct Running {
        address: SocketAddr,
        switch: Arc<Switch>,
        _tasks: JoinSet<()>,
    }

    async fn start() -> Running {
        let switch = Arc::new(Switch::default());
        let mut registry = Registry::default();
        let counter: Counter = Counter::default();
        counter.inc();
        registry.register("things", "Things", counter);
        let watch = Watch::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = watch.address();
        let mut tasks = JoinSet::new();
        let router = router(switch.clone(), Arc::new(registry));
        tasks.spawn(watch.serve(router, CancellationToken::new()));
        Running { address, switch, _tasks: tasks }
    }

    async fn get(address: SocketAddr, path: &str) -> reqwest::Response {
        reqwest::get(format!("http://{address}{path}")).await.unwrap()
    }

    #[tokio::test]
    async fn the_three_routes_answer_and_no_other_does() {
        let running = start().await;
        let healthy = get(running.address, "/healthz").await;
        assert_eq!(
            (healthy.status().as_u16(), healthy.text().await.unwrap().as_str()),
            (200, "ok")
        );
        let metrics = get(running.address, "/metrics").await;
        assert_eq!(metrics.headers()["content-type"], super::super::routes::OPEN_METRICS);
        let text = metrics.text().await.unwrap();
        assert!(text.contains("things_total 1\n") && text.ends_with("# EOF\n"), "{text}");
        assert_eq!(get(running.address, "/").await.status().as_u16(), 404);
        let posted = reqwest::Client::new().post(format!("http://{}/readyz", running.address));
        assert_eq!(posted.send().await.unwrap().status().as_u16(), 405);
    }

    #[tokio::test]
    async fn what_is_missing_is_named_and_asking_often_does_not_ask_the_parts_often() {
        let running = start().await;
        running.switch.broken.store(true, Ordering::Relaxed);
        let answer = get(running.address, "/readyz").await;
        assert_eq!(answer.status().as_u16(), 503);
        let body: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(body, serde_json::json!({ "ready": false, "missing": ["journal"] }));
        running.switch.broken.store(false, Ordering::Relaxed);
        loop {
            let answer = get(running.address, "/readyz").await;
            if answer.status().as_u16() == 200 {
                assert_eq!(answer.json::<serde_json::Value>().await.unwrap()["ready"], true);
                break;
            }
        }
        let before = running.switch.asked.load(Ordering::Relaxed);
        let began = std::time::Instant::now();
        for _ in 0..20 {
            get(running.address, "/readyz").await;
        }
        let allowed = 2 + began.elapsed().as_millis() / 500;
        let asked = running.switch.asked.load(Ordering::Relaxed) - before;
        assert!(asked as u128 <= allowed, "{asked} of {allowed}");
    }

    #[tokio::test]
    async fn callers_who_say_nothing_keep_out_nobody_for_long() {
        let running = start().await;
        let mut silent = Vec::new();
        for _ in 0..MOST_CONNECTIONS {
            silent.push(TcpStream::connect(running.address).await.unwrap());
        }
        let mut broken = silent.pop().unwrap();
        broken.write_all(b"nonsense\r\n\r\n").await.unwrap();
        let mut said = String::new();
        broken.read_to_string(&mut said).await.unwrap();
        assert!(said.starts_with("HTTP/1.1 400"), "{said}");
        for _ in 0..MOST_CONNECTIONS {
            silent.push(TcpStream::connect(running.address).await.unwrap());
        }
        // The silent ones lose their places after a while, and then this caller is served.
        let patient = reqwest::Client::builder().timeout(Duration::from_secs(120)).build().unwrap();
        let answer = patient.get(format!("http://{}/healthz", running.address)).send().await;
        assert_eq!(answer.unwrap().status().as_u16(), 200);
    }

    #[tokio::test]
    async fn an_address_in_use_is_named() {
        let taken = Watch::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let error = Watch::bind(taken.address()).await.unwrap_err();
        assert!(error.to_string().contains(&taken.address().to_string()));
    }
}

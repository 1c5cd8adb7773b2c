//! Takes connections and serves requests on them, for participants (`http`) and for those who watch
//! (`watch`), with limits that `axum::serve` has not: on the time that a handshake, the head of a request or
//! a connection may take, and on connections at the same time.

mod config;
mod tls;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use rustls_pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

pub use config::{ClientCertificate, ListenLimits, TlsConfig};
pub use tls::{Tls, TlsError};

use crate::telemetry::chain::Chain;

/// Bytes of a request's head, at most.
const LARGEST_HEAD: usize = 64 * 1024;

/// How long to wait when the system has no place for a connection.
const OUT_OF_PLACE: Duration = Duration::from_millis(500);

/// Who is at the other end; to be found among a request's extensions.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// The certificate that it has shown, and that holds.
    pub certificate: Option<CertificateDer<'static>>,
}

/// Serves whoever connects, until `stop`; then takes no more, lets requests under way end within the grace
/// period, and cuts off the rest. Each request has a [`Peer`] among its extensions.
pub async fn listen(
    listener: TcpListener,
    tls: Option<Tls>,
    router: Router,
    limits: ListenLimits,
    stop: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(limits.connections.max(1)));
    let mut tasks = JoinSet::new();
    if let Some(tls) = tls.clone() {
        tasks.spawn(tls.follow(stop.clone()));
    }
    let entry = Entry { tls, router, limits, stop: stop.clone() };
    while let Some(Some((place, stream, address))) =
        stop.run_until_cancelled(next(&listener, &places)).await
    {
        while let Some(ended) = tasks.try_join_next() {
            tell(ended);
        }
        tasks.spawn(entry.clone().attend(stream, address, place));
    }
    drop(listener);
    let all_ended = async {
        while let Some(ended) = tasks.join_next().await {
            tell(ended);
        }
    };
    if tokio::time::timeout(limits.grace, all_ended).await.is_err() {
        tracing::warn!(connections = tasks.len(), "requests under way are cut off");
        tasks.shutdown().await;
    }
}

/// The next connection, once there is a place for it.
async fn next(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(OwnedSemaphorePermit, TcpStream, SocketAddr)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, address)) => return Some((place, stream, address)),
            // A client that has gone again says nothing about the next; else the system is short of
            // something, which others will give back.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!(error = %Chain(&error), "cannot take a connection");
                tokio::time::sleep(OUT_OF_PLACE).await;
            }
        }
    }
}

/// A task that panicked is a mistake of ours, and ends its own connection alone.
fn tell(ended: Result<(), JoinError>) {
    if ended.is_err_and(|error| error.is_panic()) {
        tracing::error!("a connection was lost to a panic");
    }
}

/// What every connection needs.
#[derive(Clone)]
struct Entry {
    tls: Option<Tls>,
    router: Router,
    limits: ListenLimits,
    stop: CancellationToken,
}

impl Entry {
    async fn attend(self, stream: TcpStream, address: SocketAddr, place: OwnedSemaphorePermit) {
        // An answer is written at once; waiting for more would only delay it.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%address, error = %Chain(&error), "a connection has gone");
            return;
        }
        let Some(tls) = &self.tls else {
            return self.serve(stream, Peer { address, certificate: None }, place).await;
        };
        let handshake = tokio::time::timeout(self.limits.handshake, tls.acceptor().accept(stream));
        match self.stop.run_until_cancelled(handshake).await {
            Some(Ok(Ok(stream))) => {
                let (_, session) = stream.get_ref();
                let shown = session.peer_certificates().and_then(<[_]>::first);
                let certificate = shown.map(|shown| shown.clone().into_owned());
                self.serve(stream, Peer { address, certificate }, place).await;
            }
            Some(Ok(Err(error))) => {
                tracing::debug!(%address, error = %Chain(&error), "a TLS handshake failed");
            }
            Some(Err(_)) => tracing::debug!(%address, "a TLS handshake took too long"),
            None => {}
        }
    }

    async fn serve<S>(self, stream: S, peer: Peer, place: OwnedSemaphorePermit)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let address = peer.address;
        // Only HTTP/1: to find out the version would read before the timer runs.
        let mut builder = Builder::new(TokioExecutor::new()).http1_only();
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.header)
            .max_buf_size(LARGEST_HEAD);
        let service = self.router.map_request(move |mut request: Request<_>| {
            request.extensions_mut().insert(peer.clone());
            request
        });
        let connection =
            builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = over(self.limits.longest) => return,
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%address, error = %Chain(&*error), "a connection ended early");
        }
        drop(place);
    }
}

/// Waits until a connection has lasted for as long as it may.
async fn over(longest: Option<Duration>) {
    match longest {
        Some(longest) => tokio::time::sleep(longest).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;

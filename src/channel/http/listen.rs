//! Listening: connections come in, requests go to the router, until told to stop. Plain text only, for as
//! long as TLS is not set up.

use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::rt::TokioExecutor;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Time in which open requests may still be answered after the stop.
const LONGEST_GOODBYE: Duration = Duration::from_secs(20);
/// Pause after a connection could not be taken, such as for want of file handles.
const AFTER_AN_ERROR: Duration = Duration::from_millis(100);

/// How much may come in at once, and how slowly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenLimits {
    /// Connections at the same time; 1 or more.
    pub connections: usize,
    /// Time within which the head of a request must have arrived.
    pub header_timeout: Duration,
}

/// Serves `router` to whoever connects, until `stop`; then answers what has begun.
pub async fn listen(
    listener: TcpListener,
    router: Router,
    limits: ListenLimits,
    stop: CancellationToken,
) {
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.header_timeout);
    let goodbye = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        if connections.len() >= limits.connections {
            tokio::select! {
                _ = connections.join_next() => {}
                () = stop.cancelled() => break,
            }
            continue;
        }
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let service = TowerToHyperService::new(router.clone());
                let connection =
                    builder.serve_connection(TokioIo::new(stream), service).into_owned();
                let watched = goodbye.watch(connection);
                connections.spawn(async move {
                    if watched.await.is_err() {
                        tracing::debug!("an HTTP connection broke");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(AFTER_AN_ERROR).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(LONGEST_GOODBYE, goodbye.shutdown()).await.is_err() {
        tracing::warn!("some HTTP requests were not answered before the stop");
    }
}

//! Connecting: one attempt with a deadline, and the pauses between attempts.

use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use lapin::tcp::{AMQPUriTcpExt, AsyncTcpStream, OwnedTLSConfig};
use lapin::{Channel, Connection, ConnectionProperties};
use tokio::time::timeout;

use super::config::AmqpConfig;
use super::error::AmqpError;

/// A longer goodbye than this is not waited for.
const GOODBYE: Duration = Duration::from_secs(5);

/// Connects once, within `connect_timeout_seconds`. The connection announces itself as `innfri` with
/// `purpose`, and does not recover by itself.
///
/// # Errors
/// [`AmqpError::Refused`] for wrong credentials or vhost, [`AmqpError::Unavailable`] for all that may
/// pass, and the errors of [`AmqpConfig::address`].
pub async fn open(config: &AmqpConfig, purpose: &str) -> Result<Connection, AmqpError> {
    let address = config.address()?;
    let place = format!("{}:{}", address.authority.host, address.authority.port);
    let cert_chain =
        match &config.ca_file {
            Some(path) => Some(tokio::fs::read_to_string(path).await.map_err(|error| {
                AmqpError::CaFile(format!("{}: {}", path.display(), error.kind()))
            })?),
            None => None,
        };
    let doing = format!("connecting to {place}");
    let runtime =
        lapin::runtime::default_runtime().map_err(|error| AmqpError::of(&doing, &error))?;
    let tls = OwnedTLSConfig { identity: None, cert_chain };
    let socket: Arc<OnceLock<OwnedFd>> = Arc::default();
    let kept = Arc::clone(&socket);
    let connecting = Connection::connector(
        address,
        runtime,
        async move |address, runtime| {
            let stream = address.connect_with_config_async(tls.as_ref(), &runtime).await?;
            if let AsyncTcpStream::Plain(plain) = &stream {
                let duplicate = plain.get_ref().as_fd().try_clone_to_owned()?;
                drop(kept.set(duplicate));
            }
            Ok(stream)
        },
        ConnectionProperties::default().with_connection_name(format!("innfri {purpose}").into()),
    );
    match timeout(config.connect_timeout(), connecting).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(AmqpError::of(&doing, &error)),
        Err(_) => {
            hang_up(&socket);
            Err(AmqpError::Unavailable(format!(
                "{place} did not answer within {} s",
                config.connect_timeout_seconds
            )))
        }
    }
}

/// Ends an attempt that was given up: lapin's thread would wait for ever for a place that accepts a
/// connection and then says nothing, and hold megabytes of buffers.
fn hang_up(socket: &OnceLock<OwnedFd>) {
    if let Some(Ok(duplicate)) = socket.get().map(OwnedFd::try_clone) {
        drop(TcpStream::from(duplicate).shutdown(Shutdown::Both));
    }
}

/// Opens a channel, within `connect_timeout_seconds`.
///
/// # Errors
/// [`AmqpError::Unavailable`] when the connection is gone or does not answer.
pub async fn channel(connection: &Connection, config: &AmqpConfig) -> Result<Channel, AmqpError> {
    within(config, "opening a channel", connection.create_channel()).await
}

/// Waits for an answer of RabbitMQ, within `connect_timeout_seconds`.
pub(super) async fn within<T>(
    config: &AmqpConfig,
    doing: &str,
    call: impl Future<Output = lapin::Result<T>>,
) -> Result<T, AmqpError> {
    match timeout(config.connect_timeout(), call).await {
        Ok(answer) => answer.map_err(|error| AmqpError::of(doing, &error)),
        Err(_) => Err(AmqpError::Unavailable(format!(
            "{doing}: no answer within {} s",
            config.connect_timeout_seconds
        ))),
    }
}

/// Closes a connection in good order if that is possible within a few seconds; what cannot be closed
/// so is dropped.
pub async fn close(connection: &Connection) {
    if let Ok(Err(error)) = timeout(GOODBYE, connection.close(200, "goodbye".into())).await {
        tracing::debug!(%error, "the connection was gone before it was closed");
    }
}

/// The pauses between attempts: each up to twice the one before, with jitter, so that many processes
/// do not come back at the same instant.
#[derive(Debug)]
pub(super) struct Backoff {
    first: u64,
    longest: u64,
    next: u64,
}

impl Backoff {
    /// Pauses from `first` to `longest`, in milliseconds.
    pub(super) fn new(first: u64, longest: u64) -> Self {
        let first = first.max(1);
        Self { first, longest: longest.max(first), next: first }
    }

    /// Pauses between attempts to connect.
    pub(super) fn of(config: &AmqpConfig) -> Self {
        Self::new(config.reconnect_first_ms, config.reconnect_longest_seconds.saturating_mul(1000))
    }

    /// The next pause: between half of it and all of it.
    pub(super) fn pause(&mut self) -> Duration {
        let whole = self.next;
        self.next = whole.saturating_mul(2).min(self.longest);
        Duration::from_millis(rand::random_range(whole / 2..=whole))
    }

    /// Starts over, after a success.
    pub(super) const fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::kernel::Secret;

    #[test]
    fn pauses_grow_to_the_longest_and_start_over() {
        let mut backoff = Backoff::new(100, 1000);
        let pauses: Vec<u128> = (0..6).map(|_| backoff.pause().as_millis()).collect();
        for (pause, whole) in pauses.iter().zip([100, 200, 400, 800, 1000, 1000]) {
            assert!((whole / 2..=whole).contains(pause), "{pauses:?}");
        }
        backoff.reset();
        assert!(backoff.pause().as_millis() <= 100);
    }

    #[tokio::test]
    async fn a_place_where_nobody_listens_is_unavailable() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let config = AmqpConfig::new(Secret::new(format!("amqp://me:hunter2@127.0.0.1:{port}/v")));
        let error = open(&config, "test").await.unwrap_err();
        assert!(matches!(error, AmqpError::Unavailable(_)), "{error}");
        assert!(!error.to_string().contains("hunter2"));
    }

    #[tokio::test]
    async fn a_place_that_never_answers_is_given_up_and_hung_up_on() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = Secret::new(format!("amqp://me@127.0.0.1:{port}/v"));
        let config = AmqpConfig { connect_timeout_seconds: 1, ..AmqpConfig::new(url) };
        let error = open(&config, "test").await.unwrap_err();
        assert!(error.to_string().contains("did not answer"), "{error}");
        let (mut accepted, _) = listener.accept().unwrap();
        accepted.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut said = Vec::new();
        accepted.read_to_end(&mut said).unwrap();
        assert!(said.starts_with(b"AMQP"));
    }
}

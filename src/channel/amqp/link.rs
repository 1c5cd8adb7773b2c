//! A connection that is always there or being made again: one background task keeps it, everybody
//! else asks what there is now and never waits.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use lapin::{Connection, Event};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::config::AmqpConfig;
use super::connection::{self, Backoff};
use super::error::AmqpError;
use super::metrics::Metrics;

/// How often a connection is asked whether it still stands, besides what it reports by itself.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A supervised connection. It goes with this value.
#[derive(Debug)]
pub(super) struct Link {
    state: watch::Receiver<State>,
    suspect: Arc<Notify>,
    _keeper: JoinSet<()>,
}

/// What there is now.
#[derive(Debug, Clone)]
enum State {
    Down(AmqpError),
    Up(Live),
}

/// A connection that stood when it was asked for.
#[derive(Debug, Clone)]
pub(super) struct Live {
    /// Counts connections: what belongs to another number is worthless.
    pub(super) generation: u64,
    /// The connection.
    pub(super) connection: Arc<Connection>,
}

impl Link {
    /// Starts to connect. Must be called within a tokio runtime.
    pub(super) fn start(config: AmqpConfig, purpose: &'static str, metrics: Metrics) -> Self {
        let connecting = AmqpError::Unavailable("the first connection is being made".into());
        let (sender, state) = watch::channel(State::Down(connecting));
        let suspect = Arc::new(Notify::new());
        let mut keeper = JoinSet::new();
        keeper.spawn(keep(config, purpose, sender, Arc::clone(&suspect), metrics));
        Self { state, suspect, _keeper: keeper }
    }

    /// The connection, if there is one now.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn live(&self) -> Result<Live, AmqpError> {
        match &*self.state.borrow() {
            State::Up(live) if live.connection.status().connected() => Ok(live.clone()),
            State::Up(_) => Err(AmqpError::Unavailable("the connection has just gone".into())),
            State::Down(error) => Err(error.clone()),
        }
    }

    /// Waits for a connection.
    ///
    /// # Errors
    /// At once when waiting cannot help (wrong credentials, say); else why there is still none.
    pub(super) async fn ready(&self, patience: Duration) -> Result<(), AmqpError> {
        let mut state = self.state.clone();
        let known = |state: &State| match state {
            State::Up(_) => true,
            State::Down(error) => match error {
                AmqpError::Setting { .. } | AmqpError::CaFile(_) | AmqpError::Refused(_) => true,
                AmqpError::Unavailable(_)
                | AmqpError::Topology { .. }
                | AmqpError::Unroutable(_)
                | AmqpError::Nacked(_)
                | AmqpError::Unconfirmed(_)
                | AmqpError::Unreadable(_) => false,
            },
        };
        let in_time = timeout(patience, state.wait_for(known)).await;
        drop(in_time);
        self.live().map(|_| ())
    }

    /// Says that the connection does not answer: it is torn down and made again.
    pub(super) fn suspect(&self) {
        self.suspect.notify_one();
    }
}

/// Connects for ever.
async fn keep(
    config: AmqpConfig,
    purpose: &'static str,
    state: watch::Sender<State>,
    suspect: Arc<Notify>,
    metrics: Metrics,
) {
    let mut backoff = Backoff::of(&config);
    for generation in 0_u64.. {
        match connection::open(&config, purpose).await {
            Ok(connection) => {
                let connection = Arc::new(connection);
                let live = Live { generation, connection: Arc::clone(&connection) };
                state.send_replace(State::Up(live));
                tracing::info!(purpose, "connected to RabbitMQ");
                let connected = metrics.connected(purpose);
                backoff.reset();
                let error = gone(&connection, &suspect).await;
                drop(connected);
                tracing::warn!(purpose, %error, "lost the connection to RabbitMQ");
                state.send_replace(State::Down(error));
                connection::close(&connection).await;
            }
            Err(error) => {
                tracing::warn!(purpose, %error, "cannot connect to RabbitMQ; trying again");
                state.send_replace(State::Down(error));
            }
        }
        sleep(backoff.pause()).await;
    }
}

/// Waits until a connection is of no use any more, and says why.
async fn gone(connection: &Connection, suspect: &Notify) -> AmqpError {
    let mut events = std::pin::pin!(connection.events_listener());
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            () = suspect.notified() => {
                return AmqpError::Unavailable("the connection did not answer".into());
            }
            () = sleep(LOOK_EVERY) => None,
        };
        match event {
            Some(Event::Error(error)) => return AmqpError::of("keeping the connection", &error),
            Some(Event::ConnectionBlocked(reason)) => {
                tracing::warn!(reason, "RabbitMQ blocks publishers");
            }
            Some(Event::ConnectionUnblocked) => tracing::info!("RabbitMQ takes messages again"),
            // lapin may tell of other things in any version; what counts is the look below.
            Some(_) | None => {}
        }
        if !connection.status().connected() {
            return AmqpError::Unavailable("the connection was closed".into());
        }
    }
}

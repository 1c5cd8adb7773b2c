//! The parts that every installation has, put together: contract, journal, directory, exchange.

use std::sync::Arc;

use tokio::sync::watch;
use uuid::Uuid;

use super::config::Settings;
use crate::contract::{Contract, ContractError};
use crate::directory::Directory;
use crate::exchange::{self, Exchange, Parts, Work};
use crate::journal::seal::NullSeal;
use crate::journal::{self, OpenError, Whole};
use crate::port::{Audit, Bell, Clock, Journal, Letters, SystemClock, Tokens};
use crate::source::file;

use super::roll::{Roll, RollError};
use super::senders::WayError;
use super::watch::Metrics;

/// Why an installation could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum CoreError {
    /// The schemas that are compiled in do not hold.
    #[error(transparent)]
    Contract(#[from] ContractError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] OpenError),
    /// The directory.
    #[error(transparent)]
    Directory(#[from] RollError),
    /// A way that the directory names.
    #[error(transparent)]
    Way(#[from] WayError),
}

/// The parts that every installation has.
pub struct Core {
    /// The durable record.
    pub journal: Arc<dyn Journal>,
    /// The record of dead letters and of what people did, attempts to reach what is another's included; in
    /// the same store.
    pub letters: Arc<dyn Letters>,
    /// The chain of events and its sealed days.
    pub audit: Arc<dyn Audit>,
    /// With what operators sign in over HTTP.
    pub tokens: Arc<dyn Tokens>,
    /// Where channels hand in what arrives.
    pub exchange: Exchange,
    /// The tasks that decide and deliver.
    pub work: Work,
    /// Where the directory comes from.
    pub roll: Roll,
    /// Swaps the directory.
    pub directory: watch::Sender<Arc<Directory>>,
    /// Wakes whoever waits for a case, or for post to collect.
    pub bell: Bell,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// What every room counts and times.
    pub metrics: Metrics,
    /// The name of this process in leases.
    pub process: Uuid,
}

/// Puts the parts together.
///
/// # Errors
/// When one cannot be used; the error says what to do.
pub async fn assemble(settings: &Settings) -> Result<Core, CoreError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let contract = Arc::new(Contract::new(settings.limits)?);
    let file = file::load(&settings.directory.file).map_err(RollError::from)?;
    let Whole { journal, letters, audit, tokens, copies } =
        journal::open_whole(&settings.journal, Arc::new(NullSeal)).await?;
    let roll = Roll::around(file, settings, copies, Arc::clone(&clock)).await?;
    let (directory, current) = watch::channel(Arc::new(roll.directory()?));
    let process = process_name();
    let bell = Bell::default();
    let metrics = Metrics::default();
    let (exchange, work) = exchange::assemble(Parts {
        journal: Arc::clone(&journal),
        contract,
        directory: current,
        clock: Arc::clone(&clock),
        environment: settings.environment,
        config: settings.exchange.clone(),
        bell: bell.clone(),
        metrics: metrics.exchange.clone(),
        process,
    });
    Ok(Core {
        journal,
        letters,
        audit,
        tokens,
        exchange,
        work,
        roll,
        directory,
        bell,
        clock,
        metrics,
        process,
    })
}

/// Another name for each start, so that what an earlier one claimed is not taken for ours.
#[expect(clippy::disallowed_methods, reason = "a process has no content to derive a name from")]
fn process_name() -> Uuid {
    Uuid::new_v4()
}

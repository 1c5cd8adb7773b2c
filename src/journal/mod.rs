//! The journal's two stores: SQLite, in one file, and PostgreSQL, shared by many processes.
//!
//! Both keep the same tables and run the same statements: `write` and `read` say what is kept and
//! found, `row` how a value becomes a row and back, `sqlite` and `postgres` how a connection is had.
//! What callers see is `port::journal::Journal`.

mod audit;
mod columns;
pub mod config;
mod copies;
pub mod error;
mod kept;
mod letters;
pub mod metrics;
mod postgres;
mod read;
mod row;
pub mod seal;
mod sqlite;
mod store;
mod together;
mod tokens;
mod write;

use std::sync::Arc;
use std::time::Duration;

use kept::Kept;
use postgres::Postgres;
use seal::{NullSeal, Seal};
use sqlite::Sqlite;

pub use config::JournalConfig;
pub use error::OpenError;
pub use metrics::{Metrics, Sample};

use crate::port::{Audit, DirectoryCopies, Journal, Letters, Tokens};

/// Opens the journal, and makes or updates its tables first where that is needed. Processes that start
/// together wait for each other. Payloads are kept as they are.
///
/// # Errors
/// When the settings are wrong or the store cannot be used, saying what to do about it.
pub async fn open(config: &JournalConfig) -> Result<Arc<dyn Journal>, OpenError> {
    open_sealed(config, Arc::new(NullSeal)).await
}

/// As [`open`], with payloads kept under a seal. It must be the one they were sealed with.
///
/// # Errors
/// As for [`open`].
pub async fn open_sealed(
    config: &JournalConfig,
    seal: Arc<dyn Seal>,
) -> Result<Arc<dyn Journal>, OpenError> {
    Ok(open_whole(config, seal).await?.journal)
}

/// All that a journal is good for, over the same connections.
pub struct Whole {
    /// The durable record.
    pub journal: Arc<dyn Journal>,
    /// What operators do about dead letters.
    pub letters: Arc<dyn Letters>,
    /// The chain of events and its sealed days.
    pub audit: Arc<dyn Audit>,
    /// With what operators sign in.
    pub tokens: Arc<dyn Tokens>,
    /// The last good copies of directories that others keep.
    pub copies: Arc<dyn DirectoryCopies>,
}

/// As [`open_sealed`], and with it all else that the store keeps.
///
/// # Errors
/// As for [`open`].
pub async fn open_whole(config: &JournalConfig, seal: Arc<dyn Seal>) -> Result<Whole, OpenError> {
    if config.max_connections == 0 {
        return Err(OpenError::TooSmall("max_connections"));
    }
    if config.acquire_timeout_seconds == 0 {
        return Err(OpenError::TooSmall("acquire_timeout_seconds"));
    }
    let patience = Duration::from_secs(config.acquire_timeout_seconds);
    let url = config.url.expose();
    if let Some(path) = url.strip_prefix("sqlite:") {
        let store = Sqlite::open(path, config.max_connections, patience).await?;
        Ok(whole(Kept::new(store, seal)))
    } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        let store = Postgres::open(url, config.max_connections, patience).await?;
        Ok(whole(Kept::new(store, seal)))
    } else {
        Err(OpenError::Address)
    }
}

/// Opens the journal for its audit, beside whoever works on it: two connections at most.
///
/// # Errors
/// As for [`open`].
pub async fn open_audit(config: &JournalConfig) -> Result<Arc<dyn Audit>, OpenError> {
    Ok(open_beside(config).await?.audit)
}

/// Opens the journal for the tokens of operators, beside whoever works on it: two connections at most.
///
/// # Errors
/// As for [`open`].
pub async fn open_tokens(config: &JournalConfig) -> Result<Arc<dyn Tokens>, OpenError> {
    Ok(open_beside(config).await?.tokens)
}

/// Opens the journal for the copies of directories, beside whoever works on it: two connections at most.
///
/// # Errors
/// As for [`open`].
pub async fn open_copies(config: &JournalConfig) -> Result<Arc<dyn DirectoryCopies>, OpenError> {
    Ok(open_beside(config).await?.copies)
}

async fn open_beside(config: &JournalConfig) -> Result<Whole, OpenError> {
    let config = JournalConfig { max_connections: config.max_connections.min(2), ..config.clone() };
    open_whole(&config, Arc::new(NullSeal)).await
}

fn whole<S: store::Store>(kept: Kept<S>) -> Whole {
    let kept = Arc::new(kept);
    Whole {
        journal: Arc::<Kept<S>>::clone(&kept),
        letters: Arc::<Kept<S>>::clone(&kept),
        audit: Arc::<Kept<S>>::clone(&kept),
        tokens: Arc::<Kept<S>>::clone(&kept),
        copies: kept,
    }
}

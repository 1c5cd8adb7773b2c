//! How innfri is watched: `/healthz`, `/readyz` and `/metrics`, on an address of their own, which is not
//! for participants. Nobody signs in here, so nothing here tells of addresses, secrets or persons.

pub mod config;
mod listen;
mod routes;

use async_trait::async_trait;

pub use config::WatchConfig;
pub use listen::{Watch, WatchError};
pub use routes::router;

/// Tells whether this process can do its work. Implemented where the parts are put together.
#[async_trait]
pub trait Readiness: Send + Sync {
    /// The parts that are not there now, by their names; none when all are.
    async fn missing(&self) -> Vec<&'static str>;
}

//! The only place that knows everybody: settings, putting the parts together, tasks, stopping.

mod beyond;
pub mod broker;
pub mod config;
pub mod core;
pub mod http;
mod reload;
pub mod roll;
pub mod senders;
pub mod task;
pub mod watch;

pub use broker::serve;
pub use config::Settings;

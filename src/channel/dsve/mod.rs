//! DSVE's members beyond Altinn: what innfri owes them goes out as XML in ZIP files, and what they send
//! comes in as any other channel's messages.
//!
//! `channel/altinn` carries files and knows nothing of what is in them; [`crate::dsve`] reads and writes
//! them and does no I/O. Here the two meet: [`Receiver`] keeps what arrives before it is confirmed,
//! [`AltinnSender`] finds out in whose name a message goes and by which reference it is found again, and
//! [`Lookout`] looks for new files again and again.

mod arrival;
mod case;
mod lookout;
pub mod metrics;
mod receiver;
mod sender;
mod way;

pub use lookout::Lookout;
pub use metrics::Metrics;
pub use receiver::Receiver;
pub use sender::AltinnSender;

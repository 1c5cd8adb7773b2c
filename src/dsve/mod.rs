//! DSVE on the wire: XML in a ZIP file, as the messages travel through Altinn.
//!
//! Bytes in, bytes out; nothing here does I/O. [`read_file`] and [`write_file`] are the way in and out
//! for whoever carries whole files: a message, or a bank's no.

pub mod archive;
mod file;
pub mod name;
pub mod status;
pub mod xml;

pub use archive::ArchiveLimits;
pub use file::{Arrival, Arrived, FileLimits, Nack, Outgoing, Sending, read_file, write_file};
pub use status::DsveStatus;

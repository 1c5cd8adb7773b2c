//! The last good copy of a directory that somebody else keeps (AKELDO), so that innfri starts and routes
//! while that one is away. Only the newest is kept.
//!
//! A directory lists organisations and holds no personal data, so copies are not sealed.

use async_trait::async_trait;
use jiff::Timestamp;

use super::JournalError;

/// A directory as it came from its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryCopy {
    /// The kind of source, such as `akeldo`: one copy is kept of each.
    pub source: String,
    /// The address it came from, without any password.
    pub url: String,
    /// When it came.
    pub taken_at: Timestamp,
    /// How many of its entries could be used.
    pub entries: u64,
    /// The bytes, as they came.
    pub body: Vec<u8>,
}

/// Keeps the last good copy of each source.
#[async_trait]
pub trait DirectoryCopies: Send + Sync {
    /// Keeps a copy in the place of the one before. `false`, and nothing changes, when the one that is
    /// kept is newer: another process was faster.
    ///
    /// # Errors
    /// When the journal is away.
    async fn keep(&self, copy: &DirectoryCopy) -> Result<bool, JournalError>;

    /// The copy of this source.
    ///
    /// # Errors
    /// When the journal is away, or what it holds cannot be read.
    async fn last(&self, source: &str) -> Result<Option<DirectoryCopy>, JournalError>;

    /// When the copy of this source came; cheaper than the copy.
    ///
    /// # Errors
    /// As for [`DirectoryCopies::last`].
    async fn taken_at(&self, source: &str) -> Result<Option<Timestamp>, JournalError>;
}

//! What the two stores do differently, and nothing else: how a connection is had and how many rows
//! are bound to a statement. All statements are written once, in `write` and `read`.

use async_trait::async_trait;

use super::columns::{Columns, Readable};
use super::error::Fault;
use super::write::Group;

/// A statement with a place for rows: `head`, the rows, `tail`.
pub(super) struct Statement {
    /// The table it is about, for messages.
    pub(super) table: &'static str,
    /// What stands before the rows.
    pub(super) head: String,
    /// What stands behind them.
    pub(super) tail: String,
}

impl Statement {
    /// Inserts the rows.
    pub(super) fn insert<R: Columns>(tail: &str) -> Self {
        let head = format!("INSERT INTO {} ({}) ", R::TABLE, R::COLUMNS.join(", "));
        Self { table: R::TABLE, head, tail: format!(" {tail}") }
    }

    /// Does something with the rows, which go by the name `given`.
    pub(super) fn with<R: Columns>(tail: &str) -> Self {
        let head = format!("WITH given ({}) AS (", R::COLUMNS.join(", "));
        Self { table: R::TABLE, head, tail: format!(") {tail}") }
    }
}

/// A connection that runs statements.
#[async_trait]
pub(super) trait Session: Send {
    /// Runs a statement for these rows and gives what it returns; for no rows, nothing is run.
    async fn run<R: Columns, O: Readable>(
        &mut self,
        statement: &Statement,
        rows: &[R],
    ) -> Result<Vec<O>, Fault>;

    /// Runs a statement that takes no rows.
    async fn plain<O: Readable>(&mut self, sql: &'static str) -> Result<Vec<O>, Fault>;
}

/// One of the two stores.
#[async_trait]
pub(super) trait Store: Send + Sync + 'static {
    /// How a row is locked by the process that claims it, so that others pass it by.
    const CLAIM_LOCK: &'static str;
    /// What a transaction that seals a day runs first, so that nobody adds to the day meanwhile.
    const SEALING_LOCK: &'static str;
    /// Tells how many bytes are in use.
    const SIZE: &'static str;
    /// A connection to read with.
    type Reader: Session;
    /// A transaction to write in. Dropped without [`Store::commit`], it leaves nothing behind.
    type Writer: Session;

    /// Waits for a connection to read with.
    async fn read(&self) -> Result<Self::Reader, Fault>;

    /// Waits for a connection to write with and begins a transaction.
    async fn write(&self) -> Result<Self::Writer, Fault>;

    /// As [`Store::write`], for what a crash of the server may undo within its last second: that a delivery
    /// arrived, say. It then goes out again with the same id, as when the process had died before recording it.
    async fn write_lightly(&self) -> Result<Self::Writer, Fault> {
        self.write().await
    }

    /// Makes a transaction durable.
    async fn commit(&self, writer: Self::Writer) -> Result<(), Fault>;

    /// Commits a group in one go, where the store has a shorter way for what collides with nothing. `false`
    /// when it has none, or when something collides; then nothing was kept.
    async fn commit_at_once(&self, _group: &Group) -> Result<bool, Fault> {
        Ok(false)
    }

    /// Undoes a transaction at once, so that nobody waits for its locks.
    async fn roll_back(&self, writer: Self::Writer) -> Result<(), Fault>;
}

//! The journal in one SQLite file, for one process and small installations.
//!
//! One connection writes, since SQLite lets only one write at a time and waiting in our own queue is
//! fair; others read. `synchronous = FULL` makes every commit durable before it is acknowledged.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, QueryBuilder, Transaction};

use super::columns::{Columns, Readable};
use super::error::{Fault, OpenError};
use super::store::{Session, Statement, Store};

static MIGRATIONS: Migrator = sqlx::migrate!("src/journal/sqlite/migrations");

/// How long to wait for another process that writes.
const BUSY: Duration = Duration::from_secs(10);

/// SQLite takes at most 32 766 parameters in one statement.
const PARAMETERS: usize = 32_000;

/// The store.
pub(super) struct Sqlite {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Sqlite {
    /// Opens the file at a path, making it first where there is none.
    pub(super) async fn open(
        path: &str,
        readers: u32,
        patience: Duration,
    ) -> Result<Self, OpenError> {
        let path = PathBuf::from(path.strip_prefix("//").unwrap_or(path));
        if path.as_os_str().is_empty() || path.starts_with(":memory:") {
            return Err(OpenError::Address);
        }
        make_private(&path).await?;
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .disable_statement_logging();
        migrate(&path, &options).await?;

        let pool = || {
            SqlitePoolOptions::new()
                .acquire_timeout(patience)
                .idle_timeout(None)
                .max_lifetime(None)
                .test_before_acquire(false)
        };
        let writer = pool().max_connections(1).connect_lazy_with(options.clone());
        let readers = pool().max_connections(readers).connect_lazy_with(options.read_only(true));
        Ok(Self { writer, readers })
    }
}

/// Makes the file so that only its owner can read it: it holds personal data. SQLite gives the files
/// beside it the same permissions.
async fn make_private(path: &Path) -> Result<(), OpenError> {
    let mut options = tokio::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    options.mode(0o600);
    let made = options.open(path).await;
    made.map(drop).map_err(|source| OpenError::File { path: path.to_owned(), source })
}

/// Brings the tables up to date. All of it is one transaction that takes the write lock first, so that
/// of two processes that start together the second finds the work done.
async fn migrate(path: &Path, options: &SqliteConnectOptions) -> Result<(), OpenError> {
    let unusable = |source| OpenError::Sqlite { path: path.to_owned(), source };
    let mut connection = connect_patiently(options).await.map_err(unusable)?;
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(unusable)?;
    MIGRATIONS.run_direct(None, &mut *transaction, false).await?;
    transaction.commit().await.map_err(unusable)?;
    connection.close().await.map_err(unusable)
}

/// Connects. SQLite does not wait for its lock while it turns on the write-ahead log; a process that
/// starts at the same time may be doing just that.
async fn connect_patiently(
    options: &SqliteConnectOptions,
) -> Result<SqliteConnection, sqlx::Error> {
    const PAUSE: Duration = Duration::from_millis(50);
    let mut waited = Duration::ZERO;
    loop {
        match options.connect().await {
            Err(sqlx::Error::Database(error))
                if waited < BUSY && error.code().as_deref() == Some("5") =>
            {
                tokio::time::sleep(PAUSE).await;
                waited += PAUSE;
            }
            other => return other,
        }
    }
}

/// Runs a statement in as many parts as its parameters need; nearly always one.
async fn run<R: Columns, O: Readable>(
    connection: &mut SqliteConnection,
    statement: &Statement,
    rows: &[R],
) -> Result<Vec<O>, Fault> {
    let mut returned = Vec::new();
    for part in rows.chunks(PARAMETERS / R::COLUMNS.len().max(1)) {
        let mut query = QueryBuilder::new(statement.head.as_str());
        R::push_tuples(part, &mut query);
        query.push(&statement.tail);
        let found = query.build_query_as::<O>().fetch_all(&mut *connection).await;
        returned.extend(found.map_err(|error| Fault::of(statement.table, error))?);
    }
    Ok(returned)
}

async fn plain<O: Readable>(
    connection: &mut SqliteConnection,
    sql: &'static str,
) -> Result<Vec<O>, Fault> {
    let rows = sqlx::query_as::<_, O>(sql).fetch_all(connection).await;
    rows.map_err(|error| Fault::of("journal", error))
}

#[async_trait]
impl Session for PoolConnection<sqlx::Sqlite> {
    async fn run<R: Columns, O: Readable>(
        &mut self,
        statement: &Statement,
        rows: &[R],
    ) -> Result<Vec<O>, Fault> {
        run(&mut *self, statement, rows).await
    }

    async fn plain<O: Readable>(&mut self, sql: &'static str) -> Result<Vec<O>, Fault> {
        plain(&mut *self, sql).await
    }
}

#[async_trait]
impl Session for Transaction<'static, sqlx::Sqlite> {
    async fn run<R: Columns, O: Readable>(
        &mut self,
        statement: &Statement,
        rows: &[R],
    ) -> Result<Vec<O>, Fault> {
        run(&mut *self, statement, rows).await
    }

    async fn plain<O: Readable>(&mut self, sql: &'static str) -> Result<Vec<O>, Fault> {
        plain(&mut *self, sql).await
    }
}

#[async_trait]
impl Store for Sqlite {
    // The whole file is locked by whoever writes.
    const CLAIM_LOCK: &'static str = "";
    const SEALING_LOCK: &'static str = "SELECT 1";
    const SIZE: &'static str = "SELECT (pages.page_count - free.freelist_count) * size.page_size \
        FROM pragma_page_count pages, pragma_freelist_count free, pragma_page_size size";
    type Reader = PoolConnection<sqlx::Sqlite>;
    type Writer = Transaction<'static, sqlx::Sqlite>;

    async fn read(&self) -> Result<Self::Reader, Fault> {
        self.readers.acquire().await.map_err(|error| Fault::of("journal", error))
    }

    async fn write(&self) -> Result<Self::Writer, Fault> {
        // A transaction that begins by reading could not wait for the lock later.
        let begun = self.writer.begin_with("BEGIN IMMEDIATE").await;
        begun.map_err(|error| Fault::of("journal", error))
    }

    async fn commit(&self, writer: Self::Writer) -> Result<(), Fault> {
        writer.commit().await.map_err(|error| Fault::of("journal", error))
    }

    async fn roll_back(&self, writer: Self::Writer) -> Result<(), Fault> {
        writer.rollback().await.map_err(|error| Fault::of("journal", error))
    }
}

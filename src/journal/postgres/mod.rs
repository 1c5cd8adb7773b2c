//! The journal in PostgreSQL 13 or newer, shared by any number of processes.
//!
//! `synchronous_commit` is left on: a commit is durable before it is acknowledged. Only what became of attempts
//! is recorded without waiting for the disk. A connection that
//! died is noticed before it is used again, and replaced.

mod at_once;

use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, QueryBuilder, Transaction};

use super::columns::{Columns, Readable};
use super::error::{Fault, OpenError};
use super::store::{Session, Statement, Store};
use super::write::Group;

static MIGRATIONS: Migrator = sqlx::migrate!("src/journal/postgres/migrations");

/// The oldest version that is supported, as the server counts them.
const OLDEST: i32 = 130_000;

/// Limits that the server keeps for us: on one statement, on waiting for a lock, and on a transaction
/// that its process has forgotten; how soon it notices that our machine is gone; and that a row is found by its
/// key. With the server's usual costs, those of turning discs, it reads whole tables for each group as long as
/// they are not very large.
const SESSION: [(&str, &str); 7] = [
    ("statement_timeout", "20s"),
    ("lock_timeout", "10s"),
    ("idle_in_transaction_session_timeout", "60s"),
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
    ("random_page_cost", "1.1"),
];

/// The store.
pub(super) struct Postgres {
    pool: PgPool,
    /// For what may be lost in a crash of the server: see [`Store::write_lightly`].
    light: PgPool,
}

impl Postgres {
    /// Opens the database at an address.
    pub(super) async fn open(
        url: &str,
        connections: u32,
        patience: Duration,
    ) -> Result<Self, OpenError> {
        let options = PgConnectOptions::from_str(url)
            .map_err(|_| OpenError::Address)?
            .application_name("innfri")
            .disable_statement_logging();
        migrate(&options, patience).await?;
        let options = options.options(SESSION);
        let pool = |connections| {
            PgPoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(patience)
                .test_before_acquire(true)
                // The driver asks a connection for a sign of life when it is given back, without limit:
                // an unplugged server would keep the place in the pool for a quarter of an hour.
                .after_release(move |connection, _| {
                    Box::pin(async move {
                        match tokio::time::timeout(patience, connection.ping()).await {
                            Ok(alive) => alive.map(|()| true),
                            Err(_) => Err(sqlx::Error::PoolTimedOut),
                        }
                    })
                })
        };
        let light =
            pool(1).connect_lazy_with(options.clone().options([("synchronous_commit", "off")]));
        Ok(Self { pool: pool(connections).connect_lazy_with(options), light })
    }
}

/// Host, port and database, to name a server by.
fn place_of(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    format!("{}:{}/{database}", options.get_host(), options.get_port())
}

fn not_connected(options: &PgConnectOptions, error: sqlx::Error) -> OpenError {
    let place = place_of(options);
    let code = match &error {
        sqlx::Error::Database(database) => database.code().map(std::borrow::Cow::into_owned),
        _ => None,
    };
    match code {
        // It starts, stops, or has no connection free: it will answer.
        Some(code) if ["57P", "53300"].iter().any(|away| code.starts_with(away)) => {
            OpenError::Unreachable { place, source: error.into() }
        }
        Some(code) => OpenError::Refused { place, code, source: error },
        None => OpenError::Unreachable { place, source: error.into() },
    }
}

/// Checks the version and brings the tables up to date, on a connection without our usual limits. The
/// migrator takes an advisory lock, so processes that start together wait for each other.
async fn migrate(options: &PgConnectOptions, patience: Duration) -> Result<(), OpenError> {
    let failed = |error| not_connected(options, error);
    let mut connection = match tokio::time::timeout(patience, options.connect()).await {
        Ok(connected) => connected.map_err(failed)?,
        Err(elapsed) => {
            let place = place_of(options);
            return Err(OpenError::Unreachable { place, source: elapsed.into() });
        }
    };
    let version: i32 = sqlx::query_scalar("SELECT current_setting('server_version_num')::int")
        .fetch_one(&mut connection)
        .await
        .map_err(failed)?;
    if version < OLDEST {
        return Err(OpenError::TooOld { place: place_of(options), version: version / 10_000 });
    }
    MIGRATIONS.run_direct(None, &mut connection, false).await?;
    connection.close().await.map_err(failed)
}

async fn run<R: Columns, O: Readable>(
    connection: &mut PgConnection,
    statement: &Statement,
    rows: &[R],
) -> Result<Vec<O>, Fault> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = QueryBuilder::new(statement.head.as_str());
    R::push_arrays(rows, &mut query);
    query.push(&statement.tail);
    let found = query.build_query_as::<O>().fetch_all(connection).await;
    found.map_err(|error| Fault::of(statement.table, error))
}

async fn plain<O: Readable>(
    connection: &mut PgConnection,
    sql: &'static str,
) -> Result<Vec<O>, Fault> {
    let rows = sqlx::query_as::<_, O>(sql).fetch_all(connection).await;
    rows.map_err(|error| Fault::of("journal", error))
}

#[async_trait]
impl Session for PoolConnection<sqlx::Postgres> {
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
impl Session for Transaction<'static, sqlx::Postgres> {
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
impl Store for Postgres {
    const CLAIM_LOCK: &'static str = "FOR UPDATE SKIP LOCKED";
    const SIZE: &'static str = "SELECT pg_database_size(current_database())";
    const SEALING_LOCK: &'static str = "LOCK TABLE events IN SHARE ROW EXCLUSIVE MODE";
    type Reader = PoolConnection<sqlx::Postgres>;
    type Writer = Transaction<'static, sqlx::Postgres>;

    async fn read(&self) -> Result<Self::Reader, Fault> {
        self.pool.acquire().await.map_err(|error| Fault::of("journal", error))
    }

    async fn write(&self) -> Result<Self::Writer, Fault> {
        self.pool.begin().await.map_err(|error| Fault::of("journal", error))
    }

    async fn write_lightly(&self) -> Result<Self::Writer, Fault> {
        self.light.begin().await.map_err(|error| Fault::of("journal", error))
    }

    async fn commit_at_once(&self, group: &Group) -> Result<bool, Fault> {
        let mut connection = self.read().await?;
        at_once::commit(&mut connection, group).await
    }

    async fn commit(&self, writer: Self::Writer) -> Result<(), Fault> {
        writer.commit().await.map_err(|error| Fault::of("journal", error))
    }

    async fn roll_back(&self, writer: Self::Writer) -> Result<(), Fault> {
        writer.rollback().await.map_err(|error| Fault::of("journal", error))
    }
}

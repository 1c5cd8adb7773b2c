//! A fresh journal on one of the stores, and a way past it to the tables.

use std::sync::Arc;

use innfri::journal::JournalConfig;
use innfri::port::Journal;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::support::postgres::PostgreSql;

/// A fresh journal.
pub struct Bench {
    pub journal: Arc<dyn Journal>,
    pub config: JournalConfig,
    directory: Option<TempDir>,
}

/// One server for all tests of this crate; each has a database of its own.
async fn server() -> &'static PostgreSql {
    static SERVER: OnceCell<PostgreSql> = OnceCell::const_new();
    SERVER.get_or_init(PostgreSql::start).await
}

/// Many tests share the server, and the machine may be slow.
pub fn patient(url: String) -> JournalConfig {
    JournalConfig { max_connections: 4, acquire_timeout_seconds: 60, ..JournalConfig::at(url) }
}

impl Bench {
    pub async fn sqlite() -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("innfri.db");
        let config = patient(format!("sqlite:{}", path.display()));
        Self { journal: open(&config).await, config, directory: Some(directory) }
    }

    pub async fn postgres() -> Self {
        let config = patient(server().await.create_database().await);
        Self { journal: open(&config).await, config, directory: None }
    }

    /// Closes the journal and opens it again.
    pub async fn reopened(self) -> Self {
        let Self { journal, config, directory } = self;
        drop(journal);
        Self { journal: open(&config).await, config, directory }
    }

    /// Runs a statement past the journal.
    pub async fn raw(&self, sql: &str) -> Result<(), sqlx::Error> {
        let url = self.config.url.expose();
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        if url.starts_with("sqlite:") {
            let mut connection = SqliteConnection::connect(url).await?;
            sql.execute(&mut connection).await?;
        } else {
            let mut connection = PgConnection::connect(url).await?;
            sql.execute(&mut connection).await?;
        }
        Ok(())
    }
}

pub async fn open(config: &JournalConfig) -> Arc<dyn Journal> {
    innfri::journal::open(config).await.unwrap()
}

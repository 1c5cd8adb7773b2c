//! What can go wrong with a store, sorted by what can be done about it.

use std::path::PathBuf;

use crate::port::JournalError;

/// Why a journal could not be opened, and what to do. Never shows a password.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address is of no known form.
    #[error(
        "journal.url is not understood: write sqlite:<path of a file> or \
         postgres://<user>:<password>@<host>/<database>"
    )]
    Address,
    /// A number is too small.
    #[error("journal.{0} must be 1 or more")]
    TooSmall(&'static str),
    /// The file cannot be made or opened.
    #[error(
        "the journal's file {path} cannot be opened for writing: its directory must exist, and the \
         file must belong to the user that runs innfri"
    )]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The file is there but is not a database of innfri, or another process holds it.
    #[error(
        "the journal's file {path} cannot be used: check that it is an SQLite file on a local disk \
         and that no other program keeps it locked"
    )]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: sqlx::Error,
    },
    /// The server does not answer.
    #[error(
        "PostgreSQL at {place} cannot be reached: check that it runs and that host, port and \
         database in journal.url are right"
    )]
    Unreachable {
        /// Host, port and database.
        place: String,
        /// What the driver says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server answers and says no.
    #[error(
        "PostgreSQL at {place} refuses the connection (SQLSTATE {code}): check user, password and \
         database in journal.url"
    )]
    Refused {
        /// Host, port and database.
        place: String,
        /// The SQLSTATE code.
        code: String,
        /// What the server says.
        #[source]
        source: sqlx::Error,
    },
    /// The server is too old.
    #[error("PostgreSQL at {place} is version {version}; innfri needs 13 or newer")]
    TooOld {
        /// Host, port and database.
        place: String,
        /// Its major version.
        version: i32,
    },
    /// The tables were made by a newer innfri.
    #[error(
        "the journal was written by a newer innfri (it has migration {0}); run that one, or a newer"
    )]
    Newer(i64),
    /// The tables could not be made or brought up to date.
    #[error(
        "the journal's tables could not be brought up to date: the user of journal.url must be \
         allowed to create tables, and the tables must not be changed by hand"
    )]
    Migration(#[source] sqlx::migrate::MigrateError),
}

impl From<sqlx::migrate::MigrateError> for OpenError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        if let sqlx::migrate::MigrateError::VersionMissing(version) = error {
            Self::Newer(version)
        } else {
            Self::Migration(error)
        }
    }
}

/// Why a statement failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// It collided with another transaction and was undone; it may succeed at once.
    Collided(sqlx::Error),
    /// The store cannot be reached or written now.
    Down(Box<dyn std::error::Error + Send + Sync>),
    /// What the store holds, or says, makes no sense. The text names table and row.
    Unreadable(String),
}

impl From<Fault> for JournalError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Collided(error) => Self::Unavailable(error.into()),
            Fault::Down(error) => Self::Unavailable(error),
            Fault::Unreadable(what) => Self::Corrupt(what),
        }
    }
}

impl Fault {
    /// Sorts what the driver says about a statement on a table.
    pub(super) fn of(table: &str, error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) => {
                let code = database.code().unwrap_or_default().into_owned();
                // SQLSTATE has five characters; SQLite's result codes are numbers below 10 000.
                let postgres = code.len() == 5;
                match (postgres, code.parse::<u32>()) {
                    (false, Ok(number)) => Self::of_sqlite(table, number, error),
                    (true, _) | (false, Err(_)) => Self::of_postgres(table, &code, error),
                }
            }
            sqlx::Error::ColumnDecode { index, .. } => {
                Self::Unreadable(format!("{table}: column {index}"))
            }
            sqlx::Error::ColumnNotFound(column) => {
                Self::Unreadable(format!("{table}: no column {column}"))
            }
            sqlx::Error::Decode(_) | sqlx::Error::TypeNotFound { .. } => {
                Self::Unreadable(format!("{table}: a row of an unknown form"))
            }
            // Input and output, TLS, protocol and pool: the store is out of reach.
            _ => Self::Down(error.into()),
        }
    }

    /// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
    fn of_postgres(table: &str, code: &str, error: sqlx::Error) -> Self {
        match code {
            "40001" | "40P01" => Self::Collided(error),
            // A standby that is not promoted yet cannot be written.
            "25006" => Self::Down(error.into()),
            _ if ["08", "28", "3D", "53", "55", "57", "58"].iter().any(|c| code.starts_with(c)) => {
                Self::Down(error.into())
            }
            _ => Self::Unreadable(format!("{table}: PostgreSQL refused it (SQLSTATE {code})")),
        }
    }

    /// <https://www.sqlite.org/rescode.html>; the low byte is the primary code.
    fn of_sqlite(table: &str, code: u32, error: sqlx::Error) -> Self {
        match code & 0xff {
            // Permission, busy, locked, memory, read-only, interrupted, input/output, full, open.
            3 | 5..=10 | 13 | 14 => Self::Down(error.into()),
            _ => Self::Unreadable(format!("{table}: SQLite refused it (code {code})")),
        }
    }
}

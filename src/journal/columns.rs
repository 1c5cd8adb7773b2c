//! A table's columns, named once: from that list come the struct, the reading of a row and the
//! binding of many rows to one statement, in each store's own way.

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Postgres, QueryBuilder, Sqlite};

/// Rows that can be bound, many at once, to one statement.
pub(super) trait Columns: Sized + Send + Sync {
    /// The table, as messages for people name it.
    const TABLE: &'static str;
    /// The columns, in order.
    const COLUMNS: &'static [&'static str];

    /// Writes the rows as a source of rows: one array for each column. The text of the statement is
    /// then the same for any number of rows, so PostgreSQL plans it once.
    fn push_arrays(rows: &[Self], query: &mut QueryBuilder<Postgres>);

    /// Writes the rows as a source of rows: one tuple for each row.
    fn push_tuples(rows: &[Self], query: &mut QueryBuilder<Sqlite>);
}

/// What a row of either store can be read into.
pub(super) trait Readable:
    for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + Unpin + 'static
{
}

impl<T> Readable for T where
    T: for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + Unpin + 'static
{
}

/// Makes a struct whose fields are the columns of a table or of a statement's parameters.
macro_rules! columns {
    (
        $(#[$doc:meta])*
        $name:ident of $table:literal {
            $( $(#[$attribute:meta])* $column:ident: $kind:ty, )+
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, sqlx::FromRow)]
        pub(in crate::journal) struct $name {
            $( $(#[$attribute])* pub(in crate::journal) $column: $kind, )+
        }

        impl $crate::journal::columns::Columns for $name {
            const TABLE: &'static str = $table;
            const COLUMNS: &'static [&'static str] = &[$( stringify!($column), )+];

            fn push_arrays(rows: &[Self], query: &mut sqlx::QueryBuilder<sqlx::Postgres>) {
                query.push("SELECT * FROM unnest(");
                let mut list = query.separated(", ");
                $(
                    let column: Vec<&$kind> = rows.iter().map(|row| &row.$column).collect();
                    list.push_bind(column);
                )+
                query.push(")");
            }

            fn push_tuples(rows: &[Self], query: &mut sqlx::QueryBuilder<sqlx::Sqlite>) {
                query.push_values(rows, |mut tuple, row| {
                    $( tuple.push_bind(&row.$column); )+
                });
            }
        }
    };
}

pub(super) use columns;

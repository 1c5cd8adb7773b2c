//! The commit of a small group in one statement: a transaction of its own, and one way to the server and back
//! instead of six.
//!
//! It holds only when nothing collides. Where a case or a message is there already, or a case has moved on, the
//! statement fails as a whole and leaves nothing behind; the group then goes the careful way, which tells what
//! collided.

use sqlx::{PgConnection, Postgres, QueryBuilder};

use crate::journal::columns::Columns;
use crate::journal::error::Fault;
use crate::journal::row::{CaseRow, ChangeRow, DeliveryRow, EventRow, InboxRow};
use crate::journal::write::{CHANGE_CASES, Group};

/// A unique key that is there already, the division by zero of a case that has moved on, and an event of a day
/// that is sealed.
const COLLISIONS: [&str; 3] = ["23505", "22012", "P0001"];

/// Commits a group that gives nothing up and keeps no dead letter. `false` when something in it collides, and
/// nothing was kept.
pub(super) async fn commit(connection: &mut PgConnection, group: &Group) -> Result<bool, Fault> {
    let mut statement = statement(group);
    match statement.build().execute(connection).await {
        Ok(_) => Ok(true),
        Err(sqlx::Error::Database(error))
            if error.code().is_some_and(|code| COLLISIONS.contains(&code.as_ref())) =>
        {
            Ok(false)
        }
        Err(error) => Err(Fault::of("journal", error)),
    }
}

/// The text depends only on which tables are written, so that the server plans each form once.
fn statement(group: &Group) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new("WITH ");
    insert::<CaseRow>(&mut query, "", group.cases.rows());
    insert::<InboxRow>(&mut query, "", group.inbox.rows());
    insert::<EventRow>(&mut query, "", &group.events);
    insert::<DeliveryRow>(&mut query, " ON CONFLICT (id) DO NOTHING", &group.deliveries);
    query.push(format!("given ({}) AS (", ChangeRow::COLUMNS.join(", ")));
    ChangeRow::push_arrays(group.changes.rows(), &mut query);
    query.push(format!("), changed AS ({CHANGE_CASES}) SELECT 1 / CASE WHEN count(*) = "));
    query.push_bind(i64::try_from(group.changes.rows().len()).unwrap_or(i64::MAX));
    query.push(" THEN 1 ELSE 0 END FROM changed");
    query
}

fn insert<R: Columns>(query: &mut QueryBuilder<Postgres>, tail: &str, rows: &[R]) {
    if rows.is_empty() {
        return;
    }
    let (table, columns) = (R::TABLE, R::COLUMNS.join(", "));
    query.push(format!("kept_{table} AS (INSERT INTO {table} ({columns}) "));
    R::push_arrays(rows, query);
    query.push(format!("{tail}), "));
}

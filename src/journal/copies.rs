//! Copies of directories, on both stores: statements written once, as for the journal.

use async_trait::async_trait;
use jiff::Timestamp;

use super::columns::{Columns, Readable};
use super::error::Fault;
use super::kept::{Kept, persist};
use super::row::{CopyMomentRow, CopyQuery, CopyRow};
use super::store::{Session, Statement, Store};
use crate::port::{DirectoryCopies, DirectoryCopy, JournalError};

#[async_trait]
impl<S: Store> DirectoryCopies for Kept<S> {
    async fn keep(&self, copy: &DirectoryCopy) -> Result<bool, JournalError> {
        let row = [CopyRow::of(copy)];
        persist(|| keep(&self.store, &row)).await
    }

    async fn last(&self, source: &str) -> Result<Option<DirectoryCopy>, JournalError> {
        let found = persist(|| look_up::<S, CopyRow>(&self.store, source)).await?;
        Ok(found.map(CopyRow::copy).transpose()?)
    }

    async fn taken_at(&self, source: &str) -> Result<Option<Timestamp>, JournalError> {
        let found = persist(|| look_up::<S, CopyMomentRow>(&self.store, source)).await?;
        Ok(found.map(|found| found.moment()).transpose()?)
    }
}

const KEEP: &str = "ON CONFLICT (source) DO UPDATE SET url = excluded.url, \
     taken_at = excluded.taken_at, entries = excluded.entries, body = excluded.body \
     WHERE directory_copies.taken_at <= excluded.taken_at RETURNING source";

async fn keep<S: Store>(store: &S, row: &[CopyRow]) -> Result<bool, Fault> {
    let mut writer = store.write().await?;
    let kept: Vec<(String,)> = writer.run(&Statement::insert::<CopyRow>(KEEP), row).await?;
    store.commit(writer).await?;
    Ok(!kept.is_empty())
}

async fn look_up<S: Store, O: Columns + Readable>(
    store: &S,
    source: &str,
) -> Result<Option<O>, Fault> {
    let statement = Statement::with::<CopyQuery>(&format!(
        "SELECT {} FROM directory_copies WHERE source = (SELECT given.wanted FROM given)",
        O::COLUMNS.join(", "),
    ));
    let query = [CopyQuery::of(source)];
    let rows: Vec<O> = store.read().await?.run(&statement, &query).await?;
    Ok(rows.into_iter().next())
}

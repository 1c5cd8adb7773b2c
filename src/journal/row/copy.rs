//! Rows of copies of directories.

use jiff::Timestamp;

use super::{Origin, storable};
use crate::journal::columns::columns;
use crate::journal::error::Fault;
use crate::port::DirectoryCopy;

columns! {
    /// A copy.
    CopyRow of "directory_copies" {
        source: String,
        url: String,
        taken_at: i64,
        entries: i64,
        body: Vec<u8>,
    }
}

columns! {
    /// A source to look for.
    CopyQuery of "directory_copies" {
        wanted: String,
    }
}

columns! {
    /// When a copy came.
    CopyMomentRow of "directory_copies" {
        source: String,
        taken_at: i64,
    }
}

impl CopyRow {
    /// The row of a copy.
    pub(in crate::journal) fn of(copy: &DirectoryCopy) -> Self {
        Self {
            source: storable(&copy.source),
            url: storable(&copy.url),
            taken_at: copy.taken_at.as_microsecond(),
            entries: i64::try_from(copy.entries).unwrap_or(i64::MAX),
            body: copy.body.clone(),
        }
    }

    /// The copy.
    pub(in crate::journal) fn copy(self) -> Result<DirectoryCopy, Fault> {
        let origin = Origin { table: "directory_copies", id: &self.source };
        let taken_at = origin.time("taken_at", self.taken_at)?;
        let entries = u64::try_from(self.entries).map_err(|_| origin.fault("entries"))?;
        let Self { source, url, body, .. } = self;
        Ok(DirectoryCopy { source, url, taken_at, entries, body })
    }
}

impl CopyQuery {
    /// A source to look for.
    pub(in crate::journal) fn of(source: &str) -> Self {
        Self { wanted: storable(source) }
    }
}

impl CopyMomentRow {
    /// When it came.
    pub(in crate::journal) fn moment(&self) -> Result<Timestamp, Fault> {
        Origin { table: "directory_copies", id: &self.source }.time("taken_at", self.taken_at)
    }
}

//! AKELDO, Kartverket's register of who takes part in DSVE: asked, read, and its last good copy kept.
//!
//! A refresh never empties the directory. What does not come, cannot be read, is empty or suspiciously
//! small is not taken over: the last good copy stays, in the journal and in use, and whoever asked is told
//! why.

mod fetch;
pub mod metrics;
pub mod read;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use fetch::Fetcher;
use read::{Listing, ReadError, read};

pub use fetch::{AkeldoConfig, FetchError, SettingsError};
pub use read::{Entry, ListedRole};

use crate::kernel::OrganisationId;
use crate::port::{Clock, DirectoryCopies, DirectoryCopy, JournalError};

/// Its name among the copies of the journal.
const SOURCE: &str = "akeldo";

/// Why a refresh did not come to anything. The copy from before stays.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// No answer.
    #[error("AKELDO at {place} gave no list")]
    Fetch {
        /// Whom was asked.
        place: String,
        /// Why there is none.
        #[source]
        source: FetchError,
    },
    /// An answer that is no list.
    #[error("what AKELDO at {place} answers cannot be used")]
    Read {
        /// Whom was asked.
        place: String,
        /// What is wrong.
        #[source]
        source: ReadError,
    },
    /// An answer with nobody in it.
    #[error("AKELDO at {place} lists nobody that could be used ({skipped} entries were skipped{})", first.as_ref().map(|why| format!("; {why}")).unwrap_or_default())]
    Empty {
        /// Whom was asked.
        place: String,
        /// Entries that could not be used.
        skipped: usize,
        /// The first of them.
        first: Option<String>,
    },
    /// An answer with far fewer than the one before.
    #[error(
        "AKELDO at {place} lists {now}, and listed {before} before: fewer than {least_percent} percent \
         (akeldo.least_percent) are not taken over. If it is right, run `innfri directory refresh \
         --even-if-smaller`"
    )]
    Shrunk {
        /// Whom was asked.
        place: String,
        /// How many it lists now.
        now: usize,
        /// How many the last good copy holds.
        before: usize,
        /// How many percent must be left.
        least_percent: u8,
    },
    /// The copy could not be kept, or the one before not be found.
    #[error("the copy of AKELDO cannot be kept")]
    Journal(#[from] JournalError),
}

/// Why a kept copy could not be used.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// It cannot be found.
    #[error("the copy of AKELDO cannot be read from the journal")]
    Journal(#[from] JournalError),
    /// It cannot be read, though it could when it was kept.
    #[error("the copy of AKELDO in the journal cannot be used; run `innfri directory refresh`")]
    Read(#[from] ReadError),
}

/// A list that is in use, and when it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// What it says.
    pub listing: Listing,
    /// When it came.
    pub taken_at: Timestamp,
}

impl Held {
    /// How old it is; never negative.
    pub fn age(&self, now: Timestamp) -> SignedDuration {
        now.duration_since(self.taken_at).max(SignedDuration::ZERO)
    }

    /// The entry of an organisation.
    pub fn entry(&self, id: &OrganisationId) -> Option<&Entry> {
        self.listing.entries.iter().find(|entry| entry.id == *id)
    }
}

/// What a refresh changed, by number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Who was not listed before.
    pub added: Vec<OrganisationId>,
    /// Who is listed no longer.
    pub removed: Vec<OrganisationId>,
    /// Who is listed with something else.
    pub changed: Vec<OrganisationId>,
}

impl Changes {
    /// What changed between two lists.
    pub fn between(before: &[Entry], now: &[Entry]) -> Self {
        let mut left: BTreeMap<_, _> = before.iter().map(|entry| (&entry.id, entry)).collect();
        let mut changes = Self::default();
        for entry in now {
            match left.remove(&entry.id) {
                None => changes.added.push(entry.id.clone()),
                Some(known) if known != entry => changes.changed.push(entry.id.clone()),
                Some(_) => {}
            }
        }
        changes.removed = left.into_keys().cloned().collect();
        changes
    }
}

/// A list that was taken over.
#[derive(Debug, Clone)]
pub struct Refreshed {
    /// What is in use from now on.
    pub held: Held,
    /// What is other than before.
    pub changes: Changes,
}

/// Whether a list that is suspiciously small is taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Smaller {
    /// It is not.
    Refuse,
    /// It is: somebody has looked at it.
    Accept,
}

/// AKELDO, and the last good copy of it.
pub struct Akeldo {
    fetcher: Fetcher,
    copies: Arc<dyn DirectoryCopies>,
    clock: Arc<dyn Clock>,
    least_percent: u8,
}

impl Akeldo {
    /// AKELDO as the settings say. Nothing is asked yet.
    ///
    /// # Errors
    /// When a setting is wrong.
    pub fn open(
        config: &AkeldoConfig,
        copies: Arc<dyn DirectoryCopies>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SettingsError> {
        let fetcher = Fetcher::new(config)?;
        Ok(Self { fetcher, copies, clock, least_percent: config.least_percent })
    }

    /// The last good copy; `None` when there is none of this address.
    ///
    /// # Errors
    /// When the journal is away, or the copy cannot be used.
    pub async fn last_good(&self) -> Result<Option<Held>, CopyError> {
        let copy = self.copies.last(SOURCE).await?;
        // A copy from the test environment is nothing to production.
        let Some(copy) = copy.filter(|copy| copy.url == self.fetcher.place()) else {
            return Ok(None);
        };
        Ok(Some(Held { listing: read(&copy.body)?, taken_at: copy.taken_at }))
    }

    /// When the copy in the journal came, whichever address it is of.
    ///
    /// # Errors
    /// When the journal is away.
    pub async fn taken_at(&self) -> Result<Option<Timestamp>, JournalError> {
        self.copies.taken_at(SOURCE).await
    }

    /// Asks AKELDO, and takes over and keeps what it lists.
    ///
    /// # Errors
    /// When it gives no list, or one that is not taken over; then everything stays as it was.
    pub async fn refresh(&self, smaller: Smaller) -> Result<Refreshed, RefreshError> {
        let place = self.fetcher.place();
        let body = self
            .fetcher
            .all()
            .await
            .map_err(|source| RefreshError::Fetch { place: place.clone(), source })?;
        let now = self.clock.now();
        let listing =
            read(&body).map_err(|source| RefreshError::Read { place: place.clone(), source })?;
        if listing.entries.is_empty() {
            let first = listing.skipped.first().map(ToString::to_string);
            return Err(RefreshError::Empty { place, skipped: listing.skipped.len(), first });
        }
        let before = match self.last_good().await {
            Ok(before) => before,
            Err(CopyError::Journal(error)) => return Err(error.into()),
            // What cannot be read is no measure for anything, and is replaced.
            Err(CopyError::Read(_)) => None,
        };
        let before = before.map(|held| held.listing.entries).unwrap_or_default();
        if smaller == Smaller::Refuse {
            self.refuse_shrunk(&place, listing.entries.len(), before.len())?;
        }
        let changes = Changes::between(&before, &listing.entries);
        let entries = u64::try_from(listing.entries.len()).unwrap_or(u64::MAX);
        let source = SOURCE.to_owned();
        let copy = DirectoryCopy { source, url: place, taken_at: now, entries, body };
        // When another process has kept a newer one meanwhile, that one is found at the next look.
        self.copies.keep(&copy).await?;
        Ok(Refreshed { held: Held { listing, taken_at: now }, changes })
    }

    fn refuse_shrunk(&self, place: &str, now: usize, before: usize) -> Result<(), RefreshError> {
        let least = before.saturating_mul(usize::from(self.least_percent)).div_ceil(100);
        if now >= least {
            return Ok(());
        }
        let (place, least_percent) = (place.to_owned(), self.least_percent);
        Err(RefreshError::Shrunk { place, now, before, least_percent })
    }

    /// What AKELDO says of one organisation now; `None` when it does not list it. Nothing is kept.
    ///
    /// # Errors
    /// When it gives no answer that can be used.
    pub async fn ask(&self, id: &OrganisationId) -> Result<Option<Entry>, RefreshError> {
        let place = self.fetcher.place();
        let body = self
            .fetcher
            .one(id)
            .await
            .map_err(|source| RefreshError::Fetch { place: place.clone(), source })?;
        let Some(body) = body else { return Ok(None) };
        let listing = read(&body).map_err(|source| RefreshError::Read { place, source })?;
        Ok(listing.entries.into_iter().find(|entry| entry.id == *id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(text: &str) -> Vec<Entry> {
        read(text.as_bytes()).unwrap().entries
    }

    #[test]
    fn a_list_differs_by_who_comes_who_goes_and_who_is_another() {
        let before = entries(
            r#"[{"orgnr":"918190937","rolle":"bank"},{"orgnr":"926018159","rolle":"megler"},
                {"orgnr":"903137215","rolle":"bank"}]"#,
        );
        let now = entries(
            r#"[{"orgnr":"918190937","rolle":"bank","mottaksliste":["Restgjeldsforespoersel"]},
                {"orgnr":"926018159","rolle":"megler"},{"orgnr":"939336338","rolle":"bank"}]"#,
        );
        let one = |number: &str| vec![number.parse::<OrganisationId>().unwrap()];
        let changes = Changes::between(&before, &now);
        assert_eq!(changes.added, one("939336338"));
        assert_eq!(changes.removed, one("903137215"));
        assert_eq!(changes.changed, one("918190937"));
        assert_eq!(Changes::between(&now, &now), Changes::default());
    }
}

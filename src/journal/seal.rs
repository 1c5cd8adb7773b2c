//! Sealing: what every payload passes through on its way into the store and out again.
//!
//! Payloads hold personal data. Where they are kept encrypted, the place is part of what is
//! authenticated, so that a sealed payload cannot be moved to another row.

use uuid::Uuid;

/// Which row a payload belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The table.
    pub table: PayloadTable,
    /// The row's id.
    pub row: Uuid,
}

/// A table that holds payloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PayloadTable {
    /// Requests.
    Cases,
    /// What is owed.
    Deliveries,
    /// What was given up on.
    DeadLetters,
}

impl PayloadTable {
    /// The table's name in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cases => "cases",
            Self::Deliveries => "deliveries",
            Self::DeadLetters => "dead_letters",
        }
    }
}

/// A payload that could not be opened: it was changed, moved, or sealed with another key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the payload cannot be opened: it was changed, or sealed with another key")]
pub struct BrokenSeal;

/// Seals payloads.
pub trait Seal: Send + Sync {
    /// What to store for a payload.
    fn seal(&self, place: Place, clear: &[u8]) -> Vec<u8>;

    /// The payload behind what was stored.
    ///
    /// # Errors
    /// When it is not what was sealed for this place.
    fn open(&self, place: Place, sealed: &[u8]) -> Result<Vec<u8>, BrokenSeal>;
}

/// Keeps payloads as they are, for stores that are encrypted by other means.
#[derive(Debug, Clone, Copy, Default)]
pub struct NullSeal;

impl Seal for NullSeal {
    fn seal(&self, _place: Place, clear: &[u8]) -> Vec<u8> {
        clear.to_vec()
    }

    fn open(&self, _place: Place, sealed: &[u8]) -> Result<Vec<u8>, BrokenSeal> {
        Ok(sealed.to_vec())
    }
}

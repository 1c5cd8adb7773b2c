//! The ZIP file around a message: what it holds and what it says of itself, and how innfri packs one.
//!
//! A request is an XML file in an archive; an answer has a `manifest.xml` beside it; a bank's no (NACK)
//! is the manifest alone, with some dummy beside it. Altinn's property list says the same as the
//! manifest and counts for more, since Altinn kept it apart from the file. The archive is hostile until
//! shown otherwise: its form is checked before anything is unpacked, and sizes it declares are not
//! believed.

mod contents;
mod envelope;
mod manifest;
mod pack;
mod structure;

pub use envelope::{Envelope, XmlEntry, open};
pub use pack::{ArchiveError, Content, Packing, file_name, pack, properties};

/// How much of an archive is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchiveLimits {
    /// Bytes of the archive itself.
    pub bytes: usize,
    /// Entries in it, folders included.
    pub entries: usize,
    /// Bytes that may come out of one entry.
    pub entry_bytes: u64,
    /// Bytes that may come out of all entries together.
    pub total_bytes: u64,
    /// How many times larger an entry may be than its packed bytes; 64 KiB are always allowed.
    pub ratio: u64,
}

impl Default for ArchiveLimits {
    fn default() -> Self {
        Self {
            bytes: 16 << 20,
            entries: 64,
            entry_bytes: 2 << 20,
            total_bytes: 3 << 20,
            ratio: 100,
        }
    }
}

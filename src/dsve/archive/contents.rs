//! What is in an archive: which entry is the message, which the manifest, and the bytes of those two,
//! unpacked within the limits. Nothing else is unpacked.

use std::io::{Cursor, Read as _};

use zip::read::{ArchiveOffset, Config};
use zip::{CompressionMethod, HasZipMetadata as _, ZipArchive};

use super::ArchiveLimits;
use super::structure::{self, Unplain};
use crate::contract::MessageType;
use crate::dsve::name;
use crate::kernel::Finding;
use crate::market::no::rules::envelope;

/// The longest name of an entry, in bytes.
const LONGEST_NAME: usize = 255;
/// So much may come out of an entry however little went in: small files pack very well.
const ALWAYS_ALLOWED: u64 = 64 * 1024;

/// An archive whose form and names are as they must be.
pub(super) struct Contents<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    limits: ArchiveLimits,
    /// Bytes that may still come out of it.
    left: u64,
    /// Entries that are named after a message: place and message.
    pub(super) messages: Vec<(usize, MessageType)>,
    /// Entries that are called `manifest.xml`.
    pub(super) manifests: Vec<usize>,
    /// How many files are neither.
    pub(super) others: usize,
}

impl<'a> Contents<'a> {
    /// Looks into an archive without unpacking anything.
    pub(super) fn of(bytes: &'a [u8], limits: &ArchiveLimits) -> Result<Self, Finding> {
        if bytes.len() > limits.bytes {
            return Err(too_large(limits.bytes, "byte i alt", "bytes in all"));
        }
        match structure::entries(bytes, limits.entries) {
            Ok(_) => {}
            Err(Unplain::Broken) => return Err(envelope::NO_ARCHIVE.finding("")),
            Err(Unplain::TooManyEntries) => {
                return Err(too_large(limits.entries, "filer", "files"));
            }
        }
        let config = Config { archive_offset: ArchiveOffset::Known(0) };
        let mut zip = ZipArchive::with_config(config, Cursor::new(bytes)).map_err(broken)?;
        if zip.has_duplicate_names() {
            return Err(envelope::UNSAFE_NAME.worded(
                "",
                "To filer i ZIP-arkivet har samme navn.".to_owned(),
                "Two files in the ZIP archive have the same name.".to_owned(),
            ));
        }
        // Local headers must say what the directory says, and no two entries share bytes.
        zip.validate_header_consistency().map_err(broken)?;
        let mut contents = Self {
            zip,
            limits: *limits,
            left: limits.total_bytes,
            messages: Vec::new(),
            manifests: Vec::new(),
            others: 0,
        };
        contents.sort()?;
        Ok(contents)
    }

    /// Tells the message and the manifest from the rest.
    fn sort(&mut self) -> Result<(), Finding> {
        let metadata = self.zip.metadata();
        for place in 0..metadata.len() {
            let entry = metadata.entry(place).map_err(broken)?;
            if entry.is_symlink() {
                return Err(envelope::UNSAFE_NAME.worded(
                    "",
                    format!("Fil nr. {} i ZIP-arkivet er en symbolsk lenke.", place + 1),
                    format!("File no. {} in the ZIP archive is a symbolic link.", place + 1),
                ));
            }
            // Names from before UTF-8 are somebody's attachments: those of DSVE are plain ASCII.
            let Ok(name) = std::str::from_utf8(entry.name_raw()) else {
                self.others += 1;
                continue;
            };
            if is_unsafe(name) {
                return Err(envelope::UNSAFE_NAME.worded(
                    "",
                    format!("Fil nr. {} i ZIP-arkivet har et navn som ikke kan godtas.", place + 1),
                    format!(
                        "File no. {} in the ZIP archive has a name that cannot be accepted.",
                        place + 1
                    ),
                ));
            }
            if entry.is_dir() {
                continue;
            }
            let own = name.rsplit('/').next().unwrap_or(name);
            match name::message_of_file(own) {
                Some(message) => self.messages.push((place, message)),
                None if own.eq_ignore_ascii_case("manifest.xml") => self.manifests.push(place),
                None => self.others += 1,
            }
        }
        Ok(())
    }

    /// The name of an entry.
    pub(super) fn name(&self, place: usize) -> String {
        let metadata = self.zip.metadata();
        let name = metadata.entry(place).map(|entry| entry.name_raw().to_vec());
        String::from_utf8_lossy(&name.unwrap_or_default()).into_owned()
    }

    /// Unpacks an entry. What the archive says of its size is not believed.
    pub(super) fn unpack(&mut self, place: usize) -> Result<Vec<u8>, Finding> {
        let metadata = self.zip.metadata();
        let entry = metadata.entry(place).map_err(broken)?;
        let readable =
            matches!(entry.compression(), CompressionMethod::Stored | CompressionMethod::Deflated);
        if entry.get_metadata().is_encrypted() || !readable {
            return Err(envelope::LOCKED.finding(""));
        }
        let by_ratio = entry.compressed_size().saturating_mul(self.limits.ratio);
        let by_ratio = by_ratio.max(ALWAYS_ALLOWED);
        let ceiling = self.limits.entry_bytes.min(self.left).min(by_ratio);
        let mut bytes = Vec::new();
        let file = self.zip.by_index(place).map_err(broken)?;
        file.take(ceiling.saturating_add(1)).read_to_end(&mut bytes).map_err(broken)?;
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if length > ceiling {
            return Err(too_large(ceiling, "byte utpakket", "bytes unpacked"));
        }
        if length != entry.size() {
            return Err(envelope::NO_ARCHIVE.finding(""));
        }
        self.left -= length;
        Ok(bytes)
    }
}

/// Whether a name could lead out of the archive or mislead whoever unpacks it.
fn is_unsafe(name: &str) -> bool {
    name.is_empty()
        || name.len() > LONGEST_NAME
        || name.starts_with('/')
        || name.contains(['\\', ':'])
        || name.chars().any(char::is_control)
        || name.split('/').any(|part| part == ".." || part == ".")
}

/// The library's own words may quote the archive, so they are left out.
fn broken<E>(_: E) -> Finding {
    envelope::NO_ARCHIVE.finding("")
}

fn too_large(limit: impl std::fmt::Display, what: &str, what_en: &str) -> Finding {
    envelope::ARCHIVE_TOO_LARGE.worded(
        "",
        format!("ZIP-arkivet er for stort: høyst {limit} {what}."),
        format!("The ZIP archive is too large: at most {limit} {what_en}."),
    )
}

//! Whether bytes are one plain ZIP archive, before any of it is unpacked.
//!
//! Programs disagree about archives that are unusual: which of two directories counts, whether sizes
//! stand in a second place, whether something hangs before or after. A message that two programs read
//! differently is worse than one that is refused, so only the plain form passes (APPNOTE.TXT 4.3.6,
//! without 4.3.14 and 4.3.15): a directory that ends where its end record begins, and an end record that
//! ends with the file.

/// `PK\x05\x06`: the end of the central directory.
const END: [u8; 4] = *b"PK\x05\x06";
/// `PK\x01\x02`: an entry of the central directory.
const ENTRY: [u8; 4] = *b"PK\x01\x02";
/// `PK\x06\x07`: the sign of a ZIP64 archive, just before the end.
const ZIP64: [u8; 4] = *b"PK\x06\x07";
/// Bytes of the end record without its comment.
const END_BYTES: usize = 22;
/// Bytes of a directory entry without name, extra field and comment.
const ENTRY_BYTES: usize = 46;
/// Bytes of a ZIP64 locator.
const LOCATOR_BYTES: usize = 20;

/// Why bytes are no plain archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unplain {
    /// Cut off, not ZIP at all, or not in the plain form.
    Broken,
    /// More entries than the limit.
    TooManyEntries,
}

/// Counts the entries of a plain archive.
pub(super) fn entries(bytes: &[u8], limit: usize) -> Result<usize, Unplain> {
    let end = end_record(bytes).ok_or(Unplain::Broken)?;
    if end.entries > limit {
        return Err(Unplain::TooManyEntries);
    }
    let mut at = end.directory;
    for _ in 0..end.entries {
        at = after_entry(bytes, at).ok_or(Unplain::Broken)?;
    }
    if at == end.at { Ok(end.entries) } else { Err(Unplain::Broken) }
}

struct End {
    at: usize,
    entries: usize,
    directory: usize,
}

/// The end record, when it is the only one that could count.
fn end_record(bytes: &[u8]) -> Option<End> {
    let at = bytes.windows(END.len()).rposition(|place| place == END)?;
    let comment = usize::from(u16_at(bytes, at + 20)?);
    let before = at.checked_sub(LOCATOR_BYTES).and_then(|place| bytes.get(place..place + 4));
    let on_this_disk = u16_at(bytes, at + 8)?;
    let entries = u16_at(bytes, at + 10)?;
    let size = usize::try_from(u32_at(bytes, at + 12)?).ok()?;
    let directory = usize::try_from(u32_at(bytes, at + 16)?).ok()?;
    let one_volume = u16_at(bytes, at + 4)? == 0 && u16_at(bytes, at + 6)? == 0;
    let plain = one_volume
        && on_this_disk == entries
        && entries != u16::MAX
        && before != Some(ZIP64.as_slice())
        && directory.checked_add(size)? == at
        && at + END_BYTES + comment == bytes.len();
    plain.then_some(End { at, entries: usize::from(entries), directory })
}

/// Where the next entry of the directory begins. An entry whose sizes or place stand elsewhere (ZIP64)
/// is not plain.
fn after_entry(bytes: &[u8], at: usize) -> Option<usize> {
    let elsewhere = [20, 24, 42].iter().any(|field| u32_at(bytes, at + field) == Some(u32::MAX));
    if bytes.get(at..at + 4)? != ENTRY || elsewhere {
        return None;
    }
    let length = |field: usize| u16_at(bytes, at + field).map(usize::from);
    Some(at + ENTRY_BYTES + length(28)? + length(30)? + length(32)?)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An archive without entries.
    const EMPTY: [u8; END_BYTES] = *b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

    #[test]
    fn an_empty_archive_is_plain_and_anything_around_it_is_not() {
        assert_eq!(entries(&EMPTY, 0), Ok(0));
        let with = |before: &[u8], after: &[u8]| [before, &EMPTY, after].concat();
        for bytes in [with(b"x", b""), with(b"", b"x"), with(b"", &EMPTY), Vec::new()] {
            assert_eq!(entries(&bytes, 9), Err(Unplain::Broken));
        }
    }

    #[test]
    fn no_cut_and_no_changed_byte_of_the_end_is_taken_for_plain() {
        for at in 0..EMPTY.len() {
            assert!(entries(EMPTY.get(..at).unwrap(), 9).is_err(), "cut before byte {at}");
            let mut changed = EMPTY;
            changed[at] = 0xff;
            assert!(entries(&changed, 9).is_err(), "byte {at}");
        }
    }
}

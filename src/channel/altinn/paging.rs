//! Lists of more than a page, walked whole.
//!
//! Altinn gives at most 100 identifiers a call, without times, and no mark of where a page ended. A page
//! that is full is therefore asked for again in two halves of its time, each with both ends, until no part
//! is full. That needs no time of any one transfer, and holds however Altinn sorts: it sorts by when a
//! transfer was made, even where `from` and `to` mean when it took a status, so that going on from the
//! last one's time would leave some out. Halves overlap a little, since an end may or may not belong to
//! its part; what is seen twice is told once.

use std::collections::HashSet;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::error::AltinnError;
use super::transfer::TransferId;

/// Identifiers on a page, at most.
pub(super) const PAGE: usize = 100;

/// By how much two halves overlap. No part is made shorter than four times this.
const OVERLAP: SignedDuration = SignedDuration::from_millis(1);

/// How far ahead of ours Altinn's clock may be. Nobody signs in with a clock that is wrong by more.
const AHEAD: SignedDuration = SignedDuration::from_hours(1);

/// Before all transfers there are.
const BEGINNING: Timestamp = Timestamp::constant(1_577_836_800, 0);

/// Identifiers that one walk gathers, at most.
const MOST: usize = 100_000;

/// A part of the time, both ends included as far as Altinn includes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
}

/// What a list holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// Each transfer once, the older parts of the list first.
    pub ids: Vec<TransferId>,
    /// Whether that is all: false where more than a page has one and the same time, or there are more than
    /// 100 000.
    pub complete: bool,
}

/// Something that gives pages.
#[async_trait]
pub(super) trait Pages: Sync {
    /// The first page of what lies in a window, or of everything.
    async fn page(&self, window: Option<Window>) -> Result<Vec<TransferId>, AltinnError>;
}

/// Everything since a time, or ever.
pub(super) async fn walk(
    pages: &dyn Pages,
    since: Option<Timestamp>,
    now: Timestamp,
) -> Result<Listing, AltinnError> {
    let whole = Window { from: since.unwrap_or(BEGINNING), to: later(now, AHEAD) };
    // Most lists have one page; Altinn is then not asked to compare times.
    let first = pages.page(since.map(|_| whole)).await?;
    let mut seen = HashSet::new();
    let mut listing = Listing { ids: Vec::new(), complete: true };
    if first.len() < PAGE {
        listing.ids = first.into_iter().filter(|id| seen.insert(*id)).collect();
        return Ok(listing);
    }
    let mut waiting = Vec::new();
    listing.complete &= halve(whole, &mut waiting);
    while let Some(part) = waiting.pop() {
        if part.is_full && halve(part.window, &mut waiting) {
            continue;
        }
        let page = pages.page(Some(part.window)).await?;
        let is_full = page.len() >= PAGE;
        if is_full && halve(part.window, &mut waiting) {
            continue;
        }
        if page.is_empty() && part.is_older_half {
            // Then all that was too much for one page is in the other half, which waits next.
            waiting.last_mut().into_iter().for_each(|newer| newer.is_full = true);
        }
        listing.complete &= !is_full;
        listing.ids.extend(page.into_iter().filter(|id| seen.insert(*id)));
        if listing.ids.len() > MOST {
            listing.complete = false;
            break;
        }
    }
    // A transfer may have come into the list, or its part, meanwhile; what the first page had stays.
    listing.ids.extend(first.into_iter().filter(|id| seen.insert(*id)));
    Ok(listing)
}

/// A window that is still to be asked for.
struct Part {
    window: Window,
    /// Whether the newer half of the same window waits below it.
    is_older_half: bool,
    /// Whether it is known to have more than a page.
    is_full: bool,
}

/// Puts the halves of a window before what waits, the older one first; false when it is too short.
fn halve(window: Window, waiting: &mut Vec<Part>) -> bool {
    let length = window.to.duration_since(window.from);
    if length <= OVERLAP * 4 {
        return false;
    }
    let middle = later(window.from, length / 2);
    let newer = Window { from: later(middle, -OVERLAP), to: window.to };
    let older = Window { from: window.from, to: later(middle, OVERLAP) };
    waiting.push(Part { window: newer, is_older_half: false, is_full: false });
    waiting.push(Part { window: older, is_older_half: true, is_full: false });
    true
}

/// A time moved; one that cannot be moved so far stays.
fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use proptest::prelude::*;

    use super::*;

    /// Transfers with the time by which they are filtered and the one by which they are sorted.
    struct Shelf {
        all: Vec<(Timestamp, Timestamp, TransferId)>,
        ends_belong: bool,
        twice: bool,
        calls: AtomicUsize,
    }

    #[async_trait]
    impl Pages for Shelf {
        async fn page(&self, window: Option<Window>) -> Result<Vec<TransferId>, AltinnError> {
            self.calls.fetch_add(1, Ordering::Relaxed);
            let within = |time: Timestamp| match window {
                None => true,
                Some(Window { from, to }) if self.ends_belong => from <= time && time <= to,
                Some(Window { from, to }) => from < time && time < to,
            };
            let mut found: Vec<_> = self.all.iter().filter(|one| within(one.0)).collect();
            found.sort_by_key(|(_, sorted_by, id)| (*sorted_by, *id));
            let mut ids: Vec<TransferId> = found.into_iter().take(PAGE).map(|one| one.2).collect();
            if self.twice {
                ids = ids.into_iter().flat_map(|id| [id, id]).collect();
            }
            Ok(ids)
        }
    }

    fn id(number: usize) -> TransferId {
        TransferId::from_uuid(uuid::Uuid::from_u128(number as u128))
    }

    fn now() -> Timestamp {
        "2026-11-20T10:00:00Z".parse().unwrap()
    }

    fn ago(milliseconds: i64) -> Timestamp {
        later(now(), SignedDuration::from_millis(-milliseconds))
    }

    fn shelf(times: impl IntoIterator<Item = (i64, i64)>) -> Shelf {
        let all = times.into_iter().enumerate();
        let all = all.map(|(number, (by, sorted))| (ago(by), ago(sorted), id(number))).collect();
        Shelf { all, ends_belong: true, twice: false, calls: AtomicUsize::new(0) }
    }

    async fn walked(shelf: &Shelf, since: Option<Timestamp>) -> Listing {
        walk(shelf, since, now()).await.unwrap()
    }

    #[tokio::test]
    async fn a_short_list_is_one_call() {
        let shelf = shelf((0..99).map(|n| (n, n)));
        let listing = walked(&shelf, None).await;
        assert_eq!((listing.ids.len(), listing.complete), (99, true));
        assert_eq!(shelf.calls.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_long_list_is_walked_whole_in_few_calls() {
        let shelf = shelf((0..1000).map(|n| (n * 977, n * 977)));
        let listing = walked(&shelf, None).await;
        assert_eq!((listing.ids.len(), listing.complete), (1000, true));
        assert!(shelf.calls.load(Ordering::Relaxed) < 60, "{:?}", shelf.calls);
        assert_eq!(listing.ids.first(), Some(&id(999)), "the oldest first");
    }

    #[tokio::test]
    async fn only_what_is_not_older_is_listed() {
        let shelf = shelf((0..500).map(|n| (n * 1000, n * 1000)));
        let listing = walked(&shelf, Some(ago(250_000))).await;
        assert_eq!((listing.ids.len(), listing.complete), (251, true));
    }

    #[tokio::test]
    async fn a_page_of_one_and_the_same_time_is_whole_and_more_is_told_to_be_too_many() {
        let listing = walked(&shelf((0..99).map(|_| (5, 5)).chain([(9, 9), (1, 1)])), None).await;
        assert_eq!((listing.ids.len(), listing.complete), (101, true));
        let listing = walked(&shelf((0..250).map(|_| (5, 5))), None).await;
        assert_eq!((listing.ids.len(), listing.complete), (100, false));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn nothing_is_left_out_however_it_is_sorted_and_filtered(
            times in prop::collection::vec((0i64..10_000_000, 0i64..10_000_000), 0..600),
            ends_belong: bool,
            twice: bool,
        ) {
            let mut shelf = shelf(times);
            shelf.ends_belong = ends_belong;
            shelf.twice = twice;
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let listing = runtime.block_on(walked(&shelf, None));
            let mut ids = listing.ids.clone();
            ids.sort();
            let all: Vec<TransferId> = (0..shelf.all.len()).map(id).collect();
            prop_assert!(listing.complete);
            prop_assert_eq!(ids, all, "each once");
        }
    }
}

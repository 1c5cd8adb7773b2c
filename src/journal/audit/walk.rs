//! The walk over the whole journal, in pages, while others go on writing.
//!
//! Cases and events are read one after the other, so a case that moves on meanwhile may look broken.
//! Whatever looks broken is therefore read again by itself until it stood still while it was read.

use uuid::Uuid;

use super::replay::{Replay, unreadable};
use super::seal::{add_up, end_of, first_day};
use crate::case::day::{DayHead, begin_of};
use crate::journal::columns::Columns;
use crate::journal::error::Fault;
use crate::journal::kept::persist;
use crate::journal::row::{CasePlaceRow, CaseRow, DayHeadRow, EventPlaceRow, EventRow};
use crate::journal::seal::Seal;
use crate::journal::store::{Session, Statement, Store};
use crate::kernel::CaseId;
use crate::port::JournalError;
use crate::port::audit::{Break, Flaw, Verification};

/// Cases, with their requests, read at a time.
const CASES: u32 = 100;

/// Events read at a time.
const EVENTS: u32 = 1_000;

/// How often a case that keeps moving is read again.
const TRIES: u32 = 10;

/// Walks cases, then days, then copies, to the first break.
pub(super) async fn verify<S: Store>(
    store: &S,
    seal: &dyn Seal,
    copies: &[DayHead],
) -> Result<Verification, JournalError> {
    let mut found = Verification::default();
    found.first_break = cases(store, seal, &mut found).await?;
    if found.first_break.is_none() {
        found.first_break = days(store, copies, &mut found).await?;
    }
    Ok(found)
}

async fn cases<S: Store>(
    store: &S,
    seal: &dyn Seal,
    found: &mut Verification,
) -> Result<Option<Break>, JournalError> {
    let mut past = Uuid::nil();
    loop {
        let page = persist(|| case_page(store, past)).await?;
        let full = page.len() >= CASES as usize;
        let last = match page.last() {
            Some(last) if full => last.id,
            // Behind the last case there may be events of one that is gone.
            Some(_) | None => Uuid::max(),
        };
        if let Some(suspect) = replay_page(store, seal, &page, (past, last), found).await? {
            return Ok(Some(suspect));
        }
        if !full {
            return Ok(None);
        }
        past = last;
    }
}

/// Replays the cases of a page. Events and cases come in the same order, so neither is held whole.
async fn replay_page<S: Store>(
    store: &S,
    seal: &dyn Seal,
    page: &[CaseRow],
    (past, last): (Uuid, Uuid),
    found: &mut Verification,
) -> Result<Option<Break>, JournalError> {
    let mut events = Events::between(past, last);
    let mut next = events.next(store).await?;
    for row in page {
        // Events that come before this case have no case.
        while let Some(stray) = next.take_if(|event| event.case_id < row.id) {
            if let Some(broken) = confirm(store, seal, stray.case_id, found).await? {
                return Ok(Some(broken));
            }
            next = events.skip(store, stray.case_id).await?;
        }
        let mut replay = Replay::of(row);
        while let Some(event) = next.take_if(|event| event.case_id == row.id) {
            replay.take(&event, seal);
            next = events.next(store).await?;
        }
        match replay.end() {
            Ok(count) => {
                found.cases += 1;
                found.events += count;
            }
            Err(_) => {
                if let Some(broken) = confirm(store, seal, row.id, found).await? {
                    return Ok(Some(broken));
                }
            }
        }
    }
    while let Some(stray) = next.take() {
        if let Some(broken) = confirm(store, seal, stray.case_id, found).await? {
            return Ok(Some(broken));
        }
        next = events.skip(store, stray.case_id).await?;
    }
    Ok(None)
}

/// Reads one case by itself, before and after its events: what holds between is no effect of others
/// that write.
async fn confirm<S: Store>(
    store: &S,
    seal: &dyn Seal,
    id: Uuid,
    found: &mut Verification,
) -> Result<Option<Break>, JournalError> {
    let mut outcome = Ok(0);
    for _ in 0..TRIES {
        let before = persist(|| one_case(store, id)).await?;
        let mut events = Events::of(id);
        let mut replay = before.as_ref().map(Replay::of);
        let mut first = None;
        while let Some(event) = events.next(store).await? {
            first.get_or_insert(event.number);
            if let Some(replay) = &mut replay {
                replay.take(&event, seal);
            }
        }
        let missing = first.map(|number| Break {
            case: Some(CaseId::from_uuid(id)),
            event: u32::try_from(number).ok(),
            day: None,
            flaw: Flaw::CaseMissing,
        });
        outcome = match replay {
            Some(replay) => replay.end(),
            None => missing.map_or(Ok(0), Err),
        };
        let after = persist(|| one_case(store, id)).await?;
        let version = |row: &Option<CaseRow>| row.as_ref().map(|row| row.version);
        if outcome.is_ok() || version(&before) == version(&after) {
            break;
        }
    }
    Ok(match outcome {
        Ok(count) => {
            found.cases += 1;
            found.events += count;
            None
        }
        Err(broken) => Some(broken),
    })
}

async fn case_page<S: Store>(store: &S, past: Uuid) -> Result<Vec<CaseRow>, Fault> {
    let cases = Statement::with::<CasePlaceRow>(&format!(
        "SELECT {} FROM cases WHERE id > (SELECT given.past_case FROM given) \
         ORDER BY id LIMIT {CASES}",
        CaseRow::COLUMNS.join(", "),
    ));
    store.read().await?.run(&cases, &[CasePlaceRow { past_case: past }]).await
}

async fn one_case<S: Store>(store: &S, id: Uuid) -> Result<Option<CaseRow>, Fault> {
    let case = Statement::with::<CasePlaceRow>(&format!(
        "SELECT {} FROM cases WHERE id = (SELECT given.past_case FROM given)",
        CaseRow::COLUMNS.join(", "),
    ));
    let rows: Vec<CaseRow> =
        store.read().await?.run(&case, &[CasePlaceRow { past_case: id }]).await?;
    Ok(rows.into_iter().next())
}

/// Events in the order of case and number, a page in memory.
struct Events {
    place: EventPlaceRow,
    page: std::vec::IntoIter<EventRow>,
    ended: bool,
}

impl Events {
    /// The events of the cases behind `past`, up to `last`.
    fn between(past: Uuid, last: Uuid) -> Self {
        let place = EventPlaceRow { past_case: past, past_number: i64::MAX, last_case: last };
        Self { place, page: Vec::new().into_iter(), ended: false }
    }

    /// The events of one case.
    fn of(case: Uuid) -> Self {
        let place = EventPlaceRow { past_case: case, past_number: i64::MIN, last_case: case };
        Self { place, page: Vec::new().into_iter(), ended: false }
    }

    /// Goes on behind all events of a case.
    async fn skip<S: Store>(
        &mut self,
        store: &S,
        case: Uuid,
    ) -> Result<Option<EventRow>, JournalError> {
        loop {
            match self.next(store).await? {
                Some(event) if event.case_id == case => {}
                other => return Ok(other),
            }
        }
    }

    async fn next<S: Store>(&mut self, store: &S) -> Result<Option<EventRow>, JournalError> {
        if let Some(event) = self.page.next() {
            return Ok(Some(event));
        }
        if self.ended {
            return Ok(None);
        }
        let page = persist(|| event_page(store, &self.place)).await?;
        self.ended = page.len() < EVENTS as usize;
        if let Some(last) = page.last() {
            self.place.past_case = last.case_id;
            self.place.past_number = last.number;
        }
        self.page = page.into_iter();
        Ok(self.page.next())
    }
}

async fn event_page<S: Store>(store: &S, place: &EventPlaceRow) -> Result<Vec<EventRow>, Fault> {
    let events = Statement::with::<EventPlaceRow>(&format!(
        "SELECT {} FROM events WHERE (case_id, number) > ((SELECT given.past_case FROM given), \
         (SELECT given.past_number FROM given)) AND case_id <= (SELECT given.last_case FROM given) \
         ORDER BY case_id, number LIMIT {EVENTS}",
        EventRow::COLUMNS.join(", "),
    ));
    store.read().await?.run(&events, std::slice::from_ref(place)).await
}

fn on_day(head: &DayHead, flaw: Flaw) -> Break {
    Break { case: None, event: None, day: Some(head.day), flaw }
}

async fn days<S: Store>(
    store: &S,
    copies: &[DayHead],
    found: &mut Verification,
) -> Result<Option<Break>, JournalError> {
    let rows = persist(|| head_rows(store)).await?;
    let mut heads: Vec<DayHead> = Vec::with_capacity(rows.len());
    for row in &rows {
        let head = match row.day_head() {
            Ok(head) => head,
            Err(fault) => {
                let flaw = unreadable(fault);
                return Ok(Some(Break { case: None, event: None, day: None, flaw }));
            }
        };
        let previous = heads.last();
        let from = previous.map_or(jiff::Timestamp::MIN, |previous| end_of(previous.day));
        let between = persist(|| first_day(store, from, begin_of(head.day))).await?;
        if let Some(day) = between {
            let flaw = Flaw::DayNotSealed;
            return Ok(Some(Break { case: None, event: None, day: Some(day), flaw }));
        }
        let now = add_up(store, previous, head.day).await?;
        if now != head {
            let flaw = Flaw::DayChanged { sealed: head.events, found: now.events };
            return Ok(Some(on_day(&head, flaw)));
        }
        found.days += 1;
        heads.push(head);
    }
    Ok(copies.iter().find_map(|copy| match heads.iter().find(|head| head.day == copy.day) {
        None => Some(on_day(copy, Flaw::DayMissing)),
        Some(head) if head != copy => Some(on_day(copy, Flaw::DayDiffers)),
        Some(_) => None,
    }))
}

async fn head_rows<S: Store>(store: &S) -> Result<Vec<DayHeadRow>, Fault> {
    const HEADS: &str = "SELECT begins_at, events, head FROM day_heads ORDER BY begins_at";
    store.read().await?.plain(HEADS).await
}

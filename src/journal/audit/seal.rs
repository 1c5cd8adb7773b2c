//! Sealing days: a day's digest is made page by page beside the running work, and written in a short
//! transaction that makes sure that nothing was added meanwhile.

use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use crate::case::day::{DayHead, DaySum, begin_of, day_of, first_unsettled};
use crate::journal::columns::Columns;
use crate::journal::error::Fault;
use crate::journal::kept::persist;
use crate::journal::row::{DayEventRow, DayHeadRow, DayPlaceRow, StretchRow};
use crate::journal::store::{Session, Statement, Store};
use crate::port::JournalError;

/// Events read at a time.
const PAGE: u32 = 5_000;

/// How often a day is added up anew when something was added to it meanwhile.
const TRIES: u32 = 5;

/// All sealed days, oldest first.
pub(super) async fn day_heads<S: Store>(store: &S) -> Result<Vec<DayHead>, Fault> {
    const HEADS: &str = "SELECT begins_at, events, head FROM day_heads ORDER BY begins_at";
    let rows: Vec<DayHeadRow> = store.read().await?.plain(HEADS).await?;
    rows.iter().map(DayHeadRow::day_head).collect()
}

async fn last_head<S: Store>(store: &S) -> Result<Option<DayHead>, Fault> {
    const LAST: &str =
        "SELECT begins_at, events, head FROM day_heads ORDER BY begins_at DESC LIMIT 1";
    let rows: Vec<DayHeadRow> = store.read().await?.plain(LAST).await?;
    rows.first().map(DayHeadRow::day_head).transpose()
}

/// Seals every day that is over.
pub(super) async fn seal_days<S: Store>(
    store: &S,
    now: Timestamp,
) -> Result<Vec<DayHead>, JournalError> {
    let end = begin_of(first_unsettled(now));
    let mut sealed = Vec::new();
    let mut tries = 0;
    while tries < TRIES {
        let last = persist(|| last_head(store)).await?;
        let from = last.as_ref().map_or(Timestamp::MIN, |last| end_of(last.day));
        let Some(day) = persist(|| first_day(store, from, end)).await? else { break };
        let head = add_up(store, last.as_ref(), day).await?;
        if persist(|| write(store, &head, from)).await? {
            sealed.push(head);
            tries = 0;
        } else {
            tries += 1;
        }
    }
    Ok(sealed)
}

/// When a day is over: when the next one begins.
pub(super) fn end_of(day: Date) -> Timestamp {
    day.tomorrow().map_or(Timestamp::MAX, begin_of)
}

fn stretch(begins: Timestamp, ends: Timestamp) -> StretchRow {
    StretchRow { begins: begins.as_microsecond(), ends: ends.as_microsecond() }
}

/// The day of the first event in a stretch of time.
pub(super) async fn first_day<S: Store>(
    store: &S,
    begins: Timestamp,
    ends: Timestamp,
) -> Result<Option<Date>, Fault> {
    let first = Statement::with::<StretchRow>(
        "SELECT at FROM events WHERE at >= (SELECT given.begins FROM given) \
         AND at < (SELECT given.ends FROM given) ORDER BY at LIMIT 1",
    );
    let rows: Vec<(i64,)> = store.read().await?.run(&first, &[stretch(begins, ends)]).await?;
    let Some((at,)) = rows.first() else { return Ok(None) };
    let at = Timestamp::from_microsecond(*at)
        .map_err(|_| Fault::Unreadable(format!("events: column at holds {at}")))?;
    Ok(Some(day_of(at)))
}

/// The head of a day, from its events.
pub(super) async fn add_up<S: Store>(
    store: &S,
    previous: Option<&DayHead>,
    day: Date,
) -> Result<DayHead, JournalError> {
    let mut sum = DaySum::after(previous, day);
    let mut place = DayPlaceRow {
        past_at: begin_of(day).as_microsecond(),
        past_case: Uuid::nil(),
        past_number: i64::MIN,
        ends: end_of(day).as_microsecond(),
    };
    loop {
        let page = persist(|| page(store, &place)).await?;
        for row in &page {
            let (case, number, hash) = row.parts()?;
            sum.add(case, number, &hash);
        }
        match page.last() {
            Some(last) if page.len() >= PAGE as usize => {
                place = DayPlaceRow {
                    past_at: last.at,
                    past_case: last.case_id,
                    past_number: last.number,
                    ends: place.ends,
                };
            }
            Some(_) | None => return Ok(sum.seal()),
        }
    }
}

async fn page<S: Store>(store: &S, place: &DayPlaceRow) -> Result<Vec<DayEventRow>, Fault> {
    let events = Statement::with::<DayPlaceRow>(&format!(
        "SELECT {} FROM events WHERE (at, case_id, number) > ((SELECT given.past_at FROM given), \
         (SELECT given.past_case FROM given), (SELECT given.past_number FROM given)) \
         AND at < (SELECT given.ends FROM given) ORDER BY at, case_id, number LIMIT {PAGE}",
        DayEventRow::COLUMNS.join(", "),
    ));
    store.read().await?.run(&events, std::slice::from_ref(place)).await
}

/// Writes a head. `false` when another process has sealed the day, or when something was added since
/// `from` that the head does not hold: then nothing was written.
async fn write<S: Store>(store: &S, head: &DayHead, from: Timestamp) -> Result<bool, Fault> {
    let count = Statement::with::<StretchRow>(
        "SELECT count(*) FROM events WHERE at >= (SELECT given.begins FROM given) \
         AND at < (SELECT given.ends FROM given)",
    );
    let insert =
        Statement::insert::<DayHeadRow>("ON CONFLICT (begins_at) DO NOTHING RETURNING begins_at");
    let row = DayHeadRow::of(head)?;

    let mut writer = store.write().await?;
    // Whoever is writing events finishes first; whoever comes later finds the day sealed.
    let _none: Vec<(i64,)> = writer.plain(S::SEALING_LOCK).await?;
    let counted: Vec<(i64,)> = writer.run(&count, &[stretch(from, end_of(head.day))]).await?;
    let whole = counted.first().is_some_and(|(count,)| *count == row.events);
    let written: Vec<(i64,)> = if whole { writer.run(&insert, &[row]).await? } else { Vec::new() };
    if written.is_empty() {
        store.roll_back(writer).await?;
        return Ok(false);
    }
    store.commit(writer).await?;
    Ok(true)
}

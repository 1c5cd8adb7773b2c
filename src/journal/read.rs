//! What is found: lookups before deciding, and lists for people.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use uuid::Uuid;

use super::columns::Columns;
use super::error::Fault;
use super::row::{
    CaseQuery, CaseRow, DeadLetterQuery, DeadLetterRow, DeliveryRow, EventRow, IdRow, InboxRow,
    KeyRow, RequestRow, Requests, storable,
};
use super::seal::Seal;
use super::store::{Session, Statement, Store};
use crate::case::{Case, DeadLetter};
use crate::kernel::{CaseId, DeliveryId};
use crate::port::{CaseFilter, CaseStory, Counts, DeadLetterFilter, DeliveryRecord, Found, Key};

/// How many are listed when a filter does not say.
const USUAL_LIMIT: u32 = 100;

pub(super) fn all<R: Columns>() -> String {
    R::COLUMNS.join(", ")
}

/// Looks up what is known for each key, in the same order: one statement for each kind of key.
pub(super) async fn look_up<S: Store>(
    store: &S,
    seal: &dyn Seal,
    keys: &[Key],
) -> Result<Vec<Found>, Fault> {
    if keys.iter().all(|key| *key == Key::default()) {
        return Ok(keys.iter().map(|_| Found::default()).collect());
    }
    let mut reader = store.read().await?;

    let messages: Vec<KeyRow> = keys
        .iter()
        .filter_map(|key| key.inbox.as_ref())
        .map(|(sender, id)| KeyRow { sender: sender.to_string(), message_id: *id.as_uuid() })
        .collect();
    let inbox = Statement::with::<KeyRow>(&format!(
        "SELECT {} FROM inbox WHERE (sender, message_id) IN \
         (SELECT given.sender, given.message_id FROM given)",
        all::<InboxRow>()
    ));
    let inbox: Vec<InboxRow> = reader.run(&inbox, &messages).await?;
    let inbox: HashMap<(String, Uuid), InboxRow> =
        inbox.into_iter().map(|row| ((row.sender.clone(), row.message_id), row)).collect();

    let ids = keys.iter().filter_map(|key| key.case).map(|id| *id.as_uuid());
    let by_id = cases_by(&mut reader, "id", ids).await?;
    let by_id: HashMap<Uuid, &CaseRow> = by_id.iter().map(|row| (row.id, row)).collect();

    let ids = keys.iter().filter_map(|key| key.forwarded_as).map(|id| *id.as_uuid());
    let forwarded = cases_by(&mut reader, "forwarded_as", ids).await?;
    let forwarded: HashMap<Uuid, &CaseRow> =
        forwarded.iter().map(|row| (row.forwarded_as, row)).collect();

    let found = |key: &Key| {
        let entry = key.inbox.as_ref();
        let entry = entry.and_then(|(sender, id)| inbox.get(&(sender.to_string(), *id.as_uuid())));
        let case = key.case.and_then(|id| by_id.get(id.as_uuid()));
        let case = case.or_else(|| key.forwarded_as.and_then(|id| forwarded.get(id.as_uuid())));
        Ok(Found {
            inbox: entry.map(|row| row.entry()).transpose()?,
            case: case.map(|row| row.stored(seal)).transpose()?,
        })
    };
    keys.iter().map(found).collect()
}

async fn cases_by<R: Session>(
    reader: &mut R,
    column: &str,
    ids: impl Iterator<Item = Uuid> + Send,
) -> Result<Vec<CaseRow>, Fault> {
    let ids: Vec<IdRow> = ids.map(|wanted| IdRow { wanted }).collect();
    let statement = Statement::with::<IdRow>(&format!(
        "SELECT {} FROM cases WHERE {column} IN (SELECT given.wanted FROM given)",
        all::<CaseRow>()
    ));
    reader.run(&statement, &ids).await
}

/// Lists cases, newest first. Only the parts of the filter that are set stand in the statement, each
/// as a value that the store can look up in an index.
pub(super) async fn cases<S: Store>(store: &S, filter: &CaseFilter) -> Result<Vec<Case>, Fault> {
    let mut conditions = Conditions::default();
    conditions.add(filter.reference.is_some(), "reference = (SELECT given.reference FROM given)");
    conditions.add(
        filter.organisation.is_some(),
        "(asker = (SELECT given.organisation FROM given) \
          OR (reply_to = (SELECT given.organisation FROM given) AND reply_to <> asker) \
          OR bank = (SELECT given.organisation FROM given))",
    );
    conditions.add(filter.open == Some(true), "revision = 0");
    conditions.add(filter.open == Some(false), "revision > 0");
    conditions.add(
        filter.message_type.is_some(),
        "request_type = (SELECT given.request_type FROM given)",
    );
    conditions.add(filter.since.is_some(), "opened_at >= (SELECT given.since FROM given)");
    conditions.add(filter.before.is_some(), "opened_at < (SELECT given.before FROM given)");

    let columns: Vec<&str> =
        CaseRow::COLUMNS.iter().copied().filter(|column| *column != "request").collect();
    let statement = Statement::with::<CaseQuery>(&format!(
        "SELECT {} FROM cases WHERE {} ORDER BY opened_at DESC, id LIMIT {}",
        columns.join(", "),
        conditions.text(),
        limit(filter.limit),
    ));
    let query = CaseQuery {
        reference: filter.reference.as_deref().map(storable),
        organisation: filter.organisation.as_ref().map(ToString::to_string),
        request_type: filter.message_type.map(|kind| kind.name().to_owned()),
        since: filter.since.map(|at| at.as_microsecond()),
        before: filter.before.map(|at| at.as_microsecond()),
    };
    let rows: Vec<CaseRow> = store.read().await?.run(&statement, &[query]).await?;
    rows.iter().map(CaseRow::case).collect()
}

/// Conditions that all hold.
#[derive(Default)]
pub(super) struct Conditions(Vec<&'static str>);

impl Conditions {
    pub(super) fn add(&mut self, set: bool, condition: &'static str) {
        if set {
            self.0.push(condition);
        }
    }

    pub(super) fn text(&self) -> String {
        if self.0.is_empty() { "TRUE".to_owned() } else { self.0.join(" AND ") }
    }
}

pub(super) const fn limit(limit: u32) -> u32 {
    if limit == 0 { USUAL_LIMIT } else { limit }
}

/// A case with its whole story.
pub(super) async fn story<S: Store>(
    store: &S,
    seal: &dyn Seal,
    case: &CaseId,
) -> Result<Option<CaseStory>, Fault> {
    let wanted = [IdRow { wanted: *case.as_uuid() }];
    let mut reader = store.read().await?;
    let cases = cases_by(&mut reader, "id", std::iter::once(*case.as_uuid())).await?;
    let Some(row) = cases.first() else { return Ok(None) };

    let events = Statement::with::<IdRow>(&format!(
        "SELECT {} FROM events WHERE case_id = (SELECT given.wanted FROM given) ORDER BY number",
        all::<EventRow>()
    ));
    let events: Vec<EventRow> = reader.run(&events, &wanted).await?;
    // The case may have moved on since it was read a moment ago.
    let events = events.iter().filter(|event| event.number <= row.version);
    let events = events.map(EventRow::event).collect::<Result<Vec<_>, _>>()?;

    let deliveries = Statement::with::<IdRow>(&format!(
        "SELECT {} FROM deliveries WHERE case_id = (SELECT given.wanted FROM given) \
         ORDER BY owed_since, revision, purpose, id",
        all::<DeliveryRow>()
    ));
    let deliveries: Vec<DeliveryRow> = reader.run(&deliveries, &wanted).await?;
    let requests = Requests::from([(row.id, row.request.clone())]);
    let deliveries: Vec<DeliveryRecord> =
        deliveries.iter().map(|row| row.record(seal, &requests)).collect::<Result<_, _>>()?;

    Ok(Some(CaseStory { stored: row.stored(seal)?, events, deliveries }))
}

/// Where one delivery stands.
pub(super) async fn delivery<S: Store>(
    store: &S,
    seal: &dyn Seal,
    id: &DeliveryId,
) -> Result<Option<DeliveryRecord>, Fault> {
    let statement = Statement::with::<IdRow>(&format!(
        "SELECT {} FROM deliveries WHERE id = (SELECT given.wanted FROM given)",
        all::<DeliveryRow>()
    ));
    let wanted = [IdRow { wanted: *id.as_uuid() }];
    let mut reader = store.read().await?;
    let rows: Vec<DeliveryRow> = reader.run(&statement, &wanted).await?;
    let requests = requests_of(&mut reader, &rows).await?;
    rows.first().map(|row| row.record(seal, &requests)).transpose()
}

/// The requests that these deliveries hand on.
pub(super) async fn requests_of<R: Session>(
    reader: &mut R,
    rows: &[DeliveryRow],
) -> Result<Requests, Fault> {
    let cases: BTreeSet<Uuid> = rows.iter().filter_map(DeliveryRow::hands_on).collect();
    let cases: Vec<IdRow> = cases.into_iter().map(|wanted| IdRow { wanted }).collect();
    let statement = Statement::with::<IdRow>(
        "SELECT id, request FROM cases WHERE id IN (SELECT given.wanted FROM given)",
    );
    let requests: Vec<RequestRow> = reader.run(&statement, &cases).await?;
    Ok(requests.into_iter().map(|row| (row.id, row.request)).collect())
}

/// How much room the journal takes up, in bytes.
pub(super) async fn size_bytes<S: Store>(store: &S) -> Result<u64, Fault> {
    let rows: Vec<(i64,)> = store.read().await?.plain(S::SIZE).await?;
    let size = rows.first().and_then(|(bytes,)| u64::try_from(*bytes).ok());
    size.ok_or_else(|| Fault::Unreadable("journal: its size".to_owned()))
}

/// Lists dead letters, newest first.
pub(super) async fn dead_letters<S: Store>(
    store: &S,
    seal: &dyn Seal,
    filter: &DeadLetterFilter,
) -> Result<Vec<DeadLetter>, Fault> {
    let mut conditions = Conditions::default();
    conditions.add(filter.id.is_some(), "id = (SELECT given.wanted FROM given)");
    conditions.add(filter.reason.is_some(), "reason = (SELECT given.reason FROM given)");
    conditions.add(
        filter.organisation.is_some(),
        "(sender = (SELECT given.organisation FROM given) \
          OR recipient = (SELECT given.organisation FROM given))",
    );
    let statement = Statement::with::<DeadLetterQuery>(&format!(
        "SELECT {} FROM dead_letters WHERE {} ORDER BY last_at DESC, id LIMIT {}",
        all::<DeadLetterRow>(),
        conditions.text(),
        limit(filter.limit),
    ));
    let query = DeadLetterQuery {
        wanted: filter.id.map(|id| *id.as_uuid()),
        reason: filter.reason.as_deref().map(storable),
        organisation: filter.organisation.as_ref().map(ToString::to_string),
    };
    let rows: Vec<DeadLetterRow> = store.read().await?.run(&statement, &[query]).await?;
    rows.iter().map(|row| row.letter(seal)).collect()
}

/// Since when the oldest delivery that is owed has been owed.
pub(super) async fn oldest_owed<S: Store>(store: &S) -> Result<Option<Timestamp>, Fault> {
    const OLDEST: &str = "SELECT min(owed_since) FROM deliveries \
         WHERE delivered_at IS NULL AND given_up_at IS NULL";
    let rows: Vec<(Option<i64>,)> = store.read().await?.plain(OLDEST).await?;
    let Some(since) = rows.first().and_then(|(since,)| *since) else { return Ok(None) };
    let since = Timestamp::from_microsecond(since);
    since.map(Some).map_err(|_| Fault::Unreadable("a time that is none".to_owned()))
}

/// Counts, all at one moment.
pub(super) async fn counts<S: Store>(store: &S) -> Result<Counts, Fault> {
    const COUNTS: &str = "SELECT (SELECT count(*) FROM cases WHERE revision = 0), \
         (SELECT count(*) FROM deliveries WHERE delivered_at IS NULL AND given_up_at IS NULL), \
         (SELECT count(*) FROM dead_letters)";
    let rows: Vec<(i64, i64, i64)> = store.read().await?.plain(COUNTS).await?;
    let number = |count: i64| {
        u64::try_from(count).map_err(|_| Fault::Unreadable("a count below 0".to_owned()))
    };
    let Some((cases, deliveries, letters)) = rows.first().copied() else {
        return Err(Fault::Unreadable("no counts".to_owned()));
    };
    Ok(Counts {
        open_cases: number(cases)?,
        owed_deliveries: number(deliveries)?,
        dead_letters: number(letters)?,
    })
}

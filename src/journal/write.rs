//! What is written: groups of decisions, claims, and what became of attempts.
//!
//! Rows are sorted by key before they are written, and tables are written in one order, so that two
//! processes wait for each other's locks and do not deadlock.

use std::collections::{BTreeMap, HashSet};

use uuid::Uuid;

use super::columns::Columns;
use super::error::Fault;
use super::read::requests_of;
use super::row::{
    CaseRow, ChangeRow, ClaimRow, DeadLetterRow, DeliveryRow, EventRow, FailureRow, InboxRow,
    MomentRow, storable,
};
use super::seal::Seal;
use super::store::{Session, Statement, Store};
use crate::port::journal::CaseChange;
use crate::port::{AttemptResult, Claim, Decision, OwedDelivery, Whose};

/// Events of a group that is committed in one statement, to save ways to the store and back. Whether that pays for
/// a large group too has not been told apart from noise, so it goes step by step.
const SMALL: usize = 16;

/// A group of decisions as rows, sorted by key.
pub(super) struct Group {
    /// Decisions about a case or message that an earlier one of the group is about.
    doubled: Vec<usize>,
    pub(super) cases: Placed<Uuid, CaseRow>,
    pub(super) changes: Placed<Uuid, ChangeRow>,
    pub(super) inbox: Placed<(String, Uuid), InboxRow>,
    pub(super) events: Vec<EventRow>,
    pub(super) deliveries: Vec<DeliveryRow>,
    dead_letters: Vec<DeadLetterRow>,
    given_up: Placed<Uuid, MomentRow>,
}

/// Rows, and to which decision of the group each key belongs.
pub(super) struct Placed<K, R> {
    places: Vec<(K, usize)>,
    rows: Vec<R>,
}

impl<K, R> Placed<K, R> {
    fn of(keyed: BTreeMap<K, (usize, R)>) -> Self {
        let (places, rows) =
            keyed.into_iter().map(|(key, (place, row))| ((key, place), row)).unzip();
        Self { places, rows }
    }

    /// The rows.
    pub(super) fn rows(&self) -> &[R] {
        &self.rows
    }

    /// The places of the rows whose key was not written.
    fn missing(&self, written: impl Fn(&K) -> bool) -> impl Iterator<Item = usize> {
        self.places.iter().filter(move |(key, _)| !written(key)).map(|(_, place)| *place)
    }
}

/// The rows of a group by key, each with the place of its decision in the group.
#[derive(Default)]
struct Draft {
    doubled: Vec<usize>,
    cases: BTreeMap<Uuid, (usize, CaseRow)>,
    changes: BTreeMap<Uuid, (usize, ChangeRow)>,
    inbox: BTreeMap<(String, Uuid), (usize, InboxRow)>,
    events: BTreeMap<(Uuid, i64), EventRow>,
    deliveries: BTreeMap<Uuid, DeliveryRow>,
    dead_letters: BTreeMap<Uuid, DeadLetterRow>,
    given_up: BTreeMap<Uuid, (usize, MomentRow)>,
}

impl Group {
    /// Whether it is a small one that gives nothing up and keeps no dead letter.
    fn is_small(&self) -> bool {
        self.events.len() <= SMALL && self.dead_letters.is_empty() && self.given_up.rows.is_empty()
    }

    /// The rows of a group, whose deliveries are claimed at once.
    pub(super) fn of(group: &[Decision], claim: &Claim, seal: &dyn Seal) -> Result<Self, Fault> {
        let mut draft = Draft::default();
        for (place, decision) in group.iter().enumerate() {
            draft.add(place, decision, claim, seal)?;
        }
        Ok(Self {
            doubled: draft.doubled,
            cases: Placed::of(draft.cases),
            changes: Placed::of(draft.changes),
            inbox: Placed::of(draft.inbox),
            events: draft.events.into_values().collect(),
            deliveries: draft.deliveries.into_values().collect(),
            dead_letters: draft.dead_letters.into_values().collect(),
            given_up: Placed::of(draft.given_up),
        })
    }
}

impl Draft {
    fn add(
        &mut self,
        place: usize,
        decision: &Decision,
        claim: &Claim,
        seal: &dyn Seal,
    ) -> Result<(), Fault> {
        let mut doubled = false;
        if let Some(change) = &decision.change {
            doubled |= self.add_change(place, change, seal)?;
        }
        if let Some(entry) = &decision.inbox {
            let row = InboxRow::of(entry);
            let key = (row.sender.clone(), row.message_id);
            doubled |= self.inbox.insert(key, (place, row)).is_some();
        }
        let request = decision.change.as_ref().and_then(|change| change.request.as_ref());
        for delivery in &decision.deliveries {
            let row = DeliveryRow::of(delivery, request, claim, seal);
            self.deliveries.entry(row.id).or_insert(row);
        }
        for letter in &decision.dead_letters {
            let row = DeadLetterRow::of(letter, seal)?;
            // One statement can touch a row only once.
            self.dead_letters.entry(row.id).and_modify(|known| known.again(&row)).or_insert(row);
        }
        if let Some(delivery) = decision.given_up {
            let id = *delivery.as_uuid();
            let moment = claim.now.as_microsecond();
            let row = MomentRow { delivery_id: id, moment };
            doubled |= self.given_up.insert(id, (place, row)).is_some();
        }
        if doubled {
            self.doubled.push(place);
        }
        Ok(())
    }

    /// Adds a change and tells whether the group holds another of the same case.
    fn add_change(
        &mut self,
        place: usize,
        change: &CaseChange,
        seal: &dyn Seal,
    ) -> Result<bool, Fault> {
        let id = *change.case.id.as_uuid();
        let doubled = self.cases.contains_key(&id) || self.changes.contains_key(&id);
        match (change.expected, &change.request) {
            (None, Some(request)) => {
                self.cases.insert(id, (place, CaseRow::of(&change.case, request, seal)));
            }
            (None, None) => {
                return Err(Fault::Unreadable(format!("cases {id}: a new case without request")));
            }
            (Some(expected), _) => {
                self.changes.insert(id, (place, ChangeRow::of(&change.case, expected)));
            }
        }
        for event in &change.events {
            let row = EventRow::of(event)?;
            self.events.insert((row.case_id, row.number), row);
        }
        Ok(doubled)
    }
}

/// Commits a group in one transaction and gives the places of the decisions that did not fit; when
/// there are any, nothing was committed.
pub(super) async fn commit<S: Store>(store: &S, group: &Group) -> Result<Vec<usize>, Fault> {
    if !group.doubled.is_empty() {
        return Ok(group.doubled.clone());
    }
    if group.is_small() && store.commit_at_once(group).await? {
        return Ok(Vec::new());
    }
    let mut writer = store.write().await?;
    let conflicts = write_cases(&mut writer, group).await?;
    if !conflicts.is_empty() {
        store.roll_back(writer).await?;
        return Ok(conflicts);
    }
    write_rest(&mut writer, group).await?;
    let conflicts = give_up(&mut writer, group).await?;
    if !conflicts.is_empty() {
        store.roll_back(writer).await?;
        return Ok(conflicts);
    }
    store.commit(writer).await?;
    Ok(Vec::new())
}

/// Writes what can conflict: cases and the inbox. Each statement returns the rows that it wrote; the
/// others conflict.
async fn write_cases<W: Session>(writer: &mut W, group: &Group) -> Result<Vec<usize>, Fault> {
    let mut conflicts = Vec::new();

    let opened: HashSet<Uuid> = returned_ids(writer, INSERT_NEW, &group.cases.rows).await?;
    conflicts.extend(group.cases.missing(|id| opened.contains(id)));

    let statement = Statement::with::<ChangeRow>(CHANGE_CASES);
    let changed: Vec<(Uuid,)> = writer.run(&statement, &group.changes.rows).await?;
    let changed: HashSet<Uuid> = changed.into_iter().map(|(id,)| id).collect();
    conflicts.extend(group.changes.missing(|id| changed.contains(id)));

    let statement =
        Statement::insert::<InboxRow>("ON CONFLICT DO NOTHING RETURNING sender, message_id");
    let entered: Vec<(String, Uuid)> = writer.run(&statement, &group.inbox.rows).await?;
    let entered: HashSet<(String, Uuid)> = entered.into_iter().collect();
    conflicts.extend(group.inbox.missing(|key| entered.contains(key)));

    conflicts.sort_unstable();
    conflicts.dedup();
    Ok(conflicts)
}

const INSERT_NEW: &str = "ON CONFLICT DO NOTHING RETURNING id";

pub(super) const CHANGE_CASES: &str = "UPDATE cases SET revision = given.new_revision, \
     outcome_kind = given.new_kind, answer_type = given.new_answer_type, \
     statuskode = given.new_statuskode, aarsak = given.new_aarsak, outcome_by = given.new_by, \
     outcome_at = given.new_at, version = given.new_version, head = given.new_head \
     FROM given WHERE id = given.case_id AND version = given.expected RETURNING id";

/// A letter that comes again is open again, unless a corrected copy has taken its place.
const KEEP_DEAD_LETTERS: &str = "ON CONFLICT (id) DO UPDATE SET \
     last_at = CASE WHEN excluded.last_at > dead_letters.last_at \
         THEN excluded.last_at ELSE dead_letters.last_at END, \
     times = dead_letters.times + excluded.times, attempts = excluded.attempts, \
     state_at = excluded.last_at, purge_at = NULL, \
     state = CASE WHEN dead_letters.state = 'edited' THEN 'edited' \
         WHEN dead_letters.state IN ('replaying', 'replayed', 'failed_again') THEN 'failed_again' \
         ELSE 'parked' END";

const GIVE_UP: &str = "UPDATE deliveries SET given_up_at = given.moment, \
     lease_owner = NULL, lease_until = NULL FROM given \
     WHERE id = given.delivery_id AND delivered_at IS NULL AND given_up_at IS NULL RETURNING id";

async fn returned_ids<W: Session, R: Columns>(
    writer: &mut W,
    tail: &str,
    rows: &[R],
) -> Result<HashSet<Uuid>, Fault> {
    let ids: Vec<(Uuid,)> = writer.run(&Statement::insert::<R>(tail), rows).await?;
    Ok(ids.into_iter().map(|(id,)| id).collect())
}

/// Writes what cannot conflict once the cases and the inbox are written.
async fn write_rest<W: Session>(writer: &mut W, group: &Group) -> Result<(), Fault> {
    quietly(writer, &Statement::insert::<EventRow>(""), &group.events).await?;
    let statement = Statement::insert::<DeliveryRow>("ON CONFLICT (id) DO NOTHING");
    quietly(writer, &statement, &group.deliveries).await?;
    let statement = Statement::insert::<DeadLetterRow>(KEEP_DEAD_LETTERS);
    quietly(writer, &statement, &group.dead_letters).await
}

/// Gives deliveries up. Those that are owed no longer conflict: somebody has delivered them meanwhile,
/// and nobody shall be told that they did not arrive.
async fn give_up<W: Session>(writer: &mut W, group: &Group) -> Result<Vec<usize>, Fault> {
    let statement = Statement::with::<MomentRow>(GIVE_UP);
    let given_up: Vec<(Uuid,)> = writer.run(&statement, &group.given_up.rows).await?;
    let given_up: HashSet<Uuid> = given_up.into_iter().map(|(id,)| id).collect();
    Ok(group.given_up.missing(|id| given_up.contains(id)).collect())
}

/// Runs a statement that returns nothing.
pub(super) async fn quietly<W: Session, R: Columns>(
    writer: &mut W,
    statement: &Statement,
    rows: &[R],
) -> Result<(), Fault> {
    let _none: Vec<(i64,)> = writer.run::<R, (i64,)>(statement, rows).await?;
    Ok(())
}

/// The receivers that a claim names.
const NAMED: &str = "SELECT given.named FROM given WHERE given.named IS NOT NULL";

/// Claims what is due, oldest first.
pub(super) async fn claim<S: Store>(
    store: &S,
    seal: &dyn Seal,
    claim: &Claim,
    limit: u32,
    whose: Whose<'_>,
) -> Result<Vec<OwedDelivery>, Fault> {
    let (named, chosen) = match whose {
        Whose::AllBut(except) => (except, format!("recipient NOT IN ({NAMED})")),
        Whose::Only(of, None) => (of, format!("recipient IN ({NAMED})")),
        Whose::Only(of, Some(before)) => {
            let before = before.as_microsecond();
            (of, format!("recipient IN ({NAMED}) AND owed_since < {before}"))
        }
    };
    let statement = Statement::with::<ClaimRow>(&format!(
        ", due AS ( \
             SELECT id FROM deliveries WHERE delivered_at IS NULL AND given_up_at IS NULL \
             AND next_attempt_at <= (SELECT given.moment FROM given LIMIT 1) \
             AND (lease_until IS NULL OR lease_until <= (SELECT given.moment FROM given LIMIT 1)) \
             AND {chosen} \
             ORDER BY next_attempt_at, id LIMIT {limit} {lock}) \
         UPDATE deliveries SET \
             attempts = attempts + CASE WHEN lease_owner IS NULL THEN 0 ELSE 1 END, \
             lease_owner = (SELECT given.owner FROM given LIMIT 1), \
             lease_until = (SELECT given.until FROM given LIMIT 1) \
         WHERE id IN (SELECT due.id FROM due) RETURNING {columns}",
        lock = S::CLAIM_LOCK,
        columns = DeliveryRow::COLUMNS.join(", "),
    ));
    let mut given = vec![ClaimRow::of(claim, None)];
    given.extend(named.iter().map(|receiver| ClaimRow::of(claim, Some(receiver.to_string()))));

    let mut writer = store.write().await?;
    let mut rows: Vec<DeliveryRow> = writer.run(&statement, &given).await?;
    // What cannot be read is not claimed: reading comes before the commit.
    rows.sort_by_key(|row| (row.next_attempt_at, row.id));
    let requests = requests_of(&mut writer, &rows).await?;
    let owed = rows.iter().map(|row| row.owed(seal, &requests)).collect::<Result<Vec<_>, _>>()?;
    store.commit(writer).await?;
    Ok(owed)
}

/// What became of attempts, as rows, sorted by kind.
pub(super) struct Results {
    delivered: Vec<MomentRow>,
    failed: Vec<FailureRow>,
    postponed: Vec<MomentRow>,
}

impl Results {
    /// The rows of some results; of several about one delivery the last of each kind counts.
    pub(super) fn of<'a>(results: impl IntoIterator<Item = &'a AttemptResult>) -> Self {
        let mut delivered = BTreeMap::new();
        let mut failed = BTreeMap::new();
        let mut postponed = BTreeMap::new();
        for result in results {
            let delivery_id = *result.delivery().as_uuid();
            match result {
                AttemptResult::Delivered { at, .. } => {
                    let row = MomentRow { delivery_id, moment: at.as_microsecond() };
                    delivered.insert(delivery_id, row);
                }
                AttemptResult::Failed { next_attempt_at, error, .. } => {
                    let moment = next_attempt_at.as_microsecond();
                    let row = FailureRow { delivery_id, moment, error: storable(error) };
                    failed.insert(delivery_id, row);
                }
                AttemptResult::Postponed { next_attempt_at, .. } => {
                    let row = MomentRow { delivery_id, moment: next_attempt_at.as_microsecond() };
                    postponed.insert(delivery_id, row);
                }
            }
        }
        Self {
            delivered: delivered.into_values().collect(),
            failed: failed.into_values().collect(),
            postponed: postponed.into_values().collect(),
        }
    }
}

const DELIVERED: &str = "UPDATE deliveries SET delivered_at = coalesce(delivered_at, given.moment), \
     lease_owner = NULL, lease_until = NULL FROM given WHERE id = given.delivery_id";

const FAILED: &str = "UPDATE deliveries SET attempts = attempts + 1, \
     next_attempt_at = given.moment, last_error = given.error, \
     lease_owner = NULL, lease_until = NULL FROM given \
     WHERE id = given.delivery_id AND delivered_at IS NULL AND given_up_at IS NULL";

const POSTPONED: &str = "UPDATE deliveries SET next_attempt_at = given.moment, \
     lease_owner = NULL, lease_until = NULL FROM given \
     WHERE id = given.delivery_id AND delivered_at IS NULL AND given_up_at IS NULL";

/// Records what became of attempts, all or nothing.
pub(super) async fn record<S: Store>(store: &S, results: &Results) -> Result<(), Fault> {
    let mut writer = store.write_lightly().await?;
    quietly(&mut writer, &Statement::with::<MomentRow>(DELIVERED), &results.delivered).await?;
    quietly(&mut writer, &Statement::with::<FailureRow>(FAILED), &results.failed).await?;
    quietly(&mut writer, &Statement::with::<MomentRow>(POSTPONED), &results.postponed).await?;
    store.commit(writer).await
}

//! What is found about dead letters.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::journal::error::Fault;
use crate::journal::read::{Conditions, all, limit, requests_of};
use crate::journal::row::{
    ActionQuery, ActionRow, ClaimRow, CountRow, DeadLetterRow, DeliveryRow, IdRow, LetterQuery,
    LetterRow, NoteRow, TrafficRow,
};
use crate::journal::seal::Seal;
use crate::journal::store::{Session, Statement, Store};
use crate::kernel::{DeadLetterId, DeliveryId, OrganisationId};
use crate::port::Claim;
use crate::port::letters::{
    Action, ActionFilter, GroupNote, KeptDelivery, LetterCount, LetterFilter, LetterRecord,
    LetterState,
};

fn conditions(filter: &LetterFilter) -> String {
    let mut conditions = Conditions::default();
    conditions.add(filter.signature.is_some(), "signature = (SELECT given.signature FROM given)");
    conditions.add(filter.reason.is_some(), "reason = (SELECT given.reason FROM given)");
    conditions.add(
        filter.bank.is_some(),
        "(sender = (SELECT given.bank FROM given) OR recipient = (SELECT given.bank FROM given))",
    );
    conditions.add(
        filter.message_type.is_some(),
        "message_type = (SELECT given.message_type FROM given)",
    );
    conditions.add(filter.reference.is_some(), "reference = (SELECT given.reference FROM given)");
    conditions.add(filter.since.is_some(), "last_at >= (SELECT given.since FROM given)");
    conditions.add(filter.before.is_some(), "last_at < (SELECT given.before FROM given)");
    format!("{}{}", conditions.text(), in_states(&filter.states))
}

/// The names are our own words, so they may stand in a statement.
fn in_states(states: &[LetterState]) -> String {
    if states.is_empty() {
        return String::new();
    }
    let names: Vec<String> = states.iter().map(|state| format!("'{}'", state.name())).collect();
    format!(" AND state IN ({})", names.join(", "))
}

fn id_rows<'a>(ids: impl IntoIterator<Item = &'a Uuid>) -> Vec<IdRow> {
    ids.into_iter().map(|wanted| IdRow { wanted: *wanted }).collect()
}

/// Lists letters, given up last first.
pub(super) async fn list<S: Store>(
    store: &S,
    seal: &dyn Seal,
    filter: &LetterFilter,
) -> Result<Vec<LetterRecord>, Fault> {
    if !filter.ids.is_empty() {
        return fetch(store, seal, &filter.ids).await;
    }
    let statement = Statement::with::<LetterQuery>(&format!(
        "SELECT {}, {} FROM dead_letters WHERE {} ORDER BY last_at DESC, id LIMIT {}",
        all::<DeadLetterRow>(),
        LetterRow::MORE,
        conditions(filter),
        limit(filter.limit),
    ));
    let query = [LetterQuery::of(filter)];
    let rows: Vec<LetterRow> = store.read().await?.run(&statement, &query).await?;
    rows.iter().map(|row| row.record(seal)).collect()
}

/// The ids of letters, oldest first.
pub(super) async fn select<S: Store>(
    store: &S,
    filter: &LetterFilter,
) -> Result<Vec<DeadLetterId>, Fault> {
    let mut reader = store.read().await?;
    let rows: Vec<(Uuid,)> = if filter.ids.is_empty() {
        let statement = Statement::with::<LetterQuery>(&format!(
            "SELECT id FROM dead_letters WHERE {} ORDER BY first_at, id LIMIT {}",
            conditions(filter),
            limit(filter.limit),
        ));
        reader.run(&statement, &[LetterQuery::of(filter)]).await?
    } else {
        let statement = Statement::with::<IdRow>(&format!(
            "SELECT id FROM dead_letters WHERE id IN (SELECT given.wanted FROM given){} \
             ORDER BY first_at, id",
            in_states(&filter.states),
        ));
        reader.run(&statement, &id_rows(filter.ids.iter().map(DeadLetterId::as_uuid))).await?
    };
    Ok(rows.into_iter().map(|(id,)| DeadLetterId::from_uuid(id)).collect())
}

/// These letters.
pub(super) async fn fetch<S: Store>(
    store: &S,
    seal: &dyn Seal,
    ids: &[DeadLetterId],
) -> Result<Vec<LetterRecord>, Fault> {
    let statement = Statement::with::<IdRow>(&format!(
        "SELECT {}, {} FROM dead_letters WHERE id IN (SELECT given.wanted FROM given)",
        all::<DeadLetterRow>(),
        LetterRow::MORE,
    ));
    let ids = id_rows(ids.iter().map(DeadLetterId::as_uuid));
    let rows: Vec<LetterRow> = store.read().await?.run(&statement, &ids).await?;
    rows.iter().map(|row| row.record(seal)).collect()
}

/// Counts open letters.
pub(super) async fn counts<S: Store>(store: &S) -> Result<Vec<LetterCount>, Fault> {
    const COUNTS: &str = "WITH last AS ( \
             SELECT replays.signature AS of, max(replay_runs.started_at) AS began FROM replays \
             JOIN replay_runs ON replay_runs.id = replays.run_id GROUP BY replays.signature) \
         SELECT signature, sender, recipient, message_type, count(*) AS open, \
             count(*) FILTER (WHERE last.began IS NULL OR first_at > last.began) AS new, \
             count(*) FILTER (WHERE case_id IS NULL) AS without_case, \
             min(first_at) AS first_at, max(last_at) AS last_at, max(last.began) AS replayed_at \
         FROM dead_letters LEFT JOIN last ON last.of = signature \
         WHERE state IN ('parked', 'failed_again') \
         GROUP BY signature, sender, recipient, message_type";
    let rows: Vec<CountRow> = store.read().await?.plain(COUNTS).await?;
    rows.iter().map(CountRow::count).collect()
}

/// Counts the cases of banks.
pub(super) async fn traffic<S: Store>(
    store: &S,
    banks: &[(OrganisationId, Timestamp)],
) -> Result<Vec<u64>, Fault> {
    let rows: Vec<TrafficRow> = (0_i64..)
        .zip(banks)
        .map(|(place, (bank, since))| TrafficRow {
            place,
            wanted: bank.to_string(),
            since: since.as_microsecond(),
        })
        .collect();
    let statement = Statement::with::<TrafficRow>(
        "SELECT given.place, (SELECT count(*) FROM cases WHERE bank = given.wanted \
         AND opened_at >= given.since) FROM given",
    );
    let mut found: Vec<(i64, i64)> = store.read().await?.run(&statement, &rows).await?;
    found.sort_unstable();
    found
        .into_iter()
        .map(|(_, count)| {
            u64::try_from(count).map_err(|_| Fault::Unreadable("a count below 0".to_owned()))
        })
        .collect()
}

/// All notes.
pub(super) async fn notes<S: Store>(store: &S) -> Result<Vec<GroupNote>, Fault> {
    const NOTES: &str =
        "SELECT signature, owner, note, at, operator FROM letter_notes ORDER BY signature";
    let rows: Vec<NoteRow> = store.read().await?.plain(NOTES).await?;
    rows.iter().map(NoteRow::note).collect()
}

/// Lists actions, newest first.
pub(super) async fn actions<S: Store>(
    store: &S,
    filter: &ActionFilter,
) -> Result<Vec<Action>, Fault> {
    let mut conditions = Conditions::default();
    conditions.add(filter.letter.is_some(), "letter_id = (SELECT given.wanted_letter FROM given)");
    conditions
        .add(filter.operator.is_some(), "operator = (SELECT given.wanted_operator FROM given)");
    conditions.add(filter.since.is_some(), "at >= (SELECT given.since FROM given)");
    let statement = Statement::with::<ActionQuery>(&format!(
        "SELECT {} FROM operator_actions WHERE {} ORDER BY number DESC LIMIT {}",
        all::<ActionRow>(),
        conditions.text(),
        limit(filter.limit),
    ));
    let query = [ActionQuery::of(filter)];
    let rows: Vec<ActionRow> = store.read().await?.run(&statement, &query).await?;
    rows.iter().map(ActionRow::action).collect()
}

/// These deliveries.
pub(super) async fn deliveries<S: Store>(
    store: &S,
    seal: &dyn Seal,
    ids: &[DeliveryId],
) -> Result<Vec<KeptDelivery>, Fault> {
    let statement = Statement::with::<IdRow>(&format!(
        "SELECT {} FROM deliveries WHERE id IN (SELECT given.wanted FROM given)",
        all::<DeliveryRow>(),
    ));
    let ids = id_rows(ids.iter().map(DeliveryId::as_uuid));
    let mut reader = store.read().await?;
    let rows: Vec<DeliveryRow> = reader.run(&statement, &ids).await?;
    let requests = requests_of(&mut reader, &rows).await?;
    rows.iter().map(|row| row.kept(seal, &requests)).collect()
}

/// Those who do not take what they are owed.
pub(super) async fn troubled<S: Store>(store: &S) -> Result<Vec<OrganisationId>, Fault> {
    const TROUBLED: &str = "SELECT DISTINCT recipient FROM deliveries \
         WHERE delivered_at IS NULL AND given_up_at IS NULL AND attempts > 0";
    let rows: Vec<(String,)> = store.read().await?.plain(TROUBLED).await?;
    let unreadable = || Fault::Unreadable("deliveries: column recipient".to_owned());
    rows.into_iter().map(|(id,)| id.parse().map_err(|_| unreadable())).collect()
}

/// Since when the oldest delivery has been due that nobody has taken up.
pub(super) async fn due_since<S: Store>(
    store: &S,
    now: Timestamp,
    except: &[OrganisationId],
) -> Result<Option<Timestamp>, Fault> {
    let nobody = Claim { owner: Uuid::nil(), now, lease: SignedDuration::ZERO };
    let mut given = vec![ClaimRow::of(&nobody, None)];
    given.extend(except.iter().map(|to| ClaimRow::of(&nobody, Some(to.to_string()))));
    let statement = Statement::with::<ClaimRow>(
        "SELECT min(next_attempt_at) FROM deliveries \
         WHERE delivered_at IS NULL AND given_up_at IS NULL \
         AND next_attempt_at <= (SELECT given.moment FROM given LIMIT 1) \
         AND (lease_until IS NULL OR lease_until <= (SELECT given.moment FROM given LIMIT 1)) \
         AND recipient NOT IN (SELECT given.named FROM given WHERE given.named IS NOT NULL)",
    );
    let rows: Vec<(Option<i64>,)> = store.read().await?.run(&statement, &given).await?;
    let unreadable = || Fault::Unreadable("deliveries: column next_attempt_at".to_owned());
    let since = rows.first().and_then(|(since,)| *since);
    since.map(|at| Timestamp::from_microsecond(at).map_err(|_| unreadable())).transpose()
}

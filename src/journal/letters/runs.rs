//! Replays in the store: which run has which letter, and what has become of it.

use std::collections::HashSet;

use jiff::Timestamp;
use uuid::Uuid;

use super::write::act;
use crate::journal::columns::Columns as _;
use crate::journal::error::Fault;
use crate::journal::read::limit;
use crate::journal::row::{
    ActionRow, AgainRow, HoldRow, IdRow, MomentRow, PlannedRow, RefusedRow, ReplayRow, RunRow,
    SettledRow, StateRow, WaitingRow,
};
use crate::journal::seal::Seal;
use crate::journal::store::{Session, Statement, Store};
use crate::journal::write::quietly;
use crate::kernel::DeadLetterId;
use crate::port::letters::{
    Action, Fate, Hold, Replay, Run, RunId, RunRecord, Settled, Taken, Waiting,
};

/// Begins a run.
pub(super) async fn begin<S: Store>(
    store: &S,
    run: &Run,
    letters: &[DeadLetterId],
    hold: &Hold,
    action: &Action,
) -> Result<(), Fault> {
    let planned: Vec<PlannedRow> = (0_i64..)
        .zip(letters)
        .map(|(place, letter)| PlannedRow {
            run: *run.id.as_uuid(),
            letter: *letter.as_uuid(),
            place,
            moment: hold.now.as_microsecond(),
        })
        .collect();
    let plan = Statement {
        table: PlannedRow::TABLE,
        head: format!("WITH given ({}) AS (", PlannedRow::COLUMNS.join(", ")),
        tail: ") INSERT INTO replays (run_id, letter_id, place, signature, fate, at) \
               SELECT given.run, given.letter, given.place, dead_letters.signature, 'planned', \
               given.moment FROM given JOIN dead_letters ON dead_letters.id = given.letter"
            .to_owned(),
    };
    let mut writer = store.write().await?;
    quietly(&mut writer, &Statement::insert::<RunRow>(""), &[RunRow::of(run, hold)]).await?;
    quietly(&mut writer, &plan, &planned).await?;
    act(&mut writer, &[ActionRow::of(action)]).await?;
    store.commit(writer).await
}

/// Takes or keeps a run in hand.
pub(super) async fn hold<S: Store>(store: &S, run: &RunId, hold: &Hold) -> Result<bool, Fault> {
    let statement = Statement::with::<HoldRow>(
        "UPDATE replay_runs SET holder = given.who, held_until = given.until, ended_at = NULL, \
         ended = NULL FROM given WHERE id = given.run \
         AND (holder IS NULL OR holder = given.who OR held_until <= given.moment) RETURNING id",
    );
    let mut writer = store.write().await?;
    let held: Vec<(Uuid,)> = writer.run(&statement, &[HoldRow::of(run, hold)]).await?;
    store.commit(writer).await?;
    Ok(!held.is_empty())
}

/// Lets go of a run.
pub(super) async fn let_go<S: Store>(
    store: &S,
    run: &RunId,
    at: Timestamp,
    ended: &str,
) -> Result<(), Fault> {
    let statement = Statement::with::<HoldRow>(
        "UPDATE replay_runs SET holder = NULL, held_until = NULL, ended_at = given.moment, \
         ended = given.words FROM given WHERE id = given.run",
    );
    let mut writer = store.write().await?;
    quietly(&mut writer, &statement, &[HoldRow::ended(run, at, ended)]).await?;
    store.commit(writer).await
}

/// One run, or the newest.
pub(super) async fn runs<S: Store>(
    store: &S,
    wanted: Option<&RunId>,
    most: u32,
) -> Result<Vec<RunRecord>, Fault> {
    let condition = if wanted.is_some() { "id = (SELECT given.wanted FROM given)" } else { "TRUE" };
    let statement = Statement::with::<IdRow>(&format!(
        "SELECT {} FROM replay_runs WHERE {condition} ORDER BY started_at DESC LIMIT {}",
        RunRow::COLUMNS.join(", "),
        limit(most),
    ));
    let id = wanted.map_or_else(Uuid::nil, |run| *run.as_uuid());
    let mut reader = store.read().await?;
    let rows: Vec<RunRow> = reader.run(&statement, &[IdRow { wanted: id }]).await?;
    let ids: Vec<IdRow> = rows.iter().map(|row| IdRow { wanted: row.id }).collect();
    let statement = Statement::with::<IdRow>(
        "SELECT run_id, fate, count(*) FROM replays \
         WHERE run_id IN (SELECT given.wanted FROM given) GROUP BY run_id, fate",
    );
    let counted: Vec<(Uuid, String, i64)> = reader.run(&statement, &ids).await?;
    let record = |row: &RunRow| {
        let mut fates = Vec::new();
        for (_, name, count) in counted.iter().filter(|(run, _, _)| *run == row.id) {
            let fate = Fate::from_name(name);
            let Some((fate, count)) = fate.zip(u64::try_from(*count).ok()) else {
                return Err(Fault::Unreadable(format!("replays of {}: column fate", row.id)));
            };
            fates.push((fate, count));
        }
        fates.sort_unstable();
        let (ended_at, ended) = (row.ended_at()?, row.ended.clone());
        Ok(RunRecord { run: row.run()?, fates, ended_at, ended })
    };
    rows.iter().map(record).collect()
}

/// The letters of a run that are not done.
pub(super) async fn waiting<S: Store>(store: &S, run: &RunId) -> Result<Vec<Waiting>, Fault> {
    let statement = Statement::with::<IdRow>(
        "SELECT replays.letter_id, replays.fate, dead_letters.recipient FROM replays \
         LEFT JOIN dead_letters ON dead_letters.id = replays.letter_id \
         WHERE replays.run_id = (SELECT given.wanted FROM given) \
         AND replays.fate IN ('planned', 'requested') ORDER BY replays.fate DESC, replays.place",
    );
    let wanted = [IdRow { wanted: *run.as_uuid() }];
    let rows: Vec<WaitingRow> = store.read().await?.run(&statement, &wanted).await?;
    rows.iter().map(WaitingRow::waiting).collect()
}

fn sorted_uuids(ids: impl Iterator<Item = Uuid>) -> Vec<Uuid> {
    let mut ids: Vec<Uuid> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

const TAKE: &str = "UPDATE dead_letters SET state = 'replaying', state_at = given.moment, \
     run_id = given.run FROM given WHERE id = given.letter \
     AND state IN ('parked', 'failed_again', 'skipped') RETURNING id";

const REQUEST: &str = "UPDATE replays SET fate = 'requested', at = given.moment FROM given \
     WHERE run_id = given.run AND letter_id = given.letter AND fate = 'planned'";

const REFUSED: &str = "SELECT given.wanted AS letter, dead_letters.state, dead_letters.run_id, \
     replay_runs.operator FROM given LEFT JOIN dead_letters ON dead_letters.id = given.wanted \
     LEFT JOIN replay_runs ON replay_runs.id = dead_letters.run_id";

/// Takes letters for a run.
pub(super) async fn take<S: Store>(
    store: &S,
    run: &RunId,
    ids: &[DeadLetterId],
    now: Timestamp,
) -> Result<Taken, Fault> {
    let ids = sorted_uuids(ids.iter().map(|id| *id.as_uuid()));
    let row = |letter: &Uuid| StateRow {
        letter: *letter,
        moment: now.as_microsecond(),
        purge: None,
        run: Some(*run.as_uuid()),
    };
    let rows: Vec<StateRow> = ids.iter().map(row).collect();
    let mut writer = store.write().await?;
    let taken: Vec<(Uuid,)> = writer.run(&Statement::with::<StateRow>(TAKE), &rows).await?;
    let taken: HashSet<Uuid> = taken.into_iter().map(|(id,)| id).collect();
    let requested: Vec<StateRow> = ids.iter().filter(|id| taken.contains(id)).map(row).collect();
    quietly(&mut writer, &Statement::with::<StateRow>(REQUEST), &requested).await?;
    let left: Vec<IdRow> = ids
        .iter()
        .filter(|id| !taken.contains(id))
        .map(|wanted| IdRow { wanted: *wanted })
        .collect();
    let refused: Vec<RefusedRow> = writer.run(&Statement::with::<IdRow>(REFUSED), &left).await?;
    let refused = refused.iter().map(RefusedRow::refused).collect::<Result<_, _>>()?;
    store.commit(writer).await?;
    Ok(Taken { taken: taken.into_iter().map(DeadLetterId::from_uuid).collect(), refused })
}

const SETTLE: &str = "UPDATE replays SET fate = given.new_fate, at = given.moment, \
     owed_at = given.owed, case_id = given.of_case, base_revision = given.base, \
     delivery_id = given.of_delivery, awaits = given.awaited, detail = given.words FROM given \
     WHERE run_id = given.run AND letter_id = given.letter \
     AND fate IN ('planned', 'requested') RETURNING letter_id";

/// A letter that this run has, or that came back while it had it.
const STAND: &str = "UPDATE dead_letters SET state = given.new_state, state_at = given.moment \
     FROM given WHERE id = given.letter AND run_id = given.run \
     AND state IN ('replaying', 'failed_again')";

const AGAIN: &str = "UPDATE dead_letters SET reason = given.new_reason, step = given.new_step, \
     signature = given.new_signature, detail = given.new_detail, \
     findings = given.new_findings, deaths = given.new_deaths FROM given WHERE id = given.letter";

const OWE_AGAIN: &str = "UPDATE deliveries SET delivered_at = NULL, given_up_at = NULL, \
     lease_owner = NULL, lease_until = NULL, attempts = 0, last_error = NULL, \
     owed_since = given.moment, next_attempt_at = given.moment FROM given \
     WHERE id = given.delivery_id AND (delivered_at IS NOT NULL OR given_up_at IS NOT NULL)";

/// Keeps what came of letters' turns, all or nothing.
pub(super) async fn settle<S: Store>(
    store: &S,
    seal: &dyn Seal,
    run: &RunId,
    settled: &[(DeadLetterId, Settled)],
    now: Timestamp,
) -> Result<(), Fault> {
    let mut rows: Vec<SettledRow> =
        settled.iter().map(|(id, settled)| SettledRow::of(run, id, settled, now)).collect();
    rows.sort_by_key(|row| row.letter);
    rows.dedup_by_key(|row| row.letter);
    let mut writer = store.write().await?;
    let mine: Vec<(Uuid,)> = writer.run(&Statement::with::<SettledRow>(SETTLE), &rows).await?;
    let mine: HashSet<Uuid> = mine.into_iter().map(|(id,)| id).collect();
    rows.retain(|row| mine.contains(&row.letter));
    quietly(&mut writer, &Statement::with::<SettledRow>(STAND), &rows).await?;

    let (mut owed, mut again) = (Vec::new(), Vec::new());
    for (id, settled) in settled.iter().filter(|(id, _)| mine.contains(id.as_uuid())) {
        match settled {
            Settled::OweAgain(followed) => owed.push(MomentRow {
                delivery_id: *followed.delivery.as_uuid(),
                moment: now.as_microsecond(),
            }),
            Settled::FailedAgain(letter) => {
                again.push(AgainRow { letter: *id.as_uuid(), ..AgainRow::of(letter, seal)? });
            }
            Settled::Owed(_) | Settled::Handled(_) | Settled::Skipped(_) => {}
        }
    }
    owed.sort_by_key(|row| row.delivery_id);
    owed.dedup_by_key(|row| row.delivery_id);
    again.sort_by_key(|row| row.letter);
    quietly(&mut writer, &Statement::with::<MomentRow>(OWE_AGAIN), &owed).await?;
    quietly(&mut writer, &Statement::with::<AgainRow>(AGAIN), &again).await?;
    store.commit(writer).await
}

/// A replayed letter whose delivery was given up on later than it was owed.
const FAILED_AGAIN: &str = "UPDATE replays SET fate = 'failed_again', at = given.moment, \
     detail = (SELECT d.signature FROM dead_letters d WHERE d.delivery_id = replays.delivery_id \
         AND d.last_at > replays.owed_at ORDER BY d.last_at DESC LIMIT 1) FROM given \
     WHERE fate IN ('owed', 'sent', 'answered') AND EXISTS (SELECT 1 FROM dead_letters d \
         WHERE d.delivery_id = replays.delivery_id AND d.last_at > replays.owed_at) \
     RETURNING letter_id";

const ANSWERED: &str = "UPDATE replays SET fate = 'answered', at = given.moment FROM given \
     WHERE fate IN ('owed', 'sent') AND awaits = 'answer' AND EXISTS (SELECT 1 FROM cases c \
         WHERE c.id = replays.case_id AND c.revision > replays.base_revision \
         AND c.outcome_by = 'bank')";

const SENT: &str = "UPDATE replays SET at = given.moment, \
     fate = CASE WHEN awaits = 'delivery' THEN 'answered' ELSE 'sent' END FROM given \
     WHERE fate = 'owed' AND EXISTS (SELECT 1 FROM deliveries d \
         WHERE d.id = replays.delivery_id AND d.delivered_at IS NOT NULL)";

const REPLAYED: &str = "UPDATE dead_letters SET state = 'replayed', state_at = given.moment \
     FROM given WHERE state = 'replaying' AND EXISTS (SELECT 1 FROM replays r \
         WHERE r.letter_id = dead_letters.id AND r.run_id = dead_letters.run_id \
         AND r.fate IN ('sent', 'answered'))";

/// What was a delivery is the letter that came back; what was a message had its effect, and another
/// letter now stands for its delivery.
const CAME_BACK: &str = "UPDATE dead_letters SET state_at = given.moment, \
     state = CASE WHEN dead_letters.delivery_id IS NULL THEN 'replayed' ELSE 'failed_again' END FROM given \
     WHERE id = given.delivery_id AND state IN ('replaying', 'replayed')";

/// Brings fates up to date.
pub(super) async fn follow<S: Store>(store: &S, now: Timestamp) -> Result<(), Fault> {
    let moment = now.as_microsecond();
    let given = [MomentRow { delivery_id: Uuid::nil(), moment }];
    let mut writer = store.write().await?;
    let statement = Statement::with::<MomentRow>(FAILED_AGAIN);
    let failed: Vec<(Uuid,)> = writer.run(&statement, &given).await?;
    for statement in [ANSWERED, SENT, REPLAYED] {
        quietly(&mut writer, &Statement::with::<MomentRow>(statement), &given).await?;
    }
    let failed = sorted_uuids(failed.into_iter().map(|(id,)| id));
    let failed: Vec<MomentRow> =
        failed.into_iter().map(|delivery_id| MomentRow { delivery_id, moment }).collect();
    quietly(&mut writer, &Statement::with::<MomentRow>(CAME_BACK), &failed).await?;
    store.commit(writer).await
}

/// A letter's parts in runs.
pub(super) async fn replays<S: Store>(
    store: &S,
    letter: &DeadLetterId,
) -> Result<Vec<Replay>, Fault> {
    let statement = Statement::with::<IdRow>(
        "SELECT replays.run_id, replay_runs.operator, replay_runs.reason, replays.signature, \
         replays.fate, replays.at, replays.case_id, replays.delivery_id, replays.detail \
         FROM replays JOIN replay_runs ON replay_runs.id = replays.run_id \
         WHERE replays.letter_id = (SELECT given.wanted FROM given) \
         ORDER BY replay_runs.started_at, replays.run_id",
    );
    let wanted = [IdRow { wanted: *letter.as_uuid() }];
    let rows: Vec<ReplayRow> = store.read().await?.run(&statement, &wanted).await?;
    rows.iter().map(ReplayRow::replay).collect()
}

/// Groups whose letters came back.
pub(super) async fn came_back<S: Store>(
    store: &S,
    run: &RunId,
) -> Result<Vec<(String, u64)>, Fault> {
    let statement = Statement::with::<IdRow>(
        "SELECT signature, count(*) FROM replays \
         WHERE run_id = (SELECT given.wanted FROM given) AND fate = 'failed_again' \
         AND detail = signature GROUP BY signature ORDER BY signature",
    );
    let wanted = [IdRow { wanted: *run.as_uuid() }];
    let rows: Vec<(String, i64)> = store.read().await?.run(&statement, &wanted).await?;
    let unreadable = || Fault::Unreadable("a count below 0".to_owned());
    rows.into_iter()
        .map(|(signature, count)| Ok((signature, u64::try_from(count).map_err(|_| unreadable())?)))
        .collect()
}

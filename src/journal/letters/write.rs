//! What is written about dead letters outside of replays. Each change and the action that says who
//! made it and why are one transaction.

use jiff::Timestamp;
use uuid::Uuid;

use crate::case::DeadLetter;
use crate::journal::error::Fault;
use crate::journal::row::{ActionRow, DeadLetterRow, NoteRow, StateRow};
use crate::journal::seal::Seal;
use crate::journal::store::{Session, Statement, Store};
use crate::journal::write::quietly;
use crate::kernel::DeadLetterId;
use crate::port::letters::{Action, GroupNote};

/// Inserts actions.
pub(super) async fn act<W: Session>(writer: &mut W, rows: &[ActionRow]) -> Result<(), Fault> {
    quietly(writer, &Statement::insert::<ActionRow>(""), rows).await
}

/// Records actions.
pub(super) async fn record<S: Store>(store: &S, actions: &[Action]) -> Result<(), Fault> {
    let rows: Vec<ActionRow> = actions.iter().map(ActionRow::of).collect();
    let mut writer = store.write().await?;
    act(&mut writer, &rows).await?;
    store.commit(writer).await
}

/// Writes a note.
pub(super) async fn note<S: Store>(
    store: &S,
    note: &GroupNote,
    action: &Action,
) -> Result<(), Fault> {
    let statement = Statement::insert::<NoteRow>(
        "ON CONFLICT (signature) DO UPDATE SET \
         owner = coalesce(excluded.owner, letter_notes.owner), \
         note = coalesce(excluded.note, letter_notes.note), \
         at = excluded.at, operator = excluded.operator",
    );
    let mut writer = store.write().await?;
    quietly(&mut writer, &statement, &[NoteRow::of(note)]).await?;
    act(&mut writer, &[ActionRow::of(action)]).await?;
    store.commit(writer).await
}

const DISCARD: &str = "UPDATE dead_letters SET state = 'discarded', state_at = given.moment, \
     purge_at = given.purge FROM given WHERE id = given.letter \
     AND state IN ('parked', 'failed_again', 'skipped') RETURNING id";

const RESTORE: &str = "UPDATE dead_letters SET state = 'parked', state_at = given.moment, \
     purge_at = NULL FROM given WHERE id = given.letter AND state = 'discarded' RETURNING id";

fn state_rows(ids: &[DeadLetterId], purge: Option<Timestamp>, action: &Action) -> Vec<StateRow> {
    let mut rows: Vec<StateRow> = ids
        .iter()
        .map(|id| StateRow {
            letter: *id.as_uuid(),
            moment: action.at.as_microsecond(),
            purge: purge.map(Timestamp::as_microsecond),
            run: None,
        })
        .collect();
    rows.sort_by_key(|row| row.letter);
    rows.dedup_by_key(|row| row.letter);
    rows
}

/// Hides letters until a time, or, without one, brings them back.
pub(super) async fn hide<S: Store>(
    store: &S,
    ids: &[DeadLetterId],
    purge_at: Option<Timestamp>,
    action: &Action,
) -> Result<Vec<DeadLetterId>, Fault> {
    let tail = if purge_at.is_some() { DISCARD } else { RESTORE };
    let rows = state_rows(ids, purge_at, action);
    let mut writer = store.write().await?;
    let done: Vec<(Uuid,)> = writer.run(&Statement::with::<StateRow>(tail), &rows).await?;
    let done: Vec<Uuid> = done.into_iter().map(|(id,)| id).collect();
    act(&mut writer, &ActionRow::for_each(action, &done)).await?;
    store.commit(writer).await?;
    Ok(done.into_iter().map(DeadLetterId::from_uuid).collect())
}

/// Removes what was hidden long enough.
pub(super) async fn purge<S: Store>(store: &S, action: &Action) -> Result<u64, Fault> {
    let moment = action.at.as_microsecond();
    let given = [StateRow { letter: Uuid::nil(), moment, purge: None, run: None }];
    let statement = Statement::with::<StateRow>(
        "DELETE FROM dead_letters WHERE state = 'discarded' \
         AND purge_at <= (SELECT given.moment FROM given) RETURNING id",
    );
    let mut writer = store.write().await?;
    let gone: Vec<(Uuid,)> = writer.run(&statement, &given).await?;
    let gone: Vec<Uuid> = gone.into_iter().map(|(id,)| id).collect();
    act(&mut writer, &ActionRow::for_each(action, &gone)).await?;
    store.commit(writer).await?;
    Ok(gone.len() as u64)
}

const LINK_ORIGINAL: &str = "UPDATE dead_letters SET state = 'edited', state_at = given.moment, \
     edited_to = given.run FROM given WHERE id = given.letter \
     AND state IN ('parked', 'failed_again', 'skipped') RETURNING id";

const LINK_COPY: &str =
    "UPDATE dead_letters SET edited_from = given.letter FROM given WHERE id = given.run";

/// Keeps a corrected copy in the place of its original.
pub(super) async fn keep_edit<S: Store>(
    store: &S,
    seal: &dyn Seal,
    original: &DeadLetterId,
    copy: &DeadLetter,
    action: &Action,
) -> Result<bool, Fault> {
    let row = DeadLetterRow::of(copy, seal)?;
    // The column `run` carries the copy's id here.
    let link = [StateRow {
        letter: *original.as_uuid(),
        moment: action.at.as_microsecond(),
        purge: None,
        run: Some(row.id),
    }];
    let mut writer = store.write().await?;
    let linked: Vec<(Uuid,)> =
        writer.run(&Statement::with::<StateRow>(LINK_ORIGINAL), &link).await?;
    let insert = Statement::insert::<DeadLetterRow>("ON CONFLICT DO NOTHING RETURNING id");
    let kept: Vec<(Uuid,)> = writer.run(&insert, &[row]).await?;
    if linked.is_empty() || kept.is_empty() {
        store.roll_back(writer).await?;
        return Ok(false);
    }
    quietly(&mut writer, &Statement::with::<StateRow>(LINK_COPY), &link).await?;
    act(&mut writer, &[ActionRow::of(action)]).await?;
    store.commit(writer).await?;
    Ok(true)
}

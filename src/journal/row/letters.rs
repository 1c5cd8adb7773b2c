//! Rows of what operators do about dead letters.

use jiff::Timestamp;
use uuid::Uuid;

use super::{DeadLetterRow, DeliveryRow, Origin, Requests, storable, storable_optional};
use crate::case::DeadLetter;
use crate::journal::columns::columns;
use crate::journal::error::Fault;
use crate::journal::seal::Seal;
use crate::kernel::{CaseId, DeadLetterId, DeliveryId};
use crate::port::letters::{
    Action, ActionFilter, ActionKind, Fate, Followed, GroupNote, Hold, KeptDelivery, LetterCount,
    LetterFilter, LetterRecord, LetterState, Refused, Replay, Run, RunId, Settled, Waiting,
};

columns! {
    /// Which letters to list.
    LetterQuery of "dead_letters" {
        signature: Option<String>,
        reason: Option<String>,
        bank: Option<String>,
        message_type: Option<String>,
        reference: Option<String>,
        since: Option<i64>,
        before: Option<i64>,
    }
}

columns! {
    /// A letter to bring into another state.
    StateRow of "dead_letters" {
        letter: Uuid,
        moment: i64,
        purge: Option<i64>,
        run: Option<Uuid>,
    }
}

columns! {
    /// A bank and a time from which on its cases are counted.
    TrafficRow of "cases" {
        place: i64,
        wanted: String,
        since: i64,
    }
}

columns! {
    /// A note about a group.
    NoteRow of "letter_notes" {
        signature: String,
        owner: Option<String>,
        note: Option<String>,
        at: i64,
        operator: String,
    }
}

columns! {
    /// Something that an operator did.
    ActionRow of "operator_actions" {
        at: i64,
        operator: String,
        action: String,
        letter_id: Option<Uuid>,
        run_id: Option<Uuid>,
        signature: Option<String>,
        reason: String,
        detail: String,
    }
}

columns! {
    /// Which actions to list.
    ActionQuery of "operator_actions" {
        wanted_letter: Option<Uuid>,
        wanted_operator: Option<String>,
        since: Option<i64>,
    }
}

columns! {
    /// A replay.
    RunRow of "replay_runs" {
        id: Uuid,
        started_at: i64,
        operator: String,
        reason: String,
        selection: String,
        rate: i64,
        steps: String,
        holder: Option<Uuid>,
        held_until: Option<i64>,
        ended_at: Option<i64>,
        ended: Option<String>,
    }
}

columns! {
    /// Who takes a run in hand, or lets go of it.
    HoldRow of "replay_runs" {
        run: Uuid,
        who: Uuid,
        moment: i64,
        until: i64,
        words: Option<String>,
    }
}

columns! {
    /// A letter at its place in a new run.
    PlannedRow of "replays" {
        run: Uuid,
        letter: Uuid,
        place: i64,
        moment: i64,
    }
}

columns! {
    /// What came of a letter's turn.
    SettledRow of "replays" {
        run: Uuid,
        letter: Uuid,
        moment: i64,
        new_fate: String,
        owed: Option<i64>,
        of_case: Option<Uuid>,
        base: Option<i64>,
        of_delivery: Option<Uuid>,
        awaited: Option<String>,
        words: Option<String>,
        new_state: String,
    }
}

columns! {
    /// What a letter that was given up on again says now.
    AgainRow of "dead_letters" {
        letter: Uuid,
        new_reason: String,
        new_step: String,
        new_signature: String,
        new_detail: String,
        new_findings: String,
        new_deaths: String,
    }
}

/// A letter with where it stands.
#[derive(sqlx::FromRow)]
pub(in crate::journal) struct LetterRow {
    #[sqlx(flatten)]
    row: DeadLetterRow,
    state: String,
    run_id: Option<Uuid>,
    edited_from: Option<Uuid>,
    edited_to: Option<Uuid>,
    purge_at: Option<i64>,
    failures: i64,
}

impl LetterRow {
    /// The columns that it is read from, in a statement on `dead_letters`.
    pub(in crate::journal) const MORE: &'static str = "state, run_id, edited_from, edited_to, \
         purge_at, (SELECT count(*) FROM replays r WHERE r.letter_id = dead_letters.id \
         AND r.fate = 'failed_again') AS failures";

    /// The letter.
    pub(in crate::journal) fn record(&self, seal: &dyn Seal) -> Result<LetterRecord, Fault> {
        let origin = Origin { table: "dead_letters", id: &self.row.id };
        Ok(LetterRecord {
            letter: self.row.letter(seal)?,
            signature: self.row.signature.clone(),
            state: state(origin, &self.state)?,
            first_at: origin.time("first_at", self.row.first_at)?,
            times: origin.number("times", self.row.times)?,
            failures: origin.number("failures", self.failures)?,
            run: self.run_id.map(RunId::from_uuid),
            edited_from: self.edited_from.map(DeadLetterId::from_uuid),
            edited_to: self.edited_to.map(DeadLetterId::from_uuid),
            purge_at: self.purge_at.map(|at| origin.time("purge_at", at)).transpose()?,
        })
    }
}

fn state(origin: Origin<'_>, name: &str) -> Result<LetterState, Fault> {
    LetterState::from_name(name).ok_or_else(|| origin.fault("state"))
}

impl LetterQuery {
    /// The values of a filter.
    pub(in crate::journal) fn of(filter: &LetterFilter) -> Self {
        Self {
            signature: storable_optional(filter.signature.as_deref()),
            reason: filter.reason.map(|reason| reason.code().to_owned()),
            bank: filter.bank.as_ref().map(ToString::to_string),
            message_type: storable_optional(filter.message_type.as_deref()),
            reference: storable_optional(filter.reference.as_deref()),
            since: filter.since.map(Timestamp::as_microsecond),
            before: filter.before.map(Timestamp::as_microsecond),
        }
    }
}

/// Open letters, counted.
#[derive(sqlx::FromRow)]
pub(in crate::journal) struct CountRow {
    signature: String,
    sender: Option<String>,
    recipient: Option<String>,
    message_type: Option<String>,
    open: i64,
    new: i64,
    without_case: i64,
    first_at: i64,
    last_at: i64,
    replayed_at: Option<i64>,
}

impl CountRow {
    /// The count.
    pub(in crate::journal) fn count(&self) -> Result<LetterCount, Fault> {
        let origin = Origin { table: "dead_letters", id: &self.signature };
        let number =
            |column: &str, number: i64| u64::try_from(number).map_err(|_| origin.fault(column));
        Ok(LetterCount {
            signature: self.signature.clone(),
            from: origin.parse_optional("sender", self.sender.as_deref())?,
            to: origin.parse_optional("recipient", self.recipient.as_deref())?,
            message_type: self.message_type.clone(),
            open: number("open", self.open)?,
            new: number("new", self.new)?,
            without_case: number("without_case", self.without_case)?,
            first_at: origin.time("first_at", self.first_at)?,
            last_at: origin.time("last_at", self.last_at)?,
            replayed_at: self.replayed_at.map(|at| origin.time("replayed_at", at)).transpose()?,
        })
    }
}

impl NoteRow {
    /// The row of a note.
    pub(in crate::journal) fn of(note: &GroupNote) -> Self {
        Self {
            signature: storable(&note.signature),
            owner: storable_optional(note.owner.as_deref()),
            note: storable_optional(note.note.as_deref()),
            at: note.at.as_microsecond(),
            operator: storable(&note.operator),
        }
    }

    /// The note.
    pub(in crate::journal) fn note(&self) -> Result<GroupNote, Fault> {
        let origin = Origin { table: "letter_notes", id: &self.signature };
        Ok(GroupNote {
            signature: self.signature.clone(),
            owner: self.owner.clone(),
            note: self.note.clone(),
            at: origin.time("at", self.at)?,
            operator: self.operator.clone(),
        })
    }
}

impl ActionRow {
    /// The row of an action.
    pub(in crate::journal) fn of(action: &Action) -> Self {
        Self {
            at: action.at.as_microsecond(),
            operator: storable(&action.operator),
            action: action.kind.name().to_owned(),
            letter_id: action.letter.map(|id| *id.as_uuid()),
            run_id: action.run.map(|id| *id.as_uuid()),
            signature: storable_optional(action.signature.as_deref()),
            reason: storable(&action.reason),
            detail: storable(&action.detail),
        }
    }

    /// The same action for each of these letters.
    pub(in crate::journal) fn for_each(action: &Action, letters: &[Uuid]) -> Vec<Self> {
        let row = Self::of(action);
        let each = |id: &Uuid| Self { letter_id: Some(*id), ..row.clone() };
        letters.iter().map(each).collect()
    }

    /// The action.
    pub(in crate::journal) fn action(&self) -> Result<Action, Fault> {
        let origin = Origin { table: "operator_actions", id: &self.at };
        Ok(Action {
            at: origin.time("at", self.at)?,
            operator: self.operator.clone(),
            kind: ActionKind::from_name(&self.action).ok_or_else(|| origin.fault("action"))?,
            letter: self.letter_id.map(DeadLetterId::from_uuid),
            run: self.run_id.map(RunId::from_uuid),
            signature: self.signature.clone(),
            reason: self.reason.clone(),
            detail: self.detail.clone(),
        })
    }
}

impl ActionQuery {
    /// The values of a filter.
    pub(in crate::journal) fn of(filter: &ActionFilter) -> Self {
        Self {
            wanted_letter: filter.letter.map(|id| *id.as_uuid()),
            wanted_operator: storable_optional(filter.operator.as_deref()),
            since: filter.since.map(Timestamp::as_microsecond),
        }
    }
}

fn until(hold: &Hold) -> i64 {
    hold.now.checked_add(hold.lease).unwrap_or(Timestamp::MAX).as_microsecond()
}

impl HoldRow {
    /// The row of taking a run in hand.
    pub(in crate::journal) fn of(run: &RunId, hold: &Hold) -> Self {
        Self {
            run: *run.as_uuid(),
            who: hold.holder,
            moment: hold.now.as_microsecond(),
            until: until(hold),
            words: None,
        }
    }

    /// The row of letting go of a run.
    pub(in crate::journal) fn ended(run: &RunId, at: Timestamp, ended: &str) -> Self {
        let moment = at.as_microsecond();
        let words = Some(storable(ended));
        Self { run: *run.as_uuid(), who: Uuid::nil(), moment, until: moment, words }
    }
}

impl RunRow {
    /// The row of a new run.
    pub(in crate::journal) fn of(run: &Run, hold: &Hold) -> Self {
        Self {
            id: *run.id.as_uuid(),
            started_at: run.started_at.as_microsecond(),
            operator: storable(&run.operator),
            reason: storable(&run.reason),
            selection: storable(&run.selection),
            rate: i64::from(run.rate),
            steps: storable(&run.steps),
            holder: Some(hold.holder),
            held_until: Some(until(hold)),
            ended_at: None,
            ended: None,
        }
    }

    /// The run as it was ordered.
    pub(in crate::journal) fn run(&self) -> Result<Run, Fault> {
        let origin = Origin { table: "replay_runs", id: &self.id };
        Ok(Run {
            id: RunId::from_uuid(self.id),
            started_at: origin.time("started_at", self.started_at)?,
            operator: self.operator.clone(),
            reason: self.reason.clone(),
            selection: self.selection.clone(),
            rate: origin.number("rate", self.rate)?,
            steps: self.steps.clone(),
        })
    }

    /// When it ended.
    pub(in crate::journal) fn ended_at(&self) -> Result<Option<Timestamp>, Fault> {
        let origin = Origin { table: "replay_runs", id: &self.id };
        self.ended_at.map(|at| origin.time("ended_at", at)).transpose()
    }
}

/// A letter whose turn is yet to come.
#[derive(sqlx::FromRow)]
pub(in crate::journal) struct WaitingRow {
    letter_id: Uuid,
    fate: String,
    recipient: Option<String>,
}

impl WaitingRow {
    /// The letter.
    pub(in crate::journal) fn waiting(&self) -> Result<Waiting, Fault> {
        let origin = Origin { table: "replays", id: &self.letter_id };
        Ok(Waiting {
            letter: DeadLetterId::from_uuid(self.letter_id),
            fate: fate(origin, &self.fate)?,
            to: origin.parse_optional("recipient", self.recipient.as_deref())?,
        })
    }
}

fn fate(origin: Origin<'_>, name: &str) -> Result<Fate, Fault> {
    Fate::from_name(name).ok_or_else(|| origin.fault("fate"))
}

/// A letter that a run could not take.
#[derive(sqlx::FromRow)]
pub(in crate::journal) struct RefusedRow {
    pub(in crate::journal) letter: Uuid,
    state: Option<String>,
    run_id: Option<Uuid>,
    operator: Option<String>,
}

impl RefusedRow {
    /// Why.
    pub(in crate::journal) fn refused(&self) -> Result<Refused, Fault> {
        let origin = Origin { table: "dead_letters", id: &self.letter };
        Ok(Refused {
            letter: DeadLetterId::from_uuid(self.letter),
            state: self.state.as_deref().map(|name| state(origin, name)).transpose()?,
            run: self.run_id.map(RunId::from_uuid),
            operator: self.operator.clone(),
        })
    }
}

/// A letter's part in a run.
#[derive(sqlx::FromRow)]
pub(in crate::journal) struct ReplayRow {
    run_id: Uuid,
    operator: String,
    reason: String,
    signature: String,
    fate: String,
    at: i64,
    case_id: Option<Uuid>,
    delivery_id: Option<Uuid>,
    detail: Option<String>,
}

impl ReplayRow {
    /// The part.
    pub(in crate::journal) fn replay(&self) -> Result<Replay, Fault> {
        let origin = Origin { table: "replays", id: &self.run_id };
        Ok(Replay {
            run: RunId::from_uuid(self.run_id),
            operator: self.operator.clone(),
            reason: self.reason.clone(),
            signature: self.signature.clone(),
            fate: fate(origin, &self.fate)?,
            at: origin.time("at", self.at)?,
            case: self.case_id.map(CaseId::from_uuid),
            delivery: self.delivery_id.map(DeliveryId::from_uuid),
            detail: self.detail.clone(),
        })
    }
}

impl SettledRow {
    /// The row of what came of a letter's turn.
    pub(in crate::journal) fn of(
        run: &RunId,
        letter: &DeadLetterId,
        settled: &Settled,
        now: Timestamp,
    ) -> Self {
        let (fate, state) = match settled {
            Settled::Owed(_) | Settled::OweAgain(_) => (Fate::Owed, LetterState::Replaying),
            Settled::FailedAgain(_) => (Fate::FailedAgain, LetterState::FailedAgain),
            Settled::Handled(_) => (Fate::Skipped, LetterState::Skipped),
            Settled::Skipped(_) => (Fate::Skipped, LetterState::Parked),
        };
        let moment = now.as_microsecond();
        let row = Self {
            run: *run.as_uuid(),
            letter: *letter.as_uuid(),
            moment,
            new_fate: fate.name().to_owned(),
            owed: None,
            of_case: None,
            base: None,
            of_delivery: None,
            awaited: None,
            words: None,
            new_state: state.name().to_owned(),
        };
        match settled {
            Settled::Owed(followed) | Settled::OweAgain(followed) => {
                let Followed { delivery, case, base_revision, awaits, detail } = followed;
                Self {
                    owed: Some(moment),
                    of_case: case.map(|id| *id.as_uuid()),
                    base: Some(i64::from(*base_revision)),
                    of_delivery: Some(*delivery.as_uuid()),
                    awaited: Some(awaits.name().to_owned()),
                    words: storable_optional(detail.as_deref()),
                    ..row
                }
            }
            Settled::FailedAgain(letter) => {
                Self { words: Some(storable(&letter.signature())), ..row }
            }
            Settled::Handled(why) | Settled::Skipped(why) => {
                Self { words: Some(storable(why)), ..row }
            }
        }
    }
}

impl AgainRow {
    /// The row of a letter as it was given up on again.
    pub(in crate::journal) fn of(letter: &DeadLetter, seal: &dyn Seal) -> Result<Self, Fault> {
        let row = DeadLetterRow::of(letter, seal)?;
        Ok(Self {
            letter: row.id,
            new_reason: row.reason,
            new_step: row.step,
            new_signature: row.signature,
            new_detail: row.detail,
            new_findings: row.findings,
            new_deaths: row.deaths,
        })
    }
}

impl DeliveryRow {
    /// The delivery, whatever became of it.
    pub(in crate::journal) fn kept(
        &self,
        seal: &dyn Seal,
        requests: &Requests,
    ) -> Result<KeptDelivery, Fault> {
        let record = self.record(seal, requests)?;
        Ok(KeptDelivery {
            delivery: self.owed(seal, requests)?.delivery,
            delivered_at: record.delivered_at,
            given_up_at: record.given_up_at,
        })
    }
}

//! One case replayed: its events in order, through the same function that made it.

use crate::case::{Case, CaseState, Event, RecordedEvent, apply};
use crate::journal::error::Fault;
use crate::journal::row::{CaseRow, EventRow};
use crate::journal::seal::Seal;
use crate::kernel::{CaseId, DeliveryId, Digest};
use crate::port::audit::{Break, Flaw};

/// A case on its way through its events.
pub(super) struct Replay<'a> {
    row: &'a CaseRow,
    state: CaseState,
    last: Option<RecordedEvent>,
    first_break: Option<Break>,
}

impl<'a> Replay<'a> {
    pub(super) const fn of(row: &'a CaseRow) -> Self {
        Self { row, state: CaseState::Open, last: None, first_break: None }
    }

    fn number(&self) -> u32 {
        self.last.as_ref().map_or(0, |last| last.number)
    }

    fn breaks(&mut self, event: Option<u32>, flaw: Flaw) {
        let case = Some(CaseId::from_uuid(self.row.id));
        self.first_break.get_or_insert(Break { case, event, day: None, flaw });
    }

    /// Takes the next event in.
    pub(super) fn take(&mut self, row: &EventRow, seal: &dyn Seal) {
        if self.first_break.is_none()
            && let Err((number, flaw)) = self.follow(row, seal)
        {
            self.breaks(number, flaw);
        }
    }

    fn follow(&mut self, row: &EventRow, seal: &dyn Seal) -> Result<(), (Option<u32>, Flaw)> {
        let expected = self.number() + 1;
        if row.number > i64::from(expected) {
            return Err((Some(expected), Flaw::EventMissing));
        }
        let number = u32::try_from(row.number).ok();
        let recorded = row.event().map_err(|fault| (number, unreadable(fault)))?;
        let before = self.last.as_ref().map_or(Digest::ZERO, |last| last.hash);
        if recorded.number != expected
            || row.kind != recorded.event.name()
            || !recorded.follows(&before)
        {
            return Err((number, Flaw::EventChanged));
        }
        if row.number > self.row.version {
            return Err((number, Flaw::EventAdded));
        }
        if expected == 1 {
            self.opens(&recorded, seal)?;
        }
        self.state = apply(&self.state, &recorded.event, recorded.at)
            .map_err(|_| (number, Flaw::EventImpossible))?;
        self.last = Some(recorded);
        Ok(())
    }

    /// Compares the case with the event that opened it.
    fn opens(&self, recorded: &RecordedEvent, seal: &dyn Seal) -> Result<(), (Option<u32>, Flaw)> {
        let Event::Opened { message_type, asker, bank, digest, .. } = &recorded.event else {
            return Err((Some(1), Flaw::EventImpossible));
        };
        let stored = self.row.stored(seal).map_err(|fault| (None, unreadable(fault)))?;
        let case = &stored.case;
        let content = |name: &str| Digest::of(&[name.as_bytes(), &stored.request.json]);
        // A request of no known type was digested without a name.
        let asked = [content(message_type.name()), content("")];
        let columns = [
            ("request_type", case.request_type == *message_type),
            ("asker", case.asker == *asker),
            ("bank", case.bank == *bank),
            ("opened_at", case.opened_at == recorded.at),
            ("forwarded_as", case.forwarded_as == DeliveryId::of(&case.id, "request")),
            ("request", asked.iter().any(|asked| asked.to_string() == *digest)),
        ];
        match columns.iter().find(|(_, same)| !same) {
            Some((column, _)) => Err((None, Flaw::CaseDiffers(column))),
            None => Ok(()),
        }
    }

    /// The first break, once all events are taken in; else how many there were.
    pub(super) fn end(mut self) -> Result<u64, Break> {
        if self.first_break.is_none() {
            match self.row.case() {
                Ok(case) => self.compare(&case),
                Err(fault) => self.breaks(None, unreadable(fault)),
            }
        }
        match self.first_break {
            Some(found) => Err(found),
            None => Ok(u64::from(self.last.map_or(0, |last| last.number))),
        }
    }

    fn compare(&mut self, case: &Case) {
        let number = self.number();
        let head = self.last.as_ref().map_or(Digest::ZERO, |last| last.hash);
        if number < case.version.max(1) {
            self.breaks(Some(number + 1), Flaw::EventMissing);
        } else if case.head != head {
            self.breaks(None, Flaw::CaseDiffers("head"));
        } else if case.state.revision() != self.state.revision() {
            self.breaks(None, Flaw::CaseDiffers("revision"));
        } else if case.state != self.state {
            self.breaks(None, Flaw::CaseDiffers(differing(&case.state, &self.state)));
        }
    }
}

/// Which column of the outcome differs.
fn differing(kept: &CaseState, replayed: &CaseState) -> &'static str {
    match (kept.outcome(), replayed.outcome()) {
        (Some(kept), Some(replayed)) if kept.by != replayed.by => "outcome_by",
        (Some(kept), Some(replayed)) if kept.at != replayed.at => "outcome_at",
        _ => "outcome_kind, answer_type, statuskode or aarsak",
    }
}

pub(super) fn unreadable(fault: Fault) -> Flaw {
    match fault {
        Fault::Unreadable(place) => Flaw::Unreadable(place),
        Fault::Collided(_) | Fault::Down(_) => Flaw::Unreadable("the row".to_owned()),
    }
}

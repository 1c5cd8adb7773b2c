//! What would become of a letter now: messages are decided anew, deliveries are looked at.
//!
//! What is decided is what a live message would get, with the same identity, so a message that was
//! handled meanwhile is recognised. Only transport leftovers (why the broker gave up) are taken off.

use crate::case::{
    CaseState, DeadLetter, DeadReason, Delivery, Event, GivenBy, Purpose, StoredCase,
};
use crate::contract::Direction;
use crate::decide::{self, Context, Reading};
use crate::kernel::{CaseId, DeliveryId, Finding, Incoming, MessageId, has_errors};
use crate::port::letters::{Awaits, Followed, KeptDelivery, LetterRecord};
use crate::port::{Decision, Disposition, Found, JournalError, Key};

use super::Desk;

/// What would become of a letter, and what must be done for it.
pub(super) struct Judged {
    pub(super) record: LetterRecord,
    pub(super) verdict: Verdict,
    pub(super) errand: Errand,
    /// To whom it goes.
    pub(super) destination: Option<String>,
}

/// What would become of a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It passes the checks and goes out.
    Passes,
    /// Its sender is told that it is refused.
    Refused(String),
    /// It is given up on again.
    FailsAgain(String),
    /// It was handled meanwhile.
    Handled(String),
    /// It cannot be sent as things are.
    Cannot(String),
}

/// What must be done for a letter.
pub(super) enum Errand {
    /// Commit this; then it is followed, or has failed again.
    Commit(Box<Decision>, Outcome),
    /// Its delivery is to be owed again.
    OweAgain(Followed),
    /// It had its effect already, before this run was interrupted.
    Done(Followed),
    /// Nothing.
    Nothing,
}

/// What a commit leads to.
pub(super) enum Outcome {
    Followed(Followed),
    FailedAgain(Box<DeadLetter>),
}

impl Judged {
    fn nothing(record: LetterRecord, verdict: Verdict) -> Self {
        Self { record, verdict, errand: Errand::Nothing, destination: None }
    }
}

/// The message of a letter, as it arrived, without what the broker added.
fn incoming(record: &LetterRecord, context: &Context<'_>) -> Incoming {
    let letter = &record.letter;
    Incoming {
        channel: letter.channel,
        source: letter.source.clone(),
        login: letter.login.clone(),
        message_type: letter.message_type.clone(),
        message_id: letter.message_id.clone(),
        correlation_id: letter.correlation_id.clone(),
        content_type: letter.content_type.clone(),
        traceparent: letter.traceparent.clone(),
        deaths: Vec::new(),
        findings: Vec::new(),
        received_at: context.now,
        body: letter.body.clone(),
    }
}

fn settled_by_bank(stored: &StoredCase) -> Option<String> {
    match &stored.case.state {
        CaseState::Settled(outcome) if outcome.by == GivenBy::Bank => Some(format!(
            "answered meanwhile: case {}, outcome {}",
            stored.case.id, outcome.revision
        )),
        CaseState::Settled(_) | CaseState::Open => None,
    }
}

fn rules(findings: &[Finding]) -> String {
    let mut rules: Vec<&str> = findings.iter().map(|finding| finding.regel.as_str()).collect();
    rules.sort_unstable();
    rules.dedup();
    rules.join(", ")
}

impl Desk {
    /// Judges letters. `interrupted` tells which were being worked on when their run was interrupted.
    pub(super) async fn judge(
        &self,
        records: Vec<LetterRecord>,
        interrupted: &(dyn Fn(&LetterRecord) -> bool + Sync),
    ) -> Result<Vec<Judged>, JournalError> {
        let (deliveries, messages): (Vec<_>, Vec<_>) =
            records.into_iter().partition(|record| record.letter.delivery.is_some());
        let mut judged = self.judge_messages(messages, interrupted).await?;
        judged.extend(self.judge_deliveries(deliveries).await?);
        Ok(judged)
    }

    async fn judge_messages(
        &self,
        records: Vec<LetterRecord>,
        interrupted: &(dyn Fn(&LetterRecord) -> bool + Sync),
    ) -> Result<Vec<Judged>, JournalError> {
        let context = self.context();
        let readings: Vec<Reading> = records
            .iter()
            .map(|record| decide::read(incoming(record, &context), &context))
            .collect();
        let keys: Vec<Key> = readings.iter().map(Reading::key).collect();
        let found = self.journal.look_up(&keys).await?;
        let mut judged = Vec::with_capacity(records.len());
        for ((record, reading), found) in records.into_iter().zip(readings).zip(found) {
            let was_interrupted = interrupted(&record);
            judged.push(self.judge_message(record, reading, found, was_interrupted).await?);
        }
        Ok(judged)
    }

    async fn judge_message(
        &self,
        record: LetterRecord,
        reading: Reading,
        mut found: Found,
        interrupted: bool,
    ) -> Result<Judged, JournalError> {
        // A message to no case of its sender's was answered with a report and is known since; only
        // an effect on the case counts as handled.
        let was_caseless = found.inbox.as_ref().is_some_and(|entry| entry.case.is_none())
            && matches!(record.letter.reason, DeadReason::UnknownCase | DeadReason::ForeignCase);
        if let (Reading::Answer(arrival), Some(stored)) = (&reading, &found.case) {
            let is_its_bank = stored.case.bank.as_ref() == Some(&arrival.sender);
            if is_its_bank && (was_caseless || found.inbox.is_none()) {
                if was_caseless && interrupted && self.had_effect(stored, &arrival.identity).await?
                {
                    let followed = followed_case(stored, true);
                    let errand = Errand::Done(followed);
                    return Ok(Judged { errand, ..Judged::nothing(record, Verdict::Passes) });
                }
                if let Some(why) = settled_by_bank(stored) {
                    return Ok(Judged::nothing(record, Verdict::Handled(why)));
                }
            }
        }
        if was_caseless {
            found.inbox = None;
        }
        let mut decision = decide::decide(&reading, &found, &self.context());
        if was_caseless {
            decision.inbox = None;
        }
        match decision.disposition {
            Disposition::Repeated => {
                self.judge_repeat(record, &reading, decision.case, interrupted).await
            }
            Disposition::Accepted
            | Disposition::Refused
            | Disposition::Rejected
            | Disposition::DeadLettered => Ok(commit(record, decision)),
        }
    }

    async fn had_effect(
        &self,
        stored: &StoredCase,
        identity: &MessageId,
    ) -> Result<bool, JournalError> {
        let story = self.journal.story(&stored.case.id).await?;
        Ok(story.is_some_and(|story| {
            story.events.iter().any(|recorded| match &recorded.event {
                Event::Answered { message_id, .. } => message_id == identity,
                Event::StatusGiven { message_id, .. } => message_id.as_ref() == Some(identity),
                Event::AnswerRejected { .. }
                | Event::Opened { .. }
                | Event::PrivacyAlert { .. }
                | Event::PaymentAlert { .. }
                | Event::AccountsNotCompared { .. }
                | Event::DeliveryGivenUp { .. } => false,
            })
        }))
    }

    async fn judge_repeat(
        &self,
        record: LetterRecord,
        reading: &Reading,
        case: Option<CaseId>,
        interrupted: bool,
    ) -> Result<Judged, JournalError> {
        let handled = match &case {
            Some(case) => format!("handled meanwhile: case {case}"),
            None => "handled meanwhile: its sender was told".to_owned(),
        };
        if !interrupted {
            return Ok(Judged::nothing(record, Verdict::Handled(handled)));
        }
        let key = Key { case, ..Key::default() };
        let stored = self.journal.look_up(&[key]).await?.pop().and_then(|found| found.case);
        let Some(stored) = stored else {
            return Ok(Judged::nothing(record, Verdict::Handled(handled)));
        };
        let errand = Errand::Done(followed_case(&stored, matches!(reading, Reading::Answer(_))));
        Ok(Judged { errand, ..Judged::nothing(record, Verdict::Passes) })
    }

    async fn judge_deliveries(
        &self,
        records: Vec<LetterRecord>,
    ) -> Result<Vec<Judged>, JournalError> {
        let ids: Vec<DeliveryId> =
            records.iter().filter_map(|record| record.letter.delivery).collect();
        let kept = self.letters.deliveries(&ids).await?;
        let kept_of = |record: &LetterRecord| {
            kept.iter().find(|kept| Some(kept.delivery.id) == record.letter.delivery)
        };
        let keys: Vec<Key> = records
            .iter()
            .map(|record| Key {
                case: kept_of(record).and_then(|kept| kept.delivery.case),
                ..Key::default()
            })
            .collect();
        let found = self.journal.look_up(&keys).await?;
        let mut judged = Vec::with_capacity(records.len());
        for (record, found) in records.into_iter().zip(found) {
            let kept = kept_of(&record).cloned();
            judged.push(self.judge_delivery(record, kept, found.case.as_ref()));
        }
        Ok(judged)
    }

    fn judge_delivery(
        &self,
        record: LetterRecord,
        kept: Option<KeptDelivery>,
        stored: Option<&StoredCase>,
    ) -> Judged {
        let Some(kept) = kept else {
            let why = "the journal holds no such delivery".to_owned();
            return Judged::nothing(record, Verdict::Cannot(why));
        };
        if let Some(verdict) = self.obstacle(&record, &kept, stored) {
            return Judged::nothing(record, verdict);
        }
        let delivery = &kept.delivery;
        let followed = Followed {
            delivery: delivery.id,
            case: delivery.case,
            base_revision: stored.map_or(0, |stored| stored.case.state.revision()),
            awaits: match delivery.purpose {
                Purpose::Request => Awaits::Answer,
                Purpose::Outcome { .. } => Awaits::Delivery,
                Purpose::Rejection | Purpose::Receipt => Awaits::Nothing,
            },
            detail: None,
        };
        let destination = Some(delivery.to.to_string());
        let errand = Errand::OweAgain(followed);
        Judged { record, verdict: Verdict::Passes, errand, destination }
    }

    /// What keeps a delivery from being owed again.
    fn obstacle(
        &self,
        record: &LetterRecord,
        kept: &KeptDelivery,
        stored: Option<&StoredCase>,
    ) -> Option<Verdict> {
        let delivery = &kept.delivery;
        if kept.delivered_at.is_none() && kept.given_up_at.is_none() {
            return Some(Verdict::Handled("it is owed again already".to_owned()));
        }
        let given_up = record.letter.reason == DeadReason::DeliveryGivenUp;
        if kept.delivered_at.is_some_and(|at| given_up || at > record.letter.at) {
            return Some(Verdict::Handled("it was delivered meanwhile".to_owned()));
        }
        if let Some(why) = stored.and_then(|stored| overtaken(delivery, stored)) {
            return Some(Verdict::Handled(why));
        }
        if self.directory.participant(&delivery.to).is_none() {
            return Some(Verdict::Cannot(format!("{} is not in the directory", delivery.to)));
        }
        let kind = delivery.body.message_type;
        if kind.direction() == Direction::Request {
            let checked = self.contract.check(kind, &delivery.body.json, &self.check_context());
            if has_errors(&checked.findings) {
                let rules = rules(&checked.findings);
                return Some(Verdict::Cannot(format!("it no longer passes the checks: {rules}")));
            }
        }
        None
    }
}

/// Why a delivery is no longer of use to its receiver.
fn overtaken(delivery: &Delivery, stored: &StoredCase) -> Option<String> {
    let revision = stored.case.state.revision();
    match delivery.purpose {
        Purpose::Request => settled_by_bank(stored),
        Purpose::Outcome { revision: own } if own < revision => {
            Some(format!("replaced meanwhile by outcome {revision} of its case"))
        }
        Purpose::Receipt if revision > 0 => Some("its case has an outcome meanwhile".to_owned()),
        Purpose::Outcome { .. } | Purpose::Rejection | Purpose::Receipt => None,
    }
}

/// By what a message is followed that had its effect before its run was interrupted.
fn followed_case(stored: &StoredCase, is_answer: bool) -> Followed {
    let case = &stored.case;
    let by_innfri = case.state.outcome().is_some_and(|outcome| outcome.by == GivenBy::Innfri);
    let revision = case.state.revision();
    let (delivery, awaits) = if is_answer || by_innfri {
        (DeliveryId::of_outcome(&case.id, revision), Awaits::Delivery)
    } else {
        (case.forwarded_as, Awaits::Answer)
    };
    Followed { delivery, case: Some(case.id), base_revision: 0, awaits, detail: None }
}

/// What a decision that keeps something means for its letter.
fn commit(record: LetterRecord, mut decision: Decision) -> Judged {
    if let Some(again) = decision.dead_letters.first_mut() {
        // The same letter, whatever the store made of its texts and whoever corrected it.
        again.id = record.letter.id;
        let again = again.clone();
        let verdict = Verdict::FailsAgain(again.signature());
        let outcome = Outcome::FailedAgain(Box::new(again));
        let errand = Errand::Commit(Box::new(decision), outcome);
        return Judged { record, verdict, errand, destination: None };
    }
    let refused = decision.disposition != Disposition::Accepted;
    let told = decision.deliveries.iter().find(|delivery| match delivery.purpose {
        Purpose::Request | Purpose::Outcome { .. } | Purpose::Rejection => true,
        Purpose::Receipt => false,
    });
    let Some(told) = told else {
        let why = "it leads to nothing that could be followed".to_owned();
        return Judged::nothing(record, Verdict::Cannot(why));
    };
    let change = decision.change.as_ref();
    let followed = Followed {
        delivery: told.id,
        case: decision.case,
        base_revision: change.map_or(0, |change| change.case.state.revision()),
        awaits: match told.purpose {
            Purpose::Request => Awaits::Answer,
            Purpose::Outcome { .. } => Awaits::Delivery,
            Purpose::Rejection | Purpose::Receipt => Awaits::Nothing,
        },
        detail: refused.then(|| "refused: its sender is told why".to_owned()),
    };
    let destination = Some(told.to.to_string());
    let verdict = if refused {
        Verdict::Refused(format!("{:?} ({})", decision.disposition, told.body.message_type))
    } else {
        Verdict::Passes
    };
    let outcome = Outcome::Followed(followed);
    Judged { record, verdict, errand: Errand::Commit(Box::new(decision), outcome), destination }
}

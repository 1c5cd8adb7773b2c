//! A bank under test: the tool asks as an agent.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::conversation::Trap;
use super::counterpart::{Counterpart, Outcomes, Stage, forwarded_as, new_id};
use super::judge;
use super::list;
use super::paper;
use super::report::{Judgement, Row};
use super::seen::{Seen, has_taken, published};
use crate::case::Purpose;
use crate::channel::amqp::{AmqpError, Entrance, queue_of};
use crate::contract::MessageType;
use crate::contract::amqp_names::ANSWERS;
use crate::kernel::MessageId;

/// How long a second answer, which must not come, is waited for.
const SETTLE: Duration = Duration::from_secs(3);
/// How long the outcome of an answer may take that innfri has.
const ON_ITS_WAY: Duration = Duration::from_secs(20);

/// What to ask.
#[derive(Default)]
pub struct Questions {
    /// Requests to ask, by type; examples where there is none.
    pub requests: Vec<(MessageType, Value)>,
    /// What the bank's test data answers wrongly at first.
    pub wrong_first: Option<(MessageType, Value)>,
}

/// One question, and where its part of what was seen begins.
struct Asked {
    kind: MessageType,
    id: MessageId,
    /// Under which id the bank gets it.
    about: String,
    mark: usize,
}

struct Run<'a> {
    stage: &'a Stage,
    counterpart: &'a Counterpart,
    outcomes: Outcomes,
    questions: &'a Questions,
    rows: Vec<Row>,
    count: usize,
}

/// Runs every check for banks.
///
/// # Errors
/// When the tool itself cannot ask.
pub async fn run(
    stage: &Stage,
    counterpart: &Counterpart,
    questions: &Questions,
) -> Result<Vec<Row>, AmqpError> {
    let own = queue_of(&stage.counterpart.id, Purpose::Outcome { revision: 1 });
    let outcomes = counterpart.outcomes(&own).await?;
    let rows = Vec::new();
    let mut run = Run { stage, counterpart, outcomes, questions, rows, count: 0 };
    let queue = queue_of(&stage.partner.id, Purpose::Request);
    (stage.say)(&format!("start the bank's system against {}", stage.line.address()));
    let consumes = |seen: &[Seen]| {
        seen.iter().any(|one| matches!(one, Seen::Consuming { queue: from, .. } if *from == queue))
    };
    let came = stage.line.until(0, stage.time, consumes).await;
    run.add(list::CONNECTED, judge::connected(&stage.line.since(0), &stage.logins, &queue));
    if came {
        run.answers(list::RESTGJELD, MessageType::Restgjeldsforespoersel).await?;
        run.answers(list::INNFRIELSE, MessageType::Innfrielsessaldoforespoersel).await?;
        run.reconnects().await?;
        run.confirms().await?;
        run.duplicates().await?;
        run.rejection().await?;
        run.look_back();
    }
    Ok(super::report::in_order(run.rows, list::For::Banks))
}

impl Run<'_> {
    fn add(&mut self, check: list::Check, judgement: Judgement) {
        (self.stage.say)(&format!("{} {}: {}", check.id, judgement.grade.as_str(), judgement.seen));
        self.rows.push(Row { check, judgement });
    }

    /// Asks. The trap is armed first.
    async fn ask(
        &mut self,
        kind: MessageType,
        template: Option<&Value>,
        trap: impl FnOnce(&str, usize) -> Option<Trap>,
    ) -> Result<Asked, AmqpError> {
        self.count += 1;
        let given = self.questions.requests.iter().find(|(given, _)| *given == kind);
        let template = template.or(given.map(|(_, body)| body));
        let parties = (self.stage.counterpart.as_ref(), self.stage.partner.as_ref());
        let reference = format!("CNF-{}", self.count);
        let body = paper::request(kind, template, parties, &reference, self.stage.today);
        let id = new_id();
        let about = forwarded_as(&self.stage.counterpart.id, &id);
        self.outcomes.expect(&id);
        let mark = self.stage.line.mark();
        self.stage.line.arm(trap(&about, mark));
        self.counterpart.publish(Entrance::Requests, kind, &id, None, &body).await?;
        Ok(Asked { kind, id, about, mark })
    }

    fn requests(&self) -> BTreeSet<String> {
        judge::requests(&self.stage.line.since(0))
    }

    /// Whether the bank has said something to this question and is done with it.
    async fn until_answered(&self, asked: &Asked) -> bool {
        let fits = |seen: &[Seen]| {
            published(seen).any(|message| message.exchange == ANSWERS)
                && has_taken(seen, |delivered| delivered.is_about(&asked.about))
        };
        self.stage.line.until(asked.mark, self.stage.time, fits).await
    }

    async fn answers(&mut self, check: list::Check, kind: MessageType) -> Result<(), AmqpError> {
        let asked = self.ask(kind, None, |_, _| None).await?;
        self.until_answered(&asked).await;
        let seen = self.stage.line.since(asked.mark);
        let requests = self.requests();
        let answers = judge::answers_to(&seen, &asked.about, &requests);
        // An answer that says who sends it, and to what, reaches the tool; another cannot.
        let reaches = answers.first().is_some_and(|answer| {
            judge::identity_faults(answer).is_empty()
                && answer.correlation_id.as_deref() == Some(&asked.about)
        });
        let outcome = if reaches { self.outcomes.of(&asked.id, 1, ON_ITS_WAY).await } else { None };
        let kind = outcome.as_ref().map(|outcome| outcome.kind.as_str());
        // The rejection, where there is one, has come since.
        let seen = self.stage.line.since(asked.mark);
        let answers = judge::answers_to(&seen, &asked.about, &requests);
        let judgement = judge::answered(asked.kind, &seen, &asked.about, &answers, kind);
        self.add(check, judgement);
        Ok(())
    }

    async fn reconnects(&mut self) -> Result<(), AmqpError> {
        let trap = |about: &str, _| Some(Trap::CutOnDelivery { about: about.to_owned() });
        let asked = self.ask(MessageType::Restgjeldsforespoersel, None, trap).await?;
        let fits = |seen: &[Seen]| has_taken(seen, |delivered| delivered.is_about(&asked.about));
        self.stage.line.until(asked.mark, self.stage.time, fits).await;
        self.stage.line.disarm();
        let judgement = judge::reconnects(&self.stage.line.since(asked.mark), &asked.about);
        self.add(list::RECONNECTS, judgement);
        Ok(())
    }

    async fn confirms(&mut self) -> Result<(), AmqpError> {
        let trap = |_: &str, from| Some(Trap::LoseConfirm { exchange: ANSWERS, from });
        let asked = self.ask(MessageType::Restgjeldsforespoersel, None, trap).await?;
        let lost = |seen: &[Seen]| {
            seen.iter().any(|one| matches!(one, Seen::Cut { .. }))
                && seen.iter().any(|one| matches!(one, Seen::ConfirmLost { .. }))
        };
        if self.stage.line.until(asked.mark, self.stage.time, lost).await {
            self.stage.line.until(asked.mark, self.stage.time, judge::came_again).await;
        }
        self.stage.line.disarm();
        self.add(list::CONFIRMS, judge::confirms(&self.stage.line.since(asked.mark)));
        Ok(())
    }

    async fn duplicates(&mut self) -> Result<(), AmqpError> {
        let trap = |about: &str, _| Some(Trap::LoseAcknowledgement { about: about.to_owned() });
        let asked = self.ask(MessageType::Restgjeldsforespoersel, None, trap).await?;
        let again = |seen: &[Seen]| judge::taken_again(seen, &asked.about);
        if self.stage.line.until(asked.mark, self.stage.time, again).await {
            // A second answer may follow the acknowledgement.
            tokio::time::sleep(SETTLE).await;
        }
        self.stage.line.disarm();
        let seen = self.stage.line.since(asked.mark);
        let answers = judge::answers_to(&seen, &asked.about, &self.requests());
        self.add(list::DUPLICATES, judge::duplicates(&seen, &asked.about, Some(&answers)));
        Ok(())
    }

    async fn rejection(&mut self) -> Result<(), AmqpError> {
        let asked = match self.questions.wrong_first.as_ref() {
            Some((kind, body)) => self.ask(*kind, Some(body), |_, _| None).await?,
            None => {
                let trap = |about: &str, _| {
                    Some(Trap::Spoil { exchange: ANSWERS, answering: Some(about.to_owned()) })
                };
                self.ask(MessageType::Restgjeldsforespoersel, None, trap).await?
            }
        };
        self.until_answered(&asked).await;
        self.stage.line.disarm();
        let seen = self.stage.line.since(asked.mark);
        let requests = self.requests();
        let rejected =
            judge::rejected_id(&seen, &judge::answers_to(&seen, &asked.about, &requests));
        let mut outcome = None;
        if let Some(rejected) = &rejected {
            let took = |seen: &[Seen]| judge::took_rejection(seen, rejected);
            if self.stage.line.until(asked.mark, self.stage.time.min(ON_ITS_WAY), took).await {
                (self.stage.say)(&format!(
                    "answer {rejected} was rejected: a new answer to {} is waited for",
                    asked.about
                ));
                outcome = self.outcomes.of(&asked.id, 1, self.stage.time).await;
            }
        }
        let (whole, seen) = (self.stage.line.since(0), self.stage.line.since(asked.mark));
        let queue = queue_of(&self.stage.partner.id, Purpose::Rejection);
        let rejected = rejected.as_deref();
        self.add(list::REJECTION, judge::rejection(&whole, &seen, rejected, &queue));
        let kind = outcome.as_ref().map(|outcome| outcome.kind.as_str());
        self.add(list::CORRECTION, judge::correction(&seen, rejected, &asked.about, kind));
        Ok(())
    }

    /// What every message shows.
    fn look_back(&mut self) {
        let seen = self.stage.line.since(0);
        self.add(list::IDENTITY, judge::identity(&seen));
        self.add(list::RECOMMENDED, judge::recommended(&seen));
        self.add(list::CORRELATION, judge::correlation(&seen, &self.requests()));
    }
}

//! An agent's system under test: the tool answers as a bank.

use serde_json::Value;

use super::conversation::Trap;
use super::counterpart::{Counterpart, Requests, Stage, forwarded_as, new_id};
use super::judge;
use super::list;
use super::paper;
use super::report::{Judgement, Row};
use super::seen::{Seen, published};
use crate::case::Purpose;
use crate::channel::amqp::{AmqpError, Entrance, Received, queue_of};
use crate::contract::MessageType;
use crate::contract::amqp_names::REQUESTS;

/// How long the tool waits at the end for requests that are still on their way.
const LAST_CALL: std::time::Duration = std::time::Duration::from_secs(3);

/// Asks the person who runs the tool what the system under test shows; `None` when nobody can say.
pub type Witness = dyn Fn(&str) -> Option<bool> + Send + Sync;

/// A request that the tool holds as the bank.
struct Held {
    kind: MessageType,
    /// The agent's own name for it.
    own_id: String,
    reference: String,
    body: Value,
    received: Received,
}

struct Run<'a> {
    stage: &'a Stage,
    counterpart: &'a Counterpart,
    requests: Requests,
    /// None came in time: none is waited for again.
    dry: bool,
    rows: Vec<Row>,
    witness: &'a Witness,
}

/// Runs every check for agents.
///
/// # Errors
/// When the tool itself cannot answer.
pub async fn run(
    stage: &Stage,
    counterpart: &Counterpart,
    witness: &Witness,
) -> Result<Vec<Row>, AmqpError> {
    let own = queue_of(&stage.counterpart.id, Purpose::Request);
    let requests = counterpart.requests(&own, &stage.partner.id).await?;
    let mut run = Run { stage, counterpart, requests, dry: false, rows: Vec::new(), witness };
    // Both before anybody connects: an agent may send everything at once.
    stage.line.arm([
        Trap::LoseConfirm { exchange: REQUESTS, from: 0 },
        Trap::Spoil { exchange: REQUESTS, answering: None },
    ]);
    (stage.say)(&format!(
        "start the agent's system against {}; send five requests or more to {}",
        stage.line.address(),
        stage.counterpart.id
    ));
    let queue = queue_of(&stage.partner.id, Purpose::Outcome { revision: 1 });
    let came = |seen: &[Seen]| published(seen).next().is_some();
    stage.line.until(0, stage.time, came).await;
    run.confirms().await;
    run.refused().await;
    // Some publish first and consume later.
    let consumes = |seen: &[Seen]| {
        seen.iter().any(|one| matches!(one, Seen::Consuming { queue: from, .. } if *from == queue))
    };
    stage.line.until(0, stage.time, consumes).await;
    run.add(list::CONNECTED, judge::connected(&stage.line.since(0), &stage.logins, &queue));
    run.duplicates().await?;
    run.two_outcomes(list::NEWEST, "SVARER_I_EPOST", None).await?;
    run.two_outcomes(list::LATE, "FEIL", Some("TEKNISK_FEIL")).await?;
    run.answer_the_rest().await?;
    let seen = stage.line.since(0);
    run.add(list::IDENTITY, judge::identity(&seen));
    run.add(list::RECOMMENDED, judge::recommended(&seen));
    Ok(super::report::in_order(run.rows, list::For::Agents))
}

impl Run<'_> {
    fn add(&mut self, check: list::Check, judgement: Judgement) {
        (self.stage.say)(&format!("{} {}: {}", check.id, judgement.grade.as_str(), judgement.seen));
        self.rows.push(Row { check, judgement });
    }

    async fn confirms(&mut self) {
        let line = &self.stage.line;
        let lost = |seen: &[Seen]| seen.iter().any(|one| matches!(one, Seen::ConfirmLost { .. }));
        if line.until(0, self.stage.time, lost).await {
            line.until(0, self.stage.time, judge::came_again).await;
        }
        let judgement = judge::confirms(&line.since(0));
        self.add(list::CONFIRMS, judgement);
    }

    async fn refused(&mut self) {
        let line = &self.stage.line;
        let took = |seen: &[Seen]| {
            judge::spoiled(seen).is_some_and(|request| judge::took_outcome(seen, &request))
        };
        line.until(0, self.stage.time, took).await;
        line.disarm();
        let judgement = judge::refused(&line.since(0));
        self.add(list::REFUSED, judgement);
    }

    /// The next request that the agent sent over the line.
    async fn next(&mut self) -> Option<Held> {
        while !self.dry {
            let Some(received) = self.requests.next(self.stage.time).await else { break };
            if let Some(held) = self.hold(received) {
                return Some(held);
            }
        }
        self.dry = true;
        None
    }

    fn hold(&self, received: Received) -> Option<Held> {
        let forwarded = received.message_id.clone()?;
        let seen = self.stage.line.since(0);
        let own_id =
            published(&seen).filter_map(|message| message.message_id.clone()).find(|id| {
                let id = id.parse().ok();
                id.is_some_and(|id| forwarded_as(&self.stage.partner.id, &id) == forwarded)
            })?;
        let kind = received.message_type.as_deref()?.parse().ok()?;
        let body: Value = serde_json::from_slice(&received.body).ok()?;
        let reference =
            body.pointer("/avsender/referanse").and_then(Value::as_str).unwrap_or_default();
        Some(Held { kind, own_id, reference: reference.to_owned(), body, received })
    }

    async fn say(&self, held: &Held, kind: MessageType, body: &Value) -> Result<(), AmqpError> {
        let correlation = held.received.message_id.clone();
        self.counterpart.publish(Entrance::Answers, kind, &new_id(), correlation, body).await
    }

    /// Gives amounts, and lets go of the request.
    async fn answer(&self, held: Held) -> Result<(), AmqpError> {
        let bank = &self.stage.counterpart;
        match paper::answer(held.kind, &held.body, bank) {
            Some((kind, body)) => self.say(&held, kind, &body).await?,
            None => {
                let body = paper::status(&held.body, bank, "SVARER_I_EPOST", None);
                self.say(&held, MessageType::Status, &body).await?;
            }
        }
        held.received.ack().await;
        Ok(())
    }

    async fn duplicates(&mut self) -> Result<(), AmqpError> {
        let Some(held) = self.next().await else {
            for check in [list::DUPLICATES, list::RECONNECTS] {
                self.add(check, no_request());
            }
            return Ok(());
        };
        let line = &self.stage.line;
        let (mark, about) = (line.mark(), held.own_id.clone());
        line.arm([Trap::LoseAcknowledgement { about: about.clone() }]);
        self.answer(held).await?;
        let again = |seen: &[Seen]| judge::taken_again(seen, &about);
        line.until(mark, self.stage.time, again).await;
        line.disarm();
        let seen = line.since(mark);
        self.add(list::DUPLICATES, judge::duplicates(&seen, &about, None));
        self.add(list::RECONNECTS, judge::reconnects(&seen, &about));
        Ok(())
    }

    /// A status, then amounts: the newer one must replace the older.
    async fn two_outcomes(
        &mut self,
        check: list::Check,
        code: &str,
        aarsak: Option<&str>,
    ) -> Result<(), AmqpError> {
        let Some(held) = self.next().await else {
            self.add(check, no_request());
            return Ok(());
        };
        let (line, time) = (&self.stage.line, self.stage.time);
        let mark = line.mark();
        let (own_id, reference) = (held.own_id.clone(), held.reference.clone());
        let taken = |count| {
            let own_id = own_id.clone();
            move |seen: &[Seen]| judge::outcomes_taken(seen, &own_id) >= count
        };
        let status = paper::status(&held.body, &self.stage.counterpart, code, aarsak);
        self.say(&held, MessageType::Status, &status).await?;
        line.until(mark, time, taken(1)).await;
        self.answer(held).await?;
        let shows = if line.until(mark, time, taken(2)).await {
            let question = format!(
                "{}: does your system show amounts (1234567.00) in the case {reference}, and not {code}?",
                check.id
            );
            (self.witness)(&question)
        } else {
            None
        };
        let judgement = judge::both_taken(&line.since(mark), &own_id, &reference, shows);
        self.add(check, judgement);
        Ok(())
    }

    /// So that no case of the partner's is left open.
    async fn answer_the_rest(&mut self) -> Result<(), AmqpError> {
        while let Some(received) = self.requests.next(LAST_CALL).await {
            if let Some(held) = self.hold(received) {
                self.answer(held).await?;
            }
        }
        Ok(())
    }
}

fn no_request() -> Judgement {
    Judgement::not_shown("no request reached the bank for it: send five or more")
}

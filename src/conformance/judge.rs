//! What is made of what was seen. Pure: each judgement reads one check's part of the line.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::report::Judgement;
use super::seen::{Delivered, Published, Seen, after, has_taken, published, was_sent};
use crate::contract::MessageType;
use crate::contract::amqp_names::{ANSWERS, REQUESTS};

/// CNF-01. `logins` are those that may speak for the partner, `queue` is where it must consume.
pub fn connected(seen: &[Seen], logins: &BTreeSet<String>, queue: &str) -> Judgement {
    let mut signed_in = seen.iter().filter_map(|one| match one {
        Seen::SignedIn { login, .. } => Some(login.as_deref()),
        _ => None,
    });
    let mut met = false;
    for login in signed_in.by_ref() {
        met = true;
        if let Some(login) = login.filter(|login| !logins.contains(*login)) {
            return Judgement::fail(format!("`{login}` may not speak for the organisation"));
        }
    }
    if !met {
        return Judgement::fail("nobody signed in over the line");
    }
    let consumes = seen.iter().find_map(|one| match one {
        Seen::Consuming { queue: from, acknowledges, .. } if from == queue => Some(*acknowledges),
        _ => None,
    });
    match consumes {
        None => Judgement::fail(format!("signed in, but does not consume from {queue}")),
        Some(false) => Judgement::fail("consumes without acknowledgements (no_ack)"),
        Some(true) => Judgement::pass(format!("consumes from {queue} with acknowledgements")),
    }
}

/// CNF-02.
pub fn identity(seen: &[Seen]) -> Judgement {
    faults_of(seen, identity_faults, Judgement::fail)
}

/// CNF-03.
pub fn recommended(seen: &[Seen]) -> Judgement {
    faults_of(seen, recommended_faults, Judgement::advice)
}

fn faults_of(
    seen: &[Seen],
    faults: fn(&Published) -> Vec<&'static str>,
    grade: fn(String) -> Judgement,
) -> Judgement {
    let messages: Vec<&Published> = published(seen)
        .filter(|message| [REQUESTS, ANSWERS].contains(&message.exchange.as_str()))
        .collect();
    if messages.is_empty() {
        return Judgement::not_shown("nothing was published over the line");
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for fault in messages.iter().flat_map(|message| faults(message)) {
        *counts.entry(fault).or_default() += 1;
    }
    if counts.is_empty() {
        return Judgement::pass(format!("all {} message(s)", messages.len()));
    }
    let words: Vec<String> =
        counts.iter().map(|(fault, count)| format!("{fault} ({count})")).collect();
    grade(format!("of {} message(s): {}", messages.len(), words.join(", ")))
}

/// What a message lacks without which it is nobody's.
pub fn identity_faults(message: &Published) -> Vec<&'static str> {
    let mut faults = Vec::new();
    match (&message.user_id, &message.login) {
        (None, _) => faults.push("no user_id"),
        (Some(user), Some(login)) if user != login => faults.push("user_id is not the login"),
        (Some(_), _) => {}
    }
    match &message.message_id {
        None => faults.push("no message_id"),
        Some(id) if id.parse::<Uuid>().is_err() => faults.push("message_id is not a UUID"),
        Some(_) => {}
    }
    if message.kind.is_none() {
        faults.push("no type");
    }
    if message.content_type.as_deref() != Some("application/json") {
        faults.push("content_type is not application/json");
    }
    if message.exchange == ANSWERS && message.correlation_id.is_none() {
        faults.push("no correlation_id");
    }
    faults
}

fn recommended_faults(message: &Published) -> Vec<&'static str> {
    let wanted = [
        (message.persistent, "not persistent"),
        (message.mandatory, "not mandatory"),
        (message.app_id.is_some(), "no app_id"),
        (message.timestamp, "no timestamp"),
    ];
    wanted.into_iter().filter(|(there, _)| !there).map(|(_, fault)| fault).collect()
}

/// Whether what was lost has been published again, in whatever form: then there is something to judge.
pub fn came_again(seen: &[Seen]) -> bool {
    let Some(first) = unconfirmed(seen) else { return false };
    let again = after(seen, |one| matches!(one, Seen::ConfirmLost { .. }));
    published(again).any(|message| is_again(first, message))
}

/// The message whose confirmation was lost.
fn unconfirmed(seen: &[Seen]) -> Option<&Published> {
    let lost = seen.iter().position(|one| matches!(one, Seen::ConfirmLost { .. }))?;
    let Some(Seen::ConfirmLost { message_id }) = seen.get(lost) else { return None };
    published(seen.get(..lost)?).rev().find(|message| message.message_id == *message_id)
}

fn is_again(first: &Published, message: &Published) -> bool {
    let same_id = message.message_id.is_some() && message.message_id == first.message_id;
    same_id || message.digest == first.digest || answers_the_same(first, message)
}

fn answers_the_same(first: &Published, message: &Published) -> bool {
    message.correlation_id.is_some() && message.correlation_id == first.correlation_id
}

/// CNF-04.
pub fn confirms(seen: &[Seen]) -> Judgement {
    let Some(first) = unconfirmed(seen) else {
        return Judgement::not_shown("nothing was published whose confirm could be lost");
    };
    if !first.confirms {
        return Judgement::fail("published on a channel without confirms (confirm.select)");
    }
    let early = |one: &Seen| match one {
        Seen::Settled { line, taken: true, delivered } => {
            *line == first.line
                && first.correlation_id.as_deref().is_some_and(|id| delivered.is_about(id))
        }
        _ => false,
    };
    if seen.iter().any(early) {
        return Judgement::fail("acknowledged the request before its answer was confirmed");
    }
    let lost = after(seen, |one| matches!(one, Seen::ConfirmLost { .. }));
    let again: Vec<&Published> =
        published(lost).filter(|message| is_again(first, message)).collect();
    let Some(message) = again.first() else {
        return Judgement::fail("the message whose confirm was lost did not come again");
    };
    if message.message_id != first.message_id {
        Judgement::fail("it came again under another message_id")
    } else if message.digest != first.digest {
        Judgement::fail("it came again under the same message_id with other content")
    } else {
        Judgement::pass("it came again: same message_id, same content")
    }
}

/// CNF-05: `about` is the message that was delivered when the line was cut.
pub fn reconnects(seen: &[Seen], about: &str) -> Judgement {
    let cut = after(seen, |one| matches!(one, Seen::Cut { .. }));
    if !seen.iter().any(|one| matches!(one, Seen::Cut { .. })) {
        Judgement::not_shown("the line was not cut: no delivery came over it")
    } else if !cut.iter().any(|one| matches!(one, Seen::SignedIn { .. })) {
        Judgement::fail("did not sign in again after the cut")
    } else if was_sent(cut, |delivered| delivered.is_about(about)) {
        Judgement::pass("signed in again and consumes: what was cut off came again")
    } else {
        Judgement::fail(
            "signed in again, but does not consume: what was cut off did not come again",
        )
    }
}

/// Whether the message whose acknowledgement was lost has been taken again.
pub fn taken_again(seen: &[Seen], about: &str) -> bool {
    let lost = after(seen, |one| matches!(one, Seen::AcknowledgementLost { .. }));
    has_taken(lost, |delivered| delivered.is_about(about))
}

/// CNF-06: `about` is the message that came twice; for a bank, `answers` are its answers to it.
pub fn duplicates(seen: &[Seen], about: &str, answers: Option<&[&Published]>) -> Judgement {
    if !was_sent(seen, |delivered| delivered.is_about(about)) {
        return Judgement::not_shown("the message did not come over the line");
    }
    if !seen.iter().any(|one| matches!(one, Seen::AcknowledgementLost { .. })) {
        return Judgement::fail("the message was not acknowledged in time");
    }
    if !taken_again(seen, about) {
        return Judgement::fail("it came again and was not acknowledged");
    }
    let Some(answers) = answers else {
        return Judgement::pass("it came again and was acknowledged again");
    };
    let different: BTreeSet<_> =
        answers.iter().map(|answer| (&answer.message_id, answer.digest.to_string())).collect();
    match different.len() {
        0 => Judgement::fail("it came twice and was not answered"),
        1 => Judgement::pass(format!(
            "it came twice and had one answer, said {} time(s)",
            answers.len()
        )),
        count => Judgement::fail(format!("it came twice and had {count} different answers")),
    }
}

/// What the bank said to the request `about`: also what carries a correlation id that is no request's
/// (`requests` are all that were delivered), since whoever says that has answered all the same.
pub fn answers_to<'a>(
    seen: &'a [Seen],
    about: &str,
    requests: &BTreeSet<String>,
) -> Vec<&'a Published> {
    let fits = |message: &&Published| match message.correlation_id.as_deref() {
        Some(id) => id == about || !requests.contains(id),
        None => true,
    };
    published(seen).filter(|message| message.exchange == ANSWERS).filter(fits).collect()
}

/// CNF-11 and CNF-12. `outcome` is the type of what came back through innfri.
pub fn answered(
    kind: MessageType,
    seen: &[Seen],
    about: &str,
    answers: &[&Published],
    outcome: Option<&str>,
) -> Judgement {
    if !was_sent(seen, |delivered| delivered.is_about(about)) {
        return Judgement::not_shown(
            "the request did not come over the line: does another connection consume?",
        );
    }
    let Some(answer) = answers.first() else {
        return Judgement::fail("no answer came in time");
    };
    let right = [kind.answered_by(), Some(MessageType::Status)];
    let said = answer.kind.as_deref().and_then(|kind| kind.parse::<MessageType>().ok());
    if said.is_none() || !right.contains(&said) {
        return Judgement::fail("answered with a type that does not fit the request");
    }
    if let Some(outcome) = outcome {
        return Judgement::pass(format!("answered; {outcome} reached the asker"));
    }
    if !identity_faults(answer).is_empty() || answer.correlation_id.as_deref() != Some(about) {
        return Judgement::pass("answered; it cannot reach the asker, see CNF-02 and CNF-13");
    }
    if is_rejected(seen, answer) {
        return Judgement::fail("innfri rejected the answer: `innfri case show` names the rules");
    }
    Judgement::fail("answered, but innfri passed nothing on: see its dead letters")
}

fn is_rejected(seen: &[Seen], answer: &Published) -> bool {
    let about = |delivered: &Delivered| is_rejection(delivered, answer.message_id.as_deref());
    was_sent(seen, about)
}

fn is_rejection(delivered: &Delivered, of: Option<&str>) -> bool {
    delivered.kind.as_deref() == Some(MessageType::Rejection.name())
        && of.is_some()
        && delivered.correlation_id.as_deref() == of
}

/// CNF-13. `requests` are all that were delivered over the line.
pub fn correlation(seen: &[Seen], requests: &BTreeSet<String>) -> Judgement {
    let said: Vec<&str> = published(seen)
        .filter(|message| message.exchange == ANSWERS)
        .filter_map(|message| message.correlation_id.as_deref())
        .collect();
    let stray = said.iter().filter(|id| !requests.contains(**id)).count();
    match (said.len(), stray) {
        (0, _) => Judgement::not_shown("no answer with a correlation id was published"),
        (all, 0) => Judgement::pass(format!("all {all} answer(s)")),
        (all, stray) => Judgement::fail(format!(
            "{stray} of {all} answer(s) name no request that was delivered"
        )),
    }
}

/// Every request that was delivered over the line, by message id.
pub fn requests(seen: &[Seen]) -> BTreeSet<String> {
    let is_request =
        |kind: &str| kind.parse::<MessageType>().is_ok_and(|it| it.answered_by().is_some());
    let delivered = seen.iter().filter_map(|one| match one {
        Seen::Delivered(delivered) => Some(delivered),
        _ => None,
    });
    delivered
        .filter(|delivered| delivered.kind.as_deref().is_some_and(is_request))
        .filter_map(|delivered| delivered.message_id.clone())
        .collect()
}

/// The answer that innfri rejected: the one that was spoiled, else the first.
pub fn rejected_id(seen: &[Seen], answers: &[&Published]) -> Option<String> {
    let spoiled = seen.iter().find_map(|one| match one {
        Seen::Spoiled { message_id } => message_id.clone(),
        _ => None,
    });
    spoiled.or_else(|| answers.first()?.message_id.clone())
}

/// Whether the rejection of this answer has been taken.
pub fn took_rejection(seen: &[Seen], rejected: &str) -> bool {
    has_taken(seen, |delivered| is_rejection(delivered, Some(rejected)))
}

/// CNF-14. `queue` is where rejections wait; `whole` is everything seen, since the consumer may have
/// been started long before.
pub fn rejection(whole: &[Seen], seen: &[Seen], rejected: Option<&str>, queue: &str) -> Judgement {
    let Some(rejected) = rejected else {
        return Judgement::not_shown("no answer came that could be rejected");
    };
    if took_rejection(seen, rejected) {
        return Judgement::pass("the rejection was acknowledged");
    }
    if was_sent(seen, |delivered| is_rejection(delivered, Some(rejected))) {
        return Judgement::fail("the rejection was delivered and not acknowledged");
    }
    let consumes = |one: &Seen| matches!(one, Seen::Consuming { queue: from, .. } if from == queue);
    if whole.iter().any(consumes) {
        Judgement::not_shown("no rejection came: innfri accepted the answer, or could tell nobody")
    } else {
        Judgement::fail(format!("does not consume from {queue}"))
    }
}

/// CNF-15. `outcome` is the type of what came back through innfri.
pub fn correction(
    seen: &[Seen],
    rejected: Option<&str>,
    about: &str,
    outcome: Option<&str>,
) -> Judgement {
    let Some(rejected) = rejected else {
        return Judgement::not_shown("no answer came that could be rejected");
    };
    let told = after(
        seen,
        |one| matches!(one, Seen::Delivered(delivered) if is_rejection(delivered, Some(rejected))),
    );
    let mut later =
        published(told).filter(|message| message.correlation_id.as_deref() == Some(about));
    let Some(message) = later.next_back() else {
        return Judgement::not_shown(
            "no new answer came in time: correct one by hand, or use --wrong-first",
        );
    };
    if message.message_id.as_deref() == Some(rejected) {
        Judgement::fail("a new answer came under the rejected message_id")
    } else if outcome.is_some() {
        Judgement::pass("a new answer came under a new message_id and reached the asker")
    } else {
        Judgement::fail("a new answer came and was not accepted either")
    }
}

/// The message id of the request that was spoiled.
pub fn spoiled(seen: &[Seen]) -> Option<String> {
    seen.iter().find_map(|one| match one {
        Seen::Spoiled { message_id } => message_id.clone(),
        _ => None,
    })
}

fn is_outcome(delivered: &Delivered, of: &str) -> bool {
    let notice = [MessageType::Rejection.name(), MessageType::Receipt.name()];
    delivered.correlation_id.as_deref() == Some(of)
        && !delivered.kind.as_deref().is_some_and(|kind| notice.contains(&kind))
}

/// Whether the outcome of the agent's request has been taken.
pub fn took_outcome(seen: &[Seen], request: &str) -> bool {
    has_taken(seen, |delivered| is_outcome(delivered, request))
}

/// CNF-21.
pub fn refused(seen: &[Seen]) -> Judgement {
    let Some(request) = spoiled(seen) else {
        return Judgement::not_shown("no request came that could be refused");
    };
    if took_outcome(seen, &request) {
        Judgement::pass("the refusal was acknowledged")
    } else if was_sent(seen, |delivered| is_outcome(delivered, &request)) {
        Judgement::fail("the refusal was delivered and not acknowledged")
    } else {
        Judgement::not_shown("innfri delivered no refusal: see its dead letters")
    }
}

/// Different outcomes of the agent's request that were taken.
pub fn outcomes_taken(seen: &[Seen], request: &str) -> usize {
    let taken = seen.iter().filter_map(|one| match one {
        Seen::Settled { taken: true, delivered, .. } if is_outcome(delivered, request) => {
            delivered.message_id.as_deref()
        }
        _ => None,
    });
    taken.collect::<BTreeSet<_>>().len()
}

/// CNF-22 and CNF-23, of a request that had two outcomes. `shows` is what a person says.
pub fn both_taken(seen: &[Seen], request: &str, reference: &str, shows: Option<bool>) -> Judgement {
    let sent: BTreeSet<_> = seen
        .iter()
        .filter_map(|one| match one {
            Seen::Delivered(delivered) if is_outcome(delivered, request) => {
                delivered.message_id.as_deref()
            }
            _ => None,
        })
        .collect();
    match (outcomes_taken(seen, request), sent.len(), shows) {
        (2.., _, Some(true)) => Judgement::pass("both were taken, and the newer one is shown"),
        (2.., _, Some(false)) => Judgement::fail("both were taken, but the newer one is not shown"),
        (2.., _, None) => Judgement::not_shown(format!(
            "both were taken; see that case {reference} shows 1234567.00 in your system"
        )),
        (_, 2.., _) => Judgement::fail("both were delivered, and not both acknowledged"),
        (_, _, _) => Judgement::not_shown("not both were delivered: see innfri's case"),
    }
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;

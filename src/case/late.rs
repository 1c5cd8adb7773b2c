//! Late: a case waits longer than its bank usually takes for this kind of request.

use jiff::{SignedDuration, Timestamp};

use super::{Case, CaseState, GivenBy};

/// So few answers say nothing about what is usual.
pub const LEAST_ANSWERS: usize = 20;

/// So many of the newest settled cases are enough to tell.
pub const MOST_ANSWERS: u32 = 500;

/// The part of a bank's answers, in percent, that come within its usual time.
const USUAL_PERCENT: usize = 95;

/// How long a bank usually takes: 95 % of these cases were answered within it. Only cases with one
/// outcome, given by the bank itself, count (of a case that was answered again it is no longer known
/// here when the first answer came). `None` when fewer than [`LEAST_ANSWERS`] count.
pub fn usual_wait<'a>(settled: impl IntoIterator<Item = &'a Case>) -> Option<SignedDuration> {
    let mut waits: Vec<SignedDuration> =
        settled.into_iter().filter_map(first_answer_took).collect();
    waits.sort_unstable();
    if waits.len() < LEAST_ANSWERS {
        return None;
    }
    // The nearest rank: the smallest wait that so many answers do not exceed.
    let rank = (waits.len() * USUAL_PERCENT).div_ceil(100);
    waits.get(rank.saturating_sub(1)).copied()
}

fn first_answer_took(case: &Case) -> Option<SignedDuration> {
    match &case.state {
        CaseState::Settled(outcome) if outcome.revision == 1 && outcome.by == GivenBy::Bank => {
            Some(outcome.at.duration_since(case.opened_at))
        }
        CaseState::Settled(_) | CaseState::Open => None,
    }
}

/// Whether an open case waits longer than usual.
pub fn is_late(case: &Case, usual: Option<SignedDuration>, now: Timestamp) -> bool {
    match (&case.state, usual) {
        (CaseState::Open, Some(usual)) => now.duration_since(case.opened_at) > usual,
        (CaseState::Open, None) | (CaseState::Settled(_), _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Outcome, OutcomeKind};
    use crate::contract::MessageType;
    use crate::kernel::{CaseId, DeliveryId, Digest};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn case(state: CaseState) -> Case {
        let id = CaseId::from_uuid(uuid::Uuid::nil());
        Case {
            id,
            request_type: MessageType::Restgjeldsforespoersel,
            request_id: None,
            forwarded_as: DeliveryId::of(&id, "request"),
            asker: "926018159".parse().unwrap(),
            reply_to: "926018159".parse().unwrap(),
            bank: Some("918190937".parse().unwrap()),
            reference: String::new(),
            opened_at: at(1000),
            state,
            version: 1,
            head: Digest::ZERO,
        }
    }

    fn answered(seconds: i64, revision: u32, by: GivenBy) -> Case {
        let kind = OutcomeKind::Answer(MessageType::Restgjeldssvar);
        case(CaseState::Settled(Outcome { revision, kind, by, at: at(1000 + seconds) }))
    }

    #[test]
    fn the_usual_wait_is_what_95_of_100_do_not_exceed() {
        let settled: Vec<Case> =
            (1..=100).rev().map(|wait| answered(wait, 1, GivenBy::Bank)).collect();
        assert_eq!(usual_wait(&settled), Some(SignedDuration::from_secs(95)));
    }

    #[test]
    fn fewer_than_twenty_answers_say_nothing() {
        let mut settled: Vec<Case> =
            (1..=19).map(|wait| answered(wait, 1, GivenBy::Bank)).collect();
        settled.push(answered(9, 1, GivenBy::Innfri));
        settled.push(answered(9, 2, GivenBy::Bank));
        settled.push(case(CaseState::Open));
        assert_eq!(usual_wait(&settled), None);
        settled.push(answered(20, 1, GivenBy::Bank));
        assert_eq!(usual_wait(&settled), Some(SignedDuration::from_secs(19)));
    }

    #[test]
    fn an_open_case_is_late_past_the_usual_wait_and_a_settled_one_never() {
        let usual = Some(SignedDuration::from_secs(60));
        assert!(!is_late(&case(CaseState::Open), usual, at(1060)));
        assert!(is_late(&case(CaseState::Open), usual, at(1061)));
        assert!(!is_late(&case(CaseState::Open), None, at(9999)));
        assert!(!is_late(&answered(90, 1, GivenBy::Bank), usual, at(9999)));
    }
}

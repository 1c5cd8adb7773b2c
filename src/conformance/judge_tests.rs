//! Judgements on small stories, each right but for one thing.

use super::*;
use crate::conformance::report::Grade::{self, Advice, Fail, NotShown, Pass};
use crate::kernel::Digest;

const REQUEST: &str = "0b1d1d7e-5c1f-4a6e-9d0b-3f6a1e2c4b5d";
const ANSWER: &str = "6fa459ea-ee8a-3ca4-894e-db77e160355e";
const OTHER: &str = "16fd2706-8baf-433b-82eb-8c7fada847da";

fn answer() -> Published {
    Published {
        line: 1,
        login: Some("testvik".into()),
        exchange: ANSWERS.into(),
        mandatory: true,
        confirms: true,
        persistent: true,
        user_id: Some("testvik".into()),
        message_id: Some(ANSWER.into()),
        kind: Some("no.dsve.status.v1".into()),
        correlation_id: Some(REQUEST.into()),
        content_type: Some("application/json".into()),
        app_id: Some("bank 1.0".into()),
        timestamp: true,
        digest: Digest::of(&[b"a"]),
    }
}

fn delivered(kind: MessageType, message_id: &str, correlation_id: Option<&str>) -> Delivered {
    Delivered {
        message_id: Some(message_id.into()),
        correlation_id: correlation_id.map(str::to_owned),
        kind: Some(kind.name().into()),
        redelivered: false,
    }
}

fn request() -> Delivered {
    delivered(MessageType::Restgjeldsforespoersel, REQUEST, None)
}

fn taken(line: u64, delivered: Delivered) -> Seen {
    Seen::Settled { line, taken: true, delivered }
}

fn lost() -> Seen {
    Seen::ConfirmLost { message_id: Some(ANSWER.into()) }
}

fn grade(judgement: &Judgement) -> Grade {
    judgement.grade
}

#[test]
fn an_identity_with_any_gap_fails() {
    let said = |message: Published| grade(&identity(&[Seen::Published(message)]));
    assert_eq!(said(answer()), Pass);
    assert_eq!(said(Published { user_id: None, ..answer() }), Fail);
    assert_eq!(said(Published { user_id: Some("megler".into()), ..answer() }), Fail);
    assert_eq!(said(Published { message_id: Some("17".into()), ..answer() }), Fail);
    assert_eq!(said(Published { kind: None, ..answer() }), Fail);
    assert_eq!(said(Published { content_type: None, ..answer() }), Fail);
    assert_eq!(said(Published { correlation_id: None, ..answer() }), Fail);
    assert_eq!(grade(&identity(&[])), NotShown);
    let advised = Published { app_id: None, mandatory: false, ..answer() };
    assert_eq!(said(advised.clone()), Pass);
    assert_eq!(grade(&recommended(&[Seen::Published(advised)])), Advice);
}

#[test]
fn a_lost_confirm_is_made_good_by_the_same_message_alone() {
    let after_loss = |again: Option<Published>| {
        let mut seen = vec![Seen::Published(answer()), lost(), Seen::Cut { line: 1 }];
        seen.extend(again.map(Seen::Published));
        grade(&confirms(&seen))
    };
    assert_eq!(after_loss(Some(Published { line: 2, ..answer() })), Pass);
    assert_eq!(after_loss(Some(Published { message_id: Some(OTHER.into()), ..answer() })), Fail);
    assert_eq!(after_loss(Some(Published { digest: Digest::of(&[b"b"]), ..answer() })), Fail);
    assert_eq!(after_loss(None), Fail);
    assert_eq!(grade(&confirms(&[Seen::Published(answer())])), NotShown);
}

#[test]
fn who_acknowledges_the_request_before_the_confirm_does_not_wait_for_it() {
    let again = Seen::Published(Published { line: 2, ..answer() });
    let seen = [Seen::Published(answer()), lost(), taken(1, request()), again.clone()];
    assert_eq!(grade(&confirms(&seen)), Fail);
    let seen = [Seen::Published(answer()), lost(), again, taken(2, request())];
    assert_eq!(grade(&confirms(&seen)), Pass);
    let unasked = Published { confirms: false, ..answer() };
    assert_eq!(grade(&confirms(&[Seen::Published(unasked), lost()])), Fail);
}

#[test]
fn a_repeat_may_have_one_answer_however_often_it_is_said() {
    let seen = [
        Seen::Delivered(request()),
        Seen::AcknowledgementLost { message_id: Some(REQUEST.into()) },
        Seen::Delivered(request()),
        taken(2, request()),
    ];
    let (one, other) = (answer(), Published { message_id: Some(OTHER.into()), ..answer() });
    let judged = |answers: &[&Published]| grade(&duplicates(&seen, REQUEST, Some(answers)));
    assert_eq!(judged(&[&one]), Pass);
    assert_eq!(judged(&[&one, &one]), Pass);
    assert_eq!(judged(&[&one, &other]), Fail);
    assert_eq!(judged(&[]), Fail);
    assert_eq!(grade(&duplicates(&seen[..3], REQUEST, None)), Fail);
    assert_eq!(grade(&duplicates(&seen[..1], REQUEST, None)), Fail);
    assert_eq!(grade(&duplicates(&[], REQUEST, None)), NotShown);
}

#[test]
fn a_stray_answer_counts_as_an_answer_and_fails_correlation_alone() {
    let requests = BTreeSet::from([REQUEST.to_owned()]);
    let stray = Published { correlation_id: Some(OTHER.into()), ..answer() };
    let seen = [Seen::Delivered(request()), Seen::Published(stray)];
    assert_eq!(requests, super::requests(&seen));
    let answers = answers_to(&seen, REQUEST, &requests);
    let kind = MessageType::Restgjeldsforespoersel;
    assert_eq!(grade(&answered(kind, &seen, REQUEST, &answers, None)), Pass);
    assert_eq!(grade(&correlation(&seen, &requests)), Fail);
    let both = BTreeSet::from([REQUEST.to_owned(), OTHER.to_owned()]);
    assert_eq!(answers_to(&seen, REQUEST, &both), Vec::<&Published>::new());
}

#[test]
fn an_answer_counts_when_its_type_fits_and_innfri_passes_it_on() {
    let seen = [Seen::Delivered(request()), Seen::Published(answer())];
    let kind = MessageType::Restgjeldsforespoersel;
    let judged =
        |answer: &Published, outcome| grade(&answered(kind, &seen, REQUEST, &[answer], outcome));
    assert_eq!(judged(&answer(), Some("no.dsve.status.v1")), Pass);
    assert_eq!(judged(&answer(), None), Fail);
    let unfit = Published { kind: Some("no.dsve.innfrielsessaldosvar.v1".into()), ..answer() };
    assert_eq!(judged(&unfit, None), Fail);
    assert_eq!(grade(&answered(kind, &seen, REQUEST, &[], None)), Fail);
    assert_eq!(grade(&answered(kind, &[], REQUEST, &[], None)), NotShown);
}

#[test]
fn a_rejection_is_taken_and_followed_by_another_id() {
    let rejection = delivered(MessageType::Rejection, OTHER, Some(ANSWER));
    let queue = "innfri.org.no.918190937.answers";
    let consuming = Seen::Consuming { line: 1, queue: queue.into(), acknowledges: true };
    let told = [Seen::Delivered(rejection.clone()), taken(1, rejection)];
    let judged =
        |whole: &[Seen], seen: &[Seen]| grade(&super::rejection(whole, seen, Some(ANSWER), queue));
    assert_eq!(judged(&[], &told), Pass);
    assert_eq!(judged(&[], &told[..1]), Fail);
    assert_eq!(judged(&[], &[]), Fail);
    assert_eq!(judged(&[consuming], &[]), NotShown);

    let corrected = |id: &str, outcome| {
        let mut seen = told.to_vec();
        seen.push(Seen::Published(Published { message_id: Some(id.into()), ..answer() }));
        grade(&correction(&seen, Some(ANSWER), REQUEST, outcome))
    };
    assert_eq!(corrected(OTHER, Some("no.dsve.status.v1")), Pass);
    assert_eq!(corrected(OTHER, None), Fail);
    assert_eq!(corrected(ANSWER, None), Fail);
    assert_eq!(grade(&correction(&told, Some(ANSWER), REQUEST, None)), NotShown);
}

#[test]
fn two_outcomes_are_taken_and_only_a_person_can_say_which_is_shown() {
    let first = delivered(MessageType::Status, ANSWER, Some(REQUEST));
    let second = delivered(MessageType::Restgjeldssvar, OTHER, Some(REQUEST));
    let sent = [Seen::Delivered(first.clone()), Seen::Delivered(second.clone())];
    let both = [sent.as_slice(), &[taken(1, first.clone()), taken(1, second)]].concat();
    let judged = |seen: &[Seen], shows| grade(&both_taken(seen, REQUEST, "CNF-1", shows));
    assert_eq!(judged(&both, Some(true)), Pass);
    assert_eq!(judged(&both, Some(false)), Fail);
    assert_eq!(judged(&both, None), NotShown);
    // The same one twice is not both.
    let twice = [sent.as_slice(), &[taken(1, first.clone()), taken(2, first)]].concat();
    assert_eq!(judged(&twice, None), Fail);
    assert_eq!(judged(&[], None), NotShown);
}

#[test]
fn a_cut_line_is_made_good_by_coming_back_and_consuming() {
    let cut = [Seen::Delivered(request()), Seen::Cut { line: 1 }];
    let back = Seen::SignedIn { line: 2, login: None };
    let judged = |more: &[Seen]| grade(&reconnects(&[&cut, more].concat(), REQUEST));
    assert_eq!(judged(&[back.clone(), Seen::Delivered(request())]), Pass);
    assert_eq!(judged(&[back]), Fail);
    assert_eq!(judged(&[]), Fail);
    assert_eq!(grade(&reconnects(&[], REQUEST)), NotShown);
}

#[test]
fn a_stranger_or_one_who_does_not_acknowledge_is_not_connected() {
    let logins = BTreeSet::from(["testvik".to_owned()]);
    let signed_in = |login: &str| Seen::SignedIn { line: 1, login: Some(login.into()) };
    let consuming = |acknowledges| Seen::Consuming { line: 1, queue: "q".into(), acknowledges };
    let judged = |seen: &[Seen]| grade(&connected(seen, &logins, "q"));
    assert_eq!(judged(&[signed_in("testvik"), consuming(true)]), Pass);
    assert_eq!(judged(&[signed_in("testvik"), consuming(false)]), Fail);
    assert_eq!(judged(&[signed_in("megler"), consuming(true)]), Fail);
    assert_eq!(judged(&[signed_in("testvik")]), Fail);
    assert_eq!(judged(&[]), Fail);
}

#[test]
fn a_refusal_is_taken_or_not() {
    let spoiled = Seen::Spoiled { message_id: Some(REQUEST.into()) };
    let refusal = delivered(MessageType::Status, OTHER, Some(REQUEST));
    let story = [spoiled, Seen::Delivered(refusal.clone()), taken(1, refusal)];
    assert_eq!(grade(&refused(&story)), Pass);
    assert_eq!(grade(&refused(&story[..2])), Fail);
    assert_eq!(grade(&refused(&story[..1])), NotShown);
    assert_eq!(grade(&refused(&[])), NotShown);
}

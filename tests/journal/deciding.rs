//! Committing decisions and looking up what is known.

use innfri::case::{CaseState, Delivery, Event, Purpose};
use innfri::contract::MessageType;
use innfri::kernel::{DeliveryId, OrganisationId};
use innfri::market::no::status::Statuskode;
use innfri::port::Whose;
use innfri::port::{CommitError, Counts, Decision, Disposition, Found, Journal, Key};

use crate::bench::Bench;
use crate::samples::*;

pub async fn find(journal: &dyn Journal, key: Key) -> Found {
    journal.look_up(&[key]).await.unwrap().remove(0)
}

fn by_case(number: u32) -> Key {
    Key { case: Some(case_id(number)), ..Key::default() }
}

fn by_message(sender: OrganisationId, number: u32) -> Key {
    Key { inbox: Some((sender, message(number))), ..Key::default() }
}

async fn conflicts(journal: &dyn Journal, group: &[Decision]) -> Vec<usize> {
    match journal.commit(group, &early()).await {
        Err(CommitError::Conflict(places)) => places,
        other => panic!("{other:?}"),
    }
}

pub async fn every_field_of_a_case_is_found_again(bench: Bench) {
    let mut bare = request(2);
    {
        let change = bare.change.as_mut().unwrap();
        change.case.request_id = None;
        change.case.bank = None;
        change.case.reference = String::new();
    }
    let group = [request(1), bare.clone()];
    bench.journal.commit(&group, &early()).await.unwrap();
    assert_eq!(find(&*bench.journal, by_case(1)).await.case, Some(stored(&group[0])));
    assert_eq!(find(&*bench.journal, by_case(2)).await.case, Some(stored(&bare)));
}

pub async fn a_case_is_found_by_its_delivery_too(bench: Bench) {
    bench.journal.commit(&[request(1), request(2)], &early()).await.unwrap();
    let key = Key { forwarded_as: Some(request_delivery(2)), ..Key::default() };
    assert_eq!(find(&*bench.journal, key).await.case, Some(stored(&request(2))));
    let unknown = Key { forwarded_as: Some(request_delivery(3)), ..Key::default() };
    assert_eq!(find(&*bench.journal, unknown).await, Found::default());
}

pub async fn a_message_that_was_here_is_recognised(bench: Bench) {
    bench.journal.commit(&[request(1)], &early()).await.unwrap();
    let found = find(&*bench.journal, by_message(agent(), 1)).await;
    assert_eq!(found, Found { inbox: Some(inbox(1)), case: None });
    assert_eq!(find(&*bench.journal, by_message(agent(), 2)).await, Found::default());
}

pub async fn the_same_message_id_of_two_senders_is_two_messages(bench: Bench) {
    let mut other = inbox(1);
    other.sender = bank();
    other.case = None;
    let entry = Decision { inbox: Some(other.clone()), ..Decision::none(Disposition::Rejected) };
    bench.journal.commit(&[request(1), entry], &early()).await.unwrap();
    assert_eq!(find(&*bench.journal, by_message(bank(), 1)).await.inbox, Some(other));
    assert_eq!(find(&*bench.journal, by_message(agent(), 1)).await.inbox, Some(inbox(1)));
}

pub async fn keys_are_answered_in_their_order(bench: Bench) {
    bench.journal.commit(&[request(1), request(2), request(3)], &early()).await.unwrap();
    let keys = [
        by_case(3),
        Key::default(),
        by_message(agent(), 1),
        by_case(9),
        Key {
            inbox: Some((agent(), message(2))),
            forwarded_as: Some(request_delivery(2)),
            ..Key::default()
        },
        by_case(3),
    ];
    let found = bench.journal.look_up(&keys).await.unwrap();
    let third = Found { inbox: None, case: Some(stored(&request(3))) };
    let expected = [
        third.clone(),
        Found::default(),
        Found { inbox: Some(inbox(1)), case: None },
        Found::default(),
        Found { inbox: Some(inbox(2)), case: Some(stored(&request(2))) },
        third,
    ];
    assert_eq!(found, expected);
}

pub async fn nothing_is_found_for_empty_keys(bench: Bench) {
    assert_eq!(bench.journal.look_up(&[]).await.unwrap(), []);
    assert_eq!(find(&*bench.journal, Key::default()).await, Found::default());
}

pub async fn an_outcome_is_found_again_with_all_its_parts(bench: Bench) {
    let sold = Event::StatusGiven {
        revision: 2,
        statuskode: Statuskode::LaanSolgt,
        aarsak: None,
        by: innfri::case::GivenBy::Bank,
        message_id: Some(message(50)),
    };
    bench.journal.commit(&[request(1)], &early()).await.unwrap();
    let mut case = find(&*bench.journal, by_case(1)).await.case.unwrap().case;
    for (second, event) in [(10, feil()), (11, sold), (12, answered(3))] {
        let decision = follow(&case, event, second);
        bench.journal.commit(std::slice::from_ref(&decision), &early()).await.unwrap();
        let expected = decision.change.unwrap().case;
        let found = find(&*bench.journal, by_case(1)).await.case.unwrap();
        assert_eq!(found.case, expected);
        assert_eq!(found.request, stored(&request(1)).request);
        case = found.case;
    }
    assert_eq!((case.version, case.state.revision()), (4, 3));
}

/// That nothing of a group with request 2 is there.
async fn assert_nothing_of_2(bench: &Bench) {
    let keys = [by_case(2), by_message(agent(), 2)];
    assert_eq!(bench.journal.look_up(&keys).await.unwrap(), vec![Found::default(); 2]);
    let counts = bench.journal.counts().await.unwrap();
    assert_eq!(counts, Counts { open_cases: 1, owed_deliveries: 1, dead_letters: 0 });
}

pub async fn a_case_that_exists_conflicts_and_leaves_nothing(bench: Bench) {
    bench.journal.commit(&[request(1)], &early()).await.unwrap();
    let again = Decision { inbox: None, ..request(1) };
    let letter = dead(letter(2, innfri::case::DeadReason::UnknownType));
    assert_eq!(conflicts(&*bench.journal, &[request(2), again, letter]).await, [1]);
    assert_nothing_of_2(&bench).await;
    // The others may be committed as they are.
    bench.journal.commit(&[request(2)], &early()).await.unwrap();
}

pub async fn a_message_that_arrives_twice_conflicts_and_leaves_nothing(bench: Bench) {
    bench.journal.commit(&[request(1)], &early()).await.unwrap();
    let repeat = Decision { inbox: Some(inbox(1)), ..Decision::none(Disposition::Rejected) };
    assert_eq!(conflicts(&*bench.journal, &[repeat, request(2)]).await, [0]);
    assert_nothing_of_2(&bench).await;
}

pub async fn a_case_that_moved_on_conflicts_and_leaves_nothing(bench: Bench) {
    bench.journal.commit(&[request(1)], &early()).await.unwrap();
    let (case, _) = new_case(1);
    let privacy = Event::PrivacyAlert { names: 1 };
    let moved = Decision { deliveries: Vec::new(), ..follow(&case, privacy, 5) };
    bench.journal.commit(std::slice::from_ref(&moved), &early()).await.unwrap();

    let late = follow(&case, answered(1), 6);
    assert_eq!(conflicts(&*bench.journal, &[request(2), late]).await, [1]);
    assert_nothing_of_2(&bench).await;
    let found = find(&*bench.journal, by_case(1)).await.case.unwrap().case;
    assert_eq!((found.version, &found.state), (2, &CaseState::Open));

    // A case that is not there at all has moved on as well.
    let unknown = follow(&new_case(9).0, answered(1), 7);
    assert_eq!(conflicts(&*bench.journal, &[unknown]).await, [0]);
}

pub async fn every_conflict_of_a_group_is_named(bench: Bench) {
    bench.journal.commit(&[request(1), request(3)], &early()).await.unwrap();
    let (case, _) = new_case(3);
    bench.journal.commit(&[follow(&case, answered(1), 4)], &early()).await.unwrap();
    let repeat = Decision { inbox: Some(inbox(3)), ..Decision::none(Disposition::Rejected) };
    let group = [request(5), repeat, request(2), follow(&case, answered(1), 6), request(1)];
    assert_eq!(conflicts(&*bench.journal, &group).await, [1, 3, 4]);
    bench.journal.commit(&[request(5), request(2)], &early()).await.unwrap();
}

pub async fn two_decisions_about_one_message_conflict_within_a_group(bench: Bench) {
    let group = [request(1), request(2), request(1)];
    assert_eq!(conflicts(&*bench.journal, &group).await, [2]);
    assert_eq!(bench.journal.counts().await.unwrap(), Counts::default());
}

pub async fn an_empty_group_is_committed(bench: Bench) {
    bench.journal.commit(&[], &early()).await.unwrap();
    let nothing = Decision::none(Disposition::Repeated);
    bench.journal.commit(&[nothing], &early()).await.unwrap();
    assert_eq!(bench.journal.counts().await.unwrap(), Counts::default());
}

pub async fn a_decision_without_a_case_is_kept(bench: Bench) {
    let id = DeliveryId::about(&bank(), &message(8), "rejection");
    let mut entry = inbox(8);
    entry.case = None;
    let decision = Decision {
        inbox: Some(entry.clone()),
        deliveries: vec![Delivery {
            id,
            case: None,
            purpose: Purpose::Rejection,
            to: bank(),
            body: body(MessageType::Rejection, "nei"),
            correlation_id: Some(message(8)),
            traceparent: None,
        }],
        ..Decision::none(Disposition::Rejected)
    };
    bench.journal.commit(std::slice::from_ref(&decision), &early()).await.unwrap();
    assert_eq!(find(&*bench.journal, by_message(agent(), 8)).await.inbox, Some(entry));
    let owed = bench.journal.claim(&claim_at(1000, 2), 10, Whose::AllBut(&[])).await.unwrap();
    assert_eq!(owed.len(), 1);
    assert_eq!(owed[0].delivery, decision.deliveries[0]);
}

pub async fn a_group_of_300_is_committed_whole(bench: Bench) {
    let mut group: Vec<Decision> = (0..300).map(request).collect();
    group.extend((0..300).map(|n| dead(letter(n, innfri::case::DeadReason::UnknownType))));
    bench.journal.commit(&group, &early()).await.unwrap();
    let counts = bench.journal.counts().await.unwrap();
    assert_eq!(counts, Counts { open_cases: 300, owed_deliveries: 300, dead_letters: 300 });
    let keys: Vec<Key> = (0..300).map(by_case).collect();
    let found = bench.journal.look_up(&keys).await.unwrap();
    for (number, found) in (0..300).zip(found) {
        assert_eq!(found.case, Some(stored(&request(number))));
    }
    let changes: Vec<Decision> =
        (0..300).map(|number| follow(&new_case(number).0, answered(1), 500)).collect();
    bench.journal.commit(&changes, &early()).await.unwrap();
    assert_eq!(bench.journal.counts().await.unwrap().open_cases, 0);
}

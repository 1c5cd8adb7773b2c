//! Claiming what is owed and recording what became of it.

use std::collections::HashSet;

use innfri::kernel::DeliveryId;
use innfri::port::Whose;
use innfri::port::{
    AttemptResult, CommitError, Decision, DeliveryRecord, Disposition, Journal, OwedDelivery,
};

use crate::bench::Bench;
use crate::samples::*;

fn ids(owed: &[OwedDelivery]) -> Vec<DeliveryId> {
    owed.iter().map(|owed| owed.delivery.id).collect()
}

async fn claimed(journal: &dyn Journal, second: i64, owner: u128) -> Vec<DeliveryId> {
    ids(&journal.claim(&claim_at(second, owner), 100, Whose::AllBut(&[])).await.unwrap())
}

async fn only_delivery(bench: &Bench) -> DeliveryRecord {
    let story = bench.journal.story(&case_id(1)).await.unwrap().unwrap();
    assert_eq!(story.deliveries.len(), 1);
    story.deliveries.into_iter().next().unwrap()
}

fn delivered(second: i64) -> AttemptResult {
    AttemptResult::Delivered { delivery: request_delivery(1), at: at(second) }
}

fn failed(until: i64) -> AttemptResult {
    AttemptResult::Failed {
        delivery: request_delivery(1),
        next_attempt_at: at(until),
        error: "unroutable: no queue".into(),
    }
}

pub async fn a_new_delivery_belongs_to_its_committer_until_the_lease_runs_out(bench: Bench) {
    bench.journal.commit(&[request(1)], &claim_at(0, 1)).await.unwrap();
    assert_eq!(claimed(&*bench.journal, 59, 2).await, []);
    assert_eq!(claimed(&*bench.journal, 60, 2).await, [request_delivery(1)]);
}

pub async fn a_claimed_delivery_is_not_claimed_again_until_the_lease_runs_out(bench: Bench) {
    bench.journal.commit(&[request(1)], &early()).await.unwrap();
    assert_eq!(claimed(&*bench.journal, 1000, 2).await.len(), 1);
    for owner in [2, 3] {
        assert_eq!(claimed(&*bench.journal, 1059, owner).await, []);
    }
    assert_eq!(claimed(&*bench.journal, 1060, 3).await.len(), 1);
}

pub async fn a_claimed_delivery_is_complete(bench: Bench) {
    let decision = request(1);
    bench.journal.commit(std::slice::from_ref(&decision), &claim_at(3, 1)).await.unwrap();
    let owed = bench.journal.claim(&claim_at(1000, 2), 1, Whose::AllBut(&[])).await.unwrap();
    let expected =
        OwedDelivery { delivery: decision.deliveries[0].clone(), attempts: 1, owed_since: at(3) };
    assert_eq!(owed, [expected]);
}

pub async fn a_claim_that_ran_out_counts_as_an_attempt_and_one_given_back_does_not(bench: Bench) {
    bench.journal.commit(&[request(1)], &early()).await.unwrap();
    let attempts = async |second, owner| {
        let claim = claim_at(second, owner);
        let owed = bench.journal.claim(&claim, 10, Whose::AllBut(&[])).await.unwrap();
        owed.iter().map(|owed| owed.attempts).collect::<Vec<_>>()
    };
    // Its committer has died.
    assert_eq!(attempts(1000, 2).await, [1]);
    let delivery = request_delivery(1);
    let given_back = AttemptResult::Postponed { delivery, next_attempt_at: at(1001) };
    bench.journal.record(&[given_back]).await.unwrap();
    assert_eq!(attempts(1002, 3).await, [1]);
    assert_eq!(attempts(3000, 4).await, [2]);
}

pub async fn two_owners_never_share(bench: Bench) {
    let group: Vec<Decision> = (0..200).map(request).collect();
    bench.journal.commit(&group, &early()).await.unwrap();
    let mut owners = tokio::task::JoinSet::new();
    for owner in 10..14 {
        let journal = std::sync::Arc::clone(&bench.journal);
        owners.spawn(async move {
            let mut mine = Vec::new();
            // With SKIP LOCKED a claim may come back empty while others hold the rest.
            for _ in 0..40 {
                mine.extend(ids(&journal
                    .claim(&claim_at(1000, owner), 7, Whose::AllBut(&[]))
                    .await
                    .unwrap()));
            }
            mine
        });
    }
    let all: Vec<DeliveryId> = owners.join_all().await.into_iter().flatten().collect();
    let different: HashSet<DeliveryId> = all.iter().copied().collect();
    assert_eq!((all.len(), different.len()), (200, 200));
}

pub async fn the_oldest_are_claimed_first(bench: Bench) {
    for (number, second) in [(1, 30), (2, 10), (3, 20)] {
        bench.journal.commit(&[request(number)], &claim_at(second, 1)).await.unwrap();
    }
    let first = bench.journal.claim(&claim_at(1000, 2), 2, Whose::AllBut(&[])).await.unwrap();
    assert_eq!(ids(&first), [request_delivery(2), request_delivery(3)]);
    let rest = bench.journal.claim(&claim_at(1000, 2), 2, Whose::AllBut(&[])).await.unwrap();
    assert_eq!(ids(&rest), [request_delivery(1)]);
}

pub async fn receivers_are_left_out(bench: Bench) {
    let mut to_other = request(2);
    to_other.deliveries[0].to = other_bank();
    bench.journal.commit(&[request(1), to_other], &early()).await.unwrap();
    let except = [bank(), agent()];
    let owed = bench.journal.claim(&claim_at(1000, 2), 10, Whose::AllBut(&except)).await.unwrap();
    assert_eq!(ids(&owed), [request_delivery(2)]);
    let both = [bank(), other_bank()];
    assert_eq!(
        bench.journal.claim(&claim_at(1000, 2), 10, Whose::AllBut(&both)).await.unwrap(),
        []
    );
    assert_eq!(claimed(&*bench.journal, 1000, 2).await, [request_delivery(1)]);
}

pub async fn a_receiver_collects_its_own_and_only_what_is_old_enough(bench: Bench) {
    let mut to_other = request(2);
    to_other.deliveries[0].to = other_bank();
    let claim = claim_at(10, 1);
    bench.journal.commit(&[request(1), to_other, request(3)], &claim).await.unwrap();
    let of = [other_bank()];
    let own = bench.journal.claim(&claim_at(1000, 2), 10, Whose::Only(&of, None)).await.unwrap();
    assert_eq!(ids(&own), [request_delivery(2)]);
    let of = [bank()];
    let young = Whose::Only(&of, Some(at(10)));
    assert_eq!(bench.journal.claim(&claim_at(1000, 2), 10, young).await.unwrap(), []);
    let old = Whose::Only(&of, Some(at(11)));
    let old = bench.journal.claim(&claim_at(1000, 2), 10, old).await.unwrap();
    assert_eq!(old.len(), 2);
}

pub async fn one_delivery_is_found_by_its_id(bench: Bench) {
    bench.journal.commit(&[request(1)], &early()).await.unwrap();
    let found = bench.journal.delivery(&request_delivery(1)).await.unwrap().unwrap();
    assert_eq!(found, only_delivery(&bench).await);
    assert_eq!(bench.journal.delivery(&request_delivery(2)).await.unwrap(), None);
}

pub async fn the_journal_knows_how_large_it_is(bench: Bench) {
    let before = bench.journal.size_bytes().await.unwrap();
    let many: Vec<_> = (1..=2000).map(request).collect();
    bench.journal.commit(&many, &early()).await.unwrap();
    assert!(bench.journal.size_bytes().await.unwrap() > before);
}

pub async fn what_is_delivered_is_owed_no_longer(bench: Bench) {
    bench.journal.commit(&[request(1)], &early()).await.unwrap();
    bench.journal.record(&[delivered(7)]).await.unwrap();
    assert_eq!(claimed(&*bench.journal, 1000, 2).await, []);
    assert_eq!(only_delivery(&bench).await.delivered_at, Some(at(7)));
    assert_eq!(bench.journal.counts().await.unwrap().owed_deliveries, 0);
}

pub async fn what_failed_falls_due_again_with_its_attempts_counted(bench: Bench) {
    bench.journal.commit(&[request(1)], &early()).await.unwrap();
    bench.journal.record(&[failed(500)]).await.unwrap();
    // The lease is gone, but it is not due.
    assert_eq!(claimed(&*bench.journal, 499, 2).await, []);
    let owed = bench.journal.claim(&claim_at(500, 2), 1, Whose::AllBut(&[])).await.unwrap();
    assert_eq!((owed.len(), owed[0].attempts, owed[0].owed_since), (1, 1, at(0)));
    bench.journal.record(&[failed(600)]).await.unwrap();
    let record = only_delivery(&bench).await;
    assert_eq!((record.attempts, record.next_attempt_at), (2, at(600)));
    assert_eq!(record.last_error.as_deref(), Some("unroutable: no queue"));
    assert_eq!(record.delivered_at, None);
}

pub async fn what_was_postponed_falls_due_without_an_attempt(bench: Bench) {
    bench.journal.commit(&[request(1), request(2)], &early()).await.unwrap();
    let postponed =
        AttemptResult::Postponed { delivery: request_delivery(1), next_attempt_at: at(500) };
    let second = AttemptResult::Delivered { delivery: request_delivery(2), at: at(1) };
    bench.journal.record(&[postponed, second]).await.unwrap();
    assert_eq!(claimed(&*bench.journal, 499, 2).await, []);
    let owed = bench.journal.claim(&claim_at(500, 2), 9, Whose::AllBut(&[])).await.unwrap();
    assert_eq!((owed.len(), owed[0].attempts), (1, 0));
    assert_eq!(only_delivery(&bench).await.last_error, None);
}

pub async fn what_is_delivered_stays_delivered(bench: Bench) {
    bench.journal.commit(&[request(1)], &early()).await.unwrap();
    bench.journal.record(&[delivered(7)]).await.unwrap();
    let before = only_delivery(&bench).await;
    let postponed =
        AttemptResult::Postponed { delivery: request_delivery(1), next_attempt_at: at(9) };
    bench.journal.record(&[delivered(8), failed(9), postponed]).await.unwrap();
    assert_eq!(only_delivery(&bench).await, before);
    assert_eq!(claimed(&*bench.journal, 1000, 2).await, []);
}

fn giving_up(delivery: DeliveryId) -> Decision {
    Decision { given_up: Some(delivery), ..Decision::none(Disposition::Accepted) }
}

pub async fn what_is_given_up_is_owed_no_longer(bench: Bench) {
    bench.journal.commit(&[request(1)], &early()).await.unwrap();
    let give_up = giving_up(request_delivery(1));
    bench.journal.commit(std::slice::from_ref(&give_up), &claim_at(70, 2)).await.unwrap();
    let again = bench.journal.commit(&[give_up], &claim_at(80, 2)).await.unwrap_err();
    assert!(matches!(again, CommitError::Conflict(places) if places == [0]));
    assert_eq!(claimed(&*bench.journal, 1000, 2).await, []);
    assert_eq!(only_delivery(&bench).await.given_up_at, Some(at(70)));
    bench.journal.record(&[failed(9)]).await.unwrap();
    assert_eq!(only_delivery(&bench).await.attempts, 0);
}

pub async fn what_was_delivered_is_not_given_up_and_nobody_is_told_so(bench: Bench) {
    bench.journal.commit(&[request(1)], &early()).await.unwrap();
    bench.journal.record(&[delivered(7)]).await.unwrap();
    let give_up = Decision { given_up: Some(request_delivery(1)), ..request(2) };
    let late = bench.journal.commit(&[request(3), give_up], &claim_at(70, 2)).await.unwrap_err();
    assert!(matches!(late, CommitError::Conflict(places) if places == [1]));
    assert_eq!(only_delivery(&bench).await.given_up_at, None);
    for nothing in [2, 3] {
        assert_eq!(bench.journal.story(&case_id(nothing)).await.unwrap(), None);
    }
}

pub async fn a_delivery_that_is_known_stays_as_it_was(bench: Bench) {
    bench.journal.commit(&[request(1)], &early()).await.unwrap();
    bench.journal.record(&[failed(500)]).await.unwrap();
    let before = only_delivery(&bench).await;
    let mut delivery = request(1).deliveries.remove(0);
    delivery.to = other_bank();
    let again = Decision { deliveries: vec![delivery], ..Decision::none(Disposition::Accepted) };
    bench.journal.commit(&[again], &claim_at(490, 5)).await.unwrap();
    assert_eq!(only_delivery(&bench).await, before);
    // Nor is it claimed by whoever committed it again.
    assert_eq!(claimed(&*bench.journal, 500, 2).await, [request_delivery(1)]);
}

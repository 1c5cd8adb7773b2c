//! Group commit: many decisions, one transaction; then what is newly owed goes straight out.

use std::time::Instant;

use super::Shared;
use crate::case::RecordedEvent;
use crate::port::{CommitError, Decision, OwedDelivery, Taken, Topic};

/// What became of a group of decisions.
pub(super) struct Outcome {
    /// In the order of the group: what was committed, `None` for what was not.
    pub(super) committed: Vec<Option<Taken>>,
    /// Why some were not.
    pub(super) error: Option<CommitError>,
}

impl Shared {
    /// Commits as many of the decisions as still fit the journal, and hands what they owe to the
    /// dispatcher of this process.
    pub(super) async fn commit(&self, decisions: Vec<Decision>) -> Outcome {
        let mut committed: Vec<Option<Taken>> = vec![None; decisions.len()];
        let (mut places, mut group): (Vec<usize>, Vec<Decision>) = (Vec::new(), Vec::new());
        for (place, decision) in decisions.into_iter().enumerate() {
            if keeps_nothing(&decision) {
                if let Some(slot) = committed.get_mut(place) {
                    *slot = Some(taken(&decision));
                }
            } else {
                places.push(place);
                group.push(decision);
            }
        }
        let mut error = None;
        while !group.is_empty() {
            let claim = self.claim();
            let began = Instant::now();
            let result = self.parts.journal.commit(&group, &claim).await;
            self.parts.metrics.committed(&result, began.elapsed());
            match result {
                Ok(()) => {
                    for (place, decision) in places.iter().zip(&group) {
                        if let Some(slot) = committed.get_mut(*place) {
                            *slot = Some(taken(decision));
                        }
                    }
                    self.tell(&group);
                    for case in group.iter().filter_map(|decision| decision.case) {
                        self.parts.bell.ring(&Topic::Case(case));
                    }
                    self.hand_over(group, &claim).await;
                    break;
                }
                Err(CommitError::Conflict(collided)) if !collided.is_empty() => {
                    let mut place = 0..;
                    let mut stays = || place.next().is_some_and(|here| !collided.contains(&here));
                    let keep: Vec<bool> = group.iter().map(|_| stays()).collect();
                    retain(&mut group, &keep);
                    retain(&mut places, &keep);
                    error = Some(CommitError::Conflict(collided));
                }
                Err(other) => {
                    error = Some(other);
                    break;
                }
            }
        }
        Outcome { committed, error }
    }

    async fn hand_over(&self, group: Vec<Decision>, claim: &crate::port::Claim) {
        let fresh: Vec<OwedDelivery> = group
            .into_iter()
            .flat_map(|decision| decision.deliveries)
            .map(|delivery| OwedDelivery { delivery, attempts: 0, owed_since: claim.now })
            .collect();
        // When the dispatcher is gone, the process is stopping and the lease runs out.
        if !fresh.is_empty() && self.fresh.send(fresh).await.is_err() {
            tracing::debug!("stopping: new deliveries are left to another process");
        }
    }

    /// Counts, and logs what people should know at once. Events hold no personal data.
    fn tell(&self, group: &[Decision]) {
        let directory = self.directory();
        group.iter().for_each(|decision| self.parts.metrics.kept(decision, &directory));
        let events = group.iter().filter_map(|decision| decision.change.as_ref());
        for RecordedEvent { case, event, .. } in events.flat_map(|change| &change.events) {
            if event.is_alert() {
                tracing::warn!(%case, alert = event.name(), "look at this case");
            }
        }
        for letter in group.iter().flat_map(|decision| &decision.dead_letters) {
            tracing::warn!(
                letter = %letter.id,
                reason = letter.reason.code(),
                detail = letter.detail,
                "kept as a dead letter"
            );
        }
    }
}

fn taken(decision: &Decision) -> Taken {
    Taken { case: decision.case, disposition: decision.disposition, notice: decision.notice }
}

fn keeps_nothing(decision: &Decision) -> bool {
    decision.inbox.is_none()
        && decision.change.is_none()
        && decision.deliveries.is_empty()
        && decision.dead_letters.is_empty()
        && decision.given_up.is_none()
}

fn retain<T>(items: &mut Vec<T>, keep: &[bool]) {
    let mut flags = keep.iter();
    items.retain(|_| flags.next().copied().unwrap_or(true));
}

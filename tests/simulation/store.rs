//! The model journal: what a journal holds, and what each call does to it at one instant. It is written
//! from the words of `port::Journal`, with no statement of the real stores.

use std::collections::{BTreeMap, BTreeSet};

use innfri::case::{Case, DeadLetter, Delivery, RecordedEvent, StoredCase};
use innfri::kernel::{CaseId, DeadLetterId, DeliveryId, MessageId, OrganisationId};
use innfri::port::{
    AttemptResult, CaseFilter, CaseStory, Claim, Counts, Decision, DeliveryRecord, Found,
    InboxEntry, Key, OwedDelivery, Whose,
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::planted::Planted;

#[derive(Clone)]
pub struct Owed {
    pub delivery: Delivery,
    pub attempts: u32,
    pub since: Timestamp,
    pub next: Timestamp,
    pub lease: Option<(Uuid, Timestamp)>,
    pub delivered_at: Option<Timestamp>,
    pub given_up_at: Option<Timestamp>,
    pub last_error: Option<String>,
}

impl Owed {
    pub fn is_owed(&self) -> bool {
        self.delivered_at.is_none() && self.given_up_at.is_none()
    }
}

#[derive(Default)]
pub struct Store {
    pub cases: BTreeMap<CaseId, StoredCase>,
    pub events: BTreeMap<CaseId, Vec<RecordedEvent>>,
    pub inbox: BTreeMap<(OrganisationId, MessageId), InboxEntry>,
    pub deliveries: BTreeMap<DeliveryId, Owed>,
    pub dead_letters: BTreeMap<DeadLetterId, DeadLetter>,
    pub planted: Option<Planted>,
}

impl Store {
    pub fn look_up(&self, key: &Key) -> Found {
        let forgetful = self.planted == Some(Planted::IdempotencyLost);
        let inbox = key.inbox.as_ref().filter(|_| !forgetful);
        let forwarded =
            |id| self.cases.values().find(|stored: &&StoredCase| stored.case.forwarded_as == id);
        let case = key.case.and_then(|id| self.cases.get(&id));
        Found {
            inbox: inbox.and_then(|inbox| self.inbox.get(inbox)).cloned(),
            case: case.or_else(|| key.forwarded_as.and_then(forwarded)).cloned(),
        }
    }

    /// Which decisions do not fit; those that come twice in the group do not fit either.
    pub fn conflicts(&self, group: &[Decision]) -> Vec<usize> {
        let (mut cases, mut messages) = (BTreeSet::new(), BTreeSet::new());
        let mut places = Vec::new();
        for (place, decision) in group.iter().enumerate() {
            let mut fits = true;
            if let Some(change) = &decision.change {
                let held = self.cases.get(&change.case.id).map(|stored| stored.case.version);
                let careless = self.planted == Some(Planted::LostUpdate) && held.is_some();
                fits &= cases.insert(change.case.id) && (held == change.expected || careless);
            }
            if let Some(entry) = &decision.inbox {
                let key = (entry.sender.clone(), entry.message_id);
                let forgetful = self.planted == Some(Planted::IdempotencyLost);
                fits &= forgetful || !self.inbox.contains_key(&key);
                fits &= messages.insert(key);
            }
            if let Some(id) = decision.given_up {
                fits &= self.deliveries.get(&id).is_some_and(Owed::is_owed);
            }
            if !fits {
                places.push(place);
            }
        }
        places
    }

    pub fn keep(&mut self, group: &[Decision], claim: &Claim) {
        for (place, decision) in group.iter().enumerate() {
            if let Some(entry) = &decision.inbox {
                self.inbox.insert((entry.sender.clone(), entry.message_id), entry.clone());
            }
            if let Some(change) = &decision.change {
                let held = self.cases.remove(&change.case.id).map(|stored| stored.request);
                let request = change.request.clone().or(held).expect("a new case has a request");
                let stored = StoredCase { case: change.case.clone(), request };
                self.cases.insert(change.case.id, stored);
                let events = self.events.entry(change.case.id).or_default();
                events.extend(change.events.iter().cloned());
            }
            let torn = self.planted == Some(Planted::TornCommit) && place > 0;
            for delivery in decision.deliveries.iter().filter(|_| !torn) {
                self.deliveries.entry(delivery.id).or_insert_with(|| owed(delivery, claim));
            }
            for letter in &decision.dead_letters {
                let known = self.dead_letters.entry(letter.id).or_insert_with(|| letter.clone());
                known.at = known.at.max(letter.at);
                known.attempts = letter.attempts;
            }
            let given_up = decision.given_up.and_then(|id| self.deliveries.get_mut(&id));
            if let Some(owed) = given_up.filter(|owed| owed.is_owed()) {
                owed.given_up_at = Some(claim.now);
                owed.lease = None;
            }
        }
    }

    /// Where one delivery stands.
    pub fn delivery(&self, id: &DeliveryId) -> Option<DeliveryRecord> {
        self.deliveries.get(id).map(record_of)
    }

    /// Claims what is due.
    pub fn claim(&mut self, claim: &Claim, limit: u32, whose: Whose<'_>) -> Vec<OwedDelivery> {
        let endless = self.planted == Some(Planted::EndlessLease);
        let free = |owed: &&mut Owed| match owed.lease {
            None => true,
            Some((_, until)) => until <= claim.now && !endless,
        };
        let mut due: Vec<&mut Owed> = self
            .deliveries
            .values_mut()
            .filter(|owed| owed.is_owed() && owed.next <= claim.now)
            .filter(free)
            .filter(|owed| match whose {
                Whose::AllBut(except) => !except.contains(&owed.delivery.to),
                Whose::Only(of, before) => {
                    of.contains(&owed.delivery.to)
                        && before.is_none_or(|before| owed.since < before)
                }
            })
            .collect();
        due.sort_by_key(|owed| (owed.next, owed.delivery.id));
        due.truncate(limit as usize);
        due.into_iter()
            .map(|owed| {
                owed.attempts += u32::from(owed.lease.is_some());
                owed.lease = Some((claim.owner, claim.now.saturating_add(claim.lease).unwrap()));
                OwedDelivery {
                    delivery: owed.delivery.clone(),
                    attempts: owed.attempts,
                    owed_since: owed.since,
                }
            })
            .collect()
    }

    pub fn record(&mut self, results: &[AttemptResult]) {
        for result in results {
            let Some(owed) = self.deliveries.get_mut(result.delivery()) else { continue };
            match result {
                AttemptResult::Delivered { at, .. } => {
                    owed.delivered_at = owed.delivered_at.or(Some(*at));
                    owed.lease = None;
                }
                AttemptResult::Failed { next_attempt_at, error, .. } if owed.is_owed() => {
                    owed.attempts += 1;
                    owed.next = *next_attempt_at;
                    owed.last_error = Some(error.clone());
                    owed.lease = None;
                }
                AttemptResult::Postponed { next_attempt_at, .. } if owed.is_owed() => {
                    owed.next = *next_attempt_at;
                    owed.lease = None;
                }
                AttemptResult::Failed { .. } | AttemptResult::Postponed { .. } => {}
            }
        }
    }

    pub fn cases(&self, wanted: &CaseFilter) -> Vec<Case> {
        let fits = |case: &&Case| {
            let of = wanted.organisation.as_ref();
            wanted.reference.as_ref().is_none_or(|reference| *reference == case.reference)
                && of.is_none_or(|of| {
                    *of == case.asker || *of == case.reply_to || Some(of) == case.bank.as_ref()
                })
                && wanted.open.is_none_or(|open| open == case.state.outcome().is_none())
                && wanted.message_type.is_none_or(|kind| kind == case.request_type)
                && wanted.since.is_none_or(|since| case.opened_at >= since)
                && wanted.before.is_none_or(|before| case.opened_at < before)
        };
        let mut cases: Vec<Case> =
            self.cases.values().map(|stored| &stored.case).filter(fits).cloned().collect();
        cases.sort_by_key(|case| (std::cmp::Reverse(case.opened_at), case.id));
        cases.truncate(if wanted.limit == 0 { 100 } else { wanted.limit as usize });
        cases
    }

    pub fn story(&self, case: &CaseId) -> Option<CaseStory> {
        let of_case = self.deliveries.values().filter(|owed| owed.delivery.case == Some(*case));
        let mut deliveries: Vec<DeliveryRecord> = of_case.map(record_of).collect();
        deliveries.sort_by_key(|record| (record.owed_since, record.purpose, record.id));
        Some(CaseStory {
            stored: self.cases.get(case)?.clone(),
            events: self.events.get(case).cloned().unwrap_or_default(),
            deliveries,
        })
    }

    pub fn oldest_owed(&self) -> Option<Timestamp> {
        self.deliveries.values().filter(|owed| owed.is_owed()).map(|owed| owed.since).min()
    }

    pub fn counts(&self) -> Counts {
        let open = |stored: &&StoredCase| stored.case.state.outcome().is_none();
        Counts {
            open_cases: self.cases.values().filter(open).count() as u64,
            owed_deliveries: self.deliveries.values().filter(|owed| owed.is_owed()).count() as u64,
            dead_letters: self.dead_letters.len() as u64,
        }
    }
}

fn owed(delivery: &Delivery, claim: &Claim) -> Owed {
    Owed {
        delivery: delivery.clone(),
        attempts: 0,
        since: claim.now,
        next: claim.now,
        lease: Some((claim.owner, claim.now.saturating_add(claim.lease).unwrap())),
        delivered_at: None,
        given_up_at: None,
        last_error: None,
    }
}

fn record_of(owed: &Owed) -> DeliveryRecord {
    DeliveryRecord {
        id: owed.delivery.id,
        purpose: owed.delivery.purpose,
        to: owed.delivery.to.clone(),
        body: owed.delivery.body.clone(),
        attempts: owed.attempts,
        owed_since: owed.since,
        next_attempt_at: owed.next,
        delivered_at: owed.delivered_at,
        given_up_at: owed.given_up_at,
        last_error: owed.last_error.clone(),
    }
}

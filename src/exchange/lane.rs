//! A lane: what waits for one receiver, so that a slow one holds up nobody else.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::breaker::Breaker;
use crate::kernel::DeliveryId;
use crate::port::OwedDelivery;

/// A claimed delivery that waits for its turn.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) owed: OwedDelivery,
    pub(super) claimed_at: Timestamp,
}

/// What waits for one receiver, and how the receiver does.
#[derive(Debug)]
pub(super) struct Lane {
    waiting: VecDeque<Held>,
    room: usize,
    /// Whether something was left in the journal for want of room.
    left_behind: bool,
    /// Whether a group is on its way.
    pub(super) busy: bool,
    /// The receiver's circuit breaker.
    pub(super) breaker: Breaker,
}

impl Lane {
    pub(super) fn new(room: usize, breaker: Breaker) -> Self {
        Self {
            waiting: VecDeque::new(),
            room: room.max(1),
            left_behind: false,
            busy: false,
            breaker,
        }
    }

    /// Takes a delivery, if there is room.
    pub(super) fn push(&mut self, held: Held) -> bool {
        let room = self.waiting.len() < self.room;
        if room {
            self.waiting.push_back(held);
        }
        self.left_behind |= !room;
        room
    }

    /// Whether there is room for what was left in the journal; said once.
    pub(super) fn has_room_again(&mut self) -> bool {
        let again = self.left_behind && self.waiting.len() <= self.room / 2;
        self.left_behind &= !again;
        again
    }

    /// Whether more may be claimed for it.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= self.room
    }

    /// Whether there is nothing to do or to remember.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The next group of at most `most`. Those whose claim is older than `oldest` come apart: their
    /// lease could run out on the way, and somebody else could send them too.
    pub(super) fn next(
        &mut self,
        most: usize,
        oldest: Timestamp,
    ) -> (Vec<OwedDelivery>, Vec<DeliveryId>) {
        let (mut group, mut stale) = (Vec::new(), Vec::new());
        while group.len() < most {
            let Some(held) = self.waiting.pop_front() else { break };
            if held.claimed_at < oldest {
                stale.push(held.owed.delivery.id);
            } else {
                group.push(held.owed);
            }
        }
        (group, stale)
    }

    /// Everything that waits.
    pub(super) fn drain(&mut self) -> Vec<DeliveryId> {
        self.waiting.drain(..).map(|held| held.owed.delivery.id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Delivery, Purpose};
    use crate::contract::{Body, MessageType};
    use crate::kernel::CaseId;

    fn held() -> Held {
        let bank = "NO:918190937".parse().unwrap();
        let message = "0b1d1d7e-5c1f-4a6e-9d0b-3f6a1e2c4b5d".parse().unwrap();
        let case = CaseId::of(&bank, &message);
        let delivery = Delivery {
            id: DeliveryId::of(&case, "request"),
            case: Some(case),
            purpose: Purpose::Request,
            to: bank,
            body: Body { message_type: MessageType::Restgjeldsforespoersel, json: Vec::new() },
            correlation_id: None,
            traceparent: None,
        };
        let now = Timestamp::UNIX_EPOCH;
        Held { owed: OwedDelivery { delivery, attempts: 0, owed_since: now }, claimed_at: now }
    }

    #[test]
    fn what_was_left_for_want_of_room_is_asked_for_once_there_is_room_again() {
        let mut lane = Lane::new(4, Breaker::new(5, 30));
        (0..4).for_each(|_| assert!(lane.push(held())));
        assert!(!lane.has_room_again(), "nothing was left behind");
        assert!(!lane.push(held()));
        assert!(!lane.has_room_again(), "it is still full");
        lane.next(1, Timestamp::UNIX_EPOCH);
        assert!(!lane.has_room_again(), "more than half is taken");
        lane.next(1, Timestamp::UNIX_EPOCH);
        assert!(lane.has_room_again());
        assert!(!lane.has_room_again(), "it was said");
    }
}

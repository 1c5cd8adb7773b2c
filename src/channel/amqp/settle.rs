//! Acknowledging: what lapin's acker says is not what happened, and one acknowledgement can speak for
//! many messages.

use std::collections::BTreeMap;

use lapin::Acker;
use lapin::options::BasicAckOptions;

/// What became of an acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It is on its way to RabbitMQ, on the channel that the message came by.
    Acknowledged,
    /// The channel is gone: RabbitMQ will deliver the message again.
    WillBeRedelivered,
}

/// Acknowledges a message and, with `multiple`, all before it on the same channel.
#[expect(clippy::disallowed_methods, reason = "the one place that looks at what it says")]
pub(super) async fn settle(acker: &Acker, multiple: bool) -> Settled {
    match acker.ack(BasicAckOptions { multiple }).await {
        Ok(true) => Settled::Acknowledged,
        // `Ok(false)` is what lapin says when the channel has closed: nothing was acknowledged.
        Ok(false) | Err(_) => Settled::WillBeRedelivered,
    }
}

/// Which messages of one channel are not acknowledged yet.
#[derive(Debug)]
pub(super) struct Ledger<A> {
    outstanding: BTreeMap<u64, A>,
}

/// One acknowledgement to be made.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Due<A> {
    /// Whose.
    pub(super) acker: A,
    /// Whether it speaks for all before it too.
    pub(super) multiple: bool,
}

impl<A> Ledger<A> {
    pub(super) const fn new() -> Self {
        Self { outstanding: BTreeMap::new() }
    }

    /// Notes a message that was delivered.
    pub(super) fn delivered(&mut self, tag: u64, acker: A) {
        self.outstanding.insert(tag, acker);
    }

    /// The acknowledgements due for messages that are safe now: one for all that have no unsafe
    /// message before them, and one for each other.
    pub(super) fn safe(&mut self, tags: &[u64]) -> Vec<Due<A>> {
        let mut done: BTreeMap<u64, A> = tags
            .iter()
            .filter_map(|tag| self.outstanding.remove(tag).map(|acker| (*tag, acker)))
            .collect();
        let later = match self.outstanding.keys().next() {
            Some(first_unsafe) => done.split_off(first_unsafe),
            None => BTreeMap::new(),
        };
        let together = done.pop_last().map(|(_, acker)| Due { acker, multiple: true });
        let apart = later.into_values().map(|acker| Due { acker, multiple: false });
        together.into_iter().chain(apart).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(tags: std::ops::RangeInclusive<u64>) -> Ledger<u64> {
        let mut ledger = Ledger::new();
        tags.for_each(|tag| ledger.delivered(tag, tag));
        ledger
    }

    const fn due(acker: u64, multiple: bool) -> Due<u64> {
        Due { acker, multiple }
    }

    #[test]
    fn one_acknowledgement_speaks_for_all_in_front() {
        assert_eq!(ledger(1..=5).safe(&[3, 1, 2]), vec![due(3, true)]);
        assert_eq!(ledger(1..=3).safe(&[1, 2, 3]), vec![due(3, true)]);
    }

    #[test]
    fn a_message_that_is_not_safe_is_never_spoken_for() {
        let mut ledger = ledger(1..=6);
        assert_eq!(ledger.safe(&[1, 3, 5]), vec![due(1, true), due(3, false), due(5, false)]);
        assert_eq!(ledger.safe(&[4]), vec![due(4, false)]);
        assert_eq!(ledger.safe(&[2]), vec![due(2, true)]);
        assert_eq!(ledger.safe(&[6]), vec![due(6, true)]);
    }

    #[test]
    fn nothing_is_acknowledged_twice() {
        let mut ledger = ledger(1..=2);
        assert_eq!(ledger.safe(&[1]), vec![due(1, true)]);
        assert_eq!(ledger.safe(&[1]), Vec::new());
    }

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "spends the acker")]
    async fn what_is_not_acknowledged_is_said_to_come_again() {
        let delivery = lapin::message::Delivery::mock(1, "".into(), "".into(), false, Vec::new());
        assert!(delivery.acker.ack(BasicAckOptions::default()).await.unwrap());
        assert_eq!(settle(&delivery.acker, false).await, Settled::WillBeRedelivered);
    }
}

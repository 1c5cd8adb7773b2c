//! The circuit breaker of one receiver: after several failures in a row it lets nothing through for a
//! while, then one probe.

use jiff::{SignedDuration, Timestamp};

/// Where a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: Timestamp },
    Probing,
}

/// The circuit breaker of one receiver.
#[derive(Debug, Clone)]
pub(super) struct Breaker {
    state: State,
    most_failures: u32,
    open_for: SignedDuration,
}

impl Breaker {
    /// A closed breaker that opens for `open_seconds` after `most_failures` (1 or more) in a row.
    pub(super) fn new(most_failures: u32, open_seconds: u64) -> Self {
        let open_for =
            SignedDuration::from_secs(i64::try_from(open_seconds).unwrap_or(i64::MAX / 4));
        Self { state: State::Closed { failures: 0 }, most_failures: most_failures.max(1), open_for }
    }

    /// How many deliveries may go out now, of `most`.
    pub(super) fn allows(&self, most: usize, now: Timestamp) -> usize {
        match self.state {
            State::Closed { .. } => most,
            State::Open { until } if now >= until => 1,
            State::Open { .. } | State::Probing => 0,
        }
    }

    /// Until when nothing goes out, when that is so.
    pub(super) fn open_until(&self, now: Timestamp) -> Option<Timestamp> {
        match self.state {
            State::Open { until } if now < until => Some(until),
            State::Open { .. } | State::Closed { .. } | State::Probing => None,
        }
    }

    /// Whether deliveries go out as usual.
    pub(super) fn is_closed(&self) -> bool {
        match self.state {
            State::Closed { .. } => true,
            State::Open { .. } | State::Probing => false,
        }
    }

    /// Whether there is nothing to remember: closed, with no failure counted.
    pub(super) fn is_at_rest(&self) -> bool {
        self.state == State::Closed { failures: 0 }
    }

    /// Deliveries go out: of an open breaker they are the probe.
    pub(super) fn sent(&mut self) {
        match self.state {
            State::Open { .. } => self.state = State::Probing,
            State::Closed { .. } | State::Probing => {}
        }
    }

    /// The receiver took something.
    pub(super) fn succeeded(&mut self) {
        self.state = State::Closed { failures: 0 };
    }

    /// The receiver refused or did not answer.
    pub(super) fn failed(&mut self, now: Timestamp) {
        let open =
            State::Open { until: now.saturating_add(self.open_for).unwrap_or(Timestamp::MAX) };
        self.state = match self.state {
            State::Closed { failures } if failures + 1 < self.most_failures => {
                State::Closed { failures: failures + 1 }
            }
            State::Closed { .. } | State::Open { .. } | State::Probing => open,
        };
    }

    /// What went out says nothing about the receiver (the common way was down): a probe is tried again.
    pub(super) fn undecided(&mut self, now: Timestamp) {
        match self.state {
            State::Probing => self.state = State::Open { until: now },
            State::Closed { .. } | State::Open { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_probes_with_one() {
        let mut breaker = Breaker::new(2, 30);
        breaker.failed(at(0));
        assert_eq!(breaker.allows(9, at(0)), 9);
        breaker.failed(at(1));
        assert_eq!(breaker.allows(9, at(30)), 0);
        assert_eq!(breaker.open_until(at(30)), Some(at(31)));
        assert_eq!(breaker.allows(9, at(31)), 1);
        breaker.sent();
        assert_eq!(breaker.allows(9, at(32)), 0, "one probe at a time");
        breaker.succeeded();
        assert_eq!(breaker.allows(9, at(32)), 9);
    }

    #[test]
    fn a_success_between_failures_starts_the_count_again() {
        let mut breaker = Breaker::new(2, 30);
        breaker.failed(at(0));
        breaker.succeeded();
        breaker.failed(at(1));
        assert_eq!(breaker.allows(9, at(1)), 9);
    }

    #[test]
    fn a_failed_probe_opens_it_again_and_an_undecided_one_is_repeated() {
        let mut breaker = Breaker::new(1, 30);
        breaker.failed(at(0));
        breaker.sent();
        breaker.undecided(at(31));
        assert_eq!(breaker.allows(9, at(31)), 1);
        breaker.sent();
        breaker.failed(at(31));
        assert_eq!(breaker.allows(9, at(60)), 0);
        assert_eq!(breaker.allows(9, at(61)), 1);
    }
}

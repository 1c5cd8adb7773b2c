//! The retry schedule: exponential, with jitter, readable.

use std::time::Duration;

use super::ExchangeConfig;
use crate::directory::DeliveryPolicy;

/// When a delivery is tried again, and when it is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetrySchedule {
    /// Before the first retry.
    pub first: Duration,
    /// No wait is longer.
    pub longest: Duration,
    /// Counted from when the delivery was owed first.
    pub give_up_after: Duration,
}

impl RetrySchedule {
    /// The schedule for one receiver: the installation's, with what the receiver's entry in the
    /// directory changes.
    pub fn of(config: &ExchangeConfig, policy: &DeliveryPolicy) -> Self {
        let seconds = |own: Option<u64>, general| Duration::from_secs(own.unwrap_or(general));
        Self {
            first: seconds(policy.retry_first_seconds, config.retry_first_seconds),
            longest: seconds(policy.retry_longest_seconds, config.retry_longest_seconds),
            give_up_after: seconds(policy.give_up_after_seconds, config.give_up_after_seconds),
        }
    }

    /// The wait after the `failed`-th failure (from 1). `random`, from 0 to 255, moves it by up to a
    /// fifth either way, so that what failed together is not tried together.
    pub fn wait(&self, failed: u32, random: u8) -> Duration {
        let doublings = failed.saturating_sub(1).min(30);
        let wait = self.first.saturating_mul(1 << doublings).min(self.longest);
        // 80 % to 120 %, in steps of 1/640.
        wait.saturating_mul(512 + u32::from(random)) / 640
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEDULE: RetrySchedule = RetrySchedule {
        first: Duration::from_secs(2),
        longest: Duration::from_secs(300),
        give_up_after: Duration::from_secs(3600),
    };

    #[test]
    fn waits_double_until_the_longest() {
        let waits: Vec<u64> = (1..=10).map(|n| SCHEDULE.wait(n, 128).as_secs()).collect();
        assert_eq!(waits, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(SCHEDULE.wait(u32::MAX, 128).as_secs(), 300);
    }

    #[test]
    fn jitter_moves_a_wait_by_a_fifth_at_most() {
        assert_eq!(SCHEDULE.wait(9, 0).as_secs(), 240);
        assert!(SCHEDULE.wait(9, 255).as_secs() <= 360);
    }

    #[test]
    fn a_receiver_can_have_its_own_schedule() {
        let policy = DeliveryPolicy { retry_first_seconds: Some(7), ..DeliveryPolicy::default() };
        let schedule = RetrySchedule::of(&ExchangeConfig::default(), &policy);
        assert_eq!(schedule.first.as_secs(), 7);
        assert_eq!(schedule.longest.as_secs(), 300);
    }
}

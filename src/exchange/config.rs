//! The exchange's settings. `deploy/innfri.default.toml` holds the defaults with their meaning.

use serde::Deserialize;

/// How messages are grouped, and deliveries tried.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExchangeConfig {
    /// Messages that may wait for a decision; then channels wait.
    pub waiting_messages: usize,
    /// Messages decided on and committed together, at most.
    pub group_size: usize,
    /// Groups decided on at the same time.
    pub deciders: usize,
    /// Seconds for which a process holds what it has claimed; longer than a channel's time limit.
    pub lease_seconds: u64,
    /// Milliseconds between two looks for deliveries that have fallen due.
    pub sweep_milliseconds: u64,
    /// Deliveries to one receiver under way at the same time.
    pub in_flight_per_receiver: usize,
    /// Deliveries to one receiver that wait in memory; the rest wait in the journal.
    pub waiting_per_receiver: usize,
    /// Receivers that are sent to at the same time.
    pub receivers_at_once: usize,
    /// Seconds before the first retry.
    pub retry_first_seconds: u64,
    /// Seconds that a wait between two tries never exceeds.
    pub retry_longest_seconds: u64,
    /// Seconds after which a delivery is given up.
    pub give_up_after_seconds: u64,
    /// Failures in a row that open a receiver's breaker.
    pub breaker_failures: u32,
    /// Seconds for which an open breaker lets nothing through.
    pub breaker_open_seconds: u64,
    /// Seconds between two looks for answers that are overdue, 1 or more.
    pub deadline_interval_seconds: u64,
    /// Of the last messages, in percent, so many that would become dead letters for one reason stop
    /// the intake; 0 never stops it.
    pub batch_guard_percent: u32,
    /// So many messages are looked back on for that.
    pub batch_guard_window: usize,
    /// Megabytes that the journal may take up before the intake stops; 0 for no limit.
    pub journal_most_megabytes: u64,
    /// Days back that an asked payoff date may lie.
    pub payoff_date_grace_days: u16,
    /// Days ahead that an asked payoff date may lie.
    pub payoff_date_ahead_days: u16,
}

impl Default for ExchangeConfig {
    fn default() -> Self {
        Self {
            waiting_messages: 1024,
            group_size: 256,
            deciders: 2,
            lease_seconds: 90,
            sweep_milliseconds: 1000,
            in_flight_per_receiver: 256,
            waiting_per_receiver: 1024,
            receivers_at_once: 64,
            retry_first_seconds: 2,
            retry_longest_seconds: 300,
            give_up_after_seconds: 3 * 24 * 3600,
            breaker_failures: 5,
            breaker_open_seconds: 30,
            deadline_interval_seconds: 60,
            batch_guard_percent: 80,
            batch_guard_window: 200,
            journal_most_megabytes: 100_000,
            payoff_date_grace_days: 3,
            payoff_date_ahead_days: 180,
        }
    }
}

//! Waiting: how long a caller wants to, how many may at once, and what wakes them.

use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, TryAcquireError};
use tokio::time::{Instant, sleep_until};

use super::Shared;
use super::problem::Problem;
use crate::port::Listener;

/// How often to look without having been woken: another process may have committed.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Reads `20s`, `500ms`, `2m` or a plain number of seconds; `None` for anything else.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "" | "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        _ => None,
    }
}

/// A caller that may wait until a time.
pub(super) struct Waiter {
    until: Instant,
    _seat: OwnedSemaphorePermit,
}

impl Shared {
    /// For how long a caller wants to wait: nothing said is not at all, and more than is allowed is cut.
    pub(super) fn wanted_wait(&self, text: Option<&str>) -> Result<Duration, Problem> {
        let Some(text) = text else { return Ok(Duration::ZERO) };
        let wanted = duration(text).ok_or_else(|| {
            Problem::bad("`wait` is not a time such as 20s, 500ms, 2m or a number of seconds")
        })?;
        Ok(wanted.min(self.parts.config.longest_wait()))
    }

    /// A place among those who wait.
    pub(super) fn seat(&self, wait: Duration) -> Result<Waiter, Problem> {
        let until = Instant::now() + wait;
        match std::sync::Arc::clone(&self.seats).try_acquire_owned() {
            Ok(seat) => Ok(Waiter { until, _seat: seat }),
            Err(TryAcquireError::NoPermits | TryAcquireError::Closed) => Err(Problem::unavailable(
                "as many are waiting as may wait at once: ask without `wait`, or again later",
                Duration::from_secs(1),
            )),
        }
    }

    /// Waits until it is worth looking again. `false` when the time is over or innfri is stopping.
    pub(super) async fn worth_looking(&self, waiter: &Waiter, listener: &Listener) -> bool {
        let now = Instant::now();
        if now >= waiter.until {
            return false;
        }
        let look = (now + LOOK_EVERY).min(waiter.until);
        tokio::select! {
            () = listener.rung() => true,
            () = sleep_until(look) => true,
            () = self.parts.stop.cancelled() => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_four_forms_and_in_no_other() {
        let milliseconds = |text: &str| duration(text).map(|read| read.as_millis());
        assert_eq!(milliseconds("20s"), Some(20_000));
        assert_eq!(milliseconds("500ms"), Some(500));
        assert_eq!(milliseconds("2m"), Some(120_000));
        assert_eq!(milliseconds("7"), Some(7_000));
        for wrong in
            ["", "s", "-1s", "1.5s", " 1s", "1 s", "1h", "1sæ", "æ", "99999999999999999999"]
        {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
        assert_eq!(duration("18446744073709551615m"), None);
    }
}

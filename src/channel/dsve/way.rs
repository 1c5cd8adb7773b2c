//! Whether Altinn is there at all: after some calls in a row that it could not answer, nothing is sent for a
//! while, and nothing counts as a failed attempt.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row after which Altinn counts as away.
const MOST_FAILURES: u32 = 5;

/// How long it is left alone then.
const LEFT_ALONE: Duration = Duration::from_secs(15);

/// What is known of it.
#[derive(Debug, Default)]
pub(super) struct Way {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    closed_until: Option<Instant>,
}

impl Way {
    /// Whether it may be tried.
    pub(super) fn is_open(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.closed_until.is_none_or(|until| Instant::now() >= until)
    }

    /// It answered, whatever it said.
    pub(super) fn answered(&self) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State::default();
    }

    /// It did not answer, or asks to be left alone. Until it answers once, one failure more is enough.
    pub(super) fn failed(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures = state.failures.saturating_add(1);
        if state.failures >= MOST_FAILURES {
            state.closed_until = Some(Instant::now() + LEFT_ALONE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_closes_after_some_failures_and_is_tried_again_later() {
        let way = Way::default();
        (1..MOST_FAILURES).for_each(|_| way.failed());
        way.answered();
        (1..MOST_FAILURES).for_each(|_| way.failed());
        assert!(way.is_open(), "an answer in between counts");
        way.failed();
        assert!(!way.is_open());
        tokio::time::advance(LEFT_ALONE).await;
        assert!(way.is_open());
        way.failed();
        assert!(!way.is_open(), "it has not answered since");
        way.answered();
        assert!(way.is_open());
    }
}

//! How a group is sent: a few at a time, in good time, results in the order of the group.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use crate::case::Delivery;
use crate::port::{Outgoing, SendError};

/// How fast a receiver is posted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    at_once: usize,
    group_time: Duration,
}

impl Pace {
    /// Eight at once, each group within half of the lease that the dispatcher has on it: what is told
    /// later than that is not heard.
    pub fn within_lease(lease: Duration) -> Self {
        Self { at_once: 8, group_time: lease / 2 }
    }

    /// No attempt may take longer; then what was begun last is over in time.
    pub(super) fn longest_attempt(&self) -> Duration {
        (self.group_time * 2 / 3).max(Duration::from_secs(1))
    }

    /// Sends each message of a group. When one does not get through, or the time runs short, those that
    /// were not begun are left for later: a receiver that is away would let each of them wait in turn.
    pub(super) async fn send<F>(
        &self,
        group: Vec<Outgoing>,
        timeout: Duration,
        send_one: impl Fn(Delivery) -> F,
    ) -> Vec<Result<(), SendError>>
    where
        F: Future<Output = Result<(), SendError>>,
    {
        // A tenth is left for handing in and telling.
        let last_start = Instant::now() + (self.group_time * 9 / 10).saturating_sub(timeout);
        let away = AtomicBool::new(false);
        let attempts = group.into_iter().enumerate().map(|(number, outgoing)| {
            let (away, send_one) = (&away, &send_one);
            async move {
                let begun_late = number >= self.at_once && Instant::now() > last_start;
                if begun_late || away.load(Ordering::Relaxed) {
                    let why = "not tried: those before it took too long or did not get through";
                    return Err(SendError::Unavailable(why.to_owned()));
                }
                let result = send_one(outgoing.delivery).await;
                if let Err(error) = &result
                    && is_away(error)
                {
                    away.store(true, Ordering::Relaxed);
                }
                result
            }
        });
        stream::iter(attempts).buffered(self.at_once.max(1)).collect().await
    }
}

/// Whether the receiver will not take the next one either.
const fn is_away(error: &SendError) -> bool {
    match error {
        SendError::Unavailable(_)
        | SendError::Unreachable(_)
        | SendError::TimedOut(_)
        | SendError::RetryAfter { .. } => true,
        SendError::Unroutable(_)
        | SendError::Refused(_)
        | SendError::Permanent(_)
        | SendError::NotSetUp(_) => false,
    }
}

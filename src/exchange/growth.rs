//! The task that watches how large the journal grows: before the disk is full, the intake stops and says
//! so, and goes on by itself when there is room again. What is owed goes on being delivered.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::Shared;
use crate::telemetry::chain::Chain;

/// How often to look.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How a size stands to its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    Enough,
    /// More than nine tenths are used.
    Little,
    None,
}

impl Room {
    /// `most` 0 means no limit. An intake that has stopped goes on below nine tenths alone, so that it
    /// does not stop and go on with every message.
    fn of(bytes: u64, most: u64, stopped: bool) -> Self {
        let tenths = most / 10 * 9;
        if most == 0 || bytes <= tenths {
            Self::Enough
        } else if bytes >= most || stopped {
            Self::None
        } else {
            Self::Little
        }
    }
}

/// Watches until `stop`.
pub(super) async fn watch_until(shared: Arc<Shared>, stop: CancellationToken) {
    let most = shared.parts.config.journal_most_megabytes.saturating_mul(1_000_000);
    if most == 0 {
        return stop.cancelled().await;
    }
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(look.tick()).await.is_some() {
        match shared.parts.journal.size_bytes().await {
            Ok(bytes) => shared.judge(bytes, most),
            Err(error) => {
                tracing::warn!(error = %Chain(&error), "could not look how large the journal is");
            }
        }
    }
}

impl Shared {
    fn judge(&self, bytes: u64, most: u64) {
        let stopped = self.journal_is_full.load(Ordering::Relaxed);
        let room = Room::of(bytes, most, stopped);
        self.journal_is_full.store(room == Room::None, Ordering::Relaxed);
        let (megabytes, limit) = (bytes / 1_000_000, most / 1_000_000);
        match (room, stopped) {
            (Room::None, false) => tracing::error!(
                megabytes,
                limit,
                "the intake has stopped: the journal is as large as exchange.journal_most_megabytes \
                 allows. Messages wait where they are. Make room (`innfri dead purge`, a larger disk) \
                 or raise the limit: the intake then goes on by itself"
            ),
            (Room::Little, _) => tracing::warn!(
                megabytes,
                limit,
                "the journal is nearly as large as exchange.journal_most_megabytes allows"
            ),
            (Room::Enough, true) => tracing::info!(megabytes, limit, "the intake goes on"),
            (Room::None, true) | (Room::Enough, false) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_intake_stops_at_the_limit_and_goes_on_well_below_it() {
        assert_eq!(Room::of(899, 1000, false), Room::Enough);
        assert_eq!(Room::of(950, 1000, false), Room::Little);
        assert_eq!(Room::of(1000, 1000, false), Room::None);
        assert_eq!(Room::of(950, 1000, true), Room::None);
        assert_eq!(Room::of(900, 1000, true), Room::Enough);
    }

    #[test]
    fn without_a_limit_there_is_always_room() {
        assert_eq!(Room::of(u64::MAX, 0, false), Room::Enough);
    }
}

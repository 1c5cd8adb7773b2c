//! The task that keeps the directory up to date: the file on SIGHUP, AKELDO on SIGHUP and on schedule. The
//! exchange gets each new directory whole.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::broker::declare;
use super::roll::{Roll, RollError};
use super::senders::{Senders, WayError};
use crate::channel::amqp::{AmqpConfig, AmqpError};
use crate::directory::Directory;
use crate::port::Clock;
use crate::source::akeldo::metrics::Metrics;
use crate::source::akeldo::{AkeldoConfig, Held, Smaller};
use crate::telemetry::chain::Chain;

/// How often to look whether AKELDO is due, or another process has a newer list.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// How long to wait after a refresh that came to nothing, unless they are more frequent anyway.
const AFTER_FAILURE: Duration = Duration::from_secs(5 * 60);

/// Why a directory was not taken into use.
#[derive(Debug, thiserror::Error)]
enum ReloadError {
    #[error(transparent)]
    Roll(#[from] RollError),
    #[error(transparent)]
    Way(#[from] WayError),
    #[error("its queues could not be declared")]
    Amqp(#[from] AmqpError),
}

/// What the task works with.
pub(super) struct Reload {
    pub(super) roll: Roll,
    pub(super) akeldo: Option<AkeldoConfig>,
    pub(super) amqp: Option<AmqpConfig>,
    pub(super) current: watch::Sender<Arc<Directory>>,
    pub(super) senders: Arc<Senders>,
    pub(super) metrics: Metrics,
    pub(super) clock: Arc<dyn Clock>,
    /// When AKELDO was last asked in vain.
    pub(super) failed_at: Option<Timestamp>,
}

/// Listens to SIGHUP.
///
/// # Errors
/// When the process cannot.
pub(super) fn hang_ups() -> Result<Signal, std::io::Error> {
    signal(SignalKind::hangup())
}

impl Reload {
    /// Keeps the directory up to date until `stop`.
    pub(super) async fn run(mut self, mut hang_up: Signal, stop: CancellationToken) {
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                asked = hang_up.recv() => match asked {
                    Some(()) => {
                        self.read_file_again().await;
                        self.ask_akeldo(&stop).await;
                    }
                    None => return,
                },
                _ = look.tick() => self.look(&stop).await,
            }
            self.metrics.tell(self.roll.held(), self.clock.now());
        }
    }

    async fn read_file_again(&mut self) {
        match self.new_file().await {
            Ok(directory) => {
                self.current.send_replace(Arc::new(directory));
                tracing::info!("the directory is read again");
            }
            Err(error) => tracing::error!(
                error = %Chain(&error),
                "the directory is not right; the one in use stays"
            ),
        }
    }

    async fn new_file(&mut self) -> Result<Directory, ReloadError> {
        let file = self.roll.read_file()?;
        let directory = self.roll.directory_with(&file)?;
        if let Some(config) = &self.amqp {
            declare(&directory, config).await?;
        }
        self.senders.open(&directory)?;
        self.roll.use_file(file);
        Ok(directory)
    }

    /// Takes up what another process, or `innfri directory refresh`, has kept; asks AKELDO when it is due.
    async fn look(&mut self, stop: &CancellationToken) {
        let Some(config) = &self.akeldo else { return };
        let every = config.refresh_every();
        match self.roll.take_kept().await {
            Ok(true) => self.swap("a newer list of AKELDO is in use"),
            Ok(false) => {}
            Err(error) => tracing::warn!(error = %Chain(&error), "could not look for a newer list"),
        }
        if is_due(self.roll.held(), self.failed_at, every, self.clock.now()) {
            self.ask_akeldo(stop).await;
        }
    }

    async fn ask_akeldo(&mut self, stop: &CancellationToken) {
        let refreshing = refresh(&mut self.roll, &*self.clock);
        match stop.run_until_cancelled(refreshing).await {
            Some(true) => {
                self.failed_at = None;
                self.swap("the list of AKELDO is in use");
            }
            Some(false) => self.failed_at = Some(self.clock.now()),
            None => {}
        }
    }

    /// Nobody new has queues or files of their own: what AKELDO lists is reached through Altinn.
    fn swap(&self, says: &str) {
        if self.roll.akeldo().is_none() {
            return;
        }
        match self.roll.directory() {
            Ok(directory) => {
                let participants = directory.participants().count();
                self.current.send_replace(Arc::new(directory));
                tracing::info!(participants, "{says}");
            }
            Err(error) => tracing::error!(
                error = %Chain(&error),
                "the directory is not right; the one in use stays"
            ),
        }
    }
}

/// Asks AKELDO, where it is used, and says what came of it; whether its list is in use now.
pub(super) async fn refresh(roll: &mut Roll, clock: &dyn Clock) -> bool {
    match roll.refresh(Smaller::Refuse).await {
        Ok(Some(refreshed)) => {
            let changes = &refreshed.changes;
            let (listed, skipped) =
                (refreshed.held.listing.entries.len(), refreshed.held.listing.skipped.len());
            let (added, removed) = (changes.added.len(), changes.removed.len());
            let changed = changes.changed.len();
            tracing::info!(listed, skipped, added, removed, changed, "AKELDO was asked");
            true
        }
        Ok(None) => true,
        Err(error) => {
            let now = clock.now();
            match roll.held() {
                Some(held) => tracing::warn!(
                    error = %Chain(&error),
                    listed = held.listing.entries.len(),
                    age = %format_args!("{:#}", whole_seconds(held.age(now))),
                    "the list of AKELDO was not taken over; the one in use stays"
                ),
                None => tracing::error!(
                    error = %Chain(&error),
                    "there is no list of AKELDO: only participants of the directory file are known"
                ),
            }
            false
        }
    }
}

fn whole_seconds(age: SignedDuration) -> SignedDuration {
    SignedDuration::from_secs(age.as_secs())
}

/// Whether AKELDO is to be asked now.
fn is_due(
    held: Option<&Held>,
    failed_at: Option<Timestamp>,
    every: Duration,
    now: Timestamp,
) -> bool {
    let past = |since: SignedDuration, wait: Duration| since.unsigned_abs() >= wait;
    let old = held.is_none_or(|held| past(held.age(now), every));
    old && failed_at.is_none_or(|at| past(now.duration_since(at), every.min(AFTER_FAILURE)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::akeldo::read::Listing;

    #[test]
    fn akeldo_is_asked_when_the_list_is_old_and_not_at_once_after_a_failure() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let held = |second| Held { listing: Listing::default(), taken_at: at(second) };
        let hour = Duration::from_secs(3600);
        assert!(is_due(None, None, hour, at(0)));
        assert!(!is_due(Some(&held(0)), None, hour, at(3599)));
        assert!(is_due(Some(&held(0)), None, hour, at(3600)));
        assert!(!is_due(Some(&held(0)), Some(at(3600)), hour, at(3899)));
        assert!(is_due(Some(&held(0)), Some(at(3600)), hour, at(3900)));
        assert!(is_due(Some(&held(0)), Some(at(60)), Duration::from_secs(60), at(120)));
    }
}

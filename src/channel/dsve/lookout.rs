//! Looks for new files again and again, for each organisation by itself; at once when somebody says that
//! there is something.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::metrics::Metrics;
use super::receiver::Receiver;
use crate::channel::altinn::{
    Acting, Altinn, AltinnConfig, Left, Round, Transfers as _, Walk, next_pause, receive,
};
use crate::kernel::{Digest, OrganisationId};

/// Between the beginnings of two looks, however often one is asked for.
const SHORTEST: Duration = Duration::from_secs(1);

/// Looks for files.
pub struct Lookout {
    altinn: Altinn,
    receiver: Receiver,
    bells: BTreeMap<OrganisationId, Arc<Notify>>,
    range: (Duration, Duration),
    most_bytes: usize,
    metrics: Metrics,
    /// By which processes that look for the same look at different moments.
    process: Uuid,
}

impl Lookout {
    /// A lookout for all organisations that innfri acts for.
    pub fn new(
        altinn: Altinn,
        receiver: Receiver,
        config: &AltinnConfig,
        metrics: Metrics,
        process: Uuid,
    ) -> Self {
        let bells = altinn.organisations().iter().cloned();
        Self {
            bells: bells.map(|organisation| (organisation, Arc::default())).collect(),
            altinn,
            receiver,
            range: config.poll_range(),
            most_bytes: usize::try_from(config.most_bytes).unwrap_or(usize::MAX),
            metrics,
            process,
        }
    }

    /// What makes it look at once: for one organisation, or for all when none is named.
    pub fn wake(&self) -> Arc<dyn Fn(Option<OrganisationId>) + Send + Sync> {
        let bells = self.bells.clone();
        Arc::new(move |organisation| match organisation {
            Some(organisation) => {
                bells.get(&organisation).into_iter().for_each(|bell| bell.notify_one())
            }
            None => bells.values().for_each(|bell| bell.notify_one()),
        })
    }

    /// Looks until `stop`. What is being fetched then is left, and offered again.
    pub async fn run(self, stop: CancellationToken) {
        let lookout = Arc::new(self);
        let mut tasks = JoinSet::new();
        for (organisation, bell) in &lookout.bells {
            let (lookout, bell) = (Arc::clone(&lookout), Arc::clone(bell));
            let acting = lookout.altinn.acting_for(organisation);
            tasks.spawn({
                let stop = stop.clone();
                async move { stop.run_until_cancelled(lookout.look_for(acting, &bell)).await }
            });
        }
        while tasks.join_next().await.is_some() {}
    }

    async fn look_for(&self, acting: Acting, bell: &Notify) {
        let jitter = jitter(self.process, acting.organisation());
        let mut pause = Duration::ZERO;
        let mut failing = false;
        loop {
            let began = Instant::now();
            let walk = receive(&acting, &self.receiver, self.most_bytes).await;
            let round = walk.round();
            let fails = matches!(round, Round::Failed(_));
            self.metrics.looked(&walk, failing, fails);
            tell(acting.organisation(), &walk, failing, fails);
            failing = fails;
            pause = next_pause(pause, round, self.range, jitter);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = bell.notified() => tokio::time::sleep_until(began + SHORTEST).await,
            }
        }
    }
}

/// From 0 to 999, the same for one process and organisation.
fn jitter(process: Uuid, organisation: &OrganisationId) -> u16 {
    let digest = Digest::of(&[process.as_bytes(), organisation.to_string().as_bytes()]);
    let bytes = digest.as_bytes();
    let drawn = bytes.first_chunk::<2>().map_or(0, |pair| u16::from_be_bytes(*pair));
    drawn % 1000
}

/// Says what people should know: each change, and each file that is left.
fn tell(organisation: &OrganisationId, walk: &Walk, was_failing: bool, is_failing: bool) {
    if !walk.confirmed.is_empty() {
        let files = walk.confirmed.len();
        tracing::info!(%organisation, files, "files from Altinn are kept and confirmed");
    }
    if let Some(ended) = &walk.ended {
        if was_failing {
            tracing::debug!(%organisation, error = %ended, "still nothing comes from Altinn");
        } else {
            tracing::warn!(%organisation, error = %ended, "cannot fetch files from Altinn");
        }
    } else if was_failing && !is_failing {
        tracing::info!(%organisation, "files can be fetched from Altinn again");
    }
    let left = walk.left.iter().filter(|(_, left)| *left != Left::OtherResource);
    for (transfer, left) in left {
        tracing::warn!(%organisation, %transfer, error = %left, "a file stays with Altinn for now");
    }
}

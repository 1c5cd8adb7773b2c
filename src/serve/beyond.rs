//! The way to DSVE's members beyond Altinn, put together.

use std::sync::Arc;
use std::time::Duration;

use super::config::Settings;
use super::core::Core;
use crate::channel::altinn::{Altinn, AltinnConfig, Patience, SetupError};
use crate::channel::dsve::{AltinnSender, Lookout, Receiver};
use crate::directory::{Directory, Handler};
use crate::dsve::{ArchiveLimits, FileLimits};
use crate::port::{Intake, Sender};

/// Both directions.
pub(super) struct Beyond {
    /// What is owed to members beyond Altinn.
    pub(super) sender: Arc<dyn Sender>,
    /// What they send.
    pub(super) lookout: Lookout,
}

/// Opens the way, where the settings name one. Nobody is spoken to yet.
///
/// # Errors
/// When a setting, an address or the key cannot be used.
pub(super) fn open(
    settings: &Settings,
    core: &Core,
    intake: &Arc<dyn Intake>,
) -> Result<Option<Beyond>, SetupError> {
    let Some(config) = &settings.altinn else { return Ok(None) };
    let altinn = Altinn::open(config, Arc::clone(&core.clock))?;
    tell_of_strangers(config, &core.directory.borrow());
    let sender = AltinnSender::new(
        &altinn,
        Arc::clone(&core.journal),
        Arc::clone(&core.clock),
        Patience::of(config),
        Duration::from_secs(settings.exchange.lease_seconds),
    );
    let limits = FileLimits {
        archive: ArchiveLimits {
            bytes: usize::try_from(config.most_bytes).unwrap_or(usize::MAX),
            ..ArchiveLimits::default()
        },
        ..FileLimits::default()
    };
    let (journal, clock) = (Arc::clone(&core.journal), Arc::clone(&core.clock));
    let receiver = Receiver::new(journal, Arc::clone(intake), clock, limits);
    let metrics = core.metrics.altinn.clone();
    let lookout = Lookout::new(altinn, receiver, config, metrics, core.process);
    Ok(Some(Beyond { sender: Arc::new(sender), lookout }))
}

/// Says for whom innfri fetches files though nobody here takes them: they are refused.
fn tell_of_strangers(config: &AltinnConfig, directory: &Directory) {
    for organisation in &config.organisations {
        let found = directory.participant(organisation);
        if found.is_none_or(|found| found.handler == Handler::Altinn) {
            tracing::warn!(
                %organisation,
                "is in altinn.organisations, but the directory file does not say how it is reached: what \
                 is sent to it through Altinn is refused"
            );
        }
    }
}

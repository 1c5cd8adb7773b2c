//! `innfri serve`: everything put together, until told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::beyond;
use super::config::Settings;
use super::core::{self, Core, CoreError};
use super::http;
use super::reload::{self, Reload};
use super::roll::Roll;
use super::senders::Senders;
use super::task::{EndedByItself, TaskKind, Tasks};
use super::watch::{self, Metrics, Needs, Used};
use crate::channel;
use crate::channel::altinn::SetupError;
use crate::channel::amqp::{AmqpConfig, AmqpError, AmqpSender, Consumer, Topology, connection};
use crate::channel::http::HttpError;
use crate::channel::watch::{Watch, WatchError};
use crate::directory::Directory;
use crate::exchange;
use crate::journal::OpenError;
use crate::port::{Clock, Intake, Outbound, Sender};
use crate::telemetry::chain::Chain;

/// The directory as it is now.
type Current = tokio::sync::watch::Receiver<Arc<Directory>>;

/// How long to wait between tries while PostgreSQL or RabbitMQ is away.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// Why a broker did not start, or did not go on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A part could not be put together.
    #[error(transparent)]
    Core(#[from] CoreError),
    /// RabbitMQ refuses, or holds something else than innfri needs.
    #[error(transparent)]
    Amqp(#[from] AmqpError),
    /// A setting of Altinn cannot be used.
    #[error(transparent)]
    Altinn(#[from] SetupError),
    /// Nobody can watch it.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// HTTP cannot be listened for.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The process cannot listen to signals.
    #[error("cannot listen to signals")]
    Signals(#[source] std::io::Error),
    /// A task ended by itself.
    #[error(transparent)]
    Task(#[from] EndedByItself),
}

/// Runs the broker until SIGTERM or SIGINT; then takes nothing in any more, finishes what was taken
/// in, and leaves what is owed to others.
///
/// # Errors
/// When it cannot start, or a task ends by itself.
pub async fn serve(settings: Settings) -> Result<(), ServeError> {
    let stop = CancellationToken::new();
    let mut tasks = Tasks::default();
    stop_on_signal(&mut tasks, &stop)?;
    let Some(core) = assemble_patiently(&settings, &stop).await? else { return Ok(()) };
    let intake: Arc<dyn Intake> = Arc::new(core.exchange.clone());
    let http = http::bind(&settings, &core, &intake, &stop).await?;
    let (altinn, lookout) =
        beyond::open(&settings, &core, &intake)?.map(|way| (way.sender, way.lookout)).unzip();
    let Core { journal, work, mut roll, directory, clock, letters, audit, metrics, .. } = core;

    let (sealing_clock, purging_clock) = (Arc::clone(&clock), Arc::clone(&clock));
    let mut amqp: Option<Arc<dyn Sender>> = None;
    let started = Arc::new(AtomicBool::new(false));
    let mut needs = Needs { journal, amqp: None, started: Arc::clone(&started) };
    let mut consumer = None;
    if let Some(config) = &settings.amqp {
        let counted = || (config.clone(), metrics.amqp.clone());
        let (config, counts) = counted();
        let sender = Arc::new(AmqpSender::start(config, Arc::clone(&clock), counts)?);
        let (config, counts) = counted();
        let made = Consumer::new(config, Arc::clone(&intake), Arc::clone(&clock), counts)?;
        needs.amqp = Some((Arc::clone(&sender), made.consuming()));
        amqp = Some(sender);
        consumer = Some(made);
    }
    watch_if_asked(&mut tasks, &settings, needs, &metrics, &clock, &stop).await?;
    let found = first_list(&mut roll, &directory, &*clock);
    let Some(found) = stop.run_until_cancelled(found).await else { return Ok(()) };
    let failed_at = (!found?).then(|| clock.now());
    let senders = Senders::new(amqp, Arc::clone(&intake), Arc::clone(&clock));
    let senders = Arc::new(senders.reaching_beyond(altinn).paced(&settings.exchange));
    let current = Arc::clone(&directory.borrow());
    senders.open(&current).map_err(CoreError::from)?;
    if let (Some(config), Some(consumer)) = (&settings.amqp, consumer) {
        consume(&mut tasks, config, consumer, directory.subscribe(), &stop).await?;
    }
    let sealing = exchange::seal_days(audit, sealing_clock, stop.clone());
    tasks.start(TaskKind::Sealing, sealing);
    let purging = exchange::purge_letters(letters, purging_clock, stop.clone());
    tasks.start(TaskKind::Purging, purging);
    let reload = Reload {
        roll,
        akeldo: settings.akeldo.clone(),
        amqp: settings.amqp.clone(),
        current: directory,
        senders: Arc::clone(&senders),
        metrics: metrics.akeldo.clone(),
        clock,
        failed_at,
    };
    let hang_ups = reload::hang_ups().map_err(ServeError::Signals)?;
    tasks.start(TaskKind::Reload, reload.run(hang_ups, stop.clone()));
    let outbound: Arc<dyn Outbound> = senders;
    tasks.start(TaskKind::Exchange, work.run(outbound, stop.clone()));
    if let Some(lookout) = lookout {
        tasks.start(TaskKind::Altinn, lookout.run(stop.clone()));
    }
    if let Some(http) = http {
        tasks.start(TaskKind::Http, http.run());
    }
    started.store(true, Ordering::Relaxed);
    tracing::info!(environment = ?settings.environment, "innfri is ready");
    tasks.wait(&stop).await?;
    tracing::info!("innfri has stopped");
    Ok(())
}

/// Asks AKELDO once when there is no copy of it, as at the very first start: a request to a bank that only
/// AKELDO lists would be refused otherwise. Whether there is a list now; without one innfri starts with
/// the file alone.
///
/// # Errors
/// When the directory does not hold together.
async fn first_list(
    roll: &mut Roll,
    directory: &tokio::sync::watch::Sender<Arc<Directory>>,
    clock: &dyn Clock,
) -> Result<bool, CoreError> {
    if roll.akeldo().is_none() {
        return Ok(true);
    }
    if let Some(held) = roll.held() {
        let (listed, taken_at) = (held.listing.entries.len(), held.taken_at);
        tracing::info!(listed, %taken_at, "the last good list of AKELDO is in use");
        return Ok(true);
    }
    let found = reload::refresh(roll, clock).await;
    directory.send_replace(Arc::new(roll.directory()?));
    Ok(found)
}

/// Opens the address at which innfri is watched, before all that may take long.
async fn watch_if_asked(
    tasks: &mut Tasks,
    settings: &Settings,
    needs: Needs,
    metrics: &Metrics,
    clock: &Arc<dyn Clock>,
    stop: &CancellationToken,
) -> Result<(), WatchError> {
    let Some(address) = settings.watch.listen else { return Ok(()) };
    let watch = Watch::bind(address).await?;
    tracing::info!(address = %watch.address(), "can be watched");
    let (journal, stop) = (Arc::clone(&needs.journal), stop.clone());
    let sampling =
        watch::sample_until(journal, Arc::clone(clock), metrics.journal.clone(), stop.clone());
    tasks.start(TaskKind::Sampling, sampling);
    let registry = metrics.registry(&Used {
        amqp: needs.amqp.is_some(),
        akeldo: settings.akeldo.is_some(),
        altinn: settings.altinn.is_some(),
    });
    let router = channel::watch::router(Arc::new(needs), Arc::new(registry));
    tasks.start(TaskKind::Watch, watch.serve(router, stop));
    Ok(())
}

fn stop_on_signal(tasks: &mut Tasks, stop: &CancellationToken) -> Result<(), ServeError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(ServeError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(ServeError::Signals)?;
    let stop = stop.clone();
    tasks.start(TaskKind::Signals, async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = stop.cancelled() => return,
        }
        tracing::info!("stopping: nothing new is taken in");
        stop.cancel();
    });
    Ok(())
}

/// Puts the parts together, for as long as the journal is only away. `None` when told to stop meanwhile.
async fn assemble_patiently(
    settings: &Settings,
    stop: &CancellationToken,
) -> Result<Option<Core>, CoreError> {
    loop {
        match core::assemble(settings).await {
            Ok(core) => return Ok(Some(core)),
            Err(CoreError::Journal(error @ OpenError::Unreachable { .. })) => {
                tracing::warn!(error = %Chain(&error), "waiting for the journal");
            }
            Err(error) => return Err(error),
        }
        if stop.run_until_cancelled(tokio::time::sleep(TRY_AGAIN)).await.is_none() {
            return Ok(None);
        }
    }
}

/// Declares the topology and consumes. While RabbitMQ is away everything else goes on: the other channels
/// need it not.
///
/// # Errors
/// When RabbitMQ is there and refuses, or holds something else.
async fn consume(
    tasks: &mut Tasks,
    config: &AmqpConfig,
    consumer: Consumer,
    directory: Current,
    stop: &CancellationToken,
) -> Result<(), AmqpError> {
    let current = Arc::clone(&directory.borrow());
    let mut declared = declare(&current, config).await;
    if declared.as_ref().is_err_and(|error| !is_away(error)) {
        return declared;
    }
    let (config, stop) = (config.clone(), stop.clone());
    tasks.start(TaskKind::Consumer, async move {
        while let Err(error) = declared {
            if !is_away(&error) {
                tracing::error!(error = %Chain(&error), "RabbitMQ does not take the topology");
                return;
            }
            tracing::warn!(%error, "waiting for RabbitMQ");
            if stop.run_until_cancelled(tokio::time::sleep(TRY_AGAIN)).await.is_none() {
                return;
            }
            let current = Arc::clone(&directory.borrow());
            declared = declare(&current, &config).await;
        }
        consumer.run(stop).await;
    });
    Ok(())
}

/// Whether RabbitMQ is only away.
const fn is_away(error: &AmqpError) -> bool {
    matches!(error, AmqpError::Unavailable(_) | AmqpError::Unconfirmed(_))
}

/// Declares what a directory needs in RabbitMQ.
///
/// # Errors
/// When RabbitMQ is away, refuses, or holds something else.
pub async fn declare(directory: &Directory, config: &AmqpConfig) -> Result<(), AmqpError> {
    let connection = connection::open(config, "topology").await?;
    let channel = connection::channel(&connection, config).await?;
    let declared = Topology::of(directory, config).declare(&channel).await;
    connection::close(&connection).await;
    declared
}

//! The running broker: receive, decide, commit, dispatch.
//!
//! [`Exchange`] takes messages in (it is the [`Intake`] that channels call) and groups them, so that
//! many decisions share one commit. [`Work`] is the other half: the tasks that decide and those that
//! carry out what is owed. The journal between them is the only queue: whatever a process holds in
//! memory is only a shortcut, and falls back to the journal when the process dies.
//!
//! [`Intake`]: crate::port::Intake

mod batch_guard;
mod breaker;
mod collect;
mod commit;
pub mod config;
mod deadline;
mod dispatch;
mod group;
mod growth;
mod lane;
pub mod metrics;
mod purge;
mod receive;
mod record;
mod retry;
mod seal;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use batch_guard::Guards;

use crate::contract::{CheckContext, Contract};
use crate::decide::Context;
use crate::directory::Directory;
use crate::kernel::{Environment, PaymentWindow};
use crate::port::{AttemptResult, Bell, Claim, Clock, Journal, Outbound, OwedDelivery};

pub use config::ExchangeConfig;
pub use metrics::Metrics;
pub use purge::purge_letters;
pub use receive::Exchange;
use receive::Waiting;
pub use retry::RetrySchedule;
pub use seal::seal_days;

/// What the exchange is put together from.
pub struct Parts {
    /// The durable record.
    pub journal: Arc<dyn Journal>,
    /// What messages look like.
    pub contract: Arc<Contract>,
    /// Who takes part; swapped whole when it changes.
    pub directory: watch::Receiver<Arc<Directory>>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// How strictly check digits are taken.
    pub environment: Environment,
    /// Its own settings.
    pub config: ExchangeConfig,
    /// Wakes whoever waits for a case, or for post to collect.
    pub bell: Bell,
    /// What it counts and times.
    pub metrics: Metrics,
    /// The name of this process in leases; another for each start.
    pub process: Uuid,
}

/// The half that decides and delivers, to be run beside the channels.
pub struct Work {
    shared: Arc<Shared>,
    arrivals: Arc<Mutex<mpsc::Receiver<Waiting>>>,
    fresh: mpsc::Receiver<Vec<OwedDelivery>>,
    results: mpsc::Receiver<Vec<AttemptResult>>,
}

struct Shared {
    parts: Parts,
    guards: std::sync::Mutex<Guards>,
    /// Whether the journal is as large as it may be, so that nothing is taken in.
    journal_is_full: AtomicBool,
    fresh: mpsc::Sender<Vec<OwedDelivery>>,
    results: mpsc::Sender<Vec<AttemptResult>>,
}

/// Puts an exchange together: the half that channels call and the half that works.
pub fn assemble(parts: Parts) -> (Exchange, Work) {
    let (arrivals_in, arrivals) = mpsc::channel(parts.config.waiting_messages);
    let (fresh_in, fresh) = mpsc::channel(parts.config.deciders.max(1) * 4);
    let (results_in, results) = mpsc::channel(record::WAITING_GROUPS);
    let guards = Guards::new(parts.config.batch_guard_percent, parts.config.batch_guard_window);
    let shared = Arc::new(Shared {
        parts,
        guards: guards.into(),
        journal_is_full: AtomicBool::new(false),
        fresh: fresh_in,
        results: results_in,
    });
    let exchange = Exchange::new(arrivals_in);
    (exchange, Work { shared, arrivals: Arc::new(Mutex::new(arrivals)), fresh, results })
}

impl Work {
    /// Works until `stop`; then finishes what has been taken in, and hands back to the journal what is
    /// still owed, so that another process carries it out at once.
    pub async fn run(self, outbound: Arc<dyn Outbound>, stop: CancellationToken) {
        let Self { shared, arrivals, fresh, results } = self;
        let mut deciders = JoinSet::new();
        for _ in 0..shared.parts.config.deciders.max(1) {
            let (shared, arrivals) = (Arc::clone(&shared), Arc::clone(&arrivals));
            deciders.spawn(group::decide_until(shared, arrivals, stop.clone()));
        }
        deciders.spawn(deadline::watch_until(Arc::clone(&shared), stop.clone()));
        deciders.spawn(growth::watch_until(Arc::clone(&shared), stop.clone()));
        deciders.spawn(collect::give_up_uncollected(Arc::clone(&shared), stop.clone()));
        // The dispatcher stops after the deciders, whose commits it carries out; the recorder after the
        // dispatcher.
        let (decided, dispatched) = (CancellationToken::new(), CancellationToken::new());
        let recorder = record::record_until(Arc::clone(&shared), results, dispatched.clone());
        let dispatcher = dispatch::Dispatcher::new(shared, outbound, fresh);
        let deciding = async {
            while deciders.join_next().await.is_some() {}
            decided.cancel();
        };
        let dispatching = async {
            dispatcher.run(decided.clone()).await;
            dispatched.cancel();
        };
        tokio::join!(deciding, dispatching, recorder);
    }
}

impl Shared {
    fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    fn claim(&self) -> Claim {
        let lease = SignedDuration::from_secs(
            i64::try_from(self.parts.config.lease_seconds).unwrap_or(i64::MAX / 2),
        );
        Claim { owner: self.parts.process, now: self.now(), lease }
    }

    fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.parts.directory.borrow())
    }

    fn context<'a>(&'a self, directory: &'a Directory) -> Context<'a> {
        let window = PaymentWindow {
            today: self.parts.clock.today(),
            grace_days: self.parts.config.payoff_date_grace_days,
            ahead_days: self.parts.config.payoff_date_ahead_days,
        };
        Context {
            directory,
            contract: &self.parts.contract,
            check: CheckContext {
                environment: self.parts.environment,
                window,
                contact_optional: false,
            },
            now: self.now(),
        }
    }
}

//! Dead-letter care: what operators do about messages and deliveries that were given up on.
//!
//! `judge` says what would become of a letter now, by the same deciding that live messages go
//! through; `plan` counts that without doing anything; `replay` does it, at a pace, in steps, and can
//! be interrupted at any point; `edit` makes a corrected copy. Letters that are replayed are committed
//! to the journal as owed by nobody, so whichever process serves delivers them.

pub mod edit;
pub mod group;
mod judge;
pub mod plan;
pub mod replay;
pub mod steps;

use std::sync::Arc;

use uuid::Uuid;

use crate::contract::{CheckContext, Contract};
use crate::decide::Context;
use crate::directory::Directory;
use crate::kernel::{Environment, PaymentWindow};
use crate::port::letters::Letters;
use crate::port::{Clock, Journal, JournalError};

pub use edit::{Correction, EditError};
pub use group::Group;
pub use plan::Plan;
pub use replay::{Ended, Pace, Progress};
pub use steps::Steps;

/// What dead letters are cared for with.
#[derive(Clone)]
pub struct Desk {
    /// The durable record.
    pub journal: Arc<dyn Journal>,
    /// The record of dead letters, in the same store.
    pub letters: Arc<dyn Letters>,
    /// What messages look like.
    pub contract: Arc<Contract>,
    /// Who takes part.
    pub directory: Arc<Directory>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// How strictly check digits are taken.
    pub environment: Environment,
    /// Days back that an asked payoff date may lie.
    pub payoff_date_grace_days: u16,
    /// Days ahead that an asked payoff date may lie.
    pub payoff_date_ahead_days: u16,
    /// The name of this process; another for each start.
    pub process: Uuid,
}

impl Desk {
    /// Today's checks.
    pub fn check_context(&self) -> CheckContext {
        let window = PaymentWindow {
            today: self.clock.today(),
            grace_days: self.payoff_date_grace_days,
            ahead_days: self.payoff_date_ahead_days,
        };
        CheckContext { environment: self.environment, window, contact_optional: false }
    }

    fn context(&self) -> Context<'_> {
        Context {
            directory: &self.directory,
            contract: &self.contract,
            check: self.check_context(),
            now: self.clock.now(),
        }
    }

    /// The groups of open letters, the largest first, each with its share of the traffic of the banks
    /// that it touches.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn groups(&self) -> Result<Vec<Group>, JournalError> {
        let counts = self.letters.counts().await?;
        let notes = self.letters.notes().await?;
        let mut groups = group::fold(&counts, &notes);
        let asked: Vec<_> = groups
            .iter()
            .flat_map(|group| group.banks.iter().map(|bank| (bank.bank.clone(), group.first_at)))
            .collect();
        let traffic = self.letters.traffic(&asked).await?;
        let banks = groups.iter_mut().flat_map(|group| group.banks.iter_mut());
        for (bank, cases) in banks.zip(traffic) {
            bank.measure(cases);
        }
        Ok(groups)
    }
}

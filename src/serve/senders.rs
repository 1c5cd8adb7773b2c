//! Which sender reaches whom: the AMQP channel for all who have queues, Altinn for DSVE's other members, a
//! loan book for each built-in bank, a client of its own for each webhook and each bank's back-end.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::bank::{BookError, BuiltInBank, LoanBook, LoanBookHandler};
use crate::channel::post::{BackEndSender, Pace, PostError, WebhookSender};
use crate::directory::{Directory, Handler, Participant, built_in_login};
use crate::exchange::ExchangeConfig;
use crate::kernel::OrganisationId;
use crate::port::{Clock, Intake, Outbound, SendError, Sender};

/// Why a loan book of the directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoanBookError {
    /// The book itself is not right.
    #[error("the loan book of {bank} cannot be used")]
    Book {
        /// The bank, as the directory names it.
        bank: OrganisationId,
        /// What is wrong.
        #[source]
        source: BookError,
    },
    /// The book is another bank's.
    #[error("{} is the loan book of {holds}, but the directory names it for {bank}", path.display())]
    OtherBank {
        /// The file.
        path: PathBuf,
        /// The bank, as the directory names it.
        bank: OrganisationId,
        /// The bank, as the book names it.
        holds: OrganisationId,
    },
}

/// Why a way that the directory names cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WayError {
    /// A loan book.
    #[error(transparent)]
    LoanBook(#[from] LoanBookError),
    /// A webhook, or a bank's back-end.
    #[error("the way to {participant} in the directory cannot be used")]
    Post {
        /// To whom.
        participant: OrganisationId,
        /// What is wrong.
        #[source]
        source: PostError,
    },
}

/// Ways that lead to one participant each.
type OwnWays = BTreeMap<OrganisationId, Arc<dyn Sender>>;

/// All ways out of this process.
pub struct Senders {
    amqp: Option<Arc<dyn Sender>>,
    altinn: Option<Arc<dyn Sender>>,
    intake: Arc<dyn Intake>,
    clock: Arc<dyn Clock>,
    pace: Pace,
    own: Mutex<OwnWays>,
}

impl Senders {
    /// Ways out, with those that the directory names to come; see [`Senders::open`].
    pub fn new(
        amqp: Option<Arc<dyn Sender>>,
        intake: Arc<dyn Intake>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let pace = pace(&ExchangeConfig::default());
        Self { amqp, altinn: None, intake, clock, pace, own: Mutex::default() }
    }

    /// The same, for an exchange with these settings: what is posted must be over within its lease.
    #[must_use]
    pub fn paced(self, config: &ExchangeConfig) -> Self {
        Self { pace: pace(config), ..self }
    }

    /// The same, with a way to DSVE's members beyond Altinn.
    #[must_use]
    pub fn reaching_beyond(self, altinn: Option<Arc<dyn Sender>>) -> Self {
        Self { altinn, ..self }
    }

    /// Opens the ways that a directory names (reads loan books, secrets and certificates), and uses
    /// them from now on.
    ///
    /// # Errors
    /// When one cannot be used; then those in use so far stay.
    pub fn open(&self, directory: &Directory) -> Result<(), WayError> {
        let mut own = OwnWays::new();
        for participant in directory.participants() {
            if let Some(way) = self.open_one(participant)? {
                own.insert(participant.id.clone(), way);
            }
        }
        *self.own.lock().unwrap_or_else(PoisonError::into_inner) = own;
        Ok(())
    }

    fn open_one(&self, participant: &Participant) -> Result<Option<Arc<dyn Sender>>, WayError> {
        let id = &participant.id;
        let wrong = |source| WayError::Post { participant: id.clone(), source };
        let clock = || Arc::clone(&self.clock);
        let way: Arc<dyn Sender> = match &participant.handler {
            Handler::Amqp | Handler::Mailbox | Handler::Altinn => return Ok(None),
            Handler::LoanBook(path) => Arc::new(self.open_book(id, path)?),
            Handler::Webhook(webhook) => {
                Arc::new(WebhookSender::open(webhook, self.pace, clock()).map_err(wrong)?)
            }
            Handler::Http(back_end) => {
                let (login, intake) = (built_in_login(id), Arc::clone(&self.intake));
                let bank = id.clone();
                let opened = BackEndSender::open(bank, back_end, self.pace, login, intake, clock());
                Arc::new(opened.map_err(wrong)?)
            }
        };
        Ok(Some(way))
    }

    fn open_book(
        &self,
        bank: &OrganisationId,
        path: &Path,
    ) -> Result<LoanBookHandler, LoanBookError> {
        let book = LoanBook::load(path)
            .map_err(|source| LoanBookError::Book { bank: bank.clone(), source })?;
        let built_in = BuiltInBank::new(book);
        let holds = built_in.organisation().clone();
        if holds != *bank {
            let (path, bank) = (path.to_owned(), bank.clone());
            return Err(LoanBookError::OtherBank { path, bank, holds });
        }
        let (intake, clock) = (Arc::clone(&self.intake), Arc::clone(&self.clock));
        Ok(LoanBookHandler::new(built_in, built_in_login(bank), intake, clock))
    }

    fn own(&self, participant: &Participant, missing: &str) -> Result<Arc<dyn Sender>, SendError> {
        let own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        own.get(&participant.id).cloned().ok_or_else(|| SendError::NotSetUp(missing.to_owned()))
    }
}

fn pace(config: &ExchangeConfig) -> Pace {
    Pace::within_lease(Duration::from_secs(config.lease_seconds))
}

impl Outbound for Senders {
    fn sender(&self, participant: &Participant) -> Result<Arc<dyn Sender>, SendError> {
        match &participant.handler {
            Handler::Amqp => self.amqp.clone().ok_or_else(|| {
                SendError::NotSetUp(
                    "amqp: set amqp.url, or give the participant a loan book".into(),
                )
            }),
            Handler::Mailbox => {
                Err(SendError::NotSetUp("a mailbox is collected from, not sent to".into()))
            }
            Handler::Altinn => self.altinn.clone().ok_or_else(|| {
                SendError::NotSetUp("altinn: set altinn.platform_url and what goes with it".into())
            }),
            Handler::Webhook(_) => self.own(participant, "its webhook is not opened"),
            Handler::Http(_) => self.own(participant, "its back-end is not opened"),
            Handler::LoanBook(_) => self.own(participant, "its loan book is not loaded"),
        }
    }
}

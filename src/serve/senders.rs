//! Which sender reaches whom: the AMQP channel for all who have queues, a loan book for each built-in
//! bank.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::bank::{BookError, BuiltInBank, LoanBook, LoanBookHandler};
use crate::directory::{Directory, Handler, Participant, built_in_login};
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

/// All ways out of this process.
pub struct Senders {
    amqp: Option<Arc<dyn Sender>>,
    intake: Arc<dyn Intake>,
    clock: Arc<dyn Clock>,
    books: Mutex<BTreeMap<OrganisationId, Arc<LoanBookHandler>>>,
}

impl Senders {
    /// Ways out with these loan books to come; see [`Senders::open_books`].
    pub fn new(
        amqp: Option<Arc<dyn Sender>>,
        intake: Arc<dyn Intake>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { amqp, intake, clock, books: Mutex::default() }
    }

    /// Reads the loan books that a directory names, and uses them from now on.
    ///
    /// # Errors
    /// When one cannot be used; then those in use so far stay.
    pub fn open_books(&self, directory: &Directory) -> Result<(), LoanBookError> {
        let mut books = BTreeMap::new();
        for participant in directory.participants() {
            let Handler::LoanBook(path) = &participant.handler else { continue };
            let bank = participant.id.clone();
            let book = LoanBook::load(path)
                .map_err(|source| LoanBookError::Book { bank: bank.clone(), source })?;
            let built_in = BuiltInBank::new(book);
            let holds = built_in.organisation().clone();
            if holds != bank {
                return Err(LoanBookError::OtherBank { path: path.clone(), bank, holds });
            }
            let handler = LoanBookHandler::new(
                built_in,
                built_in_login(&bank),
                Arc::clone(&self.intake),
                Arc::clone(&self.clock),
            );
            books.insert(bank, Arc::new(handler));
        }
        *self.books.lock().unwrap_or_else(PoisonError::into_inner) = books;
        Ok(())
    }
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
            Handler::Webhook(_) | Handler::Http(_) => {
                Err(SendError::NotSetUp("http: not built into this program".into()))
            }
            Handler::LoanBook(_) => {
                let books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
                let book = books.get(&participant.id).cloned();
                let missing = || SendError::NotSetUp("its loan book is not loaded".into());
                book.map(|book| book as Arc<dyn Sender>).ok_or_else(missing)
            }
        }
    }
}

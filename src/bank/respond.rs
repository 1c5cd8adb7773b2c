//! The built-in bank itself: a request goes in, the reply's bytes come out. Pure, and the same for
//! the same request, book and day.

use std::fmt;

use jiff::civil::Date;
use uuid::Uuid;

use super::book::LoanBook;
use super::statement::{Statement, state};
use super::text;
use crate::contract::{Answer, MessageType, Request};
use crate::kernel::{MessageId, OrganisationId};

/// A bank that answers from a loan book.
#[derive(Debug)]
pub struct BuiltInBank {
    book: LoanBook,
}

/// What the bank sends back.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// The answer's type, or a status.
    pub message_type: MessageType,
    /// The JSON.
    pub body: Vec<u8>,
    /// The bank's name for it, derived from the request and what is said: asked again, the bank
    /// repeats itself under the same name, and once the book says otherwise it is a new message.
    pub message_id: MessageId,
}

impl fmt::Debug for Reply {
    /// Says everything but the body, which holds personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("message_type", &self.message_type)
            .field("message_id", &self.message_id)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

impl BuiltInBank {
    /// The bank with this book.
    pub const fn new(book: LoanBook) -> Self {
        Self { book }
    }

    /// The bank's organisation.
    pub const fn organisation(&self) -> &OrganisationId {
        &self.book.bank.organisation
    }

    /// The bank's book.
    pub const fn book(&self) -> &LoanBook {
        &self.book
    }

    /// What the bank says to a request on a day (today in Norway).
    pub fn statement(&self, request: &Request, today: Date) -> Statement {
        state(&self.book, request, today)
    }

    /// The reply to a request that came under this id, on a day (today in Norway).
    pub fn answer(&self, request: &Request, request_id: MessageId, today: Date) -> Reply {
        let (message_type, json) = match self.statement(request, today) {
            Statement::Answer(answer) => (answer.message_type(), json(&answer)),
            Statement::Status(status) => (MessageType::Status, serde_json::to_vec(&status)),
        };
        let (message_type, body) = match json {
            Ok(body) => (message_type, body),
            Err(_) => (MessageType::Status, text::UNWRITABLE.as_bytes().to_vec()),
        };
        let name = Uuid::new_v5(request_id.as_uuid(), &body);
        Reply { message_type, body, message_id: MessageId::from_uuid(name) }
    }
}

fn json(answer: &Answer) -> serde_json::Result<Vec<u8>> {
    match answer {
        Answer::Restgjeld(answer) => serde_json::to_vec(answer),
        Answer::Innfrielsessaldo(answer) => serde_json::to_vec(answer),
    }
}

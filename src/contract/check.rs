//! From bytes to a typed message, with all findings.

use super::catalogue::MessageType;
use super::message::{Message, Request};
use crate::kernel::{Environment, Finding, Limits, PaymentWindow};

/// What a check needs to know of the world.
#[derive(Debug, Clone, Copy)]
pub struct CheckContext {
    /// How strict check digits are taken.
    pub environment: Environment,
    /// Which payoff dates are taken.
    pub window: PaymentWindow,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The message; present only when no finding is an error.
    pub message: Option<Message>,
    /// Everything that was found, errors and warnings, in the order of the message.
    pub findings: Vec<Finding>,
    /// What could be read of sender and receiver even from a message that is refused.
    pub hints: Hints,
}

/// What could be read of a message that may be refused: enough to send it a useful answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hints {
    /// `avsender.id`, when it is an organisation.
    pub avsender: Option<crate::kernel::OrganisationId>,
    /// `avsender.referanse`, when it is a text of at most 256 characters.
    pub avsender_referanse: Option<String>,
    /// `mottaker.id`, when it is an organisation.
    pub mottaker: Option<crate::kernel::OrganisationId>,
}

/// The compiled schemas; made once, shared by all.
pub struct Contract;

impl Contract {
    /// Checks a message's bytes against its schema and the rules of the message alone.
    pub fn check(&self, _kind: MessageType, _body: &[u8], _context: &CheckContext) -> Checked {
        todo!()
    }

    /// Checks an answer against the request it answers: properties, reference.
    pub fn check_answer(&self, _answer: &Message, _request: &Request) -> Vec<Finding> {
        todo!()
    }

    /// What can be read of a message of any kind.
    pub fn hints(&self, _body: &[u8]) -> Hints {
        todo!()
    }

    /// Reads a stored request again, which was checked when it arrived.
    pub fn read_request(&self, _body: &super::Body) -> Result<Request, Finding> {
        todo!()
    }

    /// The limits in force.
    pub fn limits(&self) -> Limits {
        todo!()
    }
}

//! A delivery: one message that innfri owes somebody.

use crate::contract::Body;
use crate::kernel::{CaseId, DeliveryId, MessageId, OrganisationId};

/// One message that innfri owes somebody. Its id is also its `message_id` on the wire, so a receiver
/// can drop a repeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Derived from the case and the purpose.
    pub id: DeliveryId,
    /// The case it belongs to; `None` for a report on a message that belongs to no case.
    pub case: Option<CaseId>,
    /// What it is for.
    pub purpose: Purpose,
    /// Who gets it.
    pub to: OrganisationId,
    /// What it says.
    pub body: Body,
    /// What it answers: the receiver's own message id, where there is one.
    pub correlation_id: Option<MessageId>,
    /// W3C trace context to carry on.
    pub traceparent: Option<String>,
}

/// What a delivery is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// A request, to the bank.
    Request,
    /// An answer or status, to the asker.
    Outcome {
        /// Which outcome of the case, from 1.
        revision: u32,
    },
    /// A report to the sender of a message that was not accepted.
    Rejection,
    /// A receipt to the asker.
    Receipt,
}

impl Purpose {
    /// The purpose's name, as it is stored and shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Outcome { .. } => "outcome",
            Self::Rejection => "rejection",
            Self::Receipt => "receipt",
        }
    }

    /// The number of the outcome it carries; 0 for all else.
    pub const fn revision(self) -> u32 {
        match self {
            Self::Outcome { revision } => revision,
            Self::Request | Self::Rejection | Self::Receipt => 0,
        }
    }

    /// The purpose read back from its name and revision; `None` for an unknown name.
    pub fn from_parts(name: &str, revision: u32) -> Option<Self> {
        match name {
            "request" => Some(Self::Request),
            "outcome" => Some(Self::Outcome { revision }),
            "rejection" => Some(Self::Rejection),
            "receipt" => Some(Self::Receipt),
            _ => None,
        }
    }
}

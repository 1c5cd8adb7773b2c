//! What deciding needs of the journal, and what it leads to.

use jiff::Timestamp;

use crate::case::{Case, DeadLetter, Delivery, RecordedEvent, StoredCase};
use crate::contract::Body;
use crate::kernel::{CaseId, DeliveryId, Digest, MessageId, OrganisationId};

/// What was decided about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Disposition {
    /// It had its effect.
    Accepted,
    /// It was here before and had its effect then.
    Repeated,
    /// It was a request that was refused; the asker is owed a status that says why.
    Refused,
    /// It was not accepted; its sender is owed a rejection that says why.
    Rejected,
    /// Nobody could be told; it is kept as a dead letter.
    DeadLettered,
}

impl Disposition {
    /// Every disposition.
    pub const ALL: [Self; 5] =
        [Self::Accepted, Self::Repeated, Self::Refused, Self::Rejected, Self::DeadLettered];
}

/// What deciding leads to: everything that must be kept about one message, in one commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What became of the message.
    pub disposition: Disposition,
    /// The case it belongs to, changed or not.
    pub case: Option<CaseId>,
    /// That this message was here.
    pub inbox: Option<InboxEntry>,
    /// How the case changes.
    pub change: Option<CaseChange>,
    /// What is owed from now on.
    pub deliveries: Vec<Delivery>,
    /// What is given up on.
    pub dead_letters: Vec<DeadLetter>,
    /// A delivery that is owed no longer.
    pub given_up: Option<DeliveryId>,
    /// What tells the sender why its message was not accepted. For an answer that was here before: what
    /// told it then, if it was not accepted then.
    pub notice: Option<DeliveryId>,
}

impl Decision {
    /// A decision that keeps nothing, to build on.
    pub const fn none(disposition: Disposition) -> Self {
        Self {
            disposition,
            case: None,
            inbox: None,
            change: None,
            deliveries: Vec::new(),
            dead_letters: Vec::new(),
            given_up: None,
            notice: None,
        }
    }
}

/// That a message was here: the idempotent receiver's key and what its content is recognised by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxEntry {
    /// Who sent it.
    pub sender: OrganisationId,
    /// Its sender's name for it.
    pub message_id: MessageId,
    /// Its type and content.
    pub digest: Digest,
    /// The case it belongs to.
    pub case: Option<CaseId>,
    /// When it was here first.
    pub at: Timestamp,
}

/// How a case changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseChange {
    /// The case as it is from now on.
    pub case: Case,
    /// The version it was decided on; `None` for a new case.
    pub expected: Option<u32>,
    /// What happened; 1 or more.
    pub events: Vec<RecordedEvent>,
    /// The request; present exactly for a new case.
    pub request: Option<Body>,
}

/// What to look up before deciding on one message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Key {
    /// Was this message here before?
    pub inbox: Option<(OrganisationId, MessageId)>,
    /// The case whose request was delivered under this id.
    pub forwarded_as: Option<DeliveryId>,
    /// The case itself.
    pub case: Option<CaseId>,
}

/// What was found for a [`Key`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The message's earlier arrival.
    pub inbox: Option<InboxEntry>,
    /// The case.
    pub case: Option<StoredCase>,
}

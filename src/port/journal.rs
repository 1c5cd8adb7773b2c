//! The journal: the durable record, and the only queue inside innfri.
//!
//! A [`Decision`] is committed whole or not at all; many share one commit. What is committed is owed
//! until [`AttemptResult::Delivered`] or a give-up is recorded: a delivery that a process has claimed
//! falls back when its lease runs out.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::case::{Case, DeadLetter, Delivery, Purpose, RecordedEvent, StoredCase};
use crate::contract::{Body, MessageType};
use crate::kernel::{CaseId, DeadLetterId, DeliveryId, OrganisationId};

pub use crate::decide::decision::{CaseChange, Decision, Found, InboxEntry, Key};

/// In whose name, and for how long, deliveries are claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The process.
    pub owner: Uuid,
    /// Now.
    pub now: Timestamp,
    /// How long nobody else takes them.
    pub lease: SignedDuration,
}

/// Whose deliveries are claimed.
#[derive(Debug, Clone, Copy)]
pub enum Whose<'a> {
    /// Everybody's but theirs.
    AllBut(&'a [OrganisationId]),
    /// Only theirs; with a time, only those that have been owed since before it.
    Only(&'a [OrganisationId], Option<Timestamp>),
}

/// A delivery that a process has claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwedDelivery {
    /// What is owed.
    pub delivery: Delivery,
    /// Attempts that failed so far, and claims that ran out: a process that died may have sent it.
    pub attempts: u32,
    /// Since when it is owed.
    pub owed_since: Timestamp,
}

/// What became of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptResult {
    /// The far side has confirmed it.
    Delivered {
        /// Which.
        delivery: DeliveryId,
        /// When.
        at: Timestamp,
    },
    /// It failed, and is tried again.
    Failed {
        /// Which.
        delivery: DeliveryId,
        /// When it is tried again.
        next_attempt_at: Timestamp,
        /// What went wrong: a code and words, without personal data.
        error: String,
    },
    /// It was not tried (the receiver's breaker is open, say) and falls due later.
    Postponed {
        /// Which.
        delivery: DeliveryId,
        /// When it falls due.
        next_attempt_at: Timestamp,
    },
}

impl AttemptResult {
    /// Which delivery it is about.
    pub const fn delivery(&self) -> &DeliveryId {
        match self {
            Self::Delivered { delivery, .. }
            | Self::Failed { delivery, .. }
            | Self::Postponed { delivery, .. } => delivery,
        }
    }
}

/// Which cases to list; parts that are not set do not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CaseFilter {
    /// The asker's reference, exactly.
    pub reference: Option<String>,
    /// Asker, receiver of the outcome, or bank.
    pub organisation: Option<OrganisationId>,
    /// Open (`true`) or settled (`false`).
    pub open: Option<bool>,
    /// What was asked.
    pub message_type: Option<MessageType>,
    /// Opened at this time or later.
    pub since: Option<Timestamp>,
    /// Opened before this time.
    pub before: Option<Timestamp>,
    /// At most so many, newest first; 0 means 100.
    pub limit: u32,
}

impl CaseFilter {
    /// The filter for what follows `page`, which this one gave; `None` when that was the last. Cases
    /// opened in the same microsecond as the last of the page may come again.
    pub fn next_page(&self, page: &[Case]) -> Option<Self> {
        let last = page.last().filter(|_| page.len() >= self.limit.max(1) as usize)?;
        let behind = last.opened_at.checked_add(SignedDuration::from_micros(1)).ok()?;
        // A page full of cases of one microsecond would come for ever.
        let before = if self.before == Some(behind) { last.opened_at } else { behind };
        Some(Self { before: Some(before), ..self.clone() })
    }
}

/// A case with its whole story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseStory {
    /// The case and its request.
    pub stored: StoredCase,
    /// What happened, in order.
    pub events: Vec<RecordedEvent>,
    /// What was and is owed, in order.
    pub deliveries: Vec<DeliveryRecord>,
}

/// Where a delivery stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRecord {
    /// Which.
    pub id: DeliveryId,
    /// What for.
    pub purpose: Purpose,
    /// To whom.
    pub to: OrganisationId,
    /// What it says.
    pub body: Body,
    /// Attempts that failed.
    pub attempts: u32,
    /// Since when it is owed.
    pub owed_since: Timestamp,
    /// When it is tried next, while it is owed.
    pub next_attempt_at: Timestamp,
    /// When the far side confirmed it.
    pub delivered_at: Option<Timestamp>,
    /// When it was given up.
    pub given_up_at: Option<Timestamp>,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// Which dead letters to list; parts that are not set do not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadLetterFilter {
    /// This one.
    pub id: Option<DeadLetterId>,
    /// With this reason code.
    pub reason: Option<String>,
    /// From or to this organisation.
    pub organisation: Option<OrganisationId>,
    /// At most so many, newest first; 0 means 100.
    pub limit: u32,
}

/// How much there is of what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Cases that wait for a bank.
    pub open_cases: u64,
    /// Deliveries not yet confirmed nor given up.
    pub owed_deliveries: u64,
    /// Dead letters.
    pub dead_letters: u64,
}

/// Why the journal did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It cannot be reached or written now; try again.
    #[error("the journal is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What it holds cannot be read; a person must look.
    #[error("the journal holds something that cannot be read: {0}")]
    Corrupt(String),
}

/// Why a group was not committed. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The decisions at these places no longer fit what the journal holds: a case has moved on, the
    /// message arrived twice at once, or what is given up was delivered meanwhile. Decide on them anew; the others may be committed as they are.
    #[error("{} decision(s) no longer fit the journal", .0.len())]
    Conflict(Vec<usize>),
    /// As for every call.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// The durable record.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Looks up what is known for each key, in the same order.
    async fn look_up(&self, keys: &[Key]) -> Result<Vec<Found>, JournalError>;

    /// Commits a group of decisions in one transaction. New deliveries are claimed at once for
    /// `claim.owner`. No two decisions of a group may be about the same case or message.
    ///
    /// A dead letter whose id is known is not doubled: its last time and attempts are brought up to
    /// date. A delivery whose id is known stays as it was.
    async fn commit(&self, group: &[Decision], claim: &Claim) -> Result<(), CommitError>;

    /// Claims deliveries that are due and that nobody holds, oldest first. A claim that ran out counts as an
    /// attempt.
    async fn claim(
        &self,
        claim: &Claim,
        limit: u32,
        whose: Whose<'_>,
    ) -> Result<Vec<OwedDelivery>, JournalError>;

    /// Records what became of attempts. A delivery that is already delivered stays so. A crash of the store's
    /// server may undo what was recorded in its last second: the delivery then goes out again, with the same id.
    async fn record(&self, results: &[AttemptResult]) -> Result<(), JournalError>;

    /// Where one delivery stands.
    async fn delivery(&self, id: &DeliveryId) -> Result<Option<DeliveryRecord>, JournalError>;

    /// How much room the journal takes up, in bytes; what was freed within it does not count.
    async fn size_bytes(&self) -> Result<u64, JournalError>;

    /// Lists cases, newest first.
    async fn cases(&self, filter: &CaseFilter) -> Result<Vec<Case>, JournalError>;

    /// A case with its whole story.
    async fn story(&self, case: &CaseId) -> Result<Option<CaseStory>, JournalError>;

    /// Lists dead letters, newest first.
    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
    ) -> Result<Vec<DeadLetter>, JournalError>;

    /// Since when the oldest delivery that is owed has been owed; `None` when nothing is.
    async fn oldest_owed(&self) -> Result<Option<Timestamp>, JournalError>;

    /// Counts.
    async fn counts(&self) -> Result<Counts, JournalError>;
}

//! Receiving: one look at what waits for an organisation, file by file.
//!
//! The order is the promise: overview, download, **keep, and only then confirm**. What a crash leaves
//! between download and confirmation is listed again as begun (`DownloadStarted`), and is handed over
//! again: whoever takes files must know a transfer that it has kept before. Nothing is dropped here: a
//! file that is too large, or not ours, is handed over as that.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::api::{ListFilter, Role, Transfers};
use super::error::AltinnError;
use super::pause::Round;
use super::transfer::{Checksum, Overview, Party, RecipientStatus, TransferId, TransferStatus};
use crate::kernel::OrganisationId;

/// Calls in a row that Altinn cannot answer, after which a look is over.
const MOST_FAILURES: usize = 3;

/// A file that has arrived, with what Altinn tells of it.
#[derive(Clone, PartialEq, Eq)]
pub struct ArrivedFile {
    /// The transfer. The same one may arrive again: drop the repeat.
    pub transfer: TransferId,
    /// Whose it is: the organisation that innfri received it for.
    pub receiver: OrganisationId,
    /// Who sent it; Altinn has checked that.
    pub sender: Party,
    /// What the sender calls it.
    pub reference: String,
    /// The file's name.
    pub file_name: String,
    /// What the sender says of it: `messageType`, in answers `status` and `statusDescription`.
    pub properties: BTreeMap<String, String>,
    /// When it was published, or made where that is not told.
    pub sent_at: Option<Timestamp>,
    /// What it holds.
    pub content: Content,
}

/// What an arrived file holds.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    /// The file, whole.
    Bytes(Vec<u8>),
    /// It is larger than is read; so many bytes, where Altinn tells.
    TooLarge(Option<u64>),
    /// It was sent under this resource, which is not ours: it is not fetched and never confirmed.
    OtherResource(String),
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "[{} bytes]", bytes.len()),
            Self::TooLarge(size) => write!(f, "TooLarge({size:?})"),
            Self::OtherResource(resource) => write!(f, "OtherResource({resource:?})"),
        }
    }
}

impl fmt::Debug for ArrivedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Properties may quote what is in the file.
        f.debug_struct("ArrivedFile")
            .field("transfer", &self.transfer)
            .field("receiver", &self.receiver)
            .field("content", &self.content)
            .finish_non_exhaustive()
    }
}

/// It is safe: whatever happens now, it is not lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept;

/// Why a file was not kept. It stays with Altinn and is offered again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotKept {
    /// This one cannot be kept now; others may be.
    #[error("this file cannot be kept now: {0}")]
    This(String),
    /// Nothing can be kept now.
    #[error("nothing can be kept now: {0}")]
    Nothing(String),
}

/// Takes what has arrived.
#[async_trait]
pub trait Take: Send + Sync {
    /// Keeps a file. When this returns `Ok`, the file is safe, and Altinn may forget it. The same transfer
    /// may come again, also after it was kept.
    ///
    /// # Errors
    /// When it was not kept.
    async fn take(&self, arrived: ArrivedFile) -> Result<Kept, NotKept>;
}

/// What one look brought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Walk {
    /// Files that are kept and confirmed.
    pub confirmed: Vec<TransferId>,
    /// Files that stay with Altinn, and why.
    pub left: Vec<(TransferId, Left)>,
    /// Why the look ended before its end.
    pub ended: Option<Left>,
    /// Whether there is more than was listed: look again at once.
    pub more: bool,
}

/// Why something was left.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Left {
    /// A call did not succeed.
    #[error(transparent)]
    Altinn(#[from] AltinnError),
    /// It was not kept.
    #[error(transparent)]
    NotKept(#[from] NotKept),
    /// It is under another resource, and was handed over as that.
    #[error("it was sent under another resource")]
    OtherResource,
}

impl Walk {
    /// What this look means for the next one.
    pub fn round(&self) -> Round {
        match &self.ended {
            Some(Left::Altinn(error)) => Round::Failed(error.asked_wait()),
            Some(Left::NotKept(_) | Left::OtherResource) => Round::Failed(None),
            // More is waiting, and there is progress.
            None if self.more && !self.confirmed.is_empty() => Round::Arrived,
            None if self.left.iter().any(|(_, left)| *left != Left::OtherResource) => {
                Round::Failed(self.asked_wait())
            }
            None if self.confirmed.is_empty() => Round::Nothing,
            None => Round::Arrived,
        }
    }

    fn asked_wait(&self) -> Option<Duration> {
        let waits = self.left.iter().filter_map(|(_, left)| match left {
            Left::Altinn(error) => error.asked_wait(),
            Left::NotKept(_) | Left::OtherResource => None,
        });
        waits.max()
    }
}

/// What became of one file.
enum Outcome {
    Confirmed,
    /// It is no longer waiting: somebody else confirmed it, or it was deleted.
    Gone,
}

/// Looks once at all that waits for an organisation. First what a crash may have left, then what is new.
pub async fn receive(transfers: &dyn Transfers, take: &dyn Take, most_bytes: usize) -> Walk {
    let mut walk = Walk::default();
    let mut seen = HashSet::new();
    let mut failures = 0;
    for status in [RecipientStatus::DownloadStarted, RecipientStatus::Initialized] {
        let filter = ListFilter {
            role: Role::Recipient,
            status: Some(TransferStatus::Published),
            recipient_status: Some(status),
            since: None,
        };
        let listing = match transfers.list(&filter).await {
            Ok(listing) => listing,
            Err(error) => {
                walk.ended = Some(error.into());
                return walk;
            }
        };
        walk.more |= !listing.complete;
        for id in listing.ids.into_iter().filter(|id| seen.insert(*id)) {
            match one(transfers, take, id, most_bytes).await {
                Ok(Outcome::Confirmed) => {
                    failures = 0;
                    walk.confirmed.push(id);
                }
                Ok(Outcome::Gone) => failures = 0,
                Err(left) => {
                    failures = if is_altinns(&left) { failures + 1 } else { 0 };
                    walk.left.push((id, left.clone()));
                    if failures >= MOST_FAILURES || ends_the_walk(&left) {
                        walk.ended = Some(left);
                        return walk;
                    }
                }
            }
        }
    }
    walk
}

const fn is_altinns(left: &Left) -> bool {
    matches!(left, Left::Altinn(AltinnError::Retry { .. }))
}

/// Whether the next file would fare no better.
const fn ends_the_walk(left: &Left) -> bool {
    match left {
        Left::NotKept(NotKept::Nothing(_)) | Left::Altinn(AltinnError::OperatorFault(_)) => true,
        Left::Altinn(AltinnError::Retry { after, .. }) => after.is_some(),
        Left::Altinn(
            AltinnError::Refused(_)
            | AltinnError::NotFound
            | AltinnError::AlreadyUploaded
            | AltinnError::NotReady
            | AltinnError::TooLarge
            | AltinnError::ChecksumMismatch,
        )
        | Left::NotKept(NotKept::This(_))
        | Left::OtherResource => false,
    }
}

/// One file, from its overview to its confirmation.
async fn one(
    transfers: &dyn Transfers,
    take: &dyn Take,
    id: TransferId,
    most_bytes: usize,
) -> Result<Outcome, Left> {
    let overview = match transfers.overview(id).await {
        Err(AltinnError::NotFound) => return Ok(Outcome::Gone),
        found => found?,
    };
    if is_over(&overview, transfers.organisation()) {
        return Ok(Outcome::Gone);
    }
    let is_ours = overview.resource_id.eq_ignore_ascii_case(transfers.resource());
    if !is_ours {
        let content = Content::OtherResource(overview.resource_id.clone());
        take.take(arrived(transfers, overview, content)).await?;
        return Err(Left::OtherResource);
    }
    let content = content(transfers, &overview, most_bytes).await?;
    let Kept = take.take(arrived(transfers, overview, content)).await?;
    confirm(transfers, id).await
}

async fn content(
    transfers: &dyn Transfers,
    overview: &Overview,
    most_bytes: usize,
) -> Result<Content, AltinnError> {
    // Asked for even if its size says that it is too large: Altinn takes a confirmation only then.
    let bytes = match transfers.download(overview.id, most_bytes).await {
        Err(AltinnError::TooLarge) => {
            let size = overview.size.and_then(|size| u64::try_from(size).ok());
            return Ok(Content::TooLarge(size.filter(|size| *size > 0)));
        }
        found => found?,
    };
    let told = overview.checksum.as_deref().map(str::trim).filter(|told| told.len() == 32);
    if told.is_some_and(|told| !told.eq_ignore_ascii_case(Checksum::of(&bytes).as_str())) {
        return Err(AltinnError::ChecksumMismatch);
    }
    Ok(Content::Bytes(bytes))
}

/// Confirms a file that is kept. That may have happened before, by a call of which nobody heard.
async fn confirm(transfers: &dyn Transfers, id: TransferId) -> Result<Outcome, Left> {
    let Err(error) = transfers.confirm(id).await else { return Ok(Outcome::Confirmed) };
    match transfers.overview(id).await {
        Ok(overview) if is_over(&overview, transfers.organisation()) => Ok(Outcome::Confirmed),
        Err(AltinnError::NotFound) => Ok(Outcome::Confirmed),
        Ok(_) | Err(_) => Err(error.into()),
    }
}

/// Whether nothing is left to do for a receiver.
fn is_over(overview: &Overview, receiver: &OrganisationId) -> bool {
    let published = overview.status == TransferStatus::Published;
    !published || overview.status_for(receiver) == Some(RecipientStatus::DownloadConfirmed)
}

fn arrived(transfers: &dyn Transfers, overview: Overview, content: Content) -> ArrivedFile {
    ArrivedFile {
        transfer: overview.id,
        receiver: transfers.organisation().clone(),
        sent_at: overview.published.or(overview.status_changed).or(overview.created),
        sender: overview.sender,
        reference: overview.reference,
        file_name: overview.file_name,
        properties: overview.properties,
        content,
    }
}

#[cfg(test)]
#[path = "receive_tests.rs"]
mod tests;

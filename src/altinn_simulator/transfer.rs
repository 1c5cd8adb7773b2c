//! A file transfer and its status machine: it goes forward only. Pure.

use std::collections::BTreeMap;

use axum::body::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

use crate::kernel::OrganisationId;

/// How far a file transfer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Announced; nothing is uploaded.
    Initialized,
    /// Bytes are coming.
    UploadStarted,
    /// The virus scan is under way.
    UploadProcessing,
    /// Recipients can have it.
    Published,
    /// Every recipient has confirmed.
    AllConfirmedDownloaded,
    /// The bytes are gone.
    Purged,
    /// Taken back.
    Cancelled,
    /// Upload or scan did not succeed.
    Failed,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 8] = [
        Self::Initialized,
        Self::UploadStarted,
        Self::UploadProcessing,
        Self::Published,
        Self::AllConfirmedDownloaded,
        Self::Purged,
        Self::Cancelled,
        Self::Failed,
    ];

    /// As it is written on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Initialized => "Initialized",
            Self::UploadStarted => "UploadStarted",
            Self::UploadProcessing => "UploadProcessing",
            Self::Published => "Published",
            Self::AllConfirmedDownloaded => "AllConfirmedDownloaded",
            Self::Purged => "Purged",
            Self::Cancelled => "Cancelled",
            Self::Failed => "Failed",
        }
    }

    /// Whether a transfer may go from here to there. Nothing leads back, and nothing leads away from
    /// `Purged`, `Cancelled` and `Failed`, but that the bytes of what was published go away in the end.
    pub const fn leads_to(self, next: Self) -> bool {
        use Status::{
            AllConfirmedDownloaded, Cancelled, Failed, Initialized, Published, Purged,
            UploadProcessing, UploadStarted,
        };
        matches!(
            (self, next),
            (Initialized, UploadStarted | Purged | Cancelled)
                | (UploadStarted, UploadProcessing | Published | Cancelled | Failed | Purged)
                | (UploadProcessing, Published | Cancelled | Failed | Purged)
                | (Published, AllConfirmedDownloaded | Purged)
                | (AllConfirmedDownloaded, Purged)
        )
    }
}

/// How far a recipient is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecipientStatus {
    /// Has done nothing.
    Initialized,
    /// Has asked for the bytes.
    DownloadStarted,
    /// Has said that it has them.
    DownloadConfirmed,
}

impl RecipientStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Initialized, Self::DownloadStarted, Self::DownloadConfirmed];

    /// As it is written on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Initialized => "Initialized",
            Self::DownloadStarted => "DownloadStarted",
            Self::DownloadConfirmed => "DownloadConfirmed",
        }
    }

    /// For people.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Initialized => "Waiting for the recipient",
            Self::DownloadStarted => "The recipient has started to download the file",
            Self::DownloadConfirmed => "The recipient has confirmed the download",
        }
    }
}

/// Why a step is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrongStep {
    /// The status machine has no such step.
    #[error("a file transfer does not go from {} to {}", from.name(), to.name())]
    Status {
        /// From where.
        from: Status,
        /// To where.
        to: Status,
    },
    /// Not a recipient.
    #[error("that organisation is no recipient")]
    NoRecipient,
    /// Not published.
    #[error("the file transfer is not published")]
    NotPublished,
    /// Not downloaded.
    #[error("the recipient has not downloaded the file")]
    NotDownloaded,
}

/// A status that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub status: Status,
    /// For people.
    pub text: String,
    /// When.
    pub at: Timestamp,
}

/// A recipient's status that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipientChange {
    /// Whose.
    pub recipient: OrganisationId,
    /// Which.
    pub status: RecipientStatus,
    /// When.
    pub at: Timestamp,
}

/// What a sender says when initialising.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// The resource.
    pub resource: String,
    /// The file's name.
    pub file_name: String,
    /// The sender's own name for it.
    pub reference: String,
    /// The file's MD5 in lower-case hexadecimal digits.
    pub checksum: Option<String>,
    /// Whether the file is scanned for viruses.
    pub virus_scan: bool,
    /// Who sends.
    pub sender: OrganisationId,
    /// Who shall have it: one or more.
    pub recipients: Vec<OrganisationId>,
    /// The sender's own properties.
    pub properties: BTreeMap<String, String>,
}

/// A file transfer. It has no `Debug`: it holds the file.
#[derive(Clone)]
pub struct Transfer {
    /// Its id.
    pub id: Uuid,
    /// What the sender said.
    pub said: Announcement,
    /// When the file is purged at the latest.
    pub expires: Timestamp,
    /// The file, from the end of the upload until it is purged.
    pub bytes: Option<Bytes>,
    /// Bytes of the file; 0 before it is uploaded.
    pub size: usize,
    /// What the virus scan will find, while it is under way.
    pub infected: bool,
    history: Vec<Change>,
    recipient_history: Vec<RecipientChange>,
    created: Timestamp,
    current: Change,
    recipients: Vec<RecipientChange>,
}

impl Transfer {
    /// A new one.
    pub fn new(id: Uuid, said: Announcement, at: Timestamp, expires: Timestamp) -> Self {
        let text = "Ready for upload".to_owned();
        let current = Change { status: Status::Initialized, text, at };
        let recipients: Vec<RecipientChange> = said
            .recipients
            .iter()
            .map(|recipient| RecipientChange {
                recipient: recipient.clone(),
                status: RecipientStatus::Initialized,
                at,
            })
            .collect();
        Self {
            id,
            said,
            expires,
            bytes: None,
            size: 0,
            infected: false,
            history: vec![current.clone()],
            recipient_history: recipients.clone(),
            created: at,
            current,
            recipients,
        }
    }

    /// How far it is.
    pub const fn status(&self) -> Status {
        self.current.status
    }

    /// How far it is, since when, and in words.
    pub const fn current(&self) -> &Change {
        &self.current
    }

    /// When it was initialised.
    pub const fn created(&self) -> Timestamp {
        self.created
    }

    /// Every status it took, the oldest first.
    pub fn history(&self) -> &[Change] {
        &self.history
    }

    /// Every status its recipients took, the oldest first.
    pub fn recipient_history(&self) -> &[RecipientChange] {
        &self.recipient_history
    }

    /// How far each recipient is, in the order in which the sender named them.
    pub fn recipients(&self) -> &[RecipientChange] {
        &self.recipients
    }

    /// How far one recipient is; `None` when it is none.
    pub fn recipient(&self, organisation: &OrganisationId) -> Option<&RecipientChange> {
        self.recipients.iter().find(|one| one.recipient == *organisation)
    }

    /// When it took a status, if it did.
    pub fn since(&self, status: Status) -> Option<Timestamp> {
        self.history.iter().find(|change| change.status == status).map(|change| change.at)
    }

    /// Takes a step. What is purged, cancelled or failed loses its bytes.
    ///
    /// # Errors
    /// When the status machine has no such step; then nothing has changed.
    pub fn step(&mut self, to: Status, text: &str, at: Timestamp) -> Result<(), WrongStep> {
        let from = self.current.status;
        if !from.leads_to(to) {
            return Err(WrongStep::Status { from, to });
        }
        self.current = Change { status: to, text: text.to_owned(), at };
        self.history.push(self.current.clone());
        if matches!(to, Status::Purged | Status::Cancelled | Status::Failed) {
            self.bytes = None;
        }
        Ok(())
    }

    /// Notes that a recipient has asked for the bytes.
    ///
    /// # Errors
    /// When it is no recipient, or the file is not there; then nothing has changed.
    pub fn download(&mut self, recipient: &OrganisationId, at: Timestamp) -> Result<(), WrongStep> {
        if !matches!(self.status(), Status::Published | Status::AllConfirmedDownloaded) {
            return Err(WrongStep::NotPublished);
        }
        let one = self.recipients.iter_mut().find(|one| one.recipient == *recipient);
        let one = one.ok_or(WrongStep::NoRecipient)?;
        if one.status == RecipientStatus::Initialized {
            one.status = RecipientStatus::DownloadStarted;
            one.at = at;
            self.recipient_history.push(one.clone());
        }
        Ok(())
    }

    /// Notes that a recipient has the file. Whether that was new.
    ///
    /// # Errors
    /// When it is no recipient, has not downloaded, or the file is not published; then nothing has changed.
    pub fn confirm(
        &mut self,
        recipient: &OrganisationId,
        at: Timestamp,
    ) -> Result<bool, WrongStep> {
        let published = self.status() == Status::Published;
        let one = self.recipients.iter_mut().find(|one| one.recipient == *recipient);
        let one = one.ok_or(WrongStep::NoRecipient)?;
        match one.status {
            RecipientStatus::DownloadConfirmed => return Ok(false),
            _ if !published => return Err(WrongStep::NotPublished),
            RecipientStatus::Initialized => return Err(WrongStep::NotDownloaded),
            RecipientStatus::DownloadStarted => {}
        }
        one.status = RecipientStatus::DownloadConfirmed;
        one.at = at;
        self.recipient_history.push(one.clone());
        let all = |one: &RecipientChange| one.status == RecipientStatus::DownloadConfirmed;
        if self.recipients.iter().all(all) {
            self.step(Status::AllConfirmedDownloaded, "All recipients have confirmed", at)?;
        }
        Ok(true)
    }
}

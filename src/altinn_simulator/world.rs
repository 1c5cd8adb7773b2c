//! Everything that is kept, in memory: file transfers, tokens, what shall go wrong, and counts. Time moves
//! on in [`World::advance`], which every call and a timer run.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use axum::body::Bytes;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::config::{Config, Limits};
use super::events::{Event, Kind, Outlet};
use super::faults::{FaultSettings, Moment, Route};
use super::problem::Code;
use super::transfer::{Announcement, RecipientStatus, Status, Transfer, WrongStep};
use crate::kernel::OrganisationId;

/// What a token stands for.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    /// For whom it acts.
    pub(super) organisation: Option<OrganisationId>,
    pub(super) scopes: Vec<String>,
    pub(super) until: Timestamp,
}

/// How many calls of a route were held at a moment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct HeldCalls {
    /// Ever.
    pub(super) times: u64,
    /// Whose callers are still there.
    pub(super) waiting: u64,
}

/// What happens by itself at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    ScanEnds,
    FileGoes,
}

/// Everything that is kept.
pub(super) struct World {
    /// What shall go wrong.
    pub(super) faults: FaultSettings,
    /// Calls that came, by route.
    pub(super) calls: BTreeMap<Route, u64>,
    /// Calls that were held.
    pub(super) held: BTreeMap<(Route, Moment), HeldCalls>,
    transfers: HashMap<Uuid, Transfer>,
    due: BTreeSet<(Timestamp, Due, Uuid)>,
    maskinporten: HashMap<String, Grant>,
    altinn: HashMap<String, Grant>,
    assertions: HashMap<(String, String), Timestamp>,
    last: Timestamp,
    events: Outlet,
    limits: Limits,
    scan: u64,
    grace: SignedDuration,
}

impl World {
    pub(super) fn new(config: &Config, events: Outlet) -> Self {
        Self {
            faults: config.faults.clone(),
            calls: BTreeMap::new(),
            held: BTreeMap::new(),
            transfers: HashMap::new(),
            due: BTreeSet::new(),
            maskinporten: HashMap::new(),
            altinn: HashMap::new(),
            assertions: HashMap::new(),
            last: Timestamp::UNIX_EPOCH,
            events,
            limits: config.limits,
            scan: config.scan_millis,
            grace: SignedDuration::from_secs(i64::from(config.grace_seconds)),
        }
    }

    /// A time that no other change has: lists are paged by time.
    fn tick(&mut self, now: Timestamp) -> Timestamp {
        let next = self.last.saturating_add(SignedDuration::from_micros(1)).unwrap_or(now);
        self.last = now.max(next);
        self.last
    }

    /// Does what has fallen due.
    pub(super) fn advance(&mut self, now: Timestamp) {
        while let Some(&(due, what, id)) = self.due.first()
            && due <= now
        {
            self.due.pop_first();
            let at = self.tick(now);
            match what {
                Due::ScanEnds => self.end_scan(id, at),
                Due::FileGoes => self.purge(id, at),
            }
        }
    }

    fn end_scan(&mut self, id: Uuid, at: Timestamp) {
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        if transfer.status() != Status::UploadProcessing {
            return;
        }
        let (status, text) = if transfer.infected {
            (Status::Failed, "Malware was found in the file: EICAR-Test-File")
        } else {
            (Status::Published, "Ready for download")
        };
        if transfer.step(status, text, at).is_ok() {
            let kind = if transfer.infected { Kind::UploadFailed } else { Kind::Published };
            self.tell_sender(id, kind, at);
            if kind == Kind::Published {
                self.tell_recipients(id, kind, at, |_| true);
            }
        }
    }

    fn purge(&mut self, id: Uuid, at: Timestamp) {
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        let was_published = transfer.status() == Status::Published;
        if transfer.step(Status::Purged, "The file has been purged", at).is_err() {
            return;
        }
        if was_published {
            let late = |status| status != RecipientStatus::DownloadConfirmed;
            self.tell_sender(id, Kind::NeverConfirmed, at);
            self.tell_recipients(id, Kind::NeverConfirmed, at, late);
        }
        self.tell_sender(id, Kind::Purged, at);
        self.tell_recipients(id, Kind::Purged, at, |_| true);
    }

    fn tell(&self, id: Uuid, kind: Kind, to: &OrganisationId, role: &'static str, at: Timestamp) {
        let Some(transfer) = self.transfers.get(&id) else { return };
        self.events.tell(Event {
            kind,
            resource: transfer.said.resource.clone(),
            transfer: id,
            organisation: to.clone(),
            role,
            at,
        });
    }

    fn tell_sender(&self, id: Uuid, kind: Kind, at: Timestamp) {
        if let Some(transfer) = self.transfers.get(&id) {
            self.tell(id, kind, &transfer.said.sender, "Sender", at);
        }
    }

    fn tell_recipients(
        &self,
        id: Uuid,
        kind: Kind,
        at: Timestamp,
        which: impl Fn(RecipientStatus) -> bool,
    ) {
        let Some(transfer) = self.transfers.get(&id) else { return };
        for one in transfer.recipients().iter().filter(|one| which(one.status)) {
            self.tell(id, kind, &one.recipient, "Recipient", at);
        }
    }

    /// Whether there is a place for one more file transfer.
    pub(super) fn has_place(&self) -> bool {
        self.transfers.len() < self.limits.transfers
    }

    /// Takes in a file transfer under a new id.
    pub(super) fn initialise(&mut self, id: Uuid, said: Announcement, life: u32, now: Timestamp) {
        let at = self.tick(now);
        let life = SignedDuration::from_secs(i64::from(life));
        let expires = at.saturating_add(life).unwrap_or(Timestamp::MAX);
        self.due.insert((expires, Due::FileGoes, id));
        self.transfers.insert(id, Transfer::new(id, said, at, expires));
        self.tell_sender(id, Kind::Initialized, at);
    }

    pub(super) fn transfer(&self, id: Uuid) -> Option<&Transfer> {
        self.transfers.get(&id)
    }

    pub(super) fn transfers(&self) -> impl Iterator<Item = &Transfer> {
        self.transfers.values()
    }

    /// Begins an upload of so many bytes.
    pub(super) fn begin_upload(
        &mut self,
        id: Uuid,
        sender: &OrganisationId,
        length: usize,
        largest: usize,
        now: Timestamp,
    ) -> Result<(), Code> {
        let kept: usize = self.transfers.values().map(weight).sum();
        let at = self.tick(now);
        let transfer = self.transfers.get_mut(&id).ok_or(Code::NotFound)?;
        if transfer.said.sender != *sender {
            return Err(Code::NoAccess);
        }
        if transfer.status() != Status::Initialized {
            return Err(Code::AlreadyUploaded);
        }
        if length == 0 {
            return Err(Code::NoFileUploaded);
        }
        if length > largest {
            return Err(Code::TooBig);
        }
        if kept.saturating_add(length) > self.limits.kept_bytes {
            return Err(Code::StorageNotReady);
        }
        transfer.size = length;
        transfer
            .step(Status::UploadStarted, "The upload has started", at)
            .map_err(|_| Code::AlreadyUploaded)
    }

    /// Ends an upload that did not come whole.
    pub(super) fn break_upload(&mut self, id: Uuid, text: &str, now: Timestamp) {
        let at = self.tick(now);
        if let Some(transfer) = self.transfers.get_mut(&id)
            && transfer.status() == Status::UploadStarted
            && transfer.step(Status::Failed, text, at).is_ok()
        {
            transfer.size = 0;
            self.tell_sender(id, Kind::UploadFailed, at);
        }
    }

    /// Ends an upload: `checksum` is that of the bytes.
    pub(super) fn end_upload(
        &mut self,
        id: Uuid,
        bytes: Bytes,
        checksum: String,
        infected: bool,
        now: Timestamp,
    ) -> Result<(), Code> {
        if self.faults.take_failed_upload() {
            self.break_upload(id, "The upload failed", now);
            return Err(Code::UploadFailed);
        }
        let transfer = self.transfers.get(&id).ok_or(Code::NotFound)?;
        if transfer.said.checksum.as_ref().is_some_and(|said| *said != checksum) {
            self.break_upload(id, "The checksum is not the one that was given", now);
            return Err(Code::ChecksumMismatch);
        }
        let infected = infected || self.faults.take_failed_scan();
        let at = self.tick(now);
        let scan = self.faults.scan_millis.unwrap_or(self.scan);
        let transfer = self.transfers.get_mut(&id).ok_or(Code::NotFound)?;
        let step = if transfer.said.virus_scan {
            transfer.step(Status::UploadProcessing, "The virus scan is under way", at)
        } else {
            transfer.step(Status::Published, "Ready for download", at)
        };
        // It was cancelled or purged meanwhile.
        step.map_err(|_| Code::UploadFailed)?;
        transfer.size = bytes.len();
        transfer.bytes = Some(bytes);
        transfer.infected = infected;
        transfer.said.checksum = Some(checksum);
        if transfer.said.virus_scan {
            let scan = SignedDuration::from_millis(i64::try_from(scan).unwrap_or(i64::MAX));
            let due = at.saturating_add(scan).unwrap_or(Timestamp::MAX);
            self.due.insert((due, Due::ScanEnds, id));
            self.tell_sender(id, Kind::Processing, at);
        } else {
            self.tell_sender(id, Kind::Published, at);
            self.tell_recipients(id, Kind::Published, at, |_| true);
        }
        Ok(())
    }

    /// Notes a download, and gives the bytes.
    pub(super) fn download(
        &mut self,
        id: Uuid,
        recipient: &OrganisationId,
        now: Timestamp,
    ) -> Result<Bytes, Code> {
        let at = self.tick(now);
        let transfer = self.transfers.get_mut(&id).ok_or(Code::NotFound)?;
        transfer.download(recipient, at).map_err(|wrong| match wrong {
            WrongStep::NoRecipient => Code::NoAccess,
            WrongStep::Status { .. } | WrongStep::NotPublished | WrongStep::NotDownloaded => {
                Code::NotReadyForDownload
            }
        })?;
        transfer.bytes.clone().ok_or(Code::NoFileUploaded)
    }

    /// Notes a confirmation.
    pub(super) fn confirm(
        &mut self,
        id: Uuid,
        recipient: &OrganisationId,
        now: Timestamp,
    ) -> Result<(), Code> {
        let at = self.tick(now);
        let transfer = self.transfers.get_mut(&id).ok_or(Code::NotFound)?;
        let new = transfer.confirm(recipient, at).map_err(|wrong| match wrong {
            WrongStep::NoRecipient => Code::NoAccess,
            WrongStep::NotDownloaded => Code::ConfirmBeforeDownload,
            WrongStep::Status { .. } | WrongStep::NotPublished => Code::NotPublished,
        })?;
        let all = transfer.status() == Status::AllConfirmedDownloaded;
        if !new {
            let refuse = self.faults.refuse_repeated_confirm.unwrap_or(false);
            return if refuse { Err(Code::NotPublished) } else { Ok(()) };
        }
        self.tell_sender(id, Kind::DownloadConfirmed, at);
        self.tell(id, Kind::DownloadConfirmed, recipient, "Recipient", at);
        if all {
            self.tell_sender(id, Kind::AllConfirmed, at);
            let due = at.saturating_add(self.grace).unwrap_or(Timestamp::MAX);
            self.due.insert((due, Due::FileGoes, id));
        }
        Ok(())
    }

    /// Takes a file transfer back.
    pub(super) fn cancel(&mut self, id: Uuid, now: Timestamp) -> Result<(), Option<WrongStep>> {
        let at = self.tick(now);
        let transfer = self.transfers.get_mut(&id).ok_or(None)?;
        transfer.step(Status::Cancelled, "The file transfer was cancelled", at).map_err(Some)
    }

    /// Takes over switches; what acts once acts now.
    pub(super) fn switch(&mut self, faults: FaultSettings) {
        self.faults.take_over(faults);
        if std::mem::take(&mut self.faults.expire_tokens) {
            self.maskinporten.clear();
            self.altinn.clear();
        }
    }

    /// Whether this client uses this name for an assertion for the first time; then it is remembered.
    pub(super) fn is_new_assertion(
        &mut self,
        client: &str,
        name: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> bool {
        self.assertions.retain(|_, end| *end > now);
        let key = (client.to_owned(), name.to_owned());
        if self.assertions.len() >= self.limits.tokens || self.assertions.contains_key(&key) {
            return false;
        }
        self.assertions.insert(key, until);
        true
    }

    /// Remembers a token of Maskinporten; the oldest go when there are too many.
    pub(super) fn give_maskinporten(&mut self, token: String, grant: Grant, now: Timestamp) {
        give(&mut self.maskinporten, token, grant, self.limits.tokens, now);
    }

    /// Remembers a token of Altinn.
    pub(super) fn give_altinn(&mut self, token: String, grant: Grant, now: Timestamp) {
        give(&mut self.altinn, token, grant, self.limits.tokens, now);
    }

    pub(super) fn maskinporten(&self, token: &str, now: Timestamp) -> Option<&Grant> {
        self.maskinporten.get(token).filter(|grant| grant.until > now)
    }

    pub(super) fn altinn(&self, token: &str, now: Timestamp) -> Option<&Grant> {
        self.altinn.get(token).filter(|grant| grant.until > now)
    }
}

/// Bytes that a transfer holds, or will when its upload has ended.
fn weight(transfer: &Transfer) -> usize {
    let coming = transfer.status() == Status::UploadStarted;
    if coming { transfer.size } else { transfer.bytes.as_ref().map_or(0, Bytes::len) }
}

fn give(
    tokens: &mut HashMap<String, Grant>,
    token: String,
    grant: Grant,
    most: usize,
    now: Timestamp,
) {
    if tokens.len() >= most {
        tokens.retain(|_, grant| grant.until > now);
    }
    if tokens.len() >= most {
        let oldest = tokens.iter().min_by_key(|(_, grant)| grant.until);
        if let Some(oldest) = oldest.map(|(token, _)| token.clone()) {
            tokens.remove(&oldest);
        }
    }
    tokens.insert(token, grant);
}

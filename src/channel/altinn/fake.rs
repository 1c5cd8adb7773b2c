//! Altinn's side in memory, for tests: transfers with their statuses, and a script that says which calls
//! get lost, whose answers do, and which arrive late.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::api::{ListFilter, Role, Transfers};
use super::error::AltinnError;
use super::paging::Listing;
use super::transfer::{
    Details, Overview, Parcel, Party, Past, Recipient, RecipientStatus, TransferId, TransferStatus,
};
use crate::kernel::OrganisationId;
use crate::port::Clock;

/// What becomes of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// It never arrives.
    Lost,
    /// It has its effect, and its answer is lost.
    Unanswered,
    /// Its answer is lost, and it has its effect only after so many further calls.
    Late(usize),
    /// The caller dies before it, or after it had its effect.
    Cut { after: bool },
    /// Altinn answers this.
    Answered(AltinnError),
}

pub(super) struct World {
    pub(super) transfers: Vec<Overview>,
    pub(super) files: BTreeMap<TransferId, Vec<u8>>,
    /// Every status that each has had.
    pub(super) history: BTreeMap<TransferId, Vec<TransferStatus>>,
    /// Whether a file waits to be scanned until it is let go.
    pub(super) holds_scans: bool,
    /// So long a change is not seen in lists.
    pub(super) lag: Duration,
    changed: BTreeMap<TransferId, Instant>,
    late: Vec<(usize, Effect)>,
    next: usize,
}

/// What a call changes.
#[derive(Debug, Clone)]
enum Effect {
    Make(Box<Parcel>),
    Upload(TransferId, Vec<u8>),
    Begin(TransferId),
    Confirm(TransferId),
    None,
}

/// Altinn, as one organisation sees it.
pub(super) struct Fake {
    organisation: OrganisationId,
    pub(super) world: Mutex<World>,
    pub(super) script: Mutex<BTreeMap<usize, Fate>>,
    pub(super) calls: AtomicUsize,
    /// Told when the caller is to die.
    pub(super) cut: Notify,
    pub(super) log: Mutex<Vec<String>>,
}

pub(super) struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        "2026-11-20T10:00:00Z".parse().unwrap()
    }
}

pub(super) fn organisation() -> OrganisationId {
    "926018159".parse().unwrap()
}

pub(super) fn receiver() -> OrganisationId {
    "918190937".parse().unwrap()
}

impl Fake {
    pub(super) fn new() -> Self {
        Self {
            organisation: organisation(),
            world: Mutex::new(World {
                transfers: Vec::new(),
                files: BTreeMap::new(),
                history: BTreeMap::new(),
                holds_scans: false,
                lag: Duration::ZERO,
                changed: BTreeMap::new(),
                late: Vec::new(),
                next: 0,
            }),
            script: Mutex::default(),
            calls: AtomicUsize::new(0),
            cut: Notify::new(),
            log: Mutex::default(),
        }
    }

    pub(super) fn scripted(script: impl IntoIterator<Item = (usize, Fate)>) -> Self {
        let fake = Self::new();
        *fake.script.lock().unwrap() = script.into_iter().collect();
        fake
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// A file that waits for the organisation.
    pub(super) fn arrive(&self, bytes: &[u8]) -> TransferId {
        let mut world = self.world();
        let parcel = parcel_for(organisation(), "from outside", bytes);
        let id = world.make(&parcel, &receiver());
        world.files.insert(id, bytes.to_vec());
        world.take(id, TransferStatus::Published);
        id
    }

    /// Lets everything happen that is still to happen.
    pub(super) fn settle(&self) {
        let mut world = self.world();
        let late: Vec<_> = world.late.drain(..).collect();
        for (_, effect) in late {
            // Whether it was refused nobody hears.
            drop(world.apply(effect, &self.organisation));
        }
        world.holds_scans = false;
        world.scan();
    }

    /// Transfers with this reference that were ever published.
    pub(super) fn published(&self, reference: &str) -> usize {
        let world = self.world();
        let own = world.transfers.iter().filter(|one| one.reference == reference);
        own.filter(|one| {
            world.history.get(&one.id).is_some_and(|past| past.contains(&TransferStatus::Published))
        })
        .count()
    }

    /// One call: its effect and its answer, as the script has it.
    async fn call<T>(
        &self,
        name: &str,
        effect: Effect,
        answer: impl Fn(&World, Option<TransferId>) -> Result<T, AltinnError>,
    ) -> Result<T, AltinnError> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        self.log.lock().unwrap().push(name.to_owned());
        let fate = self.script.lock().unwrap().remove(&number);
        let lost = || Err(AltinnError::passing("the line is dead"));
        self.let_late_ones_in(number);
        match fate {
            Some(Fate::Answered(error)) => return Err(error),
            Some(Fate::Lost) => return lost(),
            Some(Fate::Late(calls)) => {
                self.world().late.push((number + calls, effect));
                return lost();
            }
            Some(Fate::Cut { after: false }) => self.die().await,
            Some(Fate::Unanswered | Fate::Cut { after: true }) | None => {}
        }
        let applied = self.world().apply(effect, &self.organisation);
        match fate {
            Some(Fate::Unanswered) => return lost(),
            Some(Fate::Cut { after: true }) => self.die().await,
            Some(_) | None => {}
        }
        let world = self.world();
        answer(&world, applied?)
    }

    async fn die(&self) {
        self.cut.notify_one();
        std::future::pending::<()>().await;
    }

    fn let_late_ones_in(&self, number: usize) {
        let mut world = self.world();
        let (due, waiting) = world.late.drain(..).partition(|(when, _)| *when <= number);
        world.late = waiting;
        let due: Vec<(usize, Effect)> = due;
        for (_, effect) in due {
            drop(world.apply(effect, &self.organisation));
        }
    }
}

impl World {
    fn find(&self, id: TransferId) -> Result<&Overview, AltinnError> {
        self.transfers.iter().find(|one| one.id == id).ok_or(AltinnError::NotFound)
    }

    /// Gives a transfer a status.
    pub(super) fn take(&mut self, id: TransferId, status: TransferStatus) {
        if let Some(one) = self.transfers.iter_mut().find(|one| one.id == id) {
            one.status = status;
            self.history.entry(id).or_default().push(status);
            self.changed.insert(id, Instant::now());
        }
    }

    pub(super) fn make(&mut self, parcel: &Parcel, sender: &OrganisationId) -> TransferId {
        self.next += 1;
        // Names that sort against the order of time.
        let id = TransferId::from_uuid(uuid::Uuid::from_u128(u128::MAX - self.next as u128));
        let created = Still.now() + SignedDuration::from_millis(self.next as i64);
        let recipients = vec![Recipient {
            party: Party::read(parcel.recipient.number()),
            status: RecipientStatus::Initialized,
        }];
        self.transfers.push(Overview {
            id,
            resource_id: "kv_dsve".into(),
            file_name: parcel.file_name.clone(),
            reference: parcel.reference.clone(),
            checksum: Some(parcel.checksum.as_str().into()),
            size: Some(parcel.bytes.len() as i64),
            status: TransferStatus::Initialized,
            status_text: String::new(),
            status_changed: None,
            created: Some(created),
            published: None,
            sender: Party::read(sender.number()),
            recipients,
            properties: BTreeMap::new(),
        });
        self.history.insert(id, vec![TransferStatus::Initialized]);
        self.changed.insert(id, Instant::now());
        id
    }

    fn scan(&mut self) {
        if !self.holds_scans {
            let scanned = |one: &&Overview| one.status == TransferStatus::UploadProcessing;
            let ids: Vec<_> = self.transfers.iter().filter(scanned).map(|one| one.id).collect();
            for id in ids {
                self.take(id, TransferStatus::Published);
            }
        }
    }

    fn set_recipient(&mut self, id: TransferId, to: RecipientStatus) {
        let transfer = self.transfers.iter_mut().find(|one| one.id == id);
        for recipient in transfer.into_iter().flat_map(|one| &mut one.recipients) {
            recipient.status = recipient.status.max(to);
        }
    }

    fn apply(
        &mut self,
        effect: Effect,
        organisation: &OrganisationId,
    ) -> Result<Option<TransferId>, AltinnError> {
        match effect {
            Effect::Make(parcel) => return Ok(Some(self.make(&parcel, organisation))),
            Effect::Upload(id, bytes) => {
                if self.find(id)?.status != TransferStatus::Initialized {
                    return Err(AltinnError::AlreadyUploaded);
                }
                self.files.insert(id, bytes);
                self.take(id, TransferStatus::UploadProcessing);
            }
            Effect::Begin(id) => {
                self.find(id)?;
                self.set_recipient(id, RecipientStatus::DownloadStarted);
            }
            Effect::Confirm(id) => {
                let begun = self
                    .find(id)?
                    .recipients
                    .iter()
                    .any(|one| one.status != RecipientStatus::Initialized);
                if !begun {
                    return Err(AltinnError::Refused("BRO-00019".into()));
                }
                self.set_recipient(id, RecipientStatus::DownloadConfirmed);
                self.take(id, TransferStatus::AllConfirmedDownloaded);
            }
            Effect::None => {}
        }
        Ok(None)
    }
}

pub(super) fn parcel_for(to: OrganisationId, reference: &str, bytes: &[u8]) -> Parcel {
    Parcel::new("a.zip", reference, to, Default::default(), bytes.to_vec()).unwrap()
}

#[async_trait]
impl Transfers for Fake {
    fn organisation(&self) -> &OrganisationId {
        &self.organisation
    }

    fn resource(&self) -> &str {
        "kv_dsve"
    }

    async fn initialise(&self, parcel: &Parcel) -> Result<TransferId, AltinnError> {
        let effect = Effect::Make(Box::new(parcel.clone()));
        self.call("initialise", effect, |_, made| made.ok_or(AltinnError::NotFound)).await
    }

    async fn upload(&self, id: TransferId, parcel: &Parcel) -> Result<(), AltinnError> {
        let effect = Effect::Upload(id, parcel.bytes.clone());
        self.call("upload", effect, |_, _| Ok(())).await
    }

    async fn overview(&self, id: TransferId) -> Result<Overview, AltinnError> {
        let seen = self.call("overview", Effect::None, |world, _| world.find(id).cloned()).await;
        // The scan goes on while nobody looks: a second look sees more.
        self.world().scan();
        seen
    }

    async fn details(&self, id: TransferId) -> Result<Details, AltinnError> {
        self.call("details", Effect::None, |world, _| {
            let history = world.history.get(&id).into_iter().flatten();
            let history = history.map(|status| Past { status: *status }).collect();
            Ok(Details { overview: world.find(id)?.clone(), history })
        })
        .await
    }

    async fn list(&self, filter: &ListFilter) -> Result<Listing, AltinnError> {
        let organisation = &self.organisation;
        self.call("list", Effect::None, |world, _| {
            let fits = |one: &&Overview| {
                let role = match filter.role {
                    Role::Sender => one.sender.is(organisation),
                    Role::Recipient => one.status_for(organisation).is_some(),
                };
                let recipient = filter.recipient_status;
                let changed = world.changed.get(&one.id);
                let seen = changed.is_none_or(|changed| changed.elapsed() >= world.lag);
                role && seen
                    && filter.status.is_none_or(|status| status == one.status)
                    && recipient.is_none_or(|status| one.status_for(organisation) == Some(status))
                    && filter.since.is_none_or(|since| one.created >= Some(since))
            };
            let ids = world.transfers.iter().filter(fits).map(|one| one.id).collect();
            Ok(Listing { ids, complete: true })
        })
        .await
    }

    async fn download(&self, id: TransferId, most_bytes: usize) -> Result<Vec<u8>, AltinnError> {
        self.call("download", Effect::Begin(id), |world, _| {
            let file = world.files.get(&id).ok_or(AltinnError::NotReady)?;
            if file.len() > most_bytes { Err(AltinnError::TooLarge) } else { Ok(file.clone()) }
        })
        .await
    }

    async fn confirm(&self, id: TransferId) -> Result<(), AltinnError> {
        self.call("confirm", Effect::Confirm(id), |_, _| Ok(())).await
    }
}

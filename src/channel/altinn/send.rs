//! Sending one file: a machine of small steps, and who carries them out.
//!
//! A file is sent in three calls (make a transfer, upload, follow it until it is published), and each can
//! have its effect although nobody hears of it. Only an upload publishes; so what must not happen is that
//! two transfers with one reference are uploaded to. Three rules see to that, however often and wherever
//! a sending is cut off:
//!
//! 1. Where a transfer may have been made before, it is looked for by its reference before one is made.
//! 2. After one was made in such doubt, all are looked for again before the upload: a call that was given
//!    up on may have arrived late.
//! 3. Among several, every sending chooses the same: one that was uploaded to if there is one, else the
//!    one that was made first. A second upload to it is refused (409), which is as good as done.
//!
//! What is left: two processes that send one reference for the first time at the same moment, neither
//! knowing of a try before. The journal's lease keeps them apart: an attempt must end within it
//! ([`Patience::within`] and the channel's time limits).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::api::{ListFilter, Role, Transfers};
use super::error::AltinnError;
use super::transfer::{Overview, Parcel, TransferId, TransferStatus};
use super::verdict::told;
use crate::port::Clock;

/// How much earlier than told is looked for a transfer: clocks differ.
const MARGIN: SignedDuration = SignedDuration::from_mins(15);

/// One file on its way. Keep it between attempts where that is possible; where it is lost, begin with
/// [`Sending::again`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sending {
    maybe_begun: Option<Timestamp>,
    at: At,
}

/// Where a sending stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Nothing is known of a transfer.
    Start,
    /// There is none.
    Absent,
    /// One was made, and others may have been.
    Made(TransferId),
    /// It is this one, without its file.
    Empty(TransferId),
    /// It is this one, and its file is there or on its way.
    Underway(TransferId),
    /// It is this one, and its file was published.
    Published(TransferId),
}

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Look for transfers with this reference among those made since then.
    Search {
        /// The earliest time at which one can have been made.
        since: Timestamp,
    },
    /// Make a transfer.
    Initialise,
    /// Upload the file to this one.
    Upload(TransferId),
    /// See where this one stands.
    Look(TransferId),
    /// Nothing: this one carries the file, and it was published.
    Sent(TransferId),
}

/// What was learned by a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Learned {
    /// The transfers with the reference.
    Own(Vec<Own>),
    /// This one was made.
    Made(TransferId),
    /// One may have been made, at this time at the earliest.
    MaybeMade(Timestamp),
    /// The file is there, or was uploaded before.
    Uploaded,
    /// Where the transfer stands.
    Stands(Standing),
}

/// A transfer with the reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// Which.
    pub id: TransferId,
    /// When it was made, where that is told.
    pub created: Option<Timestamp>,
    /// Where it stands.
    pub standing: Standing,
}

/// Where a transfer stands, as far as sending goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It was published, whatever became of it then.
    Published,
    /// Its file is there or on its way.
    Underway,
    /// It has no file.
    Empty,
    /// It was never published and never will be.
    Dead,
}

impl Sending {
    /// A file of which no sending was ever begun.
    pub const fn new() -> Self {
        Self { maybe_begun: None, at: At::Start }
    }

    /// A file of which a sending may have been begun, at this time at the earliest.
    pub const fn again(since: Timestamp) -> Self {
        Self { maybe_begun: Some(since), at: At::Start }
    }

    /// The transfer, as far as it is known.
    pub const fn found(&self) -> Option<TransferId> {
        match self.at {
            At::Start | At::Absent => None,
            At::Made(id) | At::Empty(id) | At::Underway(id) | At::Published(id) => Some(id),
        }
    }

    /// What is to be done next.
    pub fn next(&self) -> Step {
        match (self.at, self.maybe_begun) {
            (At::Start, None) | (At::Absent, _) => Step::Initialise,
            (At::Start, Some(since)) => Step::Search { since },
            (At::Made(id), None) | (At::Empty(id), _) => Step::Upload(id),
            (At::Made(_), Some(since)) => Step::Search { since },
            (At::Underway(id), _) => Step::Look(id),
            (At::Published(id), _) => Step::Sent(id),
        }
    }

    /// Where it stands after a step, or after what was learned without one.
    pub fn learn(&mut self, learned: Learned) {
        self.at = match (self.at, learned) {
            (At::Made(id), Learned::Own(own)) => {
                // A list that does not yet hold the new one is no reason to make another.
                chosen(&own).unwrap_or(At::Empty(id))
            }
            (_, Learned::Own(own)) => chosen(&own).unwrap_or(At::Absent),
            (_, Learned::Made(id)) => At::Made(id),
            (_, Learned::MaybeMade(since)) => {
                self.maybe_begun.get_or_insert(since);
                At::Start
            }
            (at, Learned::Uploaded) => self.found().map_or(at, At::Underway),
            (at, Learned::Stands(standing)) => match (self.found(), standing) {
                (Some(id), Standing::Published) => At::Published(id),
                (Some(id), Standing::Underway) => At::Underway(id),
                (Some(id), Standing::Empty) => At::Empty(id),
                // Whoever goes on looks for all of them first.
                (Some(_), Standing::Dead) => At::Start,
                (None, _) => at,
            },
        };
    }
}

impl Default for Sending {
    fn default() -> Self {
        Self::new()
    }
}

/// The one that every sending chooses.
fn chosen(own: &[Own]) -> Option<At> {
    let live = own.iter().filter(|one| one.standing != Standing::Dead);
    let made = |one: &Own| one.created.unwrap_or(Timestamp::MAX);
    let first = live.min_by_key(|one| (one.standing, made(one), one.id))?;
    match first.standing {
        Standing::Published => Some(At::Published(first.id)),
        Standing::Underway => Some(At::Underway(first.id)),
        Standing::Empty => Some(At::Empty(first.id)),
        Standing::Dead => None,
    }
}

/// How a transfer is followed until it is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Before the first look.
    pub first: Duration,
    /// Between two looks, at most: waits double.
    pub longest: Duration,
    /// By how much Altinn's lists may lag behind: in doubt they are asked for again so much later.
    pub list_lag: Duration,
    /// For all of it. What is not published then is taken up where it stands by the next attempt.
    pub within: Duration,
}

impl Patience {
    /// The patience that the settings ask for.
    pub const fn of(config: &super::config::AltinnConfig) -> Self {
        let first = Duration::from_millis(config.follow_milliseconds);
        Self {
            first,
            longest: first.saturating_mul(20),
            list_lag: Duration::from_secs(config.list_lag_seconds),
            within: Duration::from_secs(config.follow_seconds),
        }
    }
}

/// Sends a file, from where the sending stands, until it is published.
///
/// # Errors
/// Why it is not published yet; `sending` holds what is known then. After [`AltinnError::is_passing`] ones,
/// call again with it, or with [`Sending::again`].
pub async fn send(
    transfers: &dyn Transfers,
    clock: &dyn Clock,
    sending: &mut Sending,
    parcel: &Parcel,
    patience: &Patience,
) -> Result<TransferId, AltinnError> {
    let deadline = Instant::now() + patience.within;
    let mut pause = patience.first;
    loop {
        match sending.next() {
            Step::Sent(id) => return Ok(id),
            Step::Search { since } => {
                let own = search_twice(transfers, parcel, since, patience.list_lag).await?;
                sending.learn(Learned::Own(own));
            }
            Step::Initialise => initialise(transfers, clock, sending, parcel).await?,
            Step::Upload(id) => upload(transfers, clock, sending, id, parcel).await?,
            Step::Look(id) => {
                if Instant::now() + pause > deadline {
                    return Err(AltinnError::passing(format!(
                        "transfer {id} is not yet published"
                    )));
                }
                tokio::time::sleep(pause).await;
                pause = pause.saturating_mul(2).min(patience.longest);
                match look(transfers, id).await {
                    Ok(Seen::Stands(standing)) => sending.learn(Learned::Stands(standing)),
                    Ok(Seen::Lost(why)) => return Err(given_up(sending, clock, why)),
                    // The file is safe with Altinn: one look that fails is no failed attempt.
                    Err(AltinnError::Retry { after, .. }) => {
                        pause = pause.max(after.unwrap_or_default());
                    }
                    Err(error) => return Err(error),
                }
            }
        }
    }
}

async fn initialise(
    transfers: &dyn Transfers,
    clock: &dyn Clock,
    sending: &mut Sending,
    parcel: &Parcel,
) -> Result<(), AltinnError> {
    // Learned before the call: whoever is cut off in it, but keeps the sending, knows of the doubt.
    let doubtless = sending.clone();
    sending.learn(Learned::MaybeMade(clock.now()));
    match transfers.initialise(parcel).await {
        Ok(id) => {
            *sending = doubtless;
            sending.learn(Learned::Made(id));
            Ok(())
        }
        Err(error) => {
            if !error.is_passing() {
                *sending = doubtless;
            }
            Err(error)
        }
    }
}

async fn upload(
    transfers: &dyn Transfers,
    clock: &dyn Clock,
    sending: &mut Sending,
    id: TransferId,
    parcel: &Parcel,
) -> Result<(), AltinnError> {
    match transfers.upload(id, parcel).await {
        Ok(()) | Err(AltinnError::AlreadyUploaded) => {
            sending.learn(Learned::Uploaded);
            Ok(())
        }
        Err(error @ (AltinnError::NotFound | AltinnError::ChecksumMismatch)) => {
            Err(given_up(sending, clock, format!("transfer {id} cannot be used: {error}")))
        }
        Err(error) => Err(error),
    }
}

/// The transfer is of no use any more: the next attempt looks for others, and else makes another.
fn given_up(sending: &mut Sending, clock: &dyn Clock, why: String) -> AltinnError {
    sending.learn(Learned::MaybeMade(clock.now()));
    AltinnError::passing(why)
}

/// What a look at a transfer shows.
enum Seen {
    /// Where it stands.
    Stands(Standing),
    /// It will never be published, which says nothing of the file.
    Lost(String),
}

async fn look(transfers: &dyn Transfers, id: TransferId) -> Result<Seen, AltinnError> {
    let overview = match transfers.overview(id).await {
        Err(AltinnError::NotFound) => return Ok(Seen::Lost(format!("transfer {id} is gone"))),
        found => found?,
    };
    let standing = standing(transfers, &overview).await?;
    if standing != Standing::Dead {
        return Ok(Seen::Stands(standing));
    }
    let told = told(&overview.status_text);
    let why = format!("transfer {id} is {} in Altinn: {told}", overview.status.as_str());
    match overview.status {
        TransferStatus::Cancelled => Err(AltinnError::Refused(why)),
        TransferStatus::Failed if !is_technical(&overview.status_text) => {
            Err(AltinnError::Refused(why))
        }
        _ => Ok(Seen::Lost(why)),
    }
}

/// Whether a failure says nothing of the file. Altinn tells that in words only.
fn is_technical(text: &str) -> bool {
    const OF_THE_FILE: [&str; 3] = ["malware", "infected", "virus detected"];
    const TECHNICAL: [&str; 10] = [
        "abort",
        "upload",
        "stuck",
        "checksum",
        "timed out",
        "timeout",
        "storage",
        "technical",
        "internal",
        "unavailable",
    ];
    let text = text.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    !says(&OF_THE_FILE) && says(&TECHNICAL)
}

/// All transfers with the parcel's reference; asked for twice unless one that was uploaded to is there: a
/// list may not yet hold what was done a moment ago, and the next step is an upload.
async fn search_twice(
    transfers: &dyn Transfers,
    parcel: &Parcel,
    since: Timestamp,
    lag: Duration,
) -> Result<Vec<Own>, AltinnError> {
    let first = search(transfers, &parcel.reference, since).await?;
    let settles = |one: &Own| matches!(one.standing, Standing::Published | Standing::Underway);
    if first.iter().any(settles) {
        return Ok(first);
    }
    tokio::time::sleep(lag).await;
    let mut own = search(transfers, &parcel.reference, since).await?;
    let missing = first.into_iter().filter(|one| !own.iter().any(|other| other.id == one.id));
    let missing: Vec<Own> = missing.collect();
    own.extend(missing);
    Ok(own)
}

/// All transfers of the organisation with this reference.
async fn search(
    transfers: &dyn Transfers,
    reference: &str,
    since: Timestamp,
) -> Result<Vec<Own>, AltinnError> {
    let since = since.checked_sub(MARGIN).unwrap_or(since);
    let filter =
        ListFilter { role: Role::Sender, status: None, recipient_status: None, since: Some(since) };
    let listing = transfers.list(&filter).await?;
    let mut own = Vec::new();
    for id in listing.ids {
        let overview = match is_called(transfers, id, reference).await {
            Ok(true) => transfers.overview(id).await,
            Ok(false) => continue,
            Err(error) => Err(error),
        };
        let overview = match overview {
            // Deleted since it was listed.
            Err(AltinnError::NotFound) => continue,
            found => found?,
        };
        let standing = standing(transfers, &overview).await?;
        own.push(Own { id, created: overview.created, standing });
    }
    if !listing.complete && own.is_empty() {
        let why = "more file transfers were made at one moment than Altinn lists; whether this one is \
                   among them cannot be told";
        return Err(AltinnError::Refused(why.to_owned()));
    }
    Ok(own)
}

async fn is_called(
    transfers: &dyn Transfers,
    id: TransferId,
    reference: &str,
) -> Result<bool, AltinnError> {
    Ok(transfers.reference(id).await? == reference)
}

async fn standing(transfers: &dyn Transfers, overview: &Overview) -> Result<Standing, AltinnError> {
    Ok(match overview.status {
        TransferStatus::Initialized => Standing::Empty,
        TransferStatus::UploadStarted
        | TransferStatus::UploadProcessing
        | TransferStatus::Unknown => Standing::Underway,
        TransferStatus::Published | TransferStatus::AllConfirmedDownloaded => Standing::Published,
        TransferStatus::Cancelled | TransferStatus::Failed => Standing::Dead,
        TransferStatus::Purged if overview.published.is_some() => Standing::Published,
        TransferStatus::Purged => {
            let history = transfers.details(overview.id).await?.history;
            let published = history.iter().any(|past| past.status == TransferStatus::Published);
            if published { Standing::Published } else { Standing::Dead }
        }
    })
}

#[cfg(test)]
#[path = "send_tests.rs"]
mod tests;

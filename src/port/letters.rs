//! What operators do about dead letters: find, discard, correct, replay, and follow what becomes of it.
//!
//! A replay claims a letter by a change of state, so that two runs never send one twice. Each letter's
//! part in a run has a [`Fate`] that ends with what became of the message, not with "handed over".
//! Everything an operator does is recorded as an [`Action`], which is never changed.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::journal::JournalError;
use crate::case::{DeadLetter, DeadReason, Delivery};
use crate::kernel::{CaseId, DeadLetterId, DeliveryId, OrganisationId};

/// Makes a closed list whose members are stored and shown by name.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $( $(#[$member_doc:meta])* $member:ident = $text:literal, )+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $( $(#[$member_doc])* $member, )+ }

        impl $name {
            /// Every one, in order.
            pub const ALL: &'static [Self] = &[$( Self::$member, )+];

            /// The name, as it is stored and shown.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$member => $text, )+ }
            }

            /// The one with this name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

named! {
    /// Where a letter stands.
    LetterState {
        /// It waits for somebody to do something about it.
        Parked = "parked",
        /// It was replayed and given up on again; it waits as if parked.
        FailedAgain = "failed_again",
        /// A run has it; what becomes of it is not known yet.
        Replaying = "replaying",
        /// It was replayed, and its receiver has it.
        Replayed = "replayed",
        /// A run found that it had been handled otherwise meanwhile.
        Skipped = "skipped",
        /// A corrected copy has taken its place.
        Edited = "edited",
        /// Somebody decided that nothing is to be done about it.
        Discarded = "discarded",
    }
}

impl LetterState {
    /// The states in which somebody should do something.
    pub const OPEN: [Self; 2] = [Self::Parked, Self::FailedAgain];
    /// The states from which a run may take a letter.
    pub const TAKEN_FROM: [Self; 3] = [Self::Parked, Self::FailedAgain, Self::Skipped];
}

named! {
    /// What has become of a letter in a run.
    Fate {
        /// It is its turn later.
        Planned = "planned",
        /// The run has claimed it and is at it.
        Requested = "requested",
        /// Its effect is in the journal, and a delivery is owed.
        Owed = "owed",
        /// The far side has confirmed the delivery.
        Sent = "sent",
        /// What it asked for has been answered; for an outcome, its asker has it.
        Answered = "answered",
        /// It was given up on again.
        FailedAgain = "failed_again",
        /// It was not sent, with the reason.
        Skipped = "skipped",
    }
}

named! {
    /// What a replayed letter's fate ends with.
    Awaits {
        /// The bank's answer.
        Answer = "answer",
        /// The delivery: the asker has its outcome.
        Delivery = "delivery",
        /// Nothing more than that it is sent: a report or a receipt.
        Nothing = "nothing",
    }
}

named! {
    /// What an operator did.
    ActionKind {
        /// Looked at one whole message, with national identity numbers.
        Revealed = "reveal",
        /// Took messages out of the journal with national identity numbers.
        Exported = "export",
        /// Began a replay.
        Replayed = "replay",
        /// Went on with a replay.
        Continued = "continue",
        /// Corrected a message.
        Edited = "edit",
        /// Hid a letter.
        Discarded = "discard",
        /// Brought a hidden letter back.
        Restored = "restore",
        /// Wrote down an owner or a note for a group.
        Noted = "note",
        /// Removed letters whose time was up.
        Purged = "purge",
        /// Reached over HTTP for what is another's, and was refused.
        Trespassed = "trespass",
    }
}

/// The name of a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(Uuid);

impl RunId {
    /// The run that this operator begins at this time in this process.
    pub fn of(operator: &str, at: Timestamp, process: Uuid) -> Self {
        Self(Uuid::new_v5(&process, format!("{operator}\u{1f}{at}").as_bytes()))
    }

    /// The run behind a UUID that is already known to be one.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The UUID itself, for storing.
    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for RunId {
    type Err = crate::kernel::id::InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::try_parse(text.trim()).map(Self).map_err(|_| crate::kernel::id::InvalidId)
    }
}

/// Which letters; parts that are not set do not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LetterFilter {
    /// These alone.
    pub ids: Vec<DeadLetterId>,
    /// Of this group.
    pub signature: Option<String>,
    /// Given up for this reason.
    pub reason: Option<DeadReason>,
    /// From or to this organisation.
    pub bank: Option<OrganisationId>,
    /// Claiming this message type.
    pub message_type: Option<String>,
    /// With this business reference, exactly.
    pub reference: Option<String>,
    /// Given up last at this time or later.
    pub since: Option<Timestamp>,
    /// Given up last before this time.
    pub before: Option<Timestamp>,
    /// In one of these states; none given means any.
    pub states: Vec<LetterState>,
    /// At most so many; 0 means 100.
    pub limit: u32,
}

/// A letter and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterRecord {
    /// The letter, as it was given up last.
    pub letter: DeadLetter,
    /// Its group.
    pub signature: String,
    /// Where it stands.
    pub state: LetterState,
    /// When it was given up first.
    pub first_at: Timestamp,
    /// How often it was given up.
    pub times: u32,
    /// How often a replay of it failed.
    pub failures: u32,
    /// The run that took it last.
    pub run: Option<RunId>,
    /// The letter that it corrects.
    pub edited_from: Option<DeadLetterId>,
    /// The letter that corrects it.
    pub edited_to: Option<DeadLetterId>,
    /// When it may be removed, once discarded.
    pub purge_at: Option<Timestamp>,
}

/// How many letters of one group, sender, receiver and type there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterCount {
    /// The group.
    pub signature: String,
    /// Whom they are from.
    pub from: Option<OrganisationId>,
    /// Whom they are for.
    pub to: Option<OrganisationId>,
    /// The type that they claim.
    pub message_type: Option<String>,
    /// Open letters.
    pub open: u64,
    /// Those that came after the group's last replay began; all, when there was none.
    pub new: u64,
    /// Those that belong to no case.
    pub without_case: u64,
    /// When the first was given up.
    pub first_at: Timestamp,
    /// When the last was given up.
    pub last_at: Timestamp,
    /// When the group's last replay began.
    pub replayed_at: Option<Timestamp>,
}

/// What a team knows about a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupNote {
    /// The group.
    pub signature: String,
    /// Who takes care of it.
    pub owner: Option<String>,
    /// What is known; a ticket, say.
    pub note: Option<String>,
    /// When it was written.
    pub at: Timestamp,
    /// Who wrote it.
    pub operator: String,
}

/// Something that an operator did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub operator: String,
    /// What.
    pub kind: ActionKind,
    /// The letter it was done to, where it is one.
    pub letter: Option<DeadLetterId>,
    /// The run, where it is about one.
    pub run: Option<RunId>,
    /// The group, where it is about one.
    pub signature: Option<String>,
    /// Why, in the operator's words.
    pub reason: String,
    /// What exactly, in English, without personal data.
    pub detail: String,
}

/// Which actions to list, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActionFilter {
    /// Done to this letter.
    pub letter: Option<DeadLetterId>,
    /// By this operator.
    pub operator: Option<String>,
    /// At this time or later.
    pub since: Option<Timestamp>,
    /// At most so many; 0 means 100.
    pub limit: u32,
}

/// A replay as it was ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its name.
    pub id: RunId,
    /// When it began.
    pub started_at: Timestamp,
    /// Who ordered it.
    pub operator: String,
    /// Why.
    pub reason: String,
    /// Which letters, in words.
    pub selection: String,
    /// Letters a second, 1 or more.
    pub rate: u32,
    /// The steps, such as `1,10,all`.
    pub steps: String,
}

/// A replay and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecord {
    /// The replay.
    pub run: Run,
    /// How many letters have which fate.
    pub fates: Vec<(Fate, u64)>,
    /// When it ended or was interrupted; `None` while it is being worked on.
    pub ended_at: Option<Timestamp>,
    /// How it ended, in English.
    pub ended: Option<String>,
}

/// A letter of a run whose turn is yet to come, or was being worked on when the run was interrupted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The letter.
    pub letter: DeadLetterId,
    /// [`Fate::Planned`], or [`Fate::Requested`] when it was interrupted.
    pub fate: Fate,
    /// Whom it is for, where that is known.
    pub to: Option<OrganisationId>,
}

/// A letter's part in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// The run.
    pub run: RunId,
    /// Who ordered it.
    pub operator: String,
    /// Why.
    pub reason: String,
    /// The letter's group when it was taken.
    pub signature: String,
    /// What has become of it.
    pub fate: Fate,
    /// Since when that is so.
    pub at: Timestamp,
    /// The case it belongs to.
    pub case: Option<CaseId>,
    /// The delivery by which it is followed.
    pub delivery: Option<DeliveryId>,
    /// Why it was skipped or how it failed.
    pub detail: Option<String>,
}

/// What came of trying to take letters for a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// The run has these now.
    pub taken: Vec<DeadLetterId>,
    /// These it cannot have: where they stand, which run has or had them, and whose it is.
    pub refused: Vec<Refused>,
}

/// A letter that a run could not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The letter.
    pub letter: DeadLetterId,
    /// Where it stands; `None` when it is gone.
    pub state: Option<LetterState>,
    /// The run that took it last.
    pub run: Option<RunId>,
    /// Who ordered that run.
    pub operator: Option<String>,
}

/// What came of one letter's turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// Its decision is committed: this delivery is owed.
    Owed(Followed),
    /// The delivery it holds is to be owed again, from now on.
    OweAgain(Followed),
    /// It was given up on again at once; this is the letter as it is now.
    FailedAgain(Box<DeadLetter>),
    /// It was not sent, since it was handled meanwhile.
    Handled(String),
    /// It was not sent, and stays as it was.
    Skipped(String),
}

/// By what a letter's fate is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// The delivery.
    pub delivery: DeliveryId,
    /// Its case.
    pub case: Option<CaseId>,
    /// The case's revision before; a higher one of the bank's is the answer.
    pub base_revision: u32,
    /// What its fate ends with.
    pub awaits: Awaits,
    /// More to tell, in English.
    pub detail: Option<String>,
}

/// A delivery as it is kept, whatever became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptDelivery {
    /// What was owed.
    pub delivery: Delivery,
    /// When the far side confirmed it.
    pub delivered_at: Option<Timestamp>,
    /// When it was given up.
    pub given_up_at: Option<Timestamp>,
}

/// The record of dead letters and of what operators do about them. Implemented by the journal's
/// stores.
#[async_trait]
pub trait Letters: Send + Sync {
    /// Lists letters, given up last first.
    async fn list(&self, filter: &LetterFilter) -> Result<Vec<LetterRecord>, JournalError>;

    /// The ids that [`Letters::list`] would list, oldest first.
    async fn select(&self, filter: &LetterFilter) -> Result<Vec<DeadLetterId>, JournalError>;

    /// These letters, in no order; unknown ones are left out.
    async fn fetch(&self, ids: &[DeadLetterId]) -> Result<Vec<LetterRecord>, JournalError>;

    /// Counts the open letters by group, sender, receiver and type.
    async fn counts(&self) -> Result<Vec<LetterCount>, JournalError>;

    /// How many cases each bank has had since a time, in the same order.
    async fn traffic(
        &self,
        banks: &[(OrganisationId, Timestamp)],
    ) -> Result<Vec<u64>, JournalError>;

    /// All notes.
    async fn notes(&self) -> Result<Vec<GroupNote>, JournalError>;

    /// Writes a note; parts that are `None` stay as they were.
    async fn note(&self, note: &GroupNote, action: &Action) -> Result<(), JournalError>;

    /// Records actions.
    async fn record(&self, actions: &[Action]) -> Result<(), JournalError>;

    /// Lists actions, newest first.
    async fn actions(&self, filter: &ActionFilter) -> Result<Vec<Action>, JournalError>;

    /// Hides open letters until `purge_at` with the action for each, and gives those hidden.
    async fn discard(
        &self,
        ids: &[DeadLetterId],
        purge_at: Timestamp,
        action: &Action,
    ) -> Result<Vec<DeadLetterId>, JournalError>;

    /// Brings discarded letters back with the action for each, and gives those brought back.
    async fn restore(
        &self,
        ids: &[DeadLetterId],
        action: &Action,
    ) -> Result<Vec<DeadLetterId>, JournalError>;

    /// Removes discarded letters whose time is up, and gives how many.
    async fn purge(&self, action: &Action) -> Result<u64, JournalError>;

    /// Keeps a corrected copy of an open letter, which takes the original's place. `false` when the
    /// original is not open or the copy is there already; nothing is kept then.
    async fn keep_edit(
        &self,
        original: &DeadLetterId,
        copy: &DeadLetter,
        action: &Action,
    ) -> Result<bool, JournalError>;

    /// Begins a run of these letters, in this order, held by `holder`.
    async fn begin(
        &self,
        run: &Run,
        letters: &[DeadLetterId],
        hold: &Hold,
        action: &Action,
    ) -> Result<(), JournalError>;

    /// Takes or keeps a run in hand. `false` when another process holds it or there is no such run.
    async fn hold(&self, run: &RunId, hold: &Hold) -> Result<bool, JournalError>;

    /// Lets go of a run, saying how it ended.
    async fn let_go(&self, run: &RunId, at: Timestamp, ended: &str) -> Result<(), JournalError>;

    /// A run and how it stands.
    async fn run(&self, run: &RunId) -> Result<Option<RunRecord>, JournalError>;

    /// The runs, newest first, at most so many.
    async fn runs(&self, limit: u32) -> Result<Vec<RunRecord>, JournalError>;

    /// The letters of a run that are not done: first those that were interrupted, then in order.
    async fn waiting(&self, run: &RunId) -> Result<Vec<Waiting>, JournalError>;

    /// Takes letters for a run by a change of state.
    async fn take(
        &self,
        run: &RunId,
        ids: &[DeadLetterId],
        now: Timestamp,
    ) -> Result<Taken, JournalError>;

    /// Keeps what came of letters' turns; one whose turn is over already is left as it is.
    async fn settle(
        &self,
        run: &RunId,
        settled: &[(DeadLetterId, Settled)],
        now: Timestamp,
    ) -> Result<(), JournalError>;

    /// Brings the fates of replayed letters up to date with their deliveries and cases.
    async fn follow(&self, now: Timestamp) -> Result<(), JournalError>;

    /// A letter's parts in runs, oldest first.
    async fn replays(&self, letter: &DeadLetterId) -> Result<Vec<Replay>, JournalError>;

    /// The groups of those letters of a run that failed again, each with how many came back into the
    /// group that they were taken from.
    async fn came_back(&self, run: &RunId) -> Result<Vec<(String, u64)>, JournalError>;

    /// These deliveries, in no order; unknown ones are left out.
    async fn deliveries(&self, ids: &[DeliveryId]) -> Result<Vec<KeptDelivery>, JournalError>;

    /// Those who are owed a delivery whose last attempt failed: nothing should be added now.
    async fn troubled(&self) -> Result<Vec<OrganisationId>, JournalError>;

    /// Since when the oldest delivery has been due that nobody has taken up, leaving out those to
    /// `except`.
    async fn due_since(
        &self,
        now: Timestamp,
        except: &[OrganisationId],
    ) -> Result<Option<Timestamp>, JournalError>;
}

/// In whose name, and for how long, a run is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// The process.
    pub holder: Uuid,
    /// Now.
    pub now: Timestamp,
    /// How long nobody else takes it.
    pub lease: SignedDuration,
}

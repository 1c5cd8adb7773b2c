//! The seams: what the exchange needs of a journal, a channel and a clock, and what channels call.
//!
//! Only traits and their errors live here; errors say what the caller can do about them.

pub mod audit;
pub mod bell;
pub mod channel;
pub mod clock;
pub mod directory_copy;
pub mod journal;
pub mod letters;
pub mod tokens;

pub use audit::Audit;
pub use bell::{Bell, Listener, Topic};
pub use channel::{Disposition, Intake, IntakeError, Outbound, Outgoing, SendError, Sender, Taken};
pub use clock::{Clock, SystemClock};
pub use directory_copy::{DirectoryCopies, DirectoryCopy};
pub use journal::{
    AttemptResult, CaseFilter, CaseStory, Claim, CommitError, Counts, DeadLetterFilter, Decision,
    DeliveryRecord, Found, InboxEntry, Journal, JournalError, Key, OwedDelivery, Whose,
};
pub use letters::Letters;
pub use tokens::Tokens;

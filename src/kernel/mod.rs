//! The ground floor: values that every other room speaks in.
//!
//! Each type is parsed once, at the edge, and is valid from then on. Nothing here does I/O, reads a
//! clock or logs; `telemetry` is the only room that may be imported beside it.

pub mod account;
pub mod date;
pub mod digest;
pub mod envelope;
pub mod finding;
pub mod id;
pub mod limit;
pub mod money;
pub mod organisation;
pub mod person;
pub mod secret;

pub use account::{AccountNumber, Kid, RegisterNumber};
pub use date::{Environment, PaymentWindow};
pub use digest::Digest;
pub use envelope::{ChannelName, Death, Incoming, Login};
pub use finding::{Finding, RuleId, Severity, has_errors};
pub use id::{CaseId, DeadLetterId, DeliveryId, MessageId};
pub use limit::Limits;
pub use money::Amount;
pub use organisation::{Country, OrganisationId};
pub use person::NationalId;
pub use secret::Secret;

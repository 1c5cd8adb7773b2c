//! DSVE's own way: files through Altinn 3 Broker, received and sent for the organisations that have made
//! innfri their system user.
//!
//! Files are opaque here; what is in them, others read and write. Altinn's words are read tolerantly, and
//! each refusal is sorted by what can be done about it (`verdict`). Both machines survive being cut off
//! between any two calls: receiving confirms only what is kept ([`receive`]), sending finds its own
//! transfer again before it makes another ([`send`]).

pub mod access;
pub mod api;
mod config;
mod error;
pub mod events;
#[cfg(test)]
mod fake;
mod key;
mod maskinporten;
mod paging;
mod pause;
pub mod receive;
pub mod send;
pub mod transfer;
mod verdict;

pub use access::{AccessLine, check_access};
pub use api::{Acting, Altinn, ListFilter, Role, Transfers};
pub use config::{AltinnConfig, MaskinportenConfig};
pub use error::{AltinnError, Fault, Missing, SetupError};
pub use paging::Listing;
pub use pause::{Round, next_pause};
pub use receive::{ArrivedFile, Content, Kept, Left, NotKept, Take, Walk, receive};
pub use send::{Patience, Sending, Step, send};
pub use transfer::{
    Checksum, Details, InvalidParcel, Overview, Parcel, Party, PropertyList, RecipientStatus,
    TransferId, TransferStatus,
};

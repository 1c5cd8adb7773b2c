//! A stand-in for Altinn: Maskinporten, the token exchange, Altinn Broker and AKELDO in one server on this
//! machine, in memory. With it innfri's Altinn channel can be tried without an agreement with anybody.
//!
//! It is strict where the real services are: what it accepts, they should accept too. What can go wrong
//! with them (a slow scan, 503, tokens that run out, answers that get lost or never come) is switched on with
//! [`FaultSettings`], on the command line or while it runs.
//!
//! [`transfer`] holds the status machine and is pure; [`world`] is everything that is kept; the other
//! files are one service or route each.

mod akeldo;
mod authentication;
mod config;
mod control;
mod events;
mod faults;
mod hold;
mod initialise;
mod key;
mod list;
mod maskinporten;
mod multipart;
mod overview;
mod party;
mod problem;
mod receive;
mod server;
pub mod transfer;
mod upload;
mod world;

pub use config::{
    AkeldoEntry, AkeldoSpelling, ClientConfig, Config, ConfigError, Limits, ResourceConfig,
    Subscription,
};
pub use faults::{AkeldoAnswer, FaultSettings, Held, Moment, Route, Unavailable};
pub use key::{KeyError, NewKey};
pub use server::{Running, StartError, start, start_with};

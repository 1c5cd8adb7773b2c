//! AMQP 0-9-1: the channel through which participants' systems and banks reach innfri.
//!
//! [`Consumer`] takes messages in, [`AmqpSender`] sends what is owed, [`Topology`] is what both need
//! to exist in RabbitMQ, [`definitions`] also says who may do what there, and [`Peer`] is the other
//! side of the wire, for programs that speak as a participant. Connections are supervised here and
//! not by lapin's own recovery: whatever belonged to an old channel is dropped whole, so that nothing
//! of it can be acknowledged on a new one.
//!
//! Whoever sets up logging must silence the target `lapin::returned_messages` (it prints the body of
//! every message that came back unroutable, at WARN) and `lapin` at TRACE (it prints whole frames).

pub mod client;
pub mod config;
pub mod connection;
pub mod consume;
pub mod definitions;
pub mod error;
mod link;
pub mod metrics;
pub mod properties;
pub mod publish;
pub mod sender;
pub mod settle;
pub mod topology;

pub use client::{Inbox, Peer, PeerMessage, Received};
pub use config::AmqpConfig;
pub use consume::{Consumer, Consuming};
pub use definitions::definitions;
pub use error::AmqpError;
pub use metrics::Metrics;
pub use publish::Entrance;
pub use sender::AmqpSender;
pub use settle::Settled;
pub use topology::{Topology, queue_of};

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops at what it did not expect"
)]
//! The client half of the Altinn channel against the stand-in: signing in, every call, sending and
//! receiving with answers lost, and what an operator is told when something is missing.

#[path = "altinn_client/access.rs"]
mod access;
#[path = "altinn_client/carrying.rs"]
mod carrying;
#[path = "altinn_client/events.rs"]
mod events;
#[path = "altinn_client/setup.rs"]
mod setup;
#[path = "altinn_client/sign_in.rs"]
mod sign_in;
#[path = "altinn_client/world.rs"]
mod world;

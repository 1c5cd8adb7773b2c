//! The running exchange under trouble: a real journal, a clock that the test turns, and receivers that
//! do as the test says.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops at what it did not expect"
)]

#[path = "exchange/deadline.rs"]
mod deadline;
#[path = "exchange/delivery.rs"]
mod delivery;
#[path = "exchange/intake.rs"]
mod intake;
#[allow(dead_code, reason = "each test crate uses a part of it")]
#[path = "support/messages.rs"]
mod messages;
#[path = "exchange/world.rs"]
mod world;

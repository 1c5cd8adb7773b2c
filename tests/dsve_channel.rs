#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops at what it did not expect"
)]
//! DSVE's members beyond Altinn: an exchange that acts for one organisation, the stand-in for Altinn, and
//! on its other side a member that writes its files in its own way.

#[path = "dsve_channel/asking.rs"]
mod asking;
#[path = "dsve_channel/being_asked.rs"]
mod being_asked;
#[path = "support/messages.rs"]
#[allow(dead_code, reason = "shared by several test crates")]
mod messages;
#[path = "dsve_channel/world.rs"]
mod world;

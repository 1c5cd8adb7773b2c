#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops at what it did not expect"
)]
//! The stand-in for Altinn, seen from outside: sign-in, every route, every refusal, and its faults.

#[path = "altinn_simulator/caller.rs"]
mod caller;
#[path = "altinn_simulator/carrying.rs"]
mod carrying;

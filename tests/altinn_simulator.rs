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
#[path = "altinn_simulator/fault.rs"]
mod fault;
#[path = "altinn_simulator/listing.rs"]
mod listing;
#[path = "altinn_simulator/machine.rs"]
mod machine;
#[path = "altinn_simulator/program.rs"]
mod program;
#[path = "altinn_simulator/refusal.rs"]
mod refusal;
#[path = "altinn_simulator/signing_in.rs"]
mod signing_in;
#[path = "altinn_simulator/telling.rs"]
mod telling;

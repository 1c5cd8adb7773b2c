#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops at what it did not expect"
)]
//! Two installations of innfri, an agency's and a bank's, that reach each other through a stand-in for Altinn
//! alone: every outcome arrives, and whatever goes wrong or dies, nothing is lost and nothing is doubled.

#[path = "altinn_pair/kill.rs"]
mod kill;
#[path = "altinn_pair/outcome.rs"]
mod outcome;
#[path = "altinn_pair/pair.rs"]
mod pair;
#[path = "altinn_pair/question.rs"]
mod question;
#[path = "post/server.rs"]
#[allow(dead_code, reason = "it can do more than is needed here")]
mod server;
#[path = "altinn_pair/side.rs"]
mod side;
mod support;

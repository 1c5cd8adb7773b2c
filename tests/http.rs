//! The HTTP channel: in process, against a real journal and exchange; and from outside, with the built
//! program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops at what it did not expect"
)]

#[path = "http/cases.rs"]
mod cases;
#[path = "http/isolation.rs"]
mod isolation;
#[path = "http/mailbox.rs"]
mod mailbox;
#[allow(dead_code, reason = "each test crate uses a part of it")]
#[path = "support/messages.rs"]
mod messages;
#[path = "http/outside.rs"]
mod outside;
#[path = "http/posting.rs"]
mod posting;
#[allow(dead_code, reason = "each test crate uses a part of it")]
#[path = "support/program.rs"]
mod program;
#[path = "http/schemathesis.rs"]
mod schemathesis;
#[path = "http/whole_program.rs"]
mod whole_program;
#[path = "http/world.rs"]
mod world;

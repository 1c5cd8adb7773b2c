//! What innfri posts over HTTP, against servers that do as the test says: the whole way through an
//! exchange with its journal, and single senders where the exchange would be in the way.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops at what it did not expect"
)]

#[path = "post/alone.rs"]
mod alone;
#[path = "post/back_end.rs"]
mod back_end;
#[path = "post/certificates.rs"]
mod certificates;
#[allow(dead_code, reason = "each test crate uses a part of it")]
#[path = "support/messages.rs"]
mod messages;
#[path = "post/reference.rs"]
mod reference;
#[path = "post/server.rs"]
mod server;
#[path = "post/settings.rs"]
mod settings;
#[path = "post/tls.rs"]
mod tls;
#[path = "post/token.rs"]
mod token;
#[path = "post/webhook.rs"]
mod webhook;
#[path = "post/world.rs"]
mod world;

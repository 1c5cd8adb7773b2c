//! What innfri posts over HTTP: webhooks (Standard Webhooks), and questions to a bank's own REST
//! back-end, whose answers are handed in as any channel's would be.
//!
//! Addresses come from the directory, and answers from strangers: so every connection is checked where
//! it is made and every body is read up to a limit (`channel/outward`), and what a far side says is
//! told on only where it cannot hold personal data (`refusal`).

mod back_end;
mod client;
mod error;
mod group;
mod oauth;
mod refusal;
mod webhook;

pub use back_end::BackEndSender;
pub use error::PostError;
pub use group::Pace;
pub use webhook::WebhookSender;

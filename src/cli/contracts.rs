//! `innfri asyncapi`, `innfri openapi`, `innfri messages`: the published contracts, made anew.

use std::io::Write;

use super::Verdict;
use crate::contract;

/// Prints the AMQP contract.
pub(super) fn asyncapi() -> anyhow::Result<Verdict> {
    print(&contract::asyncapi().pretty())
}

/// Prints the HTTP contract.
pub(super) fn openapi() -> anyhow::Result<Verdict> {
    print(&contract::openapi().pretty())
}

/// Prints the guide to the messages.
pub(super) fn messages() -> anyhow::Result<Verdict> {
    print(&contract::messages())
}

fn print(text: &str) -> anyhow::Result<Verdict> {
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(Verdict::Yes)
}

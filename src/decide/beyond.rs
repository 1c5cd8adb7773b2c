//! What cannot be said beyond Altinn: DSVE's XML has no place for some of what our JSON can say. Whoever
//! says it is told at once, while it can still be said otherwise.

use super::Context;
use crate::contract::Body;
use crate::directory::Handler;
use crate::dsve::xml;
use crate::kernel::{Finding, OrganisationId};

/// What keeps a message from being written as XML, when its receiver is reached through Altinn.
pub(super) fn unsaid(
    to: &OrganisationId,
    body: impl FnOnce() -> Body,
    context: &Context<'_>,
) -> Vec<Finding> {
    match context.directory.participant(to) {
        Some(to) if to.handler == Handler::Altinn => xml::write(&body()).err().unwrap_or_default(),
        Some(_) | None => Vec::new(),
    }
}

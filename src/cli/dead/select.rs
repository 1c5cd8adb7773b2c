//! Which letters a command is about.

use anyhow::bail;
use clap::Args;
use jiff::Timestamp;

use crate::case::DeadReason;
use crate::kernel::{DeadLetterId, OrganisationId};
use crate::port::letters::{LetterFilter, LetterState};

/// Filters; those that are given must all fit.
#[derive(Debug, Clone, Args)]
pub(super) struct FilterArgs {
    /// Of this group (see `innfri dead groups`).
    #[arg(long, visible_alias = "group")]
    pub(super) signature: Option<String>,
    /// Given up for this reason, such as BROKER_DEATH.
    #[arg(long, value_parser = reason)]
    pub(super) reason_code: Option<DeadReason>,
    /// From or to this organisation.
    #[arg(long, value_name = "ORGANISATION")]
    pub(super) bank: Option<OrganisationId>,
    /// Claiming this message type.
    #[arg(long = "type", value_name = "TYPE")]
    pub(super) message_type: Option<String>,
    /// With this business reference, exactly.
    #[arg(long)]
    pub(super) reference: Option<String>,
    /// Given up last at this time or later (2026-11-20T08:00:00Z).
    #[arg(long, value_name = "TIME")]
    pub(super) since: Option<Timestamp>,
    /// Given up last before this time.
    #[arg(long, value_name = "TIME")]
    pub(super) before: Option<Timestamp>,
}

fn reason(code: &str) -> Result<DeadReason, String> {
    DeadReason::from_code(code).ok_or_else(|| {
        let codes: Vec<&str> = DeadReason::ALL.into_iter().map(DeadReason::code).collect();
        format!("is no reason code; there are {}", codes.join(", "))
    })
}

/// Reads a state's name.
pub(super) fn state(name: &str) -> Result<LetterState, String> {
    LetterState::from_name(name).ok_or_else(|| {
        let names: Vec<&str> = LetterState::ALL.iter().map(|state| state.name()).collect();
        format!("is no state; there are {}", names.join(", "))
    })
}

impl FilterArgs {
    /// Whether nothing narrows.
    pub(super) const fn is_empty(&self) -> bool {
        self.signature.is_none()
            && self.reason_code.is_none()
            && self.bank.is_none()
            && self.message_type.is_none()
            && self.reference.is_none()
            && self.since.is_none()
            && self.before.is_none()
    }

    /// The filter, for letters in these states.
    pub(super) fn filter(&self, states: &[LetterState], limit: u32) -> LetterFilter {
        LetterFilter {
            ids: Vec::new(),
            signature: self.signature.clone(),
            reason: self.reason_code,
            bank: self.bank.clone(),
            message_type: self.message_type.clone(),
            reference: self.reference.clone(),
            since: self.since,
            before: self.before,
            states: states.to_vec(),
            limit,
        }
    }

    /// The filter of a command that changes letters: these ids, or filters, but not simply all.
    pub(super) fn chosen(
        &self,
        ids: &[DeadLetterId],
        states: &[LetterState],
        limit: u32,
    ) -> anyhow::Result<LetterFilter> {
        match (ids.is_empty(), self.is_empty()) {
            (false, true) => {
                Ok(LetterFilter { ids: ids.to_vec(), limit, ..LetterFilter::default() })
            }
            (true, false) => Ok(self.filter(states, limit)),
            (true, true) => bail!("say which letters: ids, --signature or other filters"),
            (false, false) => bail!("say ids or filters, not both"),
        }
    }

    /// What was chosen, in words.
    pub(super) fn words(&self, ids: &[DeadLetterId]) -> String {
        let mut words: Vec<String> = ids.iter().take(20).map(ToString::to_string).collect();
        if ids.len() > 20 {
            words.push(format!("and {} more", ids.len() - 20));
        }
        let mut say = |name: &str, value: Option<String>| {
            words.extend(value.map(|value| format!("--{name} {value}")));
        };
        say("signature", self.signature.clone());
        say("reason-code", self.reason_code.map(|reason| reason.to_string()));
        say("bank", self.bank.as_ref().map(ToString::to_string));
        say("type", self.message_type.clone());
        say("reference", self.reference.clone());
        say("since", self.since.map(|at| at.to_string()));
        say("before", self.before.map(|at| at.to_string()));
        words.join(" ")
    }
}

//! Rejection: tells a bank why its answer was not accepted, and that the case is still open.

use serde::{Deserialize, Serialize};

use crate::kernel::{CaseId, Finding, MessageId};

/// `innfri.rejection.v1`: an answer or status that could not be accepted. Names that must not be
/// told are not repeated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rejection {
    /// The case that stays as it was; absent when the message belongs to no case of the sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sak: Option<CaseId>,
    /// The message that was not accepted, by its sender's name for it, where it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub melding: Option<MessageId>,
    /// The request's reference, where known, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referanse: Option<String>,
    /// What happened and what to do, in Norwegian.
    pub tekst: String,
    /// Every finding; 1 or more.
    pub avvik: Vec<Finding>,
}

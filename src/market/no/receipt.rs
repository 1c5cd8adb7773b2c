//! Receipt: tells an asker who wants it that the request was accepted and handed on.

use serde::{Deserialize, Serialize};

use super::part::norwegian_number;
use crate::kernel::{CaseId, MessageId, OrganisationId};

/// `innfri.receipt.v1`: the request is accepted and owed to the bank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Receipt {
    /// The case.
    pub sak: CaseId,
    /// The request, by its sender's name for it.
    pub melding: MessageId,
    /// The sender's reference.
    pub referanse: String,
    /// To whom the request is handed.
    #[serde(with = "norwegian_number")]
    pub mottaker: OrganisationId,
    /// What that means, in Norwegian.
    pub tekst: String,
}

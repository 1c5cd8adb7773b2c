//! Whether innfri may do in Altinn what it is set up to do: signs in for each organisation, lists once,
//! and says what is missing and where to get it. Changes nothing.

use std::fmt;

use super::api::{Altinn, ListFilter, Role, Transfers};
use super::error::AltinnError;
use super::transfer::{RecipientStatus, TransferStatus};
use crate::kernel::OrganisationId;

/// What was found for one organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessLine {
    /// Which.
    pub organisation: OrganisationId,
    /// How many files wait for it, or why that cannot be told.
    pub found: Result<usize, AltinnError>,
}

impl AccessLine {
    /// Whether innfri can receive for the organisation.
    pub const fn is_good(&self) -> bool {
        self.found.is_ok()
    }
}

impl fmt::Display for AccessLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let organisation = &self.organisation;
        match &self.found {
            Ok(waiting) => write!(f, "{organisation}: access to Altinn, {waiting} files waiting"),
            Err(error) => write!(f, "{organisation}: {error}"),
        }
    }
}

/// Tries each organisation that innfri acts for, in the order of the settings.
pub async fn check_access(altinn: &Altinn) -> Vec<AccessLine> {
    let mut lines = Vec::new();
    for organisation in altinn.organisations() {
        let found = waiting(&altinn.acting_for(organisation)).await;
        lines.push(AccessLine { organisation: organisation.clone(), found });
    }
    lines
}

async fn waiting(transfers: &dyn Transfers) -> Result<usize, AltinnError> {
    let filter = ListFilter {
        role: Role::Recipient,
        status: Some(TransferStatus::Published),
        recipient_status: Some(RecipientStatus::Initialized),
        since: None,
    };
    Ok(transfers.list(&filter).await?.ids.len())
}

//! What shall go wrong, and for how many more calls.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::kernel::OrganisationId;

/// A call that can go wrong on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// `POST /maskinporten/token`.
    Token,
    /// `GET /authentication/api/v1/exchange/maskinporten`.
    Exchange,
    /// `POST …/filetransfer`.
    Initialise,
    /// `POST …/filetransfer/{id}/upload`.
    Upload,
    /// `POST …/filetransfer/upload`.
    InitialiseAndUpload,
    /// `GET …/filetransfer/{id}`.
    Overview,
    /// `GET …/filetransfer/{id}/details`.
    Details,
    /// `GET …/filetransfer`.
    List,
    /// `GET …/filetransfer/{id}/download`.
    Download,
    /// `POST …/filetransfer/{id}/confirmdownload`.
    Confirm,
    /// `GET /akeldo/aktoer`, and one participant.
    Akeldo,
}

/// Calls that are answered with 503.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unavailable {
    /// How many more.
    pub times: u32,
    /// What `Retry-After` says, in seconds; without it the header is missing.
    #[serde(default)]
    pub retry_after: Option<u32>,
    /// The code of Broker that is told: 21 (storage not ready) or 30 (scan result not ready); none unless
    /// set, as when a gateway answers.
    #[serde(default)]
    pub code: Option<u16>,
}

/// When a call is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// Before anything is carried out: the call never takes effect.
    Before,
    /// When it has been carried out, with success.
    After,
}

/// A call that gets no answer at all: its connection stays open until the caller goes away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// When.
    pub moment: Moment,
    /// Whose call alone: an organisation for which the caller's token acts; anybody's unless set. Calls of
    /// `token` and `akeldo` are nobody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<OrganisationId>,
    /// How many such calls are let through first.
    #[serde(default)]
    pub skip: u32,
}

/// What AKELDO answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AkeldoAnswer {
    /// The participants.
    #[default]
    Normal,
    /// An empty list.
    Empty,
    /// Something that is no JSON.
    Broken,
}

/// The switches. In what is posted to `/simulator/faults`, a switch that is not named stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaultSettings {
    /// How long the virus scan of what is uploaded from now on takes, in milliseconds.
    pub scan_millis: Option<u64>,
    /// So many calls of a route get 503, and do nothing.
    pub unavailable: BTreeMap<Route, Unavailable>,
    /// So many calls of a route are carried out, and then the connection is cut without an answer.
    pub lost: BTreeMap<Route, u32>,
    /// The next call of a route is held. Acts once.
    pub held: BTreeMap<Route, Held>,
    /// So long a route waits before it does anything, in milliseconds.
    pub slow_millis: BTreeMap<Route, u64>,
    /// All tokens that were given out until now count no longer. Acts once.
    pub expire_tokens: bool,
    /// Every list names each file transfer twice.
    pub duplicate_listing: Option<bool>,
    /// A file transfer is missing in lists until its status is so old, in milliseconds.
    pub listing_delay_millis: Option<u64>,
    /// In so many uploads more the virus scan finds something.
    pub failed_scans: Option<u32>,
    /// So many uploads more fail with code 8.
    pub failed_uploads: Option<u32>,
    /// A download that is confirmed again is refused with code 10, where it is else answered as the first
    /// time.
    pub refuse_repeated_confirm: Option<bool>,
    /// The exchanged token stands in quotation marks.
    pub quoted_token: Option<bool>,
    /// What AKELDO answers.
    pub akeldo: Option<AkeldoAnswer>,
}

impl FaultSettings {
    /// Takes over what the other names.
    pub(super) fn take_over(&mut self, other: Self) {
        self.unavailable.extend(other.unavailable);
        self.lost.extend(other.lost);
        self.held.extend(other.held);
        self.slow_millis.extend(other.slow_millis);
        self.expire_tokens |= other.expire_tokens;
        self.scan_millis = other.scan_millis.or(self.scan_millis);
        self.duplicate_listing = other.duplicate_listing.or(self.duplicate_listing);
        self.listing_delay_millis = other.listing_delay_millis.or(self.listing_delay_millis);
        self.failed_scans = other.failed_scans.or(self.failed_scans);
        self.failed_uploads = other.failed_uploads.or(self.failed_uploads);
        self.refuse_repeated_confirm =
            other.refuse_repeated_confirm.or(self.refuse_repeated_confirm);
        self.quoted_token = other.quoted_token.or(self.quoted_token);
        self.akeldo = other.akeldo.or(self.akeldo);
    }

    /// Whether this call is to be answered with 503; counted.
    pub(super) fn take_unavailable(&mut self, route: Route) -> Option<Unavailable> {
        let fault = self.unavailable.get_mut(&route)?;
        fault.times = fault.times.checked_sub(1)?;
        Some(*fault)
    }

    /// Whether the answer to this call is to be lost; counted.
    pub(super) fn take_lost(&mut self, route: Route) -> bool {
        self.lost.get_mut(&route).is_some_and(take_one)
    }

    /// Whether this call, made for this organisation, is to be held now; then no other is.
    pub(super) fn take_held(
        &mut self,
        route: Route,
        moment: Moment,
        caller: Option<&OrganisationId>,
    ) -> bool {
        let Some(held) = self.held.get_mut(&route) else { return false };
        let is_meant = held.organisation.as_ref().is_none_or(|meant| caller == Some(meant));
        if held.moment != moment || !is_meant || take_one(&mut held.skip) {
            return false;
        }
        self.held.remove(&route).is_some()
    }

    /// Whether the scan of this upload finds something; counted.
    pub(super) fn take_failed_scan(&mut self) -> bool {
        self.failed_scans.as_mut().is_some_and(take_one)
    }

    /// Whether this upload fails; counted.
    pub(super) fn take_failed_upload(&mut self) -> bool {
        self.failed_uploads.as_mut().is_some_and(take_one)
    }
}

/// One less, if there is one.
fn take_one(left: &mut u32) -> bool {
    let had = *left > 0;
    *left = left.saturating_sub(1);
    had
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_that_is_not_named_stays_and_counts_run_out() {
        let mut faults: FaultSettings =
            serde_json::from_str(r#"{"lost":{"upload":2},"scan_millis":5}"#).unwrap();
        let more = r#"{"unavailable":{"list":{"times":1,"retry_after":3}},"failed_scans":1}"#;
        faults.take_over(serde_json::from_str(more).unwrap());
        assert_eq!(faults.scan_millis, Some(5));
        let lost: Vec<bool> = (0..3).map(|_| faults.take_lost(Route::Upload)).collect();
        assert_eq!(lost, [true, true, false]);
        assert_eq!(faults.take_unavailable(Route::List).unwrap().retry_after, Some(3));
        assert!(faults.take_unavailable(Route::List).is_none());
        let bank = OrganisationId::norwegian("926018159").unwrap();
        let held = r#"{"held":{"upload":{"moment":"after","organisation":"926018159","skip":1}}}"#;
        faults.take_over(serde_json::from_str(held).unwrap());
        assert!(!faults.take_held(Route::Upload, Moment::After, None));
        assert!(!faults.take_held(Route::Upload, Moment::Before, Some(&bank)));
        assert!(!faults.take_held(Route::Upload, Moment::After, Some(&bank)));
        assert!(faults.take_held(Route::Upload, Moment::After, Some(&bank)));
        assert!(!faults.take_held(Route::Upload, Moment::After, Some(&bank)));
        assert!(faults.take_failed_scan() && !faults.take_failed_scan());
        assert!(serde_json::from_str::<FaultSettings>(r#"{"lots":{}}"#).is_err());
    }
}

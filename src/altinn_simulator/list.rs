//! Lists of file transfers, a hundred at most.

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use url::form_urlencoded;
use uuid::Uuid;

use super::authentication::Need;
use super::problem::{Code, Refusal};
use super::server::Shared;
use super::transfer::{RecipientStatus, Status, Transfer};
use crate::kernel::OrganisationId;

/// Ids in one answer.
const PAGE: usize = 100;

/// On which side of a transfer the caller stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Sender,
    Recipient,
}

/// What is asked for.
#[derive(Debug, Default)]
struct Query {
    resource: String,
    status: Option<Status>,
    recipient_status: Option<RecipientStatus>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    ascending: bool,
    role: Option<Role>,
}

/// `GET …/filetransfer`.
pub(super) async fn list(
    State(simulator): State<Shared>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<axum::Json<Vec<Uuid>>, Refusal> {
    let caller = simulator.caller(&headers, Need::Either)?;
    let query = Query::read(query.as_deref().unwrap_or_default())?;
    let resource = simulator.resource(&query.resource).ok_or(Code::InvalidResource)?;
    if resource.rights.as_ref().is_some_and(|rights| !rights.contains(&caller)) {
        return Err(Code::NoAccess.into());
    }
    let now = simulator.now();
    let world = simulator.lock();
    let delay = world.faults.listing_delay_millis.unwrap_or(0);
    let delay = SignedDuration::from_millis(i64::try_from(delay).unwrap_or(i64::MAX));
    let old_enough = |transfer: &&Transfer| now.duration_since(transfer.current().at) >= delay;
    let mut found: Vec<(Timestamp, Uuid)> = world
        .transfers()
        .filter(old_enough)
        .filter_map(|transfer| Some((query.time_of(transfer, &caller)?, transfer.id)))
        .collect();
    found.sort_unstable();
    if !query.ascending {
        found.reverse();
    }
    found.truncate(PAGE);
    let times = if world.faults.duplicate_listing.unwrap_or(false) { 2 } else { 1 };
    let ids = found.into_iter().flat_map(|(_, id)| std::iter::repeat_n(id, times));
    Ok(axum::Json(ids.collect()))
}

impl Query {
    fn read(text: &str) -> Result<Self, Refusal> {
        let mut query = Self::default();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            match &*name.to_ascii_lowercase() {
                "resourceid" => query.resource = value.into_owned(),
                "status" => {
                    query.status = Some(named("status", &value, Status::ALL, Status::name)?);
                }
                "recipientstatus" => {
                    let all = RecipientStatus::ALL;
                    let status = named("recipientStatus", &value, all, RecipientStatus::name)?;
                    query.recipient_status = Some(status);
                }
                "from" => query.from = Some(time("from", &value)?),
                "to" => query.to = Some(time("to", &value)?),
                "orderascending" => {
                    query.ascending = named("orderAscending", &value, [true, false], |value| {
                        if value { "true" } else { "false" }
                    })?;
                }
                "role" => {
                    let name = |role| match role {
                        Role::Sender => "Sender",
                        Role::Recipient => "Recipient",
                    };
                    query.role =
                        Some(named("role", &value, [Role::Sender, Role::Recipient], name)?);
                }
                _ => {}
            }
        }
        if query.resource.is_empty() {
            return Err(Refusal::field("resourceId", "must be there"));
        }
        Ok(query)
    }

    /// The time by which a transfer is found and put in order, when it is one of those asked for: when it
    /// took the status, where a status is asked for, else when it was initialised.
    fn time_of(&self, transfer: &Transfer, caller: &OrganisationId) -> Option<Timestamp> {
        let receives = transfer.recipient(caller);
        let takes_part = match self.role {
            Some(Role::Sender) => transfer.said.sender == *caller,
            Some(Role::Recipient) => receives.is_some(),
            None => transfer.said.sender == *caller || receives.is_some(),
        };
        let status_fits = self.status.is_none_or(|status| transfer.status() == status);
        let recipient_fits = self
            .recipient_status
            .is_none_or(|status| receives.is_some_and(|one| one.status == status));
        let at = if self.status.is_some() { transfer.current().at } else { transfer.created() };
        let in_time = self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at <= to);
        let fits = transfer.said.resource == self.resource
            && takes_part
            && status_fits
            && recipient_fits
            && in_time;
        fits.then_some(at)
    }
}

/// The value with this name, in any capitals.
fn named<T: Copy>(
    parameter: &str,
    text: &str,
    all: impl IntoIterator<Item = T>,
    name: impl Fn(T) -> &'static str,
) -> Result<T, Refusal> {
    let mut all = all.into_iter();
    let found = all.find(|value| name(*value).eq_ignore_ascii_case(text));
    found.ok_or_else(|| Refusal::field(parameter, "is none of the values that are known"))
}

/// A time with an offset; a date and time without one is in UTC.
fn time(parameter: &str, text: &str) -> Result<Timestamp, Refusal> {
    let read = text.parse::<Timestamp>().ok().or_else(|| {
        let local = text.parse::<jiff::civil::DateTime>().ok()?;
        Some(local.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    });
    read.ok_or_else(|| Refusal::field(parameter, "must be a time, such as 2026-01-31T12:00:00Z"))
}

//! Rows of deliveries, and of what is recorded about them.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Origin, storable_optional};
use crate::case::{Delivery, Purpose};
use crate::contract::Body;
use crate::journal::columns::columns;
use crate::journal::error::Fault;
use crate::journal::seal::{PayloadTable, Place, Seal};
use crate::kernel::{CaseId, DeliveryId, MessageId};
use crate::port::{Claim, DeliveryRecord, OwedDelivery};

columns! {
    /// A delivery and where it stands.
    DeliveryRow of "deliveries" {
        id: Uuid,
        case_id: Option<Uuid>,
        purpose: String,
        revision: i64,
        recipient: String,
        message_type: String,
        /// Sealed. Empty for what is the case's request itself, which is kept once: see [`Requests`].
        body: Vec<u8>,
        correlation_id: Option<Uuid>,
        traceparent: Option<String>,
        attempts: i64,
        owed_since: i64,
        next_attempt_at: i64,
        lease_owner: Option<Uuid>,
        lease_until: Option<i64>,
        delivered_at: Option<i64>,
        given_up_at: Option<i64>,
        last_error: Option<String>,
    }
}

columns! {
    /// Something about a delivery that has a time and nothing else.
    MomentRow of "deliveries" {
        delivery_id: Uuid,
        moment: i64,
    }
}

columns! {
    /// A failed attempt.
    FailureRow of "deliveries" {
        delivery_id: Uuid,
        moment: i64,
        error: String,
    }
}

columns! {
    /// A claim; one row for each receiver that it names, and one for none.
    ClaimRow of "deliveries" {
        owner: Uuid,
        moment: i64,
        until: i64,
        named: Option<String>,
    }
}

/// When a claim runs out, in microseconds; a lease beyond the end of time ends there.
fn until(claim: &Claim) -> i64 {
    claim.now.checked_add(claim.lease).unwrap_or(jiff::Timestamp::MAX).as_microsecond()
}

impl ClaimRow {
    /// The row of a claim.
    pub(in crate::journal) fn of(claim: &Claim, named: Option<String>) -> Self {
        Self { owner: claim.owner, moment: claim.now.as_microsecond(), until: until(claim), named }
    }
}

const fn place(id: Uuid) -> Place {
    Place { table: PayloadTable::Deliveries, row: id }
}

/// The requests of cases, sealed, by case: the bodies of those deliveries that hand the request itself on.
pub(in crate::journal) type Requests = HashMap<Uuid, Vec<u8>>;

impl DeliveryRow {
    /// The row of a new delivery, claimed at once. `request` is that of a case that is kept in the same
    /// commit.
    pub(in crate::journal) fn of(
        delivery: &Delivery,
        request: Option<&Body>,
        claim: &Claim,
        seal: &dyn Seal,
    ) -> Self {
        let id = *delivery.id.as_uuid();
        let is_request = delivery.case.is_some()
            && !delivery.body.json.is_empty()
            && request == Some(&delivery.body);
        let body = if is_request { Vec::new() } else { seal.seal(place(id), &delivery.body.json) };
        let now = claim.now.as_microsecond();
        Self {
            id,
            case_id: delivery.case.map(|case| *case.as_uuid()),
            purpose: delivery.purpose.name().to_owned(),
            revision: i64::from(delivery.purpose.revision()),
            recipient: delivery.to.to_string(),
            message_type: delivery.body.message_type.name().to_owned(),
            body,
            correlation_id: delivery.correlation_id.map(|id| *id.as_uuid()),
            traceparent: storable_optional(delivery.traceparent.as_deref()),
            attempts: 0,
            owed_since: now,
            next_attempt_at: now,
            lease_owner: Some(claim.owner),
            lease_until: Some(until(claim)),
            delivered_at: None,
            given_up_at: None,
            last_error: None,
        }
    }

    fn purpose(&self, origin: Origin<'_>) -> Result<Purpose, Fault> {
        let revision = origin.number("revision", self.revision)?;
        Purpose::from_parts(&self.purpose, revision).ok_or_else(|| origin.fault("purpose"))
    }

    /// The case whose request is this delivery's body.
    pub(in crate::journal) fn hands_on(&self) -> Option<Uuid> {
        self.case_id.filter(|_| self.body.is_empty())
    }

    fn body(
        &self,
        origin: Origin<'_>,
        seal: &dyn Seal,
        requests: &Requests,
    ) -> Result<Body, Fault> {
        let sealed = self.hands_on().and_then(|case| Some((case, requests.get(&case)?)));
        let opened = match sealed {
            Some((case, request)) => {
                seal.open(Place { table: PayloadTable::Cases, row: case }, request)
            }
            None => seal.open(place(self.id), &self.body),
        };
        Ok(Body {
            message_type: origin.parse("message_type", &self.message_type)?,
            json: opened.map_err(|_| origin.fault("body"))?,
        })
    }

    /// The delivery, to carry out.
    pub(in crate::journal) fn owed(
        &self,
        seal: &dyn Seal,
        requests: &Requests,
    ) -> Result<OwedDelivery, Fault> {
        let origin = Origin { table: "deliveries", id: &self.id };
        Ok(OwedDelivery {
            delivery: Delivery {
                id: DeliveryId::from_uuid(self.id),
                case: self.case_id.map(CaseId::from_uuid),
                purpose: self.purpose(origin)?,
                to: origin.parse("recipient", &self.recipient)?,
                body: self.body(origin, seal, requests)?,
                correlation_id: self.correlation_id.map(MessageId::from_uuid),
                traceparent: self.traceparent.clone(),
            },
            attempts: origin.number("attempts", self.attempts)?,
            owed_since: origin.time("owed_since", self.owed_since)?,
        })
    }

    /// Where the delivery stands, to tell.
    pub(in crate::journal) fn record(
        &self,
        seal: &dyn Seal,
        requests: &Requests,
    ) -> Result<DeliveryRecord, Fault> {
        let origin = Origin { table: "deliveries", id: &self.id };
        let time = |column: &str, at: Option<i64>| at.map(|at| origin.time(column, at)).transpose();
        Ok(DeliveryRecord {
            id: DeliveryId::from_uuid(self.id),
            purpose: self.purpose(origin)?,
            to: origin.parse("recipient", &self.recipient)?,
            body: self.body(origin, seal, requests)?,
            attempts: origin.number("attempts", self.attempts)?,
            owed_since: origin.time("owed_since", self.owed_since)?,
            next_attempt_at: origin.time("next_attempt_at", self.next_attempt_at)?,
            delivered_at: time("delivered_at", self.delivered_at)?,
            given_up_at: time("given_up_at", self.given_up_at)?,
            last_error: self.last_error.clone(),
        })
    }
}

//! Sends what innfri owes a member of DSVE beyond Altinn.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use tokio::sync::Semaphore;

use super::way::Way;
use crate::case::{Case, Delivery, Purpose};
use crate::channel::altinn::{
    Acting, Altinn, AltinnError, Missing, Parcel, Patience, PropertyList, Sending, Step,
    TransferId, Transfers, send,
};
use crate::dsve::{self, Outgoing as DsveFile, write_file};
use crate::kernel::{Finding, OrganisationId};
use crate::port::{Clock, Journal, Key, Outgoing, SendError, Sender};
use crate::telemetry::chain::Chain;

/// Files on their way at the same time, to all receivers together: each waits for Altinn's virus scan.
const AT_ONCE: usize = 64;

/// The way to everybody beyond Altinn.
pub struct AltinnSender {
    acting: BTreeMap<OrganisationId, Acting>,
    journal: Arc<dyn Journal>,
    clock: Arc<dyn Clock>,
    patience: Patience,
    /// For one attempt, everything included.
    time: Duration,
    places: Semaphore,
    way: Way,
}

/// Who sends, and what.
struct Errand<'a> {
    acting: &'a Acting,
    parcel: Parcel,
}

impl AltinnSender {
    /// A sender whose attempts end within half of `lease`, which the dispatcher has on what it sends:
    /// nobody else may begin before this one has ended.
    pub fn new(
        altinn: &Altinn,
        journal: Arc<dyn Journal>,
        clock: Arc<dyn Clock>,
        patience: Patience,
        lease: Duration,
    ) -> Self {
        let organisations = altinn.organisations().iter();
        // A tenth is left for telling what became of it.
        let time = lease / 2 * 9 / 10;
        Self {
            acting: organisations.map(|one| (one.clone(), altinn.acting_for(one))).collect(),
            journal,
            clock,
            patience: Patience { within: patience.within.min(time), ..patience },
            time,
            places: Semaphore::new(AT_ONCE),
            way: Way::default(),
        }
    }

    async fn send_one(&self, outgoing: Outgoing) -> Result<(), SendError> {
        let begun = async {
            let Ok(_place) = self.places.acquire().await else {
                return Err(SendError::Unavailable("innfri is stopping".to_owned()));
            };
            let errand = self.errand(&outgoing.delivery).await?;
            let mut sending = match outgoing.maybe_sent_since {
                Some(since) => Sending::again(since),
                None => Sending::new(),
            };
            let untouched = sending.clone();
            let Errand { acting, parcel } = &errand;
            let sent = send(*acting, &*self.clock, &mut sending, parcel, &self.patience).await;
            self.judge(sent.as_ref().err(), &sending);
            sent.map(|_| ()).map_err(|error| why(&error, sending != untouched))
        };
        let late = |_| Err(SendError::TimedOut(self.time.as_secs()));
        tokio::time::timeout(self.time, begun).await.unwrap_or_else(late)
    }

    /// What an attempt says about Altinn as a whole. A file that is not published yet says nothing.
    fn judge(&self, error: Option<&AltinnError>, sending: &Sending) {
        match error {
            Some(AltinnError::Retry { .. }) if matches!(sending.next(), Step::Look(_)) => {}
            Some(AltinnError::Retry { .. }) => self.way.failed(),
            Some(_) | None => self.way.answered(),
        }
    }

    /// The file for a delivery, and in whose name it goes.
    async fn errand(&self, delivery: &Delivery) -> Result<Errand<'_>, SendError> {
        let case = self.case_of(delivery).await?;
        let from = match delivery.purpose {
            Purpose::Request => Some(&case.asker),
            Purpose::Outcome { .. } => case.bank.as_ref(),
            Purpose::Rejection | Purpose::Receipt => None,
        };
        let Some(from) = from else { return Err(has_no_place()) };
        let acting = self.acting.get(from).ok_or_else(|| not_acting_for(from))?;
        // Nothing has begun as long as nobody is signed in.
        acting.sign_in().await.map_err(|error| {
            self.judge(Some(&error), &Sending::new());
            why(&error, false)
        })?;
        let id = delivery.id.to_string();
        let reference = match delivery.purpose {
            Purpose::Outcome { .. } => self.reference_of_request(acting, delivery, &case).await?,
            Purpose::Request | Purpose::Rejection | Purpose::Receipt => id.clone(),
        };
        let file = write_file(&dsve::Sending {
            body: &delivery.body,
            about: Some(case.request_type),
            senders_reference: &reference,
            reportee: from,
            sent_at: None,
        });
        let parcel = parcel(file.map_err(|findings| unsayable(&findings))?, id, &delivery.to)?;
        Ok(Errand { acting, parcel })
    }

    async fn case_of(&self, delivery: &Delivery) -> Result<Case, SendError> {
        let case = delivery.case.ok_or_else(has_no_place)?;
        let key = Key { case: Some(case), ..Key::default() };
        let found = self.journal.look_up(&[key]).await;
        let found = found.map_err(|error| SendError::Unavailable(Chain(&error).to_string()))?;
        let stored = found.into_iter().find_map(|found| found.case);
        stored.map(|stored| stored.case).ok_or_else(|| {
            SendError::Unreachable(format!("the journal does not hold its case {case}"))
        })
    }

    /// What an answer's manifest refers to: what the request's transfer was called, and where the request
    /// did not come through Altinn, what the asker calls it.
    async fn reference_of_request(
        &self,
        acting: &Acting,
        delivery: &Delivery,
        case: &Case,
    ) -> Result<String, SendError> {
        let own = || {
            let told = Some(&case.reference).filter(|text| !text.is_empty());
            told.cloned().unwrap_or_else(|| delivery.id.to_string())
        };
        let Some(asked) = delivery.correlation_id else { return Ok(own()) };
        match acting.reference(TransferId::from_uuid(*asked.as_uuid())).await {
            Ok(reference) if !reference.trim().is_empty() => Ok(reference),
            Ok(_) | Err(AltinnError::NotFound) => Ok(own()),
            Err(error) => {
                self.judge(Some(&error), &Sending::new());
                Err(why(&error, false))
            }
        }
    }
}

fn parcel(file: DsveFile, id: String, to: &OrganisationId) -> Result<Parcel, SendError> {
    PropertyList::new(file.properties)
        .and_then(|properties| Parcel::new(file.file_name, id, to.clone(), properties, file.zip))
        .map_err(|error| SendError::Permanent(error.to_string()))
}

fn not_acting_for(organisation: &OrganisationId) -> SendError {
    SendError::NotSetUp(format!(
        "innfri does not act for {organisation} in Altinn: add it to `altinn.organisations` once it has \
         approved innfri's system user"
    ))
}

fn has_no_place() -> SendError {
    SendError::Permanent(
        "DSVE has no message that tells a bank why its answer was not accepted, nor a receipt \
         (INN-094): tell the receiver by other means"
            .to_owned(),
    )
}

/// Rules and places; findings hold no values.
fn unsayable(findings: &[Finding]) -> SendError {
    let told: Vec<String> = findings.iter().map(ToString::to_string).collect();
    SendError::Permanent(format!("cannot be written as a DSVE file: {}", told.join("; ")))
}

/// What the dispatcher is told. Only what certainly has not begun leaves no trace: all else counts as an
/// attempt, so that the next one looks for what this one may have left in Altinn.
fn why(error: &AltinnError, begun: bool) -> SendError {
    match error {
        AltinnError::Retry { .. } if !begun => SendError::Unavailable(error.to_string()),
        AltinnError::Retry { after: Some(wait), .. } => {
            SendError::RetryAfter { seconds: wait.as_secs(), detail: error.to_string() }
        }
        AltinnError::Retry { after: None, .. }
        | AltinnError::NotReady
        | AltinnError::ChecksumMismatch
        | AltinnError::NotFound
        | AltinnError::AlreadyUploaded => SendError::Unreachable(error.to_string()),
        AltinnError::OperatorFault(fault) if fault.missing == Missing::Receiver => {
            SendError::Permanent(error.to_string())
        }
        AltinnError::OperatorFault(_) => SendError::NotSetUp(error.to_string()),
        AltinnError::Refused(_) | AltinnError::TooLarge => SendError::Permanent(error.to_string()),
    }
}

#[async_trait]
impl Sender for AltinnSender {
    async fn send(&self, group: Vec<Outgoing>) -> Vec<Result<(), SendError>> {
        join_all(group.into_iter().map(|outgoing| self.send_one(outgoing))).await
    }

    fn is_up(&self) -> bool {
        self.way.is_open()
    }
}

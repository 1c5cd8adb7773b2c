//! Keeps what arrives through Altinn: reads a file, finds its case, and hands it to the exchange.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::arrival::{self, Clues, Read, Says};
use super::case;
use crate::case::Case;
use crate::channel::altinn::{ArrivedFile, Kept, NotKept, Take, TransferId};
use crate::directory::altinn_login;
use crate::dsve::{FileLimits, Nack};
use crate::kernel::{ChannelName, Incoming, OrganisationId};
use crate::market::no::status::StatusPart;
use crate::port::{Clock, Intake, Journal};
use crate::telemetry::chain::Chain;

/// What a message is, and what a file that could not be made one.
const JSON: &str = "application/json";
const ZIP: &str = "application/zip";

/// Transfers of other resources that are remembered, so that each is told of once.
const MOST_REMEMBERED: usize = 10_000;

/// Takes what Altinn hands over.
pub struct Receiver {
    journal: Arc<dyn Journal>,
    intake: Arc<dyn Intake>,
    clock: Arc<dyn Clock>,
    limits: FileLimits,
    told: Mutex<HashSet<TransferId>>,
}

impl Receiver {
    /// A receiver that looks for cases in the journal, and reads no more of a file than this.
    pub fn new(
        journal: Arc<dyn Journal>,
        intake: Arc<dyn Intake>,
        clock: Arc<dyn Clock>,
        limits: FileLimits,
    ) -> Self {
        Self { journal, intake, clock, limits, told: Mutex::default() }
    }

    async fn incoming(&self, file: &ArrivedFile, read: Read) -> Result<Incoming, NotKept> {
        let sender = file.sender.organisation.as_ref();
        let found = match (&read.clues, sender) {
            (Some(clues), Some(bank)) => self.case_of(file, clues, bank).await?,
            (Some(_) | None, _) => None,
        };
        // What leads to no case stays readable for whoever looks at the dead letter.
        let first_clue = || read.clues.as_ref().and_then(|clues| clues.references.first().cloned());
        let correlation_id = match &found {
            Some(case) => Some(case.forwarded_as.to_string()),
            None => first_clue(),
        };
        let (content_type, body) = match read.says {
            Says::Json(json) => (JSON, json),
            Says::No(nack) => (JSON, status_of(&nack, sender, found.as_ref())?),
            Says::Nothing(bytes) => (ZIP, bytes),
        };
        Ok(Incoming {
            channel: ChannelName::Altinn,
            source: file.receiver.to_string(),
            login: sender.map(altinn_login),
            message_type: read.message_type.map(|kind| kind.name().to_owned()),
            message_id: Some(file.transfer.to_string()),
            correlation_id,
            content_type: Some(content_type.to_owned()),
            traceparent: None,
            deaths: Vec::new(),
            findings: read.findings,
            received_at: self.clock.now(),
            body,
        })
    }

    async fn case_of(
        &self,
        file: &ArrivedFile,
        clues: &Clues,
        bank: &OrganisationId,
    ) -> Result<Option<Case>, NotKept> {
        let found = case::of(&*self.journal, clues, bank, &file.receiver).await;
        found.map_err(|error| NotKept::Nothing(Chain(&error).to_string()))
    }

    /// Says once that something is there that is not for innfri.
    fn tell_of_other_resource(&self, file: &ArrivedFile) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= MOST_REMEMBERED {
            told.clear();
        }
        if told.insert(file.transfer) {
            tracing::warn!(
                transfer = %file.transfer,
                receiver = %file.receiver,
                "a file of another resource waits in Altinn; innfri leaves it there"
            );
        }
    }
}

/// A bank's no as a status message. It repeats the reference of its case, which DSVE's no does not.
fn status_of(
    nack: &Nack,
    bank: Option<&OrganisationId>,
    case: Option<&Case>,
) -> Result<Vec<u8>, NotKept> {
    let from = bank.map(|bank| StatusPart { id: bank.clone(), referanse: None });
    let to = case.map(|case| StatusPart {
        id: case.asker.clone(),
        referanse: Some(case.reference.clone()).filter(|text| !text.is_empty()),
    });
    serde_json::to_vec(&nack.status(from, to)).map_err(|error| NotKept::This(error.to_string()))
}

#[async_trait]
impl Take for Receiver {
    async fn take(&self, file: ArrivedFile) -> Result<Kept, NotKept> {
        let Some(read) = arrival::read(&file, &self.limits) else {
            self.tell_of_other_resource(&file);
            return Ok(Kept);
        };
        let incoming = self.incoming(&file, read).await?;
        match self.intake.take(incoming).await {
            Ok(taken) => {
                tracing::debug!(transfer = %file.transfer, what = ?taken.disposition, "kept");
                Ok(Kept)
            }
            Err(error) => Err(NotKept::Nothing(error.to_string())),
        }
    }
}

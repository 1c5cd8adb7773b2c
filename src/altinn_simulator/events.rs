//! Altinn Events: CloudEvents 1.0 posted to subscribers. They are a hint: nobody tries again.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::config::Subscription;
use super::{party, problem};
use crate::kernel::OrganisationId;

/// Events that wait to be posted; more are dropped.
const WAITING: usize = 4096;
/// How long a subscriber may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What happened; the last part of an event's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Initialized,
    Processing,
    Published,
    UploadFailed,
    DownloadConfirmed,
    AllConfirmed,
    Purged,
    NeverConfirmed,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Initialized => "filetransferinitialized",
            Self::Processing => "uploadprocessing",
            Self::Published => "published",
            Self::UploadFailed => "uploadfailed",
            Self::DownloadConfirmed => "downloadconfirmed",
            Self::AllConfirmed => "allconfirmeddownloaded",
            Self::Purged => "filepurged",
            Self::NeverConfirmed => "fileneverconfirmeddownloaded",
        }
    }
}

/// One event for one organisation.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) kind: Kind,
    pub(super) resource: String,
    pub(super) transfer: Uuid,
    pub(super) organisation: OrganisationId,
    /// `Sender` or `Recipient`.
    pub(super) role: &'static str,
    pub(super) at: Timestamp,
}

impl Event {
    fn body(&self, base_url: &str) -> Value {
        json!({
            "specversion": "1.0",
            "id": problem::fresh_id(),
            "source": format!("{base_url}/broker/api/v1/filetransfer"),
            "type": format!("no.altinn.broker.{}", self.kind.name()),
            "time": self.at.to_string(),
            "subject": party::urn(&self.organisation),
            "resource": format!("urn:altinn:resource:{}", self.resource),
            "resourceinstance": self.transfer,
            "datacontenttype": "application/json",
            "data": { "Role": self.role },
        })
    }
}

/// Where events are left to be posted.
pub(super) struct Outlet(Option<mpsc::Sender<Event>>);

impl Outlet {
    /// Leaves an event; it is dropped when too many wait, or nobody wants any.
    pub(super) fn tell(&self, event: Event) {
        if let Some(sender) = &self.0
            && sender.try_send(event).is_err()
        {
            tracing::warn!("an event was dropped: too many wait");
        }
    }
}

/// Posts what is left at the outlet.
pub(super) struct Postman {
    waiting: mpsc::Receiver<Event>,
    client: reqwest::Client,
    subscriptions: Vec<Subscription>,
}

/// An outlet, and who empties it, when there is a subscriber.
pub(super) fn open(
    subscriptions: Vec<Subscription>,
) -> Result<(Outlet, Option<Postman>), reqwest::Error> {
    if subscriptions.is_empty() {
        return Ok((Outlet(None), None));
    }
    let (sender, waiting) = mpsc::channel(WAITING);
    let client = reqwest::Client::builder()
        .timeout(PATIENCE)
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    Ok((Outlet(Some(sender)), Some(Postman { waiting, client, subscriptions })))
}

impl Postman {
    /// Posts until nobody leaves anything any more.
    pub(super) async fn run(mut self, base_url: String) {
        while let Some(event) = self.waiting.recv().await {
            let body = event.body(&base_url).to_string();
            for subscription in &self.subscriptions {
                let wanted = &subscription.organisations;
                if !wanted.is_empty() && !wanted.contains(&event.organisation) {
                    continue;
                }
                let request = self.client.post(subscription.to.clone());
                let request =
                    request.header(CONTENT_TYPE, "application/cloudevents+json").body(body.clone());
                if let Err(error) = request.send().await {
                    tracing::debug!(error = %error.without_url(), "an event was not taken");
                }
            }
        }
    }
}

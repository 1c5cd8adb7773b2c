//! Altinn 3 Broker, typed: one method for each route, for one organisation.
//!
//! [`Transfers`] is the seam: sending and receiving know only it, so that they can be tried with every
//! answer lost. [`Acting`] is the real one, over HTTP.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Method, RequestBuilder, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use url::Url;

use super::config::AltinnConfig;
use super::error::{AltinnError, SetupError};
use super::maskinporten::{SignIn, unreachable};
use super::paging::{Listing, Pages, Window, walk};
use super::transfer::{
    Checksum, Details, Overview, Parcel, PropertyList, RecipientStatus, TransferId, TransferStatus,
    written,
};
use super::verdict::{Call, Problem, Reply, verdict};
use crate::channel::outward::answer::{self, ReadError, status_words};
use crate::channel::outward::client::{self, Wish};
use crate::kernel::OrganisationId;
use crate::port::Clock;

/// Bytes of an answer that is no file, at most. A history of a transfer with many receivers is the largest.
const LONGEST_ANSWER: usize = 1024 * 1024;

/// References that are remembered for each organisation.
const MOST_REMEMBERED: usize = 10_000;

/// On which side of a transfer an organisation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It sent it.
    Sender,
    /// It is among those to whom it was sent.
    Recipient,
}

impl Role {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Sender => "Sender",
            Self::Recipient => "Recipient",
        }
    }
}

/// Which transfers are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListFilter {
    /// On which side the organisation is.
    pub role: Role,
    /// Where they stand.
    pub status: Option<TransferStatus>,
    /// Where they stand for the organisation, as a receiver.
    pub recipient_status: Option<RecipientStatus>,
    /// Not before this: when they were made or, with a status, took it.
    pub since: Option<Timestamp>,
}

/// The file transfers of one organisation under one resource.
#[async_trait]
pub trait Transfers: Send + Sync {
    /// The organisation.
    fn organisation(&self) -> &OrganisationId;

    /// The resource.
    fn resource(&self) -> &str;

    /// Makes a transfer, without its file.
    ///
    /// # Errors
    /// After [`AltinnError::Retry`] it may have been made all the same.
    async fn initialise(&self, parcel: &Parcel) -> Result<TransferId, AltinnError>;

    /// Uploads the file of a transfer.
    ///
    /// # Errors
    /// [`AltinnError::AlreadyUploaded`] when that was begun before, whatever came of it.
    async fn upload(&self, id: TransferId, parcel: &Parcel) -> Result<(), AltinnError>;

    /// Where a transfer stands.
    ///
    /// # Errors
    /// As for every call.
    async fn overview(&self, id: TransferId) -> Result<Overview, AltinnError>;

    /// Where a transfer stands, and where it stood.
    ///
    /// # Errors
    /// As for every call.
    async fn details(&self, id: TransferId) -> Result<Details, AltinnError>;

    /// What its sender calls a transfer. It never changes.
    ///
    /// # Errors
    /// As for every call.
    async fn reference(&self, id: TransferId) -> Result<String, AltinnError> {
        Ok(self.overview(id).await?.reference)
    }

    /// All transfers that a filter lets through, however many pages that takes.
    ///
    /// # Errors
    /// As for every call.
    async fn list(&self, filter: &ListFilter) -> Result<Listing, AltinnError>;

    /// The file of a transfer.
    ///
    /// # Errors
    /// [`AltinnError::TooLarge`] when it has more bytes than this; the download counts as begun then.
    async fn download(&self, id: TransferId, most_bytes: usize) -> Result<Vec<u8>, AltinnError>;

    /// Tells that the file is safely kept. It is not offered any more.
    ///
    /// # Errors
    /// As for every call.
    async fn confirm(&self, id: TransferId) -> Result<(), AltinnError>;
}

/// The way to Altinn, for all organisations that innfri acts for.
#[derive(Clone)]
pub struct Altinn {
    line: Arc<Line>,
    organisations: Vec<OrganisationId>,
}

/// What all organisations share.
struct Line {
    client: reqwest::Client,
    /// `…/broker/api/v1/filetransfer`
    base: Url,
    transfer_timeout: Duration,
    resource: String,
    sign_in: SignIn,
    clock: Arc<dyn Clock>,
}

/// Altinn, as one organisation's system user.
pub struct Acting {
    line: Arc<Line>,
    organisation: OrganisationId,
    /// What this organisation's own transfers are called.
    references: Mutex<HashMap<TransferId, String>>,
}

impl Altinn {
    /// Reads the settings and the key; speaks to nobody yet.
    ///
    /// # Errors
    /// When a setting, an address or the key cannot be used.
    pub fn open(config: &AltinnConfig, clock: Arc<dyn Clock>) -> Result<Self, SetupError> {
        config.check()?;
        let base =
            format!("{}/broker/api/v1/filetransfer", config.platform_url.trim_end_matches('/'));
        let (client, base) = client::open(Wish {
            key: "altinn.platform_url",
            url: &base,
            allow_private: config.allow_private_addresses,
            ca_file: config.ca_file.as_deref(),
            identity_file: None,
            timeout: Duration::from_secs(config.timeout_seconds),
        })?;
        let line = Arc::new(Line {
            client,
            base,
            transfer_timeout: Duration::from_secs(config.transfer_timeout_seconds),
            resource: config.resource_id.clone(),
            sign_in: SignIn::open(config, Arc::clone(&clock))?,
            clock,
        });
        Ok(Self { line, organisations: config.organisations.clone() })
    }

    /// The organisations that innfri acts for.
    pub fn organisations(&self) -> &[OrganisationId] {
        &self.organisations
    }

    /// Altinn, as this organisation's system user.
    pub fn acting_for(&self, organisation: &OrganisationId) -> Acting {
        Acting {
            line: Arc::clone(&self.line),
            organisation: organisation.clone(),
            references: Mutex::default(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Initialise<'a> {
    file_name: &'a str,
    resource_id: &'a str,
    #[serde(rename = "sendersFileTransferReference")]
    reference: &'a str,
    sender: String,
    recipients: [String; 1],
    property_list: &'a PropertyList,
    checksum: &'a Checksum,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Initialised {
    file_transfer_id: TransferId,
}

impl Line {
    /// The address of the list, or of something below it.
    fn url(&self, below: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            // The list and the making of transfers end in a slash.
            path.extend(if below.is_empty() { &[""] } else { below });
        }
        url
    }
}

impl Acting {
    /// Signs in, unless innfri is signed in for the organisation already.
    ///
    /// # Errors
    /// As for every call; nothing was called but the way to a token.
    pub async fn sign_in(&self) -> Result<(), AltinnError> {
        self.line.sign_in.token(&self.organisation).await.map(|_| ())
    }

    /// Makes a call with a token, and once more with a new one where Altinn refused one that was kept.
    async fn call(
        &self,
        call: Call,
        request: impl Fn(&reqwest::Client) -> RequestBuilder + Send + Sync,
    ) -> Result<Response, AltinnError> {
        let line = &self.line;
        let mut renewed = false;
        loop {
            let (token, fresh) = line.sign_in.token(&self.organisation).await?;
            let signed = request(&line.client).bearer_auth(token.bearer.expose());
            let response = signed.send().await.map_err(|error| unreachable("Altinn", error))?;
            if response.status().is_success() {
                return Ok(response);
            }
            let status = response.status().as_u16();
            if status == 401 && !fresh && !renewed {
                line.sign_in.drop(&self.organisation, &token).await;
                renewed = true;
                continue;
            }
            return Err(self.refusal(call, response).await);
        }
    }

    async fn refusal(&self, call: Call, response: Response) -> AltinnError {
        let status = response.status();
        let retry_after = answer::retry_after(response.headers(), self.line.clock.now());
        let body = answer::body(response, LONGEST_ANSWER).await.unwrap_or_default();
        let problem = Problem::read(&body);
        let reply = Reply {
            call,
            status: status.as_u16(),
            code: problem.number(),
            words: problem.words(status_words(status)),
            retry_after,
        };
        verdict(&reply, &self.line.sign_in.about(&self.organisation))
    }

    /// An answer in JSON.
    async fn json<T: DeserializeOwned>(&self, response: Response) -> Result<T, AltinnError> {
        // Whatever was asked may have been done: so this is never a refusal.
        let unread = || AltinnError::passing("Altinn gave an answer that cannot be read");
        let body = bytes(response, LONGEST_ANSWER).await.map_err(|error| match error {
            AltinnError::TooLarge => unread(),
            other => other,
        })?;
        serde_json::from_slice(&body).map_err(|_| unread())
    }

    async fn get<T: DeserializeOwned>(&self, call: Call, url: Url) -> Result<T, AltinnError> {
        let response = self
            .call(call, |client| client.get(url.clone()).header(ACCEPT, "application/json"))
            .await?;
        self.json(response).await
    }

    async fn remember(&self, id: TransferId, reference: &str) {
        let mut references = self.references.lock().await;
        if references.len() >= MOST_REMEMBERED {
            // They are looked up again where they are needed.
            references.clear();
        }
        references.insert(id, reference.to_owned());
    }
}

#[async_trait]
impl Transfers for Acting {
    fn organisation(&self) -> &OrganisationId {
        &self.organisation
    }

    fn resource(&self) -> &str {
        &self.line.resource
    }

    async fn initialise(&self, parcel: &Parcel) -> Result<TransferId, AltinnError> {
        let wish = Initialise {
            file_name: &parcel.file_name,
            resource_id: &self.line.resource,
            reference: &parcel.reference,
            sender: written(&self.organisation),
            recipients: [written(&parcel.recipient)],
            property_list: &parcel.properties,
            checksum: &parcel.checksum,
        };
        let url = self.line.url(&[]);
        let response =
            self.call(Call::Initialise, |client| client.post(url.clone()).json(&wish)).await?;
        let made: Initialised = self.json(response).await?;
        self.remember(made.file_transfer_id, &parcel.reference).await;
        Ok(made.file_transfer_id)
    }

    async fn upload(&self, id: TransferId, parcel: &Parcel) -> Result<(), AltinnError> {
        let url = self.line.url(&[&id.to_string(), "upload"]);
        let request = |client: &reqwest::Client| {
            client
                .post(url.clone())
                .header(CONTENT_TYPE, "application/octet-stream")
                .timeout(self.line.transfer_timeout)
                .body(parcel.bytes.clone())
        };
        self.call(Call::Upload, request).await.map(|_| ())
    }

    async fn overview(&self, id: TransferId) -> Result<Overview, AltinnError> {
        self.get(Call::Overview, self.line.url(&[&id.to_string()])).await
    }

    async fn details(&self, id: TransferId) -> Result<Details, AltinnError> {
        self.get(Call::Details, self.line.url(&[&id.to_string(), "details"])).await
    }

    async fn reference(&self, id: TransferId) -> Result<String, AltinnError> {
        if let Some(known) = self.references.lock().await.get(&id) {
            return Ok(known.clone());
        }
        let reference = self.overview(id).await?.reference;
        self.remember(id, &reference).await;
        Ok(reference)
    }

    async fn list(&self, filter: &ListFilter) -> Result<Listing, AltinnError> {
        let pages = ListPages { acting: self, filter };
        walk(&pages, filter.since, self.line.clock.now()).await
    }

    async fn download(&self, id: TransferId, most_bytes: usize) -> Result<Vec<u8>, AltinnError> {
        let url = self.line.url(&[&id.to_string(), "download"]);
        let request =
            |client: &reqwest::Client| client.get(url.clone()).timeout(self.line.transfer_timeout);
        bytes(self.call(Call::Download, request).await?, most_bytes).await
    }

    async fn confirm(&self, id: TransferId) -> Result<(), AltinnError> {
        let url = self.line.url(&[&id.to_string(), "confirmdownload"]);
        self.call(Call::Confirm, |client| client.request(Method::POST, url.clone()).body(""))
            .await
            .map(|_| ())
    }
}

/// The pages of one list.
struct ListPages<'a> {
    acting: &'a Acting,
    filter: &'a ListFilter,
}

#[async_trait]
impl Pages for ListPages<'_> {
    async fn page(&self, window: Option<Window>) -> Result<Vec<TransferId>, AltinnError> {
        let ListFilter { role, status, recipient_status, since: _ } = self.filter;
        let mut url = self.acting.line.url(&[]);
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("resourceId", &self.acting.line.resource);
            query.append_pair("role", role.as_str());
            query.append_pair("orderAscending", "true");
            if let Some(status) = status {
                query.append_pair("status", status.as_str());
            }
            if let Some(status) = recipient_status {
                query.append_pair("recipientStatus", status.as_str());
            }
            if let Some(Window { from, to }) = window {
                query.append_pair("from", &from.to_string());
                query.append_pair("to", &to.to_string());
            }
        }
        self.acting.get(Call::List, url).await
    }
}

async fn bytes(response: Response, most: usize) -> Result<Vec<u8>, AltinnError> {
    answer::body(response, most).await.map_err(|error| match error {
        ReadError::TooLarge => AltinnError::TooLarge,
        ReadError::Broken(error) => unreachable("Altinn", error),
    })
}

//! How a participant is reached: the ways, and what each needs to know.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;

use crate::kernel::ChannelName;

/// How a participant is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handler {
    /// Its own AMQP queues.
    Amqp,
    /// The built-in bank, with the loan book of this file.
    LoanBook(PathBuf),
    /// Its mailbox, from which it collects over HTTP.
    Mailbox,
    /// A webhook of its own, to which everything for it is posted.
    Webhook(Arc<Webhook>),
    /// A bank's own REST back-end.
    Http(Arc<BackEnd>),
    /// DSVE XML through Altinn 3 Broker.
    Altinn,
}

/// Where something is posted to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// `https://…`; `http://` only to an address that is private and allowed.
    pub url: String,
    /// Certificates (PEM) to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Whether addresses of private networks and of this machine may be posted to.
    #[serde(default)]
    pub allow_private_addresses: bool,
    /// Seconds for one attempt, connecting included; 30 unless set.
    pub timeout_seconds: Option<u64>,
}

/// A webhook (Standard Webhooks).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Where to.
    pub target: Target,
    /// Files that hold a secret (`whsec_…`) each: all sign, so that a receiver can change over.
    pub secret_files: Vec<PathBuf>,
}

/// A bank's REST back-end.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackEnd {
    /// Where to.
    pub target: Target,
    /// A file (PEM) with the certificate and key that innfri shows (mutual TLS).
    pub identity_file: Option<PathBuf>,
    /// How innfri gets a token, where the back-end wants one.
    pub token: Option<ClientCredentials>,
    /// Answers with these statuses, 400 to 499, are tried again too; those from 500, 408 and 429 always are.
    #[serde(default)]
    pub retry_statuses: BTreeSet<u16>,
}

/// OAuth 2.0 client credentials (RFC 6749, section 4.4).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientCredentials {
    /// The token endpoint.
    pub token_url: String,
    /// Who innfri is there.
    pub client_id: String,
    /// A file that holds the client's secret.
    pub client_secret_file: PathBuf,
    /// The scope to ask for.
    pub scope: Option<String>,
}

impl Handler {
    /// By which channel messages reach it.
    pub const fn channel(&self) -> ChannelName {
        match self {
            Self::Amqp => ChannelName::Amqp,
            Self::LoanBook(_) => ChannelName::Embedded,
            Self::Altinn => ChannelName::Altinn,
            Self::Mailbox | Self::Webhook(_) | Self::Http(_) => ChannelName::Http,
        }
    }

    /// Whether an answer can come back at once, through innfri's own hands.
    pub(super) const fn answers_at_once(&self) -> bool {
        match self {
            Self::LoanBook(_) | Self::Http(_) => true,
            Self::Amqp | Self::Mailbox | Self::Webhook(_) | Self::Altinn => false,
        }
    }
}

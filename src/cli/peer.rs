//! What `send` and `bank` share: connecting as a participant.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;

use crate::channel::amqp::Peer;
use crate::kernel::Secret;

/// The environment variable with the address.
const URL: &str = "INNFRI_PEER_URL";

/// How to connect. The address holds a password, so it is never an argument.
#[derive(Debug, Args)]
pub(super) struct PeerArgs {
    /// File that holds the address, amqps://LOGIN:PASSWORD@HOST/VHOST; else the environment variable
    /// INNFRI_PEER_URL is used.
    #[arg(long, value_name = "FILE")]
    url_file: Option<PathBuf>,
}

impl PeerArgs {
    pub(super) async fn connect(&self) -> anyhow::Result<Peer> {
        let url = match (&self.url_file, std::env::var(URL)) {
            (Some(path), _) => std::fs::read_to_string(path)
                .with_context(|| format!("cannot read {}", path.display()))?,
            (None, Ok(url)) => url,
            (None, Err(_)) => bail!("say where RabbitMQ is: set {URL}, or give --url-file FILE"),
        };
        Ok(Peer::connect(&Secret::new(url.trim())).await?)
    }
}

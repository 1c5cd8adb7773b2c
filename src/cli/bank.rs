//! `innfri bank`: a bank's own program over AMQP, answering from a loan book. It shows what a bank's
//! back-end does: publish the answer with confirmation, and only then acknowledge the request.

use std::path::PathBuf;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::peer::PeerArgs;
use super::{Verdict, render};
use crate::bank::{BuiltInBank, LoanBook};
use crate::case::Purpose;
use crate::channel::amqp::{Entrance, Peer, PeerMessage, Received, queue_of};
use crate::contract::{Body, read_request};
use crate::kernel::MessageId;
use crate::port::{Clock, SystemClock};

#[derive(Debug, Args)]
pub(super) struct BankArgs {
    /// The loan book (TOML).
    #[arg(long, value_name = "FILE")]
    book: PathBuf,
    #[command(flatten)]
    peer: PeerArgs,
}

pub(super) async fn run(args: BankArgs) -> anyhow::Result<Verdict> {
    let bank = BuiltInBank::new(LoanBook::load(&args.book)?);
    let peer = args.peer.connect().await?;
    let organisation = bank.organisation();
    let mut requests = peer.consume(&queue_of(organisation, Purpose::Request)).await?;
    let mut reports = peer.consume(&queue_of(organisation, Purpose::Rejection)).await?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    render::line(&format!("{organisation} waits for requests; stop with Ctrl-C"))?;
    loop {
        tokio::select! {
            biased;
            _ = terminate.recv() => return Ok(Verdict::Yes),
            _ = interrupt.recv() => return Ok(Verdict::Yes),
            received = requests.next() => answer(&bank, &peer, received).await?,
            received = reports.next() => {
                let kind = received.message_type.clone().unwrap_or_default();
                render::line(&format!("{kind}: see the dead letters or the case of innfri"))?;
                received.ack().await;
            }
        }
    }
}

async fn answer(bank: &BuiltInBank, peer: &Peer, received: Received) -> anyhow::Result<()> {
    let id = received.message_id.as_deref().and_then(|id| id.parse::<MessageId>().ok());
    let kind = received.message_type.as_deref().and_then(|kind| kind.parse().ok());
    let request = kind.and_then(|message_type| {
        read_request(&Body { message_type, json: received.body.clone() }).ok()
    });
    let (Some(id), Some(request)) = (id, request) else {
        eprintln!("a message that is no request was put aside");
        received.ack().await;
        return Ok(());
    };
    let reply = bank.answer(&request, id, SystemClock.today());
    let said = format!("{id}: {}", reply.message_type);
    let message = PeerMessage {
        message_type: reply.message_type.name().to_owned(),
        message_id: reply.message_id.to_string(),
        correlation_id: Some(id.to_string()),
        traceparent: received.traceparent.clone(),
        app_id: "innfri bank".to_owned(),
        body: reply.body,
    };
    // Until the answer is confirmed the request stays ours: without an acknowledgement it comes again,
    // and the answer to it has the same message id.
    while let Err(error) = peer.publish(Entrance::Answers, message.clone()).await {
        eprintln!("not sent yet: {error}");
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    received.ack().await;
    render::line(&said)
}

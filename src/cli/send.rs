//! `innfri send`: publishes a request as a participant, and shows its outcome.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Value, json};
use uuid::Uuid;

use super::peer::PeerArgs;
use super::{Verdict, document, render};
use crate::case::Purpose;
use crate::channel::amqp::{Entrance, Inbox, PeerMessage, Received, queue_of};
use crate::contract::{Direction, MessageType};
use crate::kernel::{MessageId, OrganisationId};

#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 sent (and the outcome came), 1 no outcome in time, 2 not sent."
)]
pub(super) struct SendArgs {
    /// The request (JSON).
    file: PathBuf,
    /// The organisation that asks: avsender.id of the request.
    #[arg(long, value_name = "ORGANISATION")]
    from: OrganisationId,
    /// Wait so long for the outcome, such as 30s.
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    wait: Option<Duration>,
    /// Message type; without it, taken from the file name.
    #[arg(long = "type", value_name = "TYPE")]
    message_type: Option<String>,
    /// Message id; without it, a new one. The same id again has no effect a second time.
    #[arg(long, value_name = "UUID")]
    message_id: Option<MessageId>,
    #[command(flatten)]
    peer: PeerArgs,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// A time on the command line: `30s`, `2m`, or seconds alone.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.strip_suffix('m') {
        Some(minutes) => (minutes, 60),
        None => (text.strip_suffix('s').unwrap_or(text), 1),
    };
    let number: u64 = number.parse().map_err(|_| "write seconds or minutes: 30s, 2m".to_owned())?;
    Ok(Duration::from_secs(number.saturating_mul(unit)))
}

pub(super) async fn run(args: SendArgs) -> anyhow::Result<Verdict> {
    let kind = document::kind_of(&args.file, args.message_type.as_deref())?;
    if kind.direction() != Direction::Request {
        bail!("{kind} is not a request; a bank answers with its own program, or `innfri bank`");
    }
    let body = std::fs::read(&args.file)
        .with_context(|| format!("cannot read {}", args.file.display()))?;
    let id = args.message_id.unwrap_or_else(new_id);
    let peer = args.peer.connect().await?;
    let queue = queue_of(&args.from, Purpose::Outcome { revision: 1 });
    let inbox = match args.wait {
        Some(_) => Some(peer.consume(&queue).await?),
        None => None,
    };
    let message = PeerMessage {
        message_type: kind.name().to_owned(),
        message_id: id.to_string(),
        app_id: "innfri send".to_owned(),
        body,
        ..PeerMessage::default()
    };
    peer.publish(Entrance::Requests, message).await?;
    if !args.json {
        eprintln!("sent {kind} as {id}");
    }
    let (Some(patience), Some(mut inbox)) = (args.wait, inbox) else {
        if args.json {
            render::json_line(&json!({"message": id.to_string(), "outcome": null}))?;
        }
        return Ok(Verdict::Yes);
    };
    match tokio::time::timeout(patience, outcome(&mut inbox, &id.to_string())).await {
        Ok(outcome) => show(outcome, args.json).await,
        Err(_) => {
            eprintln!("no outcome within {} s; the case stays open", patience.as_secs());
            Ok(Verdict::No)
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a new message has nothing to derive a name from")]
fn new_id() -> MessageId {
    MessageId::from_uuid(Uuid::new_v4())
}

/// The outcome of our request. What belongs to others is not acknowledged, and goes back to the queue
/// when we leave.
async fn outcome(inbox: &mut Inbox, id: &str) -> Received {
    let mut others = Vec::new();
    loop {
        let received = inbox.next().await;
        let receipt = received.message_type.as_deref() == Some(MessageType::Receipt.name());
        if received.correlation_id.as_deref() != Some(id) {
            others.push(received);
        } else if receipt {
            received.ack().await;
        } else {
            return received;
        }
    }
}

async fn show(received: Received, as_json: bool) -> anyhow::Result<Verdict> {
    let body: Value = serde_json::from_slice(&received.body).context("the outcome is not JSON")?;
    let kind = received.message_type.clone().unwrap_or_default();
    if as_json {
        render::json_line(&json!({
            "message": received.correlation_id,
            "case": received.case,
            "type": kind,
            "outcome": body,
        }))?;
    } else {
        render::line(&kind)?;
        render::line(&serde_json::to_string_pretty(&body)?)?;
    }
    received.ack().await;
    Ok(Verdict::Yes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_written_in_seconds_or_minutes() {
        assert_eq!(seconds("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(seconds("45"), Ok(Duration::from_secs(45)));
        assert_eq!(seconds("2m"), Ok(Duration::from_secs(120)));
        assert!(seconds("soon").is_err());
    }
}

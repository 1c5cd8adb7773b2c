//! An agent's system that keeps every promise but one. It shares no code with innfri.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};
use serde_json::Value;
use uuid::Uuid;

use crate::support::messages::{AGENCY, RESTGJELD, restgjeld};

/// Which promise it breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    None,
    SharesNoIdentity,
    NewIdOnRetry,
    IgnoresConfirms,
    LeavesRepeats,
    LeavesRefusals,
    FirstOutcomeOnly,
    ClosedByFailure,
}

/// Requests that it sends.
const REQUESTS: u32 = 7;

/// What it keeps of one request.
struct Request {
    id: String,
    body: Value,
    confirmed: bool,
    tried: bool,
}

/// Asks, and takes outcomes for ever.
pub async fn run(url: String, habit: Habit) {
    let drawn = || Uuid::from_u128(rand::random()).to_string();
    let request =
        |number| Request { id: drawn(), body: restgjeld(number), confirmed: false, tried: false };
    let mut requests: Vec<Request> = (1..=REQUESTS).map(request).collect();
    let mut known: HashMap<String, String> = HashMap::new();
    loop {
        if let Err(error) = session(&url, habit, &mut requests, &mut known).await {
            drop(error);
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

async fn session(
    url: &str,
    habit: Habit,
    requests: &mut [Request],
    known: &mut HashMap<String, String>,
) -> Result<(), lapin::Error> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    for request in requests.iter_mut().filter(|request| !request.confirmed) {
        if request.tried && habit == Habit::NewIdOnRetry {
            request.id = Uuid::from_u128(rand::random()).to_string();
        }
        request.tried = true;
        request.confirmed = habit == Habit::IgnoresConfirms;
        publish(&channel, habit, request).await?;
        request.confirmed = true;
    }
    let queue = format!("innfri.org.no.{AGENCY}.answers");
    let options = BasicConsumeOptions::default();
    let mut arriving = channel
        .basic_consume(queue.as_str().into(), "".into(), options, FieldTable::default())
        .await?;
    while let Some(delivery) = arriving.next().await {
        let delivery = delivery?;
        if takes(habit, known, &delivery) {
            let tag = delivery.delivery_tag;
            channel.basic_ack(tag, BasicAckOptions::default()).await?;
        }
    }
    Ok(())
}

fn takes(habit: Habit, known: &mut HashMap<String, String>, delivery: &Delivery) -> bool {
    let text = |text: &Option<lapin::types::ShortString>| {
        text.as_ref().map(|text| text.as_str().to_owned()).unwrap_or_default()
    };
    let id = text(delivery.properties.message_id());
    let request = text(delivery.properties.correlation_id());
    let body: Value = serde_json::from_slice(&delivery.data).unwrap();
    let says = body["aarsak"].as_str().unwrap_or_default().to_owned();
    let earlier = known.get(&request).cloned();
    let takes = match (habit, earlier.as_deref()) {
        (Habit::LeavesRepeats, _) => !delivery.redelivered,
        (Habit::LeavesRefusals, _) => says != "UGYLDIG_MELDING",
        (Habit::FirstOutcomeOnly, Some(earlier)) => {
            earlier.starts_with(&id) || earlier.ends_with("TEKNISK_FEIL")
        }
        (Habit::ClosedByFailure, Some(earlier)) => {
            earlier.starts_with(&id) || !earlier.ends_with("TEKNISK_FEIL")
        }
        (
            Habit::None
            | Habit::SharesNoIdentity
            | Habit::NewIdOnRetry
            | Habit::IgnoresConfirms
            | Habit::FirstOutcomeOnly
            | Habit::ClosedByFailure,
            _,
        ) => true,
    };
    if earlier.is_none() {
        known.insert(request, format!("{id} {says}"));
    }
    takes
}

async fn publish(channel: &Channel, habit: Habit, request: &Request) -> Result<(), lapin::Error> {
    let mut properties = BasicProperties::default()
        .with_delivery_mode(2)
        .with_content_type("application/json".into())
        .with_type(RESTGJELD.into())
        .with_message_id(request.id.as_str().into());
    if habit != Habit::SharesNoIdentity {
        properties = properties.with_user_id("megler".into());
    }
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let body = request.body.to_string();
    let confirm = channel
        .basic_publish("innfri.requests".into(), "".into(), options, body.as_bytes(), properties)
        .await?;
    if habit == Habit::IgnoresConfirms {
        return Ok(());
    }
    assert!(matches!(confirm.await?, Confirmation::Ack(_)));
    Ok(())
}

//! A bank's system that keeps every promise but one. It shares no code with innfri.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::messages::{BANK, STATUS};

/// Which promise it breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    None,
    SharesNoIdentity,
    NewIdOnRetry,
    IgnoresConfirms,
    AsksForNoConfirms,
    StaysAway,
    AnswersRepeatsAnew,
    WrongCorrelation,
    NoRejections,
    RejectedIdAgain,
}

/// What it remembers.
#[derive(Default)]
struct Memory {
    /// Requests whose answers were confirmed.
    answered: HashMap<String, Value>,
    /// Requests by the ids of their answers.
    asked: HashMap<String, (String, Value)>,
}

/// Answers for ever.
pub async fn run(url: String, habit: Habit) {
    let mut memory = Memory::default();
    let mut sessions = 0;
    loop {
        let before = sessions;
        if let Err(error) = session(&url, habit, &mut memory, &mut sessions).await {
            drop(error);
        }
        if habit == Habit::StaysAway && sessions != before {
            return std::future::pending().await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

async fn session(
    url: &str,
    habit: Habit,
    memory: &mut Memory,
    sessions: &mut u32,
) -> Result<(), lapin::Error> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    if habit != Habit::AsksForNoConfirms {
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
    }
    let mut consumers = Vec::new();
    for name in ["requests", "answers"] {
        if habit == Habit::NoRejections && name == "answers" {
            continue;
        }
        let queue = format!("innfri.org.no.{BANK}.{name}");
        let options = BasicConsumeOptions::default();
        let consuming =
            channel.basic_consume(queue.as_str().into(), "".into(), options, FieldTable::default());
        consumers.push(consuming.await?);
    }
    *sessions += 1;
    let mut arriving = futures_util::stream::select_all(consumers);
    while let Some(delivery) = arriving.next().await {
        let delivery = delivery?;
        if said(delivery.properties.kind().as_ref()).starts_with("innfri.") {
            rejected(&channel, habit, memory, &delivery).await?;
        } else {
            asked(&channel, habit, memory, &delivery).await?;
        }
        let tag = delivery.delivery_tag;
        channel.basic_ack(tag, BasicAckOptions::default()).await?;
    }
    Ok(())
}

async fn asked(
    channel: &Channel,
    habit: Habit,
    memory: &mut Memory,
    delivery: &Delivery,
) -> Result<(), lapin::Error> {
    let request = said(delivery.properties.message_id().as_ref());
    let body: Value = serde_json::from_slice(&delivery.data).unwrap();
    let derived = Uuid::new_v5(&request.parse().unwrap(), b"answer");
    let drawn = Uuid::from_u128(rand::random());
    let (id, text) = match (memory.answered.contains_key(&request), habit) {
        (true, Habit::AnswersRepeatsAnew) => (drawn, "Et annet svar."),
        (true, _) => return Ok(()),
        (false, Habit::NewIdOnRetry) => (drawn, "Se e-post."),
        (false, _) => (derived, "Se e-post."),
    };
    memory.asked.insert(id.to_string(), (request.clone(), body.clone()));
    publish(channel, habit, &id.to_string(), &request, &status(&body, text)).await?;
    memory.answered.insert(request, body);
    Ok(())
}

async fn rejected(
    channel: &Channel,
    habit: Habit,
    memory: &mut Memory,
    delivery: &Delivery,
) -> Result<(), lapin::Error> {
    let id = said(delivery.properties.correlation_id().as_ref());
    // What belongs to no case would be rejected again, for ever.
    if habit == Habit::WrongCorrelation {
        return Ok(());
    }
    let Some((request, body)) = memory.asked.get(&id).cloned() else { return Ok(()) };
    let new = if habit == Habit::RejectedIdAgain {
        id
    } else {
        Uuid::new_v5(&request.parse().unwrap(), b"correction").to_string()
    };
    publish(channel, habit, &new, &request, &status(&body, "Rettet.")).await
}

fn status(request: &Value, text: &str) -> Value {
    let asker = &request["avsender"];
    json!({"avsender": {"id": BANK},
        "mottaker": {"id": asker["id"], "referanse": asker["referanse"]},
        "statuskode": "SVARER_I_EPOST", "tekst": text})
}

async fn publish(
    channel: &Channel,
    habit: Habit,
    id: &str,
    request: &str,
    body: &Value,
) -> Result<(), lapin::Error> {
    let stray = Uuid::from_u128(rand::random()).to_string();
    let correlation = if habit == Habit::WrongCorrelation { &stray } else { request };
    let mut properties = BasicProperties::default()
        .with_delivery_mode(2)
        .with_content_type("application/json".into())
        .with_type(STATUS.into())
        .with_message_id(id.into())
        .with_correlation_id(correlation.into());
    if habit != Habit::SharesNoIdentity {
        properties = properties.with_user_id("testvik".into());
    }
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let body = body.to_string();
    let confirm = channel
        .basic_publish("innfri.answers".into(), "".into(), options, body.as_bytes(), properties)
        .await?;
    if matches!(habit, Habit::IgnoresConfirms | Habit::AsksForNoConfirms) {
        return Ok(());
    }
    assert!(matches!(confirm.await?, Confirmation::Ack(_)));
    Ok(())
}

fn said(text: Option<&lapin::types::ShortString>) -> String {
    text.map(|text| text.as_str().to_owned()).unwrap_or_default()
}

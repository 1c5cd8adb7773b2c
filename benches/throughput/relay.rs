//! The bare relay: takes a message from one queue, publishes it to the next of some others, waits for the
//! confirmation, acknowledges. It reads nothing and keeps nothing: what RabbitMQ and lapin cost.

use std::collections::VecDeque;

use futures_util::{FutureExt, StreamExt};
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
    ConfirmSelectOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Connection, ConnectionProperties};

/// Messages under way.
const WINDOW: u16 = 512;

/// Relays until it is killed.
pub async fn run(url: &str, from: &str, to: &[String]) {
    let connection = Connection::connect(url, ConnectionProperties::default()).await.unwrap();
    let takes = connection.create_channel().await.unwrap();
    let gives = connection.create_channel().await.unwrap();
    gives.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    takes.basic_qos(WINDOW, BasicQosOptions::default()).await.unwrap();
    let options = BasicConsumeOptions::default();
    let mut consumer = takes
        .basic_consume(from.into(), "relay".into(), options, FieldTable::default())
        .await
        .unwrap();
    let mut under_way = VecDeque::new();
    let mut queues = to.iter().cycle();
    loop {
        tokio::select! {
            biased;
            // In order: what is confirmed speaks for all before it.
            Some((tag, confirmation)) = first(&mut under_way) => {
                assert!(lapin::Confirmation::is_ack(&confirmation), "not confirmed");
                let mut last: u64 = tag;
                while let Some(Some((tag, confirmation))) = first(&mut under_way).now_or_never() {
                    assert!(confirmation.is_ack(), "not confirmed");
                    last = tag;
                }
                takes.basic_ack(last, BasicAckOptions { multiple: true }).await.unwrap();
            }
            Some(delivery) = consumer.next() => {
                let delivery = delivery.unwrap();
                let queue = queues.next().expect("a queue");
                let options = BasicPublishOptions { mandatory: true, immediate: false };
                let properties: BasicProperties = delivery.properties.with_user_id("peer".into());
                let confirm = gives
                    .basic_publish("".into(), queue.as_str().into(), options, &delivery.data, properties)
                    .await
                    .unwrap();
                under_way.push_back((delivery.delivery_tag, confirm));
            }
            else => return,
        }
    }
}

/// Waits for the oldest confirmation; it stays in line until it has come.
async fn first(
    under_way: &mut VecDeque<(u64, lapin::PublisherConfirm)>,
) -> Option<(u64, lapin::Confirmation)> {
    let (_, confirm) = under_way.front_mut()?;
    let confirmation = confirm.await.unwrap();
    let (tag, _) = under_way.pop_front()?;
    Some((tag, confirmation))
}

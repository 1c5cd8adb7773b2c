//! A participant's own system under load: one connection, many messages under way in both directions.
//! What is not confirmed is published again with the same id; what is not acknowledged comes again. It
//! shares no code with innfri.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt, select_all};
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
    ConfirmSelectOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Confirmation, Connection, ConnectionProperties};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::participant::{Letter, Mail};

/// Messages under way, each way.
const WINDOW: u16 = 64;
/// A step that takes longer ends the connection.
const STEP: Duration = Duration::from_secs(15);
/// A connection on which nothing happens for so long is made anew: it may be half dead.
const QUIET: Duration = Duration::from_secs(10);

/// Whose system it is.
pub trait Owner: Send + Sync + 'static {
    /// A message has come; it is acknowledged after this, and may come again.
    fn received(&self, queue: &str, arrived: Arrived);
    /// A message is safe with RabbitMQ.
    fn confirmed(&self, letter: &Letter);
}

/// A message that has come.
#[derive(Debug, Clone)]
pub struct Arrived {
    pub mail: Mail,
    /// Which outcome of its case it is, when it is one.
    pub revision: Option<i64>,
}

/// What waits to be published.
#[derive(Default)]
pub struct Outbox {
    waiting: Mutex<VecDeque<Letter>>,
    more: Notify,
}

impl Outbox {
    pub fn put(&self, letter: Letter) {
        self.waiting.lock().unwrap().push_back(letter);
        self.more.notify_one();
    }

    fn put_back(&self, letters: impl DoubleEndedIterator<Item = Letter>) {
        let mut waiting = self.waiting.lock().unwrap();
        letters.rev().for_each(|letter| waiting.push_front(letter));
    }

    async fn take(&self) -> Letter {
        loop {
            if let Some(letter) = self.waiting.lock().unwrap().pop_front() {
                return letter;
            }
            self.more.notified().await;
        }
    }
}

/// Where and as whom a peer connects.
pub struct Account {
    pub url: String,
    pub user: String,
    /// The exchange to which everything goes.
    pub exchange: String,
    pub queues: Vec<String>,
}

/// A running participant. It goes with this value.
pub struct Peer {
    _task: JoinSet<()>,
}

impl Peer {
    pub fn start(account: Account, outbox: Arc<Outbox>, owner: Arc<dyn Owner>) -> Self {
        let mut task = JoinSet::new();
        task.spawn(async move {
            loop {
                // Why a connection ended is no matter: there is always a next one.
                drop(session(&account, &outbox, owner.as_ref()).await);
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        });
        Self { _task: task }
    }
}

type Ended = Box<dyn std::error::Error + Send + Sync>;

async fn session(account: &Account, outbox: &Outbox, owner: &dyn Owner) -> Result<(), Ended> {
    let url = format!("{}?heartbeat=5", account.url);
    let connecting = Connection::connect(&url, ConnectionProperties::default());
    let connection = timeout(STEP, connecting).await??;
    let mut doubtful = BTreeMap::new();
    let ended = converse(&connection, account, outbox, owner, &mut doubtful).await;
    outbox.put_back(doubtful.into_values());
    drop(timeout(Duration::from_secs(1), connection.close(200, "goodbye".into())).await);
    ended
}

async fn converse(
    connection: &Connection,
    account: &Account,
    outbox: &Outbox,
    owner: &dyn Owner,
    doubtful: &mut BTreeMap<u64, Letter>,
) -> Result<(), Ended> {
    let channel = timeout(STEP, connection.create_channel()).await??;
    timeout(STEP, channel.confirm_select(ConfirmSelectOptions::default())).await??;
    timeout(STEP, channel.basic_qos(WINDOW, BasicQosOptions::default())).await??;
    let mut consumers = Vec::new();
    for queue in &account.queues {
        let options = BasicConsumeOptions::default();
        let consuming =
            channel.basic_consume(queue.as_str().into(), "".into(), options, FieldTable::default());
        let consumer = timeout(STEP, consuming).await??;
        consumers.push(consumer.map(move |delivery| (queue, delivery)));
    }
    let mut incoming = select_all(consumers);
    let mut confirming = FuturesUnordered::new();
    for number in 0_u64.. {
        tokio::select! {
            Some((number, confirmation)) = confirming.next(), if !confirming.is_empty() => {
                match confirmation {
                    Ok(Confirmation::Ack(None)) => {
                        let letter: Option<Letter> = doubtful.remove(&number);
                        letter.iter().for_each(|letter| owner.confirmed(letter));
                    }
                    other => return Err(format!("not taken: {other:?}").into()),
                }
            }
            letter = outbox.take(), if confirming.len() < usize::from(WINDOW) => {
                let properties = properties(&letter, &account.user);
                doubtful.insert(number, letter.clone());
                let options =
                    BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
                let exchange = account.exchange.as_str().into();
                let publishing =
                    channel.basic_publish(exchange, "".into(), options, &letter.body, properties);
                let confirm = timeout(STEP, publishing).await??;
                confirming.push(async move { (number, confirm.await) });
            }
            next = incoming.next() => {
                let (queue, delivery) = next.ok_or("nothing is consumed any more")?;
                let delivery = delivery?;
                owner.received(queue, arrived(&delivery));
                let acknowledging =
                    channel.basic_ack(delivery.delivery_tag, BasicAckOptions::default());
                timeout(STEP, acknowledging).await??;
            }
            () = tokio::time::sleep(QUIET) => return Err("nothing happens".into()),
        }
    }
    Ok(())
}

fn properties(letter: &Letter, user: &str) -> BasicProperties {
    let given = |text: &Option<String>| ShortString::from(text.as_deref().unwrap_or_default());
    let properties = BasicProperties::default()
        .with_delivery_mode(2)
        .with_content_type("application/json".into())
        .with_user_id(user.into())
        .with_type(given(&letter.message_type))
        .with_message_id(given(&letter.message_id));
    match &letter.correlation_id {
        Some(_) => properties.with_correlation_id(given(&letter.correlation_id)),
        None => properties,
    }
}

fn arrived(delivery: &Delivery) -> Arrived {
    let properties = &delivery.properties;
    let text = |value: &Option<ShortString>| value.as_ref().map(|text| text.as_str().to_owned());
    let headers = properties.headers().as_ref();
    let revision = headers.and_then(|headers| match headers.inner().get("innfri-revision") {
        Some(AMQPValue::LongLongInt(number)) => Some(*number),
        _ => None,
    });
    let mail = Mail {
        message_type: text(properties.kind()).unwrap_or_default(),
        message_id: text(properties.message_id()).unwrap_or_default(),
        correlation_id: text(properties.correlation_id()),
        body: delivery.data.clone(),
    };
    Arrived { mail, revision }
}

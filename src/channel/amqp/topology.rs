//! What must exist in RabbitMQ: a pure list made from the directory, and its idempotent declaration.
//!
//! Every queue is a durable quorum queue with an explicit delivery limit (none is the default on 3.x,
//! 20 on 4.x) and refuses what does not fit (so that its sender learns of it). All but one dead-letter
//! at least once to `innfri.dead`, which needs exactly this overflow: without it RabbitMQ falls back to
//! at most once with only a log line.

use std::collections::BTreeMap;
use std::fmt;

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, ExchangeKind};
use serde::Serialize;

use super::config::AmqpConfig;
use super::error::AmqpError;
use crate::case::Purpose;
use crate::directory::{Directory, Handler, Participant, Role};
use crate::kernel::OrganisationId;

/// Where participants publish requests.
pub const REQUESTS: &str = "innfri.requests";
/// Where banks publish answers and statuses.
pub const ANSWERS: &str = "innfri.answers";
/// Where innfri publishes, with the queue's name as routing key. (Not the nameless exchange: a right
/// to that one reaches every queue.)
pub const DELIVERIES: &str = "innfri.deliveries";
/// Where RabbitMQ puts what it gives up on.
pub const DEAD: &str = "innfri.dead";
/// From where innfri takes requests.
pub const IN_REQUESTS: &str = "innfri.in.requests";
/// From where innfri takes answers and statuses.
pub const IN_ANSWERS: &str = "innfri.in.answers";
/// From where innfri takes what RabbitMQ gave up on.
pub const IN_DEAD: &str = "innfri.in.dead";

/// The last resort: exchange and queue for what cannot even be taken in as a dead letter, such as a
/// message whose properties no AMQP client can read. Only people look here; `innfri doctor` counts it.
pub const UNREADABLE: &str = "innfri.unreadable";

/// What must exist in RabbitMQ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Topology {
    /// Durable exchanges.
    pub exchanges: Vec<Exchange>,
    /// Durable queues.
    pub queues: Vec<Queue>,
    /// From exchanges to queues.
    pub bindings: Vec<Binding>,
}

/// A durable exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exchange {
    /// Its name.
    pub name: String,
    /// How it routes.
    #[serde(rename = "type")]
    pub kind: Routing,
}

/// How an exchange routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Routing {
    /// To the queue bound with exactly the message's routing key.
    Direct,
    /// To all bound queues, whatever the routing key: a participant cannot miss.
    Fanout,
}

/// A durable queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// Its `x-` arguments.
    pub arguments: BTreeMap<&'static str, Argument>,
}

/// The value of a queue's argument.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Argument {
    /// A word.
    Text(&'static str),
    /// A number.
    Number(i64),
}

/// A way from an exchange to a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Binding {
    /// The exchange.
    pub source: String,
    /// The queue.
    pub queue: String,
    /// For which routing key.
    pub routing_key: String,
}

/// The queue through which an organisation gets deliveries of this purpose, such as
/// `innfri.org.no.926018159.requests`.
pub fn queue_of(organisation: &OrganisationId, purpose: Purpose) -> String {
    match purpose {
        Purpose::Request => queue_name(organisation, "requests"),
        Purpose::Outcome { .. } | Purpose::Rejection | Purpose::Receipt => {
            queue_name(organisation, "answers")
        }
    }
}

fn queue_name(organisation: &OrganisationId, what: &str) -> String {
    let country = organisation.country().code().to_ascii_lowercase();
    format!("innfri.org.{country}.{}.{what}", organisation.number())
}

/// The queues of one participant: none unless it is reached by AMQP.
pub(super) fn queues_of(participant: &Participant) -> Vec<String> {
    match (&participant.handler, &participant.role) {
        (
            Handler::LoanBook(_)
            | Handler::Mailbox
            | Handler::Webhook(_)
            | Handler::Http(_)
            | Handler::Altinn,
            _,
        ) => Vec::new(),
        (Handler::Amqp, Role::Bank) => {
            vec![queue_name(&participant.id, "requests"), queue_name(&participant.id, "answers")]
        }
        (Handler::Amqp, Role::EstateAgency | Role::CoveredBondCompany { .. }) => {
            vec![queue_name(&participant.id, "answers")]
        }
    }
}

impl Topology {
    /// What must exist for these participants.
    pub fn of(directory: &Directory, config: &AmqpConfig) -> Self {
        let exchanges = [
            (REQUESTS, Routing::Fanout),
            (ANSWERS, Routing::Fanout),
            (DELIVERIES, Routing::Direct),
            (DEAD, Routing::Fanout),
            (UNREADABLE, Routing::Fanout),
        ];
        let intake = [
            (REQUESTS, IN_REQUESTS),
            (ANSWERS, IN_ANSWERS),
            (DEAD, IN_DEAD),
            (UNREADABLE, UNREADABLE),
        ];
        let theirs: Vec<String> =
            directory.participants().flat_map(|participant| queues_of(participant)).collect();
        let queue = |name: String| Queue { arguments: arguments(&name, config), name };
        Self {
            exchanges: exchanges
                .map(|(name, kind)| Exchange { name: name.to_owned(), kind })
                .to_vec(),
            queues: intake
                .iter()
                .map(|(_, name)| queue((*name).to_owned()))
                .chain(theirs.iter().cloned().map(queue))
                .collect(),
            bindings: intake
                .iter()
                .map(|(source, queue)| binding(source, queue, ""))
                .chain(theirs.iter().map(|queue| binding(DELIVERIES, queue, queue)))
                .collect(),
        }
    }

    /// Declares all of it. What exists as listed stays as it is.
    ///
    /// # Errors
    /// [`AmqpError::Topology`] for what exists with other settings, by name; the channel is then
    /// closed. The errors of a broken connection otherwise.
    pub async fn declare(&self, channel: &Channel) -> Result<(), AmqpError> {
        for exchange in &self.exchanges {
            let kind = match exchange.kind {
                Routing::Direct => ExchangeKind::Direct,
                Routing::Fanout => ExchangeKind::Fanout,
            };
            let options = ExchangeDeclareOptions { durable: true, ..Default::default() };
            channel
                .exchange_declare(short(&exchange.name)?, kind, options, FieldTable::default())
                .await
                .map_err(|error| mismatch("exchange", &exchange.name, &error))?;
        }
        for queue in &self.queues {
            let options = QueueDeclareOptions { durable: true, ..Default::default() };
            channel
                .queue_declare(short(&queue.name)?, options, queue.table())
                .await
                .map_err(|error| mismatch("queue", &queue.name, &error))?;
        }
        for Binding { source, queue, routing_key } in &self.bindings {
            channel
                .queue_bind(
                    short(queue)?,
                    short(source)?,
                    short(routing_key)?,
                    QueueBindOptions::default(),
                    FieldTable::default(),
                )
                .await
                .map_err(|error| AmqpError::of(&format!("binding {source} to {queue}"), &error))?;
        }
        Ok(())
    }
}

/// How many messages wait in [`UNREADABLE`].
///
/// # Errors
/// When the queue does not exist, or cannot be reached.
pub async fn unreadable(channel: &Channel) -> Result<u32, AmqpError> {
    let options = QueueDeclareOptions { passive: true, ..Default::default() };
    let queue = channel
        .queue_declare(short(UNREADABLE)?, options, FieldTable::default())
        .await
        .map_err(|error| AmqpError::of("counting what cannot be read", &error))?;
    Ok(queue.message_count())
}

fn binding(source: &str, queue: &str, routing_key: &str) -> Binding {
    Binding { source: source.into(), queue: queue.into(), routing_key: routing_key.into() }
}

fn arguments(queue: &str, config: &AmqpConfig) -> BTreeMap<&'static str, Argument> {
    let mut arguments = BTreeMap::from([
        ("x-queue-type", Argument::Text("quorum")),
        ("x-overflow", Argument::Text("reject-publish")),
        ("x-max-length", Argument::Number(config.queue_max_length.into())),
    ]);
    if let Some(bytes) = config.queue_max_length_bytes {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        arguments.insert("x-max-length-bytes", Argument::Number(bytes));
    }
    arguments.insert("x-delivery-limit", Argument::Number(config.delivery_limit.into()));
    let behind = match queue {
        UNREADABLE => None,
        IN_DEAD => Some(UNREADABLE),
        _ => Some(DEAD),
    };
    if let Some(exchange) = behind {
        arguments.insert("x-dead-letter-exchange", Argument::Text(exchange));
        arguments.insert("x-dead-letter-strategy", Argument::Text("at-least-once"));
    }
    arguments
}

impl Queue {
    fn table(&self) -> FieldTable {
        let mut table = FieldTable::default();
        for (name, value) in &self.arguments {
            let value = match value {
                Argument::Text(text) => AMQPValue::LongString((*text).into()),
                Argument::Number(number) => AMQPValue::LongLongInt(*number),
            };
            table.insert((*name).into(), value);
        }
        table
    }
}

/// A name as AMQP carries it: at most 255 bytes.
pub(super) fn short(name: &str) -> Result<ShortString, AmqpError> {
    ShortString::try_new(name).map_err(|_| AmqpError::Topology {
        what: "a name".into(),
        problem: "is longer than the 255 bytes that AMQP carries".into(),
    })
}

fn mismatch(kind: &str, name: &str, error: &lapin::Error) -> AmqpError {
    match error.kind() {
        lapin::ErrorKind::ProtocolError(said) if said.get_id() == 406 => AmqpError::Topology {
            what: format!("{kind} {name}"),
            problem: format!(
                "exists with other settings ({}). Change the configuration back, or, once it is \
                 empty, delete it in RabbitMQ and run `innfri topology apply` again",
                said.get_message()
            ),
        },
        _ => AmqpError::of(&format!("declaring {kind} {name}"), error),
    }
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => number.fmt(f),
        }
    }
}

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Exchange { name, kind } in &self.exchanges {
            let kind = match kind {
                Routing::Direct => "direct",
                Routing::Fanout => "fanout",
            };
            writeln!(f, "exchange {name} ({kind}, durable)")?;
        }
        for queue in &self.queues {
            write!(f, "queue    {} (durable", queue.name)?;
            for (name, value) in &queue.arguments {
                write!(f, ", {name} {value}")?;
            }
            writeln!(f, ")")?;
        }
        for Binding { source, queue, routing_key } in &self.bindings {
            let key = if routing_key.is_empty() { "" } else { " by its name" };
            writeln!(f, "binding  {source} -> {queue}{key}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::directory::{DeliveryPolicy, Operator};
    use crate::kernel::{Login, Secret};

    pub(in super::super) fn participant(id: &str, role: Role, handler: Handler) -> Participant {
        Participant {
            id: id.parse().unwrap(),
            name: "A name".into(),
            role,
            sends: BTreeSet::new(),
            receives: BTreeSet::new(),
            register_numbers: BTreeSet::new(),
            approved_register_numbers: BTreeSet::new(),
            handler,
            receipts: false,
            delivery: DeliveryPolicy::default(),
        }
    }

    pub(in super::super) fn directory() -> Directory {
        let bank: OrganisationId = "NO:926018159".parse().unwrap();
        let company = Role::CoveredBondCompany { parent: bank.clone() };
        let operator = |login: &str, ids: &[&str]| Operator {
            login: Login::new(login),
            name: login.into(),
            speaks_for: ids.iter().map(|id| id.parse().unwrap()).collect(),
            organisation: None,
        };
        Directory::new(
            vec![
                participant("NO:926018159", Role::Bank, Handler::Amqp),
                participant("FI:1234567-8", Role::Bank, Handler::LoanBook("book.toml".into())),
                participant("NO:918190937", Role::EstateAgency, Handler::Amqp),
                participant("NO:903137215", company, Handler::Amqp),
            ],
            vec![
                operator("agent-system", &["NO:918190937"]),
                operator("data-centre", &["NO:926018159", "NO:903137215"]),
                operator("idle", &["FI:1234567-8"]),
            ],
        )
        .unwrap()
    }

    pub(in super::super) fn config() -> AmqpConfig {
        AmqpConfig::new(Secret::new("amqp://innfri:pw@localhost/v"))
    }

    #[test]
    fn queues_follow_roles_and_handlers() {
        let topology = Topology::of(&directory(), &config());
        let names: Vec<&str> = topology.queues.iter().map(|queue| queue.name.as_str()).collect();
        assert_eq!(
            names,
            [
                IN_REQUESTS,
                IN_ANSWERS,
                IN_DEAD,
                UNREADABLE,
                "innfri.org.no.903137215.answers",
                "innfri.org.no.918190937.answers",
                "innfri.org.no.926018159.requests",
                "innfri.org.no.926018159.answers",
            ]
        );
        for queue in &topology.queues {
            assert!(topology.bindings.iter().any(|binding| binding.queue == queue.name));
        }
    }

    #[test]
    fn dead_letters_are_kept_at_least_once_and_never_run_in_a_circle() {
        let config = AmqpConfig { queue_max_length_bytes: Some(5), ..config() };
        for queue in Topology::of(&directory(), &config).queues {
            let has = |name: &str, value: &str| {
                queue.arguments.get(name).is_some_and(|found| found.to_string() == value)
            };
            assert!(has("x-queue-type", "quorum") && has("x-overflow", "reject-publish"));
            assert!(has("x-max-length", "1000000") && has("x-max-length-bytes", "5"));
            assert!(has("x-delivery-limit", "20"));
            let (dead, last) = (queue.name == IN_DEAD, queue.name == UNREADABLE);
            assert_eq!(has("x-dead-letter-exchange", DEAD), !dead && !last);
            assert_eq!(has("x-dead-letter-exchange", UNREADABLE), dead);
            assert_eq!(has("x-dead-letter-strategy", "at-least-once"), !last);
        }
    }

    #[test]
    fn a_topology_is_printed_for_people_and_for_programs() {
        let topology = Topology::of(&directory(), &config());
        let printed = topology.to_string();
        assert!(printed.contains("binding  innfri.requests -> innfri.in.requests\n"));
        assert!(printed.contains("queue    innfri.org.no.926018159.requests (durable, x-dead-"));
        let json = serde_json::to_value(&topology).unwrap();
        assert_eq!(json["exchanges"][0]["type"], "fanout");
        assert_eq!(json["queues"][0]["arguments"]["x-delivery-limit"], 20);
    }

    #[test]
    fn only_requests_go_to_the_queue_of_requests() {
        let bank: OrganisationId = "FI:1234567-8".parse().unwrap();
        assert_eq!(queue_of(&bank, Purpose::Request), "innfri.org.fi.1234567-8.requests");
        for purpose in [Purpose::Outcome { revision: 1 }, Purpose::Rejection, Purpose::Receipt] {
            assert_eq!(queue_of(&bank, purpose), "innfri.org.fi.1234567-8.answers");
        }
    }
}

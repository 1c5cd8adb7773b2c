//! The AMQP contract as AsyncAPI 3.0 with AMQP bindings 0.3.0, made from the catalogue.
//!
//! An AsyncAPI document speaks as one application; this one speaks as innfri, as the field does it:
//! what a participant sends is innfri's `receive`. Each operation says in its first words, and in
//! `x-participant-action`, what the participant does.

use super::amqp_names::{
    ANSWERS, ANSWERS_QUEUE, DELIVERIES, REQUESTS, REQUESTS_QUEUE, queue_arguments,
};
use super::catalogue::{Direction, MessageType};
use super::example::examples_of;
use super::ordered::{Json, object};
use super::parts::{BesideReference, schema_of, schema_ref, schemas};

/// The version of the binding that the document follows.
const BINDING: &str = "0.3.0";

const ABOUT: &str = "Payoff questions and answers between estate agents and banks over AMQP 0-9-1 \
    (RabbitMQ 3.10 or newer).\n\n\
    This document speaks as **innfri**: what you, a participant, *publish* is an operation with \
    `action: receive` here; what you *consume* is one with `action: send`. The field \
    `x-participant-action` of each operation says it from your side.\n\n\
    **An asker** publishes a request to the exchange `innfri.requests` and consumes its outcome from \
    its own queue `innfri.org.<country>.<number>.answers`. **A bank** consumes requests from \
    `innfri.org.<country>.<number>.requests`, publishes an answer or a status to the exchange \
    `innfri.answers`, and consumes rejections from its own `….answers`.\n\n\
    Publish persistent messages with `mandatory`, and wait for the confirmation: a message is in \
    innfri's hands once RabbitMQ has confirmed it, and may be published again with the same \
    `message_id` until then. Consume with manual acknowledgement, and acknowledge when you have stored \
    the message. A message may come twice with the same `message_id`: drop the second. Of two outcomes \
    of one case the one with the larger `innfri-revision` holds.\n\n\
    The queues are declared by innfri; a participant may read its own and write to its exchange, and \
    nothing else. Schemas stand here as every tool reads them; as JSON Schema 2020-12 they are the files \
    in `schemas/no/`.";

/// The document.
pub fn asyncapi() -> Json {
    object! {
        "asyncapi": "3.0.0",
        "id": "urn:innfri:asyncapi",
        "info": object! {
            "title": "innfri over AMQP",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": object! {
                "name": "Apache-2.0",
                "url": "https://www.apache.org/licenses/LICENSE-2.0",
            },
            "tags": Json::list([
                object! { "name": "request", "description": "From an asker to a bank." },
                object! { "name": "answer", "description": "From a bank to an asker." },
                object! { "name": "notice", "description": "From innfri itself." },
            ]),
        },
        "defaultContentType": "application/json",
        "servers": object! { "installation": server() },
        "channels": channels(),
        "operations": operations(),
        "components": object! {
            "messages": Json::object(
                MessageType::ALL.map(|kind| (kind.name().to_owned(), message(kind))),
            ),
            "schemas": Json::object(schemas(BesideReference::Dropped)),
            "securitySchemes": object! {
                "login": object! {
                    "type": "userPassword",
                    "description": "The operator's RabbitMQ user. The property user_id of every \
                        message names it: RabbitMQ checks that it is true, and innfri takes no message \
                        without it.",
                },
                "certificate": object! {
                    "type": "X509",
                    "description": "A client certificate, where the installation asks for one.",
                },
            },
        },
    }
}

fn server() -> Json {
    object! {
        "host": "rabbitmq.innfri.example:5671",
        "protocol": "amqps",
        "protocolVersion": "0.9.1",
        "description": "A placeholder: the host that your installation's operator gave you.",
        "security": Json::list([
            object! { "$ref": "#/components/securitySchemes/login" },
            object! { "$ref": "#/components/securitySchemes/certificate" },
        ]),
    }
}

/// The types that go one way.
fn of(directions: &[Direction]) -> Vec<MessageType> {
    MessageType::ALL.into_iter().filter(|kind| directions.contains(&kind.direction())).collect()
}

fn channels() -> Json {
    use Direction::{Answer, Notice, Request, Status};
    object! {
        "requests": exchange_channel(
            REQUESTS, "Where askers publish requests", &of(&[Request]),
        ),
        "answers": exchange_channel(
            ANSWERS, "Where banks publish answers and statuses", &of(&[Answer, Status]),
        ),
        "requestsQueue": queue_channel(
            REQUESTS_QUEUE, "Where a bank consumes requests", &of(&[Request]),
        ),
        "answersQueue": queue_channel(
            ANSWERS_QUEUE,
            "Where an asker consumes outcomes and receipts, and a bank rejections",
            &of(&[Answer, Status, Notice]),
        ),
    }
}

fn channel_messages(kinds: &[MessageType]) -> Json {
    Json::object(kinds.iter().map(|kind| {
        let reference = object! { "$ref": format!("#/components/messages/{kind}") };
        (kind.name().to_owned(), reference)
    }))
}

fn exchange_channel(name: &str, title: &str, kinds: &[MessageType]) -> Json {
    object! {
        "address": name,
        "title": title,
        "description": format!(
            "The exchange `{name}` hands everything to innfri, whatever the routing key; this address \
             does for one."
        ),
        "messages": channel_messages(kinds),
        "bindings": object! { "amqp": object! {
            "is": "routingKey",
            "exchange": object! {
                "name": name,
                "type": "fanout",
                "durable": true,
                "autoDelete": false,
                "vhost": "/",
            },
            "bindingVersion": BINDING,
        } },
    }
}

fn queue_channel(name: &str, title: &str, kinds: &[MessageType]) -> Json {
    object! {
        "address": name,
        "title": title,
        "description": format!(
            "innfri declares the queue, and publishes to it through the exchange `{DELIVERIES}` with \
             the queue's name as routing key. Do not declare it: consume from it."
        ),
        "parameters": object! {
            "country": object! {
                "description": "The country that registered the participant: ISO 3166-1, two small \
                    letters.",
                "examples": Json::list(["no"]),
            },
            "number": object! {
                "description": "The participant's organisation number. An outcome comes to the \
                    request's avsender.id or, where it was given, to its avsender.returnertil.id.",
                "examples": Json::list(["918190937", "926018159"]),
            },
        },
        "messages": channel_messages(kinds),
        "bindings": object! { "amqp": object! {
            "is": "queue",
            "queue": object! {
                "name": name,
                "durable": true,
                "exclusive": false,
                "autoDelete": false,
                "vhost": "/",
            },
            "bindingVersion": BINDING,
        } },
        "x-queue-arguments": queue_arguments(),
    }
}

fn operations() -> Json {
    let mut operations = Vec::new();
    for kind in of(&[Direction::Request]) {
        let title = title(kind);
        let mut outcomes: Vec<MessageType> = kind.answered_by().into_iter().collect();
        outcomes.extend(of(&[Direction::Status]));
        let mut replies = outcomes.clone();
        replies.push(MessageType::Receipt);
        let asks = format!(
            "As an asker, publish a {title} to `{REQUESTS}`; its outcome comes to your queue of \
             answers: a {}.",
            names(&outcomes)
        );
        operations.push((
            format!("ask.{kind}"),
            operation(
                Action::Receive,
                "requests",
                &[kind],
                &asks,
                Some(("answersQueue", &replies)),
            ),
        ));
        let answers = format!(
            "As a bank, consume a {title} from your queue of requests, and answer it with a {} \
             published to `{ANSWERS}`, with the request's message_id as correlation_id.",
            names(&outcomes)
        );
        operations.push((
            format!("handOn.{kind}"),
            operation(
                Action::Send,
                "requestsQueue",
                &[kind],
                &answers,
                Some(("answers", &outcomes)),
            ),
        ));
    }
    let answers = of(&[Direction::Answer, Direction::Status]);
    operations.push((
        "takeAnswers".to_owned(),
        operation(
            Action::Receive,
            "answers",
            &answers,
            &format!(
                "As a bank, publish an answer or a status to `{ANSWERS}`. One that is not accepted \
                 comes back as a rejection, and the case stays open."
            ),
            Some(("answersQueue", &[MessageType::Rejection])),
        ),
    ));
    operations.push((
        "tellOutcomes".to_owned(),
        operation(
            Action::Send,
            "answersQueue",
            &answers,
            "As an asker, consume the outcomes of your requests: an answer or a status, whose \
             correlation_id is your request's message_id.",
            None,
        ),
    ));
    for (name, kind, words) in [
        (
            "tellReceipts",
            MessageType::Receipt,
            "As an asker, consume receipts, where the directory \
            has them sent to you: the request is accepted and handed on.",
        ),
        (
            "tellRejections",
            MessageType::Rejection,
            "As a bank, consume rejections: the answer that \
            correlation_id names was not accepted. Correct it and publish it under a new message_id.",
        ),
    ] {
        operations
            .push((name.to_owned(), operation(Action::Send, "answersQueue", &[kind], words, None)));
    }
    Json::object(operations)
}

/// What innfri does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Receive,
    Send,
}

fn operation(
    action: Action,
    channel: &str,
    kinds: &[MessageType],
    words: &str,
    reply: Option<(&str, &[MessageType])>,
) -> Json {
    let (ours, theirs) = match action {
        Action::Receive => ("receive", "send"),
        Action::Send => ("send", "receive"),
    };
    let mut operation = object! {
        "action": ours,
        "x-participant-action": theirs,
        "channel": channel_ref(channel),
        "summary": words,
        "messages": message_refs(channel, kinds),
        "bindings": object! { "amqp": object! {
            "deliveryMode": 2,
            "mandatory": true,
            "timestamp": true,
            "ack": true,
            "bindingVersion": BINDING,
        } },
    };
    if let Some((channel, kinds)) = reply {
        let reply = object! {
            "channel": channel_ref(channel),
            "messages": message_refs(channel, kinds),
        };
        operation.push("reply", reply);
    }
    operation
}

fn channel_ref(channel: &str) -> Json {
    object! { "$ref": format!("#/channels/{channel}") }
}

fn message_refs(channel: &str, kinds: &[MessageType]) -> Json {
    let reference = |kind: &MessageType| {
        object! { "$ref": format!("#/channels/{channel}/messages/{kind}") }
    };
    Json::list(kinds.iter().map(reference))
}

fn title(kind: MessageType) -> String {
    let schema = schema_of(kind);
    schema.get("title").and_then(Json::text).unwrap_or_else(|| kind.name()).to_owned()
}

fn names(kinds: &[MessageType]) -> String {
    kinds.iter().map(|kind| title(*kind)).collect::<Vec<_>>().join(" or a ")
}

fn message(kind: MessageType) -> Json {
    let schema = schema_of(kind);
    let description = schema.get("description").cloned().unwrap_or(Json::Null);
    let tag = match kind.direction() {
        Direction::Request => "request",
        Direction::Answer | Direction::Status => "answer",
        Direction::Notice => "notice",
    };
    let examples = examples_of(kind).map(|example| {
        object! {
            "name": example.name,
            "payload": Json::read(example.json).unwrap_or(Json::Null),
        }
    });
    object! {
        "name": kind.name(),
        "title": title(kind),
        "summary": description,
        "description": format!("Recognised by the AMQP property `type`: `{kind}`."),
        "tags": Json::list([object! { "name": tag }]),
        "contentType": "application/json",
        "headers": headers(),
        "correlationId": object! {
            "description": correlation(kind.direction()),
            "location": "$message.header#/correlationId",
        },
        "payload": schema_ref(kind.name()),
        "bindings": object! { "amqp": object! {
            "messageType": kind.name(),
            "bindingVersion": BINDING,
        } },
        "x-amqp-properties": properties(kind),
        "examples": Json::list(examples),
    }
}

fn correlation(direction: Direction) -> &'static str {
    match direction {
        Direction::Request => {
            "The AMQP property correlation_id; not set in a request. What names a request is its \
             message_id."
        }
        Direction::Answer | Direction::Status => {
            "The AMQP property correlation_id. A bank sets it to the message_id of the request as it \
             was delivered; what the asker gets bears the message_id that the asker gave its request."
        }
        Direction::Notice => {
            "The AMQP property correlation_id: the message_id of the message that the notice is about, \
             where it had one."
        }
    }
}

/// The headers that are no AMQP properties.
fn headers() -> Json {
    object! {
        "type": "object",
        "properties": object! {
            "traceparent": object! {
                "type": "string",
                "maxLength": 255,
                "description": "W3C trace context; innfri carries it on.",
            },
            "innfri-case": object! {
                "type": "string",
                "format": "uuid",
                "description": "The case. Set by innfri in what it delivers.",
            },
            "innfri-revision": object! {
                "type": "integer",
                "minimum": 1,
                "description": "Which outcome of the case, from 1; the largest holds. Set by innfri in \
                    outcomes.",
            },
        },
    }
}

/// What the properties hold, in words: AsyncAPI has no field for protocol headers.
fn properties(kind: MessageType) -> Json {
    let mut properties = object! {
        "type": kind.name(),
        "message_id": "A UUID, made by the sender: new for each message, the same when the same message \
            is sent again.",
    };
    let correlation_id = match kind.direction() {
        Direction::Request => "Not set.",
        Direction::Answer | Direction::Status => "Required: the message_id of the request.",
        Direction::Notice => "Set by innfri: the message_id of the message that this is about.",
    };
    properties.push("correlation_id", correlation_id);
    properties.push("user_id", "Required: the login of the connection.");
    properties.push("content_type", "application/json");
    properties.push("delivery_mode", "2 (persistent)");
    properties.push("timestamp", "Seconds since 1970, UTC.");
    properties.push("app_id", "The sending system; innfri in what innfri delivers.");
    properties
}

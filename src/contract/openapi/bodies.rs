//! The interface's own schemas: what stands around the messages.

use super::super::catalogue::{Direction, MessageType};
use super::super::ordered::{Json, object};
use super::super::parts::schema_ref;
use super::super::routes::PROBLEMS;
use super::{any_of, sendable, type_names};

/// The schemas by name.
pub(super) fn schemas() -> Vec<(String, Json)> {
    [
        ("Problem", problem()),
        ("Envelope", envelope()),
        ("Accepted", accepted()),
        ("Case", case()),
        ("Outcome", outcome()),
        ("CaseList", case_list()),
        ("MailboxMessage", mailbox_message()),
        ("MailboxMessages", mailbox_messages()),
        ("Return", giving_back()),
        ("WebhookEvent", webhook_event()),
    ]
    .map(|(name, schema)| (name.to_owned(), schema))
    .to_vec()
}

/// A text with a meaning.
fn text(description: &str) -> Json {
    object! { "type": "string", "description": description }
}

/// A UUID with a meaning.
pub(super) fn id(description: &str) -> Json {
    object! { "type": "string", "format": "uuid", "description": description }
}

fn time(description: &str) -> Json {
    object! { "type": "string", "format": "date-time", "description": description }
}

/// An organisation with a meaning.
pub(super) fn organisation(description: &str) -> Json {
    object! {
        "type": "string",
        "description": format!("{description}, as country and number."),
        "examples": Json::list(["NO:926018159"]),
    }
}

fn whole(description: &str, least: u64) -> Json {
    object! { "type": "integer", "minimum": least, "description": description }
}

fn trace() -> Json {
    text("W3C trace context, carried on from the sender.")
}

/// An object of these fields.
fn of(description: &str, required: &[&str], fields: Json) -> Json {
    object! {
        "type": "object",
        "description": description,
        "required": Json::list(required.iter().copied()),
        "properties": fields,
    }
}

fn problem() -> Json {
    let urns = PROBLEMS.iter().map(|problem| format!("urn:innfri:problem:{}", problem.slug));
    of(
        "What went wrong and what to do (RFC 9457).",
        &["type", "title", "status", "detail"],
        object! {
            "type": object! {
                "type": "string",
                "enum": Json::list(urns),
                "description": "Which kind of problem: what a program looks at.",
            },
            "title": text("The kind in a few words."),
            "status": object! {
                "type": "integer",
                "minimum": 400,
                "maximum": 599,
                "description": "The HTTP status again.",
            },
            "detail": text("What is wrong and what to do about it, in English."),
            "caseId": id("The case, where the message made or belongs to one."),
            "messageId": id("The message, by its sender's name for it."),
            "findings": object! {
                "type": "array",
                "maxItems": 1000,
                "items": schema_ref("avvik"),
                "description": "Everything that is wrong with the message.",
            },
        },
    )
}

fn envelope() -> Json {
    let mut type_name = type_names(&sendable());
    type_name.push("description", "The message type.");
    let mut body = any_of(&sendable());
    body.push("description", "The business document; kept byte for byte.");
    let mut envelope = of(
        "A message with what is said about it.",
        &["type", "messageId", "body"],
        object! {
            "type": type_name,
            "messageId": id("The sender's name for the message: new for each message, the same when it \
                is sent again."),
            "correlationId": id("In an answer or a status: the id of the request as it was delivered."),
            "traceparent": text("W3C trace context to carry on."),
            "body": body,
        },
    );
    envelope.push("additionalProperties", false);
    envelope
}

fn accepted() -> Json {
    of(
        "The message is in the journal.",
        &["messageId", "disposition"],
        object! {
            "messageId": id("The message, by its sender's name for it."),
            "caseId": id("The case it opened or belongs to."),
            "disposition": object! { "type": "string", "const": "accepted" },
        },
    )
}

fn case() -> Json {
    let requests: Vec<MessageType> =
        sendable().into_iter().filter(|kind| kind.direction() == Direction::Request).collect();
    let mut type_name = type_names(&requests);
    type_name.push("description", "What was asked.");
    of(
        "A request and what became of it.",
        &["caseId", "type", "reference", "asker", "openedAt", "state", "revision"],
        object! {
            "caseId": id("The case."),
            "type": type_name,
            "reference": text("The asker's reference; empty when a refused request did not say."),
            "asker": organisation("Who asked"),
            "bank": organisation("Who was asked; absent when a refused request did not say"),
            "openedAt": time("When the request was taken in."),
            "state": object! {
                "type": "string",
                "enum": Json::list(["open", "settled"]),
                "description": "open: waits for the bank. settled: there is an outcome; a newer one may \
                    still replace it.",
            },
            "revision": whole("The number of the newest outcome; 0 when there is none yet.", 0),
            "outcome": schema_ref("Outcome"),
        },
    )
}

fn outcome() -> Json {
    let outcomes: Vec<MessageType> =
        sendable().into_iter().filter(|kind| kind.direction() != Direction::Request).collect();
    let mut type_name = type_names(&outcomes);
    type_name.push("description", "An answer with amounts, or a status.");
    let mut body = any_of(&outcomes);
    body.push(
        "description",
        "The answer or status; absent in a list, and for whoever does not get the \
        outcome.",
    );
    of(
        "The newest outcome of a case.",
        &["type", "revision", "at"],
        object! {
            "type": type_name,
            "messageId": id("innfri's name for the message that carries it."),
            "revision": whole("Which outcome of the case; the largest holds.", 1),
            "at": time("When it was decided."),
            "body": body,
        },
    )
}

fn case_list() -> Json {
    of(
        "Cases, the newest first, without the bodies of their outcomes.",
        &["cases"],
        object! {
            "cases": object! { "type": "array", "items": schema_ref("Case") },
            "next": text("The path of the next page; absent on the last."),
        },
    )
}

/// What a mailbox and a webhook have in common.
fn delivered() -> Json {
    let mut type_name = type_names(&MessageType::ALL);
    type_name.push("description", "The message type.");
    let mut body = any_of(&MessageType::ALL);
    body.push("description", "The message.");
    object! {
        "id": id("The delivery: what it is acknowledged by, and what repeats are dropped by."),
        "type": type_name,
        "messageId": id("The same as id: in an answer to a request, the correlation id."),
        "correlationId": id("What it answers: the receiver's own message id."),
        "caseId": id("The case."),
        "purpose": object! {
            "type": "string",
            "enum": Json::list(["request", "outcome", "rejection", "receipt"]),
            "description": "Why it is delivered: a request to answer; the outcome of one's request; an \
                answer that was not accepted; a request that was.",
        },
        "revision": whole("Of an outcome: which one of the case; the largest holds.", 1),
        "to": organisation("For whom it is"),
        "traceparent": trace(),
        "body": body,
    }
}

fn mailbox_message() -> Json {
    let mut fields = delivered();
    fields.push(
        "attempts",
        whole(
            "Which time it is handed out: one more for each time it was handed back (nack), and for each \
             lease that ran out.",
            1,
        ),
    );
    fields.push("leaseUntil", time("When it is handed out again unless it is acknowledged."));
    of(
        "A message that waits for its receiver.",
        &["id", "type", "messageId", "purpose", "to", "attempts", "leaseUntil", "body"],
        fields,
    )
}

fn mailbox_messages() -> Json {
    of(
        "Messages under a lease; none when nothing waits.",
        &["messages"],
        object! {
            "messages": object! { "type": "array", "items": schema_ref("MailboxMessage") },
        },
    )
}

fn giving_back() -> Json {
    of(
        "Why a message is given back, and when it shall come again.",
        &[],
        object! {
            "reason": text("Why, for whoever runs innfri. No personal data."),
            "retryAfter": object! {
                "type": "string",
                "description": "When it shall be handed out again: a duration; at once without it.",
                "examples": Json::list(["30s"]),
            },
        },
    )
}

fn webhook_event() -> Json {
    let mut type_name = type_names(&MessageType::ALL);
    type_name.push("description", "The message type.");
    of(
        "A message at a webhook (Standard Webhooks).",
        &["type", "timestamp", "data"],
        object! {
            "type": type_name,
            "timestamp": time("When the message was made."),
            "data": of(
                "The message, as in a mailbox.",
                &["id", "type", "messageId", "purpose", "to", "body"],
                delivered(),
            ),
        },
    )
}

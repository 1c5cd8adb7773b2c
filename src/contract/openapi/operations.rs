//! Each operation of the interface: what it is for, what it takes, what it answers.

use super::super::catalogue::MessageType;
use super::super::example::examples_of;
use super::super::ordered::{Json, object};
use super::super::parts::schema_ref;
use super::super::routes::{Operation, PROBLEMS, Route};
use super::answers::problem_ref;
use super::bodies::{id, organisation};
use super::{ENVELOPE, JSON, any_of, sendable, type_names};

const MESSAGE: &str = "0b1d1d7e-5c1f-4a6e-9d0b-3f6a1e2c4b5d";
const CASE: &str = "6d864d0d-f294-5b4e-beb5-02b95e0dcd79";
const DELIVERY: &str = "b1f6c0de-3c55-5f0e-9d0b-3f6a1e2c4b5d";

/// The operation of a route.
pub(super) fn operation(route: &Route) -> Json {
    let (tag, summary, description) = words(route.operation);
    let mut operation = object! {
        "operationId": route.operation.name(),
        "tags": Json::list([tag]),
        "summary": summary,
        "description": description,
    };
    if tag == "operations" {
        operation.push("security", Json::List(Vec::new()));
    }
    let parameters = parameters(route.operation);
    if !parameters.is_empty() {
        operation.push("parameters", parameters);
    }
    if let Some(body) = body(route.operation) {
        operation.push("requestBody", body);
    }
    operation.push("responses", responses(route));
    operation
}

/// Tag, summary, description.
const fn words(operation: Operation) -> (&'static str, &'static str, &'static str) {
    match operation {
        Operation::SendMessage => (
            "messages",
            "Send a request, an answer or a status",
            "Either the business document alone as application/json, with what is said about it in \
             headers (Innfri-Message-Type and Innfri-Message-Id are then required), or all of it in an \
             envelope. 202 comes after the message is in the journal: from then on it is innfri's to \
             care for. A repeat with the same id and content gets the first answer again; the same id \
             with other content is a 409. A request that is not acceptable opens a case all the same, \
             settled with FEIL: its findings are in the 422 and also come as a message.",
        ),
        Operation::ListCases => (
            "cases",
            "List your cases",
            "The cases in which your organisation is asker, receiver of the outcome or bank, the newest \
             first.",
        ),
        Operation::GetCase => (
            "cases",
            "Look at a case, and wait for its outcome",
            "With wait, the answer comes as soon as the case is settled, else when the time is over. \
             The body of the outcome is only there for whoever gets the outcome.",
        ),
        Operation::TakeMessages => (
            "mailbox",
            "Take what waits for you",
            "Each message is under a lease until leaseUntil: acknowledge it when you have stored it, \
             else it is handed out again. With wait, the answer comes as soon as there is a message, \
             else, with an empty list, when the time is over. Only for participants whose handler in \
             the directory is mailbox.",
        ),
        Operation::AcknowledgeMessage => (
            "mailbox",
            "Say that a message is safe with you",
            "It is not handed out again. May be repeated.",
        ),
        Operation::ReturnMessage => (
            "mailbox",
            "Give a message back",
            "It is handed out again, after retryAfter where that is given.",
        ),
        Operation::IsAlive => ("operations", "Whether the process runs", "Says 200 while it does."),
        Operation::IsReady => (
            "operations",
            "Whether innfri can do its work",
            "200 when the journal answers and, where it is configured, RabbitMQ is connected; else 503 \
             with what is not.",
        ),
        Operation::GetMetrics => (
            "operations",
            "What innfri measures",
            "Prometheus text or OpenMetrics, as the header Accept asks.",
        ),
    }
}

fn parameter(place: &str, name: &str, description: &str, schema: Json) -> Json {
    object! {
        "name": name,
        "in": place,
        "required": place == "path",
        "description": description,
        "schema": schema,
    }
}

fn text(longest: u64) -> Json {
    object! { "type": "string", "minLength": 1, "maxLength": longest }
}

fn uuid() -> Json {
    object! { "type": "string", "format": "uuid" }
}

fn time() -> Json {
    object! { "type": "string", "format": "date-time" }
}

fn query(name: &str, description: &str, schema: Json) -> Json {
    parameter("query", name, description, schema)
}

fn wait(description: &str) -> Json {
    let mut schema = text(32);
    schema.push("examples", Json::list(["30s"]));
    query("wait", description, schema)
}

fn whose() -> Json {
    let mut schema = organisation("Whose");
    schema.push("maxLength", 64);
    query("organisation", "For which organisation, when the login speaks for several.", schema)
}

fn how_many(name: &str, description: &str, most: u64) -> Json {
    query(name, description, object! { "type": "integer", "minimum": 1, "maximum": most })
}

fn parameters(operation: Operation) -> Json {
    match operation {
        Operation::SendMessage => {
            let said = |name: &str, description: &str, schema: Json| {
                parameter("header", name, description, schema)
            };
            Json::list([
                said(
                    "Innfri-Message-Type",
                    "The message type. Required with application/json.",
                    type_names(&sendable()),
                ),
                said(
                    "Innfri-Message-Id",
                    "The message's name, made by its sender: new for each message, the same when it is \
                     sent again. Required with application/json.",
                    uuid(),
                ),
                said(
                    "Innfri-Correlation-Id",
                    "In an answer or a status: the id of the request as it was delivered.",
                    uuid(),
                ),
                said("traceparent", "W3C trace context to carry on.", text(255)),
            ])
        }
        Operation::ListCases => Json::list([
            whose(),
            query("reference", "Only with this reference of the asker's.", text(256)),
            query(
                "state",
                "Only in this state.",
                object! { "type": "string", "enum": Json::list(["open", "settled"]) },
            ),
            query(
                "type",
                "Only requests of this type.",
                type_names(&[
                    MessageType::Restgjeldsforespoersel,
                    MessageType::Innfrielsessaldoforespoersel,
                ]),
            ),
            query("since", "Only opened at this time or later.", time()),
            query("before", "Only opened before this time.", time()),
            how_many("limit", "The most cases on a page.", 1000),
        ]),
        Operation::GetCase => Json::list([
            parameter("path", "caseId", "The case.", uuid()),
            wait(
                "How long to wait for the outcome; a longer time than the installation allows is cut.",
            ),
        ]),
        Operation::TakeMessages => Json::list([
            whose(),
            wait(
                "How long to wait for a message; a longer time than the installation allows is cut.",
            ),
            how_many("max", "The most messages to take.", 100),
        ]),
        Operation::AcknowledgeMessage | Operation::ReturnMessage => {
            Json::list([parameter("path", "id", "The delivery.", uuid())])
        }
        Operation::IsAlive | Operation::IsReady | Operation::GetMetrics => Json::List(Vec::new()),
    }
}

fn body(operation: Operation) -> Option<Json> {
    match operation {
        Operation::SendMessage => {
            let named = |kind: &MessageType| {
                let document = examples_of(*kind).next().and_then(|it| Json::read(it.json).ok());
                (kind.name().to_owned(), object! { "value": document.unwrap_or(Json::Null) })
            };
            let document = examples_of(MessageType::Status).next();
            let envelope = object! {
                "type": MessageType::Status.name(),
                "messageId": MESSAGE,
                "correlationId": DELIVERY,
                "body": document.and_then(|it| Json::read(it.json).ok()).unwrap_or(Json::Null),
            };
            Some(object! {
                "required": true,
                "content": object! {
                    "application/json": object! {
                        "schema": any_of(&sendable()),
                        "examples": Json::object(sendable().iter().map(named)),
                    },
                    "application/vnd.innfri.message+json": object! {
                        "schema": schema_ref("Envelope"),
                        "example": envelope,
                    },
                },
            })
        }
        Operation::ReturnMessage => Some(object! {
            "required": false,
            "content": content(
                JSON,
                schema_ref("Return"),
                object! { "reason": "the archive is closed for the night", "retryAfter": "30s" },
            ),
        }),
        Operation::ListCases
        | Operation::GetCase
        | Operation::TakeMessages
        | Operation::AcknowledgeMessage
        | Operation::IsAlive
        | Operation::IsReady
        | Operation::GetMetrics => None,
    }
}

fn content(media_type: &str, schema: Json, example: Json) -> Json {
    Json::object([(media_type.to_owned(), object! { "schema": schema, "example": example })])
}

fn responses(route: &Route) -> Json {
    Json::object(route.statuses().into_iter().map(|status| {
        let problem = PROBLEMS.iter().find(|problem| problem.status == status);
        let response = match problem.filter(|_| !route.own.contains(&status)) {
            Some(problem) => problem_ref(problem),
            None => answer(route.operation, status),
        };
        (status.to_string(), response)
    }))
}

/// What an operation answers when all is well.
fn answer(operation: Operation, status: u16) -> Json {
    let (description, content) = match operation {
        Operation::SendMessage => {
            let mut answer = object! { "description": "The message is in the journal." };
            let location = object! {
                "description": "Where the case is, when there is one.",
                "schema": object! { "type": "string" },
            };
            answer.push("headers", object! { "Location": location });
            answer.push(
                "content",
                content(
                    JSON,
                    schema_ref("Accepted"),
                    object! {
                        "messageId": MESSAGE, "caseId": CASE, "disposition": "accepted",
                    },
                ),
            );
            return answer;
        }
        Operation::ListCases => (
            "A page of cases.",
            content(
                JSON,
                schema_ref("CaseList"),
                object! {
                    "cases": Json::list([open_case()]),
                },
            ),
        ),
        Operation::GetCase => ("The case.", content(JSON, schema_ref("Case"), open_case())),
        Operation::TakeMessages => (
            "What waits, under a lease.",
            content(
                JSON,
                schema_ref("MailboxMessages"),
                object! {
                    "messages": Json::list([leased()]),
                },
            ),
        ),
        Operation::AcknowledgeMessage => return object! { "description": "It is done." },
        Operation::ReturnMessage => return object! { "description": "It will come again." },
        Operation::IsAlive => return object! { "description": "The process runs." },
        Operation::IsReady if status == 200 => {
            return object! { "description": "innfri can do its work." };
        }
        Operation::IsReady => (
            "Something is missing.",
            content(
                JSON,
                object! { "type": "object" },
                object! {
                    "rabbitmq": "there is no connection",
                },
            ),
        ),
        Operation::GetMetrics => (
            "The figures.",
            object! {
                "text/plain": object! { "schema": object! { "type": "string" } },
                "application/openmetrics-text": object! { "schema": object! { "type": "string" } },
            },
        ),
    };
    object! { "description": description, "content": content }
}

fn open_case() -> Json {
    object! {
        "caseId": CASE,
        "type": MessageType::Restgjeldsforespoersel.name(),
        "reference": "OPPDRAG-2026-0147",
        "asker": "NO:926018159",
        "bank": "NO:918190937",
        "openedAt": "2026-06-22T08:15:00Z",
        "state": "open",
        "revision": 0,
    }
}

fn leased() -> Json {
    let document = examples_of(MessageType::Restgjeldsforespoersel).next();
    object! {
        "id": DELIVERY,
        "type": MessageType::Restgjeldsforespoersel.name(),
        "messageId": DELIVERY,
        "caseId": CASE,
        "purpose": "request",
        "to": "NO:918190937",
        "attempts": 1,
        "leaseUntil": "2026-06-22T08:16:00Z",
        "body": document.and_then(|it| Json::read(it.json).ok()).unwrap_or(Json::Null),
    }
}

/// The headers with which a bank's own address answers or is asked.
pub(super) fn said_headers() -> Vec<Json> {
    vec![
        parameter(
            "header",
            "Innfri-Message-Type",
            "The message type.",
            type_names(&MessageType::ALL),
        ),
        parameter(
            "header",
            "Innfri-Message-Id",
            "The delivery: the same when it is sent again.",
            id("A delivery."),
        ),
        parameter(
            "header",
            "Innfri-Correlation-Id",
            "In an outcome or a notice: the receiver's own \
            message id.",
            uuid(),
        ),
        parameter("header", "Innfri-Case-Id", "The case.", uuid()),
        parameter("header", "Innfri-Receiver", "For whom it is.", organisation("The receiver")),
        parameter("header", "traceparent", "W3C trace context.", text(255)),
    ]
}

/// The two forms of a message in the body of an answer.
pub(super) fn both_forms() -> Json {
    Json::object([
        (JSON.to_owned(), object! { "schema": any_of(&sendable()) }),
        (ENVELOPE.to_owned(), object! { "schema": schema_ref("Envelope") }),
    ])
}

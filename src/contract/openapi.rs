//! The HTTP contract as OpenAPI 3.1, made from the routes and the catalogue.

mod answers;
mod bodies;
mod operations;
mod webhooks;

use super::catalogue::{Direction, MessageType};
use super::ordered::{Json, object};
use super::parts::{BesideReference, schema_ref, schemas};
use super::routes::{Door, ROUTES};

/// The media type of a business document alone.
const JSON: &str = "application/json";
/// The media type of a message in its envelope.
const ENVELOPE: &str = "application/vnd.innfri.message+json";

const ABOUT: &str = "Payoff questions and answers between estate agents and banks over HTTP: the same \
    messages, decisions and journal as over AMQP.\n\n\
    **An asker** sends a request with `POST /v1/messages` and gets 202 once it is in the journal. The \
    outcome is in `GET /v1/cases/{caseId}?wait=30s`, in the mailbox, or at a webhook, as the directory \
    has it. **A bank** takes requests from `GET /v1/mailbox` (or has them posted to its own address) \
    and sends its answer with `POST /v1/messages`.\n\n\
    Sending is idempotent by message id: send again until there is an answer, with the same id. The \
    mailbox gives each message at least once: drop repeats by `id`.\n\n\
    Errors are problem details (RFC 9457). Durations are written `20s`, `500ms`, `2m`, or as a plain \
    number of seconds. Times are RFC 3339, UTC.";

/// The document.
pub fn openapi() -> Json {
    object! {
        "openapi": "3.1.0",
        "info": object! {
            "title": "innfri over HTTP",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": object! { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": Json::list([object! {
            "url": "https://innfri.example",
            "description": "A placeholder: the address that your installation's operator gave you.",
        }]),
        "security": Json::list([object! { "bearer": Json::List(Vec::new()) }]),
        "tags": Json::list([
            object! { "name": "messages", "description": "Sending requests, answers and statuses." },
            object! { "name": "cases", "description": "What became of a request." },
            object! { "name": "mailbox", "description": "Taking what is for you, under a lease." },
            object! { "name": "operations", "description": "For whoever runs innfri; at an address of \
                its own, without sign-in." },
        ]),
        "paths": paths(),
        "webhooks": webhooks::webhooks(),
        "components": object! {
            "schemas": components(),
            "responses": answers::problems(),
            "securitySchemes": object! {
                "bearer": object! {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token that the operator of the installation made for you \
                        (innfri_<id>_<secret>), or a JWT of the issuer that the installation trusts.",
                },
            },
        },
    }
}

fn paths() -> Json {
    let mut paths: Vec<(String, Json)> = Vec::new();
    for route in ROUTES {
        let operation = operations::operation(route);
        let method = route.method.name().to_ascii_lowercase();
        match paths.iter_mut().find(|(path, _)| path == route.path) {
            Some((_, item)) => item.push(method, operation),
            None => {
                let mut item = object! {};
                if route.door == Door::Operations {
                    item.push(
                        "servers",
                        Json::list([object! {
                            "url": "http://innfri-operations.example:9090",
                            "description": "A placeholder: the separate address for operations.",
                        }]),
                    );
                }
                item.push(method, operation);
                paths.push((route.path.to_owned(), item));
            }
        }
    }
    Json::object(paths)
}

fn components() -> Json {
    let mut all = schemas(BesideReference::Read);
    all.extend(bodies::schemas());
    Json::object(all)
}

/// The types that participants send.
fn sendable() -> Vec<MessageType> {
    let sent = |kind: &MessageType| match kind.direction() {
        Direction::Request | Direction::Answer | Direction::Status => true,
        Direction::Notice => false,
    };
    MessageType::ALL.into_iter().filter(sent).collect()
}

/// One of the messages of these types.
fn any_of(kinds: &[MessageType]) -> Json {
    object! { "anyOf": Json::list(kinds.iter().map(|kind| schema_ref(kind.name()))) }
}

/// The names of these types, as values of a field.
fn type_names(kinds: &[MessageType]) -> Json {
    object! {
        "type": "string",
        "enum": Json::list(kinds.iter().map(|kind| kind.name())),
    }
}

//! What innfri itself sends over HTTP: to webhooks, and to a bank's own back-end.

use super::super::catalogue::MessageType;
use super::super::ordered::{Json, object};
use super::super::parts::schema_ref;
use super::operations::{both_forms, said_headers};
use super::{JSON, any_of, type_names};

/// The requests that innfri sends.
pub(super) fn webhooks() -> Json {
    object! {
        "message": object! { "post": webhook() },
        "bankBackEnd": object! { "post": back_end() },
    }
}

fn webhook() -> Json {
    let signed = |name: &str, description: &str| {
        object! {
            "name": name,
            "in": "header",
            "required": true,
            "description": description,
            "schema": object! { "type": "string" },
        }
    };
    object! {
        "operationId": "deliverToWebhook",
        "summary": "A message is delivered to your webhook",
        "description": "Follows the Standard Webhooks specification. Check the signature over \
            `webhook-id.webhook-timestamp.body` before anything else, refuse old timestamps, and drop \
            repeats by webhook-id. Anything but 2xx is tried again later. No redirect is followed.",
        "security": Json::List(Vec::new()),
        "parameters": Json::list([
            signed("webhook-id", "The delivery: the same when it is sent again."),
            signed("webhook-timestamp", "When this attempt was signed: seconds since 1970, UTC."),
            signed("webhook-signature", "v1,<base64 of HMAC-SHA256> for each active secret, separated by \
                spaces."),
        ]),
        "requestBody": object! {
            "required": true,
            "content": Json::object([(
                JSON.to_owned(),
                object! { "schema": schema_ref("WebhookEvent") },
            )]),
        },
        "responses": object! {
            "2XX": object! { "description": "Delivered: the message is safe with you." },
        },
    }
}

fn back_end() -> Json {
    let answer = object! {
        "description": "The answer, at once.",
        "headers": object! {
            "Innfri-Message-Type": object! {
                "description": "The type of the answer; needed with application/json.",
                "schema": type_names(&[
                    MessageType::Restgjeldssvar,
                    MessageType::Innfrielsessaldosvar,
                    MessageType::Status,
                ]),
            },
            "Innfri-Message-Id": object! {
                "description": "The answer's id; made from the request's without it.",
                "schema": object! { "type": "string", "format": "uuid" },
            },
        },
        "content": both_forms(),
    };
    object! {
        "operationId": "deliverToBackEnd",
        "summary": "A request, rejection or other message is posted to a bank's own back-end",
        "description": "Where the bank's handler in the directory is http. The body is the business \
            document; what is said about it is in headers. A request is answered at once with 200, or \
            taken with 202 or 204 and answered later by any channel. Anything else than a request is \
            delivered by any 2xx.",
        "security": Json::List(Vec::new()),
        "parameters": Json::List(said_headers()),
        "requestBody": object! {
            "required": true,
            "content": Json::object([(
                JSON.to_owned(),
                object! { "schema": any_of(&MessageType::ALL) },
            )]),
        },
        "responses": object! {
            "200": answer,
            "202": object! { "description": "Taken; the answer comes later." },
            "204": object! { "description": "Taken; the answer comes later." },
        },
    }
}

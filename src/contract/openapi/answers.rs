//! What the interface answers when it does not do what was asked.

use super::super::ordered::{Json, object};
use super::super::parts::schema_ref;
use super::super::routes::{PROBLEMS, Problem};

/// A reference to the answer with this problem.
pub(super) fn problem_ref(problem: &Problem) -> Json {
    object! { "$ref": format!("#/components/responses/{}", problem.slug) }
}

/// The answers with problems, by slug.
pub(super) fn problems() -> Json {
    Json::object(PROBLEMS.iter().map(|problem| (problem.slug.to_owned(), answer(problem))))
}

fn answer(problem: &Problem) -> Json {
    let mut answer = object! { "description": problem.when };
    if let Some(headers) = headers(problem.status) {
        answer.push("headers", headers);
    }
    let content = object! {
        "application/problem+json": object! {
            "schema": schema_ref("Problem"),
            "example": example(problem),
        },
    };
    answer.push("content", content);
    answer
}

fn headers(status: u16) -> Option<Json> {
    let header = |name: &str, description: &str, schema: Json| {
        Json::object([(
            name.to_owned(),
            object! { "description": description, "required": true, "schema": schema },
        )])
    };
    let text = || object! { "type": "string" };
    match status {
        401 => Some(header("WWW-Authenticate", "Bearer: how to sign in.", text())),
        405 => Some(header("Allow", "The methods that the path has.", text())),
        429 | 503 => Some(header(
            "Retry-After",
            "Seconds to wait before trying again.",
            object! { "type": "integer", "minimum": 0 },
        )),
        _ => None,
    }
}

fn example(problem: &Problem) -> Json {
    let mut example = object! {
        "type": format!("urn:innfri:problem:{}", problem.slug),
        "title": problem.title,
        "status": u64::from(problem.status),
        "detail": detail(problem),
    };
    if problem.status == 422 {
        example.push("caseId", "6d864d0d-f294-5b4e-beb5-02b95e0dcd79");
        example.push("messageId", "0b1d1d7e-5c1f-4a6e-9d0b-3f6a1e2c4b5d");
        let finding = object! {
            "peker": "/registerenheterMedHjemmelshavere/0/matrikkel/kommunenummer",
            "regel": "INN-004",
            "alvorlighet": "error",
            "tekst": "Feltet «kommunenummer» har feil form: skriv fire sifre.",
            "text": "The field `kommunenummer` has the wrong form: write four digits.",
        };
        example.push("findings", Json::list([finding]));
    }
    example
}

fn detail(problem: &Problem) -> &'static str {
    match problem.slug {
        "bad-request" => "The header Innfri-Message-Id is missing: set it to a new UUID.",
        "not-signed-in" => "Send the header Authorization with a bearer token.",
        "not-allowed" => "The login may not speak for NO:918190937.",
        "not-found" => "There is no such case for this login.",
        "method-not-allowed" => "This path takes POST.",
        "reused-message-id" => {
            "The message id was used before, with other content: use a new UUID."
        }
        "too-large" => "The body is larger than 262144 bytes.",
        "unsupported-media-type" => "Send application/json or application/vnd.innfri.message+json.",
        "unacceptable-message" => {
            "The message has 1 finding: correct it and send it under a new id."
        }
        "too-many-requests" => "The rate of this operator is used up: wait for Retry-After.",
        "internal" => "The request could not be handled. It may be sent again.",
        _ => "The journal cannot be reached: send the message again after Retry-After.",
    }
}

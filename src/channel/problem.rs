//! Refusals, all in one form: problem details (RFC 9457) that say what is wrong and what to do.

use std::time::Duration;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::kernel::{CaseId, Finding, MessageId};

/// What kind of refusal it is: each has one status and one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// Headers, path, query or envelope are not as they must be.
    BadRequest,
    /// No token, or none that is known.
    NotSignedIn,
    /// The login may not do this.
    NotAllowed,
    /// It is not there, or not the caller's.
    NotFound,
    /// The path does not take this method.
    MethodNotAllowed,
    /// The message was decided on and not accepted.
    UnacceptableMessage,
    /// The message id was used before, with other content.
    ReusedMessageId,
    /// The body is larger than allowed.
    TooLarge,
    /// The body is of a kind that is not taken.
    UnsupportedMediaType,
    /// The operator's rate is used up.
    TooManyRequests,
    /// Not now.
    Unavailable,
    /// innfri itself is wrong.
    Internal,
}

impl ProblemKind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::BadRequest,
        Self::NotSignedIn,
        Self::NotAllowed,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::UnacceptableMessage,
        Self::ReusedMessageId,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::TooManyRequests,
        Self::Unavailable,
        Self::Internal,
    ];

    const fn row(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::BadRequest => (StatusCode::BAD_REQUEST, "bad-request", "Bad request"),
            Self::NotSignedIn => (StatusCode::UNAUTHORIZED, "not-signed-in", "Not signed in"),
            Self::NotAllowed => (StatusCode::FORBIDDEN, "not-allowed", "Not allowed"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "Not found"),
            Self::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed")
            }
            Self::UnacceptableMessage => {
                (StatusCode::UNPROCESSABLE_ENTITY, "unacceptable-message", "Unacceptable message")
            }
            Self::ReusedMessageId => {
                (StatusCode::CONFLICT, "reused-message-id", "Message id reused")
            }
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "Too large"),
            Self::UnsupportedMediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "Unsupported media type",
            ),
            Self::TooManyRequests => {
                (StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "Too many requests")
            }
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Unavailable"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal error"),
        }
    }

    /// The HTTP status.
    pub const fn status(self) -> StatusCode {
        self.row().0
    }

    /// The name in `urn:innfri:problem:<name>`.
    pub const fn slug(self) -> &'static str {
        self.row().1
    }

    /// The title: the same for every problem of the kind.
    pub const fn title(self) -> &'static str {
        self.row().2
    }
}

/// One refusal. Its texts hold no values of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind.
    pub kind: ProblemKind,
    /// What is wrong and what to do, in English.
    pub detail: String,
    /// The case that it is about.
    pub case_id: Option<CaseId>,
    /// The message that it is about, by its sender's name for it.
    pub message_id: Option<MessageId>,
    /// Everything that was wrong with the message.
    pub findings: Vec<Finding>,
    /// When to try again.
    pub retry_after: Option<Duration>,
    /// What `WWW-Authenticate` says.
    pub challenge: Option<&'static str>,
}

/// A problem as it is written.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    case_id: Option<CaseId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<MessageId>,
    #[serde(skip_serializing_if = "<[Finding]>::is_empty")]
    findings: &'a [Finding],
}

impl Problem {
    /// A problem with nothing but its words.
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            case_id: None,
            message_id: None,
            findings: Vec::new(),
            retry_after: None,
            challenge: None,
        }
    }

    /// The request is not as it must be.
    pub fn bad(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::BadRequest, detail)
    }

    /// It is not there, or not the caller's.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::NotFound, detail)
    }

    /// Not now; `after` says when to try again.
    pub fn unavailable(detail: impl Into<String>, after: Duration) -> Self {
        Self { retry_after: Some(after), ..Self::new(ProblemKind::Unavailable, detail) }
    }
}

/// Whole seconds, rounded up, 1 or more: earlier would be in vain.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0)).max(1)
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.kind.status();
        let written = Written {
            r#type: format!("urn:innfri:problem:{}", self.kind.slug()),
            title: self.kind.title(),
            status: status.as_u16(),
            detail: &self.detail,
            case_id: self.case_id,
            message_id: self.message_id,
            findings: &self.findings,
        };
        // Texts, numbers and lists alone always serialize.
        let body = serde_json::to_vec(&written).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(after) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(after)));
        }
        if let Some(challenge) = self.challenge {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_has_a_name_and_a_status_of_its_own() {
        let slugs: BTreeSet<&str> = ProblemKind::ALL.iter().map(|kind| kind.slug()).collect();
        let statuses: BTreeSet<u16> =
            ProblemKind::ALL.iter().map(|kind| kind.status().as_u16()).collect();
        assert_eq!((slugs.len(), statuses.len()), (ProblemKind::ALL.len(), ProblemKind::ALL.len()));
    }

    #[test]
    fn a_wait_is_told_in_whole_seconds_that_are_long_enough() {
        assert_eq!(whole_seconds(Duration::ZERO), 1);
        assert_eq!(whole_seconds(Duration::from_millis(1001)), 2);
        assert_eq!(whole_seconds(Duration::from_secs(5)), 5);
        let response = Problem::unavailable("later", Duration::from_secs(5)).into_response();
        assert_eq!(response.headers()[RETRY_AFTER], "5");
    }
}

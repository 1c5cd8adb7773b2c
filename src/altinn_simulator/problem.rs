//! Broker's refusals: problem details (RFC 9457) with its own codes.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// A refusal that has a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    NotFound = 1,
    ServiceOwnerNotConfigured = 2,
    NoFileUploaded = 3,
    AlreadyUploaded = 4,
    InvalidResource = 5,
    NoAccess = 6,
    NotReadyForDownload = 7,
    UploadFailed = 8,
    ChecksumMismatch = 9,
    NotPublished = 10,
    TooBig = 16,
    ConfirmBeforeDownload = 19,
    StorageNotReady = 21,
    RequiredPartyMissing = 26,
    RecipientNotInAccessList = 28,
    BadRange = 29,
    ScanNotReady = 30,
}

impl Code {
    /// Code, status, and what is wrong.
    const fn row(self) -> (u16, StatusCode, &'static str) {
        match self {
            Self::NotFound => (1, StatusCode::NOT_FOUND, "There is no such file transfer"),
            Self::ServiceOwnerNotConfigured => (
                2,
                StatusCode::BAD_REQUEST,
                "The resource's service owner is not set up for Broker",
            ),
            Self::NoFileUploaded => (3, StatusCode::BAD_REQUEST, "No file has been uploaded"),
            Self::AlreadyUploaded => (
                4,
                StatusCode::CONFLICT,
                "A file was uploaded before, or an upload was tried; initialise a new file transfer",
            ),
            Self::InvalidResource => {
                (5, StatusCode::FORBIDDEN, "The resource is not registered for Broker")
            }
            Self::NoAccess => (
                6,
                StatusCode::UNAUTHORIZED,
                "The token's system user has no access to this resource or file transfer",
            ),
            Self::NotReadyForDownload => {
                (7, StatusCode::FORBIDDEN, "The file is not ready for download; see the status")
            }
            Self::UploadFailed => {
                (8, StatusCode::INTERNAL_SERVER_ERROR, "The upload failed; see /details")
            }
            Self::ChecksumMismatch => (
                9,
                StatusCode::BAD_REQUEST,
                "The file's MD5 checksum is not the one that was given when initialising",
            ),
            Self::NotPublished => (
                10,
                StatusCode::BAD_REQUEST,
                "Only a published file transfer can be confirmed; see the status",
            ),
            Self::TooBig => (16, StatusCode::BAD_REQUEST, "The file is larger than allowed"),
            Self::ConfirmBeforeDownload => {
                (19, StatusCode::BAD_REQUEST, "Download the file before you confirm it")
            }
            Self::StorageNotReady => {
                (21, StatusCode::SERVICE_UNAVAILABLE, "The storage is not ready; try again later")
            }
            Self::RequiredPartyMissing => (
                26,
                StatusCode::BAD_REQUEST,
                "The resource demands that a certain party is sender or recipient",
            ),
            Self::RecipientNotInAccessList => {
                (28, StatusCode::BAD_REQUEST, "A recipient is not in the resource's access list")
            }
            Self::BadRange => {
                (29, StatusCode::RANGE_NOT_SATISFIABLE, "The range does not lie within the file")
            }
            Self::ScanNotReady => (
                30,
                StatusCode::SERVICE_UNAVAILABLE,
                "The result of the virus scan is not ready; try again later",
            ),
        }
    }
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    status: StatusCode,
    code: Option<u16>,
    detail: String,
    errors: Map<String, Value>,
    retry_after: Option<u32>,
    challenge: bool,
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        let (number, status, detail) = code.row();
        Self { code: Some(number), ..Self::plain(status, detail) }
    }
}

impl Refusal {
    /// One without a code, as the framework around Broker gives it.
    pub(super) fn plain(status: StatusCode, detail: &str) -> Self {
        let detail = detail.to_owned();
        Self { status, code: None, detail, errors: Map::new(), retry_after: None, challenge: false }
    }

    /// No token, or none that counts.
    pub(super) fn not_signed_in() -> Self {
        let detail = "No bearer token, or one that is unknown or has run out";
        Self { challenge: true, ..Self::plain(StatusCode::UNAUTHORIZED, detail) }
    }

    /// Everything that is wrong with the fields of a request: name and text.
    pub(super) fn fields(wrong: Vec<(String, String)>) -> Self {
        let mut errors: Map<String, Value> = Map::new();
        for (field, text) in wrong {
            if let Value::Array(texts) = errors.entry(field).or_insert_with(|| json!([])) {
                texts.push(Value::String(text));
            }
        }
        Self { errors, ..Self::plain(StatusCode::BAD_REQUEST, "One or more fields are wrong") }
    }

    /// One field or parameter that is wrong.
    pub(super) fn field(name: &str, text: &str) -> Self {
        Self::fields(vec![(name.to_owned(), text.to_owned())])
    }

    /// With the seconds after which to try again.
    pub(super) fn after(self, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// With what is known of this case.
    pub(super) fn saying(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Refused"),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "traceId": format!("00-{}-0000000000000001-00", fresh_id().simple()),
        });
        if let Some(code) = self.code {
            body["code"] = Value::String(format!("BRO-{code:05}"));
        }
        if !self.errors.is_empty() {
            body["errors"] = Value::Object(self.errors);
        }
        let mut response = (self.status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.challenge {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// A new identifier, as Altinn draws them.
#[expect(clippy::disallowed_methods, reason = "Altinn's identifiers are drawn, not derived")]
pub(super) fn fresh_id() -> Uuid {
    Uuid::new_v4()
}

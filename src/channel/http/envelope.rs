//! A message as it is posted, in either of its two forms, turned into what innfri takes in.

use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::problem::{Problem, ProblemKind};
use crate::kernel::MessageId;

/// Names the message type.
pub const MESSAGE_TYPE: &str = "innfri-message-type";
/// Names the message.
pub const MESSAGE_ID: &str = "innfri-message-id";
/// Names the request that is answered.
pub const CORRELATION_ID: &str = "innfri-correlation-id";
/// W3C trace context.
pub const TRACEPARENT: &str = "traceparent";

/// The content type of a message in an envelope.
pub const ENVELOPE: &str = "application/vnd.innfri.message+json";
/// The content type of a bare message.
pub const BARE: &str = "application/json";

/// Bytes that an envelope may add to a message.
pub(super) const ENVELOPE_BYTES: usize = 4096;

/// Characters of the longest text that is taken from a header or the envelope.
const LONGEST_TEXT: usize = 255;

/// In which form a message is posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The body is the message; headers say the rest.
    Bare,
    /// The body is an envelope around the message.
    Envelope,
}

/// A message as it was posted.
#[derive(PartialEq, Eq)]
pub(super) struct Posted {
    pub(super) message_type: String,
    pub(super) message_id: MessageId,
    pub(super) correlation_id: Option<MessageId>,
    pub(super) traceparent: Option<String>,
    pub(super) body: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Envelope {
    r#type: String,
    message_id: String,
    correlation_id: Option<String>,
    traceparent: Option<String>,
    body: Box<RawValue>,
}

impl Form {
    /// The form that the content type names.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let unsupported = |detail| Problem::new(ProblemKind::UnsupportedMediaType, detail);
        if headers.contains_key(CONTENT_ENCODING) {
            return Err(unsupported("send the body as it is, without a Content-Encoding"));
        }
        let given = header(headers, CONTENT_TYPE.as_str())?.unwrap_or_default();
        let essence = given.split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case(BARE) {
            Ok(Self::Bare)
        } else if essence.eq_ignore_ascii_case(ENVELOPE) {
            Ok(Self::Envelope)
        } else {
            Err(unsupported(
                "set Content-Type to application/json (the message, with headers) or to \
                 application/vnd.innfri.message+json (an envelope)",
            ))
        }
    }

    /// The most bytes of a body in this form, for a largest message of so many.
    pub(super) const fn most_bytes(self, largest: usize) -> usize {
        match self {
            Self::Bare => largest,
            Self::Envelope => largest.saturating_add(ENVELOPE_BYTES),
        }
    }

    /// The message.
    pub(super) fn read(self, headers: &HeaderMap, body: &[u8]) -> Result<Posted, Problem> {
        match self {
            Self::Bare => Ok(Posted {
                message_type: required(headers, "Innfri-Message-Type", MESSAGE_TYPE)?,
                message_id: uuid(
                    "the header Innfri-Message-Id",
                    &required(headers, "Innfri-Message-Id", MESSAGE_ID)?,
                )?,
                correlation_id: header(headers, CORRELATION_ID)?
                    .map(|text| uuid("the header Innfri-Correlation-Id", &text))
                    .transpose()?,
                // What is no trace context is passed over, as W3C has it.
                traceparent: header(headers, TRACEPARENT)
                    .ok()
                    .flatten()
                    .filter(|text| is_traceparent(text)),
                body: body.to_vec(),
            }),
            Self::Envelope => opened(headers, body),
        }
    }
}

fn opened(headers: &HeaderMap, body: &[u8]) -> Result<Posted, Problem> {
    // The parser's own words are not passed on: they may quote the message.
    let envelope: Envelope = serde_json::from_slice(body).map_err(|error| {
        Problem::bad(format!(
            "the envelope is not right near line {}, column {}: it is a JSON object with the texts \
             type and messageId, the message as body and, if need be, the texts correlationId and \
             traceparent; each once, and nothing else",
            error.line(),
            error.column()
        ))
    })?;
    if envelope.r#type.is_empty() || envelope.r#type.chars().count() > LONGEST_TEXT {
        return Err(Problem::bad("`type` of the envelope is not a text of 1 to 255 characters"));
    }
    let correlation_id = envelope.correlation_id.as_deref();
    let own = envelope.traceparent.filter(|text| is_traceparent(text));
    Ok(Posted {
        message_id: uuid("`messageId` of the envelope", &envelope.message_id)?,
        correlation_id: correlation_id
            .map(|text| uuid("`correlationId` of the envelope", text))
            .transpose()?,
        traceparent: own.or_else(|| {
            header(headers, TRACEPARENT).ok().flatten().filter(|text| is_traceparent(text))
        }),
        message_type: envelope.r#type,
        body: envelope.body.get().as_bytes().to_vec(),
    })
}

fn uuid(what: &str, text: &str) -> Result<MessageId, Problem> {
    text.parse().map_err(|error| Problem::bad(format!("{what} {error}")))
}

fn required(headers: &HeaderMap, shown: &str, name: &str) -> Result<String, Problem> {
    header(headers, name)?.ok_or_else(|| {
        Problem::bad(format!(
            "the header {shown} is missing: set it, or send an envelope ({ENVELOPE})"
        ))
    })
}

/// A header's text; `None` when it is absent or empty.
fn header(headers: &HeaderMap, name: &str) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(name).iter();
    let (first, second) = (values.next(), values.next());
    if second.is_some() {
        return Err(Problem::bad(format!("the header {name} is given more than once")));
    }
    let Some(value) = first else { return Ok(None) };
    let text = value.to_str().ok().map(str::trim).filter(|text| text.len() <= LONGEST_TEXT);
    let text = text.ok_or_else(|| {
        Problem::bad(format!("the header {name} is not a plain text of at most 255 characters"))
    })?;
    Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
}

/// Whether this is a `traceparent` of version 00 (W3C Trace Context, 3.2.2).
fn is_traceparent(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let not_zero = |part: &str| part.bytes().any(|byte| byte != b'0');
    match parts.as_slice() {
        ["00", trace, span, flags] => {
            hex(trace, 32) && hex(span, 16) && hex(flags, 2) && not_zero(trace) && not_zero(span)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    const ID: &str = "0b1d1d7e-5c1f-4a6e-9d0b-3f6a1e2c4b5d";
    const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn headers(given: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.append(HeaderName::from_static(name), value);
        }
        headers
    }

    fn refused(form: Form, given: &[(&'static str, &str)], body: &str) -> String {
        let problem = form.read(&headers(given), body.as_bytes()).err().unwrap();
        assert_eq!(problem.kind, ProblemKind::BadRequest);
        problem.detail
    }

    #[rstest::rstest]
    #[case("application/json", Form::Bare)]
    #[case("Application/JSON; charset=utf-8", Form::Bare)]
    #[case("application/vnd.innfri.message+json", Form::Envelope)]
    fn the_content_type_names_the_form(#[case] given: &str, #[case] form: Form) {
        assert_eq!(Form::of(&headers(&[("content-type", given)])).unwrap(), form);
    }

    #[rstest::rstest]
    #[case(&[])]
    #[case(&[("content-type", "text/plain")])]
    #[case(&[("content-type", "application/json"), ("content-encoding", "gzip")])]
    fn another_kind_of_body_is_not_taken(#[case] given: &[(&'static str, &str)]) {
        let problem = Form::of(&headers(given)).unwrap_err();
        assert_eq!(problem.kind, ProblemKind::UnsupportedMediaType);
    }

    #[test]
    fn both_forms_say_the_same() {
        let given = [
            (MESSAGE_TYPE, "no.dsve.status.v1"),
            (MESSAGE_ID, ID),
            (CORRELATION_ID, ID),
            (TRACEPARENT, TRACE),
        ];
        let body = "{ \"a\" : 1.50 }";
        let bare = Form::Bare.read(&headers(&given), body.as_bytes()).ok().unwrap();
        let envelope = format!(
            "{{\"type\":\"no.dsve.status.v1\",\"messageId\":\"{ID}\",\"correlationId\":\"{ID}\",\
             \"traceparent\":\"{TRACE}\",\"body\": {body} }}"
        );
        let opened = Form::Envelope.read(&HeaderMap::new(), envelope.as_bytes()).ok().unwrap();
        assert!(bare == opened);
        assert_eq!(opened.body, body.as_bytes(), "byte for byte");
    }

    #[test]
    fn what_is_missing_wrong_or_double_is_named() {
        let with_id = [(MESSAGE_TYPE, "no.dsve.status.v1"), (MESSAGE_ID, ID)];
        assert!(refused(Form::Bare, &[with_id[1]], "").contains("Innfri-Message-Type"));
        assert!(refused(Form::Bare, &[with_id[0]], "").contains("Innfri-Message-Id"));
        let wrong = [with_id[0], (MESSAGE_ID, "42")];
        assert!(refused(Form::Bare, &wrong, "").contains("UUID"));
        let double = [with_id[0], with_id[1], with_id[1]];
        assert!(refused(Form::Bare, &double, "").contains("more than once"));
        let wrong = [with_id[0], with_id[1], (CORRELATION_ID, "42")];
        assert!(refused(Form::Bare, &wrong, "").contains("Innfri-Correlation-Id"));
        let unreadable = [with_id[0], (MESSAGE_ID, "æ")];
        assert!(refused(Form::Bare, &unreadable, "").contains("plain text"));
    }

    #[rstest::rstest]
    #[case("")]
    #[case("[]")]
    #[case("{\"type\":\"t\",\"messageId\":\"0b1d1d7e-5c1f-4a6e-9d0b-3f6a1e2c4b5d\"}")]
    #[case("{\"type\":\"t\",\"messageId\":\"Hemmelig\",\"body\":{}}")]
    #[case("{\"type\":\"t\",\"messageId\":7,\"body\":{},\"Hemmelig\":1}")]
    #[case("{\"type\":\"\",\"messageId\":\"0b1d1d7e-5c1f-4a6e-9d0b-3f6a1e2c4b5d\",\"body\":{}}")]
    #[case("{\"type\":\"t\",\"messageId\":\"a\",\"body\":{},\"body\":{}}")]
    fn a_wrong_envelope_is_refused_without_being_quoted(#[case] body: &str) {
        assert!(!refused(Form::Envelope, &[], body).contains("Hemmelig"));
    }

    #[test]
    fn what_is_no_trace_context_is_passed_over() {
        assert!(is_traceparent(TRACE));
        for wrong in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        ] {
            assert!(!is_traceparent(wrong), "{wrong}");
            let given = [(MESSAGE_TYPE, "t"), (MESSAGE_ID, ID), (TRACEPARENT, wrong)];
            let posted = Form::Bare.read(&headers(&given), b"{}").ok().unwrap();
            assert_eq!(posted.traceparent, None);
        }
    }
}

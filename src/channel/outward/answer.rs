//! What is read of an answer whoever gave it: its status in words, the wait it asks for, its body up to a
//! limit.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};

/// Why a body could not be read.
#[derive(Debug)]
pub(in crate::channel) enum ReadError {
    /// It is larger than allowed.
    TooLarge,
    /// The connection broke, or it took too long.
    Broken(reqwest::Error),
}

/// The body of an answer of at most so many bytes; no more is kept in memory.
pub(in crate::channel) async fn body(
    mut response: Response,
    most: usize,
) -> Result<Vec<u8>, ReadError> {
    if response.content_length().is_some_and(|told| told > most as u64) {
        return Err(ReadError::TooLarge);
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(ReadError::Broken)? {
        if body.len() + chunk.len() > most {
            return Err(ReadError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The status in words, such as `404 Not Found`.
pub(in crate::channel) fn status_words(status: StatusCode) -> String {
    let hint = if status.is_redirection() { " (redirects are not followed)" } else { "" };
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}{hint}", status.as_u16()),
        None => format!("{}{hint}", status.as_u16()),
    }
}

/// Reads `Retry-After`: seconds, or a date.
pub(in crate::channel) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::seconds("120", Some(120))]
    #[case::date("Fri, 20 Nov 2026 10:01:00 GMT", Some(60))]
    #[case::past("Fri, 20 Nov 2026 09:00:00 GMT", Some(0))]
    #[case::neither("soon", None)]
    fn a_wait_is_read_in_both_forms(#[case] text: &str, #[case] seconds: Option<u64>) {
        let now = "2026-11-20T10:00:00Z".parse().unwrap();
        let headers = [(RETRY_AFTER, text.parse().unwrap())].into_iter().collect();
        assert_eq!(retry_after(&headers, now).map(|wait| wait.as_secs()), seconds);
    }
}

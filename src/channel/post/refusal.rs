//! What an answer that is not 2xx means, in words that an operator can use and that hold nothing of a
//! message. A far side's own words are told on only from problem details (RFC 9457), and only as far as
//! they can hardly name anybody.

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Response, StatusCode};
use serde::Deserialize;

use super::client::Wire;
use crate::channel::outward::answer::{retry_after, status_words};
use crate::port::SendError;

/// Characters of a title, and of a detail, that are told on.
const LONGEST_TITLE: usize = 80;
const LONGEST_DETAIL: usize = 160;

/// What follows from a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finality {
    TriedAgain,
    ForGood,
}

/// The refusal that a status stands for.
pub(super) fn of_status(
    status: StatusCode,
    headers: &HeaderMap,
    words: String,
    finality: Finality,
    now: Timestamp,
) -> SendError {
    let asks_to_wait = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE];
    if asks_to_wait.contains(&status)
        && let Some(wait) = retry_after(headers, now)
    {
        return SendError::RetryAfter { seconds: wait.as_secs(), detail: words };
    }
    match finality {
        Finality::TriedAgain => SendError::Refused(words),
        Finality::ForGood => SendError::Permanent(words),
    }
}

#[derive(Deserialize)]
struct Problem {
    title: Option<String>,
    detail: Option<String>,
}

/// The status, with what the problem details of the answer add. What cannot be read adds nothing.
pub(super) async fn problem_words(wire: &Wire, response: Response) -> String {
    let status = status_words(response.status());
    if !is_of_type(response.headers(), "application/problem+json") {
        return status;
    }
    let body = wire.read(response).await.unwrap_or_default();
    let Ok(problem) = serde_json::from_slice::<Problem>(&body) else { return status };
    let title = problem.title.filter(|title| is_plain(title, LONGEST_TITLE));
    let detail =
        problem.detail.filter(|detail| is_plain(detail, LONGEST_DETAIL) && names_nobody(detail));
    [Some(status), title, detail].into_iter().flatten().collect::<Vec<_>>().join(": ")
}

/// Whether a body claims to be of this media type, whatever its parameters.
pub(super) fn is_of_type(headers: &HeaderMap, media_type: &str) -> bool {
    let claimed = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = claimed.and_then(|claimed| claimed.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(media_type)
}

/// Words and a few figures: no long number, no address, nothing that would upset a log.
fn is_plain(text: &str, longest: usize) -> bool {
    let fits = |c: char| c.is_alphanumeric() || " .,;:-()/_".contains(c);
    let figures = text.chars().filter(char::is_ascii_digit).count();
    !text.is_empty() && text.chars().count() <= longest && text.chars().all(fits) && figures <= 4
}

/// Whether it can hold neither a name, which has a capital, nor a number. A title says the same whatever
/// the message (RFC 9457, section 3.1.3); a detail speaks of this one.
fn names_nobody(text: &str) -> bool {
    !text.chars().any(|c| c.is_uppercase() || c.is_numeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::reason("the property is not in our register", true)]
    #[case::name("Nordmann has no loan here", false)]
    #[case::number("no loan with number 12", false)]
    fn a_detail_is_told_on_only_without_names_and_numbers(#[case] text: &str, #[case] told: bool) {
        assert_eq!(is_plain(text, LONGEST_DETAIL) && names_nobody(text), told);
    }

    #[rstest::rstest]
    #[case::words("Message type not supported", true)]
    #[case::account("Account 15640410423 unknown", false)]
    #[case::line_break("a\nb", false)]
    #[case::markup("<b>", false)]
    #[case::empty("", false)]
    fn a_title_is_plain_or_not_told(#[case] text: &str, #[case] told: bool) {
        assert_eq!(is_plain(text, LONGEST_TITLE), told);
    }
}

//! What an answer that is no success means: one table from call, status and Altinn's code to what the
//! caller can do. Codes are those of Altinn 3 Broker's problem details (`BRO-00001` …).

use std::time::Duration;

use serde::Deserialize;

use super::error::{AltinnError, Missing};

/// A call to Altinn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// Maskinporten's token for Altinn's own.
    Exchange,
    Initialise,
    Upload,
    Overview,
    Details,
    List,
    Download,
    Confirm,
}

impl Call {
    /// As it stands in a text.
    const fn words(self) -> &'static str {
        match self {
            Self::Exchange => "exchanging the token",
            Self::Initialise => "making a file transfer",
            Self::Upload => "uploading a file",
            Self::Overview | Self::Details => "looking at a file transfer",
            Self::List => "listing file transfers",
            Self::Download => "downloading a file",
            Self::Confirm => "confirming a download",
        }
    }

    /// The scope it needs.
    const fn scope(self) -> &'static str {
        match self {
            Self::Initialise | Self::Upload => "altinn:broker.write",
            Self::Exchange
            | Self::Overview
            | Self::Details
            | Self::List
            | Self::Download
            | Self::Confirm => "altinn:broker.read",
        }
    }

    /// Whether the address of the call names one transfer, which may not be there.
    const fn names_a_transfer(self) -> bool {
        match self {
            Self::Upload | Self::Overview | Self::Details | Self::Download | Self::Confirm => true,
            Self::Exchange | Self::Initialise | Self::List => false,
        }
    }
}

/// For whom and with what a call was made: names that a person needs to set things right.
#[derive(Debug, Clone)]
pub(super) struct About {
    pub(super) client_id: String,
    pub(super) resource: String,
    /// The organisation's number.
    pub(super) organisation: String,
}

/// An answer that is no success.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub(super) call: Call,
    pub(super) status: u16,
    /// Altinn's code.
    pub(super) code: Option<u32>,
    /// Status, code and title, fit to be told on.
    pub(super) words: String,
    pub(super) retry_after: Option<Duration>,
}

/// Problem details (RFC 9457) as far as they are used.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Problem {
    code: Option<String>,
    title: Option<String>,
    detail: Option<String>,
}

impl Problem {
    /// What a body tells, where it is one.
    pub(super) fn read(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }

    /// The number of a code such as `BRO-00007`.
    pub(super) fn number(&self) -> Option<u32> {
        let (family, digits) = self.code.as_deref()?.rsplit_once('-')?;
        if family.eq_ignore_ascii_case("BRO") { digits.parse().ok() } else { None }
    }

    /// A status with what the problem adds.
    pub(super) fn words(&self, status: String) -> String {
        let mut words = status;
        for part in [&self.code, &self.title, &self.detail].into_iter().flatten() {
            let part = told(part);
            if !part.is_empty() && !words.contains(&part) {
                words.push_str(": ");
                words.push_str(&part);
            }
        }
        words
    }
}

/// Characters of a far side's text that are told on.
const LONGEST_TOLD: usize = 300;

/// A text of Altinn or Maskinporten, fit for a log: no line breaks, nothing as long as a token, no number
/// as long as a person's.
pub(super) fn told(text: &str) -> String {
    let plain = text.split(|c: char| c.is_whitespace() || c.is_control());
    let plain = plain.filter(|word| !word.is_empty()).map(|word| {
        let figures = word.chars().filter(char::is_ascii_digit).count();
        let is_uuid = word.chars().filter(|c| *c == '-').count() == 4;
        let hidden = word.chars().count() > 60 || (figures > 9 && !is_uuid);
        if hidden { "…" } else { word }
    });
    plain.collect::<Vec<_>>().join(" ").chars().take(LONGEST_TOLD).collect()
}

/// What the caller can do.
pub(super) fn verdict(reply: &Reply, about: &About) -> AltinnError {
    by_code(reply, about).unwrap_or_else(|| by_status(reply, about))
}

/// The codes that say more than their status.
fn by_code(reply: &Reply, about: &About) -> Option<AltinnError> {
    let About { client_id, resource, organisation } = about;
    let doing = format!("{} for {organisation}: {}", reply.call.words(), reply.words);
    let fault = |missing, text: String| Some(AltinnError::fault(missing, text));
    match reply.code? {
        1 => Some(AltinnError::NotFound),
        2 => fault(
            Missing::Resource,
            format!(
                "{doing}. The owner of the resource `{resource}` is not set up for Altinn's broker; \
                 check `altinn.resource_id` and `altinn.platform_url` (test and production have \
                 different ones), then ask the owner of the resource"
            ),
        ),
        4 => Some(AltinnError::AlreadyUploaded),
        5 => fault(
            Missing::Resource,
            format!(
                "{doing}. Altinn knows no resource `{resource}` for its broker; check \
                 `altinn.resource_id` (kv_dsve in production, kv_dsve_test for tests)"
            ),
        ),
        6 => fault(
            Missing::Right,
            format!(
                "{doing}. {organisation} has not given its system user the right to `{resource}`: \
                 somebody who may act for {organisation} approves it in Altinn (system accesses), and \
                 the owner of the resource must have {organisation} on its access list. The client is \
                 {client_id}"
            ),
        ),
        7 => Some(AltinnError::NotReady),
        9 => Some(AltinnError::ChecksumMismatch),
        16 => Some(AltinnError::TooLarge),
        26 => fault(
            Missing::Right,
            format!(
                "{doing}. A party that `{resource}` requires in every file transfer is not among \
                 sender and receivers; ask the owner of the resource which, and whether \
                 {organisation} may send to others"
            ),
        ),
        28 => fault(
            Missing::Receiver,
            format!(
                "{doing}. The receiver is not on the access list of `{resource}`, so nothing can be \
                 sent to it; the owner of the resource puts it there when it joins"
            ),
        ),
        21 | 30 => Some(again(reply)),
        _ => None,
    }
}

fn by_status(reply: &Reply, about: &About) -> AltinnError {
    let About { client_id, organisation, .. } = about;
    let doing = format!("{} for {organisation}: {}", reply.call.words(), reply.words);
    match reply.status {
        401 => AltinnError::fault(
            Missing::Right,
            format!(
                "{doing}. Altinn takes no token of the client {client_id}; check that \
                 `altinn.platform_url` and `altinn.maskinporten.issuer` are both of production or both \
                 of test, and that this machine's clock is right"
            ),
        ),
        403 => AltinnError::fault(
            Missing::Scope,
            format!(
                "{doing}. The token lacks what this needs: the scope {} (add it to the client \
                 {client_id} in Digdir's self-service, and to `altinn.maskinporten.scopes`)",
                reply.call.scope()
            ),
        ),
        404 if reply.call.names_a_transfer() => AltinnError::NotFound,
        404 | 405 => elsewhere(&doing),
        409 if reply.call == Call::Upload => AltinnError::AlreadyUploaded,
        413 => AltinnError::TooLarge,
        408 | 425 | 429 => again(reply),
        501 | 505 => AltinnError::Refused(doing),
        500.. => again(reply),
        400..500 => AltinnError::Refused(doing),
        _ => elsewhere(&doing),
    }
}

fn elsewhere(doing: &str) -> AltinnError {
    let text = format!("{doing}. That is not Altinn's broker; check `altinn.platform_url`");
    AltinnError::fault(Missing::Address, text)
}

fn again(reply: &Reply) -> AltinnError {
    let why = format!("{}: {}", reply.call.words(), reply.words);
    AltinnError::Retry { after: reply.retry_after, why }
}

/// What a refusal of Maskinporten's token endpoint means (RFC 6749, section 5.2; RFC 9396, section 5).
pub(super) fn of_maskinporten(
    status: u16,
    error: Option<&str>,
    words: &str,
    retry_after: Option<Duration>,
    about: &About,
) -> AltinnError {
    let About { client_id, organisation, .. } = about;
    let doing = format!("signing in for {organisation}: Maskinporten answered {words}");
    if matches!(status, 408 | 425 | 429 | 500 | 502..=504 | 506..) {
        return AltinnError::Retry { after: retry_after, why: doing };
    }
    match error {
        Some("invalid_scope") => AltinnError::fault(
            Missing::Scope,
            format!(
                "{doing}. The client {client_id} does not have all scopes of \
                 `altinn.maskinporten.scopes`: apply to Digdir for altinn:broker.read and \
                 altinn:broker.write, then add them to the client in Digdir's self-service"
            ),
        ),
        Some("invalid_client" | "unauthorized_client") => AltinnError::fault(
            Missing::Client,
            format!(
                "{doing}. Check `altinn.maskinporten.client_id` ({client_id}), that the client is \
                 active in Digdir's self-service, and that it is of the same environment as the issuer"
            ),
        ),
        Some("invalid_altinn_customer_configuration" | "invalid_authorization_details") => {
            AltinnError::fault(
                Missing::SystemUser,
                format!(
                    "{doing}. {organisation} has no system user for innfri: register the system in \
                     Altinn's system register with the client {client_id}, send {organisation} a \
                     request for a system user, and let somebody who may act for it approve that"
                ),
            )
        }
        Some("invalid_grant" | "invalid_request") => AltinnError::fault(
            Missing::Client,
            format!(
                "{doing}. Check that the public part of `altinn.maskinporten.key_file` stands with the \
                 client {client_id} under `altinn.maskinporten.key_id` and has not run out, that \
                 `altinn.maskinporten.issuer` is written as Maskinporten writes it, and that this \
                 machine's clock is right"
            ),
        ),
        Some(_) | None => AltinnError::fault(
            Missing::Address,
            format!("{doing}. Check `altinn.maskinporten.issuer` and `token_url`"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about() -> About {
        About {
            client_id: "client-7".into(),
            resource: "kv_dsve_test".into(),
            organisation: "926018159".into(),
        }
    }

    fn judge(call: Call, status: u16, code: Option<u32>) -> AltinnError {
        let (words, retry_after) = ("words".to_owned(), Some(Duration::from_secs(7)));
        verdict(&Reply { call, status, code, words, retry_after }, &about())
    }

    fn name(error: &AltinnError) -> String {
        match error {
            AltinnError::OperatorFault(fault) => format!("{:?}", fault.missing),
            other => other.code().to_owned(),
        }
    }

    #[rstest::rstest]
    #[case::not_found(Call::Overview, 404, 1, "not_found")]
    #[case::owner_not_set_up(Call::Initialise, 400, 2, "Resource")]
    #[case::nothing_uploaded(Call::Download, 400, 3, "refused_for_good")]
    #[case::uploaded_before(Call::Upload, 409, 4, "already_uploaded")]
    #[case::no_such_resource(Call::List, 403, 5, "Resource")]
    #[case::no_access(Call::List, 401, 6, "Right")]
    #[case::not_ready(Call::Download, 403, 7, "not_ready")]
    #[case::upload_failed(Call::Upload, 500, 8, "retry")]
    #[case::checksum(Call::Upload, 400, 9, "checksum_mismatch")]
    #[case::not_published(Call::Confirm, 400, 10, "refused_for_good")]
    #[case::too_large(Call::Upload, 400, 16, "too_large")]
    #[case::confirmed_too_early(Call::Confirm, 400, 19, "refused_for_good")]
    #[case::storage_not_ready(Call::Upload, 503, 21, "retry")]
    #[case::party_missing(Call::Initialise, 400, 26, "Right")]
    #[case::not_on_the_list(Call::Initialise, 400, 28, "Receiver")]
    #[case::bad_range(Call::Download, 416, 29, "refused_for_good")]
    #[case::scan_not_ready(Call::Download, 503, 30, "retry")]
    #[case::one_of_tomorrow(Call::Initialise, 400, 99, "refused_for_good")]
    fn every_code_says_what_can_be_done(
        #[case] call: Call,
        #[case] status: u16,
        #[case] code: u32,
        #[case] expected: &str,
    ) {
        assert_eq!(name(&judge(call, status, Some(code))), expected);
    }

    #[rstest::rstest]
    #[case::bad_request(Call::Initialise, 400, "refused_for_good")]
    #[case::no_token(Call::List, 401, "Right")]
    #[case::no_scope(Call::Initialise, 403, "Scope")]
    #[case::no_transfer(Call::Confirm, 404, "not_found")]
    #[case::no_such_route(Call::List, 404, "Address")]
    #[case::no_such_method(Call::Initialise, 405, "Address")]
    #[case::request_timeout(Call::Upload, 408, "retry")]
    #[case::conflict_at_upload(Call::Upload, 409, "already_uploaded")]
    #[case::other_conflict(Call::Confirm, 409, "refused_for_good")]
    #[case::large(Call::Upload, 413, "too_large")]
    #[case::too_many(Call::List, 429, "retry")]
    #[case::broken(Call::Overview, 500, "retry")]
    #[case::not_implemented(Call::Overview, 501, "refused_for_good")]
    #[case::bad_gateway(Call::Overview, 502, "retry")]
    #[case::unavailable(Call::Exchange, 503, "retry")]
    #[case::gateway_timeout(Call::Download, 504, "retry")]
    #[case::of_a_proxy(Call::Download, 520, "retry")]
    #[case::elsewhere(Call::List, 302, "Address")]
    fn a_status_without_a_code_says_what_can_be_done(
        #[case] call: Call,
        #[case] status: u16,
        #[case] expected: &str,
    ) {
        let error = judge(call, status, None);
        assert_eq!(name(&error), expected);
        let wait = (expected == "retry").then_some(Duration::from_secs(7));
        assert_eq!(error.asked_wait(), wait);
    }

    #[test]
    fn a_fault_names_what_is_missing_and_for_whom() {
        let resource = judge(Call::List, 403, Some(5)).to_string();
        assert!(resource.contains("kv_dsve_test") && resource.contains("altinn.resource_id"));
        let right = judge(Call::List, 401, Some(6)).to_string();
        assert!(right.contains("926018159") && right.contains("client-7"), "{right}");
        let write = judge(Call::Upload, 403, None).to_string();
        assert!(write.contains("altinn:broker.write"), "{write}");
        let read = judge(Call::List, 403, None).to_string();
        assert!(read.contains("altinn:broker.read"), "{read}");
    }

    #[rstest::rstest]
    #[case::scope(400, Some("invalid_scope"), "Scope")]
    #[case::client(401, Some("invalid_client"), "Client")]
    #[case::not_for_it(400, Some("unauthorized_client"), "Client")]
    #[case::key_or_clock(400, Some("invalid_grant"), "Client")]
    #[case::request(400, Some("invalid_request"), "Client")]
    #[case::system_user(400, Some("invalid_altinn_customer_configuration"), "SystemUser")]
    #[case::details(400, Some("invalid_authorization_details"), "SystemUser")]
    #[case::other_word(400, Some("something"), "Address")]
    #[case::no_word(404, None, "Address")]
    #[case::redirect(302, None, "Address")]
    #[case::too_many(429, None, "retry")]
    #[case::unavailable(503, Some("temporarily_unavailable"), "retry")]
    fn a_refused_sign_in_says_what_is_missing(
        #[case] status: u16,
        #[case] error: Option<&str>,
        #[case] expected: &str,
    ) {
        assert_eq!(name(&of_maskinporten(status, error, "words", None, &about())), expected);
    }

    #[rstest::rstest]
    #[case::usual("BRO-00007", Some(7))]
    #[case::other_family("AUTH-00007", None)]
    #[case::no_number("BRO-X", None)]
    #[case::bare("7", None)]
    fn a_code_is_read(#[case] code: &str, #[case] number: Option<u32>) {
        let body = format!("{{\"code\":\"{code}\"}}");
        assert_eq!(Problem::read(body.as_bytes()).number(), number);
        assert_eq!(Problem::read(b"<html>").number(), None);
    }

    #[test]
    fn a_text_is_told_without_tokens_and_long_numbers() {
        let token = format!("eyJ{}", "a".repeat(80));
        let text = format!("no\r\nright for 926018159 with {token} and 01017012345");
        assert_eq!(told(&text), "no right for 926018159 with … and …");
        assert_eq!(told(&"a ".repeat(400)).chars().count(), LONGEST_TOLD);
    }
}

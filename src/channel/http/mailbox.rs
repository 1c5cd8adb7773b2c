//! The mailbox: what is owed to participants who collect it, handed out under a lease until they say that
//! they have it.

use axum::Json;
use axum::extract::{Extension, Request, State};
use axum::http::{StatusCode, Uri};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::cases::raw;
use super::door::SignedIn;
use super::envelope::Form;
use super::problem::{Problem, ProblemKind};
use super::wait::duration;
use super::{Shared, query};
use crate::case::Purpose;
use crate::contract::MessageType;
use crate::directory::{Directory, Handler};
use crate::kernel::{CaseId, DeliveryId, Login, MessageId, OrganisationId};
use crate::port::{AttemptResult, Claim, DeliveryRecord, OwedDelivery, Topic, Whose};

/// Messages handed out at once, unless something else is asked for, and at most.
const AT_ONCE: (u32, u32) = (10, 100);
/// Bytes of the largest body that hands something back.
const NACK_BYTES: usize = 4096;
/// How long something handed back may rest.
const LONGEST_REST: SignedDuration = SignedDuration::from_hours(24);
/// Characters of a reason that are kept.
const REASON_CHARACTERS: usize = 200;

/// A message as it is handed out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HandedOut {
    id: DeliveryId,
    r#type: MessageType,
    message_id: DeliveryId,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<MessageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    case_id: Option<CaseId>,
    purpose: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<u32>,
    to: String,
    /// Which attempt this is: 1 when it was neither handed back nor left until a lease ran out.
    attempts: u32,
    lease_until: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
    body: Box<RawValue>,
}

#[derive(Serialize)]
pub(super) struct Post {
    messages: Vec<HandedOut>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CollectQuery {
    organisation: Option<String>,
    wait: Option<String>,
    max: Option<String>,
}

/// What somebody who hands something back may say.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct HandBack {
    reason: Option<String>,
    retry_after: Option<String>,
}

pub(super) async fn collect(
    State(shared): State<Shared>,
    Extension(SignedIn(login)): Extension<SignedIn>,
    uri: Uri,
) -> Result<Json<Post>, Problem> {
    let asked: CollectQuery = query::parts(&uri, "`organisation`, `wait` and `max`")?;
    let wait = shared.wanted_wait(asked.wait.as_deref())?;
    let max = query::count("max", asked.max.as_deref(), AT_ONCE.0, AT_ONCE.1)?;
    let named = query::part(
        "organisation",
        asked.organisation.as_deref(),
        "country and number, such as NO:926018159, or nine digits for Norway",
    )?;
    let named = match named {
        Some(named) => Some(shared.may_speak_for(&login, named).await?),
        None => None,
    };
    let receivers = mailboxes(&shared.directory(), &login, named.as_ref());
    if receivers.is_empty() {
        return Err(Problem::bad(
            "nobody of those for whom you ask has a mailbox: the directory names another handler",
        ));
    }
    let topics = receivers.iter().cloned().map(Topic::Post).collect();
    let listener = shared.parts.bell.listen(topics);
    let mut waiter = None;
    loop {
        // Who speaks for whom may have changed while somebody waited.
        let receivers = mailboxes(&shared.directory(), &login, named.as_ref());
        let messages = shared.hand_out(&receivers, max).await?;
        if !messages.is_empty() || wait.is_zero() {
            return Ok(Json(Post { messages }));
        }
        let waiting = match &waiter {
            Some(waiting) => waiting,
            None => waiter.insert(shared.seat(wait)?),
        };
        if !shared.worth_looking(waiting, &listener).await {
            return Ok(Json(Post { messages }));
        }
    }
}

/// Those of a login's participants who have a mailbox; of them only the one that is named.
fn mailboxes(
    directory: &Directory,
    login: &Login,
    named: Option<&OrganisationId>,
) -> Vec<OrganisationId> {
    let spoken_for = directory.operator(login).map(|operator| &operator.speaks_for);
    spoken_for
        .into_iter()
        .flatten()
        .filter(|id| named.is_none_or(|named| named == *id))
        .filter(|id| has_mailbox(directory, id))
        .cloned()
        .collect()
}

fn has_mailbox(directory: &Directory, id: &OrganisationId) -> bool {
    directory.participant(id).is_some_and(|found| found.handler == Handler::Mailbox)
}

pub(super) async fn acknowledge(
    State(shared): State<Shared>,
    Extension(SignedIn(login)): Extension<SignedIn>,
    path: query::PathText,
) -> Result<StatusCode, Problem> {
    let record = shared.own_post(&login, query::id(path), "acknowledge").await?;
    if record.delivered_at.is_none() {
        let at = shared.parts.clock.now();
        let delivered = AttemptResult::Delivered { delivery: record.id, at };
        shared.parts.journal.record(&[delivered]).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn hand_back(
    State(shared): State<Shared>,
    Extension(SignedIn(login)): Extension<SignedIn>,
    path: query::PathText,
    request: Request,
) -> Result<StatusCode, Problem> {
    let form = Form::of(request.headers());
    let body = shared.body(request, NACK_BYTES).await?;
    let said = if body.is_empty() { HandBack::default() } else { said(form?, &body)? };
    let rest = rest(said.retry_after.as_deref())?;
    let record = shared.own_post(&login, query::id(path), "hand back").await?;
    if record.delivered_at.is_some() || record.given_up_at.is_some() {
        return Err(Problem::not_found(
            "this message is no longer in your mailbox: it was acknowledged, or given up",
        ));
    }
    let now = shared.parts.clock.now();
    let failed = AttemptResult::Failed {
        delivery: record.id,
        next_attempt_at: now.saturating_add(rest).unwrap_or(Timestamp::MAX),
        error: format!("handed_back: {}", fit_to_keep(said.reason.as_deref().unwrap_or_default())),
    };
    shared.parts.journal.record(&[failed]).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn said(form: Form, body: &[u8]) -> Result<HandBack, Problem> {
    if form != Form::Bare {
        let detail = "set Content-Type to application/json, or send no body";
        return Err(Problem::new(ProblemKind::UnsupportedMediaType, detail));
    }
    serde_json::from_slice(body).map_err(|_| {
        Problem::bad(
            "the body is not empty, and is not a JSON object with the texts `reason` and \
             `retryAfter` and nothing else",
        )
    })
}

fn rest(text: Option<&str>) -> Result<SignedDuration, Problem> {
    let Some(text) = text else { return Ok(SignedDuration::ZERO) };
    let rest = duration(text).and_then(|rest| SignedDuration::try_from(rest).ok());
    rest.filter(|rest| *rest <= LONGEST_REST).ok_or_else(|| {
        Problem::bad("`retryAfter` is not a time of at most a day, such as 30s, 500ms or 2m")
    })
}

/// A reason without what might be personal data: it is shown to operators. Numbers longer than four digits
/// are left out, and so is what does not fit on a line.
fn fit_to_keep(reason: &str) -> String {
    let mut kept = String::new();
    let mut number = String::new();
    let end = |number: &mut String, kept: &mut String| {
        kept.push_str(if number.len() > 4 { "[number]" } else { number });
        number.clear();
    };
    for sign in reason.chars().take(REASON_CHARACTERS) {
        if sign.is_ascii_digit() {
            number.push(sign);
        } else {
            end(&mut number, &mut kept);
            kept.push(if sign.is_control() { ' ' } else { sign });
        }
    }
    end(&mut number, &mut kept);
    kept
}

impl Shared {
    /// Claims what is due for these receivers. What the caller does not acknowledge falls due again when
    /// its lease is over.
    async fn hand_out(
        &self,
        receivers: &[OrganisationId],
        max: u32,
    ) -> Result<Vec<HandedOut>, Problem> {
        if receivers.is_empty() {
            return Ok(Vec::new());
        }
        let lease = SignedDuration::from_secs(self.parts.config.mailbox_lease_seconds.into());
        let claim = Claim { owner: self.parts.process, now: self.parts.clock.now(), lease };
        let until = claim.now.saturating_add(lease).unwrap_or(Timestamp::MAX);
        let owed = self.parts.journal.claim(&claim, max, Whose::Only(receivers, None)).await?;
        let handed_out = |owed| {
            let id = handed_out(owed, until);
            if let Err(id) = &id {
                tracing::error!(delivery = %id, "a message is not JSON and is not handed out");
            }
            id.ok()
        };
        Ok(owed.into_iter().filter_map(handed_out).collect())
    }

    /// A delivery to somebody for whom the login speaks and who has a mailbox.
    async fn own_post(
        &self,
        login: &Login,
        id: Option<DeliveryId>,
        what: &str,
    ) -> Result<DeliveryRecord, Problem> {
        let nothing = || Problem::not_found("no message of your mailbox has this id");
        let id = id.ok_or_else(nothing)?;
        let record = self.parts.journal.delivery(&id).await?.ok_or_else(nothing)?;
        let directory = self.directory();
        if !directory.speaks_for(login, &record.to) {
            self.record_trespass(login, format!("{what} delivery {id}")).await;
            return Err(nothing());
        }
        if has_mailbox(&directory, &record.to) { Ok(record) } else { Err(nothing()) }
    }
}

fn handed_out(owed: OwedDelivery, lease_until: Timestamp) -> Result<HandedOut, DeliveryId> {
    let delivery = owed.delivery;
    Ok(HandedOut {
        id: delivery.id,
        r#type: delivery.body.message_type,
        message_id: delivery.id,
        correlation_id: delivery.correlation_id,
        case_id: delivery.case,
        purpose: delivery.purpose.name(),
        revision: match delivery.purpose {
            Purpose::Outcome { revision } => Some(revision),
            Purpose::Request | Purpose::Rejection | Purpose::Receipt => None,
        },
        to: delivery.to.to_string(),
        attempts: owed.attempts.saturating_add(1),
        lease_until,
        traceparent: delivery.traceparent,
        body: raw(&delivery.body).ok_or(delivery.id)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_kept_without_what_might_be_a_persons_number() {
        assert_eq!(fit_to_keep("error 503 at 23904430552\n!"), "error 503 at [number] !");
        assert_eq!(fit_to_keep("12345"), "[number]");
        assert_eq!(fit_to_keep(&"æ".repeat(999)).chars().count(), REASON_CHARACTERS);
    }

    #[test]
    fn a_message_rests_for_as_long_as_is_said_and_at_most_a_day() {
        assert_eq!(rest(None).ok(), Some(SignedDuration::ZERO));
        assert_eq!(rest(Some("24h")).ok(), None);
        assert_eq!(rest(Some("1440m")).ok(), Some(SignedDuration::from_hours(24)));
        assert_eq!(rest(Some("1441m")).ok(), None);
        assert_eq!(rest(Some("0")).ok(), Some(SignedDuration::ZERO));
    }

    #[test]
    fn a_body_that_hands_back_holds_reason_and_time_and_nothing_else() {
        let said = |body: &[u8]| said(Form::Bare, body);
        assert!(said(b"{}").is_ok());
        assert!(said(b"{\"reason\":\"later\",\"retryAfter\":\"2m\"}").is_ok());
        assert!(said(b"{\"retry_after\":\"2m\"}").is_err() && said(b"[1]").is_err());
        assert!(super::said(Form::Envelope, b"{}").is_err());
    }
}

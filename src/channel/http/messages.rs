//! `POST /v1/messages`: takes a message in, and tells at once what was decided.
//!
//! The answer is the same for a message that is sent again: what was told then is read back from the
//! journal.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Extension, FromRequest, Request, State};
use axum::http::header::{CONTENT_LENGTH, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::door::SignedIn;
use super::envelope::{Form, Posted};
use super::problem::{Problem, ProblemKind};
use super::{COME_BACK_AFTER, Shared};
use crate::case::Purpose;
use crate::contract::Body;
use crate::kernel::{CaseId, ChannelName, DeliveryId, Finding, Incoming, Login, MessageId};
use crate::market::no::rules::way;
use crate::port::{Disposition, IntakeError, Taken};

/// How long a decision may take. Longer than the journal's own limits; whoever is told that it took too
/// long sends the message again.
const LONGEST_DECISION: Duration = Duration::from_secs(60);

/// The answer for a message that had its effect.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Accepted {
    message_id: MessageId,
    #[serde(skip_serializing_if = "Option::is_none")]
    case_id: Option<CaseId>,
    disposition: &'static str,
}

/// What every notice that a message was not accepted holds: a status or a rejection.
#[derive(Deserialize)]
struct Notice {
    #[serde(default)]
    avvik: Vec<Finding>,
}

pub(super) async fn take(
    State(shared): State<Shared>,
    Extension(SignedIn(login)): Extension<SignedIn>,
    request: Request,
) -> Result<Response, Problem> {
    let form = Form::of(request.headers())?;
    let headers = request.headers().clone();
    let largest = shared.parts.body_bytes;
    let body = shared.body(request, form.most_bytes(largest)).await?;
    let posted = form.read(&headers, &body)?;
    if posted.body.len() > largest {
        return Err(too_large(largest));
    }
    let message_id = posted.message_id;
    let incoming = shared.incoming(login.clone(), posted);
    let taking = shared.parts.intake.take(incoming);
    let taken = match tokio::time::timeout(LONGEST_DECISION, taking).await {
        Ok(Ok(taken)) => taken,
        Ok(Err(error)) => return Err(not_taken(&error)),
        Err(_) => return Err(undecided()),
    };
    shared.answer(&login, message_id, taken).await
}

impl Shared {
    /// The whole body, if it is no larger than `most` and comes in time.
    pub(super) async fn body(&self, mut request: Request, most: usize) -> Result<Bytes, Problem> {
        if announced(request.headers()).is_some_and(|bytes| bytes > most as u64) {
            return Err(too_large(most));
        }
        DefaultBodyLimit::max(most).apply(&mut request);
        let reading = Bytes::from_request(request, &());
        match tokio::time::timeout(self.parts.config.body_timeout(), reading).await {
            Ok(Ok(body)) => Ok(body),
            Ok(Err(error)) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(too_large(most))
            }
            Ok(Err(_)) => Err(Problem::bad("the body did not arrive whole")),
            Err(_) => Err(Problem::bad("the body did not arrive in time")),
        }
    }

    fn incoming(&self, login: Login, posted: Posted) -> Incoming {
        Incoming {
            channel: ChannelName::Http,
            source: "/v1/messages".to_owned(),
            login: Some(login),
            message_type: Some(posted.message_type),
            message_id: Some(posted.message_id.to_string()),
            correlation_id: posted.correlation_id.map(|id| id.to_string()),
            content_type: Some(super::envelope::BARE.to_owned()),
            traceparent: posted.traceparent,
            deaths: Vec::new(),
            findings: Vec::new(),
            received_at: self.parts.clock.now(),
            body: posted.body,
        }
    }

    /// What the sender is told.
    async fn answer(
        &self,
        login: &Login,
        message_id: MessageId,
        taken: Taken,
    ) -> Result<Response, Problem> {
        let told = match taken.disposition {
            Disposition::Accepted => None,
            Disposition::Repeated => self.told_then(&taken).await?,
            Disposition::Refused | Disposition::Rejected => {
                Some(self.told(taken.notice.as_ref()).await?.unwrap_or_default())
            }
            Disposition::DeadLettered => {
                tracing::warn!(
                    target: "innfri::security",
                    %login,
                    "a message whose sender is not one for whom its login speaks is kept as a dead \
                     letter"
                );
                let findings = self.told(taken.notice.as_ref()).await?.unwrap_or_default();
                return Err(not_allowed(message_id, findings));
            }
        };
        match told {
            None => Ok(accepted(message_id, taken.case)),
            Some(findings) => {
                if has_rule(&findings, &way::BANK_NOT_ASKED) {
                    tracing::warn!(
                        target: "innfri::security",
                        %login,
                        "an answer to a case of another bank is kept as a dead letter"
                    );
                }
                Err(unacceptable(message_id, taken.case, findings))
            }
        }
    }

    /// The findings of a notice; `None` when there is no such notice.
    async fn told(&self, notice: Option<&DeliveryId>) -> Result<Option<Vec<Finding>>, Problem> {
        let Some(id) = notice else { return Ok(None) };
        let record = self.parts.journal.delivery(id).await?;
        Ok(record.map(|record| findings_of(&record.body)))
    }

    /// What the sender of a message that was here before was told then: the findings if it was not
    /// accepted, `None` if it was.
    async fn told_then(&self, taken: &Taken) -> Result<Option<Vec<Finding>>, Problem> {
        match (&taken.notice, &taken.case) {
            // An answer.
            (Some(_), _) => {
                let told = self.told(taken.notice.as_ref()).await?;
                // The same body under the same id as another type was refused for that alone.
                Ok(told.filter(|findings| !has_rule(findings, &way::MESSAGE_ID_REUSED)))
            }
            // A request: one that was refused went to no bank, and its first outcome says why.
            (None, Some(case)) => {
                let Some(story) = self.parts.journal.story(case).await? else { return Ok(None) };
                let deliveries = &story.deliveries;
                if deliveries.iter().any(|one| one.purpose == Purpose::Request) {
                    return Ok(None);
                }
                let why = deliveries.iter().find(|one| one.purpose.revision() == 1);
                Ok(why.map(|one| findings_of(&one.body)))
            }
            (None, None) => Ok(None),
        }
    }
}

/// How large the body is said to be.
fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn findings_of(body: &Body) -> Vec<Finding> {
    serde_json::from_slice::<Notice>(&body.json).map(|notice| notice.avvik).unwrap_or_default()
}

fn has_rule(findings: &[Finding], rule: &crate::market::no::rules::RuleDoc) -> bool {
    findings.iter().any(|finding| finding.regel == rule.id)
}

fn accepted(message_id: MessageId, case_id: Option<CaseId>) -> Response {
    let body = Accepted { message_id, case_id, disposition: "accepted" };
    let mut response = (StatusCode::ACCEPTED, Json(body)).into_response();
    if let Some(location) =
        case_id.and_then(|id| HeaderValue::try_from(format!("/v1/cases/{id}")).ok())
    {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

fn unacceptable(message_id: MessageId, case_id: Option<CaseId>, findings: Vec<Finding>) -> Problem {
    let (kind, detail) = if has_rule(&findings, &way::MESSAGE_ID_REUSED) {
        (
            ProblemKind::ReusedMessageId,
            "this message id stands for another message, which keeps its effect: give a new message \
             a new id"
                .to_owned(),
        )
    } else {
        let count = findings.len();
        (
            ProblemKind::UnacceptableMessage,
            format!(
                "the message had no effect; put right what the {count} finding(s) say, and send it \
                 with a new message id"
            ),
        )
    };
    Problem { message_id: Some(message_id), case_id, findings, ..Problem::new(kind, detail) }
}

fn not_allowed(message_id: MessageId, findings: Vec<Finding>) -> Problem {
    Problem {
        message_id: Some(message_id),
        findings,
        ..Problem::new(
            ProblemKind::NotAllowed,
            "avsender.id names nobody for whom you may speak, or cannot be read; the message had no \
             effect and is kept for innfri's operators",
        )
    }
}

fn too_large(most: usize) -> Problem {
    let detail = format!("the body is larger than {most} bytes; nothing was taken in");
    Problem::new(ProblemKind::TooLarge, detail)
}

fn not_taken(error: &IntakeError) -> Problem {
    let detail = match error {
        IntakeError::Unavailable => "nothing is taken in now: send the same message again",
        IntakeError::Stopping => "innfri is stopping: send the same message again",
    };
    Problem::unavailable(detail, COME_BACK_AFTER)
}

fn undecided() -> Problem {
    let detail = "it took too long to decide: send the same message again, with the same id";
    Problem::unavailable(detail, COME_BACK_AFTER)
}

//! `GET /v1/cases` and `GET /v1/cases/{caseId}`: where one's own cases stand.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::Uri;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use url::form_urlencoded::Serializer;

use super::door::SignedIn;
use super::problem::{Problem, ProblemKind};
use super::{Shared, query};
use crate::case::{Case, CaseState, OutcomeKind, Purpose};
use crate::contract::{Body, MessageType};
use crate::kernel::{CaseId, DeliveryId, Login, OrganisationId};
use crate::port::{CaseFilter, CaseStory, Topic};

/// Cases on one page, unless something else is asked for, and at most.
const PAGE: (u32, u32) = (100, 500);

/// A case as it is shown.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShownCase {
    case_id: CaseId,
    r#type: MessageType,
    reference: String,
    asker: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    bank: Option<String>,
    opened_at: Timestamp,
    state: &'static str,
    revision: u32,
    /// For whoever gets it, and nobody else.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<ShownOutcome>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownOutcome {
    r#type: MessageType,
    message_id: DeliveryId,
    revision: u32,
    at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Box<RawValue>>,
}

/// A page of cases, newest first.
#[derive(Serialize)]
pub(super) struct Page {
    cases: Vec<ShownCase>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShowQuery {
    wait: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    organisation: Option<String>,
    reference: Option<String>,
    state: Option<String>,
    r#type: Option<String>,
    since: Option<String>,
    before: Option<String>,
    limit: Option<String>,
}

/// A message's bytes as JSON within JSON, byte for byte; `None` when they are not JSON.
pub(super) fn raw(body: &Body) -> Option<Box<RawValue>> {
    let text = std::str::from_utf8(&body.json).ok()?;
    serde_json::from_str::<Box<RawValue>>(text).ok()
}

pub(super) async fn show(
    State(shared): State<Shared>,
    Extension(SignedIn(login)): Extension<SignedIn>,
    path: query::PathText,
    uri: Uri,
) -> Result<Json<ShownCase>, Problem> {
    let asked: ShowQuery = query::parts(&uri, "`wait`")?;
    let wait = shared.wanted_wait(asked.wait.as_deref())?;
    let nothing = || Problem::not_found("none of your cases has this id");
    let id: CaseId = query::id(path).ok_or_else(nothing)?;
    let listener = shared.parts.bell.listen(vec![Topic::Case(id)]);
    let mut waiter = None;
    loop {
        let story = shared.parts.journal.story(&id).await?.ok_or_else(nothing)?;
        let Some(sees) = shared.sees(&login, &story.stored.case) else {
            shared.record_trespass(&login, format!("read case {id}")).await;
            return Err(nothing());
        };
        if story.stored.case.state != CaseState::Open || wait.is_zero() {
            return Ok(Json(shown_story(story, sees)));
        }
        let waiting = match &waiter {
            Some(waiting) => waiting,
            None => waiter.insert(shared.seat(wait)?),
        };
        if !shared.worth_looking(waiting, &listener).await {
            return Ok(Json(shown_story(story, sees)));
        }
    }
}

/// How much of a case is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sees {
    /// With its outcome: whoever asked, and whoever gets the outcome.
    All,
    /// Without: the bank, which knows what it has answered.
    AllButOutcome,
}

impl Shared {
    /// How much of a case a login may see; `None` when it is not one of its own.
    fn sees(&self, login: &Login, case: &Case) -> Option<Sees> {
        let directory = self.directory();
        let speaks_for = |id: &OrganisationId| directory.speaks_for(login, id);
        if speaks_for(&case.asker) || speaks_for(&case.reply_to) {
            Some(Sees::All)
        } else if case.bank.as_ref().is_some_and(speaks_for) {
            Some(Sees::AllButOutcome)
        } else {
            None
        }
    }

    /// For whom a login wants to do something: whom it names, if it may speak for it, else the only one
    /// for whom it speaks.
    async fn on_behalf_of(
        &self,
        login: &Login,
        named: Option<OrganisationId>,
    ) -> Result<OrganisationId, Problem> {
        let directory = self.directory();
        let spoken_for = directory.operator(login).map(|operator| &operator.speaks_for);
        let mut own = spoken_for.into_iter().flatten();
        match (named, own.next(), own.next()) {
            (Some(named), _, _) => self.may_speak_for(login, named).await,
            (None, Some(only), None) => Ok(only.clone()),
            (None, Some(_), Some(_)) => Err(Problem::bad(
                "you speak for several organisations: say which in `organisation`",
            )),
            (None, None, _) => {
                Err(Problem::new(ProblemKind::NotAllowed, "you speak for no organisation"))
            }
        }
    }

    /// An organisation, if a login may speak for it.
    pub(super) async fn may_speak_for(
        &self,
        login: &Login,
        named: OrganisationId,
    ) -> Result<OrganisationId, Problem> {
        if self.directory().speaks_for(login, &named) {
            return Ok(named);
        }
        self.record_trespass(login, format!("act for organisation {named}")).await;
        Err(Problem::new(ProblemKind::NotAllowed, "you may not speak for this organisation"))
    }
}

fn shown_story(story: CaseStory, sees: Sees) -> ShownCase {
    let mut case = shown(&story.stored.case, sees);
    if let Some(outcome) = &mut case.outcome {
        let newest = Purpose::Outcome { revision: outcome.revision };
        if let Some(record) = story.deliveries.iter().find(|one| one.purpose == newest) {
            outcome.message_id = record.id;
            outcome.body = raw(&record.body);
        }
    }
    case
}

fn shown(case: &Case, sees: Sees) -> ShownCase {
    let outcome = case.state.outcome().filter(|_| sees == Sees::All);
    ShownCase {
        case_id: case.id,
        r#type: case.request_type,
        reference: case.reference.clone(),
        asker: case.asker.to_string(),
        bank: case.bank.as_ref().map(ToString::to_string),
        opened_at: case.opened_at,
        state: case.state.name(),
        revision: case.state.revision(),
        outcome: outcome.map(|outcome| ShownOutcome {
            r#type: match outcome.kind {
                OutcomeKind::Answer(kind) => kind,
                OutcomeKind::Status(..) => MessageType::Status,
            },
            message_id: DeliveryId::of_outcome(&case.id, outcome.revision),
            revision: outcome.revision,
            at: outcome.at,
            body: None,
        }),
    }
}

pub(super) async fn list(
    State(shared): State<Shared>,
    Extension(SignedIn(login)): Extension<SignedIn>,
    uri: Uri,
) -> Result<Json<Page>, Problem> {
    let known = "`organisation`, `reference`, `state`, `type`, `since`, `before` and `limit`";
    let asked: ListQuery = query::parts(&uri, known)?;
    let named = query::part(
        "organisation",
        asked.organisation.as_deref(),
        "country and number, such as NO:926018159, or nine digits for Norway",
    )?;
    let filter = filter(asked)?;
    let organisation = shared.on_behalf_of(&login, named).await?;
    let filter = CaseFilter { organisation: Some(organisation), ..filter };
    let found = shared.parts.journal.cases(&filter).await?;
    let next = filter.next_page(&found).map(|next| link(&next));
    let cases = found.iter().filter_map(|case| Some(shown(case, shared.sees(&login, case)?)));
    Ok(Json(Page { cases: cases.collect(), next }))
}

fn filter(asked: ListQuery) -> Result<CaseFilter, Problem> {
    let open = match asked.state.as_deref() {
        None => None,
        Some("open") => Some(true),
        Some("settled") => Some(false),
        Some(_) => return Err(Problem::bad("`state` is not `open` or `settled`")),
    };
    let time = "a time such as 2026-11-20T10:00:00Z";
    Ok(CaseFilter {
        reference: asked.reference,
        organisation: None,
        open,
        message_type: query::part("type", asked.r#type.as_deref(), "a message type")?,
        since: query::part("since", asked.since.as_deref(), time)?,
        before: query::part("before", asked.before.as_deref(), time)?,
        limit: query::count("limit", asked.limit.as_deref(), PAGE.0, PAGE.1)?,
    })
}

/// The address of a page.
fn link(filter: &CaseFilter) -> String {
    let CaseFilter { reference, organisation, open, message_type, since, before, limit } = filter;
    let state = open.map(|open| if open { "open" } else { "settled" }.to_owned());
    let parts = [
        ("organisation", organisation.as_ref().map(ToString::to_string)),
        ("reference", reference.clone()),
        ("state", state),
        ("type", message_type.map(|kind| kind.name().to_owned())),
        ("since", since.map(|at| at.to_string())),
        ("before", before.map(|at| at.to_string())),
        ("limit", Some(limit.to_string())),
    ];
    let given = parts.into_iter().filter_map(|(name, value)| Some((name, value?)));
    format!("/v1/cases?{}", Serializer::new(String::new()).extend_pairs(given).finish())
}

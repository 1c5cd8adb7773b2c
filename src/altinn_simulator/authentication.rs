//! Altinn's token exchange: Maskinporten's token in, Altinn's out. And who calls Broker.

use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;

use super::problem::{Code, Refusal};
use super::server::{Shared, Simulator, fresh_token};
use super::world::Grant;
use crate::kernel::OrganisationId;

const READ: &str = "altinn:broker.read";
const WRITE: &str = "altinn:broker.write";

/// What a route needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Read,
    Write,
    Either,
}

impl Need {
    fn is_met(self, scopes: &[String]) -> bool {
        let has = |scope: &str| scopes.iter().any(|one| one == scope);
        match self {
            Self::Read => has(READ),
            Self::Write => has(WRITE),
            Self::Either => has(READ) || has(WRITE),
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// `GET /authentication/api/v1/exchange/maskinporten`.
pub(super) async fn exchange(
    State(simulator): State<Shared>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let now = simulator.now();
    let mut world = simulator.lock();
    let grant = bearer(&headers).and_then(|token| world.maskinporten(token, now)).cloned();
    let grant = grant.ok_or_else(Refusal::not_signed_in)?;
    let life = SignedDuration::from_secs(i64::from(simulator.config.altinn_token_seconds));
    let token = fresh_token("altinn");
    world.give_altinn(token.clone(), Grant { until: now + life, ..grant }, now);
    if world.faults.quoted_token.unwrap_or(false) {
        return Ok(axum::Json(token).into_response());
    }
    Ok((StatusCode::OK, [(CONTENT_TYPE, "text/plain; charset=utf-8")], token).into_response())
}

impl Simulator {
    /// The organisation for which whoever shows a token acts, whatever the token allows.
    pub(super) fn shown_by(&self, headers: &HeaderMap) -> Option<OrganisationId> {
        let (token, now) = (bearer(headers)?, self.now());
        let world = self.lock();
        let grant = world.altinn(token, now).or_else(|| world.maskinporten(token, now))?;
        grant.organisation.clone()
    }

    /// The organisation for which a call is made, when its token allows it.
    pub(super) fn caller(
        &self,
        headers: &HeaderMap,
        need: Need,
    ) -> Result<OrganisationId, Refusal> {
        let now = self.now();
        let world = self.lock();
        let grant = bearer(headers).and_then(|token| world.altinn(token, now));
        let grant = grant.ok_or_else(Refusal::not_signed_in)?;
        if !need.is_met(&grant.scopes) {
            let text = match need {
                Need::Read => format!("The token has not the scope {READ}"),
                Need::Write => format!("The token has not the scope {WRITE}"),
                Need::Either => format!("The token has neither the scope {READ} nor {WRITE}"),
            };
            return Err(Refusal::plain(StatusCode::FORBIDDEN, &text));
        }
        grant.organisation.clone().ok_or_else(|| Code::NoAccess.into())
    }
}

//! The door: who is calling, and may it call now? Every route stands behind it.

use std::time::Duration;

use async_trait::async_trait;
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Shared;
use super::problem::{Problem, ProblemKind};
use crate::kernel::Login;

/// Tells who is calling.
#[async_trait]
pub trait Door: Send + Sync {
    /// The login behind an `Authorization` header, an operator of the directory.
    ///
    /// # Errors
    /// Why the caller is not let in.
    async fn check(&self, authorization: Option<&str>) -> Result<Login, Refusal>;
}

/// Why a caller is not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No token, or none that is known. The text says no more than its bearer knows.
    #[error("{detail}")]
    NotSignedIn {
        /// What is wrong and what to do, in English.
        detail: String,
        /// The value of `WWW-Authenticate` (RFC 6750, section 3).
        challenge: &'static str,
    },
    /// A good token that does not let its bearer in here.
    #[error("{detail}")]
    NotAllowed {
        /// What is wrong and what to do, in English.
        detail: String,
        /// The value of `WWW-Authenticate` (RFC 6750, section 3).
        challenge: &'static str,
    },
    /// The operator has called too often; it may call again after this time.
    #[error("too many requests")]
    TooMany(Duration),
    /// Nobody can be let in now, such as when the journal that knows the tokens is away.
    #[error("sign-in is not available")]
    Unavailable,
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotSignedIn { detail, challenge } => {
                Self { challenge: Some(challenge), ..Self::new(ProblemKind::NotSignedIn, detail) }
            }
            Refusal::NotAllowed { detail, challenge } => {
                Self { challenge: Some(challenge), ..Self::new(ProblemKind::NotAllowed, detail) }
            }
            Refusal::TooMany(after) => Self {
                retry_after: Some(after),
                ..Self::new(
                    ProblemKind::TooManyRequests,
                    "your rate is used up: wait as long as Retry-After says",
                )
            },
            Refusal::Unavailable => {
                Self::unavailable("nobody can be signed in now", Duration::from_secs(5))
            }
        }
    }
}

/// Who has signed in: the door has checked it.
#[derive(Debug, Clone)]
pub(super) struct SignedIn(pub(super) Login);

/// Lets in who may call, and nobody else.
pub(super) async fn guard(
    State(shared): State<Shared>,
    mut request: Request,
    next: Next,
) -> Response {
    let mut given = request.headers().get_all(AUTHORIZATION).iter();
    let authorization = match (given.next(), given.next()) {
        (Some(only), None) => only.to_str().ok().map(str::to_owned),
        // Of two, one would be believed without the other having been looked at.
        (Some(_), Some(_)) | (None, _) => None,
    };
    match shared.parts.door.check(authorization.as_deref()).await {
        Ok(login) => {
            request.extensions_mut().insert(SignedIn(login));
            next.run(request).await
        }
        Err(refusal) => Problem::from(refusal).into_response(),
    }
}

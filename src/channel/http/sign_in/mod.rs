//! Who is calling: `Authorization: Bearer …` becomes the login of an operator.
//!
//! Two kinds of tokens are taken: those that innfri gave out itself (`token`) and, where an issuer is
//! configured, its JWTs (`jwt`). Either way the operator must stand in the directory as it is now.

pub mod config;
mod jwks;
mod jwt;
pub mod token;

use std::sync::Arc;

use tokio::sync::watch;

use crate::directory::Directory;
use crate::kernel::Login;
use crate::port::{Clock, Tokens};

pub use config::{JwtConfig, SignInConfig};
use jwt::Jwts;
use token::Bearer;

/// Longer texts than this are no tokens; JWTs of Maskinporten have about 1000 bytes.
const LONGEST_TOKEN: usize = 8 * 1024;

/// Why somebody is not signed in, in words for a client. They repeat nothing that came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSignedIn {
    /// No `Authorization` header.
    #[error("no token came with the request: send the header `Authorization: Bearer <token>`")]
    Missing,
    /// Something else than a token of a known form.
    #[error(
        "what came with the request is no token: send `Authorization: Bearer <token>` with a token \
         as it was given out"
    )]
    Malformed,
    /// A token that nobody gave out, that was revoked, or whose signature does not hold.
    #[error(
        "the token is not known, was revoked, or is not signed by the issuer that is trusted here: \
         fetch a new one, or ask whoever runs this installation"
    )]
    Unknown,
    /// The token's time is over, or has not come.
    #[error("the token is not valid at this time: fetch a new one, and check your clock")]
    Expired,
    /// A token that is valid for longer than is taken here.
    #[error(
        "the token is valid for too long a time to be taken here: ask for one that lives shorter"
    )]
    LivesTooLong,
    /// A token for somebody else.
    #[error(
        "the token was made for another audience: ask its issuer for one for this installation"
    )]
    WrongAudience,
    /// A token without the right to come here.
    #[error(
        "the token does not hold the scope that is needed here: ask its issuer for one that does"
    )]
    NotEnoughScope,
    /// A good token of an organisation that is no operator here.
    #[error(
        "the token is good, but its organisation is no operator here: ask whoever runs this \
         installation to add it"
    )]
    NoOperator,
    /// It cannot be told now: the journal or the issuer's keys are out of reach.
    #[error("tokens cannot be checked at the moment: try again in a few seconds")]
    Unavailable,
}

impl NotSignedIn {
    /// Whether it is innfri that cannot tell (503); else the caller must do something (401).
    pub const fn is_unavailable(self) -> bool {
        matches!(self, Self::Unavailable)
    }

    /// The value of `WWW-Authenticate` (RFC 6750, section 3).
    pub const fn challenge(self) -> &'static str {
        match self {
            Self::Missing | Self::Unavailable => "Bearer",
            Self::Malformed => "Bearer error=\"invalid_request\"",
            Self::Unknown
            | Self::Expired
            | Self::LivesTooLong
            | Self::WrongAudience
            | Self::NoOperator => "Bearer error=\"invalid_token\"",
            Self::NotEnoughScope => "Bearer error=\"insufficient_scope\"",
        }
    }
}

/// Why signing in could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// A setting of `[http.jwt]` is empty or out of range.
    #[error("setting `http.jwt.{0}` must not be empty or 0")]
    Empty(&'static str),
    /// The address of the keys.
    #[error(
        "setting `http.jwt.jwks_url` must be an https:// address, or http:// to this machine alone"
    )]
    JwksUrl,
    /// The HTTP client that fetches keys.
    #[error("the client that fetches the issuer's keys could not be made")]
    Client(#[source] reqwest::Error),
}

/// Signs operators in.
pub struct SignIn {
    bearer: Bearer,
    jwts: Option<Jwts>,
    directory: watch::Receiver<Arc<Directory>>,
}

impl SignIn {
    /// Signs operators of this directory in, as it is at each time.
    ///
    /// # Errors
    /// When a setting is wrong, naming it. The issuer need not be reachable yet.
    pub fn new(
        config: &SignInConfig,
        tokens: Arc<dyn Tokens>,
        directory: watch::Receiver<Arc<Directory>>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SignInError> {
        let jwts = config.jwt.as_ref().map(|jwt| Jwts::new(jwt, Arc::clone(&clock))).transpose()?;
        Ok(Self { bearer: Bearer::new(tokens, clock), jwts, directory })
    }

    /// The operator that a request's `Authorization` header signs in.
    ///
    /// # Errors
    /// Why it signs in nobody.
    pub async fn check(&self, authorization: Option<&str>) -> Result<Login, NotSignedIn> {
        let text = bearer(authorization.ok_or(NotSignedIn::Missing)?)?;
        if text.starts_with(token::PREFIX) {
            let login = self.bearer.check(text).await?;
            // Only operators of the directory sign in from outside.
            let directory = self.directory.borrow();
            let known = directory.operators().any(|operator| operator.login == login);
            return if known { Ok(login) } else { Err(NotSignedIn::Unknown) };
        }
        let jwts = self.jwts.as_ref().ok_or(NotSignedIn::Unknown)?;
        let organisation = jwts.check(text).await?;
        let directory = self.directory.borrow();
        let operator = directory.operator_of(&organisation).ok_or(NotSignedIn::NoOperator)?;
        Ok(operator.login.clone())
    }
}

/// The token of a header's value (RFC 6750, section 2.1; the scheme's letters may be of either case).
fn bearer(authorization: &str) -> Result<&str, NotSignedIn> {
    let (scheme, token) = authorization.trim().split_once(' ').ok_or(NotSignedIn::Malformed)?;
    let token = token.trim_start_matches(' ');
    let fits = |byte: u8| byte.is_ascii_graphic();
    if scheme.eq_ignore_ascii_case("bearer")
        && (1..=LONGEST_TOKEN).contains(&token.len())
        && token.bytes().all(fits)
    {
        Ok(token)
    } else {
        Err(NotSignedIn::Malformed)
    }
}

#[cfg(test)]
mod tests;

//! Bearer tokens of operators: what is kept of each, and who gave it out and took it back.
//!
//! The secret itself is kept nowhere: a token is shown once, when it is made, and what is kept is a hash
//! that cannot be turned back.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use jiff::Timestamp;

use super::JournalError;
use crate::kernel::{Login, Secret};

/// The public part of a token: names it in lists and logs, and opens nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(String);

/// Why a text is not the public part of a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not the id of a token: 12 to 32 small letters and digits, such as 4f9c01d2a7b3e856")]
pub struct InvalidTokenId;

impl TokenId {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TokenId {
    type Err = InvalidTokenId;

    fn from_str(text: &str) -> Result<Self, InvalidTokenId> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        if (12..=32).contains(&text.len()) && text.bytes().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidTokenId)
        }
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is kept of a token.
#[derive(Debug, Clone)]
pub struct TokenRecord {
    /// Its public part.
    pub id: TokenId,
    /// Whom it signs in.
    pub login: Login,
    /// The Argon2id hash of its secret part, as a PHC string. It opens nothing, but need not be seen.
    pub hash: Secret,
    /// When it was given out.
    pub created_at: Timestamp,
    /// Who gave it out.
    pub created_by: String,
    /// What for, in words.
    pub note: Option<String>,
    /// From when on it opens nothing; `None` for a token without an end.
    pub expires_at: Option<Timestamp>,
    /// That it was taken back.
    pub revoked: Option<Revocation>,
}

/// That a token was taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// When.
    pub at: Timestamp,
    /// Who did.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl TokenRecord {
    /// Whether its time is over.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

/// Keeps tokens. None is ever removed: who had access, and from when to when, stays known.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// Keeps a new token. `false`, and nothing is kept, when its id is taken.
    ///
    /// # Errors
    /// When the journal is away.
    async fn add(&self, token: &TokenRecord) -> Result<bool, JournalError>;

    /// The token with this id, also one that expired or was revoked.
    ///
    /// # Errors
    /// When the journal is away, or what it holds cannot be read.
    async fn find(&self, id: &TokenId) -> Result<Option<TokenRecord>, JournalError>;

    /// All tokens, or those of one login, oldest first; also those that expired or were revoked.
    ///
    /// # Errors
    /// As for [`Tokens::find`].
    async fn list(&self, login: Option<&Login>) -> Result<Vec<TokenRecord>, JournalError>;

    /// Takes a token back, for good. `false` when there is none with this id, or it was revoked before;
    /// who did so first, and why, then stays as it was.
    ///
    /// # Errors
    /// When the journal is away.
    async fn revoke(&self, id: &TokenId, revocation: &Revocation) -> Result<bool, JournalError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_small_letters_and_digits() {
        assert_eq!("4f9c01d2a7b3e856".parse::<TokenId>().unwrap().as_str(), "4f9c01d2a7b3e856");
        for bad in ["", "short", "4F9C01D2A7B3", "4f9c01d2a7b3e85_", &"a".repeat(33)] {
            assert!(bad.parse::<TokenId>().is_err(), "{bad}");
        }
    }
}

//! Rows of operators' tokens.

use jiff::Timestamp;

use super::{Origin, storable, storable_optional};
use crate::journal::columns::columns;
use crate::journal::error::Fault;
use crate::kernel::{Login, Secret};
use crate::port::tokens::{Revocation, TokenId, TokenRecord};

columns! {
    /// A token.
    TokenRow of "operator_tokens" {
        id: String,
        login: String,
        hash: String,
        created_at: i64,
        created_by: String,
        note: Option<String>,
        expires_at: Option<i64>,
        revoked_at: Option<i64>,
        revoked_by: Option<String>,
        revoked_why: Option<String>,
    }
}

columns! {
    /// A token, or a login, to look for.
    TokenQuery of "operator_tokens" {
        wanted: String,
    }
}

columns! {
    /// A token to take back.
    RevocationRow of "operator_tokens" {
        token: String,
        moment: i64,
        who: String,
        why: String,
    }
}

impl TokenRow {
    /// The row of a token.
    pub(in crate::journal) fn of(token: &TokenRecord) -> Self {
        let revoked = token.revoked.as_ref();
        Self {
            id: token.id.as_str().to_owned(),
            login: token.login.as_str().to_owned(),
            hash: token.hash.expose().to_owned(),
            created_at: token.created_at.as_microsecond(),
            created_by: storable(&token.created_by),
            note: storable_optional(token.note.as_deref()),
            expires_at: token.expires_at.map(Timestamp::as_microsecond),
            revoked_at: revoked.map(|revoked| revoked.at.as_microsecond()),
            revoked_by: revoked.map(|revoked| storable(&revoked.by)),
            revoked_why: revoked.map(|revoked| storable(&revoked.reason)),
        }
    }

    /// The token.
    pub(in crate::journal) fn token(&self) -> Result<TokenRecord, Fault> {
        let origin = Origin { table: "operator_tokens", id: &self.id };
        let revoked = match self.revoked_at {
            None => None,
            Some(at) => Some(Revocation {
                at: origin.time("revoked_at", at)?,
                by: self.revoked_by.clone().ok_or_else(|| origin.fault("revoked_by"))?,
                reason: self.revoked_why.clone().ok_or_else(|| origin.fault("revoked_why"))?,
            }),
        };
        let end = self.expires_at.map(|end| origin.time("expires_at", end)).transpose()?;
        Ok(TokenRecord {
            id: origin.parse("id", &self.id)?,
            login: Login::new(self.login.as_str()),
            hash: Secret::new(self.hash.as_str()),
            created_at: origin.time("created_at", self.created_at)?,
            created_by: self.created_by.clone(),
            note: self.note.clone(),
            expires_at: end,
            revoked,
        })
    }
}

impl TokenQuery {
    /// A text to look for, which a caller may have got from anybody.
    pub(in crate::journal) fn of(text: &str) -> Self {
        Self { wanted: storable(text) }
    }
}

impl RevocationRow {
    /// The row of taking a token back.
    pub(in crate::journal) fn of(id: &TokenId, revocation: &Revocation) -> Self {
        Self {
            token: id.as_str().to_owned(),
            moment: revocation.at.as_microsecond(),
            who: storable(&revocation.by),
            why: storable(&revocation.reason),
        }
    }
}

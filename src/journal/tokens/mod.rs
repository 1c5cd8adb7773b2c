//! Operators' tokens, on both stores: statements written once, as for the journal.

use async_trait::async_trait;

use super::columns::Columns;
use super::error::Fault;
use super::kept::{Kept, persist};
use super::row::{RevocationRow, TokenQuery, TokenRow};
use super::store::{Session, Statement, Store};
use crate::kernel::Login;
use crate::port::JournalError;
use crate::port::tokens::{Revocation, TokenId, TokenRecord, Tokens};

#[async_trait]
impl<S: Store> Tokens for Kept<S> {
    async fn add(&self, token: &TokenRecord) -> Result<bool, JournalError> {
        let row = [TokenRow::of(token)];
        persist(|| change(&self.store, Statement::insert::<TokenRow>(KEEP), &row)).await
    }

    async fn find(&self, id: &TokenId) -> Result<Option<TokenRecord>, JournalError> {
        let found = persist(|| look_up(&self.store, "id", id.as_str())).await?;
        Ok(found.into_iter().next())
    }

    async fn list(&self, login: Option<&Login>) -> Result<Vec<TokenRecord>, JournalError> {
        match login {
            Some(login) => persist(|| look_up(&self.store, "login", login.as_str())).await,
            None => persist(|| all(&self.store)).await,
        }
    }

    async fn revoke(&self, id: &TokenId, revocation: &Revocation) -> Result<bool, JournalError> {
        let row = [RevocationRow::of(id, revocation)];
        persist(|| change(&self.store, Statement::with::<RevocationRow>(REVOKE), &row)).await
    }
}

const KEEP: &str = "ON CONFLICT DO NOTHING RETURNING id";

const REVOKE: &str = "UPDATE operator_tokens SET revoked_at = given.moment, \
     revoked_by = given.who, revoked_why = given.why FROM given \
     WHERE id = given.token AND revoked_at IS NULL RETURNING id";

const ALL: &str = "SELECT id, login, hash, created_at, created_by, note, expires_at, revoked_at, \
     revoked_by, revoked_why FROM operator_tokens ORDER BY created_at, id";

/// Changes one row; whether there was one to change.
async fn change<S: Store, R: Columns>(
    store: &S,
    statement: Statement,
    row: &[R],
) -> Result<bool, Fault> {
    let mut writer = store.write().await?;
    let changed: Vec<(String,)> = writer.run(&statement, row).await?;
    store.commit(writer).await?;
    Ok(!changed.is_empty())
}

async fn look_up<S: Store>(
    store: &S,
    column: &'static str,
    wanted: &str,
) -> Result<Vec<TokenRecord>, Fault> {
    let statement = Statement::with::<TokenQuery>(&format!(
        "SELECT {} FROM operator_tokens WHERE {column} = (SELECT given.wanted FROM given) \
         ORDER BY created_at, id",
        TokenRow::COLUMNS.join(", "),
    ));
    let query = [TokenQuery::of(wanted)];
    let rows: Vec<TokenRow> = store.read().await?.run(&statement, &query).await?;
    rows.iter().map(TokenRow::token).collect()
}

async fn all<S: Store>(store: &S) -> Result<Vec<TokenRecord>, Fault> {
    let rows: Vec<TokenRow> = store.read().await?.plain(ALL).await?;
    rows.iter().map(TokenRow::token).collect()
}

//! The audit of both stores: days are sealed (`seal`), and everything is compared with its chain
//! (`walk` reads in pages, `replay` judges one case).

mod replay;
mod seal;
mod walk;

use async_trait::async_trait;
use jiff::Timestamp;

use super::kept::{Kept, persist};
use super::store::Store;
use crate::port::JournalError;
use crate::port::audit::{Audit, DayHead, Verification};

#[async_trait]
impl<S: Store> Audit for Kept<S> {
    async fn seal_days(&self, now: Timestamp) -> Result<Vec<DayHead>, JournalError> {
        seal::seal_days(&self.store, now).await
    }

    async fn day_heads(&self) -> Result<Vec<DayHead>, JournalError> {
        persist(|| seal::day_heads(&self.store)).await
    }

    async fn verify(&self, copies: &[DayHead]) -> Result<Verification, JournalError> {
        walk::verify(&self.store, &*self.seal, copies).await
    }
}

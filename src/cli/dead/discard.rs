//! `innfri dead discard`, `restore` and `purge`.

use anyhow::Context as _;
use clap::Args;
use jiff::SignedDuration;

use super::super::{SettingsArgs, Verdict, render};
use super::OperatorArgs;
use super::select::FilterArgs;
use crate::kernel::DeadLetterId;
use crate::port::letters::{ActionKind, LetterState};

/// More letters than any journal holds.
const ALL: u32 = 10_000_000;

#[derive(Debug, Args)]
pub(super) struct DiscardArgs {
    /// The letters.
    letters: Vec<DeadLetterId>,
    #[command(flatten)]
    which: FilterArgs,
    /// Why: answered otherwise, withdrawn, duplicate, wrong bank, …
    #[arg(long, value_name = "WHY")]
    reason: String,
    #[command(flatten)]
    by: OperatorArgs,
    #[command(flatten)]
    settings: SettingsArgs,
}

#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    /// The letters.
    letters: Vec<DeadLetterId>,
    #[command(flatten)]
    which: FilterArgs,
    /// Why.
    #[arg(long, value_name = "WHY")]
    reason: String,
    #[command(flatten)]
    by: OperatorArgs,
    #[command(flatten)]
    settings: SettingsArgs,
}

#[derive(Debug, Args)]
pub(super) struct PurgeArgs {
    /// Why.
    #[arg(long, value_name = "WHY", default_value = "their time is up")]
    reason: String,
    #[command(flatten)]
    by: OperatorArgs,
    #[command(flatten)]
    settings: SettingsArgs,
}

pub(super) async fn discard(args: DiscardArgs) -> anyhow::Result<Verdict> {
    let (desk, settings) = super::desk(&args.settings).await?;
    let filter = args.which.chosen(&args.letters, &LetterState::OPEN, ALL)?;
    let ids = desk.letters.select(&filter).await?;
    let mut action = args.by.action(&desk, ActionKind::Discarded, &args.reason)?;
    let days = settings.dead_letters.purge_after_days;
    let kept = SignedDuration::from_hours(i64::from(days) * 24);
    let purge_at = action.at.checked_add(kept).context("the purge date lies too far ahead")?;
    action.detail = format!("until {}", purge_at.strftime("%F"));
    let done = desk.letters.discard(&ids, purge_at, &action).await?;
    render::line(&format!(
        "{} letter(s) discarded; `innfri dead restore` brings them back until {}",
        done.len(),
        purge_at.strftime("%F")
    ))?;
    not_all(args.letters.len().max(ids.len()), done.len(), "open")
}

pub(super) async fn restore(args: RestoreArgs) -> anyhow::Result<Verdict> {
    let (desk, _) = super::desk(&args.settings).await?;
    let filter = args.which.chosen(&args.letters, &[LetterState::Discarded], ALL)?;
    let ids = desk.letters.select(&filter).await?;
    let action = args.by.action(&desk, ActionKind::Restored, &args.reason)?;
    let done = desk.letters.restore(&ids, &action).await?;
    render::line(&format!("{} letter(s) restored", done.len()))?;
    not_all(args.letters.len().max(ids.len()), done.len(), "discarded")
}

/// Nothing that was asked for and not done passes for done.
fn not_all(asked: usize, done: usize, state: &str) -> anyhow::Result<Verdict> {
    if asked == done && done > 0 {
        return Ok(Verdict::Yes);
    }
    render::line(&format!("{} letter(s) were not: they are not {state}", asked - done))?;
    Ok(Verdict::No)
}

pub(super) async fn purge(args: PurgeArgs) -> anyhow::Result<Verdict> {
    let (desk, _) = super::desk(&args.settings).await?;
    let action = args.by.action(&desk, ActionKind::Purged, &args.reason)?;
    let gone = desk.letters.purge(&action).await?;
    render::line(&format!("{gone} discarded letter(s) removed for good"))?;
    Ok(Verdict::Yes)
}

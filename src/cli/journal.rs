//! `innfri journal`: shows that the journal was neither changed nor shortened.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;

use super::{SettingsArgs, Verdict, render};
use crate::journal;
use crate::port::audit::{Break, DayHead, Verification};
use crate::port::{Clock, SystemClock};

#[derive(Debug, Args)]
pub(super) struct JournalArgs {
    #[command(subcommand)]
    command: JournalCommand,
}

#[derive(Debug, Subcommand)]
enum JournalCommand {
    /// Compare everything with its chain; name the first break, if there is one, and exit with 1.
    Verify(VerifyArgs),
    /// Print the sealed days, one a line, so that they can be kept elsewhere.
    Heads(HeadsArgs),
    /// Seal the days that are over now, and print them. `innfri serve` does so by itself.
    Seal(HeadsArgs),
}

#[derive(Debug, Args)]
struct VerifyArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Sealed days kept elsewhere, as `innfri journal heads` printed them: also shows whether whole
    /// cases or days were removed.
    #[arg(long, value_name = "FILE")]
    heads: Option<PathBuf>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct HeadsArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// One JSON object for each day.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: JournalArgs) -> anyhow::Result<Verdict> {
    match args.command {
        JournalCommand::Verify(args) => verify(args).await,
        JournalCommand::Heads(args) => {
            let settings = args.settings.load()?;
            let audit = journal::open_audit(&settings.journal).await?;
            print(&audit.day_heads().await?, args.json)
        }
        JournalCommand::Seal(args) => {
            let settings = args.settings.load()?;
            let audit = journal::open_audit(&settings.journal).await?;
            print(&audit.seal_days(SystemClock.now()).await?, args.json)
        }
    }
}

fn print(heads: &[DayHead], as_json: bool) -> anyhow::Result<Verdict> {
    for head in heads {
        if as_json {
            render::json_line(&json!({
                "day": head.day.to_string(),
                "events": head.events,
                "head": head.head.to_string(),
            }))?;
        } else {
            render::line(&head.to_string())?;
        }
    }
    Ok(Verdict::Yes)
}

async fn verify(args: VerifyArgs) -> anyhow::Result<Verdict> {
    let copies = args.heads.as_deref().map(read_heads).transpose()?.unwrap_or_default();
    let settings = args.settings.load()?;
    let audit = journal::open_audit(&settings.journal).await?;
    let found = audit.verify(&copies).await?;
    if args.json {
        render::json_line(&json!({
            "holds": found.first_break.is_none(),
            "cases": found.cases,
            "events": found.events,
            "days": found.days,
            "copies": copies.len(),
            "firstBreak": found.first_break.as_ref().map(broken),
        }))?;
    } else {
        render::line(&words(&found, copies.len()))?;
    }
    Ok(if found.first_break.is_none() { Verdict::Yes } else { Verdict::No })
}

fn words(found: &Verification, copies: usize) -> String {
    match &found.first_break {
        Some(broken) => format!("BROKEN  {broken}"),
        None => format!(
            "holds: {} cases, {} events, {} sealed days, {copies} of them compared with a copy",
            found.cases, found.events, found.days
        ),
    }
}

fn broken(broken: &Break) -> serde_json::Value {
    json!({
        "case": broken.case.map(|case| case.to_string()),
        "event": broken.event,
        "day": broken.day.map(|day| day.to_string()),
        "flaw": broken.flaw.code(),
        "text": broken.flaw.to_string(),
    })
}

fn read_heads(path: &Path) -> anyhow::Result<Vec<DayHead>> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the sealed days in {}", path.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| {
            line.parse().with_context(|| format!("{}, line {}", path.display(), at + 1))
        })
        .collect()
}

//! `innfri case`: finds cases and shows their story.

use anyhow::bail;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::late::Usual;
use super::{SettingsArgs, Verdict, render};
use crate::case::{Case, CaseState, OutcomeKind};
use crate::contract::MessageType;
use crate::directory::Directory;
use crate::exchange::RetrySchedule;
use crate::journal;
use crate::kernel::{CaseId, OrganisationId};
use crate::port::{CaseFilter, CaseStory, DeliveryRecord};
use crate::serve::Settings;
use crate::source::file;

#[derive(Debug, Args)]
pub(super) struct CaseArgs {
    #[command(subcommand)]
    command: CaseCommand,
}

#[derive(Debug, Subcommand)]
enum CaseCommand {
    /// List cases, newest first.
    List(ListArgs),
    /// Show the whole story of one case, in order, with times (UTC). Message bodies are not shown.
    Show(ShowArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// The asker's reference, exactly.
    #[arg(long)]
    reference: Option<String>,
    /// Asker, receiver of the outcome, or bank.
    #[arg(long, value_name = "ORGANISATION")]
    organisation: Option<OrganisationId>,
    /// Only cases that wait for their bank.
    #[arg(long, conflicts_with = "settled")]
    open: bool,
    /// Only cases that have an outcome.
    #[arg(long)]
    settled: bool,
    /// Only cases that wait longer than 95 % of what their bank answered before (of the newest 500
    /// of the same type, 20 or more).
    #[arg(long, conflicts_with = "settled")]
    late: bool,
    /// Only this request type.
    #[arg(long = "type", value_name = "TYPE")]
    message_type: Option<MessageType>,
    /// Opened at this time or later (2026-11-20T08:00:00Z).
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Opened before this time.
    #[arg(long, value_name = "TIME")]
    before: Option<Timestamp>,
    /// At most so many.
    #[arg(long, default_value_t = 100)]
    limit: u32,
    /// One JSON object per case.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// The case.
    case: CaseId,
    #[command(flatten)]
    settings: SettingsArgs,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: CaseArgs) -> anyhow::Result<Verdict> {
    match args.command {
        CaseCommand::List(args) => list(args).await,
        CaseCommand::Show(args) => show(args).await,
    }
}

async fn list(args: ListArgs) -> anyhow::Result<Verdict> {
    let settings = args.settings.load()?;
    let journal = journal::open(&settings.journal).await?;
    let open = match (args.open || args.late, args.settled) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        (false, false) => None,
    };
    let filter = CaseFilter {
        reference: args.reference,
        organisation: args.organisation,
        open,
        message_type: args.message_type,
        since: args.since,
        before: args.before,
        limit: args.limit,
    };
    let cases = Usual::of(&journal).list(&filter, args.late).await?;
    if args.json {
        cases.iter().try_for_each(|(case, late)| render::json_line(&summary(case, *late)))?;
    } else {
        let rows: Vec<Vec<String>> = cases.iter().map(|(case, late)| row(case, *late)).collect();
        render::table(&["case", "opened", "from", "to", "type", "reference", "outcome"], &rows)?;
    }
    Ok(Verdict::Yes)
}

fn row(case: &Case, late: bool) -> Vec<String> {
    vec![
        case.id.to_string(),
        case.opened_at.strftime("%F %T").to_string(),
        case.asker.to_string(),
        case.bank.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string),
        case.request_type.to_string(),
        case.reference.clone(),
        standing_of(case, late),
    ]
}

/// The outcome, marked when it is long in coming.
fn standing_of(case: &Case, late: bool) -> String {
    if late { format!("{}, LATE", outcome(case)) } else { outcome(case) }
}

/// A case's outcome in a few words.
pub(super) fn outcome(case: &Case) -> String {
    match &case.state {
        CaseState::Open => "open".to_owned(),
        CaseState::Settled(outcome) => match outcome.kind {
            OutcomeKind::Answer(_) => "answer".to_owned(),
            OutcomeKind::Status(code, None) => code.as_str().to_owned(),
            OutcomeKind::Status(code, Some(reason)) => {
                format!("{} ({})", code.as_str(), reason.as_str())
            }
        },
    }
}

fn summary(case: &Case, late: bool) -> Value {
    let settled = case.state.outcome();
    json!({
        "case": case.id.to_string(),
        "type": case.request_type.name(),
        "from": case.asker.to_string(),
        "to": case.bank.as_ref().map(ToString::to_string),
        "replyTo": case.reply_to.to_string(),
        "reference": case.reference,
        "openedAt": case.opened_at.to_string(),
        "state": case.state.name(),
        "revision": case.state.revision(),
        "late": late,
        "outcome": outcome(case),
        "settledAt": settled.map(|outcome| outcome.at.to_string()),
    })
}

async fn show(args: ShowArgs) -> anyhow::Result<Verdict> {
    let settings = args.settings.load()?;
    let journal = journal::open(&settings.journal).await?;
    let Some(story) = journal.story(&args.case).await? else {
        bail!("there is no case {}; `innfri case list` finds cases", args.case);
    };
    let late = Usual::of(&journal).is_late(&story.stored.case).await?;
    if args.json {
        render::json_line(&whole(&story, late))?;
    } else {
        // Without a directory the installation's own schedule is the best that is known.
        let directory = file::load(&settings.directory.file).ok();
        print(&story, late, &settings, directory.as_ref())?;
    }
    Ok(Verdict::Yes)
}

fn whole(story: &CaseStory, late: bool) -> Value {
    let mut value = summary(&story.stored.case, late);
    value["events"] = story
        .events
        .iter()
        .map(|recorded| {
            json!({
                "number": recorded.number,
                "at": recorded.at.to_string(),
                "event": recorded.event,
                "hash": recorded.hash.to_string(),
            })
        })
        .collect();
    value["deliveries"] = story
        .deliveries
        .iter()
        .map(|delivery| {
            json!({
                "delivery": delivery.id.to_string(),
                "purpose": delivery.purpose.name(),
                "revision": delivery.purpose.revision(),
                "to": delivery.to.to_string(),
                "type": delivery.body.message_type.name(),
                "owedSince": delivery.owed_since.to_string(),
                "attempts": delivery.attempts,
                "nextAttemptAt": delivery.next_attempt_at.to_string(),
                "deliveredAt": delivery.delivered_at.map(|at| at.to_string()),
                "givenUpAt": delivery.given_up_at.map(|at| at.to_string()),
                "lastError": delivery.last_error,
            })
        })
        .collect();
    value
}

fn print(
    story: &CaseStory,
    late: bool,
    settings: &Settings,
    directory: Option<&Directory>,
) -> anyhow::Result<()> {
    let case = &story.stored.case;
    render::line(&format!("Case      {}", case.id))?;
    render::line(&format!("Type      {}", case.request_type))?;
    render::line(&format!("From      {} (reference {})", case.asker, case.reference))?;
    let bank = case.bank.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
    render::line(&format!("To        {bank}"))?;
    let revision = case.state.revision();
    render::line(&format!("Outcome   {}, revision {revision}", standing_of(case, late)))?;
    render::line("\nWhat happened")?;
    for recorded in &story.events {
        let what = serde_json::to_string(&recorded.event)?;
        render::line(&format!("  {:>3}  {}  {what}", recorded.number, recorded.at))?;
    }
    render::line("\nWhat was and is owed")?;
    for delivery in &story.deliveries {
        render::line(&format!(
            "  {} to {}: {}",
            delivery.purpose.name(),
            delivery.to,
            standing(delivery, settings, directory)
        ))?;
    }
    Ok(())
}

fn standing(
    delivery: &DeliveryRecord,
    settings: &Settings,
    directory: Option<&Directory>,
) -> String {
    let error = delivery.last_error.as_deref().map(|error| format!("; {error}"));
    let error = error.unwrap_or_default();
    if let Some(at) = delivery.delivered_at {
        return format!("delivered {at} after {} failed attempt(s)", delivery.attempts);
    }
    if let Some(at) = delivery.given_up_at {
        return format!("given up {at} after {} failed attempt(s){error}", delivery.attempts);
    }
    let receiver = directory.and_then(|directory| directory.participant(&delivery.to));
    let policy = receiver.map(|receiver| receiver.delivery.clone()).unwrap_or_default();
    let schedule = RetrySchedule::of(&settings.exchange, &policy);
    let waits: Vec<String> = (1..=4)
        .map(|n| format!("{} s", schedule.wait(delivery.attempts + n, 128).as_secs()))
        .collect();
    format!(
        "owed since {}, {} failed attempt(s), next {}, then after {} …, given up after {} s{error}",
        delivery.owed_since,
        delivery.attempts,
        delivery.next_attempt_at,
        waits.join(", "),
        schedule.give_up_after.as_secs()
    )
}

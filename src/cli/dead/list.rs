//! `innfri dead list` and `innfri dead export`.

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};

use super::super::{SettingsArgs, Verdict, render};
use super::OperatorArgs;
use super::select::{FilterArgs, state};
use crate::kernel::person::mask_national_ids;
use crate::port::letters::{Action, ActionKind, LetterRecord, LetterState};

/// Letters that are fetched at a time.
const PAGE: usize = 256;
/// More letters than any journal holds.
const ALL: u32 = 10_000_000;

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    which: FilterArgs,
    /// Only this reason code; the same as --reason-code.
    #[arg(long, value_name = "CODE", conflicts_with = "reason_code")]
    reason: Option<String>,
    /// Only letters in these states; without it, open ones (parked, failed_again). `any` for all.
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    state: Vec<String>,
    /// At most so many.
    #[arg(long, default_value_t = 100)]
    limit: u32,
    #[command(flatten)]
    settings: SettingsArgs,
    /// One JSON object per letter.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    #[command(flatten)]
    which: FilterArgs,
    /// Only letters in these states; without it, all.
    #[arg(long, value_name = "STATE", value_delimiter = ',', value_parser = state)]
    state: Vec<LetterState>,
    /// Leave national identity numbers as they are; recorded for each letter.
    #[arg(long, requires = "reason")]
    reveal: bool,
    /// Why, for --reveal.
    #[arg(long, value_name = "WHY")]
    reason: Option<String>,
    #[command(flatten)]
    by: OperatorArgs,
    #[command(flatten)]
    settings: SettingsArgs,
    /// JSON lines are all that there is; taken for the sake of habit.
    #[arg(long)]
    json: bool,
}

fn states(names: &[String]) -> anyhow::Result<Vec<LetterState>> {
    if names.is_empty() {
        return Ok(LetterState::OPEN.into());
    }
    if names.iter().any(|name| name == "any") {
        return Ok(Vec::new());
    }
    names.iter().map(|name| state(name).map_err(|why| anyhow::anyhow!("`{name}` {why}"))).collect()
}

pub(super) async fn list(args: ListArgs) -> anyhow::Result<Verdict> {
    let (desk, _) = super::desk(&args.settings).await?;
    let mut filter = args.which.filter(&states(&args.state)?, args.limit);
    if let Some(code) = &args.reason {
        let reason = crate::case::DeadReason::from_code(code);
        filter.reason = Some(reason.with_context(|| format!("`{code}` is no reason code"))?);
    }
    let letters = desk.letters.list(&filter).await?;
    if args.json {
        letters.iter().try_for_each(|record| render::json_line(&summary(record)))?;
        return Ok(Verdict::Yes);
    }
    let rows: Vec<Vec<String>> = letters.iter().map(row).collect();
    let head = ["letter", "last", "times", "state", "reason", "from", "to", "reference"];
    render::table(&head, &rows)?;
    Ok(Verdict::Yes)
}

/// A letter's state in a few words.
pub(super) fn standing(record: &LetterRecord) -> String {
    match record.state {
        LetterState::FailedAgain => format!("failed again ({})", record.failures),
        LetterState::Discarded => match record.purge_at {
            Some(at) => format!("discarded, purged {}", at.strftime("%F")),
            None => "discarded".to_owned(),
        },
        LetterState::Parked
        | LetterState::Replaying
        | LetterState::Replayed
        | LetterState::Skipped
        | LetterState::Edited => record.state.to_string(),
    }
}

fn row(record: &LetterRecord) -> Vec<String> {
    let letter = &record.letter;
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    vec![
        letter.id.to_string(),
        letter.at.strftime("%F %T").to_string(),
        record.times.to_string(),
        standing(record),
        letter.reason.to_string(),
        or_dash(letter.from.as_ref().map(ToString::to_string)),
        or_dash(letter.to.as_ref().map(ToString::to_string)),
        or_dash(letter.reference.clone()),
    ]
}

/// A letter without its message.
pub(super) fn summary(record: &LetterRecord) -> Value {
    let letter = &record.letter;
    json!({
        "letter": letter.id.to_string(),
        "state": record.state.name(),
        "signature": record.signature,
        "reason": letter.reason.code(),
        "step": letter.reason.step().name(),
        "detail": letter.detail,
        "findings": letter.findings,
        "deaths": letter.deaths,
        "channel": letter.channel.as_str(),
        "source": letter.source,
        "login": letter.login,
        "from": letter.from.as_ref().map(ToString::to_string),
        "to": letter.to.as_ref().map(ToString::to_string),
        "type": letter.message_type,
        "messageId": letter.message_id,
        "correlationId": letter.correlation_id,
        "contentType": letter.content_type,
        "reference": letter.reference,
        "case": letter.case.map(|case| case.to_string()),
        "delivery": letter.delivery.map(|delivery| delivery.to_string()),
        "attempts": letter.attempts,
        "times": record.times,
        "failures": record.failures,
        "firstAt": record.first_at.to_string(),
        "lastAt": letter.at.to_string(),
        "run": record.run.map(|run| run.to_string()),
        "editedFrom": record.edited_from.map(|id| id.to_string()),
        "editedTo": record.edited_to.map(|id| id.to_string()),
        "purgeAt": record.purge_at.map(|at| at.to_string()),
    })
}

/// A letter's message as text; what is not text is replaced.
pub(super) fn body(record: &LetterRecord, reveal: bool) -> String {
    let text = String::from_utf8_lossy(&record.letter.body);
    if reveal { text.into_owned() } else { mask_national_ids(&text) }
}

pub(super) async fn export(args: ExportArgs) -> anyhow::Result<Verdict> {
    let (desk, _) = super::desk(&args.settings).await?;
    let ids = desk.letters.select(&args.which.filter(&args.state, ALL)).await?;
    for page in ids.chunks(PAGE) {
        let records = desk.letters.fetch(page).await?;
        if args.reveal {
            let reason = args.reason.as_deref().unwrap_or_default();
            let mut action = args.by.action(&desk, ActionKind::Exported, reason)?;
            action.detail = "unmasked".to_owned();
            // Before anybody sees them.
            let actions: Vec<Action> = records
                .iter()
                .map(|record| Action { letter: Some(record.letter.id), ..action.clone() })
                .collect();
            desk.letters.record(&actions).await?;
        }
        for record in &records {
            let mut line = summary(record);
            line["body"] = Value::String(body(record, args.reveal));
            render::json_line(&line)?;
        }
    }
    Ok(Verdict::Yes)
}

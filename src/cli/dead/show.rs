//! `innfri dead show`: everything about one letter.

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};

use super::super::{SettingsArgs, Verdict, render};
use super::OperatorArgs;
use super::list::{body, standing, summary};
use crate::kernel::DeadLetterId;
use crate::port::letters::{Action, ActionFilter, ActionKind, LetterRecord, Replay};

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// The letter.
    letter: DeadLetterId,
    /// Show the message with national identity numbers; recorded.
    #[arg(long, requires = "reason")]
    reveal: bool,
    /// Why, for --reveal.
    #[arg(long, value_name = "WHY")]
    reason: Option<String>,
    #[command(flatten)]
    by: OperatorArgs,
    #[command(flatten)]
    settings: SettingsArgs,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn show(args: ShowArgs) -> anyhow::Result<Verdict> {
    let (desk, _) = super::desk(&args.settings).await?;
    let found = desk.letters.fetch(&[args.letter]).await?.pop();
    let record = found.with_context(|| {
        format!("there is no letter {}; `innfri dead list` finds letters", args.letter)
    })?;
    if args.reveal {
        let reason = args.reason.as_deref().unwrap_or_default();
        let action = args.by.action(&desk, ActionKind::Revealed, reason)?;
        desk.letters.record(&[Action { letter: Some(args.letter), ..action }]).await?;
    }
    let replays = desk.letters.replays(&args.letter).await?;
    let of_it = ActionFilter { letter: Some(args.letter), limit: 1000, ..Default::default() };
    let mut actions = desk.letters.actions(&of_it).await?;
    actions.reverse();
    if args.json {
        let mut whole = summary(&record);
        whole["body"] = Value::String(body(&record, args.reveal));
        whole["replays"] = replays.iter().map(replay).collect();
        whole["actions"] = actions.iter().map(super::actions::whole).collect();
        render::json_line(&whole)?;
        return Ok(Verdict::Yes);
    }
    head(&record)?;
    for replay in &replays {
        let detail = replay.detail.as_deref().map(|text| format!(": {text}")).unwrap_or_default();
        render::line(&format!(
            "  {}  replay {} by {} ({}) {}{detail}",
            replay.at, replay.run, replay.operator, replay.reason, replay.fate
        ))?;
    }
    for action in &actions {
        render::line(&format!("  {}", super::actions::words(action)))?;
    }
    render::line("\nMessage")?;
    render::line(&body(&record, args.reveal))?;
    Ok(Verdict::Yes)
}

fn replay(replay: &Replay) -> Value {
    json!({
        "run": replay.run.to_string(),
        "operator": replay.operator,
        "reason": replay.reason,
        "signature": replay.signature,
        "fate": replay.fate.name(),
        "at": replay.at.to_string(),
        "case": replay.case.map(|id| id.to_string()),
        "delivery": replay.delivery.map(|id| id.to_string()),
        "detail": replay.detail,
    })
}

fn head(record: &LetterRecord) -> anyhow::Result<()> {
    let letter = &record.letter;
    let say = |name: &str, value: Option<String>| match value {
        Some(value) => render::line(&format!("{name:<13}{value}")),
        None => Ok(()),
    };
    say("Letter", Some(letter.id.to_string()))?;
    say("State", Some(standing(record)))?;
    say("Signature", Some(record.signature.clone()))?;
    say("Reason", Some(format!("{} ({})", letter.reason, letter.reason.step().name())))?;
    say("Detail", Some(letter.detail.clone()))?;
    say("From", letter.from.as_ref().map(ToString::to_string))?;
    say("To", letter.to.as_ref().map(ToString::to_string))?;
    say("Login", letter.login.as_ref().map(ToString::to_string))?;
    say("Channel", Some(format!("{}, {}", letter.channel.as_str(), letter.source)))?;
    say("Type", letter.message_type.clone())?;
    say("Message id", letter.message_id.clone())?;
    say("Answers", letter.correlation_id.clone())?;
    say("Reference", letter.reference.clone())?;
    say("Case", letter.case.map(|id| id.to_string()))?;
    say("Delivery", letter.delivery.map(|id| id.to_string()))?;
    say("Attempts", Some(letter.attempts.to_string()))?;
    say("Corrects", record.edited_from.map(|id| id.to_string()))?;
    say("Corrected by", record.edited_to.map(|id| id.to_string()))?;
    for finding in &letter.findings {
        say("Finding", Some(format!("{} ({}): {}", finding.regel, finding.peker, finding.text)))?;
    }
    for death in &letter.deaths {
        let words = format!("{} in {}, {} time(s)", death.reason, death.queue, death.count);
        say("Died", Some(words))?;
    }
    render::line("\nHistory")?;
    render::line(&format!("  {}  given up first", record.first_at))?;
    if record.times > 1 {
        render::line(&format!("  {}  given up last, {} times", letter.at, record.times))?;
    }
    Ok(())
}

//! `innfri dead actions`: who did what, when and why.

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::{SettingsArgs, Verdict, render};
use crate::kernel::DeadLetterId;
use crate::port::letters::{Action, ActionFilter};

#[derive(Debug, Args)]
pub(super) struct ActionsArgs {
    /// Done to this letter.
    #[arg(long)]
    letter: Option<DeadLetterId>,
    /// By this operator.
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,
    /// At this time or later.
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// At most so many, newest first.
    #[arg(long, default_value_t = 100)]
    limit: u32,
    #[command(flatten)]
    settings: SettingsArgs,
    /// One JSON object per action.
    #[arg(long)]
    json: bool,
}

pub(super) async fn list(args: ActionsArgs) -> anyhow::Result<Verdict> {
    let (desk, _) = super::desk(&args.settings).await?;
    let filter = ActionFilter {
        letter: args.letter,
        operator: args.operator,
        since: args.since,
        limit: args.limit,
    };
    for action in desk.letters.actions(&filter).await? {
        if args.json {
            render::json_line(&whole(&action))?;
        } else {
            render::line(&words(&action))?;
        }
    }
    Ok(Verdict::Yes)
}

/// An action on one line.
pub(super) fn words(action: &Action) -> String {
    let about = [
        action.letter.map(|id| format!(" letter {id}")),
        action.run.map(|id| format!(" run {id}")),
        action.signature.as_ref().map(|signature| format!(" group `{signature}`")),
    ];
    let about: String = about.into_iter().flatten().collect();
    let detail =
        if action.detail.is_empty() { String::new() } else { format!(" [{}]", action.detail) };
    let (at, operator, kind, reason) = (action.at, &action.operator, action.kind, &action.reason);
    format!("{at}  {operator}: {kind}{about}{detail}: {reason}")
}

/// An action as JSON.
pub(super) fn whole(action: &Action) -> Value {
    json!({
        "at": action.at.to_string(),
        "operator": action.operator,
        "action": action.kind.name(),
        "letter": action.letter.map(|id| id.to_string()),
        "run": action.run.map(|id| id.to_string()),
        "signature": action.signature,
        "reason": action.reason,
        "detail": action.detail,
    })
}

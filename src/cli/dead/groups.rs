//! `innfri dead groups` and `innfri dead note`.

use anyhow::ensure;
use clap::Args;
use serde_json::json;

use super::super::{SettingsArgs, Verdict, render};
use super::OperatorArgs;
use crate::letters::Group;
use crate::letters::group::BankShare;
use crate::port::letters::{ActionKind, GroupNote};

#[derive(Debug, Args)]
pub(super) struct GroupsArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// One JSON object per group.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct NoteArgs {
    /// The group.
    signature: String,
    /// Who takes care of it.
    #[arg(long, required_unless_present = "note")]
    owner: Option<String>,
    /// What is known; a ticket, say.
    #[arg(long)]
    note: Option<String>,
    #[command(flatten)]
    by: OperatorArgs,
    #[command(flatten)]
    settings: SettingsArgs,
}

pub(super) async fn list(args: GroupsArgs) -> anyhow::Result<Verdict> {
    let (desk, _) = super::desk(&args.settings).await?;
    let groups = desk.groups().await?;
    if args.json {
        groups.iter().try_for_each(|group| render::json_line(&whole(group)))?;
        return Ok(Verdict::Yes);
    }
    let rows: Vec<Vec<String>> = groups.iter().map(row).collect();
    let head = ["letters", "new", "first", "last", "banks (share)", "owner", "note", "signature"];
    render::table(&head, &rows)?;
    Ok(Verdict::Yes)
}

fn share(bank: &BankShare) -> String {
    format!("{} ({}.{} %)", bank.bank, bank.per_mille / 10, bank.per_mille % 10)
}

fn row(group: &Group) -> Vec<String> {
    let or_dash = |text: Option<&String>| text.cloned().unwrap_or_else(|| "-".to_owned());
    let banks: Vec<String> = group.banks.iter().map(share).collect();
    vec![
        group.count.to_string(),
        group.new.to_string(),
        group.first_at.strftime("%F %T").to_string(),
        group.last_at.strftime("%F %T").to_string(),
        if banks.is_empty() { "-".to_owned() } else { banks.join(", ") },
        or_dash(group.owner.as_ref()),
        or_dash(group.note.as_ref()),
        group.signature.clone(),
    ]
}

fn whole(group: &Group) -> serde_json::Value {
    let banks: Vec<serde_json::Value> = group
        .banks
        .iter()
        .map(|bank| {
            json!({
                "bank": bank.bank.to_string(),
                "letters": bank.letters,
                "perMille": bank.per_mille,
            })
        })
        .collect();
    json!({
        "signature": group.signature,
        "count": group.count,
        "newSinceLastReplay": group.new,
        "firstAt": group.first_at.to_string(),
        "lastAt": group.last_at.to_string(),
        "lastReplayedAt": group.replayed_at.map(|at| at.to_string()),
        "banks": banks,
        "owner": group.owner,
        "note": group.note,
    })
}

pub(super) async fn note(args: NoteArgs) -> anyhow::Result<Verdict> {
    let (desk, _) = super::desk(&args.settings).await?;
    let known = desk.letters.counts().await?;
    ensure!(
        known.iter().any(|count| count.signature == args.signature),
        "no open letter has this signature; `innfri dead groups` lists them"
    );
    let mut action = args.by.action(&desk, ActionKind::Noted, "a note")?;
    action.signature = Some(args.signature.clone());
    let owner = args.owner.iter().map(|owner| format!("owner {owner}"));
    let words: Vec<String> =
        owner.chain(args.note.iter().map(|note| format!("note {note}"))).collect();
    action.detail = words.join(", ");
    let note = GroupNote {
        signature: args.signature,
        owner: args.owner,
        note: args.note,
        at: action.at,
        operator: action.operator.clone(),
    };
    desk.letters.note(&note, &action).await?;
    Ok(Verdict::Yes)
}

//! `innfri dead edit`: a corrected copy, from a patch, a file or $EDITOR.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};
use clap::Args;

use super::super::{SettingsArgs, Verdict, render};
use super::OperatorArgs;
use crate::kernel::DeadLetterId;
use crate::letters::edit::{Correction, EditError, corrected, patched};
use crate::port::letters::{Action, ActionKind};

#[derive(Debug, Args)]
#[command(after_help = "Without --patch, --body and another type or correlation id, $EDITOR is \
                        opened on the message. Exit codes: 0 kept, 1 not (findings are printed).")]
pub(super) struct EditArgs {
    /// The letter.
    letter: DeadLetterId,
    /// A JSON patch (RFC 6902) for the body.
    #[arg(long, value_name = "FILE", conflicts_with = "body")]
    patch: Option<PathBuf>,
    /// A whole new body.
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// Another message type.
    #[arg(long, value_name = "TYPE")]
    message_type: Option<String>,
    /// Another request that it answers.
    #[arg(long, value_name = "ID")]
    correlation_id: Option<String>,
    /// Why.
    #[arg(long, value_name = "WHY")]
    reason: String,
    #[command(flatten)]
    by: OperatorArgs,
    #[command(flatten)]
    settings: SettingsArgs,
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Opens the editor on a copy that only this user can read, and that is gone afterwards.
fn in_editor(body: &[u8]) -> anyhow::Result<Vec<u8>> {
    let editor = std::env::var("VISUAL").or_else(|_| std::env::var("EDITOR"));
    let editor = editor.ok().filter(|editor| !editor.trim().is_empty());
    let editor = editor.context("set EDITOR, or give --patch FILE or --body FILE")?;
    let file = tempfile::Builder::new().prefix("innfri-").suffix(".json").tempfile()?;
    let pretty = serde_json::from_slice::<serde_json::Value>(body)
        .ok()
        .and_then(|value| serde_json::to_vec_pretty(&value).ok());
    let shown = pretty.as_deref().unwrap_or(body);
    std::fs::write(file.path(), shown)?;
    let mut words = editor.split_whitespace();
    let program = words.next().context("EDITOR is empty")?;
    let status = Command::new(program).args(words).arg(file.path()).status();
    let status = status.with_context(|| format!("cannot start {program}"))?;
    ensure!(status.success(), "{program} ended with {status}; nothing was kept");
    let edited = std::fs::read(file.path())?;
    // What was only laid out otherwise is what it was.
    Ok(if edited == shown { body.to_vec() } else { edited })
}

fn with_editor(args: &EditArgs) -> bool {
    args.message_type.is_none() && args.correlation_id.is_none()
}

pub(super) async fn edit(args: EditArgs) -> anyhow::Result<Verdict> {
    let (desk, _) = super::desk(&args.settings).await?;
    let found = desk.letters.fetch(&[args.letter]).await?.pop();
    let record = found.with_context(|| format!("there is no letter {}", args.letter))?;
    let action = args.by.action(&desk, ActionKind::Edited, &args.reason)?;
    if let Some(delivery) = record.letter.delivery {
        tracing::debug!(%delivery, "a delivery is not corrected");
        bail!(EditError::Delivery(args.letter));
    }
    let (body, how) = match (&args.patch, &args.body) {
        (Some(patch), _) => (patched(&record.letter.body, &read(patch)?)?, "by a patch"),
        (None, Some(body)) => (read(body)?, "with a new body"),
        (None, None) if with_editor(&args) => {
            // A person sees the whole message here.
            let seen =
                Action { kind: ActionKind::Revealed, letter: Some(args.letter), ..action.clone() };
            desk.letters.record(&[seen]).await?;
            (in_editor(&record.letter.body)?, "in an editor")
        }
        (None, None) => (record.letter.body.clone(), "in its properties"),
    };
    let correction = Correction {
        body,
        message_type: args.message_type.clone(),
        correlation_id: args.correlation_id.clone(),
    };
    let check = desk.check_context();
    let copy = match corrected(&record, &correction, &desk.contract, &check, desk.clock.now()) {
        Ok(copy) => copy,
        Err(EditError::Findings(findings)) => {
            for finding in &findings {
                render::line(&finding.to_string())?;
            }
            render::line("The corrected message was not kept.")?;
            return Ok(Verdict::No);
        }
        Err(other) => bail!(other),
    };
    let message_id = copy.message_id.clone().unwrap_or_default();
    let action = Action {
        letter: Some(args.letter),
        detail: format!("{how}: letter {} under message id {message_id}", copy.id),
        ..action
    };
    if !desk.letters.keep_edit(&args.letter, &copy, &action).await? {
        bail!("somebody else has done something about this letter; look again");
    }
    render::line(&format!(
        "Kept as letter {}, an edited copy with message id {message_id}.\nThe original is kept too. \
         Send the copy with `innfri dead replay {} --reason …`.",
        copy.id, copy.id
    ))?;
    Ok(Verdict::Yes)
}

//! `innfri explain`: what a rule means and what to do about it.

use anyhow::bail;
use clap::Args;
use serde_json::json;

use super::{Verdict, render};
use crate::market::no::rules;

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// A rule, such as INN-021; without it, all rules are listed.
    rule: Option<String>,
    /// One JSON object per rule.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &ExplainArgs) -> anyhow::Result<Verdict> {
    let docs: Vec<_> = match &args.rule {
        None => rules::all().iter().collect(),
        Some(name) => rules::find(name).into_iter().collect(),
    };
    if docs.is_empty() {
        bail!("there is no such rule; `innfri explain` lists all");
    }
    for doc in &docs {
        if args.json {
            render::json_line(&json!({
                "rule": doc.id,
                "title": doc.title,
                "severity": doc.level.to_string(),
                "source": doc.source,
                "tekst": doc.no,
                "text": doc.en,
                "whatToDo": doc.what_to_do,
            }))?;
        } else if args.rule.is_none() {
            render::line(&format!("{}  {}", doc.id, doc.title))?;
        } else {
            render::line(&format!("{}: {}\n", doc.id, doc.title))?;
            render::line(&format!("  {}\n  {}\n", doc.no, doc.en))?;
            render::line(&format!("What to do: {}", doc.what_to_do))?;
            render::line(&format!("Severity: {}", doc.level))?;
            render::line(&format!("Source: {}", doc.source))?;
        }
    }
    Ok(Verdict::Yes)
}

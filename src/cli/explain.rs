//! `innfri explain`: what a rule means and what to do about it.

use anyhow::bail;
use clap::Args;

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
    let wanted = args.rule.as_ref().map(|name| name.to_uppercase());
    let docs: Vec<_> = rules::all()
        .iter()
        .filter(|doc| wanted.as_ref().is_none_or(|name| doc.id == name))
        .collect();
    if docs.is_empty() {
        bail!("there is no such rule; `innfri explain` lists all");
    }
    for doc in &docs {
        if args.json {
            render::json_line(doc)?;
        } else if wanted.is_none() {
            render::line(&format!("{}  {}", doc.id, doc.title))?;
        } else {
            render::line(&format!("{}: {}\n", doc.id, doc.title))?;
            render::line(&format!("  {}\n  {}\n", doc.no, doc.en))?;
            render::line(&format!("What to do: {}", doc.what_to_do))?;
            render::line(&format!("Severity: {}", doc.severity))?;
            render::line(&format!("Source: {}", doc.source))?;
        }
    }
    Ok(Verdict::Yes)
}

//! `innfri check`: validates messages offline.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::document::{self, Content, Document, EnvironmentName};
use super::{Verdict, render};
use crate::contract::{CheckContext, Contract, MessageType};
use crate::kernel::{Finding, Limits, has_errors};
use crate::market::no::rules::contact;

#[derive(Debug, Args)]
#[command(after_help = "\
JSON, XML and ZIP are told apart by their content. XML and ZIP say themselves which message they are, \
and are checked by the same rules once they are read.\n\n\
Exit codes: 0 no errors (warnings may be), 1 errors were found, 2 usage.")]
pub(super) struct CheckArgs {
    /// Message files: JSON, DSVE's XML, or the XML in a ZIP archive; - for standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Message type of JSON; without it, taken from the file name.
    #[arg(long = "type", value_name = "TYPE")]
    message_type: Option<String>,
    /// How strict check digits are taken.
    #[arg(long, value_enum, default_value = "production")]
    environment: EnvironmentName,
    /// One JSON object per file.
    #[arg(long)]
    json: bool,
}

/// What is told of one file.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    pub(super) file: &'a Path,
    #[serde(rename = "type")]
    pub(super) message_type: Option<MessageType>,
    pub(super) ok: bool,
    pub(super) findings: &'a [Finding],
}

pub(super) fn run(args: &CheckArgs) -> anyhow::Result<Verdict> {
    let contract = Contract::new(Limits::default())?;
    let context = args.environment.context();
    let mut verdict = Verdict::Yes;
    for file in &args.files {
        let content = Document::read(file)?.content(file, args.message_type.as_deref())?;
        let kind = content.message_type();
        let findings = findings(&content, &contract, &context);
        let ok = !has_errors(&findings);
        if !ok {
            verdict = Verdict::No;
        }
        if args.json {
            render::json_line(&Report { file, message_type: kind, ok, findings: &findings })?;
        } else {
            document::print(&document::in_words(file, kind, &findings))?;
        }
    }
    Ok(verdict)
}

/// What is wrong with a document: its form first, then the message in it.
pub(super) fn findings(
    content: &Content,
    contract: &Contract,
    context: &CheckContext,
) -> Vec<Finding> {
    match content {
        Content::Message { body, notes, from_xml } => {
            let context = CheckContext { contact_optional: *from_xml, ..*context };
            let checked = contract.check(body.message_type, &body.json, &context).findings;
            // That nobody is named as contact is told once, in the file's own terms.
            let noted = |finding: &Finding| {
                finding.regel == contact::MISSING.id
                    && notes.iter().any(|note| note.regel == finding.regel)
            };
            let more = checked.into_iter().filter(|finding| !noted(finding));
            notes.iter().cloned().chain(more).collect()
        }
        Content::Nack(nack) => nack.notes.clone(),
        Content::Refused(_, findings) => findings.clone(),
    }
}

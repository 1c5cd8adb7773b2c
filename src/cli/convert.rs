//! `innfri convert`: a message from one form to another.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use clap::Args;

use super::Verdict;
use super::check::{self, Report};
use super::document::{self, Content, Document, EnvironmentName, Form};
use crate::contract::ordered::Json;
use crate::contract::{Body, Contract, Message, MessageType, read_message};
use crate::dsve::{Nack, Sending, write_file, xml};
use crate::kernel::{Finding, Limits, MessageId, has_errors};
use crate::market::no::status::StatusPart;

#[derive(Debug, Args)]
#[command(after_help = "\
Without --to, XML and ZIP become JSON, and JSON becomes XML. A bank's refusal, which has no XML, goes \
between JSON (no.dsve.status.v1) and ZIP; --about says which request it answers.\n\n\
Findings go to standard error, as `innfri check` words them. What can be written is written even when \
the message breaks a rule; the findings and the exit code say so. The same message gives the same \
bytes each time.\n\n\
Exit codes: 0 converted without errors (warnings may be), 1 errors were found, 2 usage.")]
pub(super) struct ConvertArgs {
    /// Message file: JSON, DSVE's XML, or the XML in a ZIP archive; - for standard input.
    file: PathBuf,
    /// The form to write.
    #[arg(long, value_enum)]
    to: Option<Form>,
    /// Where to write; without it, standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Message type of JSON; without it, taken from the file name.
    #[arg(long = "type", value_name = "TYPE")]
    message_type: Option<String>,
    /// For a status to ZIP: the type of the request that it answers.
    #[arg(long, value_name = "TYPE")]
    about: Option<MessageType>,
    /// For ZIP: the sender's reference of the transfer; without it, avsender.referanse.
    #[arg(long, value_name = "TEXT")]
    reference: Option<String>,
    /// How strict check digits are taken.
    #[arg(long, value_enum, default_value = "production")]
    environment: EnvironmentName,
    /// The findings as one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &ConvertArgs) -> anyhow::Result<Verdict> {
    let document = Document::read(&args.file)?;
    let to = args.to.unwrap_or(match document.form {
        Form::Json => Form::Xml,
        Form::Xml | Form::Zip => Form::Json,
    });
    if to == Form::Zip && args.out.is_none() && std::io::stdout().is_terminal() {
        bail!("a ZIP archive does not go to a terminal: give --out FILE");
    }
    let content = document.content(&args.file, args.message_type.as_deref())?;
    let contract = Contract::new(Limits::default())?;
    let mut findings = check::findings(&content, &contract, &args.environment.context());
    let kind = content.message_type();
    match converted(content, to, args, &contract)? {
        Ok(bytes) => write(&bytes, args.out.as_deref())?,
        Err(more) => {
            // What keeps it from being written may have been found before.
            let new: Vec<Finding> =
                more.into_iter().filter(|finding| !findings.contains(finding)).collect();
            findings.extend(new);
        }
    }
    tell(args, kind, &findings)?;
    Ok(if has_errors(&findings) { Verdict::No } else { Verdict::Yes })
}

/// The bytes to write, or why there are none.
fn converted(
    content: Content,
    to: Form,
    args: &ConvertArgs,
    contract: &Contract,
) -> anyhow::Result<Result<Vec<u8>, Vec<Finding>>> {
    match (content, to) {
        (Content::Refused(_, findings), _) => Ok(Err(findings)),
        (Content::Message { body, .. }, Form::Xml) => Ok(xml::write(&body)),
        (Content::Message { body, .. }, Form::Json) => json(&body),
        (Content::Message { body, .. }, Form::Zip) => zip(&body, args, contract),
        (Content::Nack(nack), Form::Json) => Ok(Ok(status(&nack)?)),
        (Content::Nack(_), Form::Xml | Form::Zip) => {
            bail!("a refusal has no XML and is packed already: convert it to json")
        }
    }
}

/// Readable JSON, its fields in the order of the message type.
fn json(body: &Body) -> anyhow::Result<Result<Vec<u8>, Vec<Finding>>> {
    let message = match read_message(body) {
        Ok(message) => message,
        Err(finding) => return Ok(Err(vec![finding])),
    };
    Ok(Ok(pretty(&message)?))
}

fn pretty(message: &Message) -> anyhow::Result<Vec<u8>> {
    let json = String::from_utf8(message.to_json()?)?;
    Ok(Json::read(&json)?.pretty().into_bytes())
}

/// A refusal as a status message. The asker is not told in an archive: who received it is.
fn status(nack: &Nack) -> anyhow::Result<Vec<u8>> {
    let bank = nack.reportee.clone().map(|id| StatusPart { id, referanse: None });
    pretty(&Message::Status(nack.status(bank, None)))
}

fn zip(
    body: &Body,
    args: &ConvertArgs,
    contract: &Contract,
) -> anyhow::Result<Result<Vec<u8>, Vec<Finding>>> {
    if body.message_type == MessageType::Status && args.about.is_none() {
        bail!(
            "say which request the status answers: --about no.dsve.restgjeldsforespoersel.v1, say"
        );
    }
    let hints = contract.hints(&body.json);
    let reportee =
        hints.avsender.ok_or_else(|| anyhow!("the message does not say who sends it"))?;
    let reference = args.reference.clone().or(hints.avsender_referanse).unwrap_or_else(|| {
        let sender = reportee.to_string();
        MessageId::of_content(&sender, body.message_type.name(), &body.json).to_string()
    });
    let sending = Sending {
        body,
        about: args.about,
        senders_reference: &reference,
        reportee: &reportee,
        sent_at: None,
    };
    Ok(write_file(&sending).map(|outgoing| outgoing.zip))
}

fn write(bytes: &[u8], out: Option<&Path>) -> anyhow::Result<()> {
    match out {
        Some(file) => {
            std::fs::write(file, bytes).with_context(|| format!("cannot write {}", file.display()))
        }
        None => {
            let mut stdout = std::io::stdout().lock();
            stdout.write_all(bytes)?;
            Ok(stdout.flush()?)
        }
    }
}

/// Says what was found, beside what was written. Nothing found needs no words.
fn tell(args: &ConvertArgs, kind: Option<MessageType>, findings: &[Finding]) -> anyhow::Result<()> {
    let file = args.file.as_path();
    if args.json {
        let ok = !has_errors(findings);
        let report = Report { file, message_type: kind, ok, findings };
        eprintln!("{}", serde_json::to_string(&report)?);
    } else if !findings.is_empty() {
        for line in document::in_words(file, kind, findings) {
            eprintln!("{line}");
        }
    }
    Ok(())
}

//! `innfri check`: validates messages offline.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::{Verdict, render};
use crate::contract::{CheckContext, Contract, MessageType};
use crate::kernel::{Environment, Finding, Limits, PaymentWindow, Severity, has_errors};
use crate::port::{Clock, SystemClock};

/// The furthest that a payoff date may lie ahead, as in the default settings.
const AHEAD_DAYS: u16 = 180;
/// The furthest that it may lie back.
const GRACE_DAYS: u16 = 3;

#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 no errors (warnings may be), 1 errors were found, 2 usage.")]
pub(super) struct CheckArgs {
    /// Message files (JSON).
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Message type; without it, taken from the file name.
    #[arg(long = "type", value_name = "TYPE")]
    message_type: Option<String>,
    /// How strict check digits are taken.
    #[arg(long, value_enum, default_value = "production")]
    environment: EnvironmentName,
    /// One JSON object per file.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum EnvironmentName {
    Test,
    Production,
}

#[derive(Serialize)]
struct Report<'a> {
    file: &'a Path,
    #[serde(rename = "type")]
    message_type: MessageType,
    ok: bool,
    findings: &'a [Finding],
}

pub(super) fn run(args: &CheckArgs) -> anyhow::Result<Verdict> {
    let contract = Contract::new(Limits::default())?;
    let environment = match args.environment {
        EnvironmentName::Test => Environment::Test,
        EnvironmentName::Production => Environment::Production,
    };
    let window = PaymentWindow {
        today: SystemClock.today(),
        grace_days: GRACE_DAYS,
        ahead_days: AHEAD_DAYS,
    };
    let context = CheckContext { environment, window, contact_optional: false };
    let mut verdict = Verdict::Yes;
    for file in &args.files {
        let kind = kind_of(file, args.message_type.as_deref())?;
        let body =
            std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let findings = contract.check(kind, &body, &context).findings;
        if has_errors(&findings) {
            verdict = Verdict::No;
        }
        print(file, kind, &findings, args.json)?;
    }
    Ok(verdict)
}

fn print(file: &Path, kind: MessageType, findings: &[Finding], json: bool) -> anyhow::Result<()> {
    if json {
        let ok = !has_errors(findings);
        return render::json_line(&Report { file, message_type: kind, ok, findings });
    }
    if findings.is_empty() {
        return render::line(&format!("{}: fine ({kind})", file.display()));
    }
    render::line(&format!("{}: {} finding(s) ({kind})", file.display(), findings.len()))?;
    for finding in findings {
        let severity = match finding.alvorlighet {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let place = if finding.peker.is_empty() { "/" } else { &finding.peker };
        render::line(&format!("  {severity:<7} {} {place}", finding.regel))?;
        render::line(&format!("          {}", finding.tekst))?;
        render::line(&format!("          {}", finding.text))?;
    }
    Ok(())
}

/// The type that was given, else the one whose name is in the file's name.
pub(super) fn kind_of(file: &Path, given: Option<&str>) -> anyhow::Result<MessageType> {
    let names = || MessageType::ALL.map(MessageType::name).join("\n  ");
    if let Some(name) = given {
        return name
            .parse()
            .map_err(|error| anyhow::anyhow!("`{name}` {error}; known types:\n  {}", names()));
    }
    let file_name = file.file_name().unwrap_or_default().to_string_lossy();
    let found = MessageType::ALL.into_iter().find(|kind| file_name.contains(kind.name()));
    let Some(kind) = found else {
        bail!(
            "cannot tell the message type of {}: give --type, or put its name into the file name; \
             known types:\n  {}",
            file.display(),
            names()
        )
    };
    Ok(kind)
}

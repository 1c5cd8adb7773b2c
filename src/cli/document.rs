//! Messages in files, in any of their three forms: JSON, DSVE's XML, and XML in a ZIP archive.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use clap::ValueEnum;

use super::render;
use crate::contract::{Body, CheckContext, MessageType};
use crate::dsve::xml::{self, XmlLimits};
use crate::dsve::{Arrived, FileLimits, Nack, read_file};
use crate::kernel::{Environment, Finding, PaymentWindow, Severity};
use crate::port::{Clock, SystemClock};

/// The furthest that a payoff date may lie ahead, as in the default settings.
const AHEAD_DAYS: u16 = 180;
/// The furthest that it may lie back.
const GRACE_DAYS: u16 = 3;
/// More is not read: no form of a message comes near.
const LONGEST: u64 = 64 << 20;

/// How a message is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// DSVE's XML.
    Xml,
    /// innfri's own.
    Json,
    /// The XML in an archive, as it goes through Altinn.
    Zip,
}

/// How strict check digits are taken.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum EnvironmentName {
    Test,
    Production,
}

impl EnvironmentName {
    /// What messages are checked against, today.
    pub(super) fn context(self) -> CheckContext {
        let environment = match self {
            Self::Test => Environment::Test,
            Self::Production => Environment::Production,
        };
        let window = PaymentWindow {
            today: SystemClock.today(),
            grace_days: GRACE_DAYS,
            ahead_days: AHEAD_DAYS,
        };
        CheckContext { environment, window, contact_optional: false }
    }
}

/// A file as it was read.
pub(super) struct Document {
    pub(super) form: Form,
    pub(super) bytes: Vec<u8>,
}

/// What stands in a document.
pub(super) enum Content {
    /// A message.
    Message {
        body: Body,
        /// What was worth noting on the way to its JSON.
        notes: Vec<Finding>,
        /// Whether it was XML, which may leave out whom to ask.
        from_xml: bool,
    },
    /// A bank's no, from an archive.
    Nack(Nack),
    /// Nothing that can be used.
    Refused(Option<MessageType>, Vec<Finding>),
}

impl Document {
    /// Reads a file, or standard input for `-`.
    pub(super) fn read(file: &Path) -> anyhow::Result<Self> {
        let mut bytes = Vec::new();
        let read = if is_stdin(file) {
            std::io::stdin().lock().take(LONGEST + 1).read_to_end(&mut bytes)
        } else {
            std::fs::File::open(file).and_then(|it| it.take(LONGEST + 1).read_to_end(&mut bytes))
        };
        let read = read.with_context(|| format!("cannot read {}", file.display()))?;
        if u64::try_from(read).unwrap_or(u64::MAX) > LONGEST {
            bail!("{} is larger than {LONGEST} bytes: that is no message", file.display());
        }
        Ok(Self { form: form_of(&bytes, file), bytes })
    }

    /// Finds the message in it. The type that was given counts for JSON; XML and archives say
    /// themselves what they are.
    pub(super) fn content(self, file: &Path, given: Option<&str>) -> anyhow::Result<Content> {
        let content = match self.form {
            Form::Json => {
                let message_type = kind_of(file, given)?;
                let body = Body { message_type, json: self.bytes };
                return Ok(Content::Message { body, notes: Vec::new(), from_xml: false });
            }
            Form::Xml => match xml::read(&self.bytes, &XmlLimits::default()) {
                Ok(read) => Content::Message { body: read.body, notes: read.notes, from_xml: true },
                Err(findings) => Content::Refused(xml::message_type_of(&self.bytes), findings),
            },
            Form::Zip => match read_file(&self.bytes, &BTreeMap::new(), &FileLimits::default()) {
                Ok(Arrived::Message(it)) => {
                    Content::Message { body: it.body, notes: it.notes, from_xml: true }
                }
                Ok(Arrived::Nack(nack)) => Content::Nack(nack),
                Err(findings) => Content::Refused(None, findings),
            },
        };
        if let (Some(name), Some(found)) = (given, content.message_type())
            && kind_of(file, Some(name))? != found
        {
            bail!("{} is {found}, not {name}; leave --type out", file.display());
        }
        Ok(content)
    }
}

impl Content {
    /// The type, as far as it is known.
    pub(super) const fn message_type(&self) -> Option<MessageType> {
        match self {
            Self::Message { body, .. } => Some(body.message_type),
            Self::Nack(_) => Some(MessageType::Status),
            Self::Refused(kind, _) => *kind,
        }
    }
}

/// Whether a file's name stands for standard input.
pub(super) fn is_stdin(file: &Path) -> bool {
    file == Path::new("-")
}

/// The form that the first bytes show; where they show none, the ending decides.
fn form_of(bytes: &[u8], file: &Path) -> Form {
    // A byte order mark tells XML: JSON has none.
    const MARKS: [&[u8]; 5] = [b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf<", b"<\0", b"\0<"];
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if bytes.starts_with(b"PK") {
        return Form::Zip;
    }
    if first == Some(&b'<') || MARKS.iter().any(|mark| bytes.starts_with(mark)) {
        return Form::Xml;
    }
    let ending = file.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    match ending.as_str() {
        _ if matches!(first, Some(b'{' | b'[')) => Form::Json,
        "zip" => Form::Zip,
        "xml" => Form::Xml,
        _ => Form::Json,
    }
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
        let what =
            if is_stdin(file) { "standard input".into() } else { file.display().to_string() };
        bail!(
            "cannot tell the message type of {what}: give --type, or put its name into the file \
             name; known types:\n  {}",
            names()
        )
    };
    Ok(kind)
}

/// The findings of a file in words, a line each.
pub(super) fn in_words(
    file: &Path,
    kind: Option<MessageType>,
    findings: &[Finding],
) -> Vec<String> {
    let name = file.display();
    let kind = kind.map_or("of no known type".to_owned(), |kind| kind.to_string());
    if findings.is_empty() {
        return vec![format!("{name}: fine ({kind})")];
    }
    let mut lines = vec![format!("{name}: {} finding(s) ({kind})", findings.len())];
    for finding in findings {
        let severity = match finding.alvorlighet {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let place = if finding.peker.is_empty() { "/" } else { &finding.peker };
        lines.push(format!("  {severity:<7} {} {place}", finding.regel));
        lines.push(format!("          {}", finding.tekst));
        lines.push(format!("          {}", finding.text));
    }
    lines
}

/// Prints lines on standard output.
pub(super) fn print(lines: &[String]) -> anyhow::Result<()> {
    lines.iter().try_for_each(|line| render::line(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_known_by_content_and_only_then_by_the_ending() {
        for (bytes, name, form) in [
            (b"PK\x03\x04".as_slice(), "a.json", Form::Zip),
            (b"\n <a/>", "a.json", Form::Xml),
            (b"\xef\xbb\xbf<a/>", "a", Form::Xml),
            (b"\xff\xfe<\0", "a", Form::Xml),
            (b" {}", "a.xml", Form::Json),
            (b"nothing", "a.XML", Form::Xml),
            (b"", "a.zip", Form::Zip),
            (b"", "a", Form::Json),
        ] {
            assert_eq!(form_of(bytes, Path::new(name)), form, "{name}");
        }
    }
}

//! Whole files: from what Altinn hands over to a message or a bank's no, and back.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::archive::{self, ArchiveError, ArchiveLimits, Content, Packing};
use super::xml::{self, XmlLimits};
use crate::contract::{Body, Direction, Message, MessageType, read_message};
use crate::kernel::{Finding, OrganisationId};
use crate::market::no::rules::envelope;
use crate::market::no::status::{Aarsak, Status, StatusPart, Statuskode};

/// How much is read of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FileLimits {
    /// Of the archive.
    pub archive: ArchiveLimits,
    /// Of the XML in it.
    pub xml: XmlLimits,
}

/// What came in a file. It has no `Debug`: messages name people.
pub enum Arrived {
    /// A request, or an answer with amounts.
    Message(Arrival),
    /// A bank's no.
    Nack(Nack),
}

/// A message that came in a file. It has no `Debug`: messages name people.
pub struct Arrival {
    /// Its type and JSON. Its form is right; the rules of the message are for
    /// [`crate::contract::Contract::check`].
    pub body: Body,
    /// The sender's name for the transfer, where the manifest tells.
    pub senders_reference: Option<String>,
    /// What is worth telling although it is taken.
    pub notes: Vec<Finding>,
}

/// A bank's no: what stands in manifest or property list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nack {
    /// The code.
    pub code: Statuskode,
    /// What it means, fit to show an end user; never empty.
    pub text: String,
    /// The type of the request that it answers, where the envelope tells.
    pub about: Option<MessageType>,
    /// The sender's name for the transfer, where the manifest tells.
    pub senders_reference: Option<String>,
    /// Who says it, where the manifest tells; Altinn's own word counts for more.
    pub reportee: Option<OrganisationId>,
    /// What is worth telling although it is taken.
    pub notes: Vec<Finding>,
}

impl Nack {
    /// The status message that says the same. DSVE's `Feil` gives no reason in a form that a program
    /// could read, so it becomes a technical one; the text says more.
    pub fn status(&self, from: Option<StatusPart>, to: Option<StatusPart>) -> Status {
        let reason = (self.code == Statuskode::Feil).then_some(Aarsak::TekniskFeil);
        Status {
            avsender: from,
            mottaker: to,
            statuskode: self.code,
            aarsak: reason,
            tekst: self.text.clone(),
            avvik: Vec::new(),
        }
    }
}

/// Reads a file that came with this property list (empty when there is none).
///
/// # Errors
/// Everything that is wrong with the envelope (INN-080 to INN-092), or with the XML (INN-061 to
/// INN-077).
pub fn read_file(
    zip: &[u8],
    properties: &BTreeMap<String, String>,
    limits: &FileLimits,
) -> Result<Arrived, Vec<Finding>> {
    let envelope = archive::open(zip, properties, &limits.archive)?;
    let mut notes = envelope.notes;
    if let Some(code) = envelope.status.and_then(|status| status.code()) {
        return Ok(Arrived::Nack(Nack {
            code,
            text: envelope.status_description.unwrap_or_default(),
            about: envelope.message_type.and_then(request_of),
            senders_reference: envelope.senders_reference,
            reportee: envelope.reportee,
            notes,
        }));
    }
    let Some(entry) = envelope.xml else {
        return Err(vec![envelope::NO_MESSAGE.finding("")]);
    };
    let read = xml::read(&entry.bytes, &limits.xml)
        .map_err(|findings| notes.iter().cloned().chain(findings).collect::<Vec<_>>())?;
    if envelope.message_type.is_some_and(|said| said != read.body.message_type) {
        return Err(vec![envelope::CONTENT_DIFFERS.finding("")]);
    }
    notes.extend(read.notes);
    let senders_reference = envelope.senders_reference;
    Ok(Arrived::Message(Arrival { body: read.body, senders_reference, notes }))
}

/// The request that a type asks or answers.
fn request_of(kind: MessageType) -> Option<MessageType> {
    if kind.direction() == Direction::Request { Some(kind) } else { kind.answers() }
}

/// What goes out.
#[derive(Clone, Copy)]
pub struct Sending<'a> {
    /// The message: a request, an answer, or a status, which becomes a NACK.
    pub body: &'a Body,
    /// For a status: the type of the request that it answers. Not asked of anything else.
    pub about: Option<MessageType>,
    /// The name of the transfer: at Altinn, the message's or delivery's id.
    pub senders_reference: &'a str,
    /// Who sends.
    pub reportee: &'a OrganisationId,
    /// When, for the manifest; the same each time the file is sent. It may be left out.
    pub sent_at: Option<Timestamp>,
}

/// A file as it goes to Altinn. It has no `Debug`: messages name people.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The archive; the same bytes for the same sending.
    pub zip: Vec<u8>,
    /// The property list that goes with it.
    pub properties: BTreeMap<String, String>,
    /// What the file is called.
    pub file_name: String,
}

/// Makes the file for a message.
///
/// # Errors
/// What keeps the message from being written as XML, or INN-094 for what has no place in DSVE.
pub fn write_file(sending: &Sending<'_>) -> Result<Outgoing, Vec<Finding>> {
    let body = sending.body;
    if body.message_type != MessageType::Status {
        let xml = xml::write(body)?;
        return outgoing(sending, body.message_type, Content::Message(&xml));
    }
    let Message::Status(status) = read_message(body).map_err(|finding| vec![finding])? else {
        return Err(vec![envelope::NOT_IN_DSVE.finding("")]);
    };
    let answer = sending.about.and_then(MessageType::answered_by);
    let answer = answer.ok_or_else(|| vec![envelope::NOT_IN_DSVE.finding("")])?;
    let text = told(&status);
    outgoing(sending, answer, Content::Nack { code: status.statuskode, text: &text })
}

/// A status' text, with the findings below it: a NACK has no other place for them.
fn told(status: &Status) -> String {
    let mut text = status.tekst.clone();
    for finding in &status.avvik {
        text.push_str(&format!("\n- {finding}"));
    }
    text
}

fn outgoing(
    sending: &Sending<'_>,
    message_type: MessageType,
    content: Content<'_>,
) -> Result<Outgoing, Vec<Finding>> {
    let packing = Packing {
        message_type,
        senders_reference: sending.senders_reference,
        reportee: sending.reportee,
        sent_at: sending.sent_at,
        content,
    };
    let made = || -> Result<Outgoing, ArchiveError> {
        Ok(Outgoing {
            zip: archive::pack(&packing)?,
            properties: archive::properties(&packing)?,
            file_name: archive::file_name(&packing)?,
        })
    };
    made().map_err(|_| vec![envelope::NOT_IN_DSVE.finding("")])
}

//! Packing: the same message gives the same bytes, so that a file that is sent again is the same file.

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};

use jiff::Timestamp;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::manifest::{self, Manifest};
use crate::contract::{Direction, MessageType};
use crate::dsve::name::name_of;
use crate::dsve::status::{DsveStatus, presentable};
use crate::kernel::OrganisationId;
use crate::market::no::status::Statuskode;

/// Stands in a NACK's archive: Altinn wants a file, and the manifest says what matters.
const DUMMY: (&str, &[u8]) = ("status.txt", "Svaret står i manifest.xml.\n".as_bytes());
/// The longest piece of a reference in a file name.
const LONGEST_PIECE: usize = 64;

/// What to pack.
#[derive(Clone, Copy)]
pub struct Packing<'a> {
    /// The message; for a NACK, the answer in whose place it comes.
    pub message_type: MessageType,
    /// The name of the transfer: at Altinn, the message's or delivery's id.
    pub senders_reference: &'a str,
    /// Who sends.
    pub reportee: &'a OrganisationId,
    /// When, for the manifest; the same each time the file is sent. It may be left out.
    pub sent_at: Option<Timestamp>,
    /// What goes in.
    pub content: Content<'a>,
}

/// What goes in.
#[derive(Clone, Copy)]
pub enum Content<'a> {
    /// The message's XML: a request, or an answer, which is thereby an ACK.
    Message(&'a [u8]),
    /// A no, with a text for people.
    Nack {
        /// The code.
        code: Statuskode,
        /// What it means, in Norwegian.
        text: &'a str,
    },
}

/// Why nothing was packed.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// DSVE has four messages, and a NACK takes an answer's place.
    #[error("the message has no place in DSVE")]
    NotInDsve,
    /// A NACK must say something.
    #[error("a refusal needs a text that can be shown to people")]
    NoText,
    /// The archive could not be written.
    #[error("the archive could not be written")]
    Zip(#[from] zip::result::ZipError),
    /// The archive could not be written.
    #[error("the archive could not be written")]
    Write(#[from] std::io::Error),
}

/// Packs a file for Altinn. Answers and NACKs carry a manifest; a NACK carries no answer.
///
/// # Errors
/// When the message has no place in DSVE or a NACK has no text.
pub fn pack(packing: &Packing<'_>) -> Result<Vec<u8>, ArchiveError> {
    let properties = properties(packing)?;
    let xml_name = format!("{}.xml", stem(packing)?);
    let (name, bytes) = match packing.content {
        Content::Message(xml) => (xml_name.as_str(), xml),
        Content::Nack { .. } => DUMMY,
    };
    // Times are fixed and attributes plain: nothing of the machine or the moment gets in.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(name, options)?;
    zip.write_all(bytes)?;
    if packing.message_type.direction() == Direction::Answer {
        let manifest = Manifest {
            senders_reference: Some(printable(packing.senders_reference)),
            reportee: Some(packing.reportee.number().to_owned()),
            sent_date: packing.sent_at.map(|time| time.to_string()),
            properties: properties.into_iter().collect(),
        };
        zip.start_file("manifest.xml", options)?;
        zip.write_all(manifest::write(&manifest, name).as_bytes())?;
    }
    Ok(zip.finish()?.into_inner())
}

/// Altinn's property list for a file: the same as its manifest says.
///
/// # Errors
/// As [`pack`].
pub fn properties(packing: &Packing<'_>) -> Result<BTreeMap<String, String>, ArchiveError> {
    let name = name_of(packing.message_type).ok_or(ArchiveError::NotInDsve)?;
    let mut properties = BTreeMap::from([("messageType".to_owned(), name.to_owned())]);
    let answer = packing.message_type.direction() == Direction::Answer;
    let (status, text) = match packing.content {
        Content::Message(_) if !answer => return Ok(properties),
        Content::Message(_) => {
            let status = DsveStatus::RutetSuksessfullt;
            (status, status.text().to_owned())
        }
        Content::Nack { .. } if !answer => return Err(ArchiveError::NotInDsve),
        Content::Nack { code, text } => {
            (DsveStatus::from(code), presentable(text).ok_or(ArchiveError::NoText)?)
        }
    };
    properties.insert("status".to_owned(), status.as_str().to_owned());
    properties.insert("statusDescription".to_owned(), text);
    Ok(properties)
}

/// The name of the file at Altinn.
///
/// # Errors
/// When the message has no place in DSVE.
pub fn file_name(packing: &Packing<'_>) -> Result<String, ArchiveError> {
    Ok(format!("{}.zip", stem(packing)?))
}

/// Message and reference; a reference may hold anything, so only what any file system takes is kept.
fn stem(packing: &Packing<'_>) -> Result<String, ArchiveError> {
    let message = name_of(packing.message_type).ok_or(ArchiveError::NotInDsve)?;
    let piece: String = packing
        .senders_reference
        .chars()
        .take(LONGEST_PIECE)
        .map(|sign| if sign.is_ascii_alphanumeric() || sign == '-' { sign } else { '-' })
        .collect();
    Ok(format!("{}_{piece}", message.to_ascii_lowercase()))
}

fn printable(text: &str) -> String {
    text.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect()
}

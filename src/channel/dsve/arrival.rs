//! What a file from Altinn is to the exchange: a message, or what keeps it from being one. Pure.

use std::collections::BTreeMap;

use crate::channel::altinn::{ArrivedFile, Content};
use crate::contract::{Body, Direction, Message, MessageType, read_message};
use crate::dsve::{Arrived, DsveStatus, FileLimits, Nack, name, read_file};
use crate::kernel::Finding;
use crate::market::no::rules::envelope;

/// The keys of Altinn's property list that DSVE fills.
const MESSAGE_TYPE: &str = "messageType";
const STATUS: &str = "status";

/// A file, read.
pub(super) struct Read {
    /// What it is, as far as that is known.
    pub(super) message_type: Option<MessageType>,
    /// What it says.
    pub(super) says: Says,
    /// What is wrong with it, or worth telling.
    pub(super) findings: Vec<Finding>,
    /// By what its case is found, where it is an answer.
    pub(super) clues: Option<Clues>,
}

/// What a file says.
pub(super) enum Says {
    /// A message, as JSON.
    Json(Vec<u8>),
    /// A bank's no.
    No(Nack),
    /// Nothing that could be made a message: the file, as far as it was fetched.
    Nothing(Vec<u8>),
}

/// By what the case of an answer is found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Clues {
    /// What the sender says that it refers to, the surest first.
    pub(super) references: Vec<String>,
    /// The type of the request that it answers, where that is told.
    pub(super) request: Option<MessageType>,
}

impl Clues {
    fn of(references: [Option<&str>; 3], request: Option<MessageType>) -> Self {
        let mut told: Vec<String> = Vec::new();
        for reference in references.into_iter().flatten().map(str::trim) {
            if !reference.is_empty() && !told.iter().any(|known| known == reference) {
                told.push(reference.to_owned());
            }
        }
        Self { references: told, request }
    }
}

/// Reads a file. `None` for one that was sent under another resource, which is not for innfri.
pub(super) fn read(file: &ArrivedFile, limits: &FileLimits) -> Option<Read> {
    let altinns = Some(file.reference.as_str());
    let illegible = |findings, bytes: &[u8]| {
        let message_type = claimed(&file.properties);
        let is_question = message_type.is_some_and(|kind| kind.direction() == Direction::Request);
        let request = asked_in(&file.properties);
        let clues = (!is_question).then(|| Clues::of([altinns, None, None], request));
        Some(Read { message_type, says: Says::Nothing(bytes.to_vec()), findings, clues })
    };
    let bytes = match &file.content {
        Content::OtherResource(_) => return None,
        Content::TooLarge(_) => {
            return illegible(vec![envelope::ARCHIVE_TOO_LARGE.finding("")], &[]);
        }
        Content::Bytes(bytes) => bytes,
    };
    match read_file(bytes, &file.properties, limits) {
        Err(findings) => illegible(findings, bytes),
        Ok(Arrived::Nack(nack)) => {
            let clues = Clues::of([nack.senders_reference.as_deref(), altinns, None], nack.about);
            let (message_type, findings) = (Some(MessageType::Status), nack.notes.clone());
            Some(Read { message_type, says: Says::No(nack), findings, clues: Some(clues) })
        }
        Ok(Arrived::Message(arrival)) => {
            let kind = arrival.body.message_type;
            let clues = (kind.direction() == Direction::Answer).then(|| {
                let repeated = repeated_reference(&arrival.body);
                let manifest = arrival.senders_reference.as_deref();
                Clues::of([manifest, altinns, repeated.as_deref()], kind.answers())
            });
            let says = Says::Json(arrival.body.json);
            Some(Read { message_type: Some(kind), says, findings: arrival.notes, clues })
        }
    }
}

/// The asker's reference, which an answer repeats as its receiver's.
fn repeated_reference(body: &Body) -> Option<String> {
    match read_message(body).ok()? {
        Message::Answer(answer) => answer.mottaker().referanse.clone(),
        Message::Request(_) | Message::Status(_) => None,
    }
}

/// A property of Altinn's list, in any capitals.
fn told<'a>(properties: &'a BTreeMap<String, String>, key: &str) -> Option<&'a str> {
    let found = properties.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
    found.map(|(_, value)| value.as_str())
}

/// What Altinn's property list says that a file is.
fn claimed(properties: &BTreeMap<String, String>) -> Option<MessageType> {
    let kind = name::message_named(told(properties, MESSAGE_TYPE)?)?;
    let status = told(properties, STATUS).and_then(DsveStatus::of_word);
    let says_no = status.and_then(DsveStatus::code).is_some();
    Some(if says_no && kind.direction() == Direction::Answer { MessageType::Status } else { kind })
}

/// The request that a file answers, as Altinn's property list says.
fn asked_in(properties: &BTreeMap<String, String>) -> Option<MessageType> {
    name::message_named(told(properties, MESSAGE_TYPE)?)?.answers()
}

//! The first step of deciding: who sent this, what does it say, and what must be looked up?

use crate::case::{DeadLetter, DeadReason};
use crate::contract::{Body, CheckContext, Direction, Message, MessageType};
use crate::directory::Operator;
use crate::kernel::{
    ChannelName, DeliveryId, Digest, Finding, Incoming, Login, MessageId, OrganisationId,
    has_errors,
};

use super::Context;
use super::decision::Key;
use crate::market::no::rules::way;

/// What an arrival turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// Nobody can be told about it.
    Nobody(DeadLetter),
    /// It names a sender for whom its login may not speak.
    Spoofed(Spoofed),
    /// A question to a bank, acceptable or not; also a message of no known type.
    Request(Arrival),
    /// An answer or status from a bank, acceptable or not.
    Answer(Arrival),
}

/// A message that names somebody else as its sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoofed {
    /// The message, to be kept.
    pub letter: DeadLetter,
    /// The one participant that the login speaks for, when there is just one to tell.
    pub tell: Option<OrganisationId>,
    /// What a report on it is about: see [`Arrival::about`].
    pub about: MessageId,
}

/// A message from a known sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The message as it arrived.
    pub incoming: Incoming,
    /// Who sent it: checked against the login.
    pub sender: OrganisationId,
    /// Its type; `None` when it claims none that innfri takes.
    pub message_type: Option<MessageType>,
    /// Its sender's name for it; `None` when it has none that is a UUID.
    pub message_id: Option<MessageId>,
    /// Its sender's name for it, or one derived from its content.
    pub identity: MessageId,
    /// What its content is recognised by.
    pub digest: Digest,
    /// The delivery it answers.
    pub answers: Option<DeliveryId>,
    /// What it says; present only when no finding is an error.
    pub message: Option<Message>,
    /// Everything found so far.
    pub findings: Vec<Finding>,
    /// The receiver it names, where that can be read.
    pub receiver: Option<OrganisationId>,
    /// The sender's reference, where that can be read.
    pub reference: Option<String>,
}

/// Names a message by sender, id and content.
fn about(sender: &OrganisationId, identity: &MessageId, body: &[u8]) -> MessageId {
    MessageId::of_content(&sender.to_string(), &identity.to_string(), body)
}

impl Arrival {
    /// What a report on this message is about: not its id alone, which may be used again with other
    /// content, so that each wrong message is told of once.
    pub fn about(&self) -> MessageId {
        about(&self.sender, &self.identity, &self.incoming.body)
    }

    /// Whom Altinn gave it to, where it came that way: who refuses it, whatever it says of its receiver.
    pub(super) fn given_to(&self) -> Option<OrganisationId> {
        let through_altinn = self.incoming.channel == ChannelName::Altinn;
        through_altinn.then(|| self.incoming.source.parse().ok()).flatten()
    }

    /// The body with its type, to be stored and forwarded unchanged.
    pub fn body(&self, message_type: MessageType) -> Body {
        Body { message_type, json: self.incoming.body.clone() }
    }
}

impl Reading {
    /// What must be looked up before deciding.
    pub fn key(&self) -> Key {
        match self {
            Self::Nobody(_) | Self::Spoofed(_) => Key::default(),
            Self::Request(arrival) => {
                Key { inbox: Some((arrival.sender.clone(), arrival.identity)), ..Key::default() }
            }
            Self::Answer(arrival) => Key {
                inbox: Some((arrival.sender.clone(), arrival.identity)),
                forwarded_as: arrival.answers,
                case: None,
            },
        }
    }
}

/// Reads what arrived.
pub fn read(incoming: Incoming, context: &Context<'_>) -> Reading {
    let nobody = |detail: &str| {
        Reading::Nobody(DeadLetter::of_incoming(&incoming, DeadReason::UnknownSender, detail))
    };
    let Some(login) = &incoming.login else {
        return nobody("the message does not say who sent it: set user_id to the login");
    };
    let Some(operator) = context.directory.operator(login) else {
        return nobody("the login is not an operator of the directory: add it there");
    };
    let known = incoming.message_type.as_deref().and_then(|name| name.parse::<MessageType>().ok());
    let taken = known.filter(|kind| kind.direction() != Direction::Notice);
    let mut findings = envelope_findings(&incoming, known, taken);
    let legible = !has_errors(&incoming.findings);
    let (message, hints) = match taken.filter(|_| legible) {
        Some(kind) => {
            let contact_optional = incoming.channel == ChannelName::Altinn;
            let check = CheckContext { contact_optional, ..context.check };
            let checked = context.contract.check(kind, &incoming.body, &check);
            findings.extend(checked.findings);
            (checked.message, checked.hints)
        }
        None => (None, context.contract.hints(&incoming.body)),
    };
    let (message_id, identity) = identify(&incoming);
    let Some(sender) = hints.avsender.or_else(|| sole(operator)) else {
        let detail = "the message names no sender, and its login speaks for several";
        return nobody(detail);
    };
    if !operator.speaks_for.contains(&sender) {
        let detail = format!("`{login}` may not speak for {sender}");
        let letter = DeadLetter::of_incoming(&incoming, DeadReason::SpoofedSender, detail);
        let about = about(&sender, &identity, &incoming.body);
        return Reading::Spoofed(Spoofed { letter, tell: sole(operator), about });
    }
    let answers = incoming.correlation_id.as_deref().and_then(|text| text.parse().ok());
    let refused = has_errors(&findings);
    let arrival = Arrival {
        digest: Digest::of(&[taken.map_or("", MessageType::name).as_bytes(), &incoming.body]),
        sender,
        message_type: taken,
        message_id,
        identity,
        answers,
        message: message.filter(|_| !refused),
        findings,
        receiver: hints.mottaker,
        reference: hints.avsender_referanse,
        incoming,
    };
    match taken.map(MessageType::direction) {
        Some(Direction::Answer | Direction::Status) => Reading::Answer(arrival),
        Some(Direction::Request | Direction::Notice) | None => Reading::Request(arrival),
    }
}

fn sole(operator: &Operator) -> Option<OrganisationId> {
    let mut spoken_for = operator.speaks_for.iter();
    match (spoken_for.next(), spoken_for.next()) {
        (Some(only), None) => Some(only.clone()),
        _ => None,
    }
}

/// The sender's name for a message; and that, or one derived from login, type and content, so that a
/// message without a name still has effect once.
fn identify(incoming: &Incoming) -> (Option<MessageId>, MessageId) {
    let given = incoming.message_id.as_deref().and_then(|text| text.parse().ok());
    let derived = || {
        MessageId::of_content(
            incoming.login.as_ref().map_or("", Login::as_str),
            incoming.message_type.as_deref().unwrap_or_default(),
            &incoming.body,
        )
    };
    (given, given.unwrap_or_else(derived))
}

fn envelope_findings(
    incoming: &Incoming,
    known: Option<MessageType>,
    taken: Option<MessageType>,
) -> Vec<Finding> {
    let mut findings = incoming.findings.clone();
    match (taken, known) {
        (Some(_), _) => {}
        (None, Some(_)) => findings.push(way::INNFRI_ALONE.finding("")),
        (None, None) => findings.push(way::UNKNOWN_TYPE.finding("")),
    }
    if incoming.message_id.as_deref().is_none_or(|id| id.parse::<MessageId>().is_err()) {
        findings.push(way::MESSAGE_ID.finding(""));
    }
    let kind = incoming.content_type.as_deref().map(|text| text.split(';').next().unwrap_or(text));
    // What its channel could not make JSON of is no JSON, which has been said.
    let said = has_errors(&incoming.findings);
    if !said && kind.is_some_and(|kind| !kind.trim().eq_ignore_ascii_case("application/json")) {
        findings.push(way::CONTENT_TYPE.finding(""));
    }
    findings
}

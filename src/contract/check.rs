//! From bytes to a typed message, with all findings.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::catalogue::{Direction, MessageType};
use super::found::Found;
use super::message::{Answer, Body, Message, Request};
use super::read;
use super::schema::{ContractError, Schemas};
use super::wording::{about, is_presentable, push_segment};
use crate::kernel::person::contains_national_id;
use crate::kernel::{Environment, Finding, Limits, OrganisationId, PaymentWindow};
use crate::market::no::rules::{contact, fit, form, message as rules, way};

/// What a check needs to know of the world.
#[derive(Debug, Clone, Copy)]
pub struct CheckContext {
    /// How strict check digits are taken.
    pub environment: Environment,
    /// Which payoff dates are taken.
    pub window: PaymentWindow,
    /// Whether `avsender.kontaktperson` may be missing, with a warning: true of what came as XML,
    /// where dsve.xsd does not require it.
    pub contact_optional: bool,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The message; present only when no finding is an error.
    pub message: Option<Message>,
    /// Everything that was found, errors and warnings: first what breaks the form, in the order of the
    /// schema, and whether a contact is missing; where nothing does, what breaks a rule, in the order of the message.
    pub findings: Vec<Finding>,
    /// What could be read of sender and receiver even from a message that is refused.
    pub hints: Hints,
}

/// What could be read of a message that may be refused: enough to send it a useful answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hints {
    /// `avsender.id`, when it is an organisation.
    pub avsender: Option<OrganisationId>,
    /// `avsender.referanse`, when it is one line of at most 256 characters without a national
    /// identity number in it: a reference is shown and stored in the open.
    pub avsender_referanse: Option<String>,
    /// `mottaker.id`, when it is an organisation.
    pub mottaker: Option<OrganisationId>,
}

/// The compiled schemas; made once, shared by all.
pub struct Contract {
    schemas: Schemas,
    limits: Limits,
}

impl Contract {
    /// Compiles the schemas of the catalogue.
    ///
    /// # Errors
    /// When a schema in the program is broken.
    pub fn new(limits: Limits) -> Result<Self, ContractError> {
        Ok(Self { schemas: Schemas::new()?, limits })
    }

    /// Checks a message's bytes against its schema and the rules of the message alone.
    pub fn check(&self, kind: MessageType, body: &[u8], context: &CheckContext) -> Checked {
        let mut found = Found::new(self.limits.findings);
        let (value, findings) = read::read(body, &self.limits);
        found.extend(findings);
        let Some(value) = value else {
            return Checked {
                message: None,
                findings: found.into_findings(),
                hints: Hints::default(),
            };
        };
        self.schemas.check(kind, &value, &mut found);
        found.extend(missing_contact(kind, &value, context));
        let message = if found.has_errors() { None } else { typed(kind, &value, &mut found) };
        if let Some(message) = &message {
            found.extend(message_rules(message, context));
        }
        let message = message.filter(|_| !found.has_errors());
        Checked { message, findings: found.into_findings(), hints: hints(&value) }
    }

    /// Checks an answer or a status against the request it answers: properties, reference. Whether
    /// the type fits is for whoever knows the case to say; here only a request is refused.
    pub fn check_answer(&self, answer: &Message, request: &Request) -> Vec<Finding> {
        let wanted = &request.avsender().referanse;
        match answer {
            Message::Answer(answer) => {
                let given = answer.mottaker().referanse.as_deref();
                let mut findings: Vec<Finding> =
                    fit::reference(given, wanted).into_iter().collect();
                findings
                    .extend(fit::properties(answer.registerenheter(), request.registerenheter()));
                findings
            }
            Message::Status(status) => {
                let given = status.mottaker.as_ref().and_then(|it| it.referanse.as_deref());
                given.and_then(|given| fit::reference(Some(given), wanted)).into_iter().collect()
            }
            Message::Request(_) => vec![way::ANSWER_DOES_NOT_FIT.finding("")],
        }
    }

    /// What can be read of a message of any kind.
    pub fn hints(&self, body: &[u8]) -> Hints {
        let (value, _) = read::read(body, &self.limits);
        value.as_ref().map(hints).unwrap_or_default()
    }

    /// The limits in force.
    pub const fn limits(&self) -> Limits {
        self.limits
    }
}

/// Reads a stored request again. It passed the check when it was taken in, so only its form is read.
///
/// # Errors
/// When the body is no request, or no longer fits its type.
pub fn read_request(body: &Body) -> Result<Request, Finding> {
    match read_message(body)? {
        Message::Request(request) => Ok(request),
        Message::Answer(_) | Message::Status(_) => Err(form::UNREADABLE.finding("")),
    }
}

/// Reads a stored message again. It passed the check when it was taken in, so only its form is read.
///
/// # Errors
/// When the body is of a type that innfri alone sends, or no longer fits its type.
pub fn read_message(body: &Body) -> Result<Message, Finding> {
    fn read<T: DeserializeOwned>(body: &Body) -> Result<T, Finding> {
        serde_json::from_slice(&body.json).map_err(|_| form::UNREADABLE.finding(""))
    }
    match body.message_type {
        MessageType::Restgjeldsforespoersel => {
            read(body).map(|it| Message::Request(Request::Restgjeld(it)))
        }
        MessageType::Innfrielsessaldoforespoersel => {
            read(body).map(|it| Message::Request(Request::Innfrielsessaldo(it)))
        }
        MessageType::Restgjeldssvar => read(body).map(|it| Message::Answer(Answer::Restgjeld(it))),
        MessageType::Innfrielsessaldosvar => {
            read(body).map(|it| Message::Answer(Answer::Innfrielsessaldo(it)))
        }
        MessageType::Status => read(body).map(Message::Status),
        MessageType::Rejection | MessageType::Receipt => Err(way::INNFRI_ALONE.finding("")),
    }
}

fn typed(kind: MessageType, value: &Value, found: &mut Found) -> Option<Message> {
    fn read<'a, T: Deserialize<'a>>(value: &'a Value, found: &mut Found) -> Option<T> {
        T::deserialize(value).ok().or_else(|| {
            found.add(unreadable::<T>(value));
            None
        })
    }
    match kind {
        MessageType::Restgjeldsforespoersel => {
            read(value, found).map(|it| Message::Request(Request::Restgjeld(it)))
        }
        MessageType::Innfrielsessaldoforespoersel => {
            read(value, found).map(|it| Message::Request(Request::Innfrielsessaldo(it)))
        }
        MessageType::Restgjeldssvar => {
            read(value, found).map(|it| Message::Answer(Answer::Restgjeld(it)))
        }
        MessageType::Innfrielsessaldosvar => {
            read(value, found).map(|it| Message::Answer(Answer::Innfrielsessaldo(it)))
        }
        MessageType::Status => read(value, found).map(Message::Status),
        MessageType::Rejection | MessageType::Receipt => {
            found.add(way::INNFRI_ALONE.finding(""));
            None
        }
    }
}

/// The sender's contact, which some may leave out: so the schema cannot demand it, and this rule is
/// told together with what breaks the schema.
fn missing_contact(kind: MessageType, value: &Value, context: &CheckContext) -> Option<Finding> {
    let pointer = "/avsender/kontaktperson";
    let named = matches!(kind.direction(), Direction::Request | Direction::Answer);
    let sender = value.get("avsender").and_then(Value::as_object).filter(|_| named)?;
    match (sender.contains_key("kontaktperson"), context.contact_optional) {
        (true, _) => None,
        (false, true) => Some(contact::MISSING.warning(pointer)),
        (false, false) => Some(contact::MISSING.finding(pointer)),
    }
}

/// Reads once more to learn where it fails. The reader's own sentence may quote the message, so only
/// the place is taken.
fn unreadable<'a, T: Deserialize<'a>>(value: &'a Value) -> Finding {
    let mut pointer = String::new();
    if let Err(error) = serde_path_to_error::deserialize::<_, T>(value) {
        for step in error.path() {
            let step = match step {
                serde_path_to_error::Segment::Seq { index } => index.to_string(),
                serde_path_to_error::Segment::Map { key } => key.clone(),
                serde_path_to_error::Segment::Enum { .. }
                | serde_path_to_error::Segment::Unknown => break,
            };
            if !is_presentable(&step) {
                break;
            }
            push_segment(&mut pointer, &step);
        }
    }
    let (no, en) = about(
        &pointer,
        "kan ikke leses, selv om det følger skjemaet",
        "cannot be read although it follows the schema",
    );
    form::UNREADABLE.worded(pointer, no, en)
}

fn message_rules(message: &Message, context: &CheckContext) -> Vec<Finding> {
    let environment = context.environment;
    match message {
        Message::Request(Request::Restgjeld(it)) => rules::restgjeldsforespoersel(it, environment),
        Message::Request(Request::Innfrielsessaldo(it)) => {
            rules::innfrielsessaldoforespoersel(it, environment, &context.window)
        }
        Message::Answer(Answer::Restgjeld(it)) => rules::restgjeldssvar(it, environment),
        Message::Answer(Answer::Innfrielsessaldo(it)) => {
            rules::innfrielsessaldosvar(it, environment)
        }
        Message::Status(it) => rules::status(it, environment),
    }
}

fn hints(value: &Value) -> Hints {
    let field = |part: &str, name: &str| value.get(part)?.get(name)?.as_str();
    let organisation = |part| OrganisationId::norwegian(field(part, "id")?).ok();
    let fits = |text: &&str| {
        text.chars().count() <= 256
            && !text.trim().is_empty()
            && !text.chars().any(char::is_control)
            && !contains_national_id(text)
    };
    Hints {
        avsender: organisation("avsender"),
        avsender_referanse: field("avsender", "referanse").filter(fits).map(str::to_owned),
        mottaker: organisation("mottaker"),
    }
}

//! What is about a message's way rather than its content: who sends it to whom, what it answers.
//! These rules are raised by whoever knows the directory and the case.

use super::{Level, RuleDoc};
use crate::kernel::RuleId;

/// Only owners are named.
pub const NAME_NOT_AMONG_OWNERS: RuleDoc = RuleDoc {
    id: RuleId::new("INN-020"),
    title: "only owners are named",
    source: "GDPR; DSVE functional description, laantakerIkkeHjemmelshaver",
    level: Level::Error,
    no: "Svaret navngir en låntaker som ikke er blant hjemmelshaverne i forespørselen.",
    en: "The answer names a borrower who is not among the owners in the request.",
    what_to_do: "Leave the name out of laantakereHjemmelshaver and set laantakerIkkeHjemmelshaver to true. Spell owners as the request does.",
};

/// The account belongs to the bank that answers.
pub const ACCOUNT_NOT_OF_BANK: RuleDoc = RuleDoc {
    id: RuleId::new("INN-021"),
    title: "the account belongs to the bank that answers",
    source: "innfri, payment guard: the first four digits are the register number of the bank",
    level: Level::Error,
    no: "Kontonummeret tilhører ikke banken som svarer.",
    en: "The account number does not belong to the bank that answers.",
    what_to_do: "Give an account of your own bank. If the register number is new, have it added to the directory first.",
};

/// The login may speak for the sender.
pub const SENDER_MAY_NOT_SPEAK: RuleDoc = RuleDoc {
    id: RuleId::new("INN-024"),
    title: "the login may speak for the sender",
    source: "innfri, directory",
    level: Level::Error,
    no: "Avsenderen av meldingen kan ikke sende på vegne av organisasjonen i avsender.id.",
    en: "The login may not speak for the organisation in avsender.id.",
    what_to_do: "Send with the login of the operator that the organisation has authorised, or have the directory changed.",
};

/// The message has a name that is a UUID.
pub const MESSAGE_ID: RuleDoc = RuleDoc {
    id: RuleId::new("INN-025"),
    title: "the message has a name that is a UUID",
    source: "innfri, AMQP property message_id",
    level: Level::Error,
    no: "Meldings-ID mangler eller er ikke en UUID.",
    en: "The message id is missing or is not a UUID.",
    what_to_do: "Set message_id to a new UUID for each message, and to the same one when the same message is sent again.",
};

/// The message broker did not give up.
pub const BROKER_GAVE_UP: RuleDoc = RuleDoc {
    id: RuleId::new("INN-026"),
    title: "the message broker did not give up",
    source: "RabbitMQ, x-death",
    level: Level::Error,
    no: "Meldingskøen ga opp å levere meldingen.",
    en: "The message broker gave up on the message.",
    what_to_do: "Look at the reason in the dead letter, remove the cause, and replay it.",
};

/// The delivery was not given up.
pub const DELIVERY_GIVEN_UP: RuleDoc = RuleDoc {
    id: RuleId::new("INN-027"),
    title: "the delivery was not given up",
    source: "innfri, retry schedule",
    level: Level::Error,
    no: "Meldingen kunne ikke leveres til mottakeren.",
    en: "The message could not be delivered to the receiver.",
    what_to_do: "Find out with the receiver what is wrong, and replay the delivery.",
};

/// A message id stands for one content.
pub const MESSAGE_ID_REUSED: RuleDoc = RuleDoc {
    id: RuleId::new("INN-028"),
    title: "a message id stands for one content",
    source: "innfri, idempotent receiver",
    level: Level::Error,
    no: "Meldings-ID-en er brukt før, med et annet innhold.",
    en: "The message id was used before, with other content.",
    what_to_do: "Give the new message a new UUID.",
};

/// An answer belongs to a case.
pub const UNKNOWN_CASE: RuleDoc = RuleDoc {
    id: RuleId::new("INN-029"),
    title: "an answer belongs to a case",
    source: "innfri, correlation_id",
    level: Level::Error,
    no: "Svaret viser til en forespørsel som ikke finnes.",
    en: "The answer refers to a request that is not known.",
    what_to_do: "Set correlation_id to the message_id of the request that is answered.",
};

/// Only the bank that was asked answers.
pub const BANK_NOT_ASKED: RuleDoc = RuleDoc {
    id: RuleId::new("INN-030"),
    title: "only the bank that was asked answers",
    source: "innfri, directory and case",
    level: Level::Error,
    no: "Svaret kommer fra en bank som ikke er spurt.",
    en: "The answer comes from a bank that was not asked.",
    what_to_do: "Let the bank in mottaker.id of the request answer.",
};

/// The type of the answer fits the request.
pub const ANSWER_DOES_NOT_FIT: RuleDoc = RuleDoc {
    id: RuleId::new("INN-031"),
    title: "the type of the answer fits the request",
    source: "DSVE, functional description",
    level: Level::Error,
    no: "Svaret er av en annen type enn forespørselen ber om.",
    en: "The answer is not of the type that the request asks for.",
    what_to_do: "Answer a restgjeldsforespoersel with a restgjeldssvar, an innfrielsessaldoforespoersel with an innfrielsessaldosvar, or either with a status.",
};

/// The message type is known.
pub const UNKNOWN_TYPE: RuleDoc = RuleDoc {
    id: RuleId::new("INN-032"),
    title: "the message type is known",
    source: "innfri, catalogue of message types",
    level: Level::Error,
    no: "Meldingstypen er ukjent.",
    en: "The message type is not known.",
    what_to_do: "Set the AMQP property type to one of the names in the catalogue, such as no.dsve.restgjeldssvar.v1.",
};

/// The bank is asked, not its covered-bond company.
pub const COVERED_BOND_COMPANY: RuleDoc = RuleDoc {
    id: RuleId::new("INN-033"),
    title: "the bank is asked, not its covered-bond company",
    source: "DSVE, functional description",
    level: Level::Error,
    no: "Mottakeren er et boligkredittforetak; forespørselen skal sendes til banken.",
    en: "The receiver is a covered-bond company; the request goes to the bank.",
    what_to_do: "Send the request to the bank that the covered-bond company belongs to.",
};

/// The receiver takes part.
pub const RECEIVER_UNKNOWN: RuleDoc = RuleDoc {
    id: RuleId::new("INN-034"),
    title: "the receiver takes part",
    source: "innfri, directory (AKELDO)",
    level: Level::Error,
    no: "Mottakeren er ikke kjent i løsningen.",
    en: "The receiver does not take part.",
    what_to_do: "Check mottaker.id. Ask a bank that does not take part in another way.",
};

/// The receiver takes this message type.
pub const RECEIVER_DOES_NOT_TAKE: RuleDoc = RuleDoc {
    id: RuleId::new("INN-035"),
    title: "the receiver takes this message type",
    source: "innfri, directory (AKELDO)",
    level: Level::Error,
    no: "Mottakeren tar ikke imot denne meldingstypen.",
    en: "The receiver does not take this message type.",
    what_to_do: "Ask the bank in another way.",
};

/// The sender may send this message type.
pub const SENDER_MAY_NOT_SEND: RuleDoc = RuleDoc {
    id: RuleId::new("INN-036"),
    title: "the sender may send this message type",
    source: "innfri, directory (AKELDO)",
    level: Level::Error,
    no: "Avsenderen kan ikke sende denne meldingstypen.",
    en: "The sender may not send this message type.",
    what_to_do: "Have the message type added to the sender in the directory.",
};

/// An answer names its request by a UUID.
pub const CORRELATION_ID: RuleDoc = RuleDoc {
    id: RuleId::new("INN-037"),
    title: "an answer names its request by a UUID",
    source: "innfri, AMQP property correlation_id",
    level: Level::Error,
    no: "Korrelasjons-ID mangler eller er ikke en UUID.",
    en: "The correlation id is missing or is not a UUID.",
    what_to_do: "Set correlation_id to the message_id of the request that is answered.",
};

/// The body is said to be JSON.
pub const CONTENT_TYPE: RuleDoc = RuleDoc {
    id: RuleId::new("INN-038"),
    title: "the body is said to be JSON",
    source: "innfri, AMQP property content_type",
    level: Level::Error,
    no: "Innholdstypen er ikke application/json.",
    en: "The content type is not application/json.",
    what_to_do: "Set content_type to application/json.",
};

/// Some types are sent by innfri alone.
pub const INNFRI_ALONE: RuleDoc = RuleDoc {
    id: RuleId::new("INN-039"),
    title: "some types are sent by innfri alone",
    source: "innfri, catalogue of message types",
    level: Level::Error,
    no: "Denne meldingstypen sendes bare av innfri.",
    en: "This message type is sent by innfri alone.",
    what_to_do: "Send a request, an answer or a status.",
};

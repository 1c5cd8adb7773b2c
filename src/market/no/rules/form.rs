//! The form of a message: JSON, schema, limits. These rules are raised by the contract.

use super::{Level, RuleDoc};
use crate::kernel::RuleId;

/// The body is JSON.
pub const NOT_JSON: RuleDoc = RuleDoc {
    id: RuleId::new("INN-001"),
    title: "the body is JSON",
    source: "RFC 8259",
    level: Level::Error,
    no: "Innholdet er ikke gyldig JSON.",
    en: "The body is not valid JSON.",
    what_to_do: "Send one JSON object, as the schema of the message type describes it, without a byte order mark.",
};

/// Required fields are there.
pub const MISSING: RuleDoc = RuleDoc {
    id: RuleId::new("INN-002"),
    title: "required fields are there",
    source: "JSON Schema of the message type (required)",
    level: Level::Error,
    no: "Et påkrevd felt mangler.",
    en: "A required field is missing.",
    what_to_do: "Fill in the field; `innfri messages` prints what each message type needs.",
};

/// Only known fields.
pub const UNKNOWN_FIELD: RuleDoc = RuleDoc {
    id: RuleId::new("INN-003"),
    title: "only known fields",
    source: "JSON Schema of the message type (additionalProperties)",
    level: Level::Error,
    no: "Meldingen har et felt som ikke finnes i denne meldingstypen.",
    en: "The message has a field that is not part of this message type.",
    what_to_do: "Correct the spelling (names are camelCase, as in DSVE) or leave the field out.",
};

/// Texts and numbers have the right form.
pub const WRONG_FORM: RuleDoc = RuleDoc {
    id: RuleId::new("INN-004"),
    title: "texts and numbers have the right form",
    source: "JSON Schema of the message type (pattern), from dsve.xsd",
    level: Level::Error,
    no: "Et felt har feil form.",
    en: "A field has the wrong form.",
    what_to_do: "Write the value as the finding says: digits alone, without spaces or dots, and amounts with a point.",
};

/// Values have the right JSON type.
pub const WRONG_TYPE: RuleDoc = RuleDoc {
    id: RuleId::new("INN-005"),
    title: "values have the right JSON type",
    source: "JSON Schema of the message type (type)",
    level: Level::Error,
    no: "Et felt har feil type.",
    en: "A field has the wrong type.",
    what_to_do: "Mind that amounts, account numbers and KIDs are JSON strings, and yes/no is true or false without quotes. Numbers are written without a decimal point.",
};

/// Texts and lists are not too long.
pub const TOO_LONG: RuleDoc = RuleDoc {
    id: RuleId::new("INN-006"),
    title: "texts and lists are not too long",
    source: "JSON Schema of the message type (maxLength, maxItems), from dsve.xsd where it has a limit",
    level: Level::Error,
    no: "Et felt eller en liste er for lang.",
    en: "A field or a list is too long.",
    what_to_do: "Shorten the text, or divide the list over several messages.",
};

/// The body is not too large.
pub const BODY_TOO_LARGE: RuleDoc = RuleDoc {
    id: RuleId::new("INN-007"),
    title: "the body is not too large",
    source: "innfri, limits.body_bytes",
    level: Level::Error,
    no: "Meldingen er for stor.",
    en: "The message is too large.",
    what_to_do: "Send a smaller message. Attachments do not belong in it.",
};

/// The body is not nested too deeply.
pub const TOO_DEEP: RuleDoc = RuleDoc {
    id: RuleId::new("INN-008"),
    title: "the body is not nested too deeply",
    source: "innfri, limits.depth",
    level: Level::Error,
    no: "Meldingen har for mange nivåer inni hverandre.",
    en: "The message is nested too deeply.",
    what_to_do: "No message type needs more than ten levels: check the program that writes the JSON.",
};

/// The body is UTF-8.
pub const NOT_UTF8: RuleDoc = RuleDoc {
    id: RuleId::new("INN-009"),
    title: "the body is UTF-8",
    source: "RFC 8259 section 8.1",
    level: Level::Error,
    no: "Innholdet er ikke kodet som UTF-8.",
    en: "The body is not encoded as UTF-8.",
    what_to_do: "Encode the message as UTF-8; æ, ø and å in ISO 8859-1 are the usual cause.",
};

/// No field is given twice.
pub const DUPLICATE_KEY: RuleDoc = RuleDoc {
    id: RuleId::new("INN-010"),
    title: "no field is given twice",
    source: "RFC 8259 section 4; readers disagree on which of the two counts",
    level: Level::Error,
    no: "Et felt er oppgitt flere ganger i samme objekt.",
    en: "A field is given more than once in the same object.",
    what_to_do: "Give each field once.",
};

/// Codes are among those allowed.
pub const NOT_ALLOWED: RuleDoc = RuleDoc {
    id: RuleId::new("INN-011"),
    title: "codes are among those allowed",
    source: "JSON Schema of the message type (enum)",
    level: Level::Error,
    no: "Et felt har en verdi som ikke er tillatt.",
    en: "A field has a value that is not allowed.",
    what_to_do: "Use one of the values that the finding lists, spelled exactly so.",
};

/// Exactly one of several fields.
pub const EXACTLY_ONE: RuleDoc = RuleDoc {
    id: RuleId::new("INN-012"),
    title: "exactly one of several fields",
    source: "dsve.xsd (xs:choice)",
    level: Level::Error,
    no: "Nøyaktig ett av flere felt må være med.",
    en: "Exactly one of several fields must be given.",
    what_to_do: "Keep the one field that says what the thing is, and leave the others out.",
};

/// Texts and lists are not too short.
pub const TOO_SHORT: RuleDoc = RuleDoc {
    id: RuleId::new("INN-013"),
    title: "texts and lists are not too short",
    source: "JSON Schema of the message type (minLength, minItems)",
    level: Level::Error,
    no: "Et felt eller en liste er for kort.",
    en: "A field or a list is too short.",
    what_to_do: "Fill it in. A field that has no value is left out, not sent empty.",
};

/// Numbers are within their range.
pub const OUT_OF_RANGE: RuleDoc = RuleDoc {
    id: RuleId::new("INN-014"),
    title: "numbers are within their range",
    source: "JSON Schema of the message type (minimum, maximum), from dsve.xsd",
    level: Level::Error,
    no: "Et tall er utenfor det tillatte området.",
    en: "A number is outside the range that is allowed.",
    what_to_do: "Correct the number; the finding says what is allowed.",
};

/// Dates and times exist.
pub const NO_SUCH_TIME: RuleDoc = RuleDoc {
    id: RuleId::new("INN-015"),
    title: "dates and times exist",
    source: "JSON Schema of the message type (format), ISO 8601",
    level: Level::Error,
    no: "En dato eller et tidspunkt finnes ikke.",
    en: "A date or time does not exist.",
    what_to_do: "Write dates as 2026-06-30 and times with their offset, as 2026-06-30T09:00:00Z.",
};

/// The message follows its schema.
pub const OTHERWISE_WRONG: RuleDoc = RuleDoc {
    id: RuleId::new("INN-016"),
    title: "the message follows its schema",
    source: "JSON Schema of the message type",
    level: Level::Error,
    no: "Et felt følger ikke skjemaet for meldingstypen.",
    en: "A field does not follow the schema of the message type.",
    what_to_do: "Compare the field with the schema.",
};

/// The message can be read.
pub const UNREADABLE: RuleDoc = RuleDoc {
    id: RuleId::new("INN-017"),
    title: "the message can be read",
    source: "innfri, the typed message",
    level: Level::Error,
    no: "Et felt kan ikke leses, selv om det følger skjemaet.",
    en: "A field cannot be read although it follows the schema.",
    what_to_do: "Write whole numbers without a decimal point (5, not 5.0) and times within the years 0 to 9999. Tell the operator of innfri if it is neither.",
};

/// More findings than are shown.
pub const MORE_FINDINGS: RuleDoc = RuleDoc {
    id: RuleId::new("INN-019"),
    title: "more findings than are shown",
    source: "innfri, limits.findings",
    level: Level::Error,
    no: "Det er flere avvik enn de som vises.",
    en: "There are more findings than are shown.",
    what_to_do: "Correct what is shown and send again; the rest will show then.",
};

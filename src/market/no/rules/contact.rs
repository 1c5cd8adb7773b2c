//! The sender's contact: required by DSVE's functional table, optional in its XSD.

use super::{Level, RuleDoc};
use crate::kernel::RuleId;

/// A sender names whom to ask.
pub const MISSING: RuleDoc = RuleDoc {
    id: RuleId::new("INN-060"),
    title: "a sender names whom to ask",
    source: "DSVE, functional table, avsenders kontaktinformasjon; optional in dsve.xsd",
    level: Level::OutsideAltinn,
    no: "Feltet «kontaktperson» mangler.",
    en: "The field `kontaktperson` is missing.",
    what_to_do: "Give avsender.kontaktperson with at least navn. Only what comes as XML through Altinn is accepted without it.",
};

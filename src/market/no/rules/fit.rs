//! Whether an answer fits what was asked.

use super::place::Place;
use super::property::Identity;
use super::{Level, RuleDoc, Sink};
use crate::kernel::{Environment, Finding, RuleId};
use crate::market::no::part::{RegisterenhetMedDokumentreferanse, RegisterenhetMedHjemmelshavere};

/// The properties are among those asked about.
pub const PROPERTY_NOT_ASKED: RuleDoc = RuleDoc {
    id: RuleId::new("INN-022"),
    title: "the properties are among those asked about",
    source: "DSVE, functional description: only loans secured on the sold property",
    level: Level::Error,
    no: "Svaret gjelder en registerenhet som det ikke er spurt om.",
    en: "The answer is about a property that was not asked about.",
    what_to_do: "Answer only about the properties in the request, with the same numbers.",
};

/// The asker's reference is repeated.
pub const REFERENCE_DIFFERS: RuleDoc = RuleDoc {
    id: RuleId::new("INN-023"),
    title: "the asker's reference is repeated",
    source: "DSVE, functional table: mottakers referanse",
    level: Level::Error,
    no: "mottaker.referanse er ikke lik avsender.referanse i forespørselen.",
    en: "mottaker.referanse is not the avsender.referanse of the request.",
    what_to_do: "Copy the request's avsender.referanse to mottaker.referanse.",
};

/// Every answered property that was not asked about. The numbers count, not names: banks spell a
/// municipality or a cooperative in their own way.
pub fn properties(
    answered: &[RegisterenhetMedDokumentreferanse],
    asked: &[RegisterenhetMedHjemmelshavere],
) -> Vec<Finding> {
    let mut sink = Sink::new(Environment::Production);
    let asked: Vec<Identity<'_>> =
        asked.iter().map(|property| Identity::of(&property.registerenhet)).collect();
    let list = Place::at("registerenheterMedDokumentreferanser");
    for (number, property) in answered.iter().enumerate() {
        let known = asked.contains(&Identity::of(&property.registerenhet));
        sink.demand(known, &PROPERTY_NOT_ASKED, list.item(number));
    }
    sink.findings
}

/// Whether `mottaker.referanse` is what the request had as `avsender.referanse`.
pub fn reference(given: Option<&str>, wanted: &str) -> Option<Finding> {
    (given != Some(wanted)).then(|| REFERENCE_DIFFERS.finding("/mottaker/referanse"))
}

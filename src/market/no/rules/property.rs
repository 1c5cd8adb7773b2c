//! Properties: what identifies one, and what goes with its kind.

use super::place::Place;
use super::{Level, RuleDoc, Sink, number, repeats, text};
use crate::kernel::{OrganisationId, RuleId};
use crate::market::no::part::{Aksjeleilighet, Borettsandel, Matrikkel, Registerenhet};

/// A leasehold has a leasehold number.
pub const LEVEL: RuleDoc = RuleDoc {
    id: RuleId::new("INN-057"),
    title: "a leasehold has a leasehold number",
    source: "Kartverket, matrikkelen",
    level: Level::Warning,
    no: "eiendomsnivaa er feste, men festenummer mangler.",
    en: "eiendomsnivaa is leasehold, but festenummer is missing.",
    what_to_do: "Give the leasehold number, or the level E.",
};

/// Properties are listed once.
pub const REPEATED: RuleDoc = RuleDoc {
    id: RuleId::new("INN-058"),
    title: "properties are listed once",
    source: "innfri",
    level: Level::Warning,
    no: "Registerenheten er oppført flere ganger.",
    en: "The property is listed more than once.",
    what_to_do: "List each property once, with all its owners or documents.",
};

/// Real property and shares in cooperatives have documents.
pub const NO_DOCUMENTS: RuleDoc = RuleDoc {
    id: RuleId::new("INN-059"),
    title: "real property and shares in cooperatives have documents",
    source: "dsve.xsd, RegisterenhetMedDokumentreferanse",
    level: Level::Warning,
    no: "Det er ikke oppgitt noen pantedokumenter for registerenheten.",
    en: "No mortgage documents are given for the property.",
    what_to_do: "List the mortgage documents that will be deleted; only a flat in a housing company needs none.",
};

/// What identifies a property: its numbers, without names. A leasehold or section number of 0 is the
/// same as none, since senders write either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity<'a> {
    /// Municipality, farm, title, leasehold and section number.
    Matrikkel(&'a str, u32, u32, u32, u32),
    /// The cooperative and the share.
    Borettsandel(&'a OrganisationId, u32),
    /// The company and the flat.
    Aksjeleilighet(&'a OrganisationId, &'a str),
}

impl<'a> Identity<'a> {
    /// The identity of a property.
    pub fn of(property: &'a Registerenhet) -> Self {
        match property {
            Registerenhet::Matrikkel(it) => Self::Matrikkel(
                &it.kommunenummer,
                it.gaardsnummer,
                it.bruksnummer,
                it.festenummer.unwrap_or(0),
                it.seksjonsnummer.unwrap_or(0),
            ),
            Registerenhet::Borettsandel(it) => {
                Self::Borettsandel(&it.organisasjonsnummer, it.andelsnummer)
            }
            Registerenhet::Aksjeleilighet(it) => {
                Self::Aksjeleilighet(&it.organisasjonsnummer, it.leilighetsnummer.trim())
            }
        }
    }
}

pub(super) fn repeated<'a>(
    sink: &mut Sink,
    properties: impl Iterator<Item = &'a Registerenhet>,
    list: &Place<'_>,
) {
    let identities: Vec<Identity<'a>> = properties.map(Identity::of).collect();
    for number in repeats(&identities) {
        sink.add(&REPEATED, list.item(number));
    }
}

pub(super) fn property(sink: &mut Sink, property: &Registerenhet, place: &Place<'_>) {
    match property {
        Registerenhet::Matrikkel(it) => matrikkel(sink, it, &place.field("matrikkel")),
        Registerenhet::Borettsandel(it) => borettsandel(sink, it, &place.field("borettsandel")),
        Registerenhet::Aksjeleilighet(it) => {
            aksjeleilighet(sink, it, &place.field("aksjeleilighet"));
        }
    }
}

pub(super) fn documents(sink: &mut Sink, property: &Registerenhet, given: bool, place: &Place<'_>) {
    let needed = match property {
        Registerenhet::Matrikkel(_) | Registerenhet::Borettsandel(_) => true,
        Registerenhet::Aksjeleilighet(_) => false,
    };
    sink.demand(given || !needed, &NO_DOCUMENTS, place.field("pantedokumentreferanser"));
}

fn matrikkel(sink: &mut Sink, it: &Matrikkel, place: &Place<'_>) {
    text::free_text(sink, &it.kommunenavn, place.field("kommunenavn"));
    let leasehold = it.eiendomsnivaa.starts_with('F');
    let numbered = it.festenummer.is_some_and(|number| number > 0);
    sink.demand(numbered || !leasehold, &LEVEL, place.field("festenummer"));
}

fn borettsandel(sink: &mut Sink, it: &Borettsandel, place: &Place<'_>) {
    number::organisation(sink, &it.organisasjonsnummer, place.field("organisasjonsnummer"));
    text::free_text(sink, &it.borettslagnavn, place.field("borettslagnavn"));
}

fn aksjeleilighet(sink: &mut Sink, it: &Aksjeleilighet, place: &Place<'_>) {
    number::organisation(sink, &it.organisasjonsnummer, place.field("organisasjonsnummer"));
    text::free_text(sink, &it.organisasjonsnavn, place.field("organisasjonsnavn"));
    text::free_text(sink, &it.leilighetsnummer, place.field("leilighetsnummer"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Environment, Severity};

    fn cadastral(level: &str, leasehold: Option<u32>) -> Registerenhet {
        Registerenhet::Matrikkel(Matrikkel {
            kommunenavn: "Oslo".into(),
            kommunenummer: "0301".into(),
            gaardsnummer: 1,
            bruksnummer: 2,
            festenummer: leasehold,
            seksjonsnummer: None,
            eiendomsnivaa: level.into(),
        })
    }

    fn run(check: impl Fn(&mut Sink, &Place<'_>)) -> Vec<(String, Severity)> {
        let mut sink = Sink::new(Environment::Production);
        check(&mut sink, &Place::at("enhet"));
        sink.findings
            .into_iter()
            .map(|found| (found.regel.to_string(), found.alvorlighet))
            .collect()
    }

    #[test]
    fn a_leasehold_without_its_number_is_a_warning() {
        for (level, number, rules) in [
            ("E", None, 0),
            ("E", Some(3), 0),
            ("F", Some(3), 0),
            ("F", None, 1),
            ("F_2", Some(0), 1),
        ] {
            let found = run(|sink, place| property(sink, &cadastral(level, number), place));
            assert_eq!(found.len(), rules, "{level} {number:?}");
            assert!(found.iter().all(|(_, severity)| *severity == Severity::Warning));
        }
    }

    #[test]
    fn real_property_without_documents_is_a_warning() {
        let unit = cadastral("E", None);
        assert!(run(|sink, place| documents(sink, &unit, true, place)).is_empty());
        let found = run(|sink, place| documents(sink, &unit, false, place));
        assert_eq!(found, [("INN-059".to_owned(), Severity::Warning)]);
    }

    #[test]
    fn names_and_a_number_of_zero_do_not_tell_properties_apart() {
        let zero = cadastral("E", Some(0));
        let none = cadastral("E", None);
        assert_eq!(Identity::of(&zero), Identity::of(&none));
        assert_ne!(Identity::of(&cadastral("F", Some(1))), Identity::of(&none));
        let both = [zero, none];
        assert_eq!(run(|sink, place| repeated(sink, both.iter(), place)).len(), 1);
    }
}

//! Which rule concerns which field. The rules themselves are functions, and do not say.

use super::super::catalogue::{Direction, MessageType};
use super::fields::{Field, fields_of};
use crate::market::no::rules::{
    self, RuleDoc, contact, fit, form, loan, number, payoff, property, situation, text, way, xml,
};

use Direction::{Answer, Request, Status};

/// A rule with the fields it is about.
struct Concern {
    rule: RuleDoc,
    /// The messages it is raised for.
    directions: &'static [Direction],
    /// Ends of paths, without the `[]` of lists; with `#`, a shared part.
    fields: &'static [&'static str],
}

const ANY: &[Direction] = &[Request, Answer, Status];
const ANSWERS: &[Direction] = &[Answer, Status];

const fn concern(
    rule: RuleDoc,
    directions: &'static [Direction],
    fields: &'static [&'static str],
) -> Concern {
    Concern { rule, directions, fields }
}

static CONCERNS: [Concern; 31] = [
    concern(way::NAME_NOT_AMONG_OWNERS, &[Answer], &["laantakereHjemmelshaver"]),
    concern(way::ACCOUNT_NOT_OF_BANK, &[Answer], &["kontonummer"]),
    concern(fit::PROPERTY_NOT_ASKED, &[Answer], &["registerenheterMedDokumentreferanser"]),
    concern(fit::REFERENCE_DIFFERS, ANSWERS, &["mottaker.referanse"]),
    concern(way::SENDER_MAY_NOT_SPEAK, ANY, &["avsender.id"]),
    concern(way::BANK_NOT_ASKED, ANSWERS, &["avsender.id"]),
    concern(way::COVERED_BOND_COMPANY, &[Request], &["mottaker.id"]),
    concern(way::RECEIVER_UNKNOWN, &[Request], &["mottaker.id"]),
    concern(way::RECEIVER_DOES_NOT_TAKE, &[Request], &["mottaker.id"]),
    concern(way::SENDER_MAY_NOT_SEND, &[Request], &["avsender.id"]),
    concern(number::ORGANISATION, ANY, &["#organisasjonsnummer"]),
    concern(number::ACCOUNT, ANY, &["#kontonummer"]),
    concern(number::KID, ANY, &["#kid"]),
    concern(number::NATIONAL_ID, ANY, &["person.id"]),
    concern(number::NATIONAL_ID_DATE, ANY, &["person.id"]),
    concern(number::SYNTHETIC, ANY, &["person.id"]),
    concern(
        text::NATIONAL_ID_IN_TEXT,
        ANY,
        &[
            "foretaksnavn",
            "gatenavn",
            "poststed",
            "navn",
            "epost",
            "telefondirekte",
            "telefon",
            "referanse",
            "fornavn",
            "etternavn",
            "kommunenavn",
            "borettslagnavn",
            "organisasjonsnavn",
            "leilighetsnummer",
            "betalingsmelding",
            "laantakereHjemmelshaver",
            "tekst",
            "text",
            "peker",
        ],
    ),
    concern(payoff::REPEATED, &[Request], &["innfrielsesdatoer"]),
    concern(payoff::PASSED, &[Request], &["innfrielsesdatoer"]),
    concern(payoff::TOO_FAR, &[Request], &["innfrielsesdatoer"]),
    concern(loan::LIMIT_PRESENCE, &[Answer], &["oevreGrenseRammelaan"]),
    concern(loan::LIMIT_BELOW_DEBT, &[Answer], &["oevreGrenseRammelaan"]),
    concern(loan::NUMBER_REPEATED, &[Answer], &["laanenummer"]),
    concern(payoff::AMOUNT_REPEATED, &[Answer], &["saldoerPerDato.dato"]),
    concern(loan::LIEN_KEPT, &[Answer], &["panterettSlettesVedInnfrielse"]),
    concern(situation::REASON, &[Status], &["aarsak"]),
    concern(situation::SIDES, &[Status], &["avsender", "mottaker"]),
    concern(property::LEVEL, ANY, &["matrikkel.festenummer"]),
    concern(
        property::REPEATED,
        ANY,
        &["registerenheterMedHjemmelshavere", "registerenheterMedDokumentreferanser"],
    ),
    concern(property::NO_DOCUMENTS, &[Answer], &["pantedokumentreferanser"]),
    concern(contact::MISSING, &[Request, Answer], &["avsender.kontaktperson"]),
];

/// The rules about the form of any message.
pub(super) fn any_message() -> Vec<&'static RuleDoc> {
    rules::all().iter().filter(|rule| rule.id <= form::MORE_FINDINGS.id).collect()
}

/// The rules about no field, and not about form: those about a message's way.
pub(super) fn about_the_way() -> Vec<&'static RuleDoc> {
    let fielded =
        |rule: &RuleDoc| CONCERNS.iter().any(|it| it.rule.id == rule.id && it.is_about_a_field());
    let between = form::MORE_FINDINGS.id..xml::NOT_XML.id;
    rules::all()
        .iter()
        .filter(|rule| rule.id != between.start && between.contains(&rule.id) && !fielded(rule))
        .collect()
}

/// The rules about DSVE's own form.
pub(super) fn about_xml() -> Vec<&'static RuleDoc> {
    rules::all().iter().filter(|rule| rule.id >= xml::NOT_XML.id).collect()
}

/// The rules that concern a type: those about one of its fields.
pub(super) fn rules_of(kind: MessageType) -> Vec<&'static RuleDoc> {
    let fields = fields_of(kind);
    CONCERNS
        .iter()
        .filter(|concern| fields.iter().any(|field| concern.is_about(kind, field)))
        .map(|concern| &concern.rule)
        .collect()
}

/// The rules about a field.
pub(super) fn rules_about(kind: MessageType, field: &Field) -> Vec<&'static RuleDoc> {
    CONCERNS.iter().filter(|it| it.is_about(kind, field)).map(|it| &it.rule).collect()
}

impl Concern {
    fn is_about_a_field(&self) -> bool {
        MessageType::ALL
            .into_iter()
            .any(|kind| fields_of(kind).iter().any(|field| self.is_about(kind, field)))
    }

    fn is_about(&self, kind: MessageType, field: &Field) -> bool {
        let path = field.path.replace("[]", "");
        let ends_with = |end: &str| {
            path.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        self.directions.contains(&kind.direction())
            && self.fields.iter().any(|name| match name.strip_prefix('#') {
                Some(part) => field.part.as_deref() == Some(part),
                None => ends_with(name),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_its_place_in_the_guide_once() {
        let mut told: Vec<&str> = any_message()
            .into_iter()
            .chain(about_the_way())
            .chain(about_xml())
            .chain(CONCERNS.iter().filter(|it| it.is_about_a_field()).map(|it| &it.rule))
            .map(|rule| rule.id.as_str())
            .collect();
        told.sort_unstable();
        let all: Vec<&str> = rules::all().iter().map(|rule| rule.id.as_str()).collect();
        assert_eq!(told, all);
    }

    #[test]
    fn every_field_that_a_rule_is_about_is_in_some_schema() {
        for concern in &CONCERNS {
            for name in concern.fields {
                let one = Concern {
                    rule: concern.rule.clone(),
                    directions: concern.directions,
                    fields: std::slice::from_ref(name),
                };
                let known = one.is_about_a_field();
                assert!(known, "{} {name}", concern.rule.id);
            }
        }
    }
}

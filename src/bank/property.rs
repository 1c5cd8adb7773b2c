//! Whether two texts mean the same property and the same owner: numbers decide, names do not.

use super::book::{Owner, Security};
use crate::market::no::part::{
    Aksjeleilighet, Borettsandel, Hjemmelshaver, Matrikkel, Registerenhet,
};

/// Whether two properties are the same by the numbers that the registers tell them apart by.
pub fn same_property(one: &Registerenhet, other: &Registerenhet) -> bool {
    use Registerenhet as R;
    match (one, other) {
        (R::Matrikkel(one), R::Matrikkel(other)) => same_matrikkel(one, other),
        (R::Borettsandel(one), R::Borettsandel(other)) => same_borettsandel(one, other),
        (R::Aksjeleilighet(one), R::Aksjeleilighet(other)) => same_aksjeleilighet(one, other),
        (R::Matrikkel(_), R::Borettsandel(_) | R::Aksjeleilighet(_))
        | (R::Borettsandel(_), R::Matrikkel(_) | R::Aksjeleilighet(_))
        | (R::Aksjeleilighet(_), R::Matrikkel(_) | R::Borettsandel(_)) => false,
    }
}

/// The level counts: a sub-leasehold has the same numbers as the leasehold above it. A leasehold or
/// section number of 0 is the cadastre's way to write that there is none.
fn same_matrikkel(one: &Matrikkel, other: &Matrikkel) -> bool {
    let numbers = |unit: &Matrikkel| {
        (
            unit.gaardsnummer,
            unit.bruksnummer,
            unit.festenummer.unwrap_or(0),
            unit.seksjonsnummer.unwrap_or(0),
        )
    };
    one.kommunenummer == other.kommunenummer
        && numbers(one) == numbers(other)
        && one.eiendomsnivaa == other.eiendomsnivaa
}

fn same_borettsandel(one: &Borettsandel, other: &Borettsandel) -> bool {
    one.organisasjonsnummer == other.organisasjonsnummer && one.andelsnummer == other.andelsnummer
}

/// Share numbers are optional, so they count only where both sides give them.
fn same_aksjeleilighet(one: &Aksjeleilighet, other: &Aksjeleilighet) -> bool {
    let agree = |one: Option<u32>, other: Option<u32>| match (one, other) {
        (Some(one), Some(other)) => one == other,
        (None, _) | (_, None) => true,
    };
    let (shares, others) = (&one.aksjeinformasjon, &other.aksjeinformasjon);
    one.organisasjonsnummer == other.organisasjonsnummer
        && one.leilighetsnummer.trim().eq_ignore_ascii_case(other.leilighetsnummer.trim())
        && agree(shares.aksjenummer_fra, others.aksjenummer_fra)
        && agree(shares.aksjenummer_til, others.aksjenummer_til)
}

/// Whether an owner of the book is the owner a request names, by identity number.
pub fn same_owner(owner: &Owner, asked: &Hjemmelshaver) -> bool {
    match asked {
        Hjemmelshaver::Person(person) => owner.national_id.as_ref() == Some(&person.id),
        Hjemmelshaver::Organisasjon(organisation) => {
            owner.organisation.as_ref() == Some(&organisation.id)
        }
    }
}

/// Whether any of the owners a request names gave this security.
pub fn pledged_by_any(security: &Security, asked: &[Hjemmelshaver]) -> bool {
    security.owners.iter().any(|owner| asked.iter().any(|name| same_owner(owner, name)))
}

/// An owner's name as the request writes it.
pub fn name_of(asked: &Hjemmelshaver) -> String {
    match asked {
        Hjemmelshaver::Person(person) => format!("{} {}", person.fornavn, person.etternavn),
        Hjemmelshaver::Organisasjon(organisation) => organisation.foretaksnavn.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(json: &str) -> Registerenhet {
        serde_json::from_str(json).unwrap()
    }

    const SECTION: &str = r#"{"matrikkel":{"kommunenavn":"Testvik","kommunenummer":"9901",
        "gaardsnummer":12,"bruksnummer":34,"seksjonsnummer":5,"eiendomsnivaa":"E"}}"#;

    #[test]
    fn the_name_of_the_municipality_and_empty_numbers_do_not_count() {
        let other =
            SECTION.replace("Testvik", "TESTVIK").replace(r#""seks"#, r#""festenummer":0,"seks"#);
        assert!(same_property(&unit(SECTION), &unit(&other)));
    }

    #[test]
    fn each_number_and_the_level_count() {
        let changes = [
            (r#""9901""#, r#""9902""#),
            (":12,", ":13,"),
            (":34,", ":35,"),
            (":5,", ":6,"),
            (r#""E""#, r#""F""#),
        ];
        for (from, to) in changes {
            let other = SECTION.replace(from, to);
            assert!(!same_property(&unit(SECTION), &unit(&other)), "{from} to {to}");
        }
    }

    #[test]
    fn shares_and_flats_are_told_apart_by_their_numbers() {
        let share = r#"{"borettsandel":{"organisasjonsnummer":"939336338","borettslagnavn":"A",
            "andelsnummer":7}}"#;
        assert!(same_property(&unit(share), &unit(&share.replace(r#""A""#, r#""B""#))));
        assert!(!same_property(&unit(share), &unit(&share.replace(":7", ":8"))));
        let flat = r#"{"aksjeleilighet":{"organisasjonsnummer":"920579868","organisasjonsnavn":"A",
            "leilighetsnummer":"H0101","aksjeinformasjon":{"aksjenummerFra":11}}}"#;
        let unsaid = flat.replace(r#""aksjenummerFra":11"#, "");
        assert!(same_property(&unit(flat), &unit(&unsaid)));
        assert!(!same_property(&unit(flat), &unit(&flat.replace(":11", ":12"))));
        assert!(!same_property(&unit(flat), &unit(&flat.replace("0101", "0102"))));
        assert!(!same_property(&unit(flat), &unit(share)));
    }
}

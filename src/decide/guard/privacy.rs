//! The privacy guard: an answer names a borrower only if that person is among the owners in the
//! request.
//!
//! Source: DSVE functional description, *Juridisk grunnlag/personvern* (GDPR): the name of a borrower
//! who is not party to the sale is never told; `laantakerIkkeHjemmelshaver` says that such a person
//! exists.

use unicode_normalization::UnicodeNormalization;

use super::Stop;
use crate::case::Event;
use crate::contract::{Answer, Request};
use crate::kernel::Finding;
use crate::market::no::part::Hjemmelshaver;
use crate::market::no::rules::way;

/// Checks every name in `laantakereHjemmelshaver`. The findings do not repeat the names.
pub fn check(answer: &Answer, request: &Request) -> Option<Stop> {
    let owners: Vec<Owner> = request
        .registerenheter()
        .iter()
        .flat_map(|unit| unit.hjemmelshavere.iter().map(Owner::of))
        .collect();
    let findings: Vec<Finding> = answer
        .betalinger()
        .iter()
        .enumerate()
        .flat_map(|(loan, betaling)| {
            betaling.laantakere_hjemmelshaver.iter().enumerate().map(move |(place, name)| {
                (format!("/laanliste/{loan}/laantakereHjemmelshaver/{place}"), name)
            })
        })
        .filter(|(_, name)| {
            let words = words(name);
            !owners.iter().any(|owner| owner.is_named(&words))
        })
        .map(|(pointer, _)| way::NAME_NOT_AMONG_OWNERS.finding(pointer))
        .collect();
    let names = u32::try_from(findings.len()).unwrap_or(u32::MAX);
    (names > 0).then_some(Stop { findings, alert: Event::PrivacyAlert { names } })
}

/// An owner's names, as words without regard to case, spacing and order.
struct Owner {
    all: Vec<String>,
    given: Vec<String>,
}

impl Owner {
    fn of(owner: &Hjemmelshaver) -> Self {
        match owner {
            Hjemmelshaver::Person(person) => {
                let given = words(&person.fornavn);
                let mut all = given.clone();
                all.extend(words(&person.etternavn));
                Self { all: sorted(all), given }
            }
            Hjemmelshaver::Organisasjon(organisation) => {
                Self { all: sorted(words(&organisation.foretaksnavn)), given: Vec::new() }
            }
        }
    }

    /// Whether these words are the whole name in any order, the given names alone, or the first of
    /// them alone. Any other part of a name could be somebody else's whole name.
    fn is_named(&self, words: &[String]) -> bool {
        if words.is_empty() {
            return false;
        }
        sorted(words.to_vec()) == self.all
            || words == self.given
            || (words.len() == 1 && words.first() == self.given.first())
    }
}

fn sorted(mut words: Vec<String>) -> Vec<String> {
    words.sort_unstable();
    words
}

/// The words of a name in lower case. A letter counts as the same whether it is written as one
/// character or as a letter and its mark.
fn words(name: &str) -> Vec<String> {
    name.nfc()
        .collect::<String>()
        .to_lowercase()
        .split(|c: char| c.is_whitespace() || c == ',')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::NationalId;
    use crate::market::no::part::Person;

    fn owner() -> Owner {
        Owner::of(&Hjemmelshaver::Person(Person {
            id: "23904430552".parse::<NationalId>().unwrap(),
            fornavn: "Åse Marie".into(),
            etternavn: "Prøve-Fiksjon".into(),
        }))
    }

    #[test]
    fn case_spacing_and_order_do_not_matter() {
        for name in [
            "Åse Marie Prøve-Fiksjon",
            "PRØVE-FIKSJON, åse  marie",
            " Marie Åse Prøve-Fiksjon ",
            "A\u{30a}se Marie Prøve-Fiksjon",
            "Åse Marie",
            "Åse",
        ] {
            assert!(owner().is_named(&words(name)), "{name}");
        }
    }

    #[test]
    fn parts_that_could_be_somebody_else_do_not_match() {
        for name in
            ["", " ", "Marie", "Prøve-Fiksjon", "Marie Prøve-Fiksjon", "Åse Prøve", "Åse Åse"]
        {
            assert!(!owner().is_named(&words(name)), "{name}");
        }
    }
}

//! Check digits. Published examples and test environments use made-up numbers, so these rules are
//! errors in production and warnings in test.

use super::place::Place;
use super::{Level, RuleDoc, Sink};
use crate::kernel::{AccountNumber, Kid, NationalId, OrganisationId, RuleId};

/// Organisation numbers have a right check digit.
pub const ORGANISATION: RuleDoc = RuleDoc {
    id: RuleId::new("INN-040"),
    title: "organisation numbers have a right check digit",
    source: "Brønnøysundregistrene: modulus 11",
    level: Level::ByEnvironment,
    no: "Organisasjonsnummeret har feil kontrollsiffer.",
    en: "The organisation number has a wrong check digit.",
    what_to_do: "Correct the number.",
};

/// Account numbers have a right check digit.
pub const ACCOUNT: RuleDoc = RuleDoc {
    id: RuleId::new("INN-041"),
    title: "account numbers have a right check digit",
    source: "Norwegian account numbers: modulus 11",
    level: Level::ByEnvironment,
    no: "Kontonummeret har feil kontrollsiffer.",
    en: "The account number has a wrong check digit.",
    what_to_do: "Correct the number; no payoff may be sent to a doubtful account.",
};

/// KIDs have a right check digit.
pub const KID: RuleDoc = RuleDoc {
    id: RuleId::new("INN-042"),
    title: "KIDs have a right check digit",
    source: "Norwegian KID: modulus 10 or modulus 11",
    level: Level::ByEnvironment,
    no: "KID-nummeret har feil kontrollsiffer.",
    en: "The KID has a wrong check digit.",
    what_to_do: "Correct the KID, or leave it out and give a betalingsmelding.",
};

/// National identity numbers have right check digits.
pub const NATIONAL_ID: RuleDoc = RuleDoc {
    id: RuleId::new("INN-043"),
    title: "national identity numbers have right check digits",
    source: "Skatteetaten: fødselsnummer and D-nummer",
    level: Level::ByEnvironment,
    no: "Fødselsnummeret eller D-nummeret har feil kontrollsiffer.",
    en: "The national identity number has wrong check digits.",
    what_to_do: "Correct the number.",
};

/// The date in a national identity number exists.
pub const NATIONAL_ID_DATE: RuleDoc = RuleDoc {
    id: RuleId::new("INN-044"),
    title: "the date in a national identity number exists",
    source: "Skatteetaten: fødselsnummer and D-nummer",
    level: Level::ByEnvironment,
    no: "Datoen i fødselsnummeret eller D-nummeret finnes ikke.",
    en: "The date in the national identity number does not exist.",
    what_to_do: "Correct the number.",
};

/// No synthetic persons in production.
pub const SYNTHETIC: RuleDoc = RuleDoc {
    id: RuleId::new("INN-045"),
    title: "no synthetic persons in production",
    source: "Skatteetaten, Tenor: month + 80",
    level: Level::ByEnvironment,
    no: "Hjemmelshaveren er en syntetisk testperson.",
    en: "The owner is a synthetic person of a test environment.",
    what_to_do: "Send test messages to a test installation.",
};

pub(super) fn organisation(sink: &mut Sink, id: &OrganisationId, place: Place<'_>) {
    sink.demand(id.has_valid_check_digit(), &ORGANISATION, place);
}

pub(super) fn account(sink: &mut Sink, number: &AccountNumber, place: Place<'_>) {
    sink.demand(number.has_valid_check_digit(), &ACCOUNT, place);
}

pub(super) fn kid(sink: &mut Sink, kid: &Kid, place: Place<'_>) {
    sink.demand(kid.has_valid_check_digit(), &KID, place);
}

pub(super) fn national_id(sink: &mut Sink, id: &NationalId, place: Place<'_>) {
    if !id.has_plausible_date() {
        sink.add(&NATIONAL_ID_DATE, place);
    } else if !id.has_valid_check_digits() {
        sink.add(&NATIONAL_ID, place);
    }
    if id.has_plausible_date() && id.is_synthetic() {
        sink.add(&SYNTHETIC, place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Environment, Severity};

    fn found(check: impl Fn(&mut Sink, Place<'_>)) -> Vec<(String, Severity, Severity)> {
        let run = |environment| {
            let mut sink = Sink::new(environment);
            check(&mut sink, Place::at("felt"));
            sink.findings
        };
        let test = run(Environment::Test);
        run(Environment::Production)
            .into_iter()
            .zip(test)
            .map(|(strict, lenient)| {
                assert_eq!((&strict.regel, &strict.peker), (&lenient.regel, &lenient.peker));
                assert_eq!(strict.peker, "/felt");
                (strict.regel.to_string(), strict.alvorlighet, lenient.alvorlighet)
            })
            .collect()
    }

    fn broken(rule: &str) -> (String, Severity, Severity) {
        (rule.to_owned(), Severity::Error, Severity::Warning)
    }

    #[test]
    fn an_organisation_with_a_wrong_check_digit_is_found() {
        let run = |text: &str| {
            let id = OrganisationId::norwegian(text).unwrap();
            found(|sink, place| organisation(sink, &id, place))
        };
        assert_eq!(run("926018159"), []);
        assert_eq!(run("926018150"), [broken("INN-040")]);
    }

    #[test]
    fn an_account_with_a_wrong_check_digit_is_found() {
        let run = |text: &str| {
            let number = text.parse().unwrap();
            found(|sink, place| account(sink, &number, place))
        };
        assert_eq!(run("15640410423"), []);
        assert_eq!(run("15640410424"), [broken("INN-041")]);
    }

    #[test]
    fn a_kid_with_a_wrong_check_digit_is_found() {
        let run = |text: &str| {
            let number = text.parse().unwrap();
            found(|sink, place| kid(sink, &number, place))
        };
        assert_eq!(run("0531956759934"), []);
        assert_eq!(run("994248148866304"), []);
        assert_eq!(run("0531956759935"), [broken("INN-042")]);
    }

    #[test]
    fn persons_and_d_numbers_are_checked_for_digits_date_and_being_made_up() {
        let run = |text: &str| {
            let id = text.parse().unwrap();
            found(|sink, place| national_id(sink, &id, place))
        };
        assert_eq!(run("23904430552"), [broken("INN-045")]);
        assert_eq!(run("43846966235"), [broken("INN-045")]);
        assert_eq!(run("23904430553"), [broken("INN-043"), broken("INN-045")]);
        assert_eq!(run("43846966236"), [broken("INN-043"), broken("INN-045")]);
        assert_eq!(run("99999999999"), [broken("INN-044")]);
        assert_eq!(run("00000000000"), [broken("INN-044")]);
    }
}

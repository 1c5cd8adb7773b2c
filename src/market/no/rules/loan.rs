//! Loans in an answer: what is paid, where, and what it buys.

use super::place::Place;
use super::{Level, RuleDoc, Sink, number, repeats, text};
use crate::kernel::{Amount, RuleId};
use crate::market::no::part::Betaling;

/// A framework loan, and no other, has a limit.
pub const LIMIT_PRESENCE: RuleDoc = RuleDoc {
    id: RuleId::new("INN-050"),
    title: "a framework loan, and no other, has a limit",
    source: "dsve.xsd, LaanRestgjeld",
    level: Level::Error,
    no: "oevreGrenseRammelaan skal være med når rammelaan er true, og bare da.",
    en: "oevreGrenseRammelaan must be given when rammelaan is true, and only then.",
    what_to_do: "Give the limit of a framework loan; leave it out of any other loan.",
};

/// The limit is at least the debt.
pub const LIMIT_BELOW_DEBT: RuleDoc = RuleDoc {
    id: RuleId::new("INN-051"),
    title: "the limit is at least the debt",
    source: "DSVE, functional description, rammelån",
    level: Level::Error,
    no: "oevreGrenseRammelaan er lavere enn saldo.",
    en: "oevreGrenseRammelaan is below saldo.",
    what_to_do: "Give the limit; where unused credit is closed, the limit equals what is used.",
};

/// Loans are listed once.
pub const NUMBER_REPEATED: RuleDoc = RuleDoc {
    id: RuleId::new("INN-052"),
    title: "loans are listed once",
    source: "innfri; two amounts for one loan cannot both be paid",
    level: Level::Error,
    no: "Lånet er oppført flere ganger.",
    en: "The loan is listed more than once.",
    what_to_do: "List each loan number once.",
};

/// The lien is deleted on payoff.
pub const LIEN_KEPT: RuleDoc = RuleDoc {
    id: RuleId::new("INN-054"),
    title: "the lien is deleted on payoff",
    source: "DSVE, functional table: the answer implies it",
    level: Level::Error,
    no: "panterettSlettesVedInnfrielse må være true i et svar.",
    en: "panterettSlettesVedInnfrielse must be true in an answer.",
    what_to_do: "If the lien will not be deleted, answer with no.dsve.status.v1 and say why.",
};

pub(super) fn limit(
    sink: &mut Sink,
    framework: bool,
    limit: Option<Amount>,
    debt: Amount,
    loan: &Place<'_>,
) {
    let place = loan.field("oevreGrenseRammelaan");
    sink.demand(framework == limit.is_some(), &LIMIT_PRESENCE, place);
    if framework {
        sink.demand(limit.is_none_or(|limit| limit >= debt), &LIMIT_BELOW_DEBT, place);
    }
}

pub(super) fn payment(sink: &mut Sink, payment: &Betaling<'_>, loan: &Place<'_>) {
    number::account(sink, payment.kontonummer, loan.field("kontonummer"));
    if let Some(kid) = payment.kidnummer {
        number::kid(sink, kid, loan.field("kidnummer"));
    }
    if let Some(message) = payment.betalingsmelding {
        text::free_text(sink, message, loan.field("betalingsmelding"));
    }
    let names = loan.field("laantakereHjemmelshaver");
    for (number, name) in payment.laantakere_hjemmelshaver.iter().enumerate() {
        text::free_text(sink, name, names.item(number));
    }
}

pub(super) fn numbers<'a>(sink: &mut Sink, numbers: impl Iterator<Item = &'a str>) {
    let list = Place::at("laanliste");
    let numbers: Vec<&str> = numbers.map(str::trim).collect();
    for number in repeats(&numbers) {
        sink.add(&NUMBER_REPEATED, list.item(number).field("laanenummer"));
    }
}

pub(super) fn lien(sink: &mut Sink, deleted: bool) {
    sink.demand(deleted, &LIEN_KEPT, Place::at("panterettSlettesVedInnfrielse"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Environment;

    fn limited(framework: bool, upper: Option<&str>, debt: &str) -> Vec<String> {
        let mut sink = Sink::new(Environment::Test);
        let upper = upper.map(|amount| amount.parse().unwrap());
        let list = Place::at("laanliste");
        limit(&mut sink, framework, upper, debt.parse().unwrap(), &list.item(0));
        sink.findings.iter().map(|finding| finding.regel.to_string()).collect()
    }

    #[test]
    fn a_framework_loan_has_a_limit_of_at_least_the_debt() {
        assert!(limited(true, Some("1000000.00"), "700000.00").is_empty());
        assert!(limited(true, Some("700000.00"), "700000").is_empty());
        assert_eq!(limited(true, Some("699999.99"), "700000"), ["INN-051"]);
        assert_eq!(limited(true, None, "700000"), ["INN-050"]);
    }

    #[test]
    fn no_other_loan_has_a_limit() {
        assert!(limited(false, None, "1").is_empty());
        assert_eq!(limited(false, Some("0.50"), "1"), ["INN-050"]);
    }

    #[test]
    fn a_loan_that_is_listed_twice_is_found() {
        let mut sink = Sink::new(Environment::Test);
        numbers(&mut sink, ["1", "2", " 1"].into_iter());
        assert_eq!(sink.findings.len(), 1);
        assert_eq!(sink.findings[0].peker, "/laanliste/2/laanenummer");
    }

    #[test]
    fn an_answer_that_keeps_the_lien_is_found() {
        let mut sink = Sink::new(Environment::Test);
        lien(&mut sink, true);
        assert!(sink.findings.is_empty());
        lien(&mut sink, false);
        assert_eq!(sink.findings[0].regel, LIEN_KEPT.id);
    }
}

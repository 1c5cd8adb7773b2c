//! Payoff dates: different, and within the window that the installation takes.

use jiff::civil::Date;

use super::place::Place;
use super::{Level, RuleDoc, Sink, repeats};
use crate::kernel::{PaymentWindow, RuleId};
use crate::market::no::innfrielsessaldo::SaldoPerDato;

/// Payoff dates are different.
pub const REPEATED: RuleDoc = RuleDoc {
    id: RuleId::new("INN-047"),
    title: "payoff dates are different",
    source: "DSVE, innfrielsesdatoer",
    level: Level::Error,
    no: "Innfrielsesdatoen er oppgitt flere ganger.",
    en: "The payoff date is given more than once.",
    what_to_do: "Give each date once.",
};

/// Payoff dates have not passed.
pub const PASSED: RuleDoc = RuleDoc {
    id: RuleId::new("INN-048"),
    title: "payoff dates have not passed",
    source: "innfri, payoff window (grace days)",
    level: Level::Error,
    no: "Innfrielsesdatoen er passert.",
    en: "The payoff date has passed.",
    what_to_do: "Ask for a date from today on.",
};

/// Payoff dates are not too far ahead.
pub const TOO_FAR: RuleDoc = RuleDoc {
    id: RuleId::new("INN-049"),
    title: "payoff dates are not too far ahead",
    source: "innfri, payoff window (days ahead); DSVE: far-off payoff dates",
    level: Level::Error,
    no: "Innfrielsesdatoen er for langt fram i tid.",
    en: "The payoff date is too far ahead.",
    what_to_do: "Ask closer to the takeover.",
};

/// One amount per day.
pub const AMOUNT_REPEATED: RuleDoc = RuleDoc {
    id: RuleId::new("INN-053"),
    title: "one amount per day",
    source: "DSVE, saldoerPerDato",
    level: Level::Error,
    no: "Lånet har flere saldoer for samme dato.",
    en: "The loan has more than one amount for the same day.",
    what_to_do: "Give one amount per day.",
};

pub(super) fn asked(sink: &mut Sink, dates: &[Date], window: &PaymentWindow) {
    let list = Place::at("innfrielsesdatoer");
    for number in repeats(dates) {
        sink.add(&REPEATED, list.item(number));
    }
    let (first, last) = (window.first(), window.last());
    for (number, date) in dates.iter().enumerate() {
        let place = list.item(number);
        if *date < first {
            sink.findings.push(PASSED.worded(
                place.pointer(),
                format!("{} Første dato som tas imot, er {first}.", PASSED.no),
                format!("{} The first date that is taken is {first}.", PASSED.en),
            ));
        } else if *date > last {
            sink.findings.push(TOO_FAR.worded(
                place.pointer(),
                format!("{} Siste dato som tas imot, er {last}.", TOO_FAR.no),
                format!("{} The last date that is taken is {last}.", TOO_FAR.en),
            ));
        }
    }
}

pub(super) fn answered(sink: &mut Sink, amounts: &[SaldoPerDato], loan: &Place<'_>) {
    let list = loan.field("saldoerPerDato");
    let dates: Vec<Date> = amounts.iter().map(|amount| amount.dato).collect();
    for number in repeats(&dates) {
        sink.add(&AMOUNT_REPEATED, list.item(number).field("dato"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Environment;
    use jiff::civil::date;

    fn run(dates: &[Date]) -> Vec<String> {
        let window = PaymentWindow { today: date(2026, 6, 1), grace_days: 2, ahead_days: 30 };
        let mut sink = Sink::new(Environment::Test);
        asked(&mut sink, dates, &window);
        sink.findings.iter().map(|finding| format!("{} {}", finding.regel, finding.peker)).collect()
    }

    #[test]
    fn the_first_and_the_last_date_of_the_window_are_taken() {
        assert!(run(&[date(2026, 5, 30), date(2026, 7, 1)]).is_empty());
    }

    #[test]
    fn dates_outside_the_window_are_found() {
        let outside = run(&[date(2026, 5, 29), date(2026, 7, 2)]);
        assert_eq!(outside, ["INN-048 /innfrielsesdatoer/0", "INN-049 /innfrielsesdatoer/1"]);
    }

    #[test]
    fn each_repeat_of_a_date_is_found_once() {
        let day = date(2026, 6, 15);
        let repeated = run(&[day, date(2026, 6, 16), day, day]);
        assert_eq!(repeated, ["INN-047 /innfrielsesdatoer/2", "INN-047 /innfrielsesdatoer/3"]);
    }

    #[test]
    fn two_amounts_for_one_day_are_found() {
        let amount = SaldoPerDato { beloep: "1.00".parse().unwrap(), dato: date(2026, 6, 15) };
        let mut sink = Sink::new(Environment::Test);
        let list = Place::at("laanliste");
        answered(&mut sink, &[amount.clone(), amount], &list.item(0));
        assert_eq!(sink.findings.len(), 1);
        assert_eq!(sink.findings[0].peker, "/laanliste/0/saldoerPerDato/1/dato");
    }
}

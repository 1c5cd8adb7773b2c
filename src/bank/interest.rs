//! Interest on a loan up to a day, and what pays the loan off on that day.
//!
//! Interest runs from the day it is owed since, that day included, to the payoff day, that day not
//! included. It is worked out exactly and rounded once, at the end: to whole øre, halves away from
//! zero.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::book::Loan;
use crate::kernel::Amount;

/// How days of interest are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum DayCount {
    /// Every day counts, and every year has 365, leap years too (ISDA 2006, 4.16(d), *Actual/365
    /// Fixed*).
    #[serde(rename = "act/365")]
    Actual365,
    /// Every month has 30 days, and a 31st counts as the 30th; the end of February is not moved
    /// (ISDA 2006, 4.16(g), *30E/360*).
    #[serde(rename = "30/360")]
    Thirty360,
}

/// Why an amount could not be worked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InterestError {
    /// The amount is larger than a message can carry.
    #[error("the amount is larger than a message can carry; answer for this loan by hand")]
    TooLarge,
}

impl DayCount {
    /// The days of interest between two days; 0 when the second is not after the first.
    pub fn days(self, since: Date, until: Date) -> u32 {
        let days = match self {
            Self::Actual365 => until.duration_since(since).as_hours() / 24,
            Self::Thirty360 => thirty_360_day(until) - thirty_360_day(since),
        };
        // Dates lie within years -9999 to 9999, so the days of any two fit.
        u32::try_from(days.max(0)).unwrap_or(u32::MAX)
    }

    /// The days that make a year.
    pub const fn days_of_year(self) -> u32 {
        match self {
            Self::Actual365 => 365,
            Self::Thirty360 => 360,
        }
    }
}

/// The number of a day when every month has 30 days.
fn thirty_360_day(date: Date) -> i64 {
    i64::from(date.year()) * 360 + i64::from(date.month()) * 30 + i64::from(date.day().min(30))
}

/// The exact interest of a principal at a yearly rate in percent, not rounded.
///
/// # Errors
/// When the numbers are too large to be worked out exactly.
pub fn accrued(
    principal: Decimal,
    rate_percent: Decimal,
    day_count: DayCount,
    since: Date,
    until: Date,
) -> Result<Decimal, InterestError> {
    let days = Decimal::from(day_count.days(since, until));
    let parts_of_a_year = Decimal::from(100 * day_count.days_of_year());
    // Divided last: everything before is exact.
    principal
        .checked_mul(rate_percent)
        .and_then(|product| product.checked_mul(days))
        .and_then(|product| product.checked_div(parts_of_a_year))
        .ok_or(InterestError::TooLarge)
}

/// What pays a loan off on a day: balance, interest up to that day, and fees.
///
/// # Errors
/// When the amount is larger than a message can carry.
pub fn payoff(loan: &Loan, on: Date) -> Result<Amount, InterestError> {
    let balance = loan.balance.value();
    let interest = accrued(balance, loan.rate_percent, loan.day_count, loan.interest_since, on)?;
    let exact = [interest, loan.fees.payoff.value(), loan.fees.termination.value()]
        .into_iter()
        .try_fold(balance, Decimal::checked_add)
        .ok_or(InterestError::TooLarge)?;
    Amount::rounded(exact).map_err(|_| InterestError::TooLarge)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use rstest::rstest;

    use super::*;
    use DayCount::{Actual365, Thirty360};

    fn interest(principal: &str, rate: &str, count: DayCount, since: Date, until: Date) -> String {
        let [principal, rate] =
            [principal, rate].map(|text| Decimal::from_str_exact(text).unwrap());
        Amount::rounded(accrued(principal, rate, count, since, until).unwrap()).unwrap().to_string()
    }

    #[rstest]
    // A whole month of 31 days; the last day is not counted, the first is.
    #[case(date(2026, 1, 1), date(2026, 2, 1), 31)]
    // A plain year.
    #[case(date(2026, 1, 1), date(2027, 1, 1), 365)]
    // A leap year has a day more, though the year is reckoned as 365.
    #[case(date(2028, 1, 1), date(2029, 1, 1), 366)]
    // 28 and 29 February: two days in a leap year, one in a plain year.
    #[case(date(2028, 2, 28), date(2028, 3, 1), 2)]
    #[case(date(2026, 2, 28), date(2026, 3, 1), 1)]
    #[case(date(2026, 5, 5), date(2026, 5, 5), 0)]
    #[case(date(2026, 5, 5), date(2026, 5, 4), 0)]
    fn actual_days_are_counted_one_by_one(
        #[case] since: Date,
        #[case] until: Date,
        #[case] days: u32,
    ) {
        assert_eq!(Actual365.days(since, until), days);
    }

    #[rstest]
    // Every month is 30 days, every year 360, leap year or not.
    #[case(date(2026, 1, 1), date(2026, 2, 1), 30)]
    #[case(date(2028, 1, 1), date(2029, 1, 1), 360)]
    // The 31st counts as the 30th, at either end: 30 to 30 is 0, 30 Jan to 30 Mar is 60,
    // and from the 30th (or 31st) to the 1st is one day.
    #[case(date(2026, 1, 30), date(2026, 1, 31), 0)]
    #[case(date(2026, 1, 31), date(2026, 3, 31), 60)]
    #[case(date(2026, 1, 31), date(2026, 2, 1), 1)]
    // February's end stays where it is: 31 Jan (as 30) to 28 Feb is 28, and 28 Feb to 1 Mar is 3.
    #[case(date(2026, 1, 31), date(2026, 2, 28), 28)]
    #[case(date(2026, 2, 28), date(2026, 3, 1), 3)]
    // In a leap year 28 Feb to 29 Feb is 1, and 29 Feb to 1 Mar is 2.
    #[case(date(2028, 2, 28), date(2028, 2, 29), 1)]
    #[case(date(2028, 2, 29), date(2028, 3, 1), 2)]
    #[case(date(2026, 5, 5), date(2026, 5, 5), 0)]
    #[case(date(2026, 5, 5), date(2026, 5, 4), 0)]
    fn thirty_360_gives_every_month_30_days(
        #[case] since: Date,
        #[case] until: Date,
        #[case] days: u32,
    ) {
        assert_eq!(Thirty360.days(since, until), days);
    }

    #[test]
    fn a_year_of_365_days_at_five_percent_is_five_hundredths() {
        // 1 000 000 × 5 % × 365 / 365 = 50 000.
        let (since, until) = (date(2026, 1, 1), date(2027, 1, 1));
        assert_eq!(interest("1000000", "5", Actual365, since, until), "50000.00");
    }

    #[test]
    fn a_leap_year_costs_a_day_more_by_actual_days() {
        // 1 000 000 × 5 % × 366 / 365 = 50 000 + 50 000/365 = 50 000 + 136.98630… = 50 136.99.
        let (since, until) = (date(2028, 1, 1), date(2029, 1, 1));
        assert_eq!(interest("1000000", "5", Actual365, since, until), "50136.99");
        // By 30/360 the leap year is 360 days of 360: 50 000.
        assert_eq!(interest("1000000", "5", Thirty360, since, until), "50000.00");
    }

    #[test]
    fn a_month_end_by_thirty_360() {
        // 31 Jan to 28 Feb 2026 is 28 days: 900 000 × 4.8 % × 28 / 360 = 43 200 × 28 / 360 = 3 360.
        let (since, until) = (date(2026, 1, 31), date(2026, 2, 28));
        assert_eq!(interest("900000", "4.8", Thirty360, since, until), "3360.00");
    }

    #[test]
    fn half_an_oere_is_rounded_up_and_less_is_rounded_down() {
        // 36.50 × 5 % × 1 / 365 = 1.825 / 365 = 0.005 exactly: half an øre, so 0.01.
        let one_day = (date(2026, 1, 1), date(2026, 1, 2));
        assert_eq!(interest("36.50", "5", Actual365, one_day.0, one_day.1), "0.01");
        // 36.49 × 5 % / 365 = 0.0049986…: less than half an øre, so 0.00.
        assert_eq!(interest("36.49", "5", Actual365, one_day.0, one_day.1), "0.00");
    }

    #[test]
    fn thirds_are_rounded_once_at_the_end() {
        // 100 × 4 % × 30 / 360 = 0.3333…, so 0.33; were each of the 30 days rounded by itself,
        // 0.0111… would give 30 × 0.01 = 0.30.
        let (since, until) = (date(2026, 1, 1), date(2026, 2, 1));
        assert_eq!(interest("100", "4", Thirty360, since, until), "0.33");
    }

    #[test]
    fn no_interest_on_the_first_day_or_before_it() {
        for count in [Actual365, Thirty360] {
            for until in [date(2026, 6, 1), date(2026, 5, 31), date(2020, 1, 1), Date::MIN] {
                assert_eq!(interest("1000000", "5", count, date(2026, 6, 1), until), "0.00");
            }
        }
    }

    #[test]
    fn the_largest_numbers_are_worked_out_or_refused_but_never_wrap() {
        let largest = Decimal::from(280_000_000_000_i64);
        let rate = Decimal::from_str_exact("99.999999").unwrap();
        let all_of_time = accrued(largest, rate, Actual365, Date::MIN, Date::MAX).unwrap();
        assert!(all_of_time > largest);
        let fine = Decimal::MAX;
        assert_eq!(
            accrued(fine, rate, Actual365, Date::MIN, Date::MAX),
            Err(InterestError::TooLarge)
        );
    }
}

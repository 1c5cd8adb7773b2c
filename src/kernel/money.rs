//! Money: decimal in memory and on the wire, never a float.

use std::fmt;
use std::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The largest amount a message may carry, in kroner: the land register's own maximum.
const LARGEST: i64 = 280_000_000_000;

/// An amount in Norwegian kroner: 0 to 280 000 000 000, with at most two decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(Decimal);

/// Why a text or a number is not an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAmount {
    /// Not digits with an optional point and decimals.
    #[error("is not an amount: write digits, a point and at most two decimals, such as 1000.20")]
    Form,
    /// Below zero.
    #[error("is negative; an amount is 0 or more")]
    Negative,
    /// Finer than øre.
    #[error("has more than two decimals; write whole øre")]
    TooFine,
    /// Above what the land register can hold.
    #[error("is larger than 280000000000, the most that can be registered")]
    TooLarge,
}

impl Amount {
    /// No money.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// The amount of a decimal number.
    ///
    /// # Errors
    /// When it is negative, finer than øre, or too large.
    pub fn new(value: Decimal) -> Result<Self, InvalidAmount> {
        if value < Decimal::ZERO {
            Err(InvalidAmount::Negative)
        } else if value.normalize().scale() > 2 {
            Err(InvalidAmount::TooFine)
        } else if value > Decimal::from(LARGEST) {
            Err(InvalidAmount::TooLarge)
        } else {
            Ok(Self(value))
        }
    }

    /// The amount nearest to a decimal number: to whole øre, halves away from zero.
    ///
    /// # Errors
    /// When it is negative or too large.
    pub fn rounded(value: Decimal) -> Result<Self, InvalidAmount> {
        Self::new(value.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero))
    }

    /// The number, in kroner.
    pub const fn value(self) -> Decimal {
        self.0
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2}", self.0)
    }
}

impl FromStr for Amount {
    type Err = InvalidAmount;

    fn from_str(text: &str) -> Result<Self, InvalidAmount> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, decimals) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        let digits =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(decimals) {
            return Err(InvalidAmount::Form);
        }
        Self::new(Decimal::from_str_exact(text).map_err(|_| InvalidAmount::TooLarge)?)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_with_two_decimals() {
        for (text, shown) in [("1000.20", "1000.20"), ("0", "0.00"), ("12.5", "12.50")] {
            assert_eq!(text.parse::<Amount>().unwrap().to_string(), shown);
        }
        assert_eq!("1.000".parse::<Amount>().unwrap(), "1".parse().unwrap());
    }

    #[test]
    fn amounts_that_are_refused_say_why() {
        use InvalidAmount::{Form, Negative, TooFine, TooLarge};
        let cases = [
            ("-1", Negative),
            ("1.005", TooFine),
            ("280000000000.01", TooLarge),
            ("1e5", Form),
            ("1,5", Form),
            (".5", Form),
            ("1.", Form),
            ("", Form),
            ("99999999999999999999999999999999", TooLarge),
        ];
        for (text, error) in cases {
            assert_eq!(text.parse::<Amount>(), Err(error), "{text}");
        }
    }

    #[test]
    fn halves_of_an_oere_go_up() {
        let half = Decimal::from_str_exact("1.005").unwrap();
        assert_eq!(Amount::rounded(half).unwrap().to_string(), "1.01");
    }
}

//! Norwegian bank accounts, the register numbers of banks, and customer identification numbers (KID).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::organisation::modulus_11;

/// Why a text is not one of these numbers; each says the form that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNumber {
    /// Not eleven digits.
    #[error("is not an account number: eleven digits without spaces or dots")]
    Account,
    /// Not two to twenty-five digits.
    #[error("is not a KID: 2 to 25 digits")]
    Kid,
    /// Not four digits.
    #[error("is not a bank's register number: four digits")]
    Register,
}

macro_rules! digits {
    ($(#[$doc:meta])* $name:ident, $range:expr, $error:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The digits.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidNumber;

            fn from_str(text: &str) -> Result<Self, InvalidNumber> {
                if $range.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err($error)
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

digits! {
    /// A Norwegian account number (kontonummer): eleven digits, of which the first four are the
    /// bank's register number and the last is a check digit.
    AccountNumber, 11..=11, InvalidNumber::Account
}
digits! {
    /// A customer identification number (KID): 2 to 25 digits.
    Kid, 2..=25, InvalidNumber::Kid
}
digits! {
    /// A bank's register number (registernummer): the first four digits of its accounts.
    RegisterNumber, 4..=4, InvalidNumber::Register
}

impl AccountNumber {
    /// Whether the check digit is right: modulus 11 with the weights 5 4 3 2 7 6 5 4 3 2.
    pub fn has_valid_check_digit(&self) -> bool {
        modulus_11(&self.0, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2])
    }

    /// The register number of the bank that holds the account.
    pub fn register_number(&self) -> RegisterNumber {
        RegisterNumber(self.0.chars().take(4).collect())
    }
}

impl Kid {
    /// Whether the last digit is a check digit by modulus 10 or modulus 11. Which of them holds is
    /// agreed between the creditor and its bank, so either is accepted.
    pub fn has_valid_check_digit(&self) -> bool {
        self.modulus_10() || self.modulus_11()
    }

    fn digits_from_the_right(&self) -> impl Iterator<Item = u32> {
        self.0.chars().rev().filter_map(|c| c.to_digit(10))
    }

    fn modulus_10(&self) -> bool {
        let sum: u32 = self
            .digits_from_the_right()
            .enumerate()
            .map(|(place, digit)| match (place % 2, digit * 2) {
                (0, _) => digit,
                (_, doubled) => doubled / 10 + doubled % 10,
            })
            .sum();
        sum.is_multiple_of(10)
    }

    fn modulus_11(&self) -> bool {
        let mut digits = self.digits_from_the_right();
        let Some(check) = digits.next() else { return false };
        let sum: u32 = digits.zip((2..=7).cycle()).map(|(digit, weight)| digit * weight).sum();
        (11 - sum % 11) % 11 == check
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_of_accounts() {
        let valid = |text: &str| text.parse::<AccountNumber>().unwrap().has_valid_check_digit();
        let good = ["02227918058", "53776020776", "15640410423", "95288314366", "56563048137"];
        for account in good {
            assert!(valid(account), "{account}");
        }
        for account in ["02227918059", "53776020777", "15640410424"] {
            assert!(!valid(account), "{account}");
        }
    }

    #[test]
    fn check_digits_of_kids_by_either_modulus() {
        let valid = |text: &str| text.parse::<Kid>().unwrap().has_valid_check_digit();
        let modulus_10 = ["0531956759934", "458296538133969", "888348631665528"];
        let modulus_11 = ["994248148866304", "251524024691223", "9270204426430"];
        for kid in modulus_10.iter().chain(&modulus_11) {
            assert!(valid(kid), "{kid}");
        }
        assert!(!valid("0531956759935"));
    }

    #[test]
    fn forms_that_are_refused() {
        assert!("1564 0410423".parse::<AccountNumber>().is_err());
        assert!("1564.04.10423".parse::<AccountNumber>().is_err());
        assert!("1".parse::<Kid>().is_err());
        assert!("123".parse::<RegisterNumber>().is_err());
        let account: AccountNumber = "15640410423".parse().unwrap();
        assert_eq!(account.register_number().as_str(), "1564");
    }
}

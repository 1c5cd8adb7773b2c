//! Organisations, identified by country and number.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A country whose organisations take part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Country {
    /// Norway: nine digits (Enhetsregisteret).
    No,
    /// Finland: Y-tunnus, seven digits, a hyphen and a check digit.
    Fi,
    /// Sweden: organisationsnummer, ten digits.
    Se,
    /// Denmark: CVR-nummer, eight digits.
    Dk,
}

impl Country {
    /// The ISO 3166 code in capitals, as it is written in front of a number.
    pub const fn code(self) -> &'static str {
        match self {
            Self::No => "NO",
            Self::Fi => "FI",
            Self::Se => "SE",
            Self::Dk => "DK",
        }
    }
}

/// An organisation: country and number, written `NO:926018159`.
///
/// A bare nine-digit number is read as Norwegian. Only the form is checked here, since test
/// environments use numbers whose check digit is wrong: see [`OrganisationId::has_valid_check_digit`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrganisationId {
    country: Country,
    number: String,
}

/// Why a text is not an organisation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not an organisation: write country and number, such as NO:926018159, or nine digits for Norway"
)]
pub struct InvalidOrganisation;

impl OrganisationId {
    /// The Norwegian organisation with this nine-digit number.
    ///
    /// # Errors
    /// When the text is not nine digits.
    pub fn norwegian(number: &str) -> Result<Self, InvalidOrganisation> {
        Self::new(Country::No, number)
    }

    fn new(country: Country, number: &str) -> Result<Self, InvalidOrganisation> {
        let digits = |text: &str, length: usize| {
            text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        let fits = match country {
            Country::No => digits(number, 9),
            Country::Fi => number
                .split_once('-')
                .is_some_and(|(base, check)| digits(base, 7) && digits(check, 1)),
            Country::Se => digits(number, 10),
            Country::Dk => digits(number, 8),
        };
        if fits {
            Ok(Self { country, number: number.to_owned() })
        } else {
            Err(InvalidOrganisation)
        }
    }

    /// Where the organisation is registered.
    pub const fn country(&self) -> Country {
        self.country
    }

    /// The number alone, as the country writes it.
    pub fn number(&self) -> &str {
        &self.number
    }

    /// Whether the check digit is right: for Norway modulus 11 with the weights 3 2 7 6 5 4 3 2
    /// (Brønnøysundregistrene) and a first digit of 8 or 9. Other countries' rules come with their
    /// message types; until then their numbers are taken as they are.
    pub fn has_valid_check_digit(&self) -> bool {
        match self.country {
            Country::No => {
                self.number.starts_with(['8', '9'])
                    && modulus_11(&self.number, &[3, 2, 7, 6, 5, 4, 3, 2])
            }
            Country::Fi | Country::Se | Country::Dk => true,
        }
    }
}

/// Whether the last digit is the modulus 11 check digit of those before it, weighted from the left.
pub(super) fn modulus_11(number: &str, weights: &[u32]) -> bool {
    let digits: Vec<u32> = number.chars().filter_map(|c| c.to_digit(10)).collect();
    let Some((check, rest)) = digits.split_last() else { return false };
    if rest.len() != weights.len() {
        return false;
    }
    let sum: u32 = rest.iter().zip(weights).map(|(digit, weight)| digit * weight).sum();
    // A remainder of 1 would need the check digit 10, which is never issued.
    (11 - sum % 11) % 11 == *check
}

impl fmt::Display for OrganisationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.country.code(), self.number)
    }
}

impl FromStr for OrganisationId {
    type Err = InvalidOrganisation;

    fn from_str(text: &str) -> Result<Self, InvalidOrganisation> {
        match text.split_once(':') {
            None => Self::norwegian(text),
            Some(("NO", number)) => Self::new(Country::No, number),
            Some(("FI", number)) => Self::new(Country::Fi, number),
            Some(("SE", number)) => Self::new(Country::Se, number),
            Some(("DK", number)) => Self::new(Country::Dk, number),
            Some(_) => Err(InvalidOrganisation),
        }
    }
}

impl Serialize for OrganisationId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for OrganisationId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error| serde::de::Error::custom(format!("`{text}` {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_number_is_norwegian() {
        let bare: OrganisationId = "926018159".parse().unwrap();
        assert_eq!(bare, "NO:926018159".parse().unwrap());
        assert_eq!(bare.to_string(), "NO:926018159");
        assert_eq!(bare.number(), "926018159");
    }

    #[test]
    fn countries_keep_their_own_forms() {
        for good in ["FI:1234567-8", "SE:5560360793", "DK:10150817"] {
            assert_eq!(good.parse::<OrganisationId>().unwrap().to_string(), good);
        }
        for bad in ["", "12345678", "NO:12345678", "XX:123456789", "FI:12345678", "NO:92601815a"] {
            assert!(bad.parse::<OrganisationId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn check_digits_of_norwegian_organisations() {
        let valid = |text: &str| text.parse::<OrganisationId>().unwrap().has_valid_check_digit();
        for good in ["926018159", "918190937", "903137215", "939336338", "920579868", "882880729"] {
            assert!(valid(good), "{good}");
        }
        for bad in ["926018150", "918190938", "903137216", "939336339", "126018159"] {
            assert!(!valid(bad), "{bad}");
        }
    }
}

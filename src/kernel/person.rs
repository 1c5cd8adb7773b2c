//! National identity numbers: a type that cannot be printed by mistake.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::organisation::modulus_11;

/// A Norwegian national identity number (fødselsnummer or D-nummer): eleven digits.
///
/// `Debug` and `Display` show the first six characters and `*****`; [`NationalId::expose`] is the one
/// way to the whole number, for the message that must carry it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct NationalId(String);

/// Why a text is not a national identity number. It never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a national identity number: eleven digits")]
pub struct InvalidNationalId;

impl NationalId {
    /// The whole number. Not for logs, texts or tables.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether both check digits are right (Skatteetaten: weights 3 7 6 1 8 9 4 5 2 and
    /// 5 4 3 2 7 6 5 4 3 2). This is the one place that knows the rule; from 2032 newly issued
    /// numbers follow a relaxed one.
    pub fn has_valid_check_digits(&self) -> bool {
        let first: String = self.0.chars().take(10).collect();
        modulus_11(&first, &[3, 7, 6, 1, 8, 9, 4, 5, 2])
            && modulus_11(&self.0, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2])
    }

    /// Whether the date inside exists, with the offsets for D-numbers (day + 40) and synthetic
    /// persons (month + 80, or + 40 in older sets) taken off. The century is not told apart.
    pub fn has_plausible_date(&self) -> bool {
        let day = self.two_digits(0) % 40;
        let month = self.two_digits(2) % 40;
        let longest = match month {
            2 => 29,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return false,
        };
        (1..=longest).contains(&day)
    }

    /// Whether the number belongs to a synthetic person of a test environment (month + 80).
    pub fn is_synthetic(&self) -> bool {
        self.two_digits(2) > 80
    }

    fn two_digits(&self, from: usize) -> u32 {
        self.0
            .chars()
            .skip(from)
            .take(2)
            .filter_map(|c| c.to_digit(10))
            .fold(0, |sum, digit| sum * 10 + digit)
    }
}

impl FromStr for NationalId {
    type Err = InvalidNationalId;

    fn from_str(text: &str) -> Result<Self, InvalidNationalId> {
        if text.len() == 11 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidNationalId)
        }
    }
}

impl fmt::Display for NationalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().take(6).try_for_each(|c| write!(f, "{c}"))?;
        f.write_str("*****")
    }
}

impl fmt::Debug for NationalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for NationalId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for NationalId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A text with every national identity number in it masked, for showing what was received.
///
/// Eleven digits in a row, or six and five with one space between, whose date is plausible count as
/// one, whether their check digits are right or not: hiding too much is the smaller harm.
pub fn mask_national_ids(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut masked = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(c) = chars.get(at) {
        match id_at(&chars, at) {
            Some((id, length)) => {
                masked.push_str(&id.to_string());
                at += length;
            }
            None => {
                masked.push(*c);
                at += 1;
            }
        }
    }
    masked
}

/// Whether a free text holds a national identity number: eleven digits in a row, or six and five
/// with one space between, that have a plausible date and right check digits.
pub fn contains_national_id(text: &str) -> bool {
    // Most texts are names and have no digits: this runs for every text of every message.
    if text.bytes().filter(u8::is_ascii_digit).count() < 11 {
        return false;
    }
    let chars: Vec<char> = text.chars().collect();
    (0..chars.len()).any(|at| id_at(&chars, at).is_some_and(|(id, _)| id.has_valid_check_digits()))
}

/// What stands alone at a place and could be a national identity number, with its length there.
fn id_at(chars: &[char], at: usize) -> Option<(NationalId, usize)> {
    let is_digit = |place: usize| chars.get(place).is_some_and(char::is_ascii_digit);
    if !is_digit(at) || at.checked_sub(1).is_some_and(is_digit) {
        return None;
    }
    let length = match chars.get(at + 6) {
        Some(' ') => 12,
        _ => 11,
    };
    let part = chars.get(at..at + length)?;
    if is_digit(at + length) {
        return None;
    }
    let digits: String = part.iter().filter(|c| **c != ' ').collect();
    let id: NationalId = digits.parse().ok()?;
    id.has_plausible_date().then_some((id, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_national_id_is_masked_however_it_is_printed() {
        let id: NationalId = "23904430552".parse().unwrap();
        assert_eq!(format!("{id} {id:?}"), "239044***** 239044*****");
        assert!("2390443055".parse::<NationalId>().is_err());
    }

    #[test]
    fn check_digits_of_synthetic_persons_and_d_numbers() {
        let good = ["23904430552", "20821197423", "18910150355", "43846966235", "62829656812"];
        for text in good {
            let id: NationalId = text.parse().unwrap();
            assert!(id.has_valid_check_digits() && id.has_plausible_date(), "{id}");
            assert!(id.is_synthetic());
        }
        for text in ["23904430553", "20821197424", "43846966236"] {
            assert!(!text.parse::<NationalId>().unwrap().has_valid_check_digits());
        }
    }

    #[test]
    fn free_text_is_searched_for_national_ids() {
        assert!(contains_national_id("Gjelder 23904430552."));
        assert!(contains_national_id("Gjelder 239044 30552"));
        assert!(!contains_national_id("Gjelder lån 12345678901"));
        assert!(!contains_national_id("KID 0239044305520"));
    }

    #[test]
    fn masking_leaves_other_numbers_alone() {
        let text = r#"{"id":"23904430552","kontonummer":"15640410423","kid":"0531956759934"}"#;
        let masked = mask_national_ids(text);
        assert!(masked.contains("239044*****") && !masked.contains("23904430552"));
        assert!(masked.contains("0531956759934"));
    }
}

//! The XSD's simple types: from text to the JSON of our types, and back. Nothing is guessed: a text
//! that is not one value alone is none.

use serde_json::Value;

use super::moment::{self, WrongTime};
use crate::kernel::{AccountNumber, Amount, Kid, NationalId, OrganisationId};
use crate::market::no::rules::{RuleDoc, xml as rules};

/// The longest name of a borrower, in characters.
const LONGEST_NAME: usize = 256;
/// The longest a number with its sign and leading zeros may be written.
const LONGEST_NUMBER: usize = 64;

/// A simple type: what the XSD says, and what our own types ask besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Simple {
    /// `xs:string`, as it is.
    Text,
    /// `xs:string` of at most 256 characters.
    Name,
    /// `xs:boolean`.
    Boolean,
    /// A whole number from one to another: `xs:int`, `xs:short`, `xs:integer`.
    Integer {
        /// The least.
        min: u64,
        /// The largest.
        max: u64,
    },
    /// `xs:string` that is a number: digits alone, no leading zeros, at most 4 294 967 295.
    Digits,
    /// `xs:decimal`: money.
    Decimal,
    /// `xs:double`: money all the same.
    Double,
    /// `xs:long`: money in whole kroner.
    Kroner,
    /// `xs:date`.
    Date,
    /// `xs:dateTime`.
    DateTime,
    /// `xs:string` of nine digits.
    Organisation,
    /// `xs:string` of eleven digits; never told.
    NationalId,
    /// `Kontonummer`.
    Account,
    /// `KID`.
    Kid,
    /// `Eiendomsnivaa`.
    Level,
}

/// Why a text is no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WrongText {
    /// It has not the form of its type.
    Form,
    /// It is a time that is no one moment.
    NotOneMoment,
}

/// The rule that a text breaks, and what is wanted of it: Norwegian, English.
pub(super) type Wrong = (RuleDoc, String, String);

impl Simple {
    /// The JSON of a text.
    ///
    /// # Errors
    /// Why it has none: see [`Simple::wrong`].
    pub(super) fn read(self, text: &str) -> Result<Value, WrongText> {
        let collapsed = text.trim_matches([' ', '\t', '\n', '\r']);
        let value = match self {
            Self::Text => Some(Value::from(text)),
            Self::Name => (text.chars().count() <= LONGEST_NAME).then(|| Value::from(text)),
            Self::Boolean => match collapsed {
                "true" | "1" => Some(Value::Bool(true)),
                "false" | "0" => Some(Value::Bool(false)),
                _ => None,
            },
            Self::Integer { min, max } => {
                whole(collapsed).filter(|number| (min..=max).contains(number)).map(Value::from)
            }
            Self::Digits => digits(text).map(Value::from),
            Self::Decimal => amount(collapsed, false).map(Value::from),
            Self::Double => amount(collapsed, true).map(Value::from),
            Self::Kroner => whole(collapsed)
                .and_then(|number| number.to_string().parse::<Amount>().ok())
                .map(|amount| Value::from(amount.to_string())),
            Self::Date => moment::read_date(collapsed).map(|date| Value::from(date.to_string())),
            Self::DateTime => match moment::read_instant(collapsed) {
                Ok(instant) => Some(Value::from(instant.to_string())),
                Err(WrongTime::Form) => None,
                Err(WrongTime::NotOneMoment) => return Err(WrongText::NotOneMoment),
            },
            Self::Organisation => {
                OrganisationId::norwegian(text).ok().map(|id| Value::from(id.number()))
            }
            Self::NationalId => text.parse::<NationalId>().ok().map(|id| Value::from(id.expose())),
            Self::Account => text.parse::<AccountNumber>().ok().map(|it| Value::from(it.as_str())),
            Self::Kid => text.parse::<Kid>().ok().map(|it| Value::from(it.as_str())),
            Self::Level => is_level(text).then(|| Value::from(text)),
        };
        value.ok_or(WrongText::Form)
    }

    /// The text of a JSON value, as the XSD wants it; `None` when it has none.
    pub(super) fn write(self, value: &Value) -> Option<String> {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
        };
        let text = match self {
            Self::Kroner => {
                let amount = text.parse::<Amount>().ok()?.value();
                amount.is_integer().then(|| amount.trunc().normalize().to_string())?
            }
            Self::DateTime => moment::write_instant(&text)?,
            _ => text,
        };
        self.read(&text).ok().map(|_| text)
    }

    /// The rule that a wrong text breaks, and what is wanted instead.
    pub(super) fn wrong(self, why: WrongText) -> Wrong {
        if why == WrongText::NotOneMoment {
            return no_moment();
        }
        let (no, en) = self.wanted();
        let rule = match self {
            Self::Decimal | Self::Double | Self::Kroner => rules::AMOUNT,
            _ => rules::VALUE,
        };
        match self {
            Self::Integer { min, max } => {
                (rule, format!("{no} fra {min} til {max}"), format!("{en} from {min} to {max}"))
            }
            _ => (rule, no.to_owned(), en.to_owned()),
        }
    }

    /// What a text of this type must be: Norwegian, English.
    const fn wanted(self) -> (&'static str, &'static str) {
        match self {
            Self::Text | Self::Name => {
                ("må være tekst på høyst 256 tegn", "must be text of at most 256 characters")
            }
            Self::Boolean => ("må være true, false, 1 eller 0", "must be true, false, 1 or 0"),
            Self::Integer { .. } => ("må være et heltall", "must be a whole number"),
            Self::Digits => (
                "må være et tall med bare sifre, uten mellomrom og uten nuller foran",
                "must be a number of digits alone, without spaces and without leading zeros",
            ),
            Self::Decimal | Self::Double => (
                "må være et beløp fra 0 til 280000000000 med punktum og høyst to desimaler, som 1000.20",
                "must be an amount from 0 to 280000000000 with a point and at most two decimals, such as 1000.20",
            ),
            Self::Kroner => (
                "må være et beløp i hele kroner fra 0 til 280000000000",
                "must be an amount in whole kroner from 0 to 280000000000",
            ),
            Self::Date => ("må være en dato som 2026-06-30", "must be a date such as 2026-06-30"),
            Self::DateTime => (
                "må være et tidspunkt som 2026-06-30T09:00:00+02:00",
                "must be a time such as 2026-06-30T09:00:00+02:00",
            ),
            Self::Organisation => {
                ("må være ni sifre uten mellomrom", "must be nine digits without spaces")
            }
            Self::NationalId => {
                ("må være elleve sifre uten mellomrom", "must be eleven digits without spaces")
            }
            Self::Account => (
                "må være elleve sifre uten mellomrom eller punktum",
                "must be eleven digits without spaces or dots",
            ),
            Self::Kid => ("må være 2 til 25 sifre", "must be 2 to 25 digits"),
            Self::Level => ("må være E, F eller F_1 til F_9", "must be E, F or F_1 to F_9"),
        }
    }
}

fn no_moment() -> Wrong {
    (
        rules::LOCAL_TIME,
        "mangler forskyvning fra UTC, og finnes ikke eller finnes to ganger i norsk tid".to_owned(),
        "has no offset from UTC, and does not exist or exists twice in Norwegian time".to_owned(),
    )
}

fn is_level(text: &str) -> bool {
    matches!(
        text,
        "E" | "F" | "F_1" | "F_2" | "F_3" | "F_4" | "F_5" | "F_6" | "F_7" | "F_8" | "F_9"
    )
}

/// A whole number of the XSD: a sign and leading zeros are allowed, and `-0` is 0.
fn whole(text: &str) -> Option<u64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if !all_digits(digits) || digits.len() > LONGEST_NUMBER {
        return None;
    }
    let significant = digits.trim_start_matches('0');
    let number = if significant.is_empty() { 0 } else { significant.parse().ok()? };
    (!negative || number == 0).then_some(number)
}

/// A number in its one way of writing.
fn digits(text: &str) -> Option<u32> {
    let number: u32 = all_digits(text).then(|| text.parse().ok())??;
    (number.to_string() == text).then_some(number)
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// An amount as the XSD lets it be written, as our JSON writes it. No float is ever made: the digits
/// are moved by the exponent.
fn amount(text: &str, exponent_allowed: bool) -> Option<String> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) if exponent_allowed => (mantissa, power(exponent)?),
        Some(_) => return None,
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits: String = [whole, fraction].concat();
    if !all_digits(&digits) {
        return None;
    }
    let mut scale = i64::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    while digits.ends_with('0') {
        digits.pop();
        scale -= 1;
    }
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some(Amount::ZERO.to_string());
    }
    if negative || !(-12..=2).contains(&scale) {
        return None;
    }
    // In øre: a whole number, and far from too long once the exponent is small.
    let zeros = usize::try_from(2 - scale).ok()?;
    let oere: i64 = [digits, &"0".repeat(zeros)].concat().parse().ok()?;
    Amount::new(rust_decimal::Decimal::new(oere, 2)).ok().map(|amount| amount.to_string())
}

/// The exponent: a whole number, at most three digits after leading zeros.
fn power(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let number = i64::try_from(whole(digits).filter(|_| all_digits(digits))?).ok()?;
    (number <= 999).then_some(sign * number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(simple: Simple, text: &str) -> Option<Value> {
        simple.read(text).ok()
    }

    #[test]
    fn amounts_are_read_to_the_oere_however_they_are_written() {
        for (text, wanted) in [
            ("1000.2", "1000.20"),
            (" 1000.20\n", "1000.20"),
            ("+5", "5.00"),
            (".5", "0.50"),
            ("5.", "5.00"),
            ("007.500", "7.50"),
            ("-0.00", "0.00"),
            ("280000000000", "280000000000.00"),
        ] {
            assert_eq!(read(Simple::Decimal, text), Some(json!(wanted)), "{text}");
            assert_eq!(read(Simple::Double, text), Some(json!(wanted)), "{text}");
        }
        for (text, wanted) in [
            ("1.5E3", "1500.00"),
            ("1e5", "100000.00"),
            ("123456E-2", "1234.56"),
            ("1.23456e+4", "12345.60"),
            ("0e999", "0.00"),
            ("2.8E11", "280000000000.00"),
            ("28E0000010", "280000000000.00"),
        ] {
            assert_eq!(read(Simple::Double, text), Some(json!(wanted)), "{text}");
            assert_eq!(read(Simple::Decimal, text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_exact_amount_is_refused() {
        for text in [
            "",
            " ",
            ".",
            "-",
            "+",
            "e5",
            "1e",
            "1e5.0",
            "INF",
            "-INF",
            "NaN",
            "1,5",
            "1 000",
            "--5",
            "+-5",
            "-5",
            "-0.01",
            "1.005",
            "1e-3",
            "2.8000000000001E11",
            "1e12",
            "1e400",
            "1e9999999999999999999",
            "0x10",
            "１２",
            "1_000",
            "99999999999999999999999999999999999",
        ] {
            assert_eq!(read(Simple::Double, text), None, "{text}");
        }
        let (rule, no, en) = Simple::Double.wrong(Simple::Double.read("NaN").unwrap_err());
        assert_eq!(rule.id, rules::AMOUNT.id);
        assert!(no.contains("beløp") && en.contains("amount"));
    }

    #[test]
    fn whole_kroner_are_whole() {
        assert_eq!(read(Simple::Kroner, " 2000000 "), Some(json!("2000000.00")));
        assert_eq!(read(Simple::Kroner, "2000000.00"), None);
        assert_eq!(read(Simple::Kroner, "280000000001"), None);
        assert_eq!(Simple::Kroner.write(&json!("2000000.00")).unwrap(), "2000000");
        assert_eq!(Simple::Kroner.write(&json!("0.00")).unwrap(), "0");
        assert_eq!(Simple::Kroner.write(&json!("2000000.50")), None);
    }

    #[test]
    fn whole_numbers_may_have_signs_and_zeros_where_the_xsd_says_number() {
        let year = Simple::Integer { min: 0, max: 9999 };
        for (text, wanted) in [("2019", 2019), ("+7", 7), ("0007", 7), ("-0", 0), (" 5 ", 5)] {
            assert_eq!(read(year, text), Some(json!(wanted)), "{text}");
        }
        for text in ["", "-1", "10000", "1.0", "1e3", "+", "99999999999999999999999"] {
            assert_eq!(read(year, text), None, "{text}");
        }
    }

    #[test]
    fn numbers_that_the_xsd_calls_text_have_one_way_of_writing() {
        assert_eq!(read(Simple::Digits, "71"), Some(json!(71)));
        assert_eq!(read(Simple::Digits, "0"), Some(json!(0)));
        for text in ["", "071", "00", " 71", "71 ", "+71", "71a", "4294967296", "-1"] {
            assert_eq!(read(Simple::Digits, text), None, "{text}");
        }
    }

    #[test]
    fn yes_and_no_are_written_in_two_ways() {
        for (text, wanted) in [("true", true), ("1", true), (" false\n", false), ("0", false)] {
            assert_eq!(read(Simple::Boolean, text), Some(json!(wanted)));
        }
        for text in ["", "True", "ja", "01", "t"] {
            assert_eq!(read(Simple::Boolean, text), None, "{text}");
        }
    }

    #[test]
    fn spaces_around_days_and_times_are_passed_over() {
        assert_eq!(read(Simple::Date, " 2026-06-30\n"), Some(json!("2026-06-30")));
        let time = read(Simple::DateTime, "\t2019-05-02T09:00:00+02:00 ");
        assert_eq!(time, Some(json!("2019-05-02T07:00:00Z")));
        let why = Simple::DateTime.read("2019-10-27T02:30:00").unwrap_err();
        assert_eq!(Simple::DateTime.wrong(why).0.id, rules::LOCAL_TIME.id);
    }

    #[test]
    fn text_is_kept_as_it_is_and_numbers_in_text_have_no_spaces() {
        assert_eq!(read(Simple::Text, " a\n"), Some(json!(" a\n")));
        assert_eq!(read(Simple::Name, &"å".repeat(256)), Some(json!("å".repeat(256))));
        assert_eq!(read(Simple::Name, &"å".repeat(257)), None);
        assert_eq!(read(Simple::Account, "15640410423 "), None);
        assert_eq!(read(Simple::Organisation, " 926018159"), None);
        assert_eq!(read(Simple::Kid, "1"), None);
        assert_eq!(read(Simple::Level, "F_10"), None);
    }
}

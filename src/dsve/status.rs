//! DSVE's statuses: the word in `status`, beside the codes of `no.dsve.status.v1`.

use crate::kernel::person::mask_national_ids;
use crate::market::no::status::Statuskode;

/// The longest text of a status, in characters, as in the schema of `no.dsve.status.v1`.
const LONGEST: usize = 2000;

/// What an answer is, by the word in its manifest (technical description, *status*).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DsveStatus {
    /// The answer is enclosed: the one word that is a yes (ACK).
    RutetSuksessfullt,
    /// The loan is repaid; the lien is not yet deleted.
    LaanNedbetalt,
    /// The lien is sold or transferred to others.
    LaanSolgt,
    /// The bank answers by e-mail.
    SvarerMedEpost,
    /// Anything else.
    Feil,
}

impl DsveStatus {
    /// Every status.
    pub const ALL: [Self; 5] = [
        Self::RutetSuksessfullt,
        Self::LaanNedbetalt,
        Self::LaanSolgt,
        Self::SvarerMedEpost,
        Self::Feil,
    ];

    /// The word, as innfri writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RutetSuksessfullt => "RutetSuksessfullt",
            Self::LaanNedbetalt => "LaanNedbetalt",
            Self::LaanSolgt => "LaanSolgt",
            Self::SvarerMedEpost => "SvarerMedEpost",
            Self::Feil => "Feil",
        }
    }

    /// The status that a word stands for. Capitals do not count; `å` is the same as `aa`, since the
    /// description was published with both; `SvarerIEpost` is the older word.
    pub fn of_word(word: &str) -> Option<Self> {
        let word = word.trim().to_lowercase().replace('å', "aa").replace("a\u{30a}", "aa");
        if word == "svareriepost" {
            return Some(Self::SvarerMedEpost);
        }
        Self::ALL.into_iter().find(|status| status.as_str().to_lowercase() == word)
    }

    /// The code of a status message; `None` when the answer is enclosed.
    pub const fn code(self) -> Option<Statuskode> {
        match self {
            Self::RutetSuksessfullt => None,
            Self::LaanNedbetalt => Some(Statuskode::LaanNedbetalt),
            Self::LaanSolgt => Some(Statuskode::LaanSolgt),
            Self::SvarerMedEpost => Some(Statuskode::SvarerIEpost),
            Self::Feil => Some(Statuskode::Feil),
        }
    }

    /// What an end user is told when the sender says no more.
    pub const fn text(self) -> &'static str {
        match self {
            Self::RutetSuksessfullt => "Svaret er vedlagt.",
            Self::LaanNedbetalt => "Lånet er nedbetalt. Pantet er ennå ikke slettet.",
            Self::LaanSolgt => "Pantet er solgt eller overført til andre.",
            Self::SvarerMedEpost => "Banken svarer på e-post.",
            Self::Feil => "Banken kunne ikke svare på forespørselen, og oppga ingen grunn.",
        }
    }
}

impl From<Statuskode> for DsveStatus {
    fn from(code: Statuskode) -> Self {
        match code {
            Statuskode::LaanNedbetalt => Self::LaanNedbetalt,
            Statuskode::SvarerIEpost => Self::SvarerMedEpost,
            Statuskode::LaanSolgt => Self::LaanSolgt,
            Statuskode::Feil => Self::Feil,
        }
    }
}

/// A text as it can be shown to an end user and stored: one to two thousand characters, no control
/// characters but line ends, national identity numbers masked. `None` when nothing is left.
pub fn presentable(text: &str) -> Option<String> {
    let shown: String = text
        .replace("\r\n", "\n")
        .chars()
        .map(|sign| if sign.is_control() && sign != '\n' { ' ' } else { sign })
        .collect();
    let shown: String = mask_national_ids(shown.trim()).chars().take(LONGEST).collect();
    let shown = shown.trim_matches(|sign: char| sign.is_whitespace() || sign == '\u{feff}');
    (!shown.is_empty()).then(|| shown.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_known_in_each_spelling_that_was_published() {
        for status in DsveStatus::ALL {
            assert_eq!(DsveStatus::of_word(status.as_str()), Some(status));
            assert_eq!(DsveStatus::of_word(&status.as_str().to_uppercase()), Some(status));
        }
        for (word, status) in [
            ("LånNedbetalt", DsveStatus::LaanNedbetalt),
            ("LÅNSOLGT", DsveStatus::LaanSolgt),
            ("la\u{30a}nSolgt ", DsveStatus::LaanSolgt),
            ("SvarerIEpost", DsveStatus::SvarerMedEpost),
        ] {
            assert_eq!(DsveStatus::of_word(word), Some(status), "{word}");
        }
        for other in ["", "OK", "Feilet", "RutetSuksessfult"] {
            assert_eq!(DsveStatus::of_word(other), None, "{other}");
        }
    }

    #[test]
    fn codes_and_words_go_both_ways() {
        for status in DsveStatus::ALL {
            match status.code() {
                Some(code) => assert_eq!(DsveStatus::from(code), status),
                None => assert_eq!(status, DsveStatus::RutetSuksessfullt),
            }
        }
    }

    #[test]
    fn a_text_is_made_fit_to_show() {
        assert_eq!(presentable(" Hei\u{7}\r\nder\t").as_deref(), Some("Hei \nder"));
        assert_eq!(presentable(" \n\u{0}\u{feff}"), None);
        let masked = presentable("Gjelder 23904430552.").unwrap();
        assert!(!masked.contains("30552"), "{masked}");
        assert_eq!(presentable(&"å".repeat(3000)).unwrap().chars().count(), LONGEST);
    }
}

//! From a file to a loan book that holds together; every mistake is told with file, line and key.
//!
//! The TOML library's own texts quote what stands in the file, and a loan book is full of personal
//! data: so only those of its texts are passed on that say what is wanted.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use rust_decimal::Decimal;
use serde::Deserialize as _;
use serde_path_to_error::Segment;

use super::book::{Loan, LoanBook, Owner};
use crate::kernel::person::contains_national_id;

/// Why a loan book could not be used. The texts never repeat names, numbers or amounts.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// The file could not be read.
    #[error("{}: the loan book cannot be read; check that the file exists and may be read", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The book has mistakes; each says where and what to do.
    #[error("{}", list(.file.as_deref(), .mistakes))]
    Mistakes {
        /// The file, where the book came from one.
        file: Option<PathBuf>,
        /// One or more.
        mistakes: Vec<Mistake>,
    },
}

/// One thing wrong in a loan book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1.
    pub line: usize,
    /// The key, such as `loans[0].rate_percent`; empty when the text is not TOML at all.
    pub key: String,
    /// What is wrong and what to do.
    pub text: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key.as_str() {
            "" => write!(f, "line {}: {}", self.line, self.text),
            key => write!(f, "line {}: {key}: {}", self.line, self.text),
        }
    }
}

fn list(file: Option<&Path>, mistakes: &[Mistake]) -> String {
    let file = file.map_or_else(|| "the loan book".to_owned(), |file| file.display().to_string());
    let lines: Vec<String> = mistakes.iter().map(|mistake| format!("{file}, {mistake}")).collect();
    lines.join("\n")
}

impl LoanBook {
    /// Reads a book from its file.
    ///
    /// # Errors
    /// When the file cannot be read, or the book has mistakes.
    pub fn load(file: &Path) -> Result<Self, BookError> {
        let text = fs::read_to_string(file)
            .map_err(|source| BookError::Unreadable { file: file.to_owned(), source })?;
        Self::parse(&text).map_err(|error| match error {
            BookError::Mistakes { mistakes, .. } => {
                BookError::Mistakes { file: Some(file.to_owned()), mistakes }
            }
            unreadable @ BookError::Unreadable { .. } => unreadable,
        })
    }

    /// Reads a book from its text.
    ///
    /// # Errors
    /// When the book has mistakes: the first one of form, else all that do not hold together.
    pub fn parse(text: &str) -> Result<Self, BookError> {
        let mistakes = match read(text) {
            Ok(book) => match check(&book, text) {
                mistakes if mistakes.is_empty() => return Ok(book),
                mistakes => mistakes,
            },
            Err(mistake) => vec![mistake],
        };
        Err(BookError::Mistakes { file: None, mistakes })
    }
}

fn read(text: &str) -> Result<LoanBook, Mistake> {
    let toml = toml::Deserializer::parse(text).map_err(|error| Mistake {
        line: line_of(text, error.span()),
        key: String::new(),
        text: "is not TOML; check quotes, brackets and that no key is given twice".to_owned(),
    })?;
    let mut track = serde_path_to_error::Track::new();
    LoanBook::deserialize(serde_path_to_error::Deserializer::new(toml, &mut track)).map_err(
        |error| Mistake {
            line: line_of(text, error.span()),
            key: key_of(&track.path()),
            text: in_our_words(error.message()),
        },
    )
}

/// The line on which a span begins; the first when there is none.
fn line_of(text: &str, span: Option<Range<usize>>) -> usize {
    let start = span.map_or(0, |span| span.start);
    1 + text.bytes().take(start).filter(|byte| *byte == b'\n').count()
}

/// The key as a person writes it: without the library's own steps between.
fn key_of(path: &serde_path_to_error::Path) -> String {
    let mut key = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => key.push_str(&format!("[{index}]")),
            Segment::Map { key: name } | Segment::Enum { variant: name } => {
                if !name.starts_with("$__") {
                    let dot = if key.is_empty() { "" } else { "." };
                    key.push_str(&format!("{dot}{name}"));
                }
            }
            Segment::Unknown => {}
        }
    }
    key
}

/// What was wanted, without what stands there: that may be a national identity number.
fn in_our_words(message: &str) -> String {
    let safe = [
        "unknown field",
        "missing field",
        "expected",
        "is not",
        "is negative",
        "has more",
        "is larger",
    ];
    if safe.iter().any(|start| message.starts_with(start)) {
        return message.to_owned();
    }
    // An organisation that is none is told as "`text` is not …".
    if let Some((_, told)) = message.rsplit_once("` ").filter(|(_, told)| told.starts_with("is ")) {
        return told.to_owned();
    }
    match message.rsplit_once("expected ") {
        Some((_, "a string")) => "expected a text; put the value in quotes".to_owned(),
        Some((_, wanted)) => format!("expected {wanted}"),
        None => "has a value that is not taken here; see examples/loan-books".to_owned(),
    }
}

/// Everything that does not hold together.
fn check(book: &LoanBook, text: &str) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let mut numbers = BTreeSet::new();
    if book.bank.name.trim().is_empty() {
        mistakes.push(Mistake {
            line: 1,
            key: "bank.name".to_owned(),
            text: "is empty; write the bank's name".to_owned(),
        });
    }
    for (index, loan) in book.loans.iter().enumerate() {
        let line = line_of(text, Some(loan.span()));
        let loan = loan.get_ref();
        let mut found = check_loan(loan);
        if !numbers.insert(loan.number.as_str()) {
            found.push(("number", "is in the book twice; keep one loan of each number"));
        }
        mistakes.extend(found.into_iter().map(|(key, text)| Mistake {
            line,
            key: format!("loans[{index}].{key}"),
            text: text.to_owned(),
        }));
    }
    mistakes
}

/// A rule about a loan: whether it is broken, the key it is about, and what to do.
type LoanRule = (bool, &'static str, &'static str);

/// What does not hold together in one loan: keys and texts.
fn check_loan(loan: &Loan) -> Vec<(&'static str, &'static str)> {
    let rules = payment_rules(loan).into_iter().chain(party_rules(loan)).chain(term_rules(loan));
    rules.filter(|(broken, ..)| *broken).map(|(_, key, text)| (key, text)).collect()
}

/// Lengths are those of the answers' schemas.
fn payment_rules(loan: &Loan) -> [LoanRule; 4] {
    let message = loan.message.as_deref().unwrap_or_default();
    [
        (
            loan.number.trim().is_empty() || loan.number.chars().count() > 64,
            "number",
            "is empty or longer than 64 characters; write the loan's number",
        ),
        (
            loan.kid.is_some() && loan.message.is_some(),
            "message",
            "stands beside a KID; a payment takes one of them, so drop the other",
        ),
        (message.chars().count() > 256, "message", "is longer than 256 characters; shorten it"),
        (
            contains_national_id(message),
            "message",
            "holds a national identity number, which an answer must not carry; take it out",
        ),
    ]
}

fn party_rules(loan: &Loan) -> [LoanRule; 5] {
    let owners = || loan.security.iter().flat_map(|security| &security.owners);
    let no_name = |name: &str| name.trim().is_empty() || name.chars().count() > 256;
    [
        (loan.security.is_empty(), "security", "is empty; give one property or more"),
        (
            loan.security.iter().any(|security| security.owners.is_empty()),
            "security.owners",
            "is empty; give one owner or more",
        ),
        (
            owners().any(has_no_one_number),
            "security.owners",
            "needs national_id for a person or organisation for an organisation, one of them",
        ),
        (loan.borrowers.is_empty(), "borrowers", "is empty; give one borrower or more"),
        (
            loan.borrowers.iter().any(|borrower| no_name(&borrower.name)),
            "borrowers.name",
            "is empty or longer than 256 characters; write first and family name",
        ),
    ]
}

fn term_rules(loan: &Loan) -> [LoanRule; 5] {
    let states = [loan.repaid, loan.sold_to.is_some(), loan.answered_by_hand];
    [
        (
            loan.rate_percent < Decimal::ZERO || loan.rate_percent > Decimal::ONE_HUNDRED,
            "rate_percent",
            "is not a yearly rate; write percent, 0 to 100, such as \"5.25\"",
        ),
        (
            loan.rate_percent.normalize().scale() > 6,
            "rate_percent",
            "has more than six decimals; round it",
        ),
        (
            loan.rammelaan.as_ref().is_some_and(|rammelaan| rammelaan.limit < loan.balance),
            "rammelaan.limit",
            "is lower than the balance; the limit holds at least what is used",
        ),
        (
            loan.sold_to.as_ref().is_some_and(|to| to.trim().is_empty()),
            "sold_to",
            "is empty; write whom the asker shall turn to",
        ),
        (
            states.into_iter().filter(|state| *state).count() > 1,
            "repaid",
            "is given with sold_to or answered_by_hand; a loan has one of the three at most",
        ),
    ]
}

fn has_no_one_number(owner: &Owner) -> bool {
    owner.national_id.is_some() == owner.organisation.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOK: &str = include_str!("../../examples/loan-books/testvik.toml");

    fn mistakes(text: &str) -> Vec<Mistake> {
        match LoanBook::parse(text).unwrap_err() {
            BookError::Mistakes { mistakes, .. } => mistakes,
            unreadable @ BookError::Unreadable { .. } => panic!("{unreadable}"),
        }
    }

    /// The mistakes of the example book with its first `from` replaced, which stands on the line told.
    fn changed(from: &str, to: &str) -> (usize, Vec<Mistake>) {
        let place = BOOK.find(from).unwrap_or_else(|| panic!("{from} is not in the book"));
        (line_of(BOOK, Some(place..place)), mistakes(&BOOK.replacen(from, to, 1)))
    }

    #[test]
    fn the_example_book_holds_together() {
        assert!(LoanBook::parse(BOOK).unwrap().loans().count() >= 5);
    }

    #[test]
    fn a_mistake_of_form_is_told_with_line_and_key() {
        let cases = [
            ("day_count = ", "day_kount = ", "loans[0].day_kount", "unknown field"),
            ("day_count = \"act/365\"", "day_count = \"act/366\"", "loans[0].day_count", "act/365"),
            ("account = \"15640410423\"", "account = \"1\"", "loans[0].account", "eleven digits"),
            ("account = \"15640410423\"", "account = 15640410423", "loans[0].account", "in quotes"),
            ("\"NO:918190937\"", "\"918\"", "bank.organisation", "is not an organisation"),
            (
                "balance_date = 2026-01-01",
                "balance_date = \"x\"",
                "loans[0].balance_date",
                "2026-01-31",
            ),
        ];
        for (from, to, key, wanted) in cases {
            let (line, found) = changed(from, to);
            let [mistake] = found.as_slice() else { panic!("{found:?}") };
            assert_eq!((mistake.key.as_str(), mistake.line), (key, line), "{mistake}");
            assert!(mistake.text.contains(wanted), "{mistake}");
        }
    }

    #[test]
    fn a_mistake_of_form_never_repeats_what_stands_there() {
        for value in
            ["23904430552", "\"2390443055\"", "[\"23904430552\"]", "{ a = \"23904430552\" }"]
        {
            let (_, found) = changed("\"23904430552\"", value);
            let told = format!("{found:?}");
            assert!(!told.contains("2390443055"), "{told}");
            assert!(told.contains("national_id"), "{told}");
        }
        let told = format!("{:?}", mistakes(&BOOK.replacen("national_id = ", "national_id ", 1)));
        assert!(told.contains("is not TOML") && !told.contains("239044"), "{told}");
    }

    #[test]
    fn everything_that_does_not_hold_together_is_told_at_once() {
        let text = BOOK
            .replacen("rate_percent = \"", "rate_percent = \"900", 1)
            .replacen("limit = \"1000000.00\"", "limit = \"1.00\"", 1)
            .replacen("message = \"", "message = \"Gjelder 23904430552, ", 1)
            .replacen("repaid = true", "repaid = true\nanswered_by_hand = true", 1);
        let keys: Vec<String> = mistakes(&text).into_iter().map(|mistake| mistake.key).collect();
        assert_eq!(keys.len(), 4, "{keys:?}");
        for end in ["message", "rate_percent", "rammelaan.limit", "repaid"] {
            assert!(keys.iter().any(|key| key.ends_with(end)), "{keys:?}");
        }
    }

    #[test]
    fn a_loan_twice_is_told_where_it_stands_again() {
        let start = BOOK.find("[[loans]]").unwrap();
        let (head, loans) = BOOK.split_at(start);
        let twice = format!("{head}{loans}\n{loans}");
        let found = mistakes(&twice);
        assert!(found.iter().all(|mistake| mistake.key.ends_with(".number")), "{found:?}");
        assert_eq!(found.len(), LoanBook::parse(BOOK).unwrap().loans().count());
        let first = found.first().unwrap();
        let line = twice.lines().nth(first.line - 1).unwrap();
        assert_eq!(line, "[[loans]]", "line {}", first.line);
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = LoanBook::load(Path::new("no/such/book.toml")).unwrap_err();
        assert!(error.to_string().starts_with("no/such/book.toml: "), "{error}");
    }

    #[test]
    fn the_file_is_named_with_each_mistake() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("book.toml");
        fs::write(&file, BOOK.replacen("day_count", "day_kount", 1)).unwrap();
        let error = LoanBook::load(&file).unwrap_err().to_string();
        assert!(error.contains("book.toml, line ") && error.contains("day_kount"), "{error}");
    }

    #[test]
    fn a_book_prints_no_names() {
        let printed = format!("{:?}", LoanBook::parse(BOOK).unwrap());
        assert!(printed.contains("918190937") && !printed.contains("Nordmann"), "{printed}");
    }
}

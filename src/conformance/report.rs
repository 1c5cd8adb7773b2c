//! What came of the checks, as a table.

use serde::Serialize;

use super::list::{CHECKS, Check, For};

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// As it should be.
    Pass,
    /// Could be better; fails nothing.
    Advice,
    /// It could not be tried, or cannot be seen from outside.
    NotShown,
    /// Not as it must be.
    Fail,
}

impl Grade {
    /// The grade as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Advice => "advice",
            Self::NotShown => "not shown",
            Self::Fail => "fail",
        }
    }
}

/// A grade with what was seen. The words hold no personal data: identifiers, types and rules only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// The grade.
    pub grade: Grade,
    /// What was seen.
    pub seen: String,
}

impl Judgement {
    /// As it should be.
    pub fn pass(seen: impl Into<String>) -> Self {
        Self { grade: Grade::Pass, seen: seen.into() }
    }

    /// Could be better.
    pub fn advice(seen: impl Into<String>) -> Self {
        Self { grade: Grade::Advice, seen: seen.into() }
    }

    /// Not tried, or not to be seen.
    pub fn not_shown(seen: impl Into<String>) -> Self {
        Self { grade: Grade::NotShown, seen: seen.into() }
    }

    /// Not as it must be.
    pub fn fail(seen: impl Into<String>) -> Self {
        Self { grade: Grade::Fail, seen: seen.into() }
    }
}

/// One row of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The check.
    #[serde(flatten)]
    pub check: Check,
    /// What came of it.
    #[serde(flatten)]
    pub judgement: Judgement,
}

/// The rows as a Markdown table. What to do stands where something is to be done.
pub fn table(rows: &[Row]) -> String {
    let mut text =
        "| check | what | result | what was seen | what to do |\n|---|---|---|---|---|\n"
            .to_owned();
    for Row { check, judgement } in rows {
        let to_do = if judgement.grade == Grade::Pass { "" } else { check.what_to_do };
        text.push_str(&format!(
            "| {} | {} | {} | {} | {to_do} |\n",
            check.id,
            check.title,
            judgement.grade.as_str(),
            cell(&judgement.seen)
        ));
    }
    text
}

/// What comes from a partner must not break the table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(char::is_control, " ")
}

/// The rows in the order of the list, with one for each check of this kind of partner: what was not
/// come to was not shown.
pub fn in_order(rows: Vec<Row>, whom: For) -> Vec<Row> {
    let wanted = CHECKS.iter().filter(|check| [For::Everybody, whom].contains(&check.whom));
    let row = |check: &Check| {
        let not_shown = || Row {
            check: *check,
            judgement: Judgement::not_shown("not tried: what comes before it failed"),
        };
        rows.iter().find(|row| row.check.id == check.id).cloned().unwrap_or_else(not_shown)
    };
    wanted.map(row).collect()
}

/// Whether nothing failed.
pub fn is_conformant(rows: &[Row]) -> bool {
    rows.iter().all(|row| row.judgement.grade != Grade::Fail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::list;

    #[test]
    fn a_row_says_what_to_do_unless_it_passed_and_a_cell_stays_a_cell() {
        let row = |judgement| Row { check: list::IDENTITY, judgement };
        let text = table(&[row(Judgement::pass("a")), row(Judgement::fail("b|c\nd"))]);
        assert_eq!(text.lines().count(), 4);
        assert!(
            text.contains("| pass | a |  |\n") && text.contains("| fail | b\\|c d | Set user_id")
        );
    }

    #[test]
    fn only_a_failure_fails() {
        let rows = |grade| {
            [Row { check: list::LATE, judgement: Judgement { grade, seen: String::new() } }]
        };
        for grade in [Grade::Pass, Grade::Advice, Grade::NotShown] {
            assert!(is_conformant(&rows(grade)));
        }
        assert!(!is_conformant(&rows(Grade::Fail)));
    }
}

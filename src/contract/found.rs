//! Gathers findings up to a limit, and counts the rest: a hostile message must not be able to ask for
//! a report that is larger than itself.

use crate::kernel::{Finding, Severity};
use crate::market::no::rules::form;

/// The findings of one message, whatever reads it.
pub struct Found {
    kept: Vec<Finding>,
    limit: usize,
    more: usize,
    more_errors: bool,
}

impl Found {
    /// None yet, and never more than `limit`, which counts as at least 1.
    pub fn new(limit: usize) -> Self {
        Self { kept: Vec::new(), limit: limit.max(1), more: 0, more_errors: false }
    }

    /// Adds one finding.
    pub fn add(&mut self, finding: Finding) {
        if self.kept.len() < self.limit {
            self.kept.push(finding);
        } else {
            self.more += 1;
            self.more_errors |= finding.alvorlighet == Severity::Error;
        }
    }

    /// Adds several.
    pub fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            self.add(finding);
        }
    }

    /// Counts errors that were not even worded.
    pub(super) fn count_errors(&mut self, errors: usize) {
        self.more += errors;
        self.more_errors |= errors > 0;
    }

    /// How many more fit.
    pub const fn room(&self) -> usize {
        self.limit.saturating_sub(self.kept.len())
    }

    /// Whether the message must be refused.
    pub fn has_errors(&self) -> bool {
        self.more_errors || crate::kernel::has_errors(&self.kept)
    }

    /// The findings; where some did not fit, the last one says how many more there are.
    pub fn into_findings(mut self) -> Vec<Finding> {
        if self.more == 0 {
            return self.kept;
        }
        if let Some(displaced) = self.kept.pop() {
            self.more += 1;
            self.more_errors |= displaced.alvorlighet == Severity::Error;
        }
        let more = self.more;
        let mut last = form::MORE_FINDINGS.worded(
            "",
            format!("Meldingen har {more} avvik til som ikke vises."),
            format!("The message has {more} more findings that are not shown."),
        );
        if !self.more_errors {
            last.alvorlighet = Severity::Warning;
        }
        self.kept.push(last);
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warning() -> Finding {
        Finding { alvorlighet: Severity::Warning, ..form::NOT_JSON.finding("") }
    }

    #[test]
    fn as_many_as_the_limit_are_shown_as_they_are() {
        let mut found = Found::new(2);
        found.extend([warning(), warning()]);
        assert!(!found.has_errors());
        assert_eq!(found.into_findings(), [warning(), warning()]);
    }

    #[test]
    fn the_last_one_says_how_many_more_there_are() {
        let mut found = Found::new(2);
        found.extend([warning(), warning(), warning(), warning()]);
        let findings = found.into_findings();
        assert_eq!(findings.len(), 2);
        assert!(findings[1].text.contains("3 more") && findings[1].tekst.contains("3 avvik til"));
        assert_eq!(findings[1].alvorlighet, Severity::Warning);
    }

    #[test]
    fn an_error_that_is_not_shown_still_refuses_the_message() {
        let mut found = Found::new(1);
        found.extend([warning(), form::NOT_JSON.finding("")]);
        assert!(found.has_errors());
        assert!(crate::kernel::has_errors(&found.into_findings()));
    }
}

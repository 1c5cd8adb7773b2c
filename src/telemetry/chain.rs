//! An error with everything that caused it, on one line.
//!
//! Errors of this house do not print their source, so the line that reports one must walk the chain.
//! Some libraries (sqlx, lapin) do print theirs: a text already said is not said again.

use std::error::Error;
use std::fmt;

/// Prints an error and its sources, joined by `": "`, leaving out what was already said.
///
/// ```
/// # use innfri::telemetry::Chain;
/// let error = "x".parse::<u8>().map_err(std::io::Error::other).unwrap_err();
/// assert_eq!(Chain(&error).to_string(), "invalid digit found in string");
/// ```
#[derive(Clone, Copy)]
pub struct Chain<'a>(
    /// The outermost error.
    pub &'a (dyn Error + 'a),
);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.0.to_string();
        let mut next = self.0.source();
        while let Some(error) = next {
            let text = error.to_string();
            if !said.contains(&text) {
                said.push_str(": ");
                said.push_str(&text);
            }
            next = error.source();
        }
        f.write_str(&said)
    }
}

impl fmt::Debug for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Link(&'static str, Option<Box<Link>>);

    impl fmt::Display for Link {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Link {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|link| link as &dyn Error)
        }
    }

    fn chain(texts: &[&'static str]) -> String {
        let link = texts.iter().rev().fold(None, |inner, text| Some(Box::new(Link(text, inner))));
        Chain(link.unwrap().as_ref()).to_string()
    }

    #[test]
    fn every_cause_is_said_in_order() {
        assert_eq!(
            chain(&["cannot open", "no answer", "refused"]),
            "cannot open: no answer: refused"
        );
    }

    #[test]
    fn a_cause_that_was_already_said_is_said_once() {
        assert_eq!(chain(&["io: refused", "refused"]), "io: refused");
        assert_eq!(chain(&["a: b", "b", "c", "b"]), "a: b: c");
    }

    #[test]
    fn an_error_without_a_cause_stands_alone() {
        assert_eq!(chain(&["alone"]), "alone");
    }
}

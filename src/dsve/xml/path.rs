//! Where in a file the reader is, as findings tell it: `/restgjeldssvar/laanliste/laan[2]/saldo`.

use std::fmt::Write as _;

use crate::contract::is_presentable;

/// The elements that are open, from the root inwards.
#[derive(Debug, Default)]
pub(super) struct Path(String);

/// Where a path ended before a step was taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark(usize);

impl Path {
    /// Goes into a child of this name.
    pub(super) fn enter(&mut self, name: &str) -> Mark {
        let mark = Mark(self.0.len());
        self.0.push('/');
        self.0.push_str(name);
        mark
    }

    /// Goes into one of many children of this name, counted from 1.
    pub(super) fn enter_nth(&mut self, name: &str, number: usize) -> Mark {
        let mark = self.enter(name);
        // Writing to a String cannot fail.
        let _written = write!(self.0, "[{number}]");
        mark
    }

    /// Goes into a child that should not be there, the so-manieth of its parent's. Its name may be
    /// anything: where it does not look like a name of ours, its number alone is told.
    pub(super) fn enter_stranger(&mut self, name: &str, number: usize) -> Mark {
        if is_presentable(name) { self.enter(name) } else { self.enter_nth("*", number) }
    }

    /// Goes back to where it was.
    pub(super) fn leave(&mut self, mark: Mark) {
        self.0.truncate(mark.0);
    }

    /// The path of the element.
    pub(super) fn here(&self) -> String {
        self.0.clone()
    }

    /// The path of a child of the element.
    pub(super) fn child(&self, name: &str) -> String {
        format!("{}/{name}", self.0)
    }

    /// The path of an attribute of the element.
    pub(super) fn attribute(&self, name: &str) -> String {
        if is_presentable(name) { format!("{}/@{name}", self.0) } else { format!("{}/@*", self.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_goes_in_and_out() {
        let mut path = Path::default();
        path.enter("restgjeldssvar");
        let list = path.enter("laanliste");
        let loan = path.enter_nth("laan", 2);
        assert_eq!(path.child("saldo"), "/restgjeldssvar/laanliste/laan[2]/saldo");
        path.leave(loan);
        assert_eq!(path.attribute("id"), "/restgjeldssvar/laanliste/@id");
        path.leave(list);
        assert_eq!(path.here(), "/restgjeldssvar");
    }

    #[test]
    fn a_name_that_could_be_anything_is_not_told() {
        let mut path = Path::default();
        let mark = path.enter_stranger("p23904430552", 3);
        assert_eq!(path.here(), "/*[3]");
        path.leave(mark);
        assert_eq!(path.attribute("p23904430552"), "/@*");
        path.enter_stranger("saldoen", 3);
        assert_eq!(path.here(), "/saldoen");
    }
}

//! The order of an element's children, as far as they have been read: which of them may still come,
//! and what is wrong with one that does.

use super::grammar::{Child, Part};

/// What is said of an element that stands somewhere in a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It stands where it should.
    Right,
    /// It should have come earlier.
    Late,
    /// It is there for the so-manieth time.
    Repeated(usize),
    /// It, or another in its place, is there already, and only one of them may be.
    Second,
}

/// How far a sequence of elements has been read.
pub(super) struct Sequence {
    parts: &'static [Part],
    /// How often each place has been filled.
    counts: Vec<usize>,
    /// Which child filled each place first.
    first: Vec<Option<&'static str>>,
    furthest: usize,
    /// How many children there have been, known and unknown.
    pub(super) children: usize,
}

impl Sequence {
    /// Nothing read yet.
    pub(super) fn new(parts: &'static [Part]) -> Self {
        let (counts, first) = (vec![0; parts.len()], vec![None; parts.len()]);
        Self { parts, counts, first, furthest: 0, children: 0 }
    }

    /// How often a place has been filled.
    pub(super) fn seen(&self, place: usize) -> usize {
        self.counts.get(place).copied().unwrap_or_default()
    }

    /// The child of this name, and whether it may stand here.
    pub(super) fn take(&mut self, name: &str) -> (Option<&'static Child>, Verdict) {
        self.children += 1;
        let found = self.parts.iter().enumerate().find_map(|(place, part)| {
            part.children().iter().find(|child| child.element == name).map(|child| (place, child))
        });
        let Some((place, child)) = found else { return (None, Verdict::Right) };
        let (Some(count), Some(first)) = (self.counts.get_mut(place), self.first.get_mut(place))
        else {
            return (None, Verdict::Right);
        };
        *count += 1;
        let verdict = match first {
            Some(other) if *other != child.element => Verdict::Second,
            Some(_) => Verdict::Repeated(*count),
            None if place < self.furthest => Verdict::Late,
            None => Verdict::Right,
        };
        first.get_or_insert(child.element);
        self.furthest = self.furthest.max(place);
        (Some(child), verdict)
    }
}

#[cfg(test)]
mod tests {
    use super::super::grammar;
    use super::*;
    use crate::contract::MessageType;

    /// What is said of each child of a restgjeld answer's root.
    fn verdicts(names: &[&str]) -> Vec<Option<Verdict>> {
        let message = grammar::message(MessageType::Restgjeldssvar).unwrap();
        let mut sequence = Sequence::new(message.record.parts);
        names
            .iter()
            .map(|name| {
                let (child, verdict) = sequence.take(name);
                child.map(|_| verdict)
            })
            .collect()
    }

    #[test]
    fn children_in_their_order_are_right_whatever_is_left_out() {
        let right = Some(Verdict::Right);
        assert_eq!(verdicts(&["avsender", "laanliste", "sperretForVidereOpplaan"]), [right; 3]);
    }

    #[test]
    fn what_comes_late_twice_or_from_elsewhere_is_told_apart() {
        let names = ["mottaker", "avsender", "mottaker", "saldo", "laanliste", "avsender"];
        let wanted = [
            Some(Verdict::Right),
            Some(Verdict::Late),
            Some(Verdict::Repeated(2)),
            None,
            Some(Verdict::Right),
            Some(Verdict::Repeated(2)),
        ];
        assert_eq!(verdicts(&names), wanted);
    }

    #[test]
    fn a_second_choice_is_no_repeat() {
        let children: &'static [Child] = Box::leak(Box::new([
            Child {
                element: "a",
                field: "a",
                kind: grammar::Kind::Text(super::super::simple::Simple::Text),
            },
            Child {
                element: "b",
                field: "b",
                kind: grammar::Kind::Text(super::super::simple::Simple::Text),
            },
        ]));
        let parts: &'static [Part] = Box::leak(Box::new([Part::Choice(children)]));
        let mut sequence = Sequence::new(parts);
        assert_eq!(sequence.take("b").1, Verdict::Right);
        assert_eq!(sequence.take("a").1, Verdict::Second);
        assert_eq!(sequence.take("b").1, Verdict::Repeated(3));
        assert_eq!((sequence.seen(0), sequence.children), (3, 3));
    }
}

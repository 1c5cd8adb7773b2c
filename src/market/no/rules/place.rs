//! Where in a message a rule looks, without building a pointer for what turns out to be right.

use std::fmt::Write as _;

/// A place in a message: a list of steps that lives on the stack.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    parent: Option<&'a Place<'a>>,
    step: Step,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Field(&'static str),
    Item(usize),
}

impl<'a> Place<'a> {
    /// A field of the message itself.
    pub(super) const fn at(name: &'static str) -> Self {
        Self { parent: None, step: Step::Field(name) }
    }

    /// A field of the object at this place.
    pub(super) const fn field(&'a self, name: &'static str) -> Self {
        Self { parent: Some(self), step: Step::Field(name) }
    }

    /// An element of the list at this place, from 0.
    pub(super) const fn item(&'a self, number: usize) -> Self {
        Self { parent: Some(self), step: Step::Item(number) }
    }

    /// The JSON pointer. Field names are ours and need no escaping.
    pub(super) fn pointer(&self) -> String {
        let mut pointer = self.parent.map(Self::pointer).unwrap_or_default();
        // Writing to a String cannot fail.
        let _written = match self.step {
            Step::Field(name) => write!(pointer, "/{name}"),
            Step::Item(number) => write!(pointer, "/{number}"),
        };
        pointer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_becomes_a_json_pointer() {
        let list = Place::at("laanliste");
        assert_eq!(list.item(3).field("kidnummer").pointer(), "/laanliste/3/kidnummer");
    }
}

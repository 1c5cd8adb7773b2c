//! What is said of elements and attributes: Norwegian and English, with their names and no values.

use crate::contract::is_presentable;
use crate::kernel::Finding;
use crate::market::no::rules::{RuleDoc, xml as rules};

/// A finding about an element, whose name is one of ours.
pub(super) fn element(rule: &RuleDoc, pointer: String, name: &str, no: &str, en: &str) -> Finding {
    rule.worded(pointer, format!("Elementet «{name}» {no}."), format!("The element `{name}` {en}."))
}

/// A finding about an attribute, whose name is one of ours.
pub(super) fn attribute(
    rule: &RuleDoc,
    pointer: String,
    name: &str,
    no: &str,
    en: &str,
) -> Finding {
    let tekst = format!("Attributtet «{name}» {no}.");
    rule.worded(pointer, tekst, format!("The attribute `{name}` {en}."))
}

/// An element that should not be there; its name is told where it looks like a name.
pub(super) fn unknown_element(pointer: String, name: &str) -> Finding {
    if !is_presentable(name) {
        return rules::UNKNOWN_ELEMENT.finding(pointer);
    }
    let (no, en) = ("hører ikke hjemme på dette stedet", "does not belong in this place");
    element(&rules::UNKNOWN_ELEMENT, pointer, name, no, en)
}

/// An attribute that should not be there; its name is told where it looks like a name.
pub(super) fn unknown_attribute(pointer: String, name: &str) -> Finding {
    if !is_presentable(name) {
        return rules::UNKNOWN_ATTRIBUTE.finding(pointer);
    }
    let (no, en) = ("hører ikke hjemme på dette elementet", "does not belong to this element");
    attribute(&rules::UNKNOWN_ATTRIBUTE, pointer, name, no, en)
}

/// None of these elements, of which there must be exactly one.
pub(super) fn none_of(pointer: String, names: &[&str]) -> Finding {
    let listed = |and: &str| match names.split_last() {
        Some((last, rest)) => format!("{} {and} {last}", rest.join(", ")),
        None => String::new(),
    };
    rules::EXACTLY_ONE.worded(
        pointer,
        format!("Nøyaktig ett av elementene {} må være med.", listed("og")),
        format!("Exactly one of the elements {} must be given.", listed("and")),
    )
}

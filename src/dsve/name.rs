//! What the four messages are called in DSVE: in `messageType`, in AKELDO's lists and in front of file
//! names.

use crate::contract::MessageType;

/// The four messages with their names, as the technical description spells them.
const NAMES: [(MessageType, &str); 4] = [
    (MessageType::Restgjeldsforespoersel, "Restgjeldsforespoersel"),
    (MessageType::Restgjeldssvar, "Restgjeldssvar"),
    (MessageType::Innfrielsessaldoforespoersel, "Innfrielsessaldoforespoersel"),
    (MessageType::Innfrielsessaldosvar, "Innfrielsessaldosvar"),
];

/// A slip of the published description, in its list of what a receiver takes; somebody copied it.
const MISSPELT: (MessageType, &str) =
    (MessageType::Innfrielsessaldoforespoersel, "Innfrielsessaldoforespoerspoersel");

/// The name of a message; `None` for what DSVE does not have (a status travels without a body of its
/// own, receipts and rejections are innfri's).
pub fn name_of(kind: MessageType) -> Option<&'static str> {
    NAMES.iter().find(|(named, _)| *named == kind).map(|(_, name)| *name)
}

/// The message with this name, in any capitals; the published misspelling counts.
pub fn message_named(name: &str) -> Option<MessageType> {
    known().find(|(_, known)| known.eq_ignore_ascii_case(name.trim())).map(|(kind, _)| kind)
}

/// The message that a file is named after: its name comes first, in any capitals, and `.xml` last.
/// Folders in front do not count.
pub fn message_of_file(name: &str) -> Option<MessageType> {
    let name = name.rsplit('/').next()?.to_ascii_lowercase();
    if !name.ends_with(".xml") {
        return None;
    }
    known().find(|(_, known)| name.starts_with(&known.to_ascii_lowercase())).map(|(kind, _)| kind)
}

fn known() -> impl Iterator<Item = (MessageType, &'static str)> {
    NAMES.into_iter().chain([MISSPELT])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_in_any_capitals_and_in_the_published_misspelling() {
        for (kind, name) in NAMES {
            assert_eq!(name_of(kind), Some(name));
            for written in [name.to_owned(), name.to_uppercase(), format!(" {name}\n")] {
                assert_eq!(message_named(&written), Some(kind), "{written}");
            }
        }
        let misspelt = message_named("INNFRIELSESSALDOFORESPOERSPOERSEL");
        assert_eq!(misspelt, Some(MessageType::Innfrielsessaldoforespoersel));
        for other in ["", "Restgjeld", "SignedMortgageDeed", "no.dsve.restgjeldssvar.v1"] {
            assert_eq!(message_named(other), None, "{other}");
        }
        assert_eq!(name_of(MessageType::Status), None);
    }

    #[test]
    fn a_file_is_named_after_its_message() {
        for (name, kind) in [
            ("restgjeldssvar_1.xml", MessageType::Restgjeldssvar),
            ("RestgjeldsForespoersel.XML", MessageType::Restgjeldsforespoersel),
            ("ut/innfrielsessaldosvar_æ.xml", MessageType::Innfrielsessaldosvar),
            ("innfrielsessaldoforespoerspoersel_2.xml", MessageType::Innfrielsessaldoforespoersel),
        ] {
            assert_eq!(message_of_file(name), Some(kind), "{name}");
        }
        for other in ["restgjeldssvar_1.pdf", "svar_restgjeldssvar.xml", "manifest.xml", "", ".xml"]
        {
            assert_eq!(message_of_file(other), None, "{other}");
        }
    }
}

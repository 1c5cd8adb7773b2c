//! Free texts: no national identity number has slipped in.

use super::place::Place;
use super::{Level, RuleDoc, Sink};
use crate::kernel::RuleId;
use crate::kernel::person::contains_national_id;

/// No national identity numbers in free texts.
pub const NATIONAL_ID_IN_TEXT: RuleDoc = RuleDoc {
    id: RuleId::new("INN-046"),
    title: "no national identity numbers in free texts",
    source: "GDPR; DSVE: only as the id of an owner in a request",
    level: Level::Error,
    no: "Feltet inneholder et fødselsnummer eller D-nummer.",
    en: "The field holds a national identity number.",
    what_to_do: "Take the number out of the text. References in particular are logged and shown.",
};

pub(super) fn free_text(sink: &mut Sink, text: &str, place: Place<'_>) {
    sink.demand(!contains_national_id(text), &NATIONAL_ID_IN_TEXT, place);
}

pub(super) fn optional(sink: &mut Sink, text: Option<&String>, place: Place<'_>) {
    if let Some(text) = text {
        free_text(sink, text, place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Environment;

    #[test]
    fn a_national_id_in_a_text_is_found_and_not_repeated() {
        let run = |text: &str| {
            let mut sink = Sink::new(Environment::Test);
            free_text(&mut sink, text, Place::at("tekst"));
            sink.findings
        };
        let findings = run("Gjelder 239044 30552");
        assert_eq!(findings.len(), 1);
        assert!(crate::kernel::has_errors(&findings));
        assert!(!format!("{findings:?}").contains("30552"));
        assert_eq!(run("Gjelder lån 12345678901"), []);
    }
}

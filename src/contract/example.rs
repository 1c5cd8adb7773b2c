//! The example messages, as the published contracts show them.
//!
//! They are compiled in, so that the program prints its contracts wherever it runs; a test holds this
//! list against the files.

use super::catalogue::MessageType;

/// A right message of one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Example {
    /// Its type.
    pub message_type: MessageType,
    /// What it shows, in a word: the end of its file's name.
    pub name: &'static str,
    /// The message, as the file has it.
    pub json: &'static str,
}

macro_rules! examples {
    ($($kind:ident, $type:literal, $name:literal;)*) => {
        &[$(Example {
            message_type: MessageType::$kind,
            name: $name,
            json: include_str!(concat!(
                "../../examples/messages/no/", $type, ".", $name, ".json"
            )),
        }),*]
    };
}

/// Every example; the first of a type is the plainest.
pub const EXAMPLES: &[Example] = examples![
    Restgjeldsforespoersel, "no.dsve.restgjeldsforespoersel.v1", "matrikkel";
    Restgjeldsforespoersel, "no.dsve.restgjeldsforespoersel.v1", "borettsandel";
    Restgjeldsforespoersel, "no.dsve.restgjeldsforespoersel.v1", "organisasjon-og-feste";
    Restgjeldsforespoersel, "no.dsve.restgjeldsforespoersel.v1", "bankbytte";
    Restgjeldssvar, "no.dsve.restgjeldssvar.v1", "annuitetslaan";
    Restgjeldssvar, "no.dsve.restgjeldssvar.v1", "rammelaan";
    Restgjeldssvar, "no.dsve.restgjeldssvar.v1", "borettsandel";
    Restgjeldssvar, "no.dsve.restgjeldssvar.v1", "aksjeleilighet";
    Innfrielsessaldoforespoersel, "no.dsve.innfrielsessaldoforespoersel.v1", "matrikkel";
    Innfrielsessaldoforespoersel, "no.dsve.innfrielsessaldoforespoersel.v1", "borettsandel";
    Innfrielsessaldoforespoersel, "no.dsve.innfrielsessaldoforespoersel.v1", "aksjeleilighet";
    Innfrielsessaldoforespoersel, "no.dsve.innfrielsessaldoforespoersel.v1", "organisasjon";
    Innfrielsessaldosvar, "no.dsve.innfrielsessaldosvar.v1", "to-datoer";
    Innfrielsessaldosvar, "no.dsve.innfrielsessaldosvar.v1", "borettsandel";
    Innfrielsessaldosvar, "no.dsve.innfrielsessaldosvar.v1", "aksjeleilighet";
    Innfrielsessaldosvar, "no.dsve.innfrielsessaldosvar.v1", "mellomfinansiering";
    Status, "no.dsve.status.v1", "laan-nedbetalt";
    Status, "no.dsve.status.v1", "svarer-i-epost";
    Status, "no.dsve.status.v1", "laan-solgt";
    Status, "no.dsve.status.v1", "feil";
    Status, "no.dsve.status.v1", "ugyldig-melding";
    Rejection, "innfri.rejection.v1", "feil-konto";
    Receipt, "innfri.receipt.v1", "videresendt";
];

/// The examples of one type; at least one.
pub fn examples_of(kind: MessageType) -> impl Iterator<Item = &'static Example> {
    EXAMPLES.iter().filter(move |example| example.message_type == kind)
}

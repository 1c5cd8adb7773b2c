//! dsve.xsd as tables: what stands where in each of the four messages. Reading and writing go by the
//! same tables, so that neither can know what the other does not.
//!
//! An element becomes the JSON field of the same name, a wrapper around repeated elements becomes a
//! list. The XSD's one misspelling (*akjse*) stays in XML alone.

use super::simple::Simple;
use crate::contract::MessageType;

/// One message: its root element and what it holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message {
    /// Which one.
    pub(super) kind: MessageType,
    /// The root element's name.
    pub(super) root: &'static str,
    /// What it holds.
    pub(super) record: &'static Record,
    /// A JSON field without an element: that the answer is given says that it is true.
    pub(super) implied: Option<&'static str>,
}

/// An element with attributes and children, each in its place.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) attributes: &'static [Attribute],
    pub(super) parts: &'static [Part],
}

/// An attribute; its JSON field bears the same name.
#[derive(Debug)]
pub(super) struct Attribute {
    pub(super) name: &'static str,
    pub(super) simple: Simple,
    pub(super) required: bool,
}

/// A place in an element's sequence.
#[derive(Debug)]
pub(super) enum Part {
    /// Exactly this child.
    One(Child),
    /// This child, or none.
    Maybe(Child),
    /// Exactly one of these children.
    Choice(&'static [Child]),
}

/// A child element and the JSON field it becomes.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) element: &'static str,
    pub(super) field: &'static str,
    pub(super) kind: Kind,
}

/// What an element holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// Text.
    Text(Simple),
    /// Attributes and children.
    Record(&'static Record),
    /// The same child again and again.
    List(&'static List),
}

/// The children of a wrapper.
#[derive(Debug)]
pub(super) struct List {
    pub(super) item: &'static str,
    pub(super) of: Kind,
    pub(super) min: usize,
    /// `None` for any number.
    pub(super) max: Option<usize>,
}

impl Part {
    /// The children that may stand in this place.
    pub(super) const fn children(&self) -> &[Child] {
        match self {
            Self::One(child) | Self::Maybe(child) => std::slice::from_ref(child),
            Self::Choice(children) => children,
        }
    }
}

/// The message of a type; `None` for those that have no XML.
pub(super) fn message(kind: MessageType) -> Option<&'static Message> {
    MESSAGES.iter().find(|message| message.kind == kind)
}

/// The message with this root element.
pub(super) fn message_of_root(root: &str) -> Option<&'static Message> {
    MESSAGES.iter().find(|message| message.root == root)
}

static MESSAGES: [Message; 4] = [
    Message {
        kind: MessageType::Restgjeldsforespoersel,
        root: "restgjeldsforespoersel",
        record: &RESTGJELDSFORESPOERSEL,
        implied: None,
    },
    Message {
        kind: MessageType::Restgjeldssvar,
        root: "restgjeldssvar",
        record: &RESTGJELDSSVAR,
        implied: Some("panterettSlettesVedInnfrielse"),
    },
    Message {
        kind: MessageType::Innfrielsessaldoforespoersel,
        root: "innfrielsessaldoforespoersel",
        record: &INNFRIELSESSALDOFORESPOERSEL,
        implied: None,
    },
    Message {
        kind: MessageType::Innfrielsessaldosvar,
        root: "innfrielsessaldosvar",
        record: &INNFRIELSESSALDOSVAR,
        implied: Some("panterettSlettesVedInnfrielse"),
    },
];

const fn child(element: &'static str, kind: Kind) -> Child {
    Child { element, field: element, kind }
}

const fn one(element: &'static str, kind: Kind) -> Part {
    Part::One(child(element, kind))
}

const fn maybe(element: &'static str, kind: Kind) -> Part {
    Part::Maybe(child(element, kind))
}

const fn renamed(element: &'static str, field: &'static str, kind: Kind) -> Part {
    Part::Maybe(Child { element, field, kind })
}

const fn needed(name: &'static str, simple: Simple) -> Attribute {
    Attribute { name, simple, required: true }
}

const fn optional(name: &'static str, simple: Simple) -> Attribute {
    Attribute { name, simple, required: false }
}

const TEXT: Kind = Kind::Text(Simple::Text);
const BOOLEAN: Kind = Kind::Text(Simple::Boolean);
const SHARE_NUMBER: Kind = Kind::Text(Simple::Integer { min: 0, max: u32::MAX as u64 });

static RESTGJELDSFORESPOERSEL: Record = Record {
    attributes: &[],
    parts: &[
        one("avsender", Kind::Record(&AVSENDER)),
        one("mottaker", Kind::Record(&MOTTAKER)),
        one("registerenheterMedHjemmelshavere", Kind::List(&PROPERTIES_WITH_OWNERS)),
        maybe("prisantydning", Kind::Text(Simple::Integer { min: 1, max: i32::MAX as u64 })),
    ],
};

static INNFRIELSESSALDOFORESPOERSEL: Record = Record {
    attributes: &[],
    parts: &[
        one("avsender", Kind::Record(&AVSENDER)),
        one("mottaker", Kind::Record(&MOTTAKER)),
        one("registerenheterMedHjemmelshavere", Kind::List(&PROPERTIES_WITH_OWNERS)),
        one(
            "innfrielsesdatoer",
            Kind::List(&List {
                item: "innfrielsesdato",
                of: Kind::Text(Simple::Date),
                min: 1,
                max: Some(4),
            }),
        ),
    ],
};

static RESTGJELDSSVAR: Record = Record {
    attributes: &[],
    parts: &[
        one("avsender", Kind::Record(&AVSENDER)),
        one("mottaker", Kind::Record(&MOTTAKER)),
        one(
            "laanliste",
            Kind::List(&List {
                item: "laan",
                of: Kind::Record(&RESTGJELDSLAAN),
                min: 1,
                max: None,
            }),
        ),
        one("registerenheterMedDokumentreferanser", Kind::List(&PROPERTIES_WITH_DOCUMENTS)),
        one("sperretForVidereOpplaan", BOOLEAN),
    ],
};

static INNFRIELSESSALDOSVAR: Record = Record {
    attributes: &[],
    parts: &[
        one("avsender", Kind::Record(&AVSENDER)),
        one("mottaker", Kind::Record(&MOTTAKER)),
        one(
            "laanliste",
            Kind::List(&List {
                item: "laan",
                of: Kind::Record(&INNFRIELSESLAAN),
                min: 1,
                max: None,
            }),
        ),
        one("registerenheterMedDokumentreferanser", Kind::List(&PROPERTIES_WITH_DOCUMENTS)),
    ],
};

static AVSENDER: Record = Record {
    attributes: &[needed("id", Simple::Organisation)],
    parts: &[
        one("foretaksnavn", TEXT),
        maybe("adresse", Kind::Record(&ADRESSE)),
        maybe("kontaktperson", Kind::Record(&KONTAKTPERSON)),
        one("referanse", TEXT),
        maybe("returnertil", Kind::Record(&ORGANISASJON)),
    ],
};

static MOTTAKER: Record = Record {
    attributes: &[needed("id", Simple::Organisation)],
    parts: &[
        one("foretaksnavn", TEXT),
        maybe("adresse", Kind::Record(&ADRESSE)),
        maybe("referanse", TEXT),
    ],
};

static ORGANISASJON: Record = Record {
    attributes: &[needed("id", Simple::Organisation)],
    parts: &[one("foretaksnavn", TEXT), maybe("adresse", Kind::Record(&ADRESSE))],
};

static ADRESSE: Record = Record {
    attributes: &[],
    parts: &[maybe("gatenavn", TEXT), one("postnummer", TEXT), one("poststed", TEXT)],
};

static KONTAKTPERSON: Record = Record {
    attributes: &[],
    parts: &[
        one("navn", TEXT),
        maybe("epost", TEXT),
        maybe("telefondirekte", TEXT),
        maybe("telefon", TEXT),
    ],
};

static PROPERTIES_WITH_OWNERS: List = List {
    item: "registerenhetMedHjemmelshavere",
    of: Kind::Record(&Record {
        attributes: &[],
        parts: &[
            Part::Choice(&PROPERTY),
            one(
                "hjemmelshavere",
                Kind::List(&List {
                    item: "hjemmelshaver",
                    of: Kind::Record(&HJEMMELSHAVER),
                    min: 1,
                    max: None,
                }),
            ),
        ],
    }),
    min: 1,
    max: None,
};

static PROPERTIES_WITH_DOCUMENTS: List = List {
    item: "registerenhetMedDokumentreferanse",
    of: Kind::Record(&Record {
        attributes: &[],
        parts: &[
            Part::Choice(&PROPERTY),
            one(
                "pantedokumentreferanser",
                Kind::List(&List {
                    item: "pantedokumentreferanse",
                    of: Kind::Record(&PANTEDOKUMENTREFERANSE),
                    min: 0,
                    max: None,
                }),
            ),
        ],
    }),
    min: 1,
    max: None,
};

static PROPERTY: [Child; 3] = [
    child("matrikkel", Kind::Record(&MATRIKKEL)),
    child("borettsandel", Kind::Record(&BORETTSANDEL)),
    child("aksjeleilighet", Kind::Record(&AKSJELEILIGHET)),
];

static MATRIKKEL: Record = Record {
    attributes: &[
        needed("kommunenavn", Simple::Text),
        needed("kommunenummer", Simple::Text),
        needed("gaardsnummer", Simple::Digits),
        needed("bruksnummer", Simple::Digits),
        optional("festenummer", Simple::Digits),
        optional("seksjonsnummer", Simple::Digits),
        needed("eiendomsnivaa", Simple::Level),
    ],
    parts: &[],
};

static BORETTSANDEL: Record = Record {
    attributes: &[
        needed("organisasjonsnummer", Simple::Organisation),
        needed("borettslagnavn", Simple::Text),
        needed("andelsnummer", Simple::Digits),
    ],
    parts: &[],
};

static AKSJELEILIGHET: Record = Record {
    attributes: &[
        needed("organisasjonsnummer", Simple::Organisation),
        needed("organisasjonsnavn", Simple::Text),
        needed("leilighetsnummer", Simple::Text),
    ],
    parts: &[one(
        "aksjeinformasjon",
        Kind::Record(&Record {
            attributes: &[],
            parts: &[
                renamed("akjsenummerFra", "aksjenummerFra", SHARE_NUMBER),
                renamed("akjsenummerTil", "aksjenummerTil", SHARE_NUMBER),
                maybe("paalydende", Kind::Text(Simple::Kroner)),
                maybe("antall", SHARE_NUMBER),
            ],
        }),
    )],
};

static HJEMMELSHAVER: Record = Record {
    attributes: &[],
    parts: &[Part::Choice(&[
        child("organisasjon", Kind::Record(&ORGANISASJON)),
        child(
            "person",
            Kind::Record(&Record {
                attributes: &[needed("id", Simple::NationalId)],
                parts: &[one("fornavn", TEXT), one("etternavn", TEXT)],
            }),
        ),
    ])],
};

static PANTEDOKUMENTREFERANSE: Record = Record {
    attributes: &[
        needed("dokumentnummer", Simple::Integer { min: 1, max: i32::MAX as u64 }),
        needed("dokumentaar", Simple::Integer { min: 0, max: 9999 }),
        needed("embetenummer", Simple::Integer { min: 1, max: 999 }),
        needed("rettsstiftelsesnummer", Simple::Integer { min: 1, max: i16::MAX as u64 }),
        optional("registreringstidspunkt", Simple::DateTime),
        optional("beloep", Simple::Kroner),
    ],
    parts: &[],
};

static LAANTAKERE: List = List { item: "navn", of: Kind::Text(Simple::Name), min: 0, max: None };

static RESTGJELDSLAAN: Record = Record {
    attributes: &[],
    parts: &[
        one("rammelaan", BOOLEAN),
        maybe("oevreGrenseRammelaan", Kind::Text(Simple::Double)),
        one("fastrente", BOOLEAN),
        one("realkausjon", BOOLEAN),
        one("laantakerIkkeHjemmelshaver", BOOLEAN),
        one("transporterklaering", BOOLEAN),
        one("laanenummer", TEXT),
        one("kontonummer", Kind::Text(Simple::Account)),
        maybe("kidnummer", Kind::Text(Simple::Kid)),
        maybe("betalingsmelding", TEXT),
        one("saldo", Kind::Text(Simple::Decimal)),
        one("laantakereHjemmelshaver", Kind::List(&LAANTAKERE)),
    ],
};

static INNFRIELSESLAAN: Record = Record {
    attributes: &[],
    parts: &[
        one("laantakerIkkeHjemmelshaver", BOOLEAN),
        one("transporterklaering", BOOLEAN),
        one("laanenummer", TEXT),
        one("kontonummer", Kind::Text(Simple::Account)),
        maybe("kidnummer", Kind::Text(Simple::Kid)),
        maybe("betalingsmelding", TEXT),
        one(
            "saldoerPerDato",
            Kind::List(&List {
                item: "saldoPerDato",
                of: Kind::Record(&Record {
                    attributes: &[],
                    parts: &[
                        one("beloep", Kind::Text(Simple::Double)),
                        one("dato", Kind::Text(Simple::Date)),
                    ],
                }),
                min: 1,
                max: Some(4),
            }),
        ),
        one("laantakereHjemmelshaver", Kind::List(&LAANTAKERE)),
    ],
};

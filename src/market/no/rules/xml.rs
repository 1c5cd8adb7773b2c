//! The form of a message in DSVE's own XML. These rules are raised by the bridge (`dsve::xml`), whose
//! findings point with the element's path, such as `/restgjeldssvar/laanliste/laan[2]/saldo`.

use super::{Level, RuleDoc};
use crate::kernel::RuleId;

/// The file is XML.
pub const NOT_XML: RuleDoc = RuleDoc {
    id: RuleId::new("INN-061"),
    title: "the file is well-formed XML",
    source: "XML 1.0, fifth edition, section 2.1; Namespaces in XML 1.0",
    level: Level::Error,
    no: "Filen er ikke gyldig XML.",
    en: "The file is not well-formed XML.",
    what_to_do: "Write the file with an XML library, and see that it is sent whole.",
};

/// No document type declaration and no entities.
pub const NO_DOCTYPE: RuleDoc = RuleDoc {
    id: RuleId::new("INN-062"),
    title: "no document type declaration and no entities of one's own",
    source: "innfri; entities can be made to grow without end, or to read other files",
    level: Level::Error,
    no: "Filen har en DOCTYPE eller egne entiteter, som ikke er tillatt.",
    en: "The file has a DOCTYPE or entities of its own, which are not allowed.",
    what_to_do: "Leave the DOCTYPE out. Only &amp; &lt; &gt; &quot; &apos; and numeric references may be used.",
};

/// The file is UTF-8.
pub const ENCODING: RuleDoc = RuleDoc {
    id: RuleId::new("INN-063"),
    title: "the XML file is UTF-8",
    source: "innfri; DSVE's files are UTF-8",
    level: Level::Error,
    no: "Filen er ikke kodet som UTF-8.",
    en: "The file is not encoded as UTF-8.",
    what_to_do: "Encode the file as UTF-8 and declare it so, or declare no encoding. A byte order mark may stand first.",
};

/// The file is within the limits.
pub const TOO_LARGE: RuleDoc = RuleDoc {
    id: RuleId::new("INN-064"),
    title: "the XML file is within the limits",
    source: "innfri, dsve::xml::XmlLimits",
    level: Level::Error,
    no: "Filen er større enn det som er tillatt.",
    en: "The file is larger than is allowed.",
    what_to_do: "Divide the message over several, or check the program that writes the file.",
};

/// The root element is a message that innfri carries.
pub const UNKNOWN_ROOT: RuleDoc = RuleDoc {
    id: RuleId::new("INN-065"),
    title: "the root element is a message that innfri carries",
    source: "dsve.xsd, restgjeldsforespoersel, restgjeldssvar, innfrielsessaldoforespoersel, innfrielsessaldosvar",
    level: Level::Error,
    no: "Rotelementet er ikke en av meldingene restgjeldsforespoersel, restgjeldssvar, innfrielsessaldoforespoersel og innfrielsessaldosvar.",
    en: "The root element is none of the messages restgjeldsforespoersel, restgjeldssvar, innfrielsessaldoforespoersel and innfrielsessaldosvar.",
    what_to_do: "Send one of the four messages; innfri carries no others.",
};

/// Elements are in no namespace.
pub const NAMESPACE: RuleDoc = RuleDoc {
    id: RuleId::new("INN-066"),
    title: "elements are in no namespace",
    source: "dsve.xsd, which has no target namespace",
    level: Level::Error,
    no: "Elementene skal ikke ha noe navnerom.",
    en: "The elements must not be in a namespace.",
    what_to_do: "Leave out xmlns and prefixes; xmlns:xsi with xsi:noNamespaceSchemaLocation may stay.",
};

/// Only known elements.
pub const UNKNOWN_ELEMENT: RuleDoc = RuleDoc {
    id: RuleId::new("INN-067"),
    title: "only known elements",
    source: "dsve.xsd",
    level: Level::Error,
    no: "Meldingen har et element som ikke finnes på dette stedet.",
    en: "The message has an element that does not belong in this place.",
    what_to_do: "Correct the spelling, capitals included, or leave the element out. Mind that DSVE writes akjsenummerFra and akjsenummerTil.",
};

/// Only known attributes.
pub const UNKNOWN_ATTRIBUTE: RuleDoc = RuleDoc {
    id: RuleId::new("INN-068"),
    title: "only known attributes",
    source: "dsve.xsd",
    level: Level::Error,
    no: "Meldingen har et attributt som ikke finnes på dette elementet.",
    en: "The message has an attribute that does not belong to this element.",
    what_to_do: "Correct the spelling, capitals included, or leave the attribute out.",
};

/// Required elements and attributes are there.
pub const MISSING: RuleDoc = RuleDoc {
    id: RuleId::new("INN-069"),
    title: "required elements and attributes are there",
    source: "dsve.xsd (minOccurs, use)",
    level: Level::Error,
    no: "Et påkrevd element eller attributt mangler.",
    en: "A required element or attribute is missing.",
    what_to_do: "Fill it in.",
};

/// Elements are not repeated more often than they may.
pub const REPEATED: RuleDoc = RuleDoc {
    id: RuleId::new("INN-070"),
    title: "elements are not repeated more often than they may",
    source: "dsve.xsd (maxOccurs)",
    level: Level::Error,
    no: "Et element er oppgitt for mange ganger.",
    en: "An element is given too many times.",
    what_to_do: "Give the element as often as the finding says.",
};

/// Elements stand in their order.
pub const ORDER: RuleDoc = RuleDoc {
    id: RuleId::new("INN-071"),
    title: "elements stand in their order",
    source: "dsve.xsd (xs:sequence)",
    level: Level::Error,
    no: "Et element står på feil plass i rekkefølgen.",
    en: "An element stands in the wrong place of the order.",
    what_to_do: "Put the elements in the order of dsve.xsd.",
};

/// Exactly one of several elements.
pub const EXACTLY_ONE: RuleDoc = RuleDoc {
    id: RuleId::new("INN-072"),
    title: "exactly one of several elements",
    source: "dsve.xsd (xs:choice)",
    level: Level::Error,
    no: "Nøyaktig ett av flere elementer må være med.",
    en: "Exactly one of several elements must be given.",
    what_to_do: "Keep the one element that says what the thing is, and leave the others out.",
};

/// No text between elements.
pub const STRAY_TEXT: RuleDoc = RuleDoc {
    id: RuleId::new("INN-073"),
    title: "no text between elements",
    source: "dsve.xsd",
    level: Level::Error,
    no: "Det står tekst der bare elementer hører hjemme.",
    en: "There is text where only elements belong.",
    what_to_do: "Take the text out, or write it as a comment.",
};

/// Values have the form of their type.
pub const VALUE: RuleDoc = RuleDoc {
    id: RuleId::new("INN-074"),
    title: "values in XML have the form of their type",
    source: "dsve.xsd (types); innfri where dsve.xsd takes any text for a number",
    level: Level::Error,
    no: "En verdi har feil form.",
    en: "A value has the wrong form.",
    what_to_do: "Write the value as the finding says. Numbers of farms, titles, leaseholds, sections and shares are digits alone, without spaces or leading zeros.",
};

/// Amounts are exact.
pub const AMOUNT: RuleDoc = RuleDoc {
    id: RuleId::new("INN-075"),
    title: "amounts in XML are exact",
    source: "dsve.xsd (xs:double, xs:decimal, xs:long); innfri: money is read as decimal",
    level: Level::Error,
    no: "Et beløp har feil form.",
    en: "An amount has the wrong form.",
    what_to_do: "Write digits, a point and at most two decimals, such as 1000.20; whole kroner where the finding says so. 1.5E3 is read as 1500, but INF, NaN and finer than øre are refused.",
};

/// Times can be placed on the clock.
pub const LOCAL_TIME: RuleDoc = RuleDoc {
    id: RuleId::new("INN-076"),
    title: "a time without an offset is one moment in Norway",
    source: "innfri; XML Schema part 2, dateTime: the offset may be left out",
    level: Level::Error,
    no: "Tidspunktet mangler forskyvning fra UTC, og det finnes ikke eller finnes to ganger i norsk tid.",
    en: "The time has no offset from UTC, and it does not exist or exists twice in Norwegian time.",
    what_to_do: "Write the offset, as in 2019-05-02T09:00:00+02:00. Without it the time is read as Norwegian.",
};

/// The message can be written as XML.
pub const NOT_WRITABLE: RuleDoc = RuleDoc {
    id: RuleId::new("INN-077"),
    title: "the message can be written as XML",
    source: "dsve.xsd; XML 1.0, section 2.2",
    level: Level::Error,
    no: "Meldingen kan ikke skrives som XML etter DSVE.",
    en: "The message cannot be written as DSVE's XML.",
    what_to_do: "Check the message with `innfri check`. Statuses and notices have no XML: a status travels in the manifest.",
};

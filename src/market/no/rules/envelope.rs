//! The envelope of a DSVE message: the ZIP file, its manifest, Altinn's property list. These rules are
//! raised by `dsve::archive`; what is in the XML is checked after it.

use super::{Level, RuleDoc};
use crate::kernel::RuleId;

/// The file is one whole ZIP archive.
pub const NO_ARCHIVE: RuleDoc = RuleDoc {
    id: RuleId::new("INN-080"),
    title: "the file is one whole ZIP archive",
    source: "DSVE, technical description (payload); APPNOTE.TXT 4.3",
    level: Level::Error,
    no: "Filen er ikke et helt og gyldig ZIP-arkiv.",
    en: "The file is not a whole, valid ZIP archive.",
    what_to_do: "Make the archive anew with a plain ZIP program: one volume, no ZIP64, nothing before or after it, no two entries on the same bytes.",
};

/// The archive is within the limits.
pub const ARCHIVE_TOO_LARGE: RuleDoc = RuleDoc {
    id: RuleId::new("INN-081"),
    title: "the archive is within the limits",
    source: "innfri, limits on archives",
    level: Level::Error,
    no: "ZIP-arkivet er for stort.",
    en: "The ZIP archive is too large.",
    what_to_do: "Send the message alone in the archive; a message of the usual kind is far below every limit.",
};

/// Names in the archive stay inside it.
pub const UNSAFE_NAME: RuleDoc = RuleDoc {
    id: RuleId::new("INN-082"),
    title: "names in the archive stay inside it",
    source: "innfri; APPNOTE.TXT 4.4.17",
    level: Level::Error,
    no: "En fil i ZIP-arkivet har et navn som ikke kan godtas.",
    en: "A file in the ZIP archive has a name that cannot be accepted.",
    what_to_do: "Give every file a plain name of its own, without .., backslashes, drive letters or a leading slash; no symbolic links.",
};

/// The message can be opened without a password.
pub const LOCKED: RuleDoc = RuleDoc {
    id: RuleId::new("INN-083"),
    title: "the message is stored or deflated, and not encrypted",
    source: "DSVE, technical description (payload)",
    level: Level::Error,
    no: "Meldingen i ZIP-arkivet er kryptert eller pakket på en måte som ikke støttes.",
    en: "The message in the ZIP archive is encrypted, or packed in a way that is not supported.",
    what_to_do: "Pack with Deflate or not at all, without a password: Altinn protects what is sent.",
};

/// The archive holds the message.
pub const NO_MESSAGE: RuleDoc = RuleDoc {
    id: RuleId::new("INN-084"),
    title: "the archive holds the message",
    source: "DSVE, technical description (payload, file names)",
    level: Level::Error,
    no: "ZIP-arkivet har ingen XML-fil med meldingens navn først, som restgjeldssvar_1.xml.",
    en: "The ZIP archive has no XML file that is named after its message, such as restgjeldssvar_1.xml.",
    what_to_do: "Let the name of the XML file begin with restgjeldsforespoersel, restgjeldssvar, innfrielsessaldoforespoersel or innfrielsessaldosvar, in any capitals, and end in .xml.",
};

/// The archive holds one message.
pub const SEVERAL_MESSAGES: RuleDoc = RuleDoc {
    id: RuleId::new("INN-085"),
    title: "the archive holds one message and one manifest",
    source: "DSVE, technical description (payload)",
    level: Level::Error,
    no: "ZIP-arkivet har flere meldinger eller flere manifester.",
    en: "The ZIP archive has several messages, or several manifests.",
    what_to_do: "Send each message in a file of its own.",
};

/// Other files are not read.
pub const OTHER_FILES: RuleDoc = RuleDoc {
    id: RuleId::new("INN-086"),
    title: "other files in the archive are not read",
    source: "DSVE, technical description (payload)",
    level: Level::Warning,
    no: "ZIP-arkivet har filer som ikke blir lest.",
    en: "The ZIP archive has files that are not read.",
    what_to_do: "Nothing, if the files do not matter. Attachments are not part of this exchange.",
};

/// The manifest can be read.
pub const NO_MANIFEST: RuleDoc = RuleDoc {
    id: RuleId::new("INN-087"),
    title: "the manifest can be read",
    source: "Altinn, BrokerServiceManifest",
    level: Level::Error,
    no: "manifest.xml kan ikke leses.",
    en: "manifest.xml cannot be read.",
    what_to_do: "Write manifest.xml as a BrokerServiceManifest, well-formed, in UTF-8 or UTF-16, without a document type.",
};

/// Manifest and property list agree.
pub const ENVELOPE_DIFFERS: RuleDoc = RuleDoc {
    id: RuleId::new("INN-088"),
    title: "the manifest says the same as Altinn's property list",
    source: "Altinn 3 Broker, propertyList; DSVE, technical description (manifest)",
    level: Level::Warning,
    no: "manifest.xml sier noe annet enn egenskapene i Altinn; egenskapene i Altinn gjelder.",
    en: "manifest.xml says something else than Altinn's property list; the property list counts.",
    what_to_do: "Write the same messageType, status and statusDescription in both.",
};

/// The content is what the envelope says.
pub const CONTENT_DIFFERS: RuleDoc = RuleDoc {
    id: RuleId::new("INN-089"),
    title: "the message is what the envelope says",
    source: "DSVE, technical description (messageType, file names)",
    level: Level::Error,
    no: "XML-filen er en annen melding enn navnet på filen eller messageType sier.",
    en: "The XML is another message than the name of its file or messageType says.",
    what_to_do: "Let messageType, the name of the XML file and its root element name the same message.",
};

/// The message is one of those that innfri carries.
pub const UNKNOWN_MESSAGE: RuleDoc = RuleDoc {
    id: RuleId::new("INN-090"),
    title: "the message is one of the four that innfri carries",
    source: "DSVE, technical description (messageType)",
    level: Level::Error,
    no: "messageType er ikke en av de fire meldingene om restgjeld og innfrielsessaldo.",
    en: "messageType is none of the four messages about restgjeld and innfrielsessaldo.",
    what_to_do: "Set messageType to Restgjeldsforespoersel, Restgjeldssvar, Innfrielsessaldoforespoersel or Innfrielsessaldosvar. Other DSVE messages go past innfri.",
};

/// The status is known.
pub const UNKNOWN_STATUS: RuleDoc = RuleDoc {
    id: RuleId::new("INN-091"),
    title: "the status is one of DSVE's five",
    source: "DSVE, technical description (status)",
    level: Level::Error,
    no: "status er ikke en av statusene i DSVE.",
    en: "status is none of those that DSVE has.",
    what_to_do: "Set status to RutetSuksessfullt, LaanNedbetalt, LaanSolgt, SvarerMedEpost or Feil.",
};

/// The version is one that innfri reads.
pub const VERSION: RuleDoc = RuleDoc {
    id: RuleId::new("INN-092"),
    title: "the message is of version 1",
    source: "DSVE, functional description (versions)",
    level: Level::Error,
    no: "Meldingen er av en versjon som ikke støttes; bare versjon 1 støttes.",
    en: "The message is of a version that is not supported; only version 1 is.",
    what_to_do: "Send version 1, or leave the version out of the manifest.",
};

/// A status has a text.
pub const STATUS_TEXT: RuleDoc = RuleDoc {
    id: RuleId::new("INN-093"),
    title: "a status has a text that can be shown to people",
    source: "DSVE, technical description (statusDescription)",
    level: Level::Warning,
    no: "statusDescription mangler, er for lang eller har tegn som ikke kan vises; teksten er tilpasset.",
    en: "statusDescription is missing, too long or has what cannot be shown; the text was adapted.",
    what_to_do: "Say in statusDescription what is wrong, in Norwegian, in at most 2000 characters, without national identity numbers.",
};

/// What is sent has a place in DSVE.
pub const NOT_IN_DSVE: RuleDoc = RuleDoc {
    id: RuleId::new("INN-094"),
    title: "what is sent through Altinn has a place in DSVE",
    source: "DSVE, technical description (messages)",
    level: Level::Error,
    no: "Meldingen har ingen plass i DSVE: bare forespørsler, svar og statuser på en kjent forespørsel har det.",
    en: "The message has no place in DSVE: only requests, answers and statuses to a known request have.",
    what_to_do: "For a status, say which request it answers; receipts and rejections stay with innfri.",
};

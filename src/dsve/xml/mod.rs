//! DSVE's XML: the same four messages as our JSON, both ways, without loss.
//!
//! [`read`] takes everything that is wrong with a file at once, as far as it is XML at all, and makes
//! the JSON of the typed message; whether the message follows our JSON Schemas and rules is for
//! [`crate::contract::Contract::check`] to say, as for any other channel. [`write`] makes a file that
//! follows dsve.xsd.
//!
//! What differs between the two forms:
//! - `akjsenummerFra` and `akjsenummerTil` in XML are `aksjenummerFra` and `aksjenummerTil` in JSON.
//! - `panterettSlettesVedInnfrielse` has no element: an answer as such says that it is true. An answer
//!   that says false is not written; such a bank answers with a status.
//! - Amounts in XML may have a sign, an exponent (`xs:double` alone) and as many zeros as they like;
//!   they are read as decimals, and written with two of them.
//! - A time without an offset is Norwegian; times are written in UTC.
//! - `kontaktperson` may be missing, which is a warning.

mod grammar;
mod moment;
mod path;
mod read;
mod scan;
mod sequence;
mod simple;
#[cfg(test)]
mod tests;
mod wording;
mod write;

use crate::contract::{Body, MessageType};
use crate::kernel::Finding;

pub use read::read;
pub use write::write;

/// How large a file may be, and how many findings are told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct XmlLimits {
    /// Bytes of the file.
    pub bytes: usize,
    /// Elements inside each other. No message has more than seven.
    pub depth: usize,
    /// Elements in all.
    pub elements: usize,
    /// Bytes of one text or attribute.
    pub text: usize,
    /// Findings that are reported; the rest are counted. Counts as at least 1.
    pub findings: usize,
}

impl Default for XmlLimits {
    fn default() -> Self {
        Self { bytes: 1024 * 1024, depth: 16, elements: 50_000, text: 4096, findings: 100 }
    }
}

/// A message that was read from XML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadXml {
    /// Its type, and the JSON of the typed message.
    pub body: Body,
    /// What is worth knowing and no error, such as that nobody is named as contact.
    pub notes: Vec<Finding>,
}

/// The message type that a file's root element names, whatever is wrong inside of it; `None` when the
/// file is larger than the default limit or not UTF-8, no XML up to there, or another message.
pub fn message_type_of(xml: &[u8]) -> Option<MessageType> {
    let mut scanner = scan::Scanner::new(xml, &XmlLimits::default()).ok()?;
    match scanner.next() {
        Ok(scan::Token::Open(root)) => grammar::message_of_root(&root.name).map(|it| it.kind),
        Ok(_) | Err(_) => None,
    }
}

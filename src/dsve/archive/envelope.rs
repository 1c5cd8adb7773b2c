//! From a file and its property list to one envelope, or everything that is wrong with it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::ArchiveLimits;
use super::contents::Contents;
use super::manifest::{self, Manifest};
use crate::contract::{Direction, MessageType};
use crate::dsve::name;
use crate::dsve::status::{DsveStatus, presentable};
use crate::kernel::{Finding, OrganisationId, Severity, has_errors};
use crate::market::no::rules::{RuleDoc, envelope};

/// The names under which a version may stand; the description gives none.
const VERSION_KEYS: [&str; 4] = ["version", "versjon", "messageversion", "meldingsversjon"];

/// What came in a file, before its XML is read. It has no `Debug`: the XML names people.
pub struct Envelope {
    /// Which message it is, by property list, manifest or the name of the XML file.
    pub message_type: Option<MessageType>,
    /// What an answer is.
    pub status: Option<DsveStatus>,
    /// What a status means, fit to show an end user; present whenever the status is a no.
    pub status_description: Option<String>,
    /// The sender's name for the transfer (`SendersReference`), where the manifest tells.
    pub senders_reference: Option<String>,
    /// Who sends (`Reportee`), where the manifest tells.
    pub reportee: Option<OrganisationId>,
    /// When it was sent, where the manifest tells with a time zone.
    pub sent_at: Option<Timestamp>,
    /// The version of the message; 1 is the only one that is read.
    pub version: u32,
    /// The message; absent exactly when the status is a no.
    pub xml: Option<XmlEntry>,
    /// What is worth telling although the file is taken.
    pub notes: Vec<Finding>,
}

/// The message's own file. It has no `Debug`: the XML names people.
pub struct XmlEntry {
    /// Its name in the archive.
    pub name: String,
    /// What is in it, as it was packed.
    pub bytes: Vec<u8>,
}

/// Opens a file that came with this property list (empty when there is none).
///
/// The property list counts before the manifest, and where it says no, before the file: what is in a
/// NACK's archive does not matter, and it may be no archive.
///
/// # Errors
/// Everything that is wrong, notes included, when anything is an error (INN-080 to INN-092).
pub fn open(
    zip: &[u8],
    properties: &BTreeMap<String, String>,
    limits: &ArchiveLimits,
) -> Result<Envelope, Vec<Finding>> {
    let mut found = Vec::new();
    let given = Properties::new(properties.iter().map(|(key, value)| (key.as_str(), value)));
    let mut contents = match Contents::of(zip, limits) {
        Ok(contents) => Some(contents),
        Err(finding) if given.says_no() => {
            found.push(noted(finding));
            None
        }
        Err(finding) => return Err(vec![finding]),
    };
    let manifest = match &mut contents {
        Some(contents) => read_manifest(contents, given.get("messagetype").is_some(), &mut found),
        None => Manifest::default(),
    };
    let stated =
        Properties::new(manifest.properties.iter().map(|(key, value)| (key.as_str(), value)));
    let mut said = read_properties(&given, &stated, &mut found);
    let xml = match contents {
        Some(contents) => message(contents, &mut said, &mut found),
        None => None,
    };
    if has_errors(&found) {
        return Err(found);
    }
    Ok(Envelope {
        message_type: said.message_type,
        status: said.status,
        status_description: said.description,
        reportee: manifest.reportee.as_deref().and_then(organisation),
        senders_reference: manifest.senders_reference,
        sent_at: manifest.sent_date.and_then(|text| text.parse().ok()),
        version: 1,
        xml,
        notes: found,
    })
}

/// Properties by their keys in small letters; empty values count as absent.
struct Properties<'a>(BTreeMap<String, &'a str>);

impl<'a> Properties<'a> {
    fn new(pairs: impl Iterator<Item = (&'a str, &'a String)>) -> Self {
        let pairs = pairs.map(|(key, value)| (key.trim().to_lowercase(), value.trim()));
        Self(pairs.filter(|(_, value)| !value.is_empty()).collect())
    }

    fn get(&self, key: &str) -> Option<&'a str> {
        self.0.get(key).copied()
    }

    fn says_no(&self) -> bool {
        let status = self.get("status").and_then(DsveStatus::of_word);
        status.is_some_and(|status| status.code().is_some())
    }
}

/// The envelope's own words.
struct Said {
    message_type: Option<MessageType>,
    status: Option<DsveStatus>,
    description: Option<String>,
}

fn read_properties(
    given: &Properties<'_>,
    stated: &Properties<'_>,
    found: &mut Vec<Finding>,
) -> Said {
    let message_type = one(
        ["messagetype"],
        (given, stated),
        (name::message_named, &envelope::UNKNOWN_MESSAGE),
        found,
    );
    let status =
        one(["status"], (given, stated), (DsveStatus::of_word, &envelope::UNKNOWN_STATUS), found);
    let version = |text: &str| text.parse::<u32>().ok().filter(|version| *version <= 1);
    one(VERSION_KEYS, (given, stated), (version, &envelope::VERSION), found);
    let written = given.get("statusdescription").or_else(|| stated.get("statusdescription"));
    let shown = written.and_then(presentable);
    let refusal = status.filter(|status| status.code().is_some());
    if refusal.is_some() && (written.is_none() || shown.as_deref() != written) {
        found.push(envelope::STATUS_TEXT.finding("/statusDescription"));
    }
    let description = shown.or_else(|| refusal.map(|status| status.text().to_owned()));
    Said { message_type, status, description }
}

/// What one property means, from the first place that has it. That both places mean the same is
/// checked; that one of them is not understood is an error wherever it counts.
fn one<T: PartialEq, const N: usize>(
    keys: [&'static str; N],
    (given, stated): (&Properties<'_>, &Properties<'_>),
    (meaning, rule): (impl Fn(&str) -> Option<T>, &RuleDoc),
    found: &mut Vec<Finding>,
) -> Option<T> {
    let of =
        |properties: &Properties<'_>| keys.iter().find_map(|key| properties.get(key)).map(&meaning);
    let (given, stated) = (of(given), of(stated));
    if given.is_some() && stated.is_some() && given != stated {
        found.push(envelope::ENVELOPE_DIFFERS.finding("/manifest.xml"));
    }
    let counts = given.or(stated)?;
    if counts.is_none() {
        found.push(rule.finding(""));
    }
    counts
}

/// The manifest, where there is one. One that cannot be read is an error, unless Altinn's list says
/// what matters.
fn read_manifest(contents: &mut Contents<'_>, told: bool, found: &mut Vec<Finding>) -> Manifest {
    let place = match contents.manifests.as_slice() {
        [] => return Manifest::default(),
        [place] => *place,
        _ => {
            found.push(envelope::SEVERAL_MESSAGES.finding("/manifest.xml"));
            return Manifest::default();
        }
    };
    let read = contents.unpack(place).and_then(|bytes| {
        manifest::read(&bytes).ok_or_else(|| envelope::NO_MANIFEST.finding("/manifest.xml"))
    });
    read.unwrap_or_else(|finding| {
        found.push(if told { noted(finding) } else { finding });
        Manifest::default()
    })
}

/// The message's XML, when the envelope does not say no; its name must fit what the envelope says.
fn message(
    mut contents: Contents<'_>,
    said: &mut Said,
    found: &mut Vec<Finding>,
) -> Option<XmlEntry> {
    if said.status.is_some_and(|status| status.code().is_some()) {
        if !contents.messages.is_empty() {
            found.push(envelope::OTHER_FILES.worded(
                "",
                "Avslaget har en melding vedlagt; den blir ikke lest.".to_owned(),
                "The refusal has a message enclosed; it is not read.".to_owned(),
            ));
        }
        return None;
    }
    let (place, named) = match contents.messages.as_slice() {
        [one] => *one,
        [] => {
            found.push(envelope::NO_MESSAGE.finding(""));
            return None;
        }
        _ => {
            found.push(envelope::SEVERAL_MESSAGES.finding(""));
            return None;
        }
    };
    if contents.others > 0 {
        let number = contents.others;
        found.push(envelope::OTHER_FILES.worded(
            "",
            format!("ZIP-arkivet har {number} fil(er) som ikke blir lest."),
            format!("The ZIP archive has {number} file(s) that are not read."),
        ));
    }
    if *said.message_type.get_or_insert(named) != named {
        found.push(envelope::CONTENT_DIFFERS.finding(""));
    }
    if named.direction() == Direction::Request {
        // A question is no answer, whatever its sender fills in.
        said.status = None;
        said.description = None;
    }
    match contents.unpack(place) {
        Ok(bytes) => Some(XmlEntry { name: contents.name(place), bytes }),
        Err(finding) => {
            found.push(finding);
            None
        }
    }
}

/// `Reportee` is a bare number, or one of the forms that Altinn 3 writes.
fn organisation(text: &str) -> Option<OrganisationId> {
    OrganisationId::norwegian(text.rsplit(':').next()?).ok()
}

/// A finding that does not stop the file.
fn noted(finding: Finding) -> Finding {
    Finding { alvorlighet: Severity::Warning, ..finding }
}

//! A file transfer as Altinn tells of it: identifier, statuses, parties, properties, and the limits of
//! what may be sent. What comes in is read tolerantly, what goes out is right before it is sent.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use md5::{Digest as _, Md5};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::kernel::OrganisationId;

/// A file transfer, as Altinn names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TransferId(Uuid);

/// Why a text is no transfer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not a file transfer: write its UUID")]
pub struct InvalidTransfer;

impl TransferId {
    /// The transfer with this UUID.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl fmt::Display for TransferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for TransferId {
    type Err = InvalidTransfer;

    fn from_str(text: &str) -> Result<Self, InvalidTransfer> {
        Uuid::try_parse(text.trim()).map(Self).map_err(|_| InvalidTransfer)
    }
}

macro_rules! statuses {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$each])* $variant,)+
            /// One that innfri does not know.
            Unknown,
        }

        impl $name {
            /// All that are known.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant,)+];

            /// As Altinn writes it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($variant),)+
                    Self::Unknown => "Unknown",
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
                let known = Self::KNOWN.iter().find(|one| one.as_str().eq_ignore_ascii_case(&text));
                Ok(known.copied().unwrap_or(Self::Unknown))
            }
        }
    };
}

statuses! {
    /// Where a transfer stands.
    TransferStatus {
        /// Made, without its file.
        Initialized,
        /// The file is on its way.
        UploadStarted,
        /// The file is there and is scanned for viruses.
        UploadProcessing,
        /// Receivers can fetch it.
        Published,
        /// Cancelled.
        Cancelled,
        /// Every receiver has confirmed it.
        AllConfirmedDownloaded,
        /// The file is deleted.
        Purged,
        /// It will never be published.
        Failed,
    }
}

statuses! {
    /// Where a transfer stands for one receiver.
    RecipientStatus {
        /// Not yet fetched.
        Initialized,
        /// Fetched, or begun to be.
        DownloadStarted,
        /// Confirmed.
        DownloadConfirmed,
    }
}

/// An organisation as Altinn writes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Party {
    /// As it was written.
    pub written: String,
    /// Which organisation that is; `None` when it is none that innfri can read.
    pub organisation: Option<OrganisationId>,
}

/// The two spellings of an organisation in Altinn: ISO 6523 (0192 is Enhetsregisteret), and a URN.
const SPELLINGS: [&str; 2] = ["0192:", "urn:altinn:organization:identifier-no:"];

impl Party {
    /// Reads both spellings, and a bare number.
    pub fn read(written: &str) -> Self {
        let text = written.trim();
        let number = SPELLINGS.iter().find_map(|spelling| {
            let (head, rest) = text.split_at_checked(spelling.len())?;
            head.eq_ignore_ascii_case(spelling).then_some(rest)
        });
        let organisation = OrganisationId::norwegian(number.unwrap_or(text)).ok();
        Self { written: written.to_owned(), organisation }
    }

    /// Whether it is this organisation.
    pub fn is(&self, organisation: &OrganisationId) -> bool {
        self.organisation.as_ref() == Some(organisation)
    }
}

impl<'de> Deserialize<'de> for Party {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
        Ok(Self::read(&written))
    }
}

impl Serialize for Party {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.written)
    }
}

/// An organisation as innfri writes it to Altinn.
pub(super) fn written(organisation: &OrganisationId) -> String {
    format!("0192:{}", organisation.number())
}

/// An MD5 sum, 32 lower-case hexadecimal digits: against damage, not against forgery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Checksum(String);

impl Checksum {
    /// The sum of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let digits = Md5::digest(bytes);
        Self(digits.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a transfer is, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// The transfer.
    #[serde(rename = "fileTransferId")]
    pub id: TransferId,
    /// The resource it was sent under.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub resource_id: String,
    /// The file's name.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub file_name: String,
    /// What the sender calls it.
    #[serde(default, rename = "sendersFileTransferReference", deserialize_with = "null_is_empty")]
    pub reference: String,
    /// The MD5 sum, where it is told.
    #[serde(default)]
    pub checksum: Option<String>,
    /// The file's size in bytes; 0 or absent while it is not known.
    #[serde(default, rename = "fileTransferSize")]
    pub size: Option<i64>,
    /// Where it stands.
    #[serde(rename = "fileTransferStatus")]
    pub status: TransferStatus,
    /// More about that, for people.
    #[serde(default, rename = "fileTransferStatusText", deserialize_with = "null_is_empty")]
    pub status_text: String,
    /// Since when it stands there.
    #[serde(default, rename = "fileTransferStatusChanged", deserialize_with = "lenient_time")]
    pub status_changed: Option<Timestamp>,
    /// When it was made.
    #[serde(default, deserialize_with = "lenient_time")]
    pub created: Option<Timestamp>,
    /// When it was published, where that is told.
    #[serde(default, deserialize_with = "lenient_time")]
    pub published: Option<Timestamp>,
    /// Who sent it.
    #[serde(default)]
    pub sender: Party,
    /// For whom it is.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub recipients: Vec<Recipient>,
    /// What the sender says of it.
    #[serde(default, rename = "propertyList", deserialize_with = "properties")]
    pub properties: BTreeMap<String, String>,
}

/// A receiver of a transfer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recipient {
    /// Who.
    #[serde(rename = "recipient")]
    pub party: Party,
    /// Where it stands for that receiver.
    #[serde(rename = "currentRecipientFileTransferStatusCode")]
    pub status: RecipientStatus,
}

/// A transfer with its history.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Details {
    /// The transfer.
    #[serde(flatten)]
    pub overview: Overview,
    /// Every status it has had.
    #[serde(default, rename = "fileTransferStatusHistory", deserialize_with = "null_is_empty")]
    pub history: Vec<Past>,
}

/// A status that a transfer has had.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Past {
    /// Which.
    #[serde(rename = "fileTransferStatus")]
    pub status: TransferStatus,
}

impl Overview {
    /// Where it stands for one receiver.
    pub fn status_for(&self, organisation: &OrganisationId) -> Option<RecipientStatus> {
        let own = self.recipients.iter().find(|one| one.party.is(organisation));
        own.map(|one| one.status)
    }
}

fn null_is_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A time that cannot be read is one that was not told: no file is held up by it.
fn lenient_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

fn properties<'de, D>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error>
where
    D: Deserializer<'de>,
{
    let read: Option<BTreeMap<String, Option<String>>> = Option::deserialize(deserializer)?;
    let read = read.unwrap_or_default().into_iter();
    Ok(read.map(|(key, value)| (key, value.unwrap_or_default())).collect())
}

/// Why something cannot be sent through Altinn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidParcel {
    /// Too many properties.
    #[error("a file has at most {} properties", PropertyList::MOST)]
    Properties,
    /// A property's name or value is too long, or the name is empty.
    #[error("the property `{0}`: a name has 1 to 50 characters and a value at most 3000")]
    Property(String),
    /// The file's name.
    #[error("a file name has 1 to 255 characters")]
    FileName,
    /// The sender's reference.
    #[error("a reference has 1 to 4096 characters")]
    Reference,
}

/// What is said of a file that is sent: at most 10 properties, names of 1 to 50 characters, values of at
/// most 3000.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct PropertyList(BTreeMap<String, String>);

impl PropertyList {
    /// Properties, at most.
    pub const MOST: usize = 10;
    /// Characters of a name, at most.
    pub const LONGEST_KEY: usize = 50;
    /// Characters of a value, at most.
    pub const LONGEST_VALUE: usize = 3000;

    /// The properties, when they keep the limits.
    ///
    /// # Errors
    /// The limit that is broken.
    pub fn new<K: Into<String>, V: Into<String>>(
        properties: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, InvalidParcel> {
        let list: BTreeMap<String, String> =
            properties.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        if list.len() > Self::MOST {
            return Err(InvalidParcel::Properties);
        }
        let fits = |key: &str, value: &str| {
            (1..=Self::LONGEST_KEY).contains(&length(key)) && length(value) <= Self::LONGEST_VALUE
        };
        match list.iter().find(|(key, value)| !fits(key, value)) {
            Some((key, _)) => {
                Err(InvalidParcel::Property(key.chars().take(Self::LONGEST_KEY).collect()))
            }
            None => Ok(Self(list)),
        }
    }
}

/// Characters as Altinn counts them: UTF-16 units.
fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// A file to be sent, with all that is said of it.
#[derive(Clone)]
pub struct Parcel {
    pub(super) file_name: String,
    pub(super) reference: String,
    pub(super) recipient: OrganisationId,
    pub(super) properties: PropertyList,
    pub(super) checksum: Checksum,
    pub(super) bytes: Vec<u8>,
}

impl fmt::Debug for Parcel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} bytes as {} to {}]", self.bytes.len(), self.reference, self.recipient)
    }
}

impl Parcel {
    /// A file for a receiver, with the reference by which it is found again.
    ///
    /// # Errors
    /// The limit that is broken.
    pub fn new(
        file_name: impl Into<String>,
        reference: impl Into<String>,
        recipient: OrganisationId,
        properties: PropertyList,
        bytes: Vec<u8>,
    ) -> Result<Self, InvalidParcel> {
        let (file_name, reference) = (file_name.into(), reference.into());
        if !(1..=255).contains(&length(&file_name)) {
            return Err(InvalidParcel::FileName);
        }
        if !(1..=4096).contains(&length(&reference)) {
            return Err(InvalidParcel::Reference);
        }
        let checksum = Checksum::of(&bytes);
        Ok(Self { file_name, reference, recipient, properties, checksum, bytes })
    }
}

#[cfg(test)]
#[path = "transfer_tests.rs"]
mod tests;

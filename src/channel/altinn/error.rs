//! What can go wrong with Altinn, by what the caller can do about it.

use std::path::PathBuf;
use std::time::Duration;

use crate::channel::outward::OutwardError;

/// Why the channel cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A setting that cannot be used.
    #[error("the setting `{name}`: {problem}")]
    Setting {
        /// Its key.
        name: &'static str,
        /// What is wrong, and what to do.
        problem: &'static str,
    },
    /// An address or a file of certificates is not right.
    #[error(transparent)]
    Outward(#[from] OutwardError),
    /// The key cannot be used.
    #[error("{}: {problem}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: &'static str,
    },
}

/// Why a call did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AltinnError {
    /// Nothing is wrong with the call: it can be made again, not before so long has passed if that is
    /// told. Whether this one had its effect is not known.
    #[error("to be tried again: {why}")]
    Retry {
        /// How long Altinn asks to wait.
        after: Option<Duration>,
        /// What happened.
        why: String,
    },
    /// It would be refused again.
    #[error("refused for good: {0}")]
    Refused(String),
    /// A person must set something right, here or with Altinn; until then every such call fails.
    #[error("{0}")]
    OperatorFault(Fault),
    /// There is no such transfer, or none that this organisation may see.
    #[error("there is no such file transfer, or the organisation may not see it")]
    NotFound,
    /// Its file was uploaded before.
    #[error("the file was uploaded before")]
    AlreadyUploaded,
    /// Its file cannot be fetched yet: it is still being scanned.
    #[error("the file is not ready to be downloaded")]
    NotReady,
    /// The file is larger than may be sent or read.
    #[error("the file is larger than allowed")]
    TooLarge,
    /// The bytes are not those that the checksum was made of.
    #[error("the checksum does not belong to the bytes")]
    ChecksumMismatch,
}

impl AltinnError {
    /// A failure of which nothing more is known than that it may pass.
    pub(super) fn passing(why: impl Into<String>) -> Self {
        Self::Retry { after: None, why: why.into() }
    }

    /// Something that a person must set right.
    pub(super) fn fault(missing: Missing, text: impl Into<String>) -> Self {
        Self::OperatorFault(Fault { missing, text: text.into() })
    }

    /// Whether the same may succeed later, without anybody doing anything.
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::Retry { .. } | Self::NotReady | Self::ChecksumMismatch => true,
            Self::Refused(_)
            | Self::OperatorFault(_)
            | Self::NotFound
            | Self::AlreadyUploaded
            | Self::TooLarge => false,
        }
    }

    /// How long Altinn asked to be left alone.
    pub const fn asked_wait(&self) -> Option<Duration> {
        match self {
            Self::Retry { after, .. } => *after,
            Self::Refused(_)
            | Self::OperatorFault(_)
            | Self::NotFound
            | Self::AlreadyUploaded
            | Self::NotReady
            | Self::TooLarge
            | Self::ChecksumMismatch => None,
        }
    }

    /// A code of low variety, for tables and metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Retry { .. } => "retry",
            Self::Refused(_) => "refused_for_good",
            Self::OperatorFault(_) => "operator_fault",
            Self::NotFound => "not_found",
            Self::AlreadyUploaded => "already_uploaded",
            Self::NotReady => "not_ready",
            Self::TooLarge => "too_large",
            Self::ChecksumMismatch => "checksum_mismatch",
        }
    }
}

/// What a person must set right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Fault {
    /// What is missing.
    pub missing: Missing,
    /// What is wrong, with which names, and where to get what is missing.
    pub text: String,
}

/// What is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// An address that leads to Altinn or Maskinporten.
    Address,
    /// A client, or a key of it, that Maskinporten knows.
    Client,
    /// A scope.
    Scope,
    /// A system user of the organisation.
    SystemUser,
    /// A resource that is set up for the broker.
    Resource,
    /// The organisation's right to the resource.
    Right,
    /// The receiver's place in the resource's access list.
    Receiver,
}

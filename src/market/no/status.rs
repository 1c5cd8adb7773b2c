//! Status: the outcome where no answer with amounts can be given, always with a text for people.

use serde::{Deserialize, Serialize};

use super::part::norwegian_number;
use crate::kernel::{Finding, OrganisationId};

/// A status, `no.dsve.status.v1`: from a bank, or from innfri itself (`FEIL` only).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Status {
    /// The bank that answers, or that was asked when innfri itself says no; absent only when the
    /// request did not say whom it was for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avsender: Option<StatusPart>,
    /// The asker; absent only when the request did not say who asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mottaker: Option<StatusPart>,
    /// The code.
    pub statuskode: Statuskode,
    /// Why, exactly when the code is `FEIL`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aarsak: Option<Aarsak>,
    /// What it means, in Norwegian, fit to show an end user; never empty.
    pub tekst: String,
    /// The findings, when the request was not accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub avvik: Vec<Finding>,
}

/// One side of a status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StatusPart {
    /// Organisation number.
    #[serde(with = "norwegian_number")]
    pub id: OrganisationId,
    /// Its reference, where known; for the asker, its `avsender.referanse`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referanse: Option<String>,
}

/// The four status codes (DSVE, functional description, *Deling av status og feilhåndtering*).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Statuskode {
    /// The loan is repaid; the lien is not yet deleted.
    LaanNedbetalt,
    /// The bank answers by e-mail.
    SvarerIEpost,
    /// The lien is sold or transferred to others.
    LaanSolgt,
    /// Anything else; see [`Aarsak`].
    Feil,
}

impl Statuskode {
    /// The code as it is written in messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LaanNedbetalt => "LAAN_NEDBETALT",
            Self::SvarerIEpost => "SVARER_I_EPOST",
            Self::LaanSolgt => "LAAN_SOLGT",
            Self::Feil => "FEIL",
        }
    }
}

/// Why a status is `FEIL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Aarsak {
    /// The bank has no lien on the property.
    FeilPanthaver,
    /// The owner's id is not one the bank knows for this property.
    UkjentPantsetter,
    /// The message was not acceptable; the findings say why.
    UgyldigMelding,
    /// The receiver does not take part.
    UkjentMottaker,
    /// The receiver does not take this kind of message.
    IkkeStoettet,
    /// The sender may not ask this.
    IkkeTillatt,
    /// The bank did not answer within the agreed time.
    IkkeSvartITide,
    /// Something broke.
    TekniskFeil,
}

impl Aarsak {
    /// The reason as it is written in messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FeilPanthaver => "FEIL_PANTHAVER",
            Self::UkjentPantsetter => "UKJENT_PANTSETTER",
            Self::UgyldigMelding => "UGYLDIG_MELDING",
            Self::UkjentMottaker => "UKJENT_MOTTAKER",
            Self::IkkeStoettet => "IKKE_STOETTET",
            Self::IkkeTillatt => "IKKE_TILLATT",
            Self::IkkeSvartITide => "IKKE_SVART_I_TIDE",
            Self::TekniskFeil => "TEKNISK_FEIL",
        }
    }
}

//! Restgjeld: what is still owed on loans secured by a property that is to be sold.

use serde::{Deserialize, Serialize};

use super::part::{
    Avsender, Betaling, Mottaker, RegisterenhetMedDokumentreferanse, RegisterenhetMedHjemmelshavere,
};
use crate::kernel::{AccountNumber, Amount, Kid};

/// The question, `no.dsve.restgjeldsforespoersel.v1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Restgjeldsforespoersel {
    /// Who asks.
    pub avsender: Avsender,
    /// The bank that is asked.
    pub mottaker: Mottaker,
    /// The properties, 1 or more, each with its owners.
    pub registerenheter_med_hjemmelshavere: Vec<RegisterenhetMedHjemmelshavere>,
    /// Price estimate in whole kroner, not binding; 1 or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prisantydning: Option<u64>,
}

/// The answer, `no.dsve.restgjeldssvar.v1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Restgjeldssvar {
    /// The bank.
    pub avsender: Avsender,
    /// The asker, with its reference.
    pub mottaker: Mottaker,
    /// The loans, 1 or more.
    pub laanliste: Vec<Restgjeldslaan>,
    /// The properties, among those asked about.
    pub registerenheter_med_dokumentreferanser: Vec<RegisterenhetMedDokumentreferanse>,
    /// Whether the lien is closed for further borrowing.
    pub sperret_for_videre_opplaan: bool,
    /// Whether the lien is deleted when the loans are paid off (functional table; no XML element).
    pub panterett_slettes_ved_innfrielse: bool,
}

/// One loan in a restgjeld answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Restgjeldslaan {
    /// Whether it is a framework loan.
    pub rammelaan: bool,
    /// The limit of a framework loan; present exactly then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oevre_grense_rammelaan: Option<Amount>,
    /// Whether the rate is fixed.
    pub fastrente: bool,
    /// Whether it is secured on a third party's property.
    pub realkausjon: bool,
    /// Whether there are borrowers who are not owners.
    pub laantaker_ikke_hjemmelshaver: bool,
    /// Whether it is a bridge loan against a transporterklæring.
    pub transporterklaering: bool,
    /// Loan number.
    pub laanenummer: String,
    /// Account to pay to.
    pub kontonummer: AccountNumber,
    /// Payment reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kidnummer: Option<Kid>,
    /// Payment message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub betalingsmelding: Option<String>,
    /// What is owed.
    pub saldo: Amount,
    /// Names of borrowers who are owners.
    pub laantakere_hjemmelshaver: Vec<String>,
}

impl Restgjeldslaan {
    /// Where and how the loan is paid off.
    pub fn betaling(&self) -> Betaling<'_> {
        Betaling {
            laanenummer: &self.laanenummer,
            kontonummer: &self.kontonummer,
            kidnummer: self.kidnummer.as_ref(),
            betalingsmelding: self.betalingsmelding.as_deref(),
            laantakere_hjemmelshaver: &self.laantakere_hjemmelshaver,
        }
    }
}

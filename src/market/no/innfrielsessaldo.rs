//! Innfrielsessaldo: the exact amounts that pay loans off on given dates.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::part::{
    Avsender, Betaling, Mottaker, RegisterenhetMedDokumentreferanse, RegisterenhetMedHjemmelshavere,
};
use crate::kernel::{AccountNumber, Amount, Kid};

/// The question, `no.dsve.innfrielsessaldoforespoersel.v1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Innfrielsessaldoforespoersel {
    /// Who asks.
    pub avsender: Avsender,
    /// The bank that is asked.
    pub mottaker: Mottaker,
    /// The properties, 1 or more, each with its owners.
    pub registerenheter_med_hjemmelshavere: Vec<RegisterenhetMedHjemmelshavere>,
    /// The assumed payoff dates, 1 to 4, all different.
    pub innfrielsesdatoer: Vec<Date>,
}

/// The answer, `no.dsve.innfrielsessaldosvar.v1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Innfrielsessaldosvar {
    /// The bank.
    pub avsender: Avsender,
    /// The asker, with its reference.
    pub mottaker: Mottaker,
    /// The loans, 1 or more.
    pub laanliste: Vec<Innfrielseslaan>,
    /// The properties, among those asked about.
    pub registerenheter_med_dokumentreferanser: Vec<RegisterenhetMedDokumentreferanse>,
    /// Whether the lien is deleted when the loans are paid off (functional table; no XML element).
    pub panterett_slettes_ved_innfrielse: bool,
}

/// One loan in an innfrielsessaldo answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Innfrielseslaan {
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
    /// The amounts, 1 to 4; the bank may choose other or fewer dates than were asked.
    pub saldoer_per_dato: Vec<SaldoPerDato>,
    /// Names of borrowers who are owners.
    pub laantakere_hjemmelshaver: Vec<String>,
}

/// What pays the loan off on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SaldoPerDato {
    /// The amount, interest and fees included.
    pub beloep: Amount,
    /// The day.
    pub dato: Date,
}

impl Innfrielseslaan {
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

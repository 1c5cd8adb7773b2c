//! The loan book: what the built-in bank knows of itself and of its loans.
//!
//! The types are the file: one TOML table is one struct, and a key that is not known is an error.
//! Properties, mortgage documents and the contact person are written as in the messages.
//! None of the types shows names, numbers or amounts in `Debug`.

use std::fmt;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Deserialize;
use toml::Spanned;

use super::interest::DayCount;
use crate::kernel::{AccountNumber, Amount, Kid, NationalId, OrganisationId};
use crate::market::no::part::{Kontaktperson, Pantedokumentreferanse, Registerenhet};

/// A bank and its loans. Made by [`LoanBook::load`] or [`LoanBook::parse`], and valid from then on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoanBook {
    /// The bank.
    pub bank: Bank,
    /// Its loans, each with its place in the file.
    #[serde(default)]
    pub(super) loans: Vec<Spanned<Loan>>,
}

impl LoanBook {
    /// The loans, in the order of the file.
    pub fn loans(&self) -> impl Iterator<Item = &Loan> {
        self.loans.iter().map(Spanned::get_ref)
    }
}

impl fmt::Debug for LoanBook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoanBook")
            .field("organisation", &self.bank.organisation)
            .field("loans", &self.loans.len())
            .finish_non_exhaustive()
    }
}

/// The bank that answers (`[bank]`).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bank {
    /// Its number, such as `NO:918190937`.
    pub organisation: OrganisationId,
    /// Its name.
    pub name: String,
    /// Whom to ask about an answer.
    pub contact: Kontaktperson,
    /// How many days ahead a payoff of a fixed-rate loan can be worked out; 14 unless told. Over-
    /// and underkurs follow the market, so the bank answers later dates by hand.
    #[serde(default = "default_days_ahead")]
    pub fixed_rate_days_ahead: u16,
    /// Whether the bank confirms in its answers that the lien is closed for further borrowing
    /// (`sperretForVidereOpplaan`); true unless told.
    #[serde(default = "default_closed")]
    pub sperret_for_videre_opplaan: bool,
}

const fn default_days_ahead() -> u16 {
    14
}

const fn default_closed() -> bool {
    true
}

/// One loan (`[[loans]]`).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loan {
    /// Loan number; each is in the book once.
    pub number: String,
    /// Account to pay to.
    pub account: AccountNumber,
    /// Payment reference; not together with a message.
    pub kid: Option<Kid>,
    /// Payment message; not together with a KID.
    pub message: Option<String>,
    /// What it is secured on; 1 or more.
    pub security: Vec<Security>,
    /// Who owes it; 1 or more.
    pub borrowers: Vec<Borrower>,
    /// What is owed without interest (for a framework loan: the used credit), in kroner.
    pub balance: Amount,
    /// The day the balance is from. Nothing is said about days before it.
    #[serde(with = "toml_date")]
    pub balance_date: Date,
    /// Nominal rate in percent a year: 0 to 100, at most six decimals.
    #[serde(deserialize_with = "exact_decimal")]
    pub rate_percent: Decimal,
    /// How the days of interest are counted.
    pub day_count: DayCount,
    /// The first day for which interest is still owed.
    #[serde(with = "toml_date")]
    pub interest_since: Date,
    /// What a payoff costs beside debt and interest.
    #[serde(default)]
    pub fees: Fees,
    /// Present for a framework loan (rammelån).
    pub rammelaan: Option<Rammelaan>,
    /// The last day of a fixed rate; absent for a floating one.
    #[serde(default, deserialize_with = "optional_toml_date")]
    pub fastrente_until: Option<Date>,
    /// Whether it is secured on a third party's property.
    #[serde(default)]
    pub realkausjon: bool,
    /// Whether it is a bridge loan against a transporterklæring.
    #[serde(default)]
    pub transporterklaering: bool,
    /// Whether it is repaid and only the lien is left.
    #[serde(default)]
    pub repaid: bool,
    /// To whom the loan was sold or transferred, as the asker may be told.
    pub sold_to: Option<String>,
    /// Whether the bank answers for this loan by e-mail.
    #[serde(default)]
    pub answered_by_hand: bool,
}

impl Loan {
    /// Whether the rate is fixed on a day: the fixed term has not run out.
    pub fn is_fixed_on(&self, day: Date) -> bool {
        self.fastrente_until.is_some_and(|until| day <= until)
    }

    /// The upper limit of a framework loan after the bank's answer: the used credit when the unused
    /// part is closed, else the agreed limit (DSVE, functional description, *Rammelån*).
    pub fn oevre_grense(&self) -> Option<Amount> {
        self.rammelaan.as_ref().map(|rammelaan| match rammelaan.closed_on_request {
            true => self.balance,
            false => rammelaan.limit,
        })
    }
}

/// A property that secures a loan, with its owners and the registered mortgage (`[[loans.security]]`).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Security {
    /// The property, as in the messages: `matrikkel`, `borettsandel` or `aksjeleilighet`.
    pub property: Registerenhet,
    /// The owners who gave the mortgage; 1 or more.
    pub owners: Vec<Owner>,
    /// The registered mortgage documents; none is only usual for a flat in a housing company.
    #[serde(default)]
    pub documents: Vec<Pantedokumentreferanse>,
}

/// An owner of a property: a person or an organisation, never both.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// A person's fødselsnummer or D-nummer.
    pub national_id: Option<NationalId>,
    /// An organisation.
    pub organisation: Option<OrganisationId>,
    /// First and family name, or the organisation's name.
    pub name: String,
}

/// Somebody who owes a loan.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Borrower {
    /// First and family name, or the organisation's name.
    pub name: String,
    /// Whether the borrower owns the property; only such a borrower is ever named in an answer.
    pub owner: bool,
}

/// What a payoff costs beside debt and interest, in kroner.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fees {
    /// For the payoff itself (innfrielsesgebyr).
    #[serde(default = "no_money")]
    pub payoff: Amount,
    /// For ending the agreement (termineringsgebyr, or a fixed rate's overkurs as last worked out).
    #[serde(default = "no_money")]
    pub termination: Amount,
}

impl Default for Fees {
    fn default() -> Self {
        Self { payoff: Amount::ZERO, termination: Amount::ZERO }
    }
}

const fn no_money() -> Amount {
    Amount::ZERO
}

/// The terms of a framework loan.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rammelaan {
    /// The agreed limit, in kroner; at least the balance.
    pub limit: Amount,
    /// Whether the bank closes the unused credit when it is asked about the loan.
    pub closed_on_request: bool,
}

/// Reads a TOML date, which is written without quotes.
mod toml_date {
    use jiff::civil::Date;
    use serde::{Deserialize as _, Deserializer, de::Error as _};
    use toml::value::Datetime;

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Date, D::Error> {
        // The library's own message would quote what stands there instead.
        const FORM: &str = "expected a date without quotes, such as 2026-01-31";
        let Datetime { date: Some(date), time: None, offset: None } =
            Datetime::deserialize(from).map_err(|_| D::Error::custom(FORM))?
        else {
            return Err(D::Error::custom(FORM));
        };
        let parts = (i16::try_from(date.year), i8::try_from(date.month), i8::try_from(date.day));
        let (Ok(year), Ok(month), Ok(day)) = parts else { return Err(D::Error::custom(FORM)) };
        Date::new(year, month, day).map_err(|_| D::Error::custom(FORM))
    }
}

fn optional_toml_date<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Date>, D::Error> {
    toml_date::deserialize(from).map(Some)
}

/// Reads a decimal number from a text; a bare TOML number would come through a float.
fn exact_decimal<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Decimal, D::Error> {
    let text = String::deserialize(from)?;
    Decimal::from_str_exact(&text).map_err(|_| {
        serde::de::Error::custom("expected a decimal number in quotes, such as \"5.25\"")
    })
}

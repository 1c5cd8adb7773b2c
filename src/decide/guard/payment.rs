//! The payment guard: a payoff goes only to an account of the bank that answers.
//!
//! The first four digits of an account are its bank's register number; the directory lists which
//! belong to which bank, and which others a bank has explicitly approved.
//!
//! Of a bank that is known from AKELDO alone, no register numbers are known. Were its answers stopped, no
//! answer would ever come from it; were they passed on unseen, anything would pass. So an account that the
//! directory knows for another bank's is stopped; any other passes, since Altinn has signed the bank in, and
//! the case records that it could not be compared. Once the file lists the bank with its register
//! numbers, it is held to them like any other.

use super::Stop;
use crate::case::Event;
use crate::contract::Answer;
use crate::directory::{Directory, Participant};
use crate::kernel::{Finding, OrganisationId, RegisterNumber};
use crate::market::no::rules::way;

/// What the directory knows of an account.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Account {
    /// The bank's own, or approved by it.
    Own,
    /// Nobody can tell whose it is.
    Unknown,
    /// Not the bank's.
    Foreign,
}

/// Checks every account of an answer against the answering bank. A bank that is not in the directory
/// (any more) has no accounts.
pub fn check(answer: &Answer, bank: &OrganisationId, directory: &Directory) -> Option<Stop> {
    let doubtful: Vec<(usize, RegisterNumber)> = accounts(answer, bank, directory)
        .filter(|(_, _, account)| *account == Account::Foreign)
        .map(|(loan, number, _)| (loan, number))
        .collect();
    let findings: Vec<Finding> = doubtful
        .iter()
        .map(|(loan, number)| {
            way::ACCOUNT_NOT_OF_BANK.worded(
                format!("/laanliste/{loan}/kontonummer"),
                format!(
                    "Kontonummeret tilhører ikke banken som svarer (registernummer {number}). \
                     Svaret er stanset."
                ),
                format!(
                    "Register number {number} is not listed for the answering bank, nor approved."
                ),
            )
        })
        .collect();
    let register_numbers = doubtful.into_iter().map(|(_, number)| number).collect();
    (!findings.is_empty())
        .then_some(Stop { findings, alert: Event::PaymentAlert { register_numbers } })
}

/// What is recorded on the case when accounts of an answer that [`check`] lets through could not be
/// compared with anything.
pub fn not_compared(
    answer: &Answer,
    bank: &OrganisationId,
    directory: &Directory,
) -> Option<Event> {
    let mut register_numbers: Vec<RegisterNumber> = accounts(answer, bank, directory)
        .filter(|(_, _, account)| *account == Account::Unknown)
        .map(|(_, number, _)| number)
        .collect();
    register_numbers.sort();
    register_numbers.dedup();
    (!register_numbers.is_empty()).then_some(Event::AccountsNotCompared { register_numbers })
}

/// Each loan's place, register number, and what is known of it.
fn accounts<'a>(
    answer: &'a Answer,
    bank: &'a OrganisationId,
    directory: &'a Directory,
) -> impl Iterator<Item = (usize, RegisterNumber, Account)> + 'a {
    let found = directory.participant(bank).map(AsRef::as_ref);
    answer.betalinger().into_iter().enumerate().map(move |(loan, betaling)| {
        let number = betaling.kontonummer.register_number();
        let account = account(&number, found, directory);
        (loan, number, account)
    })
}

fn account(number: &RegisterNumber, bank: Option<&Participant>, directory: &Directory) -> Account {
    match bank {
        Some(bank) if bank.takes_payment_at(number) => Account::Own,
        Some(bank) if !bank.has_known_accounts() && directory.owner_of(number).is_none() => {
            Account::Unknown
        }
        Some(_) | None => Account::Foreign,
    }
}

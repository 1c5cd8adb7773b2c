//! The payment guard: a payoff goes only to an account of the bank that answers.
//!
//! The first four digits of an account are its bank's register number; the directory lists which
//! belong to which bank, and which others a bank has explicitly approved.

use super::Stop;
use crate::case::Event;
use crate::contract::Answer;
use crate::directory::Participant;
use crate::kernel::{Finding, RegisterNumber};
use crate::market::no::rules::way;

/// Checks every account of an answer against the answering bank. A bank that is not in the directory
/// (any more) has no accounts.
pub fn check(answer: &Answer, bank: Option<&Participant>) -> Option<Stop> {
    let doubtful: Vec<(usize, RegisterNumber)> = answer
        .betalinger()
        .iter()
        .map(|betaling| betaling.kontonummer.register_number())
        .enumerate()
        .filter(|(_, number)| !bank.is_some_and(|bank| bank.takes_payment_at(number)))
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

//! The content-based router: to whom a request goes, and to whom its outcome, or why it may not go.

use crate::contract::Request;
use crate::directory::{Handler, Participant, Role};
use crate::kernel::{ChannelName, Finding, OrganisationId};
use crate::market::no::status::Aarsak;

use super::Context;
use crate::market::no::rules::{RuleDoc, way};

/// Where a request and its outcome go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The bank that is asked.
    pub bank: OrganisationId,
    /// Its name, for texts.
    pub bank_name: String,
    /// Who gets the outcome: `returnertil`, else the asker.
    pub reply_to: OrganisationId,
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reason for the status.
    pub aarsak: Aarsak,
    /// What is wrong and what to do, in Norwegian, fit for an end user.
    pub tekst: String,
    /// Everything that was found.
    pub findings: Vec<Finding>,
}

impl Refusal {
    /// The refusal of a message that did not pass its check.
    pub fn unacceptable(findings: Vec<Finding>) -> Self {
        let tekst = match findings.len() {
            1 => "Forespørselen kunne ikke behandles. Ett avvik er funnet; se avvikslisten.".into(),
            n => {
                format!("Forespørselen kunne ikke behandles. {n} avvik er funnet; se avvikslisten.")
            }
        };
        Self { aarsak: Aarsak::UgyldigMelding, tekst, findings }
    }

    fn of(aarsak: Aarsak, rule: &RuleDoc, pointer: &str, tekst: String) -> Self {
        Self { aarsak, findings: vec![rule.finding(pointer)], tekst }
    }
}

/// Routes a request by what it says and what the directory allows.
///
/// Sources: DSVE functional description, *Forutsetninger* (requests go to the bank, never to its
/// covered-bond company) and *Innfrielsessaldo* (bankbytte).
///
/// # Errors
/// The refusal, with a text that says whom to ask instead where that is known.
pub fn route(
    sender: &OrganisationId,
    request: &Request,
    channel: ChannelName,
    context: &Context<'_>,
) -> Result<Route, Refusal> {
    let kind = request.message_type();
    let may_send =
        context.directory.participant(sender).is_some_and(|asker| asker.sends.contains(&kind));
    if !may_send {
        return Err(Refusal::of(
            Aarsak::IkkeTillatt,
            &way::SENDER_MAY_NOT_SEND,
            "/avsender/id",
            "Avsenderen har ikke tilgang til å sende denne typen forespørsel.".into(),
        ));
    }
    let bank = receiver(request, context)?;
    // innfri is no way from one member of DSVE to another: they reach each other.
    if channel == ChannelName::Altinn && bank.handler == Handler::Altinn {
        return Err(Refusal::of(
            Aarsak::IkkeStoettet,
            &way::RECEIVER_DOES_NOT_TAKE,
            "/mottaker/id",
            format!("{} nås ikke gjennom denne mottakeren. Send direkte til banken.", bank.name),
        ));
    }
    if !bank.receives.contains(&kind) {
        return Err(Refusal::of(
            Aarsak::IkkeStoettet,
            &way::RECEIVER_DOES_NOT_TAKE,
            "/mottaker/id",
            format!("{} tar ikke imot denne typen forespørsel. Ta kontakt direkte.", bank.name),
        ));
    }
    Ok(Route {
        bank: bank.id.clone(),
        bank_name: bank.name.clone(),
        reply_to: reply_to(sender, request, context)?,
    })
}

fn receiver<'a>(
    request: &Request,
    context: &Context<'a>,
) -> Result<&'a std::sync::Arc<Participant>, Refusal> {
    let Some(found) = context.directory.participant(&request.mottaker().id) else {
        return Err(Refusal::of(
            Aarsak::UkjentMottaker,
            &way::RECEIVER_UNKNOWN,
            "/mottaker/id",
            "Mottakeren er ikke tilknyttet tjenesten. Kontroller organisasjonsnummeret.".into(),
        ));
    };
    match &found.role {
        Role::Bank => Ok(found),
        Role::CoveredBondCompany { parent } => {
            let name = context.directory.participant(parent).map_or("", |bank| bank.name.as_str());
            Err(Refusal::of(
                Aarsak::IkkeStoettet,
                &way::COVERED_BOND_COMPANY,
                "/mottaker/id",
                format!(
                    "{} er et boligkredittforetak. Send forespørselen til banken: {name} ({}).",
                    found.name,
                    parent.number()
                ),
            ))
        }
        Role::EstateAgency => Err(Refusal::of(
            Aarsak::IkkeStoettet,
            &way::RECEIVER_DOES_NOT_TAKE,
            "/mottaker/id",
            format!("{} er ikke en bank og kan ikke svare på forespørselen.", found.name),
        )),
    }
}

fn reply_to(
    sender: &OrganisationId,
    request: &Request,
    context: &Context<'_>,
) -> Result<OrganisationId, Refusal> {
    match &request.avsender().returnertil {
        None => Ok(sender.clone()),
        Some(other) if context.directory.participant(&other.id).is_some() => Ok(other.id.clone()),
        Some(_) => Err(Refusal::of(
            Aarsak::UgyldigMelding,
            &way::RECEIVER_UNKNOWN,
            "/avsender/returnertil/id",
            "Svaret kan ikke sendes dit: organisasjonen er ikke tilknyttet tjenesten.".into(),
        )),
    }
}

//! The rules of each message type, in the order of the message.

use super::place::Place;
use super::{Sink, loan, number, payoff, property, situation, text};
use crate::kernel::{Environment, Finding, PaymentWindow};
use crate::market::no::innfrielsessaldo::{Innfrielsessaldoforespoersel, Innfrielsessaldosvar};
use crate::market::no::part::{
    Adresse, Avsender, Hjemmelshaver, Mottaker, Organisasjon, RegisterenhetMedDokumentreferanse,
    RegisterenhetMedHjemmelshavere,
};
use crate::market::no::restgjeld::{Restgjeldsforespoersel, Restgjeldssvar};
use crate::market::no::status::{Status, StatusPart};

/// What is wrong with a restgjeld request.
pub fn restgjeldsforespoersel(
    request: &Restgjeldsforespoersel,
    environment: Environment,
) -> Vec<Finding> {
    let mut sink = Sink::new(environment);
    sender(&mut sink, &request.avsender);
    receiver(&mut sink, &request.mottaker);
    asked(&mut sink, &request.registerenheter_med_hjemmelshavere);
    sink.findings
}

/// What is wrong with an innfrielsessaldo request; its dates must lie in the window.
pub fn innfrielsessaldoforespoersel(
    request: &Innfrielsessaldoforespoersel,
    environment: Environment,
    window: &PaymentWindow,
) -> Vec<Finding> {
    let mut sink = Sink::new(environment);
    sender(&mut sink, &request.avsender);
    receiver(&mut sink, &request.mottaker);
    asked(&mut sink, &request.registerenheter_med_hjemmelshavere);
    payoff::asked(&mut sink, &request.innfrielsesdatoer, window);
    sink.findings
}

/// What is wrong with a restgjeld answer, whatever was asked.
pub fn restgjeldssvar(answer: &Restgjeldssvar, environment: Environment) -> Vec<Finding> {
    let mut sink = Sink::new(environment);
    sender(&mut sink, &answer.avsender);
    receiver(&mut sink, &answer.mottaker);
    let list = Place::at("laanliste");
    for (number, laan) in answer.laanliste.iter().enumerate() {
        let place = list.item(number);
        loan::limit(&mut sink, laan.rammelaan, laan.oevre_grense_rammelaan, laan.saldo, &place);
        loan::payment(&mut sink, &laan.betaling(), &place);
    }
    loan::numbers(&mut sink, answer.laanliste.iter().map(|laan| laan.laanenummer.as_str()));
    answered(&mut sink, &answer.registerenheter_med_dokumentreferanser);
    loan::lien(&mut sink, answer.panterett_slettes_ved_innfrielse);
    sink.findings
}

/// What is wrong with an innfrielsessaldo answer, whatever was asked. Its dates may be any: the bank
/// chooses them.
pub fn innfrielsessaldosvar(
    answer: &Innfrielsessaldosvar,
    environment: Environment,
) -> Vec<Finding> {
    let mut sink = Sink::new(environment);
    sender(&mut sink, &answer.avsender);
    receiver(&mut sink, &answer.mottaker);
    let list = Place::at("laanliste");
    for (number, laan) in answer.laanliste.iter().enumerate() {
        let place = list.item(number);
        loan::payment(&mut sink, &laan.betaling(), &place);
        payoff::answered(&mut sink, &laan.saldoer_per_dato, &place);
    }
    loan::numbers(&mut sink, answer.laanliste.iter().map(|laan| laan.laanenummer.as_str()));
    answered(&mut sink, &answer.registerenheter_med_dokumentreferanser);
    loan::lien(&mut sink, answer.panterett_slettes_ved_innfrielse);
    sink.findings
}

/// What is wrong with a status that comes from a bank.
pub fn status(status: &Status, environment: Environment) -> Vec<Finding> {
    let mut sink = Sink::new(environment);
    side(&mut sink, status.avsender.as_ref(), "avsender");
    side(&mut sink, status.mottaker.as_ref(), "mottaker");
    situation::reason(&mut sink, status.statuskode, status.aarsak);
    text::free_text(&mut sink, &status.tekst, Place::at("tekst"));
    let list = Place::at("avvik");
    for (number, finding) in status.avvik.iter().enumerate() {
        let place = list.item(number);
        text::free_text(&mut sink, &finding.peker, place.field("peker"));
        text::free_text(&mut sink, &finding.tekst, place.field("tekst"));
        text::free_text(&mut sink, &finding.text, place.field("text"));
    }
    sink.findings
}

fn sender(sink: &mut Sink, it: &Avsender) {
    let place = Place::at("avsender");
    number::organisation(sink, &it.id, place.field("id"));
    text::free_text(sink, &it.foretaksnavn, place.field("foretaksnavn"));
    address(sink, it.adresse.as_ref(), &place);
    if let Some(person) = &it.kontaktperson {
        let contact = place.field("kontaktperson");
        text::free_text(sink, &person.navn, contact.field("navn"));
        text::optional(sink, person.epost.as_ref(), contact.field("epost"));
        text::optional(sink, person.telefondirekte.as_ref(), contact.field("telefondirekte"));
        text::optional(sink, person.telefon.as_ref(), contact.field("telefon"));
    }
    text::free_text(sink, &it.referanse, place.field("referanse"));
    if let Some(organisation) = &it.returnertil {
        self::organisation(sink, organisation, &place.field("returnertil"));
    }
}

fn receiver(sink: &mut Sink, it: &Mottaker) {
    let place = Place::at("mottaker");
    number::organisation(sink, &it.id, place.field("id"));
    text::free_text(sink, &it.foretaksnavn, place.field("foretaksnavn"));
    address(sink, it.adresse.as_ref(), &place);
    text::optional(sink, it.referanse.as_ref(), place.field("referanse"));
}

fn organisation(sink: &mut Sink, it: &Organisasjon, place: &Place<'_>) {
    number::organisation(sink, &it.id, place.field("id"));
    text::free_text(sink, &it.foretaksnavn, place.field("foretaksnavn"));
    address(sink, it.adresse.as_ref(), place);
}

fn address(sink: &mut Sink, it: Option<&Adresse>, owner: &Place<'_>) {
    let Some(it) = it else { return };
    let place = owner.field("adresse");
    text::optional(sink, it.gatenavn.as_ref(), place.field("gatenavn"));
    text::free_text(sink, &it.poststed, place.field("poststed"));
}

fn side(sink: &mut Sink, it: Option<&StatusPart>, name: &'static str) {
    situation::side(sink, it.is_some(), name);
    let Some(it) = it else { return };
    let place = Place::at(name);
    number::organisation(sink, &it.id, place.field("id"));
    text::optional(sink, it.referanse.as_ref(), place.field("referanse"));
}

fn asked(sink: &mut Sink, properties: &[RegisterenhetMedHjemmelshavere]) {
    let list = Place::at("registerenheterMedHjemmelshavere");
    for (number, it) in properties.iter().enumerate() {
        let place = list.item(number);
        property::property(sink, &it.registerenhet, &place);
        let owners = place.field("hjemmelshavere");
        for (number, owner) in it.hjemmelshavere.iter().enumerate() {
            self::owner(sink, owner, &owners.item(number));
        }
    }
    property::repeated(sink, properties.iter().map(|it| &it.registerenhet), &list);
}

fn owner(sink: &mut Sink, it: &Hjemmelshaver, place: &Place<'_>) {
    match it {
        Hjemmelshaver::Person(person) => {
            let place = place.field("person");
            number::national_id(sink, &person.id, place.field("id"));
            text::free_text(sink, &person.fornavn, place.field("fornavn"));
            text::free_text(sink, &person.etternavn, place.field("etternavn"));
        }
        Hjemmelshaver::Organisasjon(it) => organisation(sink, it, &place.field("organisasjon")),
    }
}

fn answered(sink: &mut Sink, properties: &[RegisterenhetMedDokumentreferanse]) {
    let list = Place::at("registerenheterMedDokumentreferanser");
    for (number, it) in properties.iter().enumerate() {
        let place = list.item(number);
        property::property(sink, &it.registerenhet, &place);
        let given = !it.pantedokumentreferanser.is_empty();
        property::documents(sink, &it.registerenhet, given, &place);
    }
    property::repeated(sink, properties.iter().map(|it| &it.registerenhet), &list);
}

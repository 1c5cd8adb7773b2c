//! The parts that the messages share: sender and receiver, properties, owners, mortgage documents.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::kernel::{AccountNumber, Amount, Kid, NationalId, OrganisationId};

/// Reads and writes an organisation as its nine digits alone, as DSVE does.
pub mod norwegian_number {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::kernel::OrganisationId;

    /// Writes the nine digits.
    ///
    /// # Errors
    /// When the serializer fails.
    pub fn serialize<S: Serializer>(id: &OrganisationId, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(id.number())
    }

    /// Reads nine digits.
    ///
    /// # Errors
    /// When the text is not nine digits.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<OrganisationId, D::Error> {
        OrganisationId::norwegian(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// The sender of a message (`avsender`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Avsender {
    /// Organisation number.
    #[serde(with = "norwegian_number")]
    pub id: OrganisationId,
    /// The organisation's name.
    pub foretaksnavn: String,
    /// Postal address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adresse: Option<Adresse>,
    /// Whom to ask. Required by the functional table (*avsenders kontaktinformasjon*), optional in
    /// the XSD: only what comes as XML is accepted without it (rule INN-060).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kontaktperson: Option<Kontaktperson>,
    /// The sender's own reference, which an answer repeats.
    pub referanse: String,
    /// The organisation that gets the answer in the sender's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returnertil: Option<Organisasjon>,
}

/// The receiver of a message (`mottaker`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Mottaker {
    /// Organisation number.
    #[serde(with = "norwegian_number")]
    pub id: OrganisationId,
    /// The organisation's name.
    pub foretaksnavn: String,
    /// Postal address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adresse: Option<Adresse>,
    /// The receiver's reference; in an answer, the asker's `avsender.referanse`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referanse: Option<String>,
}

/// A postal address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Adresse {
    /// Street and number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gatenavn: Option<String>,
    /// Four digits.
    pub postnummer: String,
    /// Postal town.
    pub poststed: String,
}

/// A person to ask about the message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kontaktperson {
    /// Name.
    pub navn: String,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epost: Option<String>,
    /// Direct telephone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telefondirekte: Option<String>,
    /// Switchboard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telefon: Option<String>,
}

/// An organisation, as owner or as the place an answer goes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Organisasjon {
    /// Organisation number.
    #[serde(with = "norwegian_number")]
    pub id: OrganisationId,
    /// The organisation's name.
    pub foretaksnavn: String,
    /// Postal address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adresse: Option<Adresse>,
}

/// A registered property: exactly one of the three kinds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Registerenhet {
    /// Real property or section, by the cadastre.
    Matrikkel(Matrikkel),
    /// A share in a housing cooperative.
    Borettsandel(Borettsandel),
    /// A flat in a housing company.
    Aksjeleilighet(Aksjeleilighet),
}

/// A property by its cadastral number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Matrikkel {
    /// Municipality.
    pub kommunenavn: String,
    /// Municipality number, four digits.
    pub kommunenummer: String,
    /// Farm number.
    pub gaardsnummer: u32,
    /// Title number.
    pub bruksnummer: u32,
    /// Leasehold number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub festenummer: Option<u32>,
    /// Section number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seksjonsnummer: Option<u32>,
    /// E (owned), F (leasehold) or F_1 to F_9 (sub-leasehold).
    pub eiendomsnivaa: String,
}

/// A share in a housing cooperative.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Borettsandel {
    /// The cooperative's organisation number.
    #[serde(with = "norwegian_number")]
    pub organisasjonsnummer: OrganisationId,
    /// The cooperative's name.
    pub borettslagnavn: String,
    /// Share number.
    pub andelsnummer: u32,
}

/// A flat in a housing company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Aksjeleilighet {
    /// The company's organisation number.
    #[serde(with = "norwegian_number")]
    pub organisasjonsnummer: OrganisationId,
    /// The company's name.
    pub organisasjonsnavn: String,
    /// Flat number.
    pub leilighetsnummer: String,
    /// The shares that go with the flat.
    pub aksjeinformasjon: Aksjeinformasjon,
}

/// The shares of a flat in a housing company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Aksjeinformasjon {
    /// First share number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aksjenummer_fra: Option<u32>,
    /// Last share number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aksjenummer_til: Option<u32>,
    /// Face value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paalydende: Option<Amount>,
    /// How many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub antall: Option<u32>,
}

/// A property with those who own and sell it (in requests).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisterenhetMedHjemmelshavere {
    /// The property.
    #[serde(flatten)]
    pub registerenhet: Registerenhet,
    /// Its registered owners who sell.
    pub hjemmelshavere: Vec<Hjemmelshaver>,
}

/// A registered owner: a person or an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Hjemmelshaver {
    /// A person.
    Person(Person),
    /// An organisation.
    Organisasjon(Organisasjon),
}

/// A person who owns a property.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Person {
    /// Fødselsnummer or D-nummer.
    pub id: NationalId,
    /// First and middle names.
    pub fornavn: String,
    /// Family name.
    pub etternavn: String,
}

/// A property with the registered mortgage documents that the answer is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisterenhetMedDokumentreferanse {
    /// The property, as it was asked about.
    #[serde(flatten)]
    pub registerenhet: Registerenhet,
    /// The mortgage documents; may be empty for a flat in a housing company.
    #[serde(default)]
    pub pantedokumentreferanser: Vec<Pantedokumentreferanse>,
}

/// A registered mortgage document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pantedokumentreferanse {
    /// Document number, from 1.
    pub dokumentnummer: u32,
    /// Year of registration.
    pub dokumentaar: u16,
    /// Registry office, 1 to 999.
    pub embetenummer: u16,
    /// Number of the right within the document, from 1.
    pub rettsstiftelsesnummer: u32,
    /// When it was registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registreringstidspunkt: Option<Timestamp>,
    /// The secured amount, in whole kroner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beloep: Option<Amount>,
}

/// Where a loan is paid off: the fields that restgjeld and innfrielsessaldo share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Betaling<'a> {
    /// Loan number.
    pub laanenummer: &'a str,
    /// Account to pay to.
    pub kontonummer: &'a AccountNumber,
    /// Payment reference.
    pub kidnummer: Option<&'a Kid>,
    /// Payment message.
    pub betalingsmelding: Option<&'a str>,
    /// Names of borrowers who are owners.
    pub laantakere_hjemmelshaver: &'a [String],
}

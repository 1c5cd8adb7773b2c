//! The directory: who takes part, what each may send and receive, how each is reached, and who may
//! speak for whom.
//!
//! A pure snapshot: sources (a file, AKELDO) make one, and the exchange swaps it whole. It knows
//! nothing of where it came from.

mod handler;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;

pub use handler::{BackEnd, ClientCredentials, Handler, Target, Webhook};

use crate::contract::MessageType;
use crate::kernel::{Country, Login, OrganisationId, RegisterNumber};

/// An organisation that takes part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// Country and number.
    pub id: OrganisationId,
    /// Its name, for texts.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// Requests it may send (answers and statuses need no right: they follow the case).
    pub sends: BTreeSet<MessageType>,
    /// Requests it takes.
    pub receives: BTreeSet<MessageType>,
    /// The register numbers of its own accounts.
    pub register_numbers: BTreeSet<RegisterNumber>,
    /// Other banks' register numbers that it has explicitly approved for its payoffs.
    pub approved_register_numbers: BTreeSet<RegisterNumber>,
    /// How it is reached.
    pub handler: Handler,
    /// Whether it wants a receipt for each accepted request.
    pub receipts: bool,
    /// How deliveries to it are retried; parts that are not set follow the installation.
    pub delivery: DeliveryPolicy,
}

/// What an organisation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// Settles sales and asks.
    EstateAgency,
    /// Holds loans, answers, and may ask other banks (bankbytte).
    Bank,
    /// Holds loans that a bank manages; is never asked itself (boligkredittforetak).
    CoveredBondCompany {
        /// The bank to ask instead.
        parent: OrganisationId,
    },
}

/// How deliveries to one participant are carried out, where that differs from the installation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeliveryPolicy {
    /// Seconds before the first retry.
    pub retry_first_seconds: Option<u64>,
    /// Seconds that a wait between two tries never exceeds.
    pub retry_longest_seconds: Option<u64>,
    /// Seconds after which a delivery is given up.
    pub give_up_after_seconds: Option<u64>,
    /// Deliveries under way at the same time.
    pub in_flight: Option<usize>,
    /// Seconds within which the bank has promised to answer, by request type; none by default,
    /// since no answer time is agreed.
    pub answer_within_seconds: BTreeMap<MessageType, u64>,
}

/// A system vendor or data centre that connects on behalf of participants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// Its login.
    pub login: Login,
    /// Its name, for texts.
    pub name: String,
    /// For whom it may speak.
    pub speaks_for: BTreeSet<OrganisationId>,
    /// Its own organisation, by which a token of an issuer (Maskinporten, say) names it.
    pub organisation: Option<OrganisationId>,
}

/// The snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directory {
    participants: BTreeMap<OrganisationId, Arc<Participant>>,
    /// Those of them that are not reached through Altinn.
    near: Vec<Arc<Participant>>,
    /// Which bank a register number belongs to.
    owners: BTreeMap<RegisterNumber, OrganisationId>,
    operators: BTreeMap<Login, Operator>,
    /// Operators by their own organisation.
    organisations: BTreeMap<OrganisationId, Login>,
    /// One for each bank whose answers innfri itself hands in, and one for each organisation that can send
    /// through Altinn: they sign in within the process alone.
    built_in: BTreeMap<Login, Operator>,
}

/// Why a directory does not hold together; each names whom it is about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// The same organisation twice.
    #[error("participant {0} is listed twice; keep one")]
    RepeatedParticipant(OrganisationId),
    /// The same login twice.
    #[error("operator `{0}` is listed twice; keep one")]
    RepeatedOperator(Login),
    /// A covered-bond company whose parent is not a bank of the directory.
    #[error("{company} names {parent} as its parent bank, which is not listed as a bank")]
    UnknownParent {
        /// The company.
        company: OrganisationId,
        /// The parent it names.
        parent: OrganisationId,
    },
    /// An operator that speaks for somebody who is not listed.
    #[error("operator `{login}` speaks for {participant}, which is not listed as a participant")]
    UnknownSpokenFor {
        /// The operator.
        login: Login,
        /// Whom it names.
        participant: OrganisationId,
    },
    /// A login that RabbitMQ or a settings file could not carry.
    #[error("operator login `{0}` must be 1 to 64 letters, digits, hyphens, dots or underscores")]
    UnfitLogin(Login),
    /// Two operators with the same organisation: a token could not tell them apart.
    #[error("organisation {0} is listed for two operators; it belongs to one")]
    SharedOrganisation(OrganisationId),
    /// Two banks with the same register number: accounts could not be told apart.
    #[error("register number {number} is listed for both {first} and {second}; it belongs to one")]
    SharedRegisterNumber {
        /// The number.
        number: RegisterNumber,
        /// One bank.
        first: OrganisationId,
        /// The other.
        second: OrganisationId,
    },
}

impl Directory {
    /// A directory of these participants and operators.
    ///
    /// # Errors
    /// All the places where it does not hold together, at once.
    pub fn new(
        participants: Vec<Participant>,
        operators: Vec<Operator>,
    ) -> Result<Self, Vec<DirectoryError>> {
        let mut directory = Self::default();
        let mut errors = Vec::new();
        for participant in participants {
            for number in &participant.register_numbers {
                let owner = directory.owners.insert(number.clone(), participant.id.clone());
                if let Some(first) = owner {
                    errors.push(DirectoryError::SharedRegisterNumber {
                        number: number.clone(),
                        first,
                        second: participant.id.clone(),
                    });
                }
            }
            let id = participant.id.clone();
            let at_once = participant.handler.answers_at_once().then(|| built_in_login(&id));
            let beyond = (id.country() == Country::No).then(|| altinn_login(&id));
            for login in at_once.into_iter().chain(beyond) {
                let operator = Operator {
                    login: login.clone(),
                    name: participant.name.clone(),
                    speaks_for: BTreeSet::from([id.clone()]),
                    organisation: None,
                };
                directory.built_in.insert(login, operator);
            }
            let participant = Arc::new(participant);
            if participant.handler != Handler::Altinn {
                directory.near.push(Arc::clone(&participant));
            }
            if directory.participants.insert(id.clone(), participant).is_some() {
                errors.push(DirectoryError::RepeatedParticipant(id));
            }
        }
        for operator in operators {
            let login = operator.login.clone();
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
            if !(1..=64).contains(&login.as_str().len()) || !login.as_str().chars().all(fits) {
                errors.push(DirectoryError::UnfitLogin(login.clone()));
            }
            if let Some(organisation) = operator.organisation.clone()
                && directory.organisations.insert(organisation.clone(), login.clone()).is_some()
            {
                errors.push(DirectoryError::SharedOrganisation(organisation));
            }
            if directory.operators.insert(login.clone(), operator).is_some() {
                errors.push(DirectoryError::RepeatedOperator(login));
            }
        }
        errors.extend(directory.loose_ends());
        if errors.is_empty() { Ok(directory) } else { Err(errors) }
    }

    fn loose_ends(&self) -> Vec<DirectoryError> {
        let companies = self.participants.values().filter_map(|participant| {
            let Role::CoveredBondCompany { parent } = &participant.role else { return None };
            let is_bank = self.participant(parent).is_some_and(|found| found.role == Role::Bank);
            (!is_bank).then(|| DirectoryError::UnknownParent {
                company: participant.id.clone(),
                parent: parent.clone(),
            })
        });
        let spoken_for = self.operators.values().flat_map(|operator| {
            operator
                .speaks_for
                .iter()
                .filter(|participant| self.participant(participant).is_none())
                .map(|participant| DirectoryError::UnknownSpokenFor {
                    login: operator.login.clone(),
                    participant: participant.clone(),
                })
        });
        companies.chain(spoken_for).collect()
    }

    /// The participant with this number.
    pub fn participant(&self, id: &OrganisationId) -> Option<&Arc<Participant>> {
        self.participants.get(id)
    }

    /// All participants, by number.
    pub fn participants(&self) -> impl Iterator<Item = &Arc<Participant>> {
        self.participants.values()
    }

    /// Participants that are not reached through Altinn. Whoever looks at all again and again looks at
    /// these: AKELDO may list ten thousand others.
    pub fn near(&self) -> impl Iterator<Item = &Arc<Participant>> {
        self.near.iter()
    }

    /// The bank to which this register number belongs, where that is known.
    pub fn owner_of(&self, number: &RegisterNumber) -> Option<&OrganisationId> {
        self.owners.get(number)
    }

    /// The operator with this login.
    pub fn operator(&self, login: &Login) -> Option<&Operator> {
        self.operators.get(login).or_else(|| self.built_in.get(login))
    }

    /// The operator that is this organisation.
    pub fn operator_of(&self, organisation: &OrganisationId) -> Option<&Operator> {
        self.organisations.get(organisation).and_then(|login| self.operators.get(login))
    }

    /// All operators that sign in from outside, by login.
    pub fn operators(&self) -> impl Iterator<Item = &Operator> {
        self.operators.values()
    }

    /// Whether this login may speak for this organisation.
    pub fn speaks_for(&self, login: &Login, id: &OrganisationId) -> bool {
        self.operator(login).is_some_and(|operator| operator.speaks_for.contains(id))
    }
}

/// The login under which the answers of a loan book, or those that a back-end gives at once, are handed
/// in. No operator of a file can have it, since it holds a space.
pub fn built_in_login(bank: &OrganisationId) -> Login {
    Login::new(format!("answers of {bank}"))
}

/// The login under which what an organisation sends through Altinn is handed in: Altinn has checked who
/// it is. No operator of a file can have it, since it holds a space.
pub fn altinn_login(sender: &OrganisationId) -> Login {
    Login::new(format!("altinn {sender}"))
}

impl Participant {
    /// Whether an account with this register number may receive this bank's payoffs.
    pub fn takes_payment_at(&self, number: &RegisterNumber) -> bool {
        self.register_numbers.contains(number) || self.approved_register_numbers.contains(number)
    }

    /// Whether it is known which accounts are its own. Of a bank that is reached through Altinn it is not
    /// as long as nobody has listed its register numbers in the file: AKELDO tells none.
    pub fn has_known_accounts(&self) -> bool {
        self.handler != Handler::Altinn || !self.register_numbers.is_empty()
    }
}

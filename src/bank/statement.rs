//! Works out what the bank says to a request: an answer with amounts, or a status that says why not.
//!
//! The way is the same for both requests: find the loans secured on the properties asked about by
//! the owners asked about; see whether all of them can be answered with amounts; write them down.
//! An answer is never partial: an asker who pays what it lists must be free of this bank's liens.
//! Source of the rules: DSVE, functional description (facts in `reference/dsve.md` of the project).

use jiff::Span;
use jiff::civil::Date;

use super::book::{Loan, LoanBook, Security};
use super::interest::payoff;
use super::property::{name_of, pledged_by_any, same_owner, same_property};
use super::text;
use crate::contract::{Answer, Request};
use crate::kernel::Amount;
use crate::market::no::innfrielsessaldo::{
    Innfrielseslaan, Innfrielsessaldoforespoersel, Innfrielsessaldosvar, SaldoPerDato,
};
use crate::market::no::part::{
    Avsender, Hjemmelshaver, Mottaker, Pantedokumentreferanse, RegisterenhetMedDokumentreferanse,
    RegisterenhetMedHjemmelshavere,
};
use crate::market::no::restgjeld::{Restgjeldsforespoersel, Restgjeldslaan, Restgjeldssvar};
use crate::market::no::status::{Aarsak, Status, StatusPart, Statuskode};

/// What the bank says.
#[derive(Clone, PartialEq, Eq)]
pub enum Statement {
    /// Amounts.
    Answer(Box<Answer>),
    /// Why there are none.
    Status(Status),
}

/// Why there are no amounts: code, reason and text of a status.
struct Refusal {
    code: Statuskode,
    reason: Option<Aarsak>,
    text: String,
}

impl Refusal {
    fn by_email(text: &str) -> Self {
        Self { code: Statuskode::SvarerIEpost, reason: None, text: text.to_owned() }
    }

    fn failure(reason: Aarsak, text: &str) -> Self {
        Self { code: Statuskode::Feil, reason: Some(reason), text: text.to_owned() }
    }
}

/// The loans an answer is about, with the properties that secure them.
struct Secured<'a> {
    /// In the order of the book, each once.
    loans: Vec<&'a Loan>,
    /// The properties asked about on which the bank has a lien, with the liens.
    properties: Vec<RegisterenhetMedDokumentreferanse>,
}

/// What the bank says to a request on a day.
pub fn state(book: &LoanBook, request: &Request, today: Date) -> Statement {
    let secured = find(book, request.registerenheter());
    let reference = secured.as_ref().ok().and_then(|secured| reference(&secured.loans));
    let answer = secured.and_then(|secured| {
        let live = answerable(&secured.loans)?;
        let live = Secured { loans: live, properties: secured.properties };
        match request {
            Request::Restgjeld(request) => Ok(restgjeld(book, request, live, today)),
            Request::Innfrielsessaldo(request) => innfrielsessaldo(book, request, live, today),
        }
    });
    match answer {
        Ok(answer) => Statement::Answer(Box::new(answer)),
        Err(refusal) => Statement::Status(status(book, request, reference, refusal)),
    }
}

/// Finds the loans, or says that the bank has no lien or does not know the owners.
///
/// One property with unknown owners refuses the whole request, for the answer would otherwise keep
/// silent about a lien.
fn find<'a>(
    book: &'a LoanBook,
    asked: &[RegisterenhetMedHjemmelshavere],
) -> Result<Secured<'a>, Refusal> {
    let mut properties = Vec::new();
    for unit in asked {
        let liens = || securities(book, unit).map(|(_, security)| security);
        let mut pledged =
            liens().filter(|security| pledged_by_any(security, &unit.hjemmelshavere)).peekable();
        match (liens().next(), pledged.peek()) {
            (None, _) => {}
            (Some(_), None) => {
                return Err(Refusal::failure(Aarsak::UkjentPantsetter, text::UNKNOWN_PLEDGOR));
            }
            (Some(_), Some(_)) => properties.push(RegisterenhetMedDokumentreferanse {
                registerenhet: unit.registerenhet.clone(),
                pantedokumentreferanser: documents(pledged),
            }),
        }
    }
    if properties.is_empty() {
        return Err(Refusal::failure(Aarsak::FeilPanthaver, text::WRONG_LIEN_HOLDER));
    }
    let loans = book.loans().filter(|loan| asked.iter().any(|unit| secures(unit, loan))).collect();
    Ok(Secured { loans, properties })
}

/// All securities of the book on a property, whoever gave them.
fn securities<'a>(
    book: &'a LoanBook,
    unit: &RegisterenhetMedHjemmelshavere,
) -> impl Iterator<Item = (&'a Loan, &'a Security)> {
    book.loans()
        .flat_map(|loan| loan.security.iter().map(move |security| (loan, security)))
        .filter(|(_, security)| same_property(&security.property, &unit.registerenhet))
}

/// Whether a loan is secured on a property by one of the owners asked about.
fn secures(unit: &RegisterenhetMedHjemmelshavere, loan: &Loan) -> bool {
    loan.security.iter().any(|security| {
        same_property(&security.property, &unit.registerenhet)
            && pledged_by_any(security, &unit.hjemmelshavere)
    })
}

/// The documents of several liens; one mortgage often secures several loans.
fn documents<'a>(liens: impl Iterator<Item = &'a Security>) -> Vec<Pantedokumentreferanse> {
    let mut documents: Vec<Pantedokumentreferanse> = Vec::new();
    for document in liens.flat_map(|security| &security.documents) {
        if !documents.contains(document) {
            documents.push(document.clone());
        }
    }
    documents
}

/// The loans to list: those not repaid, when each of them can be answered with amounts.
fn answerable<'a>(loans: &[&'a Loan]) -> Result<Vec<&'a Loan>, Refusal> {
    if loans.iter().any(|loan| loan.answered_by_hand) {
        return Err(Refusal::by_email(text::BY_HAND));
    }
    let open: Vec<&Loan> = loans.iter().copied().filter(|loan| !loan.repaid).collect();
    if open.is_empty() {
        let text = text::REPAID.to_owned();
        return Err(Refusal { code: Statuskode::LaanNedbetalt, reason: None, text });
    }
    let mut buyers: Vec<&str> = open.iter().filter_map(|loan| loan.sold_to.as_deref()).collect();
    if buyers.is_empty() {
        return Ok(open);
    }
    if buyers.len() < open.len() {
        return Err(Refusal::by_email(text::PARTLY_SOLD));
    }
    buyers.dedup();
    let text = text::sold(&buyers.join(" / "));
    Err(Refusal { code: Statuskode::LaanSolgt, reason: None, text })
}

fn restgjeld(
    book: &LoanBook,
    request: &Restgjeldsforespoersel,
    secured: Secured<'_>,
    today: Date,
) -> Answer {
    let owners = Owners::of(&request.registerenheter_med_hjemmelshavere);
    let reference = reference(&secured.loans);
    Answer::Restgjeld(Restgjeldssvar {
        avsender: avsender(book, reference),
        mottaker: mottaker(&request.avsender),
        laanliste: secured
            .loans
            .iter()
            .map(|loan| restgjeldslaan(loan, owners.borrowers(loan), today))
            .collect(),
        registerenheter_med_dokumentreferanser: secured.properties,
        sperret_for_videre_opplaan: book.bank.sperret_for_videre_opplaan,
        panterett_slettes_ved_innfrielse: true,
    })
}

fn restgjeldslaan(loan: &Loan, borrowers: Borrowers, today: Date) -> Restgjeldslaan {
    Restgjeldslaan {
        rammelaan: loan.rammelaan.is_some(),
        oevre_grense_rammelaan: loan.oevre_grense(),
        fastrente: loan.is_fixed_on(today),
        realkausjon: loan.realkausjon,
        laantaker_ikke_hjemmelshaver: borrowers.others,
        transporterklaering: loan.transporterklaering,
        laanenummer: loan.number.clone(),
        kontonummer: loan.account.clone(),
        kidnummer: loan.kid.clone(),
        betalingsmelding: loan.message.clone(),
        saldo: loan.balance,
        laantakere_hjemmelshaver: borrowers.named,
    }
}

fn innfrielsessaldo(
    book: &LoanBook,
    request: &Innfrielsessaldoforespoersel,
    secured: Secured<'_>,
    today: Date,
) -> Result<Answer, Refusal> {
    let owners = Owners::of(&request.registerenheter_med_hjemmelshavere);
    let dates = dates(book, &request.innfrielsesdatoer, &secured.loans, today)?;
    let laanliste = secured
        .loans
        .iter()
        .map(|loan| {
            let borrowers = owners.borrowers(loan);
            Ok(Innfrielseslaan {
                laantaker_ikke_hjemmelshaver: borrowers.others,
                transporterklaering: loan.transporterklaering,
                laanenummer: loan.number.clone(),
                kontonummer: loan.account.clone(),
                kidnummer: loan.kid.clone(),
                betalingsmelding: loan.message.clone(),
                saldoer_per_dato: amounts(loan, &dates)?,
                laantakere_hjemmelshaver: borrowers.named,
            })
        })
        .collect::<Result<Vec<_>, Refusal>>()?;
    let reference = reference(&secured.loans);
    Ok(Answer::Innfrielsessaldo(Innfrielsessaldosvar {
        avsender: avsender(book, reference),
        mottaker: mottaker(&request.avsender),
        laanliste,
        registerenheter_med_dokumentreferanser: secured.properties,
        panterett_slettes_ved_innfrielse: true,
    }))
}

/// The dates that are answered: those asked about, without any before the day a balance is from
/// (the bank may choose fewer dates). The same for all loans, so that the asker can add them up.
fn dates(
    book: &LoanBook,
    asked: &[Date],
    loans: &[&Loan],
    today: Date,
) -> Result<Vec<Date>, Refusal> {
    let days = book.bank.fixed_rate_days_ahead;
    let last_fixed = today.saturating_add(Span::new().days(i64::from(days)));
    let fixed = loans.iter().any(|loan| loan.is_fixed_on(today));
    if fixed && asked.iter().any(|date| *date > last_fixed) {
        return Err(Refusal::by_email(&text::fixed_rate(days)));
    }
    let mut dates: Vec<Date> = Vec::new();
    for date in asked {
        if loans.iter().all(|loan| *date >= loan.balance_date) && !dates.contains(date) {
            dates.push(*date);
        }
    }
    if dates.is_empty() { Err(Refusal::by_email(text::BEFORE_BALANCE)) } else { Ok(dates) }
}

fn amounts(loan: &Loan, dates: &[Date]) -> Result<Vec<SaldoPerDato>, Refusal> {
    let amount = |dato: &Date| -> Result<SaldoPerDato, Refusal> {
        let beloep: Amount = payoff(loan, *dato).map_err(|_| Refusal::by_email(text::TOO_LARGE))?;
        Ok(SaldoPerDato { beloep, dato: *dato })
    };
    dates.iter().map(amount).collect()
}

/// The owners a request names: the only people an answer may name.
struct Owners<'a>(Vec<&'a Hjemmelshaver>);

/// What an answer may tell of a loan's borrowers.
struct Borrowers {
    named: Vec<String>,
    others: bool,
}

impl<'a> Owners<'a> {
    fn of(asked: &'a [RegisterenhetMedHjemmelshavere]) -> Self {
        Self(asked.iter().flat_map(|unit| &unit.hjemmelshavere).collect())
    }

    /// Splits borrowers into those who are named and the rest, of whom only the existence is told.
    fn borrowers(&self, loan: &Loan) -> Borrowers {
        let mut borrowers = Borrowers { named: Vec::new(), others: false };
        for borrower in &loan.borrowers {
            match self.name_to_tell(loan, &borrower.name) {
                Some(name) if borrower.owner => {
                    if !borrowers.named.contains(&name) {
                        borrowers.named.push(name);
                    }
                }
                Some(_) | None => borrowers.others = true,
            }
        }
        borrowers
    }

    /// The name of a borrower whom the book calls an owner: as the request writes it, for one whose
    /// number it has; none for an owner of the book who is not party to this sale. A name that is
    /// no owner's is told as the book has it, for the book says that it is an owner's; innfri's
    /// privacy guard stops it like any bank's slip.
    fn name_to_tell(&self, loan: &Loan, name: &str) -> Option<String> {
        let mut known = loan
            .security
            .iter()
            .flat_map(|security| &security.owners)
            .filter(|owner| owner.name.trim() == name.trim())
            .peekable();
        if known.peek().is_none() {
            return Some(name.to_owned());
        }
        known
            .find_map(|owner| self.0.iter().copied().find(|asked| same_owner(owner, asked)))
            .map(name_of)
    }
}

/// The bank's own reference: the number of the first loan, and how many more there are.
fn reference(loans: &[&Loan]) -> Option<String> {
    let first = loans.first()?;
    match loans.len() - 1 {
        0 => Some(first.number.clone()),
        more => Some(format!("{}+{more}", first.number)),
    }
}

fn avsender(book: &LoanBook, reference: Option<String>) -> Avsender {
    Avsender {
        id: book.bank.organisation.clone(),
        foretaksnavn: book.bank.name.clone(),
        adresse: None,
        kontaktperson: Some(book.bank.contact.clone()),
        referanse: reference.unwrap_or_default(),
        returnertil: None,
    }
}

fn mottaker(asker: &Avsender) -> Mottaker {
    Mottaker {
        id: asker.id.clone(),
        foretaksnavn: asker.foretaksnavn.clone(),
        adresse: asker.adresse.clone(),
        referanse: Some(asker.referanse.clone()),
    }
}

fn status(
    book: &LoanBook,
    request: &Request,
    reference: Option<String>,
    refusal: Refusal,
) -> Status {
    let asker = request.avsender();
    Status {
        avsender: Some(StatusPart { id: book.bank.organisation.clone(), referanse: reference }),
        mottaker: Some(StatusPart {
            id: asker.id.clone(),
            referanse: Some(asker.referanse.clone()),
        }),
        statuskode: refusal.code,
        aarsak: refusal.reason,
        tekst: refusal.text,
        avvik: Vec::new(),
    }
}

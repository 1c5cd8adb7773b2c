//! What the agency asks, and what must come of it.

use innfri::port::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::server::{Reply, Seen};
use crate::support::messages::{self as sample, BANK, INNFRIELSE, RESTGJELD};

/// A bank of the data centre that takes one type alone, although AKELDO lists it for both.
pub const NARROW_BANK: &str = "903137215";
/// A bank that AKELDO lists for one type alone. Nobody is there.
pub const UNLISTED_BANK: &str = "882880729";

/// What the loans are that secure what is asked about. The number stands in the property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loan {
    Plain = 1,
    Repaid = 2,
    Sold = 3,
    ByHand = 4,
    None = 5,
}

/// One question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    pub kind: &'static str,
    pub bank: &'static str,
    pub loan: Loan,
}

/// What must come of a question.
#[derive(Debug, Clone, Copy)]
pub enum Expected {
    /// An answer with this amount.
    Amount(&'static str),
    /// A status with this code, this reason, and these words in its text.
    Status(&'static str, Option<&'static str>, &'static str),
}

pub const PLAIN: Question = Question { kind: RESTGJELD, bank: BANK, loan: Loan::Plain };

/// What is owed, and what pays it off: a fee more.
pub const OWED: &str = "1825000.00";
pub const PAYOFF: &str = "1825600.00";

/// Every kind of outcome that the bank's side gives.
pub fn answered_by_the_bank() -> Vec<(Question, Expected)> {
    use Expected::{Amount, Status};
    let ask = |kind, loan| Question { kind, bank: BANK, loan };
    // DSVE's own no tells no reason; the text does.
    let failed = |text| Status("FEIL", Some("TEKNISK_FEIL"), text);
    vec![
        (ask(RESTGJELD, Loan::Plain), Amount(OWED)),
        (ask(INNFRIELSE, Loan::Plain), Amount(PAYOFF)),
        (ask(RESTGJELD, Loan::Repaid), Status("LAAN_NEDBETALT", None, "sletting av pantet")),
        (ask(INNFRIELSE, Loan::Sold), Status("LAAN_SOLGT", None, "overført til Fjordprøven Bank")),
        (ask(RESTGJELD, Loan::ByHand), Status("SVARER_I_EPOST", None, "svarer på e-post")),
        (ask(INNFRIELSE, Loan::None), failed("ikke pant")),
        (Question { bank: NARROW_BANK, ..ask(INNFRIELSE, Loan::Plain) }, failed("")),
    ]
}

/// What the agency's side itself must refuse.
pub fn refused_by_the_agents_side() -> (Question, Expected) {
    let question = Question { kind: INNFRIELSE, bank: UNLISTED_BANK, loan: Loan::Plain };
    (question, Expected::Status("FEIL", Some("IKKE_STOETTET"), ""))
}

impl Question {
    /// The day that a payoff is asked for.
    fn date() -> String {
        SystemClock.today().saturating_add(jiff::Span::new().days(7)).to_string()
    }

    /// The message, as the agency's question of this number.
    pub fn body(&self, number: u32) -> Value {
        let loan = self.loan as u32;
        let mut body = match self.kind {
            INNFRIELSE => sample::innfrielse(loan, &Self::date()),
            _ => sample::restgjeld(loan),
        };
        body["avsender"]["referanse"] = json!(sample::reference(number));
        body["mottaker"]["id"] = json!(self.bank);
        body
    }
}

/// What a bank's own back-end answers to a question that was posted to it.
pub fn back_end(seen: &Seen) -> Reply {
    let asked = seen.json();
    let property = &asked["registerenheterMedHjemmelshavere"][0]["matrikkel"];
    let loan = u32::try_from(property["bruksnummer"].as_u64().unwrap() - 1).unwrap();
    let status = |code, text: &str| {
        let mut body = sample::status(loan, code);
        body["tekst"] = json!(text);
        (sample::STATUS, body)
    };
    let (kind, mut body) = match loan {
        loan if loan == Loan::Repaid as u32 => {
            status("LAAN_NEDBETALT", "Banken sørger for sletting av pantet.")
        }
        loan if loan == Loan::Sold as u32 => {
            status("LAAN_SOLGT", "Lånet er overført til Fjordprøven Bank.")
        }
        loan if loan == Loan::ByHand as u32 => status("SVARER_I_EPOST", "Banken svarer på e-post."),
        loan if loan == Loan::None as u32 => status("FEIL", "Banken har ikke pant i eiendommen."),
        loan if seen.header("innfri-message-type") == Some(INNFRIELSE) => {
            let date = asked["innfrielsesdatoer"][0].as_str().unwrap();
            (sample::INNFRIELSE_ANSWER, sample::innfrielse_answer(loan, date, PAYOFF))
        }
        loan => (sample::RESTGJELD_ANSWER, sample::restgjeld_answer(loan, OWED)),
    };
    body["mottaker"]["referanse"] = asked["avsender"]["referanse"].clone();
    Reply::new(200).json(&body).header("innfri-message-type", kind)
}

impl Expected {
    /// Stops the test unless this outcome is it.
    pub fn check(&self, question: &Question, outcome: &Value) {
        let (kind, body) = (&outcome["type"], &outcome["body"]);
        match self {
            Self::Amount(amount) => {
                let (answer, place) = match question.kind {
                    INNFRIELSE => (sample::INNFRIELSE_ANSWER, "/saldoerPerDato/0/beloep"),
                    _ => (sample::RESTGJELD_ANSWER, "/saldo"),
                };
                assert_eq!(kind, answer, "{question:?}: {body}");
                assert_eq!(body["laanliste"].as_array().unwrap().len(), 1);
                assert_eq!(body["laanliste"][0].pointer(place).unwrap(), amount, "{question:?}");
            }
            Self::Status(code, reason, text) => {
                assert_eq!(kind, sample::STATUS, "{question:?}: {body}");
                let told = (body["statuskode"].as_str(), body["aarsak"].as_str());
                assert_eq!(told, (Some(*code), *reason), "{question:?}: {body}");
                let told = body["tekst"].as_str().unwrap();
                assert!(!told.is_empty() && told.contains(text), "{question:?}: {told}");
            }
        }
    }
}

/// The loan book behind [`Loan`], of a bank.
pub fn loan_book(bank: &str) -> String {
    let mut book = format!(
        "[bank]\norganisation = \"NO:{bank}\"\nname = \"Testvik Sparebank\"\n\
         contact = {{ navn = \"Innfrielser\", epost = \"innfrielser@testvik.example\" }}\n"
    );
    let loans = [
        (Loan::Plain, ""),
        (Loan::Repaid, "repaid = true\n"),
        (Loan::Sold, "sold_to = \"Fjordprøven Bank\"\n"),
        (Loan::ByHand, "answered_by_hand = true\n"),
    ];
    for (loan, more) in loans {
        let number = loan as u32;
        let balance = if loan == Loan::Repaid { "0.00" } else { OWED };
        book.push_str(&format!(
            "[[loans]]\nnumber = \"1564100000{number}\"\naccount = \"15640410423\"\n\
             balance = \"{balance}\"\nbalance_date = 2026-01-01\nrate_percent = \"0\"\n\
             day_count = \"act/365\"\ninterest_since = 2026-01-01\nfees = {{ payoff = \"600.00\" }}\n\
             {more}borrowers = [{{ name = \"Prøve Fiksjon\", owner = true }}]\n\
             [[loans.security]]\n\
             property.matrikkel = {{ kommunenavn = \"Testvik\", kommunenummer = \"9901\", \
             gaardsnummer = 12, bruksnummer = {}, eiendomsnivaa = \"E\" }}\n\
             owners = [{{ national_id = \"23904430552\", name = \"Prøve Fiksjon\" }}]\n\
             documents = [{{ dokumentnummer = 12345{number}, dokumentaar = 2019, \
             embetenummer = 200, rettsstiftelsesnummer = 1 }}]\n",
            number + 1
        ));
    }
    book
}

//! What happens in each case: who asks whom for what, what the bank says and how often it gets it wrong.
//! All of it follows from the seed and the case's number.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::support::messages as sample;
use crate::support::participant::Letter;

/// The agencies and banks that take part: number, name, and an account for a bank.
pub const PARTIES: [(&str, &str, &str); 4] = [
    (sample::AGENCY, "Eksempel Eiendomsmegling", ""),
    ("939336338", "Prøve Eiendomsmegling", ""),
    (sample::BANK, "Testvik Sparebank", "15640410423"),
    ("920579868", "Prøvdal Sparebank", "32010410427"),
];

/// A place in [`PARTIES`].
pub type Party = usize;

/// What a bank says in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    Answer,
    Status(&'static str),
}

/// What makes a bank's answer wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    /// It names somebody who does not own the property.
    Stranger,
    /// The account is another bank's.
    Account,
    /// It answers the other kind of question.
    Kind,
}

/// Which message of a case; with the case's number it makes the message id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Request,
    /// Wrong answers first, then the right one.
    Answer(usize),
    /// A newer answer, which replaces the first outcome.
    Newer,
    /// The answer of a bank that was not asked.
    Trespass,
}

/// What happens in a case.
#[derive(Debug, Clone)]
pub struct Plan {
    pub number: u32,
    pub payoff_date: Option<String>,
    pub agency: Party,
    pub bank: Party,
    pub mistakes: Vec<Mistake>,
    pub reply: Reply,
    /// The reply that replaces the first one, once that has arrived.
    pub newer: Option<Reply>,
    /// The request breaks the schema: innfri answers it.
    pub invalid: bool,
    pub asked_twice: bool,
    pub answered_twice: bool,
    /// The bank that was not asked answers too.
    pub trespass: bool,
    /// The asker uses the request's id again, for other content, once it has its outcome.
    pub reused: bool,
}

const REPLIES: [Reply; 8] = [
    Reply::Answer,
    Reply::Answer,
    Reply::Answer,
    Reply::Answer,
    Reply::Status("LAAN_NEDBETALT"),
    Reply::Status("LAAN_SOLGT"),
    Reply::Status("SVARER_I_EPOST"),
    Reply::Status("FEIL"),
];

impl Plan {
    /// The plan of case `number`; `date` is a payoff date that may be asked for.
    pub fn of(seed: u64, number: u32, date: &str) -> Self {
        let mut random = StdRng::seed_from_u64(seed ^ (u64::from(number) << 32));
        let invalid = random.random_ratio(1, 20);
        let mistakes = match random.random_range(0..8) {
            0 | 1 => 1,
            2 => 2,
            _ => 0,
        };
        let mistake = |random: &mut StdRng| match random.random_range(0..3) {
            0 => Mistake::Stranger,
            1 => Mistake::Account,
            _ => Mistake::Kind,
        };
        Self {
            number,
            payoff_date: random.random_bool(0.5).then(|| date.to_owned()),
            agency: random.random_range(0..2),
            bank: random.random_range(2..4),
            mistakes: (0..mistakes).map(|_| mistake(&mut random)).collect(),
            reply: *REPLIES.choose(&mut random).unwrap(),
            newer: random.random_ratio(1, 6).then(|| *REPLIES.choose(&mut random).unwrap()),
            invalid,
            asked_twice: random.random_ratio(1, 6),
            answered_twice: random.random_ratio(1, 6),
            trespass: !invalid && random.random_ratio(1, 20),
            reused: random.random_ratio(1, 20),
        }
    }

    /// The simplest one: a question and its answer.
    pub fn plain(number: u32) -> Self {
        Self {
            number,
            payoff_date: None,
            agency: 0,
            bank: 2,
            mistakes: Vec::new(),
            reply: Reply::Answer,
            newer: None,
            invalid: false,
            asked_twice: false,
            answered_twice: false,
            trespass: false,
            reused: false,
        }
    }

    /// How many outcomes the asker must get.
    pub fn outcomes(&self) -> usize {
        if self.invalid { 1 } else { 1 + usize::from(self.newer.is_some()) }
    }

    /// How many dead letters must be kept.
    pub fn dead_letters(&self) -> usize {
        usize::from(self.trespass) + usize::from(self.reused)
    }

    /// The first answer or status that is right.
    pub fn right(&self) -> Part {
        Part::Answer(self.mistakes.len())
    }

    /// The part whose body must be the asker's last outcome.
    pub fn last(&self) -> Part {
        if self.newer.is_some() { Part::Newer } else { self.right() }
    }

    /// The request.
    pub fn request(&self) -> Letter {
        let (kind, body) = self.body(Part::Request);
        Letter::of(kind, &message_id(self.number, Part::Request), &body)
    }

    /// Another request under the same id.
    pub fn reused_request(&self) -> Letter {
        let (kind, mut body) = self.body(Part::Request);
        body["avsender"]["kontaktperson"]["navn"] = json!("En annen");
        Letter::of(kind, &message_id(self.number, Part::Request), &body)
    }

    /// What a bank says, answering the message with the id `to`.
    pub fn answer(&self, part: Part, to: &str) -> Letter {
        let (kind, body) = self.body(part);
        let letter = Letter::of(kind, &message_id(self.number, part), &body);
        Letter { correlation_id: Some(to.to_owned()), ..letter }
    }

    /// Type and body of a message.
    pub fn body(&self, part: Part) -> (&'static str, Value) {
        let number = self.number;
        match part {
            Part::Request => {
                let (kind, mut body) = match &self.payoff_date {
                    Some(date) => (sample::INNFRIELSE, sample::innfrielse(number, date)),
                    None => (sample::RESTGJELD, sample::restgjeld(number)),
                };
                name(&mut body["avsender"], self.agency);
                name(&mut body["mottaker"], self.bank);
                let place = &mut body["registerenheterMedHjemmelshavere"];
                place[0]["matrikkel"]["bruksnummer"] = json!(number % 9000 + 1);
                if self.invalid {
                    *place = json!([]);
                }
                (kind, body)
            }
            Part::Answer(turn) => match self.mistakes.get(turn) {
                Some(mistake) => self.wrong(*mistake, turn),
                None => self.reply(self.reply, "1250000.50"),
            },
            Part::Newer => self.reply(self.newer.unwrap_or(self.reply), "1100000.00"),
            Part::Trespass => {
                let (kind, mut body) = self.reply(Reply::Answer, "1.00");
                let bank = self.other_bank();
                name(&mut body["avsender"], bank);
                body["laanliste"][0]["kontonummer"] = json!(PARTIES[bank].2);
                (kind, body)
            }
        }
    }

    /// The bank that was not asked.
    pub fn other_bank(&self) -> Party {
        5 - self.bank
    }

    fn reply(&self, reply: Reply, amount: &str) -> (&'static str, Value) {
        match reply {
            Reply::Answer => self.answered(self.payoff_date.as_deref(), amount),
            Reply::Status(code) => {
                let mut body = sample::status(self.number, code);
                body["avsender"]["id"] = json!(PARTIES[self.bank].0);
                body["mottaker"]["id"] = json!(PARTIES[self.agency].0);
                (sample::STATUS, body)
            }
        }
    }

    fn answered(&self, date: Option<&str>, amount: &str) -> (&'static str, Value) {
        let number = self.number;
        let (kind, mut body) = match date {
            Some(date) => {
                (sample::INNFRIELSE_ANSWER, sample::innfrielse_answer(number, date, amount))
            }
            None => (sample::RESTGJELD_ANSWER, sample::restgjeld_answer(number, amount)),
        };
        name(&mut body["avsender"], self.bank);
        name(&mut body["mottaker"], self.agency);
        let place = &mut body["registerenheterMedDokumentreferanser"];
        place[0]["matrikkel"]["bruksnummer"] = json!(number % 9000 + 1);
        body["laanliste"][0]["kontonummer"] = json!(PARTIES[self.bank].2);
        (kind, body)
    }

    fn wrong(&self, mistake: Mistake, turn: usize) -> (&'static str, Value) {
        let amount = format!("{}.00", turn + 1);
        let right = |date| self.answered(date, &amount);
        let date = self.payoff_date.as_deref();
        match mistake {
            Mistake::Stranger => {
                let (kind, mut body) = right(date);
                body["laanliste"][0]["laantakereHjemmelshaver"] = json!(["Hemmelig Person"]);
                (kind, body)
            }
            Mistake::Account => {
                let (kind, mut body) = right(date);
                body["laanliste"][0]["kontonummer"] = json!(PARTIES[self.other_bank()].2);
                (kind, body)
            }
            Mistake::Kind => right(if date.is_some() { None } else { Some("2030-01-15") }),
        }
    }
}

fn name(part: &mut Value, party: Party) {
    let (id, name, _) = PARTIES[party];
    part["id"] = json!(id);
    part["foretaksnavn"] = json!(name);
}

fn code(part: Part) -> u32 {
    match part {
        Part::Request => 0,
        Part::Newer => 1,
        Part::Trespass => 2,
        Part::Answer(turn) => 3 + u32::try_from(turn).unwrap(),
    }
}

/// The id of a message.
pub fn message_id(number: u32, part: Part) -> String {
    sample::message_id(number * 16 + code(part))
}

/// Which message has this id: the inverse of [`message_id`].
pub fn part_of(message_id: &str) -> Option<(u32, Part)> {
    let id = uuid::Uuid::parse_str(message_id).ok()?.as_u128();
    let first = uuid::Uuid::parse_str(&sample::message_id(0)).ok()?.as_u128();
    let place = u32::try_from(id.checked_sub(first)?).ok()?;
    let part = match place % 16 {
        0 => Part::Request,
        1 => Part::Newer,
        2 => Part::Trespass,
        answer => Part::Answer(usize::try_from(answer - 3).ok()?),
    };
    Some((place / 16, part))
}

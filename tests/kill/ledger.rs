//! The participants' own books: what each has said and heard, and what follows from it. At the end they
//! tell what was lost, doubled or changed on the way.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::plan::{PARTIES, Part, Party, Plan, part_of};
use crate::support::messages as sample;
use crate::support::participant::{Letter, Mail};
use crate::support::peer::Arrived;

/// One case as its participants know it.
struct Page {
    plan: Plan,
    confirmed: bool,
    /// Under which ids the bank got the request.
    forwarded: BTreeSet<String>,
    /// Rejections, by id: which message they are about.
    rejected: BTreeMap<String, Part>,
    /// Outcomes by id: revision, type and body.
    outcomes: BTreeMap<String, Outcome>,
}

#[derive(PartialEq)]
struct Outcome {
    revision: i64,
    kind: String,
    body: Value,
}

/// All cases.
#[derive(Default)]
pub struct Ledger {
    pages: Vec<Page>,
    /// What must never happen, in words.
    wrongs: Vec<String>,
    /// Messages that came again under the same id.
    pub repeats: u64,
    /// Counts everything that was new, to see whether anything moves.
    pub steps: u64,
}

/// A letter that a participant now sends.
pub type ToSend = (Party, Letter);

/// How it ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    pub lost: Vec<String>,
    pub doubled: Vec<String>,
    pub wrong: Vec<String>,
}

impl Ledger {
    /// Opens a case; its request is to be sent.
    pub fn open(&mut self, plan: Plan) -> Vec<ToSend> {
        assert_eq!(self.pages.len(), plan.number as usize, "cases are opened in order");
        let times = 1 + usize::from(plan.asked_twice);
        let letters = vec![(plan.agency, plan.request()); times];
        self.pages.push(Page {
            plan,
            confirmed: false,
            forwarded: BTreeSet::new(),
            rejected: BTreeMap::new(),
            outcomes: BTreeMap::new(),
        });
        letters
    }

    /// A message of a participant's is safe with RabbitMQ.
    pub fn confirmed(&mut self, letter: &Letter) {
        let id = letter.message_id.as_deref().unwrap_or_default();
        if let Some((number, Part::Request)) = part_of(id) {
            self.pages[number as usize].confirmed = true;
        }
    }

    /// A message has come to a participant. What it sends next.
    pub fn received(&mut self, party: Party, queue: &str, arrived: Arrived) -> Vec<ToSend> {
        let body: Value = serde_json::from_slice(&arrived.mail.body).unwrap_or_default();
        let taken = if queue.ends_with(".requests") {
            self.asked(party, &arrived.mail, &body)
        } else if arrived.mail.message_type == sample::REJECTION {
            self.rejected(party, &arrived.mail)
        } else {
            self.answered(party, &arrived, body)
        };
        match taken {
            Ok(Some(letters)) => {
                self.steps += 1;
                letters
            }
            Ok(None) => {
                self.repeats += 1;
                Vec::new()
            }
            Err(why) => {
                let Mail { message_type, message_id, correlation_id, .. } = &arrived.mail;
                self.wrongs.push(format!(
                    "{why}: {message_type} {message_id} about {correlation_id:?} in {queue}"
                ));
                Vec::new()
            }
        }
    }

    /// A bank is asked.
    fn asked(
        &mut self,
        bank: Party,
        mail: &Mail,
        body: &Value,
    ) -> Result<Option<Vec<ToSend>>, String> {
        if body["mottaker"]["id"] != json!(PARTIES[bank].0) {
            return Err(format!("bank {bank} got what is addressed to {}", body["mottaker"]["id"]));
        }
        let reference = body["avsender"]["referanse"].as_str().unwrap_or_default();
        let number = reference.rsplit('-').next().and_then(|text| text.parse::<usize>().ok());
        let page = number.and_then(|number| self.pages.get_mut(number));
        let page = page.ok_or_else(|| format!("nobody asked {reference}"))?;
        let plan = &page.plan;
        if (mail.message_type.as_str(), body) != (plan.body(Part::Request).0, &plan.request_body())
        {
            return Err(format!("{reference} was changed on its way to the bank"));
        }
        if plan.invalid {
            return Err(format!("{reference} is invalid and was forwarded"));
        }
        if !page.forwarded.insert(mail.message_id.clone()) {
            return Ok(None);
        }
        let mut letters = says(plan, Part::Answer(0), &mail.message_id);
        if plan.trespass {
            let letter = plan.answer(Part::Trespass, &mail.message_id);
            letters.push((plan.other_bank(), letter));
        }
        Ok(Some(letters))
    }

    /// What a participant sent was not accepted.
    fn rejected(&mut self, party: Party, mail: &Mail) -> Result<Option<Vec<ToSend>>, String> {
        let (page, part) = self.about(mail)?;
        let plan = &page.plan;
        let owner = match part {
            Part::Request => plan.agency,
            Part::Trespass => plan.other_bank(),
            Part::Answer(_) | Part::Newer => plan.bank,
        };
        let deserved = match part {
            Part::Answer(turn) => turn < plan.mistakes.len(),
            Part::Request => plan.reused,
            Part::Trespass => plan.trespass,
            Part::Newer => false,
        };
        if owner != party || !deserved {
            let said = String::from_utf8_lossy(&mail.body);
            return Err(format!("{party} was wrongly told that {part:?} was wrong: {said}"));
        }
        if page.rejected.insert(mail.message_id.clone(), part).is_some() {
            return Ok(None);
        }
        let request = page.forwarded.first().cloned().unwrap_or_default();
        Ok(Some(match part {
            Part::Answer(turn) => says(plan, Part::Answer(turn + 1), &request),
            Part::Request | Part::Trespass | Part::Newer => Vec::new(),
        }))
    }

    /// An asker has its outcome.
    fn answered(
        &mut self,
        agency: Party,
        arrived: &Arrived,
        body: Value,
    ) -> Result<Option<Vec<ToSend>>, String> {
        let (page, part) = self.about(&arrived.mail)?;
        if part != Part::Request || page.plan.agency != agency {
            return Err(format!("an outcome of {part:?} at {agency}"));
        }
        let revision = arrived.revision.ok_or("an outcome without a revision")?;
        let kind = arrived.mail.message_type.clone();
        let outcome = Outcome { revision, kind, body };
        let id = arrived.mail.message_id.clone();
        if let Some(earlier) = page.outcomes.get(&id) {
            let same = earlier == &outcome;
            return if same { Ok(None) } else { Err("the same id for another outcome".into()) };
        }
        page.outcomes.insert(id, outcome);
        if page.outcomes.len() > 1 {
            return Ok(Some(Vec::new()));
        }
        let plan = &page.plan;
        let mut letters = Vec::new();
        if plan.reused {
            letters.push((plan.agency, plan.reused_request()));
        }
        if let (Some(_), Some(request)) = (plan.newer, page.forwarded.first()) {
            letters.push((plan.bank, plan.answer(Part::Newer, request)));
        }
        Ok(Some(letters))
    }

    fn about(&mut self, mail: &Mail) -> Result<(&mut Page, Part), String> {
        let id = mail.correlation_id.as_deref().unwrap_or_default();
        let (number, part) = part_of(id).ok_or("it answers nothing")?;
        let page = self.pages.get_mut(number as usize).ok_or("it answers a case that is not")?;
        Ok((page, part))
    }

    /// How many cases have all that they must get.
    pub fn complete(&self) -> usize {
        self.pages.iter().filter(|page| page.is_complete()).count()
    }

    /// How many cases there are.
    pub fn opened(&self) -> usize {
        self.pages.len()
    }

    /// How many cases still wait for something.
    pub fn waiting(&self) -> usize {
        self.opened() - self.complete()
    }

    /// What must never happen and has happened so far.
    pub fn wrongs(&self) -> &[String] {
        &self.wrongs
    }

    /// How many dead letters must be kept.
    pub fn dead_letters(&self) -> usize {
        self.pages.iter().map(|page| page.plan.dead_letters()).sum()
    }

    /// Judges every case.
    pub fn judge(&self) -> Verdict {
        let mut verdict = Verdict { wrong: self.wrongs.clone(), ..Verdict::default() };
        for page in &self.pages {
            let told = |what: String| format!("{what}; {}", page.describe());
            if !page.confirmed {
                verdict.wrong.push(told("its request was never confirmed".into()));
            }
            let most = page.plan.outcomes();
            let requests = usize::from(!page.plan.invalid);
            if page.outcomes.len() < most || page.rejected.len() < page.rejections() {
                verdict.lost.push(told("something never came".into()));
            }
            if page.outcomes.len() > most
                || page.forwarded.len() > requests
                || page.rejected.len() > page.rejections()
            {
                verdict.doubled.push(told("something came twice under two ids".into()));
            }
            let revisions: Vec<i64> =
                page.outcomes.values().map(|outcome| outcome.revision).collect();
            let numbered = (1..=page.outcomes.len())
                .all(|revision| revisions.contains(&i64::try_from(revision).unwrap()));
            if !numbered {
                verdict.wrong.push(told("its outcomes are not numbered from 1".into()));
            }
            if !page.ends_as_said() {
                verdict.wrong.push(told("the outcome is not what the bank said last".into()));
            }
        }
        verdict
    }
}

impl Page {
    fn rejections(&self) -> usize {
        let plan = &self.plan;
        let mistakes = if plan.invalid { 0 } else { plan.mistakes.len() };
        mistakes + plan.dead_letters()
    }

    fn is_complete(&self) -> bool {
        self.confirmed
            && self.outcomes.len() >= self.plan.outcomes()
            && self.rejected.len() >= self.rejections()
    }

    fn ends_as_said(&self) -> bool {
        let Some(last) = self.outcomes.values().max_by_key(|outcome| outcome.revision) else {
            // Reported as lost.
            return true;
        };
        if self.plan.invalid {
            return last.kind == sample::STATUS
                && last.body["statuskode"] == json!("FEIL")
                && last.body["aarsak"] == json!("UGYLDIG_MELDING");
        }
        let (kind, body) = self.plan.body(self.plan.last());
        (last.kind.as_str(), &last.body) == (kind, &body)
    }

    fn describe(&self) -> String {
        let outcomes: Vec<String> = self
            .outcomes
            .iter()
            .map(|(id, outcome)| format!("{id} is {} {}", outcome.revision, outcome.kind))
            .collect();
        format!(
            "{:?}: forwarded as {:?}, rejected {:?}, outcomes {outcomes:?}",
            self.plan, self.forwarded, self.rejected
        )
    }
}

impl Plan {
    fn request_body(&self) -> Value {
        self.body(Part::Request).1
    }
}

/// What the bank says, as often as it says it.
fn says(plan: &Plan, part: Part, to: &str) -> Vec<ToSend> {
    let times = 1 + usize::from(plan.answered_twice);
    vec![(plan.bank, plan.answer(part, to)); times]
}

//! The agency's installation, the bank's, and the stand-in for Altinn between them; and what must be true
//! of all three when everything has come to rest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use innfri::altinn_simulator::{
    AkeldoEntry, Config, FaultSettings, NewKey, ResourceConfig, Running, start,
};
use innfri::case::Purpose;
use innfri::kernel::OrganisationId;
use innfri::port::{CaseFilter, CaseStory, Counts};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use crate::question::{Expected, NARROW_BANK, Question, UNLISTED_BANK, loan_book};
use crate::side::{PATIENCE, Side};
use crate::support::messages::{AGENCY, BANK, message_id};

const RESOURCE: &str = "kv_dsve_test";
const BOTH: &str =
    "\"no.dsve.restgjeldsforespoersel.v1\", \"no.dsve.innfrielsessaldoforespoersel.v1\"";

/// One key for all: making one takes a while.
static KEY: LazyLock<NewKey> = LazyLock::new(|| NewKey::generate().unwrap());

/// How the bank answers.
pub enum BankWorks<'a> {
    /// From a loan book.
    LoanBook,
    /// With a back-end of its own at this address.
    BackEnd(&'a str),
}

/// A question that was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    pub question: Question,
    pub case: String,
    message_id: String,
}

pub struct Pair {
    pub agent: Side,
    pub bank: Side,
    pub altinn: Running,
    client: Client,
    token: String,
    asked: Vec<Asked>,
    /// What the agency has collected from its mailbox and acknowledged.
    collected: Vec<Value>,
}

pub fn organisation(number: &str) -> OrganisationId {
    OrganisationId::norwegian(number).unwrap()
}

fn listed(number: &str, role: &str, sends: &[&str], receives: &[&str]) -> AkeldoEntry {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    AkeldoEntry {
        organisation: organisation(number),
        role: role.to_owned(),
        sends: owned(sends),
        receives: owned(receives),
    }
}

fn simulated() -> Config {
    let questions = ["Restgjeldsforespoersel", "Innfrielsessaldoforespoersel"];
    let answers = ["Restgjeldssvar", "Innfrielsessaldosvar"];
    Config::default()
        .with_client("vendor", &KEY, [organisation(AGENCY)])
        .with_client("centre", &KEY, [BANK, NARROW_BANK].map(organisation))
        .with_resource(ResourceConfig::open(RESOURCE))
        .with_scan_millis(30)
        .with_participant(listed(AGENCY, "megler", &questions, &answers))
        .with_participant(listed(BANK, "bank", &answers, &questions))
        .with_participant(listed(NARROW_BANK, "bank", &answers, &questions))
        .with_participant(listed(UNLISTED_BANK, "bank", &answers[..1], &questions[..1]))
}

/// Writes what a side is told of Altinn and AKELDO, behind its own settings.
fn configure(side: &Side, altinn: &Running, client: &str, acts_for: &[&str], more: &str) {
    KEY.write_private(&side.path("key.pem")).unwrap();
    let base = altinn.base_url();
    let altinn = format!(
        "{more}\n[akeldo]\nurl = \"{base}\"\n\
         [altinn]\nplatform_url = \"{base}\"\nresource_id = \"{RESOURCE}\"\n\
         organisations = {acts_for:?}\npoll_shortest_seconds = 1\npoll_longest_seconds = 2\n\
         timeout_seconds = 3\ntransfer_timeout_seconds = 3\nfollow_milliseconds = 50\n\
         follow_seconds = 3\nlist_lag_seconds = 1\nallow_private_addresses = true\n\
         [altinn.maskinporten]\nissuer = \"{}\"\nclient_id = \"{client}\"\nkey_file = {:?}\n\
         key_id = \"key-1\"",
        altinn.issuer(),
        side.path("key.pem"),
    );
    side.write("innfri.toml", &side.settings(&altinn));
}

fn agents_side(altinn: &Running) -> Side {
    let side = Side::new();
    let directory = format!(
        "[[participant]]\nid = \"{AGENCY}\"\nname = \"Eksempel Eiendomsmegling\"\n\
         role = \"estate-agency\"\nhandler = \"mailbox\"\nsends = [{BOTH}]\n\
         [[operator]]\nlogin = \"agent\"\nname = \"Agent\"\nspeaks_for = [\"{AGENCY}\"]\n"
    );
    side.write("directory.toml", &directory);
    configure(&side, altinn, "vendor", &[AGENCY], "[http]\nlisten = \"127.0.0.1:0\"");
    side
}

fn banks_side(altinn: &Running, works: &BankWorks<'_>) -> Side {
    let side = Side::new();
    let handler = match works {
        BankWorks::LoanBook => "handler = \"loan-book\"\nloan_book = \"book.toml\"".to_owned(),
        BankWorks::BackEnd(url) => format!(
            "handler = \"http\"\n[participant.http.target]\nurl = \"{url}\"\n\
             allow_private_addresses = true\ntimeout_seconds = 2"
        ),
    };
    let directory = format!(
        "[[participant]]\nid = \"{BANK}\"\nname = \"Testvik Sparebank\"\nrole = \"bank\"\n\
         receives = [{BOTH}]\nregister_numbers = [\"1564\"]\n{handler}\n\
         [[participant]]\nid = \"{NARROW_BANK}\"\nname = \"En annen bank\"\nrole = \"bank\"\n\
         receives = [\"no.dsve.restgjeldsforespoersel.v1\"]\nregister_numbers = [\"5377\"]\n\
         handler = \"loan-book\"\nloan_book = \"narrow.toml\"\n"
    );
    side.write("directory.toml", &directory);
    side.write("book.toml", &loan_book(BANK));
    side.write("narrow.toml", &loan_book(NARROW_BANK).replace("15640410423", "53770410428"));
    configure(&side, altinn, "centre", &[BANK, NARROW_BANK], "");
    side
}

impl Pair {
    /// All three, started.
    pub async fn start(works: BankWorks<'_>) -> Self {
        let altinn = start(simulated()).await.unwrap();
        let (mut agent, mut bank) = (agents_side(&altinn), banks_side(&altinn, &works));
        let arguments = ["operator", "token", "create", "agent", "--operator", "test"];
        let token = agent.command(&arguments).trim().to_owned();
        tokio::join!(agent.start(), bank.start());
        let client = Client::builder().timeout(PATIENCE).build().unwrap();
        Self { agent, bank, altinn, client, token, asked: Vec::new(), collected: Vec::new() }
    }

    pub fn switch(&self, faults: Value) {
        let faults: FaultSettings = serde_json::from_value(faults).unwrap();
        self.altinn.switch(faults);
    }

    async fn get(&mut self, path: &str) -> Value {
        let url = format!("{}{path}", self.agent.address().await);
        let reply = self.client.get(url).bearer_auth(&self.token).send().await.unwrap();
        assert_eq!(reply.status(), StatusCode::OK, "{path}");
        reply.json().await.unwrap()
    }

    /// Asks, as the agency.
    pub async fn ask(&mut self, question: Question) -> Asked {
        let number = u32::try_from(self.asked.len()).unwrap() + 1;
        let message = json!({
            "type": question.kind, "messageId": message_id(number), "body": question.body(number),
        });
        let url = format!("{}/v1/messages", self.agent.address().await);
        let request = self.client.post(url).bearer_auth(&self.token);
        let request = request.header("content-type", "application/vnd.innfri.message+json");
        let reply = request.body(message.to_string()).send().await.unwrap();
        // What goes to nobody is a settled case, and the asker is told of it at once.
        let refused = question.bank == UNLISTED_BANK;
        let told = if refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::ACCEPTED };
        assert_eq!(reply.status(), told);
        let told: Value = reply.json().await.unwrap();
        let case = told["caseId"].as_str().unwrap().to_owned();
        let asked = Asked { question, case, message_id: message_id(number) };
        self.asked.push(asked.clone());
        asked
    }

    /// The outcome of a question, as the agency reads it, once it is there.
    pub async fn outcome(&mut self, asked: &Asked) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let shown = self.get(&format!("/v1/cases/{}?wait=10s", asked.case)).await;
            if shown["state"] == "settled" {
                return shown["outcome"].clone();
            }
            assert!(Instant::now() < until, "{asked:?} is never answered");
        }
    }

    /// Asks all of these at once, and sees that each gets the outcome that it must.
    pub async fn ask_all(&mut self, questions: &[(Question, Expected)]) {
        let mut waiting = Vec::new();
        for (question, expected) in questions {
            waiting.push((self.ask(*question).await, expected));
        }
        for (asked, expected) in waiting {
            expected.check(&asked.question, &self.outcome(&asked).await);
        }
    }

    /// What was asked first with this question.
    pub fn asked(&self, question: &Question) -> Asked {
        self.asked.iter().find(|one| one.question == *question).cloned().expect("it was asked")
    }

    /// Waits until everything has left the agency's side, as far as it knows.
    pub async fn until_agent_owes_nothing(&self) {
        let until = Instant::now() + PATIENCE;
        while counts(&self.agent).await.owed_deliveries > 0 {
            assert!(Instant::now() < until, "the agency's side owes something for ever");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// All file transfers, the oldest first.
    pub fn files(&self) -> Vec<Value> {
        self.altinn.state()["transfers"].as_array().unwrap().clone()
    }

    /// Those that were published, whatever became of them then.
    pub fn published(&self) -> Vec<Value> {
        self.files().into_iter().filter(|one| !one["published"].is_null()).collect()
    }

    /// Waits for what comes by itself.
    pub async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !is_so(self) {
            assert!(Instant::now() < until, "never: {what}; {:#}", self.altinn.state()["held"]);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until nothing is open and owed on either side, and every file was fetched and confirmed; then
    /// sees that each question had one effect, that each message was carried once, and that the agency
    /// has got each outcome once.
    pub async fn rest(&mut self) {
        let until = Instant::now() + PATIENCE;
        loop {
            self.collect().await;
            let counts = [counts(&self.agent).await, counts(&self.bank).await];
            let confirmed = |one: &Value| one["fileTransferStatus"] == "AllConfirmedDownloaded";
            if counts == [Counts::default(); 2] && self.published().iter().all(confirmed) {
                break;
            }
            assert!(counts.iter().all(|counts| counts.dead_letters == 0), "{counts:?}");
            assert!(Instant::now() < until, "never at rest: {counts:?}, {:#?}", self.published());
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let (agents, banks) = (stories(&self.agent).await, stories(&self.bank).await);
        for story in agents.iter().chain(&banks) {
            assert_eq!(story.stored.case.state.revision(), 1, "one outcome of each case");
        }
        assert_eq!(agents.len(), self.asked.len(), "the agency's cases");
        self.carried_once(&agents, &banks);
        let answered: BTreeSet<&str> =
            self.collected.iter().filter_map(|one| one["correlationId"].as_str()).collect();
        let asked = self.asked.iter().map(|one| one.message_id.as_str()).collect();
        assert_eq!(answered, asked, "what the agency has collected");
        assert_eq!(self.collected.len(), self.asked.len(), "each outcome once");
    }

    /// One published file for each request and each outcome, and none besides.
    fn carried_once(&self, agents: &[CaseStory], banks: &[CaseStory]) {
        let requests = sent(agents, |purpose| purpose == Purpose::Request);
        let outcomes = sent(banks, |purpose| matches!(purpose, Purpose::Outcome { .. }));
        assert_eq!(requests.len(), banks.len(), "a case at the bank for each request, and no more");
        assert_eq!(outcomes.len(), banks.len(), "an outcome of each");
        let mut carried: BTreeMap<String, u32> = BTreeMap::new();
        for transfer in self.published() {
            let reference = transfer["sendersFileTransferReference"].as_str().unwrap();
            *carried.entry(reference.to_owned()).or_default() += 1;
        }
        let wanted = requests.union(&outcomes).map(|id| (id.clone(), 1)).collect();
        assert_eq!(carried, wanted, "each reference is published once");
    }

    /// The agency collects what is in its mailbox, and acknowledges it.
    async fn collect(&mut self) {
        let page = self.get("/v1/mailbox?max=100").await;
        for message in page["messages"].as_array().unwrap() {
            let path = format!("/v1/mailbox/{}/ack", message["id"].as_str().unwrap());
            let url = format!("{}{path}", self.agent.address().await);
            let reply = self.client.post(url).bearer_auth(&self.token).send().await.unwrap();
            assert_eq!(reply.status(), StatusCode::NO_CONTENT);
            self.collected.push(message.clone());
        }
    }
}

async fn counts(side: &Side) -> Counts {
    side.journal().await.counts().await.unwrap()
}

/// Every case of a side, with its story.
async fn stories(side: &Side) -> Vec<CaseStory> {
    let journal = side.journal().await;
    let filter = CaseFilter { limit: 1000, ..CaseFilter::default() };
    let mut stories = Vec::new();
    for case in journal.cases(&filter).await.unwrap() {
        stories.push(journal.story(&case.id).await.unwrap().unwrap());
    }
    stories
}

/// The ids of what was sent for a purpose.
fn sent(stories: &[CaseStory], meant: impl Fn(Purpose) -> bool) -> BTreeSet<String> {
    let deliveries = stories.iter().flat_map(|story| &story.deliveries);
    deliveries.filter(|one| meant(one.purpose)).map(|one| one.id.to_string()).collect()
}

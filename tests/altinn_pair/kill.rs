//! SIGKILL between every two steps: whichever call one of the two was in, and whether Altinn had carried it
//! out or not, it goes on where it must after its next start.

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::pair::{BankWorks, Pair};
use crate::question::{Expected, OWED, PLAIN};
use crate::side::Side;
use crate::support::messages::{AGENCY, BANK};

/// Who dies, and in what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dying {
    /// The agency's side sending the request.
    AgentSending,
    /// The bank's side fetching it.
    BankFetching,
    /// The bank's side sending the answer.
    BankSending,
    /// The agency's side fetching it.
    AgentFetching,
}

use Dying::{AgentFetching, AgentSending, BankFetching, BankSending};

/// How far a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stands {
    /// There is none.
    Nowhere,
    /// It is announced.
    Announced,
    /// It is uploaded.
    Uploaded,
    /// Its receiver has downloaded it.
    Downloaded,
    /// Its receiver has confirmed that.
    Confirmed,
}

use Stands::{Announced, Confirmed, Downloaded, Nowhere, Uploaded};

/// A call in which somebody dies.
struct Step {
    route: &'static str,
    /// How many such calls come before it.
    skip: u32,
    /// How far the file is before it and after it.
    file: [Stands; 2],
}

const fn step(route: &'static str, before: Stands, after: Stands) -> Step {
    Step { route, skip: 0, file: [before, after] }
}

const SENDING: [Step; 3] = [
    step("initialise", Nowhere, Announced),
    step("upload", Announced, Uploaded),
    step("overview", Uploaded, Uploaded),
];

/// Two overviews come before: of the request when it is fetched, and when its reference is looked up.
const ANSWERING: [Step; 4] = [
    Step { skip: 1, ..step("overview", Nowhere, Nowhere) },
    step("initialise", Nowhere, Announced),
    step("upload", Announced, Uploaded),
    Step { skip: 2, ..step("overview", Uploaded, Uploaded) },
];

const FETCHING: [Step; 4] = [
    step("list", Uploaded, Uploaded),
    step("overview", Uploaded, Uploaded),
    step("download", Uploaded, Downloaded),
    step("confirm", Downloaded, Confirmed),
];

impl Dying {
    /// The steps in their order.
    const fn steps(self) -> &'static [Step] {
        match self {
            AgentSending => &SENDING,
            BankSending => &ANSWERING,
            BankFetching | AgentFetching => &FETCHING,
        }
    }

    /// How far the file is with which it dies, if it is one of these; as far as who dies has a part in it.
    fn stands(self, files: &[Value]) -> Stands {
        let to = match self {
            AgentSending | BankFetching => BANK,
            BankSending | AgentFetching => AGENCY,
        };
        let is_it = |file: &&Value| file["recipients"][0]["recipient"] == format!("0192:{to}");
        let Some(file) = files.iter().find(is_it) else { return Nowhere };
        let code = &file["recipients"][0]["currentRecipientFileTransferStatusCode"];
        let stands = match (file["fileTransferStatus"].as_str(), code.as_str()) {
            (Some("Initialized"), _) => Announced,
            (_, Some("DownloadStarted")) => Downloaded,
            (_, Some("DownloadConfirmed")) => Confirmed,
            _ => Uploaded,
        };
        match self {
            AgentSending | BankSending => stands.min(Uploaded),
            AgentFetching | BankFetching => stands,
        }
    }

    const fn organisation(self) -> &'static str {
        match self {
            AgentSending | AgentFetching => AGENCY,
            BankFetching | BankSending => BANK,
        }
    }

    fn side(self, pair: &mut Pair) -> &mut Side {
        match self {
            AgentSending | AgentFetching => &mut pair.agent,
            BankFetching | BankSending => &mut pair.bank,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_kill_in_any_call_of_sending_loses_nothing_and_doubles_nothing() {
    die_in_each_step([AgentSending, BankSending]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_kill_in_any_call_of_fetching_loses_nothing_and_doubles_nothing() {
    die_in_each_step([AgentFetching, BankFetching]).await;
}

/// Each in two pairs of its own, since most of the time is spent waiting for leases to run out.
async fn die_in_each_step(who: [Dying; 2]) {
    let mut pairs = JoinSet::new();
    for dying in who {
        for moment in ["before", "after"] {
            pairs.spawn(async move {
                let mut pair = Pair::start(BankWorks::LoanBook).await;
                for step in dying.steps() {
                    die(&mut pair, dying, step, moment).await;
                }
                pair.agent.command(&["journal", "verify"]);
                pair.bank.command(&["journal", "verify"]);
            });
        }
    }
    while let Some(ended) = pairs.join_next().await {
        ended.expect("nothing is lost and nothing doubled");
    }
}

/// One question, in the course of which somebody is killed and started again.
async fn die(pair: &mut Pair, dying: Dying, step: &Step, moment: &str) {
    let Step { route, skip, file } = *step;
    let _place = Place(format!("{dying:?}, {moment} {route} {skip}"));
    let organisation = dying.organisation();
    let files_before = pair.files().len();
    let held = json!({ "held": {
        route: { "moment": moment, "organisation": organisation, "skip": skip },
    }});
    let asked = match dying {
        AgentSending | BankSending => {
            pair.switch(held);
            pair.ask(PLAIN).await
        }
        // Whoever fetches is not there before there is something to fetch.
        BankFetching => {
            pair.bank.stop();
            let before = pair.published().len();
            let asked = pair.ask(PLAIN).await;
            pair.until("a request", |pair| pair.published().len() > before).await;
            pair.switch(held);
            pair.bank.start().await;
            asked
        }
        AgentFetching => {
            pair.bank.stop();
            let before = pair.published().len();
            let asked = pair.ask(PLAIN).await;
            pair.until_agent_owes_nothing().await;
            pair.agent.stop();
            pair.bank.start().await;
            pair.until("an answer", |pair| pair.published().len() > before + 1).await;
            pair.switch(held);
            pair.agent.start().await;
            asked
        }
    };
    pair.until("a call is held", |pair| is_held(&pair.altinn.state()["held"])).await;
    let stands = dying.stands(&pair.files()[files_before..]);
    assert_eq!(stands, file[usize::from(moment == "after")], "it is held where it is meant to be");
    let side = dying.side(pair);
    side.kill();
    side.start().await;
    pair.until("the caller has gone", |pair| !is_held(&pair.altinn.state()["held"])).await;
    let outcome = pair.outcome(&asked).await;
    Expected::Amount(OWED).check(&asked.question, &outcome);
    pair.rest().await;
}

/// Where a test was when it failed.
struct Place(String);

impl Drop for Place {
    #[expect(clippy::print_stderr, reason = "a failed test shows where it was")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- it was here: {}", self.0);
        }
    }
}

fn is_held(held: &Value) -> bool {
    held.as_array().unwrap().iter().any(|one| one["waiting"] != 0)
}

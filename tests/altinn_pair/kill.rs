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

/// A call in which somebody dies, and how many such calls come before it.
type Step = (&'static str, u32);

const FETCHING: [Step; 4] = [("list", 0), ("overview", 0), ("download", 0), ("confirm", 0)];

impl Dying {
    /// The steps in their order.
    const fn steps(self) -> &'static [Step] {
        match self {
            AgentSending => &[("initialise", 0), ("upload", 0), ("overview", 0)],
            // Two overviews come before: of the request when it is fetched, and when its reference is
            // looked up for the answer.
            BankSending => &[("overview", 1), ("initialise", 0), ("upload", 0), ("overview", 2)],
            BankFetching | AgentFetching => &FETCHING,
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
                    die(&mut pair, dying, *step, moment).await;
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
#[expect(clippy::print_stderr, reason = "a failed test shows where it was")]
async fn die(pair: &mut Pair, dying: Dying, (route, skip): Step, moment: &str) {
    eprintln!("{dying:?} {moment} {route} ({skip} such calls pass)");
    let organisation = dying.organisation();
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
    let side = dying.side(pair);
    side.kill();
    side.start().await;
    pair.until("the caller has gone", |pair| !is_held(&pair.altinn.state()["held"])).await;
    let outcome = pair.outcome(&asked).await;
    Expected::Amount(OWED).check(&asked.question, &outcome);
    pair.rest().await;
}

fn is_held(held: &Value) -> bool {
    held.as_array().unwrap().iter().any(|one| one["waiting"] != 0)
}

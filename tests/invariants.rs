//! The pure core under any messages in any order: no panic, and what ARCHITECTURE.md says is always
//! true holds after every step.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops at what it did not expect"
)]

#[path = "support/messages.rs"]
#[allow(dead_code, reason = "this test uses a part of it")]
mod messages;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use innfri::case::{CaseState, Purpose, StoredCase, apply};
use innfri::contract::{CheckContext, Contract};
use innfri::decide::{Context, Decision, Disposition, Found, InboxEntry, decide, read};
use innfri::directory::Directory;
use innfri::kernel::{
    CaseId, ChannelName, DeliveryId, Digest, Environment, Incoming, Limits, Login, MessageId,
    OrganisationId, PaymentWindow,
};
use innfri::source::file;
use jiff::Timestamp;
use messages as sample;
use proptest::prelude::*;
use serde_json::{Value, json};

const DIRECTORY: &str = r#"
[[participant]]
id = "926018159"
name = "Eksempel Eiendomsmegling"
role = "estate-agency"
sends = ["no.dsve.restgjeldsforespoersel.v1", "no.dsve.innfrielsessaldoforespoersel.v1"]
receipts = true
[[participant]]
id = "918190937"
name = "Testvik Sparebank"
role = "bank"
receives = ["no.dsve.restgjeldsforespoersel.v1", "no.dsve.innfrielsessaldoforespoersel.v1"]
register_numbers = ["1564"]
[[participant]]
id = "903137215"
name = "Fjordprøven Bank"
role = "bank"
register_numbers = ["5377"]
[[operator]]
login = "agent"
name = "Agent"
speaks_for = ["926018159"]
[[operator]]
login = "bank"
name = "Bank"
speaks_for = ["918190937"]
[[operator]]
login = "other"
name = "Other"
speaks_for = ["903137215"]
"#;

/// Somebody who is no owner: must never reach the asker.
const STRANGER: &str = "Hemmelig Person";
/// An account of another bank: likewise.
const FOREIGN_ACCOUNT: &str = "53776020776";

/// One arrival.
#[derive(Debug, Clone)]
struct Arrival {
    login: Option<&'static str>,
    kind: &'static str,
    message_id: Option<u32>,
    /// Which question it answers, as delivered to the bank.
    answers: Option<u32>,
    body: Vec<u8>,
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let number = 0_u32..4;
    let mutations = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3);
    let valid = (number, 0_u8..12).prop_map(|(number, what)| {
        let mut answer = sample::restgjeld_answer(number, "1000.50");
        let value = match what {
            0..=2 => sample::restgjeld(number),
            3 => sample::innfrielse(number, "2026-12-01"),
            4 | 5 => answer,
            6 => sample::innfrielse_answer(number, "2026-12-01", "10.00"),
            7 => sample::status(number, "LAAN_SOLGT"),
            8 => sample::status(number, "FEIL"),
            9 => {
                answer["laanliste"][0]["laantakereHjemmelshaver"] = json!([STRANGER]);
                answer
            }
            10 => {
                answer["laanliste"][0]["kontonummer"] = json!(FOREIGN_ACCOUNT);
                answer
            }
            _ => Value::Null,
        };
        serde_json::to_vec(&value).unwrap()
    });
    (valid, mutations, 0_u8..4).prop_map(|(mut bytes, mutations, spoil)| {
        if spoil == 0 {
            for (place, byte) in mutations {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
        }
        bytes
    })
}

fn arrival() -> impl Strategy<Value = Arrival> {
    let login = prop::sample::select(vec![
        Some("agent"),
        Some("agent"),
        Some("bank"),
        Some("bank"),
        Some("other"),
        Some("nobody"),
        None,
    ]);
    let kind = prop::sample::select(vec![
        sample::RESTGJELD,
        sample::RESTGJELD,
        sample::INNFRIELSE,
        sample::RESTGJELD_ANSWER,
        sample::RESTGJELD_ANSWER,
        sample::INNFRIELSE_ANSWER,
        sample::STATUS,
        sample::REJECTION,
        "unknown",
    ]);
    let message_id = prop::option::weighted(0.95, 0_u32..12);
    let answers = prop::option::weighted(0.8, 0_u32..6);
    (login, kind, message_id, answers, body()).prop_map(
        |(login, kind, message_id, answers, body)| Arrival {
            login,
            kind,
            message_id,
            answers,
            body,
        },
    )
}

/// What the journal would hold.
#[derive(Default)]
struct Store {
    inbox: BTreeMap<(OrganisationId, MessageId), InboxEntry>,
    cases: BTreeMap<DeliveryId, StoredCase>,
    opened: Vec<DeliveryId>,
    owed: BTreeSet<DeliveryId>,
    replayed: BTreeMap<CaseId, (CaseState, Digest)>,
}

impl Store {
    fn find(&self, key: &innfri::decide::Key) -> Found {
        Found {
            inbox: key.inbox.as_ref().and_then(|key| self.inbox.get(key)).cloned(),
            case: key.forwarded_as.and_then(|id| self.cases.get(&id)).cloned(),
        }
    }

    /// Keeps a decision, and holds it to the invariants.
    fn keep(&mut self, decision: &Decision, repeat: bool) {
        let silent = decision.deliveries.is_empty() && decision.dead_letters.is_empty();
        assert!(
            !silent || decision.disposition == Disposition::Repeated,
            "nothing ends in silence"
        );
        if repeat {
            assert!(decision.change.is_none(), "a repeat has no second effect");
        }
        if let Some(entry) = &decision.inbox {
            let key = (entry.sender.clone(), entry.message_id);
            assert!(self.inbox.insert(key, entry.clone()).is_none(), "one effect per message id");
        }
        if let Some(change) = &decision.change {
            let (mut state, mut head) = self
                .replayed
                .get(&change.case.id)
                .cloned()
                .unwrap_or((CaseState::Open, Digest::ZERO));
            for recorded in &change.events {
                assert!(recorded.follows(&head), "the chain of events is whole");
                state = apply(&state, &recorded.event, recorded.at).expect("a legal event");
                head = recorded.hash;
            }
            assert_eq!((&change.case.state, change.case.head), (&state, head));
            self.replayed.insert(change.case.id, (state, head));
            let request = change
                .request
                .clone()
                .or_else(|| self.cases.get(&change.case.forwarded_as).map(|c| c.request.clone()));
            let stored = StoredCase { case: change.case.clone(), request: request.unwrap() };
            if self.cases.insert(change.case.forwarded_as, stored).is_none() {
                self.opened.push(change.case.forwarded_as);
            }
        }
        for delivery in &decision.deliveries {
            assert!(self.owed.insert(delivery.id), "a delivery is owed once");
            let text = String::from_utf8_lossy(&delivery.body.json);
            match delivery.purpose {
                Purpose::Outcome { revision } => {
                    let case = &decision.change.as_ref().unwrap().case;
                    assert_eq!(delivery.to, case.reply_to, "an outcome goes to who waits for it");
                    assert_eq!(revision, case.state.revision());
                    assert!(!text.contains(STRANGER) && !text.contains(FOREIGN_ACCOUNT));
                }
                Purpose::Request => {
                    let case = &decision.change.as_ref().unwrap().case;
                    assert_eq!(Some(&delivery.to), case.bank.as_ref());
                }
                Purpose::Rejection => assert!(!text.contains(STRANGER)),
                Purpose::Receipt => {}
            }
        }
    }
}

fn incoming(arrival: &Arrival, store: &Store) -> Incoming {
    let answers = arrival.answers.map(|number| {
        let place = usize::try_from(number).unwrap();
        store.opened.get(place).map_or_else(|| sample::message_id(number), ToString::to_string)
    });
    Incoming {
        channel: ChannelName::Amqp,
        source: "innfri.in.requests".into(),
        login: arrival.login.map(Login::new),
        message_type: Some(arrival.kind.into()),
        message_id: arrival.message_id.map(sample::message_id),
        correlation_id: answers,
        content_type: None,
        traceparent: None,
        deaths: Vec::new(),
        findings: Vec::new(),
        received_at: Timestamp::UNIX_EPOCH,
        body: arrival.body.clone(),
    }
}

static WORLD: LazyLock<(Directory, Contract)> = LazyLock::new(|| {
    let directory = file::parse(DIRECTORY, "directory.toml".as_ref()).unwrap();
    (directory, Contract::new(Limits::default()).unwrap())
});

fn context(directory: &'static Directory, contract: &'static Contract) -> Context<'static> {
    let window =
        PaymentWindow { today: "2026-11-20".parse().unwrap(), grace_days: 3, ahead_days: 180 };
    let check = CheckContext { environment: Environment::Test, window, contact_optional: false };
    Context { directory, contract, check, now: "2026-11-20T10:00:00Z".parse().unwrap() }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_messages_in_any_order_keep_the_invariants(
        arrivals in prop::collection::vec(arrival(), 1..40)
    ) {
        let context = context(&WORLD.0, &WORLD.1);
        let mut store = Store::default();
        for arrival in &arrivals {
            let reading = read(incoming(arrival, &store), &context);
            let found = store.find(&reading.key());
            let decision = decide(&reading, &found, &context);
            prop_assert_eq!(&decision, &decide(&reading, &found, &context));
            let told_again = decision.deliveries.iter().all(|one| store.owed.contains(&one.id));
            if found.inbox.is_some() && told_again {
                // A wrong use of an id that was told before: the report is the same delivery.
                prop_assert!(decision.change.is_none());
                continue;
            }
            if decision.deliveries.iter().any(|one| store.owed.contains(&one.id)) {
                // A spoofed message that came before: likewise.
                prop_assert_eq!(decision.disposition, Disposition::DeadLettered);
                continue;
            }
            store.keep(&decision, found.inbox.is_some());
        }
    }
}

/// The generator reaches what matters: without this the property could hold for want of trying.
#[test]
fn the_messages_reach_every_disposition() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let context = context(&WORLD.0, &WORLD.1);
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeMap<Disposition, u32> = BTreeMap::new();
    let mut answered = 0;
    for _ in 0..200 {
        let arrivals =
            prop::collection::vec(arrival(), 40).new_tree(&mut runner).unwrap().current();
        let mut store = Store::default();
        for arrival in &arrivals {
            let reading = read(incoming(arrival, &store), &context);
            let found = store.find(&reading.key());
            let decision = decide(&reading, &found, &context);
            *seen.entry(decision.disposition).or_default() += 1;
            answered +=
                usize::from(found.case.is_some() && decision.disposition == Disposition::Accepted);
            if !decision.deliveries.iter().any(|one| store.owed.contains(&one.id)) {
                store.keep(&decision, found.inbox.is_some());
            }
        }
    }
    assert_eq!(seen.len(), 5, "{seen:?}");
    assert!(answered > 0, "some answer is accepted");
}

//! The whole program over HTTP alone: no RabbitMQ, tokens as people give them out, clients that share no
//! code with it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::messages::{self as sample, AGENCY, BANK, message_id};
use crate::program::{Program, run};

/// Only a bound: nothing is measured.
const PATIENCE: Duration = Duration::from_secs(120);

const DIRECTORY: &str = r#"
[[participant]]
id = "926018159"
name = "Eksempel Eiendomsmegling"
role = "estate-agency"
handler = "mailbox"
sends = ["no.dsve.restgjeldsforespoersel.v1", "no.dsve.innfrielsessaldoforespoersel.v1"]

[[participant]]
id = "918190937"
name = "Testvik Sparebank"
role = "bank"
handler = "mailbox"
receives = ["no.dsve.restgjeldsforespoersel.v1", "no.dsve.innfrielsessaldoforespoersel.v1"]
register_numbers = ["1564"]

[[participant]]
id = "903137215"
name = "En annen bank"
role = "bank"
handler = "mailbox"
receives = ["no.dsve.restgjeldsforespoersel.v1"]
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
name = "Annen bank"
speaks_for = ["903137215"]
"#;

/// Somebody who calls.
pub struct Caller {
    pub token: String,
}

pub struct World {
    // First, so that it can still show its log when it is dropped.
    pub innfri: Program,
    folder: TempDir,
    config: String,
    started: usize,
    client: Client,
    pub agent: Caller,
    bank: Caller,
    other: Caller,
}

fn start(config: &str, folder: &TempDir) -> Program {
    Program::start(&["serve", "--config", config], &[], &folder.path().join("innfri.log"))
}

impl World {
    pub fn new(http: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("directory.toml"), DIRECTORY).unwrap();
        let text = format!(
            "environment = \"test\"\n[directory]\nfile = {:?}\n[journal]\nurl = \"sqlite:{}\"\n\
             [exchange]\nlease_seconds = 5\nbatch_guard_percent = 0\n\
             [http]\nlisten = \"127.0.0.1:0\"\n{http}\n",
            path("directory.toml"),
            path("innfri.db").display(),
        );
        let config = path("innfri.toml");
        std::fs::write(&config, text).unwrap();
        let config = config.display().to_string();
        let token = |login| {
            let arguments =
                ["operator", "token", "create", login, "--operator", "test", "--config", &config];
            let output = run(&arguments, &[]);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Caller { token: String::from_utf8(output.stdout).unwrap().trim().to_owned() }
        };
        let (agent, bank, other) = (token("agent"), token("bank"), token("other"));
        let mut innfri = start(&config, &folder);
        innfri.wait_for("innfri is ready", 1);
        let client = Client::builder().timeout(PATIENCE).build().unwrap();
        Self { innfri, folder, config, started: 1, client, agent, bank, other }
    }

    fn start_again(&mut self) {
        self.innfri = start(&self.config, &self.folder);
        self.started += 1;
        self.innfri.wait_for("innfri is ready", self.started);
    }

    pub fn address(&mut self) -> String {
        self.innfri.wait_for("listens for HTTP", self.started);
        let said = self.innfri.said();
        let (_, last) = said.rsplit_once("address=127.0.0.1:").unwrap();
        let port: String = last.chars().take_while(char::is_ascii_digit).collect();
        format!("http://127.0.0.1:{port}")
    }

    async fn call(
        &mut self,
        caller: fn(&Self) -> &Caller,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let url = format!("{}{path}", self.address());
        let mut request = self.client.request(method, url).bearer_auth(&caller(self).token);
        if let Some(body) = body {
            request = request
                .header("content-type", "application/vnd.innfri.message+json")
                .body(body.to_string());
        }
        let reply = request.send().await.unwrap();
        let status = reply.status();
        let bytes = reply.bytes().await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    async fn get(&mut self, caller: fn(&Self) -> &Caller, path: &str) -> Value {
        let (status, json) = self.call(caller, Method::GET, path, None).await;
        assert_eq!(status, StatusCode::OK, "{json}");
        json
    }

    async fn ask(&mut self, number: u32) -> Value {
        let body = json!({"type": sample::RESTGJELD, "messageId": message_id(number),
            "body": sample::restgjeld(number)});
        let (status, json) = self.call(agent, Method::POST, "/v1/messages", Some(body)).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{json}");
        json
    }

    async fn answer(&mut self, number: u32, request: &Value) -> Value {
        let body = json!({"type": sample::RESTGJELD_ANSWER, "messageId": message_id(500 + number),
            "correlationId": request["messageId"],
            "body": sample::restgjeld_answer(number, "100.00")});
        let (status, json) = self.call(bank, Method::POST, "/v1/messages", Some(body)).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{json}");
        json
    }

    async fn acknowledge(&mut self, caller: fn(&Self) -> &Caller, message: &Value) {
        let path = format!("/v1/mailbox/{}/ack", message["id"].as_str().unwrap());
        let (status, _) = self.call(caller, Method::POST, &path, None).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
    }

    /// Collects until it has seen so many different messages; acknowledges those alone.
    async fn collect(&mut self, caller: fn(&Self) -> &Caller, count: usize) -> Vec<Value> {
        let begun = Instant::now();
        let mut found: Vec<Value> = Vec::new();
        while found.len() < count {
            assert!(begun.elapsed() < PATIENCE, "only {} of {count}", found.len());
            let page = self.get(caller, "/v1/mailbox?wait=5s&max=100").await;
            for message in page["messages"].as_array().unwrap() {
                if found.iter().all(|seen| seen["id"] != message["id"]) {
                    self.acknowledge(caller, message).await;
                    found.push(message.clone());
                }
            }
        }
        found
    }

    fn command(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let mut all = arguments.to_vec();
        all.extend(["--config", &self.config]);
        let output = run(&all, &[]);
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

fn agent(world: &World) -> &Caller {
    &world.agent
}

fn bank(world: &World) -> &Caller {
    &world.bank
}

fn other(world: &World) -> &Caller {
    &world.other
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_asked_collected_answered_and_read_without_rabbitmq() {
    let mut world = World::new("");
    let accepted = world.ask(1).await;
    assert_eq!(world.ask(1).await, accepted, "a repeat is told the same");
    let case = accepted["caseId"].as_str().unwrap().to_owned();

    let requests = world.collect(bank, 1).await;
    let request = &requests[0];
    assert_eq!(request["body"], sample::restgjeld(1));
    assert_eq!((&request["caseId"], &request["purpose"]), (&json!(case), &json!("request")));
    world.acknowledge(bank, request).await;
    world.answer(1, request).await;
    world.answer(1, request).await;

    let shown = world.get(agent, &format!("/v1/cases/{case}?wait=30s")).await;
    assert_eq!((&shown["state"], &shown["revision"]), (&json!("settled"), &json!(1)));
    assert_eq!(shown["outcome"]["body"], sample::restgjeld_answer(1, "100.00"));
    let outcomes = world.collect(agent, 1).await;
    assert_eq!(outcomes[0]["correlationId"], message_id(1));
    assert_eq!(outcomes[0]["id"], shown["outcome"]["messageId"]);
    assert_eq!(outcomes[0]["body"], shown["outcome"]["body"]);
    assert_eq!(world.get(agent, "/v1/mailbox").await, json!({"messages": []}));

    let (code, report) = world.command(&["doctor"]);
    assert_eq!(code, Some(0), "{report}");
    assert!(report.contains("http") && report.contains("0 delivery(ies) owed"), "{report}");
    assert_eq!(world.innfri.terminate(), Some(0));
    let log = world.innfri.said();
    for secret in [world.agent.token.as_str(), "23904430552", "Prøve"] {
        assert!(!log.contains(secret), "the log names a secret");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_between_taking_and_acknowledging_loses_nothing() {
    let mut world = World::new("mailbox_lease_seconds = 2");
    for number in 1..=6 {
        world.ask(number).await;
    }
    let taken = world.get(bank, "/v1/mailbox?wait=20s&max=3").await;
    let taken = taken["messages"].as_array().unwrap().clone();
    assert!(!taken.is_empty());
    world.acknowledge(bank, &taken[0]).await;
    world.innfri.kill();
    world.start_again();
    // All but the acknowledged come again, those that were leased too, and none twice once acknowledged.
    let again = world.collect(bank, 5).await;
    let ids: BTreeSet<&str> = again.iter().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!(ids.len(), 5);
    assert!(!ids.contains(taken[0]["id"].as_str().unwrap()));
    for request in again.iter().chain(&taken[..1]) {
        let number = request["body"]["avsender"]["referanse"].as_str().unwrap();
        let number = number.strip_prefix("OPPDRAG-").unwrap().parse().unwrap();
        world.answer(number, request).await;
    }
    world.innfri.kill();
    world.start_again();
    let outcomes = world.collect(agent, 6).await;
    let answered: BTreeSet<&str> =
        outcomes.iter().filter_map(|one| one["correlationId"].as_str()).collect();
    assert_eq!(answered.len(), 6);
    assert_eq!(world.get(bank, "/v1/mailbox?wait=3s").await, json!({"messages": []}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_runs_out_and_a_message_handed_back_come_again() {
    let mut world = World::new("mailbox_lease_seconds = 1");
    world.ask(1).await;
    let first = world.get(bank, "/v1/mailbox?wait=20s").await["messages"][0].clone();
    let again = world.get(bank, "/v1/mailbox?wait=20s").await["messages"][0].clone();
    assert_eq!((&again["id"], &again["body"]), (&first["id"], &first["body"]));
    let path = format!("/v1/mailbox/{}/nack", first["id"].as_str().unwrap());
    let (status, _) = world.call(bank, Method::POST, &path, None).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let third = world.collect(bank, 1).await;
    // A lease that ran out was an attempt, and one that was handed back.
    assert_eq!((&third[0]["id"], &third[0]["attempts"]), (&first["id"], &json!(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_attempt_on_another_is_refused_and_stands_in_log_and_journal() {
    let mut world = World::new("");
    let case = world.ask(1).await["caseId"].as_str().unwrap().to_owned();
    let request = world.get(bank, "/v1/mailbox?wait=20s").await["messages"][0].clone();
    let id = request["id"].as_str().unwrap();
    let tries = [
        (Method::GET, format!("/v1/cases/{case}"), StatusCode::NOT_FOUND),
        (Method::GET, format!("/v1/cases?organisation={AGENCY}"), StatusCode::FORBIDDEN),
        (Method::GET, format!("/v1/mailbox?organisation={BANK}"), StatusCode::FORBIDDEN),
        (Method::POST, format!("/v1/mailbox/{id}/ack"), StatusCode::NOT_FOUND),
        (Method::POST, format!("/v1/mailbox/{id}/nack"), StatusCode::NOT_FOUND),
    ];
    for (number, (method, path, refused)) in tries.into_iter().enumerate() {
        let (status, _) = world.call(other, method, &path, None).await;
        assert_eq!(status, refused, "{path}");
        let (code, actions) = world.command(&["dead", "actions", "--json"]);
        assert_eq!(code, Some(0));
        let newest: Value = serde_json::from_str(actions.lines().next().unwrap()).unwrap();
        assert_eq!(
            (&newest["action"], &newest["operator"]),
            (&json!("trespass"), &json!("login other"))
        );
        assert_eq!(actions.lines().count(), number + 1);
        assert_eq!(world.innfri.said().matches("innfri::security").count(), number + 1);
    }
    let spoof = json!({"type": sample::RESTGJELD_ANSWER, "messageId": message_id(9),
        "correlationId": id, "body": sample::restgjeld_answer(1, "0.00")});
    let (status, problem) = world.call(other, Method::POST, "/v1/messages", Some(spoof)).await;
    assert_eq!(
        (status, &problem["type"]),
        (StatusCode::FORBIDDEN, &json!("urn:innfri:problem:not-allowed"))
    );
    assert_eq!(world.innfri.said().matches("innfri::security").count(), 6);
    let (_, letters) = world.command(&["dead", "list", "--json"]);
    assert!(letters.contains("SPOOFED_SENDER"), "{letters}");
    let shown = world.get(agent, &format!("/v1/cases/{case}")).await;
    assert_eq!(shown["state"], "open");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_calls_too_often_is_told_when_to_come_back_and_holds_up_nobody_else() {
    let mut world = World::new("requests_per_second = 1\nburst = 3");
    let url = format!("{}/v1/cases", world.address());
    let mut refused = None;
    for _ in 0..100 {
        let reply = world.client.get(&url).bearer_auth(&world.agent.token).send().await.unwrap();
        if reply.status() == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(reply);
            break;
        }
    }
    let refused = refused.expect("a rate that holds");
    assert_eq!(refused.headers()["retry-after"], "1");
    world.get(bank, "/v1/cases").await;
    let nobody = world.client.get(&url).send().await.unwrap();
    assert_eq!(nobody.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(nobody.headers()["content-type"], "application/problem+json");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_is_answered_when_innfri_stops() {
    let mut world = World::new("");
    let url = format!("{}/v1/mailbox?wait=60s", world.address());
    let waiting = world.client.get(url).bearer_auth(&world.bank.token).send();
    let stop = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        tokio::task::block_in_place(|| world.innfri.terminate())
    };
    let (reply, code) = tokio::join!(waiting, stop);
    assert_eq!(code, Some(0));
    let reply = reply.unwrap();
    assert_eq!(reply.status(), StatusCode::OK);
    assert_eq!(reply.text().await.unwrap(), "{\"messages\":[]}");
}

#[test]
fn an_address_that_is_taken_or_open_to_all_is_told_with_what_to_do() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = TempDir::new().unwrap();
    let path = |name: &str| -> PathBuf { folder.path().join(name) };
    std::fs::write(path("directory.toml"), DIRECTORY).unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (listen, words) in
        [(taken.as_str(), "a port that nobody else has"), ("0.0.0.0:0", "http.tls")]
    {
        let directory = path("directory.toml").display().to_string();
        let journal = format!("sqlite:{}", path("innfri.db").display());
        let variables = [
            ("INNFRI__DIRECTORY__FILE", directory.as_str()),
            ("INNFRI__JOURNAL__URL", journal.as_str()),
            ("INNFRI__HTTP__LISTEN", listen),
        ];
        let output = run(&["serve"], &variables);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(words), "{said}");
    }
    // Without an address nobody can collect, which the doctor says.
    let directory = path("directory.toml").display().to_string();
    let journal = format!("sqlite:{}", path("innfri.db").display());
    let variables = [
        ("INNFRI__DIRECTORY__FILE", directory.as_str()),
        ("INNFRI__JOURNAL__URL", journal.as_str()),
    ];
    let output = run(&["doctor"], &variables);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!output.status.success() && said.contains("http.listen"), "{said}");
}

//! The client programs of examples/clients as somebody new would run them: agents of one language with
//! banks of another, over AMQP and HTTP, against RabbitMQ and innfri, killed and cut off in mid-case.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    clippy::print_stderr,
    reason = "a test stops at what it did not expect"
)]

#[path = "clients/language.rs"]
mod language;
mod support;
#[path = "clients/table.rs"]
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use language::{Clients, Language, Side, root};
use serde_json::Value;
use support::program::{Program, run};
use support::proxy::Proxy;
use support::rabbitmq::RabbitMq;
use tempfile::TempDir;
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(120);
const AGENCY: &str = "926018159";
const BANK: &str = "918190937";
/// The request that innfri itself refuses, and one of the rules that it breaks.
const INVALID: &str = "08-ugyldig.no.dsve.innfrielsessaldoforespoersel.v1.json";
const INVALID_RULE: &str = "INN-003";
const ACCOUNT_RULE: &str = "INN-021";
const READ_AGAIN: &str = "the directory is read again";

/// One installation, reached through lines that can be cut.
struct World {
    // First, so that it can still show its log when it is dropped.
    innfri: Program,
    folder: TempDir,
    rabbit: RabbitMq,
    line: Proxy,
    web: Proxy,
    tokens: BTreeMap<&'static str, String>,
    clients: Clients,
    loans: Value,
    /// By file name.
    requests: BTreeMap<String, Value>,
}

impl World {
    async fn start() -> Self {
        let clients = Clients::prepare();
        let rabbit = RabbitMq::start();
        let everything = ".*";
        rabbit.add_user("innfri", "innfri", everything, everything, everything);
        let reads = format!("^innfri\\.org\\.no\\.{AGENCY}\\.answers$");
        rabbit.add_user("megler", "megler", "^$", "^innfri\\.requests$", &reads);
        let reads = format!("^innfri\\.org\\.no\\.{BANK}\\..*$");
        rabbit.add_user("testvik", "testvik", "^$", "^innfri\\.answers$", &reads);
        let folder = TempDir::new().unwrap();
        let directory = folder.path().join("directory.toml");
        std::fs::write(&directory, tour_directory(Language::Rust, Language::Rust)).unwrap();
        // A lease that is soon over, so that what a killed bank held comes again while the test waits.
        let text = format!(
            "environment = \"test\"\n[directory]\nfile = {directory:?}\n\
             [journal]\nurl = \"sqlite:{}\"\n[amqp]\nurl = {:?}\n\
             [http]\nlisten = \"127.0.0.1:0\"\nmailbox_lease_seconds = 3\n",
            folder.path().join("innfri.db").display(),
            rabbit.url("innfri", "innfri"),
        );
        let config = folder.path().join("innfri.toml");
        std::fs::write(&config, text).unwrap();
        let config = config.display().to_string();
        let log = folder.path().join("innfri.log");
        let mut innfri =
            Program::start(&["serve", "--config", &config], &[("NO_COLOR", "1")], &log);
        innfri.wait_for("innfri is ready", 1);
        innfri.wait_for("listens for HTTP", 1);
        let token = |login| {
            let create = ["operator", "token", "create", login, "--config", &config];
            (login, String::from_utf8(run(&create, &[]).stdout).unwrap().trim().to_owned())
        };
        let loans = std::fs::read(root().join("examples/clients/loans.json")).unwrap();
        Self {
            line: Proxy::start(vec![rabbit.port()]).await,
            web: Proxy::start(vec![http_port(&innfri.said())]).await,
            tokens: ["megler", "testvik"].map(token).into(),
            innfri,
            rabbit,
            clients,
            loans: serde_json::from_slice(&loans).unwrap(),
            requests: write_requests(&folder.path().join("requests")),
            folder,
        }
    }

    /// Who speaks HTTP collects from a mailbox; who speaks AMQP has queues.
    fn direct(&mut self, agent: Language, bank: Language) {
        let before = self.innfri.said().matches(READ_AGAIN).count();
        let directory = self.folder.path().join("directory.toml");
        std::fs::write(directory, tour_directory(agent, bank)).unwrap();
        self.innfri.hang_up();
        self.innfri.wait_for(READ_AGAIN, before + 1);
    }

    /// Starts a client program as this login.
    fn start_client(
        &self,
        mut command: Command,
        language: Language,
        login: &str,
        log: &Path,
    ) -> Program {
        if language == Language::Curl {
            command
                .env("INNFRI_URL", format!("http://127.0.0.1:{}", self.web.port()))
                .env("INNFRI_TOKEN", &self.tokens[login]);
            return Program::spawn_group(command, log);
        }
        let port = self.line.port();
        command.env("AMQP_URL", format!("amqp://{login}:{login}@127.0.0.1:{port}/%2f"));
        Program::spawn(command, log)
    }

    /// Runs a command of innfri with this installation's settings.
    fn innfri(&self, arguments: &[&str]) -> String {
        let config = self.folder.path().join("innfri.toml").display().to_string();
        let output = run(&[arguments, &["--config", &config]].concat(), &[]);
        String::from_utf8(output.stdout).unwrap()
    }

    /// The cases so far: what each asked, and how often it had an outcome.
    fn cases(&self) -> Vec<Value> {
        let listed = self.innfri(&["case", "list", "--json", "--limit", "1000"]);
        listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// The tour's directory, with a mailbox for who has no queues.
fn tour_directory(agent: Language, bank: Language) -> String {
    let text = std::fs::read_to_string(root().join("examples/tour/directory.toml")).unwrap();
    let mut text = text.replace("handler = \"amqp\"", handler(bank));
    let role = "role = \"estate-agency\"\n";
    let place = text.find(role).unwrap() + role.len();
    text.insert_str(place, &format!("{}\n", handler(agent)));
    text
}

const fn handler(language: Language) -> &'static str {
    match language {
        Language::Curl => "handler = \"mailbox\"",
        Language::Java | Language::Python | Language::Node | Language::Rust => "handler = \"amqp\"",
    }
}

/// The port that innfri says it took.
fn http_port(said: &str) -> u16 {
    let line = said.lines().find(|line| line.contains("listens for HTTP")).unwrap();
    let (_, port) = line.split_once("127.0.0.1:").unwrap();
    let digits: String = port.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

/// The example requests, with payoff dates that have not passed.
fn write_requests(folder: &Path) -> BTreeMap<String, Value> {
    use innfri::port::Clock as _;
    std::fs::create_dir(folder).unwrap();
    let later = |days| {
        let span = jiff::Span::new().days(days);
        innfri::port::SystemClock.today().saturating_add(span).to_string()
    };
    let mut requests = BTreeMap::new();
    for entry in std::fs::read_dir(root().join("examples/clients/requests")).unwrap() {
        let entry = entry.unwrap();
        let text = std::fs::read_to_string(entry.path()).unwrap();
        let text = text.replace("2026-12-01", &later(7)).replace("2026-12-15", &later(21));
        let name = entry.file_name().into_string().unwrap();
        std::fs::write(folder.join(&name), &text).unwrap();
        requests.insert(name, serde_json::from_str(&text).unwrap());
    }
    assert!(requests.contains_key(INVALID));
    requests
}

/// An agent and a bank, and what they keep and say.
struct Pairing<'a> {
    world: &'a World,
    folder: PathBuf,
    agent: Language,
    bank: Language,
}

impl Pairing<'_> {
    fn log(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }

    fn bank_state(&self) -> PathBuf {
        self.folder.join("bank-state")
    }

    fn start_agent(&self, name: &str) -> Program {
        let mut command = self.world.clients.command(self.agent, Side::Agent);
        command
            .arg(self.world.folder.path().join("requests"))
            .env("AGENT_STATE", self.folder.join("agent-state"));
        self.world.start_client(command, self.agent, "megler", &self.log(name))
    }

    fn start_bank(&self, name: &str, seconds: &str) -> Program {
        let mut command = self.world.clients.command(self.bank, Side::Bank);
        command
            .arg(root().join("examples/clients/loans.json"))
            .env("BANK_STATE", self.bank_state())
            .env("BANK_SECONDS", seconds);
        self.world.start_client(command, self.bank, "testvik", &self.log(name))
    }

    /// Runs both through all their trouble, until the agent has every outcome.
    fn run(&self) {
        let asked = self.world.requests.len();

        // The agent is killed while its questions wait for a bank, and asks them again.
        let mut agent = self.start_agent("agent-1");
        agent.wait_for("asked\t", asked);
        agent.kill();
        let mut agent = self.start_agent("agent-2");
        // The invalid one may have had its outcome before.
        agent.wait_for("asked\t", asked - 1);

        // A bank is killed with a request in its hands.
        let mut bank = self.start_bank("bank-1", "600");
        bank.wait_for("working\t", 1);
        bank.kill();

        // Both lose their connections in mid-case, and make new ones. What the bank said meanwhile has
        // reached RabbitMQ or innfri, but the bank has not heard of it: it says it again.
        let mut bank = self.start_bank("bank-2", "0.3");
        bank.wait_for("working\t", 1);
        let lines = [&self.world.line, &self.world.web];
        lines.iter().for_each(|line| line.mute(Duration::from_millis(1200)));
        sleep(1000);
        lines.iter().for_each(|line| line.cut());
        // Over HTTP there is no connection to tell of: each request that broke off is made again.
        for (language, program) in [(self.bank, &mut bank), (self.agent, &mut agent)] {
            if language != Language::Curl {
                program.wait_for("connected\n", 2);
            }
        }

        // The bank is killed between the wrong answer and the right one, unless it is very fast.
        let until = Instant::now() + PATIENCE;
        while !self.has_correction() && agent.ended().is_none() {
            assert!(Instant::now() < until, "no wrong answer:\n{}", bank.said());
            sleep(5);
        }
        bank.kill();
        let bank = self.start_bank("bank-3", "0");

        let until = Instant::now() + PATIENCE;
        while agent.ended().is_none() {
            assert!(Instant::now() < until, "not all outcomes came:\n{}", agent.said());
            sleep(50);
        }
        assert!(agent.ended().unwrap().success(), "{}", agent.said());
        // The bank may still be at work on what came again.
        let until = Instant::now() + PATIENCE;
        while !self.world.innfri(&["doctor"]).contains(" 0 delivery(ies) owed") {
            assert!(Instant::now() < until, "not everything was collected:\n{}", bank.said());
            sleep(200);
        }
        drop(bank);
    }

    /// Whether the bank keeps the right answer to one that it gives wrong. With curl: a file of its own.
    fn has_correction(&self) -> bool {
        let keeps = |path: &Path| {
            std::fs::read_to_string(path).is_ok_and(|text| text.contains("\"request\""))
        };
        let files = std::fs::read_dir(self.bank_state()).into_iter().flatten().flatten();
        keeps(&self.bank_state()) || files.into_iter().any(|file| keeps(&file.path()))
    }

    /// What programs have said, as fields; only lines that begin with this word.
    fn said(&self, programs: &[&str], word: &str) -> Vec<Vec<String>> {
        let logs = programs.iter().map(|name| std::fs::read_to_string(self.log(name)).unwrap());
        let all = logs.collect::<String>();
        let fields = |line: &str| line.split('\t').map(str::to_owned).collect::<Vec<_>>();
        all.lines().map(fields).filter(|fields| fields[0] == word).collect()
    }

    /// The agent heard of each request once, under the id with which it first asked, what the table says.
    fn check_agent(&self) {
        let ids = |program| -> BTreeMap<String, String> {
            let asked = self.said(&[program], "asked");
            asked.into_iter().map(|line| (line[2].clone(), line[1].clone())).collect()
        };
        let first = ids("agent-1");
        assert_eq!(first.len(), self.world.requests.len());
        for (file, id) in ids("agent-2") {
            assert_eq!(first[&file], id, "{file} was asked again under another id");
        }
        let mut heard: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in self.said(&["agent-2"], "outcome") {
            let [_, id, kind, text] = line.try_into().expect("four fields");
            heard.entry(id).or_default().extend([kind, text]);
        }
        assert_eq!(heard.len(), first.len(), "one outcome each: {heard:?}");
        for (file, request) in &self.world.requests {
            let outcome = &heard[&first[file]];
            if file == INVALID {
                assert_eq!((outcome.len(), outcome[0].as_str()), (2, "FEIL"), "{outcome:?}");
                let findings = self.said(&["agent-1", "agent-2"], "finding");
                let found = |line: &Vec<String>| line[1] == first[file] && line[2] == INVALID_RULE;
                assert!(findings.iter().any(found), "{findings:?}");
            } else {
                let (kind, text) = table::told(&self.world.loans, request);
                assert_eq!(outcome, &[kind, text], "{file}");
            }
        }
    }

    /// The bank gave each request one answer, however often it said it, and corrected the wrong one.
    fn check_bank(&self) {
        let programs = ["bank-1", "bank-2", "bank-3"];
        let derived = |request: &String, name: &str| {
            Uuid::new_v5(&request.parse().unwrap(), name.as_bytes()).to_string()
        };
        let requests: BTreeSet<String> =
            self.said(&programs, "working").into_iter().map(|line| line[1].clone()).collect();
        assert_eq!(requests.len(), self.world.requests.len() - 1, "all but the invalid one");
        let mut corrected = BTreeSet::new();
        let mut answered = BTreeSet::new();
        for line in self.said(&programs, "answered") {
            answered.insert(line[1].clone());
            if line[2] == derived(&line[1], "correction") {
                corrected.insert(line[1].clone());
            } else {
                assert_eq!(line[2], derived(&line[1], "answer"), "{line:?}");
            }
        }
        // What was confirmed just before a kill may not have been told.
        assert!(answered.is_subset(&requests), "{answered:?} {requests:?}");
        let wrong = self.world.requests.iter().filter(|(file, request)| {
            *file != INVALID && table::is_wrong_first(&self.world.loans, request)
        });
        assert_eq!(corrected.len(), wrong.count(), "{corrected:?}");
        let rejected = self.said(&programs, "rejected");
        assert!(!rejected.is_empty());
        for line in rejected {
            assert!(line[2].split(',').any(|rule| rule == ACCOUNT_RULE), "{line:?}");
            let known = corrected.iter().any(|request| derived(request, "answer") == line[1]);
            assert!(known, "{line:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_agent_and_bank_work_together_and_survive_kills_and_lost_connections() {
    run_pairs(&[
        (Language::Java, Language::Python),
        (Language::Node, Language::Rust),
        (Language::Python, Language::Java),
        (Language::Rust, Language::Node),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn curl_works_with_those_who_speak_amqp_and_with_curl_and_survives_the_same() {
    run_pairs(&[
        (Language::Curl, Language::Python),
        (Language::Node, Language::Curl),
        (Language::Curl, Language::Curl),
    ])
    .await;
}

async fn run_pairs(pairs: &[(Language, Language)]) {
    let mut world = World::start().await;
    for (number, &(agent, bank)) in pairs.iter().enumerate() {
        let began = Instant::now();
        world.direct(agent, bank);
        let folder = world.folder.path().join(format!("{agent:?}-{bank:?}"));
        std::fs::create_dir(&folder).unwrap();
        let pairing = Pairing { world: &world, folder, agent, bank };
        pairing.run();
        eprintln!("agent {agent:?}, bank {bank:?}: {:.1?}", began.elapsed());
        pairing.check_agent();
        pairing.check_bank();

        // One case for each question, and one outcome in each: nothing was asked or answered twice.
        let cases = world.cases();
        assert_eq!(cases.len(), (number + 1) * world.requests.len());
        for case in &cases {
            assert_eq!(
                (&case["state"], &case["revision"]),
                (&"settled".into(), &1.into()),
                "{case}"
            );
        }
    }
    let doctor = world.innfri(&["doctor"]);
    assert!(doctor.contains("0 delivery(ies) owed, 0 dead letter(s)"), "{doctor}");
    assert_eq!(world.innfri.terminate(), Some(0));
    // RabbitMQ counts its queues only every few seconds.
    let own = format!("innfri.org.no.{AGENCY}.answers\t0");
    let until = Instant::now() + PATIENCE;
    loop {
        let queues = world.rabbit.ctl(&["list_queues", "name", "messages", "--no-table-headers"]);
        if queues.lines().any(|line| line == own) {
            break;
        }
        assert!(Instant::now() < until, "the agents did not acknowledge everything:\n{queues}");
        sleep(500);
    }
}

#[expect(clippy::disallowed_methods, reason = "the test waits for processes, not for tasks")]
fn sleep(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

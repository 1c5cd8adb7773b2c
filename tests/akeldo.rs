#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops at what it did not expect"
)]
//! The directory from AKELDO, with the whole program and a small stand-in for AKELDO: what it lists is taken
//! over, and nothing that it does empties the directory.

#[path = "akeldo/double.rs"]
mod double;
mod support;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use double::{Double, Says, bank, list, megler};
use innfri::case::Purpose;
use innfri::contract::{CheckContext, Contract};
use innfri::decide::{Context, Decision, Found, decide, read as read_message};
use innfri::directory::Directory;
use innfri::kernel::{ChannelName, Environment, Incoming, Limits, Login, PaymentWindow};
use innfri::source::akeldo::read::read;
use innfri::source::{file, merge::merge};
use serde_json::Value;
use support::messages;
use support::program::{Program, run};
use tempfile::TempDir;

/// Reached from here, and listed by AKELDO too.
const OWN: &str = "918190937";
const FAR_BANK: &str = "903137215";
const FAR_AGENCY: &str = "939336338";

const DIRECTORY: &str = r#"
[[participant]]
id = "926018159"
name = "Eksempel Eiendomsmegling"
role = "estate-agency"
sends = ["no.dsve.restgjeldsforespoersel.v1", "no.dsve.innfrielsessaldoforespoersel.v1"]
handler = "mailbox"

[[participant]]
id = "918190937"
name = "Testvik Sparebank"
role = "bank"
receives = ["no.dsve.restgjeldsforespoersel.v1"]
register_numbers = ["1564"]
handler = "mailbox"
"#;

struct Installation {
    folder: TempDir,
    double: Double,
}

impl Installation {
    async fn new() -> Self {
        let double = Double::start().await;
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("directory.toml"), DIRECTORY).unwrap();
        let at = |name: &str| folder.path().join(name);
        let text = format!(
            "environment = \"test\"\n[directory]\nfile = {:?}\n[journal]\nurl = \"sqlite:{}\"\n\
             [akeldo]\nurl = \"{}\"\ntimeout_seconds = 2\n[watch]\nlisten = \"127.0.0.1:0\"\n",
            at("directory.toml"),
            at("innfri.db").display(),
            double.url(),
        );
        std::fs::write(at("innfri.toml"), text).unwrap();
        Self { folder, double }
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("innfri.toml")
    }

    /// Runs `innfri directory …`; its exit code, and its lines as JSON.
    async fn directory(&self, arguments: &[&str]) -> (i32, Vec<Value>) {
        let config = self.config().display().to_string();
        let mut all = vec!["directory".to_owned()];
        all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        all.extend(["--json".to_owned(), "--config".to_owned(), config]);
        // The double answers meanwhile.
        let ran = tokio::task::spawn_blocking(move || {
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            run(&all, &[])
        });
        let ran = ran.await.unwrap();
        let out = String::from_utf8(ran.stdout).unwrap();
        let lines = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let code = ran.status.code().unwrap();
        assert!(code < 2, "{}", String::from_utf8_lossy(&ran.stderr));
        (code, lines)
    }

    async fn refresh(&self) -> (i32, Value) {
        let (code, mut lines) = self.directory(&["refresh"]).await;
        (code, lines.remove(0))
    }

    async fn show(&self, number: &str) -> Value {
        self.directory(&["show", number]).await.1.remove(0)
    }

    async fn numbers(&self) -> Vec<String> {
        let listed = self.directory(&["list"]).await.1;
        listed.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    }

    fn serve(&self) -> Program {
        let config = self.config().display().to_string();
        let log = self.folder.path().join("innfri.log");
        Program::start(&["serve", "--config", &config], &[("NO_COLOR", "1")], &log)
    }
}

/// Waits without holding up the double.
async fn until(program: &Program, text: &str, times: usize) {
    let until = Instant::now() + Duration::from_secs(60);
    while program.said().matches(text).count() < times {
        assert!(Instant::now() < until, "never said {text:?}:\n{}", program.said());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_akeldo_lists_stands_beside_the_file_and_the_file_wins() {
    let here = Installation::new().await;
    here.double.say(Says::List(list(&[bank(OWN), bank(FAR_BANK), megler(FAR_AGENCY)])));
    let (code, refreshed) = here.refresh().await;
    assert_eq!(
        (code, &refreshed["takenOver"], &refreshed["entries"]),
        (0, &true.into(), &3.into())
    );
    assert_eq!(refreshed["added"].as_array().unwrap().len(), 3);

    let far = here.show(FAR_BANK).await;
    assert_eq!((&far["from"], &far["reachedBy"]), (&"akeldo".into(), &"altinn".into()));
    assert_eq!(far["receives"].as_array().unwrap().len(), 2);
    assert_eq!(far["accountsKnown"], false);
    let own = here.show(OWN).await;
    assert_eq!((&own["from"], &own["reachedBy"]), (&"file".into(), &"mailbox".into()));
    assert_eq!(own["receives"].as_array().unwrap().len(), 1, "AKELDO says two");
    assert_eq!(own["akeldo"]["role"], "bank");

    let agencies = here.directory(&["list", "--role", "estate-agency"]).await.1;
    let found: Vec<_> = agencies.iter().map(|one| (&one["id"], &one["from"])).collect();
    let wanted = [("NO:926018159", "file"), ("NO:939336338", "akeldo")];
    let wanted: Vec<(Value, Value)> =
        wanted.iter().map(|(id, from)| ((*id).into(), (*from).into())).collect();
    assert_eq!(found, wanted.iter().map(|(id, from)| (id, from)).collect::<Vec<_>>());

    let asked = here.directory(&["show", FAR_BANK, "--ask"]).await.1.remove(0);
    assert_eq!(asked["akeldoNow"]["id"], "NO:903137215");
    let (code, nobody) = here.directory(&["show", "920579868", "--ask"]).await;
    assert_eq!(
        (code, &nobody[0]["from"], &nobody[0]["akeldoNow"]),
        (1, &Value::Null, &Value::Null)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_says_who_came_who_went_and_who_changed() {
    let here = Installation::new().await;
    here.double.say(Says::List(list(&[bank(OWN), bank(FAR_BANK), megler(FAR_AGENCY)])));
    here.refresh().await;
    here.double.say(Says::List(list(&[bank(OWN), megler(FAR_BANK), bank("882880729")])));
    let (code, refreshed) = here.refresh().await;
    assert_eq!(code, 0);
    assert_eq!(refreshed["added"], serde_json::json!(["NO:882880729"]));
    assert_eq!(refreshed["removed"], serde_json::json!(["NO:939336338"]));
    assert_eq!(refreshed["changed"], serde_json::json!(["NO:903137215"]));
    assert!(!here.numbers().await.contains(&"NO:939336338".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_akeldo_does_empties_the_directory() {
    let here = Installation::new().await;
    let four = [bank(OWN), bank(FAR_BANK), megler(FAR_AGENCY), bank("882880729")];
    here.double.say(Says::List(list(&four)));
    assert_eq!(here.refresh().await.0, 0);
    let before = here.numbers().await;
    assert_eq!(before.len(), 5);
    let one = list(&four[..1]);
    let cut: String = list(&four).chars().take(150).collect();
    let bad = [
        (Says::Status(500), "500"),
        (Says::Status(404), "404"),
        (Says::Status(302), "302"),
        (Says::List("[]".into()), "lists nobody"),
        (Says::List(r#"{"aktoerer":[{"rolle":"bank"}]}"#.into()), "entry 1"),
        (Says::List(one.clone()), "lists 1, and listed 4"),
        (Says::List("<html>Vedlikehold</html>".into()), "no JSON"),
        (Says::List(r#"{"feil":"vedlikehold"}"#.into()), "no list"),
        (Says::List(cut), "no JSON"),
        (Says::Slowly(list(&four)), "does not answer"),
        (Says::HalfAndGone(list(&four)), "does not answer"),
        (Says::Endlessly, "more than"),
    ];
    for (says, why) in bad {
        here.double.say(says);
        let (code, told) = here.refresh().await;
        assert_eq!((code, &told["takenOver"]), (1, &false.into()), "{why}");
        assert!(told["why"].as_str().unwrap().contains(why), "{why}: {told}");
        assert_eq!(told["inUse"]["entries"], 4, "{why}");
        assert_eq!(here.numbers().await, before, "{why}");
    }
    // Somebody has looked at it.
    here.double.say(Says::List(one));
    assert_eq!(here.directory(&["refresh", "--even-if-smaller"]).await.0, 0);
    assert_eq!(here.numbers().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_with_akeldo_down_uses_the_last_good_list_and_one_without_a_list_works_too() {
    let here = Installation::new().await;
    here.double.say(Says::Status(503));
    let mut first = here.serve();
    until(&first, "innfri is ready", 1).await;
    assert!(first.said().contains("only participants of the directory file are known"));
    assert_eq!(first.terminate(), Some(0));

    here.double.say(Says::List(list(&[bank(OWN), bank(FAR_BANK), megler(FAR_AGENCY)])));
    assert_eq!(here.refresh().await.0, 0);
    here.double.say(Says::Status(503));
    let mut program = here.serve();
    until(&program, "innfri is ready", 2).await;
    assert!(program.said().contains("the last good list of AKELDO is in use listed=3"));

    program.hang_up();
    until(&program, "was not taken over; the one in use stays", 1).await;
    here.double.say(Says::List(list(&[bank(OWN), bank(FAR_BANK), bank("882880729")])));
    program.hang_up();
    until(&program, "the list of AKELDO is in use participants=4", 1).await;
    // What `innfri directory refresh` takes over, a running process takes up.
    here.double.say(Says::List(list(&[bank(OWN), bank(FAR_BANK)])));
    assert_eq!(here.refresh().await.0, 0);
    until(&program, "a newer list of AKELDO is in use participants=3", 1).await;

    let said = program.said();
    let address = said.lines().rfind(|line| line.contains("can be watched")).unwrap();
    let address = address.rsplit_once("address=").unwrap().1.trim().to_owned();
    let metrics = reqwest::get(format!("http://{address}/metrics")).await.unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(metrics.contains("\ninnfri_akeldo_entries 2\n"), "{metrics}");
    assert!(metrics.contains("\ninnfri_akeldo_age_seconds "), "{metrics}");
    assert_eq!(program.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_says_how_old_the_list_is() {
    let here = Installation::new().await;
    let doctor = |config: PathBuf| {
        let ran = run(&["doctor", "--json", "--config", &config.display().to_string()], &[]);
        let out = String::from_utf8(ran.stdout).unwrap();
        let mut lines = out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.find(|line| line["what"] == "akeldo").unwrap()
    };
    let before = doctor(here.config());
    assert_eq!(before["ok"], false);
    assert!(before["says"].as_str().unwrap().contains("innfri directory refresh"));
    here.double.say(Says::List(list(&[bank(OWN), bank(FAR_BANK)])));
    here.refresh().await;
    let after = doctor(here.config());
    assert_eq!(after["ok"], true);
    let says = after["says"].as_str().unwrap();
    assert!(says.contains("0 min old, 2 entries"), "{says}");
    assert!(says.contains("2 participants of the file, 1 of AKELDO alone"), "{says}");
}

/// What becomes of the agency's request to a bank.
fn ask(directory: &Directory, bank: &str) -> Decision {
    let contract = Contract::new(Limits::default()).unwrap();
    let window =
        PaymentWindow { today: "2026-11-20".parse().unwrap(), grace_days: 3, ahead_days: 180 };
    let check = CheckContext { environment: Environment::Test, window, contact_optional: false };
    let now = "2026-11-20T10:00:00Z".parse().unwrap();
    let context = Context { directory, contract: &contract, check, now };
    let mut body = messages::restgjeld(1);
    body["mottaker"]["id"] = bank.into();
    let incoming = Incoming {
        channel: ChannelName::Http,
        source: "http".into(),
        login: Some(Login::new("agent")),
        message_type: Some(messages::RESTGJELD.into()),
        message_id: Some(messages::message_id(1)),
        correlation_id: None,
        content_type: Some("application/json".into()),
        traceparent: None,
        deaths: Vec::new(),
        findings: Vec::new(),
        received_at: now,
        body: serde_json::to_vec(&body).unwrap(),
    };
    decide(&read_message(incoming, &context), &Found::default(), &context)
}

#[test]
fn a_bank_that_akeldo_lists_is_asked_and_one_not_listed_for_the_type_is_not() {
    let operator =
        "[[operator]]\nlogin = \"agent\"\nname = \"Agent\"\nspeaks_for = [\"926018159\"]";
    let text = format!("{DIRECTORY}\n{operator}");
    let own = file::parse(&text, std::path::Path::new("directory.toml")).unwrap();
    let mut other = bank("882880729");
    other["mottaksliste"] = serde_json::json!(["Tinglysingsmelding"]);
    let listed = read(list(&[bank(OWN), bank(FAR_BANK), megler(FAR_AGENCY), other]).as_bytes());
    let directory = merge(&own, &listed.unwrap().entries).unwrap();

    let decision = ask(&directory, FAR_BANK);
    let owed = &decision.deliveries[0];
    assert_eq!((owed.to.number(), owed.purpose), (FAR_BANK, Purpose::Request));
    assert_eq!(directory.participant(&owed.to).unwrap().handler.channel(), ChannelName::Altinn);
    let own = &ask(&directory, OWN).deliveries[0];
    assert_eq!(directory.participant(&own.to).unwrap().handler.channel(), ChannelName::Http);

    for (to, why) in [
        ("882880729", "IKKE_STOETTET"),
        (FAR_AGENCY, "IKKE_STOETTET"),
        ("920579868", "UKJENT_MOTTAKER"),
    ] {
        let decision = ask(&directory, to);
        let status: Value = serde_json::from_slice(&decision.deliveries[0].body.json).unwrap();
        assert_eq!(
            (&status["statuskode"], &status["aarsak"]),
            (&"FEIL".into(), &why.into()),
            "{to}"
        );
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "whoever runs it alone wants to know")]
fn ten_thousand_participants_are_read_and_merged() {
    let entries: Vec<Value> =
        (0..10_000).map(|which| bank(&format!("{}", 900_000_000 + which))).collect();
    let text = list(&entries);
    let own = file::parse(DIRECTORY, std::path::Path::new("directory.toml")).unwrap();
    let begun = Instant::now();
    let listing = read(text.as_bytes()).unwrap();
    let read_in = begun.elapsed();
    let directory = merge(&own, &listing.entries).unwrap();
    let merged_in = begun.elapsed() - read_in;
    println!("{} bytes read in {read_in:?}, merged in {merged_in:?}", text.len());
    assert_eq!(directory.participants().count(), 10_002);
    assert_eq!(directory.near().count(), 2, "what a sweep looks at does not grow");
}

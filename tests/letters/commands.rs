//! The commands, as their users run them, on a journal that holds letters.

use assert_cmd::Command;
use innfri::port::{Clock as _, SystemClock};
use serde_json::Value;

use crate::bench::{Bench, directory, everybody, forwarded, request};
use crate::messages;

const DIRECTORY: &str = r#"
[[participant]]
id = "NO:926018159"
name = "Eksempel Eiendomsmegling"
role = "estate-agency"
sends = ["no.dsve.restgjeldsforespoersel.v1", "no.dsve.innfrielsessaldoforespoersel.v1"]

[[participant]]
id = "NO:918190937"
name = "Testvik Sparebank"
role = "bank"
receives = ["no.dsve.restgjeldsforespoersel.v1", "no.dsve.innfrielsessaldoforespoersel.v1"]
register_numbers = ["1564"]
handler = "amqp"

[[operator]]
login = "megler"
name = "Eksempel Meglersystem"
speaks_for = ["NO:926018159"]
"#;

struct Shell {
    bench: Bench,
    folder: tempfile::TempDir,
}

impl Shell {
    async fn new() -> Self {
        let bench = Bench::sqlite().await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("directory.toml"), DIRECTORY).unwrap();
        let settings = format!(
            "environment = \"test\"\n[directory]\nfile = \"directory.toml\"\n[journal]\nurl = {:?}\n\
             [dead_letters]\nreplay_patience_seconds = 1\n",
            bench.config.url.expose()
        );
        std::fs::write(folder.path().join("innfri.toml"), settings).unwrap();
        Self { bench, folder }
    }

    /// Runs `innfri dead …` and gives its exit code and what it printed.
    fn dead(&self, arguments: &[&str]) -> (i32, String) {
        let output = Command::new(assert_cmd::cargo::cargo_bin!("innfri"))
            .current_dir(self.folder.path())
            .arg("dead")
            .args(arguments)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(!errors.contains("panicked"), "{errors}");
        (output.status.code().unwrap(), said)
    }

    /// The desk's clock, at the commands' time.
    fn catch_up(&self) -> &Bench {
        let behind = SystemClock.now().duration_since(self.bench.now());
        self.bench.clock.advance(behind.as_secs() + 1);
        &self.bench
    }

    fn lines(&self, arguments: &[&str]) -> Vec<Value> {
        let (code, said) = self.dead(arguments);
        assert_eq!(code, 0, "{said}");
        said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

const PERSON: &str = "23904430552";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn letters_are_grouped_listed_and_shown_with_national_ids_masked() {
    let shell = Shell::new().await;
    shell.bench.take(request(1, "stranger"), &everybody()).await;
    let died = shell.bench.broker_death(2).await;
    let id = died.id.to_string();

    let groups = shell.lines(&["groups", "--json"]);
    assert_eq!(groups.len(), 2);
    let (code, _) = shell.dead(&["note", &died.signature(), "--owner", "ola", "--note", "sak 17"]);
    assert_eq!(code, 0);
    assert!(shell.dead(&["groups"]).1.contains("sak 17"));

    let listed = shell.lines(&["list", "--reason", "BROKER_DEATH", "--json"]);
    assert_eq!(listed[0]["letter"], id.as_str());
    assert_eq!(shell.lines(&["list", "--reference", &messages::reference(2), "--json"]).len(), 1);
    assert_eq!(shell.dead(&["list", "--reason", "NONSENSE"]).0, 2);

    let (_, shown) = shell.dead(&["show", &id]);
    assert!(shown.contains("239044*****") && !shown.contains(PERSON), "{shown}");
    assert!(shown.contains("delivery_limit in innfri.in.requests"), "{shown}");
    assert_eq!(shell.dead(&["show", &id, "--reveal"]).0, 2, "a reason is needed");
    let reveal =
        ["show", &id, "--reveal", "--reason", "kunden ringte", "--operator", "kari", "--json"];
    let revealed = shell.lines(&reveal);
    assert!(revealed[0]["body"].as_str().unwrap().contains(PERSON));
    let actions = shell.lines(&["actions", "--letter", &id, "--json"]);
    assert_eq!(
        (&actions[0]["operator"], &actions[0]["action"]),
        (&"kari".into(), &"reveal".into())
    );
    assert_eq!(actions[0]["reason"], "kunden ringte");

    let exported = shell.lines(&["export"]);
    assert_eq!(exported.len(), 2);
    assert!(exported.iter().all(|line| !line["body"].as_str().unwrap().contains(PERSON)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_is_planned_done_and_followed() {
    let shell = Shell::new().await;
    let unknown = shell.bench.take(request(1, "megler"), &directory(&[])).await;
    let id = unknown.dead_letters[0].id.to_string();
    shell.bench.take(request(2, "stranger"), &everybody()).await;

    assert_eq!(shell.dead(&["replay", "--dry-run"]).0, 2, "not simply all");
    let plan = shell.lines(&["replay", "--reason-code", "UNKNOWN_SENDER", "--dry-run", "--json"]);
    assert_eq!(
        (&plan[0]["plan"]["wouldPass"], &plan[0]["plan"]["wouldFailAgain"]),
        (&1.into(), &1.into())
    );
    assert!(shell.catch_up().due().await.is_empty(), "a plan changes nothing");

    let (code, said) = shell.dead(&["replay", &id, "--reason", "lagt inn"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("1 owed"), "{said}");
    assert_eq!(shell.catch_up().deliver().await[0].delivery.id, forwarded(1));
    let shown = shell.lines(&["show", &id, "--json"]);
    assert_eq!(
        (&shown[0]["state"], &shown[0]["replays"][0]["fate"]),
        (&"replayed".into(), &"sent".into())
    );
    // Again: it is not sent twice.
    let (_, said) = shell.dead(&["replay", &id, "--reason", "igjen"]);
    assert!(said.contains("1 skipped"), "{said}");
    assert!(shell.catch_up().due().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_in_steps_stops_and_is_continued() {
    let shell = Shell::new().await;
    for number in 0..3 {
        shell.bench.take(request(number, "megler"), &directory(&[])).await;
    }
    let all = ["replay", "--reason-code", "UNKNOWN_SENDER", "--steps", "1,all", "--reason", "x"];
    let (code, said) = shell.dead(&all);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("is `innfri serve` running?"), "{said}");
    let run = shell.lines(&["runs", "--json"]).remove(0)["run"].as_str().unwrap().to_owned();
    assert_eq!(shell.catch_up().deliver().await.len(), 1);
    let (code, said) = shell.dead(&["replay", "--continue", &run, "--reason", "videre"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(shell.catch_up().deliver().await.len(), 2);
    let kinds: Vec<Value> =
        shell.lines(&["actions", "--json"]).iter().map(|action| action["action"].clone()).collect();
    assert_eq!(kinds, ["continue", "replay"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_correction_is_checked_before_it_is_kept() {
    let shell = Shell::new().await;
    let died = shell.bench.broker_death(1).await;
    let id = died.id.to_string();
    let patch = |name: &str, text: &str| {
        std::fs::write(shell.folder.path().join(name), text).unwrap();
    };
    patch("bad.json", r#"[{"op":"remove","path":"/mottaker"}]"#);
    patch("good.json", r#"[{"op":"replace","path":"/avsender/referanse","value":"RETTET"}]"#);
    let (code, said) = shell.dead(&["edit", &id, "--patch", "bad.json", "--reason", "feil"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("was not kept"), "{said}");
    let (code, said) = shell.dead(&["edit", &id, "--patch", "good.json", "--reason", "feil ref"]);
    assert_eq!(code, 0, "{said}");
    let original = shell.lines(&["show", &id, "--json"]).remove(0);
    assert_eq!(original["state"], "edited");
    let copy = original["editedTo"].as_str().unwrap();
    let shown = shell.lines(&["show", copy, "--json"]).remove(0);
    assert_eq!((&shown["editedFrom"], &shown["reference"]), (&id.into(), &"RETTET".into()));
    assert_ne!(shown["messageId"], original["messageId"]);
    assert_eq!(shell.dead(&["edit", copy, "--reason", "x"]).0, 2, "no editor is set");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_discarded_can_be_restored_until_a_shown_date() {
    let shell = Shell::new().await;
    let id = shell.bench.broker_death(1).await.id.to_string();
    assert_eq!(shell.dead(&["discard", &id]).0, 2, "a reason is needed");
    let (code, said) = shell.dead(&["discard", &id, "--reason", "trukket"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("brings them back until"), "{said}");
    assert!(shell.lines(&["list", "--json"]).is_empty());
    assert!(shell.dead(&["list", "--state", "discarded"]).1.contains("discarded, purged 2"));
    assert_eq!(shell.dead(&["discard", &id, "--reason", "igjen"]).0, 1);
    assert_eq!(shell.dead(&["purge"]).0, 0);
    assert_eq!(shell.dead(&["restore", &id, "--reason", "likevel"]).0, 0);
    assert_eq!(shell.lines(&["list", "--json"]).len(), 1);
}

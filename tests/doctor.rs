#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops at what it did not expect"
)]
//! What `innfri doctor` says of Altinn: against the stand-in, with each thing in turn that can be missing.

mod support;

use std::path::PathBuf;
use std::sync::LazyLock;

use innfri::altinn_simulator::{AkeldoEntry, Config, NewKey, ResourceConfig, Running, start};
use innfri::kernel::OrganisationId;
use innfri::serve::Settings;
use innfri::source::file;
use serde_json::Value;
use support::program::run;
use tempfile::TempDir;

const AGENCY: &str = "926018159";
const BANK: &str = "918190937";
const FAR_BANK: &str = "903137215";

const DIRECTORY: &str = r#"
[[participant]]
id = "926018159"
name = "Eksempel Eiendomsmegling"
role = "estate-agency"
sends = ["no.dsve.restgjeldsforespoersel.v1"]
handler = "mailbox"

[[participant]]
id = "918190937"
name = "Testvik Sparebank"
role = "bank"
receives = ["no.dsve.restgjeldsforespoersel.v1"]
register_numbers = ["1564"]
handler = "mailbox"
"#;

const FAR: &str = r#"
[[participant]]
id = "903137215"
name = "Fjern Sparebank"
role = "bank"
receives = ["no.dsve.restgjeldsforespoersel.v1"]
register_numbers = ["5377"]
handler = "altinn"
"#;

/// One key for all tests: making one takes a while.
static KEY: LazyLock<NewKey> = LazyLock::new(|| NewKey::generate().unwrap());

fn organisation(number: &str) -> OrganisationId {
    number.parse().unwrap()
}

fn entry(number: &str, role: &str, sends: &[&str], receives: &[&str]) -> AkeldoEntry {
    let all = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    AkeldoEntry {
        organisation: organisation(number),
        role: role.to_owned(),
        sends: all(sends),
        receives: all(receives),
    }
}

/// A stand-in where everything is right.
fn simulated() -> Config {
    let (asks, answers) = (["Restgjeldsforespoersel"], ["Restgjeldssvar"]);
    Config::default()
        .with_client("vendor", &KEY, [AGENCY, BANK].map(organisation))
        .with_resource(ResourceConfig::open("kv_dsve_test"))
        .with_participant(entry(AGENCY, "megler", &asks, &answers))
        .with_participant(entry(BANK, "bank", &answers, &asks))
        .with_participant(entry(FAR_BANK, "bank", &answers, &asks))
}

/// An installation whose settings and directory a test may change.
struct Installation {
    folder: TempDir,
    running: Running,
    directory: String,
    altinn: String,
    akeldo: String,
    http: String,
}

impl Installation {
    async fn of(config: Config) -> Self {
        let folder = tempfile::tempdir().unwrap();
        KEY.write_private(&folder.path().join("key.pem")).unwrap();
        let running = start(config).await.unwrap();
        let altinn = format!(
            "[altinn]\nplatform_url = {:?}\nresource_id = \"kv_dsve_test\"\n\
             organisations = [\"{AGENCY}\", \"{BANK}\"]\nallow_private_addresses = true\n\
             [altinn.maskinporten]\nissuer = {:?}\nclient_id = \"vendor\"\nkey_file = {:?}\n\
             key_id = \"key-1\"\n",
            running.base_url(),
            running.issuer(),
            folder.path().join("key.pem"),
        );
        let akeldo = format!("[akeldo]\nurl = {:?}\n", running.base_url());
        let http = "[http]\nlisten = \"127.0.0.1:8080\"\n".to_owned();
        Self { folder, running, directory: DIRECTORY.to_owned(), altinn, akeldo, http }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `innfri` with the settings as they are now; the stand-in answers meanwhile.
    async fn innfri(&self, arguments: &[&str]) -> (Option<i32>, String) {
        std::fs::write(self.path("directory.toml"), &self.directory).unwrap();
        let settings = format!(
            "environment = \"test\"\n[directory]\nfile = {:?}\n[journal]\nurl = \"sqlite:{}\"\n{}{}{}",
            self.path("directory.toml"),
            self.path("innfri.db").display(),
            self.http,
            self.akeldo,
            self.altinn,
        );
        std::fs::write(self.path("innfri.toml"), settings).unwrap();
        let mut all: Vec<String> = arguments.iter().map(|one| (*one).to_owned()).collect();
        all.extend(["--config".to_owned(), self.path("innfri.toml").display().to_string()]);
        let ran = tokio::task::spawn_blocking(move || {
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            run(&all, &[])
        });
        let ran = ran.await.unwrap();
        (ran.status.code(), String::from_utf8(ran.stdout).unwrap())
    }

    /// Gets the list of AKELDO, and runs the doctor: every line of it, and whether all is well.
    async fn doctor(&self) -> Report {
        if !self.akeldo.is_empty() {
            assert_eq!(self.innfri(&["directory", "refresh"]).await.0, Some(0));
        }
        let (code, out) = self.innfri(&["doctor", "--json"]).await;
        let lines = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        Report { well: code == Some(0), lines }
    }
}

struct Report {
    well: bool,
    lines: Vec<Value>,
}

impl Report {
    /// The lines on one thing: whether it is well, and what is said.
    fn of(&self, what: &str) -> Vec<(bool, &str)> {
        let of = self.lines.iter().filter(|line| line["what"] == what);
        of.map(|line| (line["ok"].as_bool().unwrap(), line["says"].as_str().unwrap())).collect()
    }

    /// The one line on something that names these words.
    fn one(&self, what: &str, words: &[&str]) -> bool {
        let lines = self.of(what);
        let found: Vec<_> =
            lines.iter().filter(|(_, says)| words.iter().all(|word| says.contains(word))).collect();
        assert_eq!(found.len(), 1, "{what} {words:?}: {:#?}", self.lines);
        found[0].0
    }

    /// The problems, and nothing else is one.
    fn problems(&self) -> Vec<&str> {
        let problems = self.lines.iter().filter(|line| line["ok"] == false);
        let what: Vec<&str> = problems.map(|line| line["what"].as_str().unwrap()).collect();
        assert_eq!(self.well, what.is_empty(), "the exit code tells it");
        what
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_is_well() {
    let here = Installation::of(simulated()).await;
    let report = here.doctor().await;
    assert_eq!(report.problems(), Vec::<&str>::new(), "{:#?}", report.lines);
    assert!(report.one("altinn", &["acts for 2", "kv_dsve_test"]));
    assert!(report.one("access", &["NO:926018159: access to Altinn, 0 files waiting"]));
    assert!(report.one("access", &["NO:918190937: access to Altinn, 0 files waiting"]));
    assert!(report.one("members", &["each of altinn.organisations (2)"]));
    assert!(report.one("listed", &["NO:926018159: estate-agency; sends [no.dsve.restgjeldsf"]));
    assert!(report.one("listed", &["NO:918190937: bank; sends [no.dsve.restgjeldssvar.v1]"]));
    assert!(report.one("events", &["every 5 to 300 s"]));
    // As people read it.
    let (code, out) = here.innfri(&["doctor"]).await;
    assert_eq!(code, Some(0));
    assert!(out.contains("\nok       access     NO:926018159: access to Altinn"), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn access_that_is_missing_is_a_problem_of_that_organisation_alone() {
    let mut config = simulated();
    config.clients[0].system_users = vec![organisation(AGENCY)];
    let report = Installation::of(config).await.doctor().await;
    assert_eq!(report.problems(), ["access"]);
    assert!(!report.one("access", &["NO:918190937: ", "system user"]));
    assert!(report.one("access", &["NO:926018159: access to Altinn"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_cannot_be_used_is_a_problem_and_altinn_is_not_asked() {
    let mut here = Installation::of(simulated()).await;
    here.altinn = here.altinn.replace("key.pem", "other.pem");
    let report = here.doctor().await;
    assert_eq!(report.problems(), ["altinn"]);
    assert!(!report.one("altinn", &["other.pem"]));
    assert!(report.of("access").is_empty());
    assert!(here.running.state()["calls"].get("token").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_whose_files_nobody_here_takes_is_a_problem() {
    let mut here = Installation::of(simulated()).await;
    here.akeldo.clear();
    here.directory = format!("{}{FAR}", DIRECTORY.replace(BANK, "939336338"));
    here.altinn = here.altinn.replace(
        &format!("organisations = [\"{AGENCY}\""),
        &format!("organisations = [\"{AGENCY}\", \"{FAR_BANK}\""),
    );
    let report = here.doctor().await;
    assert!(!report.one("members", &["NO:918190937", "no participant of the directory file"]));
    assert!(!report.one("members", &["NO:903137215", "handler = \"altinn\""]));
    // A note: that may be meant.
    assert!(report.one("members", &["not in altinn.organisations: NO:939336338."]));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_part_here_and_not_through_altinn_is_noted() {
    let mut here = Installation::of(simulated()).await;
    here.altinn = here.altinn.replace(&format!("\"{AGENCY}\", "), "");
    let report = here.doctor().await;
    assert_eq!(report.problems(), Vec::<&str>::new());
    assert!(
        report.one("members", &["not in altinn.organisations: NO:926018159.", "cannot be sent"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_akeldo_lists_and_the_file_does_not_is_told() {
    let mut config = simulated();
    config.akeldo.remove(0);
    config.akeldo[0].receives = vec!["Innfrielsessaldoforespoersel".into()];
    let report = Installation::of(config).await.doctor().await;
    assert_eq!(report.problems(), ["listed", "listed"]);
    assert!(!report.one("listed", &["NO:926018159: AKELDO does not list it"]));
    let refused = ["NO:918190937", "receives no.dsve.innfrielsessaldoforespoersel.v1, and the"];
    assert!(!report.one("listed", &refused));
    assert!(report.one("listed", &["nobody asks that", "no.dsve.restgjeldsforespoersel.v1"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_file_lets_one_send_and_akeldo_does_not_list_is_noted() {
    let mut config = simulated();
    config.akeldo[0].sends.clear();
    let report = Installation::of(config).await.doctor().await;
    assert_eq!(report.problems(), Vec::<&str>::new());
    assert!(
        report.one("listed", &["NO:926018159", "does not say that it sends no.dsve.restgjeld"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn events_need_a_secret_and_an_address() {
    let mut here = Installation::of(simulated()).await;
    let file = here.path("events.secret");
    std::fs::write(&file, "0123456789abcdef0123456789abcdef\n").unwrap();
    let setting = format!("events_secret_file = {file:?}\nresource_id");
    here.altinn = here.altinn.replacen("resource_id", &setting, 1);
    let report = here.doctor().await;
    assert!(report.one("events", &["/altinn/events/SECRET"]));
    std::fs::write(&file, "too-short").unwrap();
    let report = here.doctor().await;
    assert_eq!(report.problems(), ["events"]);
    assert!(!report.one("events", &["events.secret", "32 letters"]));
    assert!(!report.lines.iter().any(|line| line.to_string().contains("too-short")));
    std::fs::write(&file, "0123456789abcdef0123456789abcdef\n").unwrap();
    here.http.clear();
    let report = here.doctor().await;
    assert!(!report.one("events", &["http.listen is not"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_altinn_nobody_may_need_it() {
    let mut here = Installation::of(simulated()).await;
    here.altinn.clear();
    let report = here.doctor().await;
    assert_eq!(report.problems(), ["altinn"]);
    assert!(!report.one("altinn", &["no altinn.platform_url", "AKELDO"]));
    here.akeldo.clear();
    here.directory.push_str(FAR);
    let report = here.doctor().await;
    assert_eq!(report.problems(), ["altinn"]);
    assert!(!report.one("altinn", &["NO:903137215 cannot be reached"]));
    here.directory = DIRECTORY.to_owned();
    let report = here.doctor().await;
    assert!(report.well && report.of("altinn").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn with_altinn_there_is_somebody_to_reach() {
    let mut here = Installation::of(simulated()).await;
    here.akeldo.clear();
    let report = here.doctor().await;
    assert_eq!(report.problems(), ["members"]);
    assert!(!report.one("members", &["nobody is reached through Altinn"]));
    here.directory.push_str(FAR);
    assert!(here.doctor().await.well);
}

#[test]
fn what_the_documentation_shows_can_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("journal"), "postgres://innfri:hemmelig@127.0.0.1/innfri").unwrap();
    std::fs::write(at("rabbitmq"), "amqps://innfri:hemmelig@127.0.0.1/%2f").unwrap();
    let documented = include_str!("../docs/dsve.md");
    let blocks: Vec<&str> = documented.split("```toml\n").skip(1).collect();
    let blocks = blocks.iter().map(|rest| rest.split("```").next().unwrap());
    let (mut settings_shown, mut directories_shown) = (0, 0);
    for block in blocks {
        if block.starts_with("# directory.toml\n") {
            file::parse(block, std::path::Path::new("directory.toml")).unwrap();
            directories_shown += 1;
            continue;
        }
        let secrets = format!("{}/", folder.path().display());
        std::fs::write(at("innfri.toml"), block.replace("secrets/", &secrets)).unwrap();
        let settings = Settings::load(Some(&at("innfri.toml"))).unwrap();
        settings.altinn.unwrap().check().unwrap();
        settings.http.map(|http| http.address().unwrap());
        settings_shown += 1;
    }
    assert_eq!((settings_shown, directories_shown), (2, 2));
}

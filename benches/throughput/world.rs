//! What is started for a run: RabbitMQ and PostgreSQL on free ports of the loopback address, a directory of
//! banks, settings for innfri.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::support::postgres::PostgreSql;
use crate::support::program::{Program, run};
use crate::support::rabbitmq::RabbitMq;

/// Banks that have queues; one message in so many goes to each.
pub const BANKS: usize = 8;
/// Who asks.
pub const AGENCY: &str = "926018159";
/// The login of who asks, and of who answers for all banks.
pub const ASKER: &str = "megler";
pub const ANSWERER: &str = "datasentral";
/// The queue that peers take messages from.
pub const PEER_IN: &str = "peer.in";

/// PostgreSQL as for a machine of this size; its defaults are for a small one. Nothing here makes a commit less
/// durable.
const POSTGRESQL: [&str; 6] = [
    "shared_buffers=2GB",
    "max_wal_size=8GB",
    "min_wal_size=1GB",
    "checkpoint_timeout=15min",
    "wal_compression=lz4",
    "jit=off",
];

/// The servers, and a folder for settings and logs.
pub struct World {
    pub folder: tempfile::TempDir,
    pub rabbit: RabbitMq,
    pub postgres: PostgreSql,
    pub banks: Vec<Bank>,
}

/// A bank of the directory.
#[derive(Clone)]
pub struct Bank {
    pub number: String,
    pub register_number: String,
    /// An account of its own.
    pub account: String,
}

impl Bank {
    /// The bank with this place among all.
    fn at(place: usize, number: String) -> Self {
        let register_number = format!("{:04}", place + 1000);
        let account =
            with_check_digit(&format!("{register_number}100"), &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]);
        Self { number, register_number, account }
    }
}

/// The first number from `stem` on that a check digit (modulus 11) completes.
fn with_check_digit(stem: &str, weights: &[u32]) -> String {
    (0..1000_u32)
        .map(|tail| format!("{stem}{tail:0width$}", width = weights.len() - stem.len()))
        .find_map(|digits| {
            let sum: u32 = digits
                .chars()
                .filter_map(|c| c.to_digit(10))
                .zip(weights)
                .map(|(d, w)| d * w)
                .sum();
            let check = (11 - sum % 11) % 11;
            (check < 10).then(|| format!("{digits}{check}"))
        })
        .expect("one of a thousand has a check digit")
}

/// So many banks, the same in every run.
pub fn banks(count: usize) -> Vec<Bank> {
    let weights = [3, 2, 7, 6, 5, 4, 3, 2];
    let mut found: Vec<Bank> = Vec::with_capacity(count);
    let mut stem = 80_000_000_u32;
    while found.len() < count {
        stem += 7;
        let digits = stem.to_string();
        let sum: u32 =
            digits.chars().filter_map(|c| c.to_digit(10)).zip(weights).map(|(d, w)| d * w).sum();
        let check = (11 - sum % 11) % 11;
        if check < 10 {
            found.push(Bank::at(found.len(), format!("{digits}{check}")));
        }
    }
    found
}

impl World {
    pub async fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("innfri-throughput-").tempdir().unwrap();
        let starting = tokio::task::spawn_blocking(RabbitMq::start);
        let postgres = PostgreSql::start_with(&POSTGRESQL).await;
        let rabbit = starting.await.unwrap();
        rabbit.add_user("innfri", "innfri", ".*", ".*", ".*");
        rabbit.add_user(ASKER, ASKER, "", ".*", ".*");
        rabbit.add_user(ANSWERER, ANSWERER, "", ".*", ".*");
        rabbit.add_user("peer", "peer", ".*", ".*", ".*");
        Self { folder, rabbit, postgres, banks: banks(BANKS) }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes settings with this journal, and a directory in which the first banks have queues and the
    /// others, up to `banks`, a mailbox.
    pub fn settings(&self, name: &str, journal: &str, banks: usize) -> PathBuf {
        let directory = self.path(&format!("{name}-directory.toml"));
        std::fs::write(&directory, directory_of(&crate::world::banks(banks.max(BANKS)), BANKS))
            .unwrap();
        let url_file = self.path(&format!("{name}-journal"));
        std::fs::write(&url_file, journal).unwrap();
        let path = self.path(&format!("{name}.toml"));
        let text = format!(
            "environment = \"test\"\n[directory]\nfile = {directory:?}\n[journal]\nurl_file = {url_file:?}\n\
             [amqp]\nurl = {:?}\n[log]\nfilter = \"info\"\n",
            self.rabbit.url("innfri", "innfri"),
        );
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Declares innfri's queues.
    pub fn apply_topology(&self, settings: &Path) {
        let settings = settings.display().to_string();
        let output = run(&["topology", "apply", "--config", &settings], &[]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Starts innfri and waits until it is ready.
    pub fn serve(&self, name: &str, settings: &Path) -> Program {
        let settings = settings.display().to_string();
        let log = self.path(&format!("{name}.log"));
        std::fs::remove_file(&log).ok();
        Program::start(&["serve", "--config", &settings], &[("NO_COLOR", "1")], &log)
    }

    /// The queues in which requests for banks end up.
    pub fn bank_queues(&self) -> Vec<String> {
        self.banks.iter().map(|bank| format!("innfri.org.no.{}.requests", bank.number)).collect()
    }
}

/// The queue in which outcomes end up.
pub fn answer_queue() -> String {
    format!("innfri.org.no.{AGENCY}.answers")
}

/// A directory in which so many banks have queues, and the others a mailbox.
pub fn directory_of(banks: &[Bank], with_queues: usize) -> String {
    let both =
        r#"["no.dsve.restgjeldsforespoersel.v1", "no.dsve.innfrielsessaldoforespoersel.v1"]"#;
    let mut text = format!(
        "[[participant]]\nid = \"{AGENCY}\"\nname = \"Eksempel Eiendomsmegling\"\nrole = \"estate-agency\"\nsends = {both}\n"
    );
    for (place, bank) in banks.iter().enumerate() {
        let handler = if place < with_queues { "amqp" } else { "mailbox" };
        write!(
            text,
            "[[participant]]\nid = \"{}\"\nname = \"Bank {place}\"\nrole = \"bank\"\nreceives = {both}\n\
             register_numbers = [\"{}\"]\nhandler = \"{handler}\"\n",
            bank.number, bank.register_number
        )
        .unwrap();
    }
    let all: Vec<String> = banks.iter().map(|bank| format!("\"{}\"", bank.number)).collect();
    write!(
        text,
        "[[operator]]\nlogin = \"{ASKER}\"\nname = \"Eksempel\"\nspeaks_for = [\"{AGENCY}\"]\n\
         [[operator]]\nlogin = \"{ANSWERER}\"\nname = \"Eksempel\"\nspeaks_for = [{}]\n",
        all.join(", ")
    )
    .unwrap();
    text
}

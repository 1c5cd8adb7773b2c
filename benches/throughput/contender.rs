//! Those that are timed, each a process of its own: innfri, the bare relay, and the peers' scripts.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::program::Program;
use crate::world::{PEER_IN, World};

/// Who relays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Contender {
    Innfri,
    BareRelay,
    Node,
    NodeAndPostgreSql,
    Python,
}

impl Contender {
    pub const ALL: [Self; 5] =
        [Self::Innfri, Self::BareRelay, Self::Node, Self::NodeAndPostgreSql, Self::Python];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Innfri => "innfri",
            Self::BareRelay => "bare lapin relay",
            Self::Node => "Node, amqplib and ajv",
            Self::NodeAndPostgreSql => "Node, and PostgreSQL",
            Self::Python => "Python, aio-pika",
        }
    }
}

/// Where the peers' scripts stand, and what they need has been installed.
pub struct Scripts {
    folder: PathBuf,
    python: PathBuf,
    schemas: String,
}

impl Scripts {
    /// Installs what the scripts need into the target folder.
    pub fn prepare() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("throughput");
        let folder = target.join("peers");
        std::fs::create_dir_all(&folder).unwrap();
        for name in ["package.json", "relay.js", "relay.py", "requirements.txt"] {
            std::fs::copy(root.join("benches/throughput/peers").join(name), folder.join(name))
                .unwrap();
        }
        must(
            Command::new("npm")
                .args(["install", "--no-audit", "--no-fund", "--silent"])
                .current_dir(&folder),
        );
        let venv = target.join("venv");
        if !venv.join("bin/pip").exists() {
            must(Command::new("python3").args(["-m", "venv"]).arg(&venv));
        }
        let requirements = folder.join("requirements.txt");
        must(Command::new(venv.join("bin/pip")).args(["install", "-q", "-r"]).arg(requirements));
        let types = ["restgjeldsforespoersel", "restgjeldssvar"];
        let schemas: Vec<String> = types
            .iter()
            .map(|name| {
                root.join(format!("schemas/no/no.dsve.{name}.v1.json")).display().to_string()
            })
            .collect();
        Self { folder, python: venv.join("bin/python"), schemas: schemas.join(",") }
    }
}

fn must(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}");
}

/// Starts a peer that relays from [`PEER_IN`]; `database` is PostgreSQL's, `to` the queues of the bare relay.
pub fn start_peer(
    contender: Contender,
    world: &World,
    scripts: &Scripts,
    database: &str,
    to: &[String],
) -> Program {
    let mut command = match contender {
        Contender::Innfri => panic!("innfri is no peer"),
        Contender::BareRelay => {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.arg("relay").env("RELAY_TO", to.join(","));
            command
        }
        Contender::Node | Contender::NodeAndPostgreSql => {
            let mut command = Command::new("node");
            command.arg("relay.js");
            command
        }
        Contender::Python => {
            let mut command = Command::new(&scripts.python);
            command.arg("relay.py");
            command
        }
    };
    if contender == Contender::NodeAndPostgreSql {
        command.env("PG_URL", database);
    }
    command
        .current_dir(&scripts.folder)
        .env("AMQP_URL", world.rabbit.url("peer", "peer"))
        .env("QUEUE_IN", PEER_IN)
        .env("SCHEMA_FILES", &scripts.schemas);
    Program::spawn(command, &world.path(&format!("{contender:?}.log")))
}

/// The processor time that a process has used so far, all its threads together.
pub fn processor_time(id: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    // The second field is the program's name in brackets, and may hold anything.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks: u64 =
        fields.iter().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// Memory that a process holds now, in MiB.
pub fn resident(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok()).unwrap_or_default()
        / 1024
}

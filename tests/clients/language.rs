//! Where the client programs are and how each is started.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The jars of Debian that the Java programs need.
const JARS: [&str; 6] = [
    "amqp-client",
    "jackson-databind",
    "jackson-core",
    "jackson-annotations",
    "slf4j-api",
    "slf4j-nop",
];

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What a client program is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Java,
    Python,
    Node,
    Rust,
    /// Over HTTP; all others speak AMQP.
    Curl,
}

/// Which of the two programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Agent,
    Bank,
}

/// All client programs, ready to run.
pub struct Clients {
    folder: PathBuf,
    rust: PathBuf,
}

impl Clients {
    /// Prepares them: in the folder that `INNFRI_CLIENTS` names, else beside what Cargo builds.
    pub fn prepare() -> Self {
        let clients = Self::prepare_scripts();
        // `cargo test --test clients` builds no examples; `cargo test` does, and then this does nothing.
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--locked", "--example", "agent", "--example", "bank"]);
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        succeed(build.current_dir(root()));
        clients
    }

    /// Prepares all but those in Rust.
    pub fn prepare_scripts() -> Self {
        // target/debug/deps/clients-….
        let this = std::env::current_exe().unwrap();
        let built = this.ancestors().nth(2).unwrap();
        let folder = std::env::var_os("INNFRI_CLIENTS")
            .map_or_else(|| built.parent().unwrap().join("clients"), PathBuf::from);
        succeed(Command::new(root().join("examples/clients/prepare")).arg(&folder));
        Self { folder, rust: built.join("examples") }
    }

    /// The command that starts a program, without its arguments.
    pub fn command(&self, language: Language, side: Side) -> Command {
        let name = match side {
            Side::Agent => "agent",
            Side::Bank => "bank",
        };
        match language {
            Language::Java => {
                let jars = JARS.map(|jar| format!("/usr/share/java/{jar}.jar"));
                let mut class_path = OsString::from(jars.join(":") + ":");
                class_path.push(self.folder.join("java"));
                let mut command = Command::new("java");
                // The smallest of its garbage collectors and compilers: it starts the fastest.
                command.args(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"]);
                command.arg(class_path).arg(match side {
                    Side::Agent => "Agent",
                    Side::Bank => "Bank",
                });
                command
            }
            Language::Python => {
                let mut command = Command::new(self.folder.join("python/bin/python"));
                command.arg(self.folder.join(format!("python/{name}.py")));
                command
            }
            Language::Node => {
                let mut command = Command::new("node");
                command.arg(self.folder.join(format!("node/{name}.js")));
                command
            }
            Language::Rust => Command::new(self.rust.join(name)),
            Language::Curl => Command::new(root().join(format!("examples/clients/curl/{name}.sh"))),
        }
    }
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let wrong = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {}\n{said}\n{wrong}", output.status);
}

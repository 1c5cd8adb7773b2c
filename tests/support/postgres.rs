//! A PostgreSQL server of the test's own: fresh data, a free port on loopback, gone with the test.
//!
//! A small shell script keeps the server. It obeys one word a line on its input, and when the input
//! ends, however the test process ended, it stops the server and removes the data. So also a server
//! in a `static`, which is never dropped, leaves nothing behind.

#![allow(dead_code, reason = "each test crate uses a part of it")]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// What keeps the server: starts it, and does what it is told. `read` ends with the test process.
const KEEPER: &str = r#"
bin=$1 dir=$2 port=$3
shift 3
begin() {
    "$bin/postgres" -D "$dir/data" -p "$port" -c listen_addresses=127.0.0.1 \
        -c unix_socket_directories="$dir" -c fsync=on -c log_min_messages=fatal "$@" \
        >>"$dir/log" 2>&1 &
    pid=$!
    tries=0
    until "$bin/pg_isready" -q -h 127.0.0.1 -p "$port"; do
        kill -0 "$pid" 2>/dev/null || { echo failed; return; }
        tries=$((tries + 1))
        [ "$tries" -lt 1200 ] || { echo failed; return; }
        sleep 0.1
    done
    echo ok
}
end() { kill -QUIT "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; }
begin
while read -r word; do
    case $word in
        restart) end; begin ;;
        start) begin ;;
        stop) end; echo ok ;;
    esac
done
end
rm -rf "$dir"
"#;

const USER: &str = "innfri";
const PASSWORD: &str = "a password with : / and @";
const PASSWORD_IN_URL: &str = "a%20password%20with%20%3A%20%2F%20and%20%40";

/// A running server. Dropped, it is stopped and its data removed.
pub struct PostgreSql {
    port: u16,
    keeper: Mutex<Option<Keeper>>,
    databases: AtomicU32,
}

struct Keeper {
    child: Child,
    words: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl PostgreSql {
    /// Makes a data directory and starts a server on it; ready when this returns.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same, with settings (`name=value`) of its own.
    pub async fn start_with(settings: &'static [&'static str]) -> Self {
        let starting = tokio::task::spawn_blocking(|| Self::start_and_wait(settings));
        starting.await.expect("the server starts")
    }

    fn start_and_wait(settings: &[&str]) -> Self {
        let bin = binaries();
        let user = unprivileged_user();
        let directory = tempfile::Builder::new().prefix("innfri-postgres-").tempdir().unwrap();
        // The keeper removes it, since it outlives this process.
        let directory = directory.keep();
        initialise(&bin, &directory, user);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();

        let mut command = as_user(Command::new("sh"), user);
        command.arg("-c").arg(KEEPER).arg("keeper").arg(&bin).arg(&directory).arg(port.to_string());
        command.args(settings.iter().flat_map(|setting| ["-c", setting]));
        // A group of its own: the terminal's interrupt must not reach it before the clean-up.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        let mut child = command.spawn().expect("a shell");
        let words = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        let mut keeper = Keeper { child, words, answers };
        keeper.expect_ok();
        Self { port, keeper: Mutex::new(Some(keeper)), databases: AtomicU32::new(0) }
    }

    /// The port on which it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of the database that every server has.
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// The address of a database.
    pub fn url_of(&self, database: &str) -> String {
        format!("postgres://{USER}:{PASSWORD_IN_URL}@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes an empty database and gives its address.
    ///
    /// # Panics
    /// When the server does not do it.
    pub async fn create_database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut connection = PgConnection::connect(&self.url()).await.unwrap();
        let sql = AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::query(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        self.url_of(&name)
    }

    /// Stops the server as a power cut would, without a checkpoint, and starts it again.
    ///
    /// # Panics
    /// When it does not come back.
    pub fn restart_immediately(&self) {
        self.tell("restart");
    }

    /// Stops the server as a power cut would.
    ///
    /// # Panics
    /// When it was stopped for good.
    pub fn stop(&self) {
        self.tell("stop");
    }

    /// Starts a stopped server again.
    ///
    /// # Panics
    /// When it does not come back.
    pub fn start_again(&self) {
        self.tell("start");
    }

    fn tell(&self, word: &str) {
        let mut keeper = self.keeper.lock().unwrap();
        let keeper = keeper.as_mut().expect("a running keeper");
        writeln!(keeper.words, "{word}").unwrap();
        keeper.expect_ok();
    }
}

impl Drop for PostgreSql {
    fn drop(&mut self) {
        let Ok(mut keeper) = self.keeper.lock() else { return };
        if let Some(Keeper { mut child, words, .. }) = keeper.take() {
            drop(words);
            child.wait().ok();
        }
    }
}

impl Keeper {
    fn expect_ok(&mut self) {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "ok", "PostgreSQL did not start");
    }
}

/// The newest installed version.
pub fn binaries() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .filter(|(_, bin)| bin.join("initdb").exists() && bin.join("postgres").exists())
        .collect();
    found.sort();
    let newest = found
        .pop()
        .expect("install postgresql (13 or newer), such as by `apt-get install postgresql`");
    newest.1
}

/// User and group to run the server as: PostgreSQL refuses to be run by root.
fn unprivileged_user() -> Option<(u32, u32)> {
    let id = Command::new("id").arg("-u").output().unwrap();
    if String::from_utf8_lossy(&id.stdout).trim() != "0" {
        return None;
    }
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap();
    let line = passwd.lines().find(|line| line.starts_with("postgres:"));
    let line = line.expect("install postgresql: it brings a user `postgres` to run it as");
    let mut fields = line.split(':').skip(2).map(|field| field.parse().unwrap());
    Some((fields.next().unwrap(), fields.next().unwrap()))
}

fn as_user(mut command: Command, user: Option<(u32, u32)>) -> Command {
    if let Some((user, group)) = user {
        command.uid(user).gid(group);
    }
    command.current_dir("/");
    command
}

fn initialise(bin: &Path, directory: &Path, user: Option<(u32, u32)>) {
    let password = directory.join("password");
    std::fs::write(&password, PASSWORD).unwrap();
    std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o600)).unwrap();
    if let Some((user, group)) = user {
        for path in [directory, &password] {
            chown(path, Some(user), Some(group)).unwrap();
        }
    }
    let made = as_user(Command::new(bin.join("initdb")), user)
        .arg("-D")
        .arg(directory.join("data"))
        .args(["-U", USER, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C"])
        .arg(format!("--pwfile={}", password.display()))
        .output()
        .unwrap();
    assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
}

/// How long a test waits for something of the server before it fails; only a bound, never a measure.
pub const PATIENCE: Duration = Duration::from_secs(120);

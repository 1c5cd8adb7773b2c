//! A RabbitMQ node of the test's own: own data, own ports, own epmd, and gone when the test is gone,
//! even if that was killed.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Where Debian and most other packages keep the scripts.
const SCRIPTS: &str = "/usr/lib/rabbitmq/bin";
/// How long a node may take to start or stop on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);
/// Waits until the test process is gone (its end of the pipe closes), then kills what it started and
/// removes its data.
const JANITOR: &str = r#"
trap "" INT TERM HUP
while read -r _; do :; done
for group in $(cat "$1/groups"); do kill -s KILL -- "-$group" 2>/dev/null; done
for again in 1 2 3 4 5 6 7 8 9 10; do rm -rf -- "$1" 2>/dev/null && exit; sleep 0.2; done
"#;

/// A running node.
pub struct RabbitMq {
    directory: PathBuf,
    amqp_port: u16,
    distribution_port: u16,
    epmd_port: u16,
    /// The one that it has started itself.
    epmd: Mutex<Option<Child>>,
    node: Mutex<Option<Child>>,
    janitor: Mutex<Child>,
}

impl RabbitMq {
    /// Starts a node and waits until it speaks AMQP.
    pub fn start() -> Self {
        let node = Self::prepare("innfri", free_ports(), None);
        node.start_again();
        node
    }

    /// Starts three nodes that make one cluster: the first one's users and queues are everybody's. The
    /// first keeps the epmd through which they find each other.
    pub fn start_cluster() -> [Self; 3] {
        let [a, b, c, d, e, f, epmd] = free_ports();
        let first = Self::prepare("cluster", [a, b, epmd], None);
        let second = Self::prepare("cluster", [c, d, epmd], Some(epmd));
        let third = Self::prepare("cluster", [e, f, epmd], Some(epmd));
        std::thread::scope(|scope| {
            for node in [&first, &second, &third] {
                scope.spawn(|| node.start_again());
            }
        });
        for node in [&second, &third] {
            node.ctl(&["stop_app"]);
            node.ctl(&["join_cluster", &first.name()]);
            node.ctl(&["start_app"]);
            let give_up = Instant::now() + PATIENCE;
            while !node.speaks_amqp() {
                assert!(Instant::now() < give_up, "not in the cluster:\n{}", node.last_words());
                pause();
            }
        }
        [first, second, third]
    }

    /// Everything but the node itself. Without an epmd to share it starts one of its own.
    fn prepare(cookie: &str, ports: [u16; 3], shared_epmd: Option<u16>) -> Self {
        let directory = tempfile::Builder::new().prefix("rabbitmq-").tempdir().unwrap().keep();
        let [amqp_port, distribution_port, epmd_port] = ports;
        // Nodes that find each other through one epmd, and no others, have the same.
        write(&directory, ".erlang.cookie", &format!("{cookie}-{epmd_port}"));
        let path = directory.join(".erlang.cookie");
        fs::set_permissions(path, fs::Permissions::from_mode(0o400)).unwrap();
        write(&directory, "enabled_plugins", "[].");
        write(
            &directory,
            "rabbitmq.conf",
            "vm_memory_high_watermark.absolute = 1GB\ndisk_free_limit.absolute = 50MB\n",
        );
        write(&directory, "groups", "");
        let janitor = Command::new("sh")
            .args(["-c", JANITOR, "janitor"])
            .arg(&directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let epmd = shared_epmd.is_none().then(|| start_epmd(epmd_port));
        Self {
            directory,
            amqp_port,
            distribution_port,
            epmd_port,
            epmd: Mutex::new(epmd),
            node: Mutex::new(None),
            janitor: Mutex::new(janitor),
        }
    }

    fn name(&self) -> String {
        format!("innfri{}@localhost", self.amqp_port)
    }

    /// Starts the node again on the same data and ports, after [`RabbitMq::kill`] or
    /// [`RabbitMq::stop`].
    pub fn start_again(&self) {
        let mut node = lock(&self.node);
        assert!(node.is_none(), "the node is running");
        let output = fs::File::create(self.directory.join("output.log")).unwrap();
        let child = self
            .command("rabbitmq-server")
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .process_group(0)
            .spawn()
            .unwrap();
        let epmd = lock(&self.epmd).as_ref().map(|epmd| epmd.id().to_string());
        let groups = format!("{} {}", epmd.unwrap_or_default(), child.id());
        write(&self.directory, "groups", &groups);
        let child = node.insert(child);
        let give_up = Instant::now() + PATIENCE;
        while !self.speaks_amqp() {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("RabbitMQ ended with {status}:\n{}", self.last_words());
            }
            assert!(Instant::now() < give_up, "RabbitMQ is not ready:\n{}", self.last_words());
            pause();
        }
    }

    /// Kills the node, as a power cut would.
    pub fn kill(&self) {
        if let Some(mut child) = lock(&self.node).take() {
            kill_group("-9", child.id());
            child.wait().unwrap();
        }
    }

    /// Stops the node in good order.
    pub fn stop(&self) {
        let Some(mut child) = lock(&self.node).take() else { return };
        kill_group("-15", child.id());
        let give_up = Instant::now() + PATIENCE;
        while child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < give_up, "RabbitMQ does not stop:\n{}", self.last_words());
            pause();
        }
        // The script ends before the node does: nothing of it may be left to hold the port.
        kill_group("-9", child.id());
    }

    /// Runs `rabbitmqctl` and gives what it says; panics with that if it fails.
    pub fn ctl(&self, arguments: &[&str]) -> String {
        self.try_ctl(arguments).unwrap_or_else(|said| panic!("rabbitmqctl {arguments:?}:\n{said}"))
    }

    /// Runs `rabbitmqctl` and gives what it says, also as an error if it fails.
    pub fn try_ctl(&self, arguments: &[&str]) -> Result<String, String> {
        self.tool("rabbitmqctl", arguments)
    }

    /// Runs one of RabbitMQ's command-line tools on this node and gives what it says, also as an error
    /// if it fails.
    pub fn tool(&self, name: &str, arguments: &[&str]) -> Result<String, String> {
        let output = self.command(name).arg("-q").args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(said);
        }
        Err(said + &String::from_utf8_lossy(&output.stderr))
    }

    /// Waits until every queue has its first entry on disk of this node.
    ///
    /// A quorum queue of RabbitMQ 3.10 whose node is killed before that has no leader afterwards, and
    /// gets none until it is deleted: it takes itself for a new one that somebody else will start.
    pub fn settle(&self) {
        let settled = "lists:all(fun(M) -> element(6, M) >= 1 end, ets:tab2list(ra_metrics)).";
        let give_up = Instant::now() + PATIENCE;
        while !self.ctl(&["eval", settled]).contains("true") {
            assert!(Instant::now() < give_up, "the queues never settle");
            pause();
        }
    }

    /// Adds a vhost.
    pub fn add_vhost(&self, vhost: &str) {
        self.ctl(&["eval", &format!(r#"rabbit_vhost:add(<<"{vhost}">>, <<"test">>)."#)]);
    }

    /// Adds a user with these permissions in the vhost `/`.
    pub fn add_user(&self, name: &str, password: &str, configure: &str, write: &str, read: &str) {
        self.add_user_in("/", name, password, [configure, write, read]);
    }

    /// Adds a user with these permissions (configure, write, read) in a vhost.
    pub fn add_user_in(&self, vhost: &str, name: &str, password: &str, permissions: [&str; 3]) {
        let [configure, write, read] = permissions.map(|pattern| pattern.replace('\\', r"\\"));
        self.ctl(&[
            "eval",
            &format!(
                r#"rabbit_auth_backend_internal:add_user(<<"{name}">>, <<"{password}">>, <<"test">>),
                rabbit_auth_backend_internal:set_permissions(<<"{name}">>, <<"{vhost}">>,
                <<"{configure}">>, <<"{write}">>, <<"{read}">>, <<"test">>)."#
            ),
        ]);
    }

    /// The address for a user in the vhost `/`.
    pub fn url(&self, user: &str, password: &str) -> String {
        self.url_in("%2f", user, password)
    }

    /// The address for a user in a vhost.
    pub fn url_in(&self, vhost: &str, user: &str, password: &str) -> String {
        format!("amqp://{user}:{password}@127.0.0.1:{}/{vhost}", self.amqp_port)
    }

    /// The port on which it speaks AMQP.
    pub fn port(&self) -> u16 {
        self.amqp_port
    }

    fn command(&self, script: &str) -> Command {
        let mut command = Command::new(Path::new(SCRIPTS).join(script));
        let at = |name: &str| self.directory.join(name);
        command
            .env("HOME", &self.directory)
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("ERL_EPMD_PORT", self.epmd_port.to_string())
            .env("RABBITMQ_NODENAME", self.name())
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODE_PORT", self.amqp_port.to_string())
            .env("RABBITMQ_DIST_PORT", self.distribution_port.to_string())
            .env("RABBITMQ_CTL_DIST_PORT_MIN", "35672")
            .env("RABBITMQ_CTL_DIST_PORT_MAX", "36671")
            .env("RABBITMQ_MNESIA_BASE", at("data"))
            .env("RABBITMQ_LOG_BASE", at("log"))
            .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
            .env("RABBITMQ_CONFIG_FILE", at("rabbitmq.conf"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", at("enabled_plugins"))
            .env(
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
                "+S 2:2 -kernel inet_dist_use_interface {127,0,0,1}",
            );
        command
    }

    fn speaks_amqp(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.amqp_port)) else {
            return false;
        };
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut answer = [0];
        stream.write_all(b"AMQP\x00\x00\x09\x01").is_ok()
            && stream.read_exact(&mut answer).is_ok()
            && answer == [1]
    }

    pub fn last_words(&self) -> String {
        let mut words = String::new();
        let logs = fs::read_dir(self.directory.join("log")).into_iter().flatten().flatten();
        for path in logs.map(|entry| entry.path()).chain([self.directory.join("output.log")]) {
            let text = fs::read_to_string(&path).unwrap_or_default();
            let lines: Vec<&str> = text.lines().rev().take(40).collect();
            words.push_str(&format!("--- {}\n", path.display()));
            words.extend(lines.into_iter().rev().map(|line| format!("{line}\n")));
        }
        words
    }
}

impl Drop for RabbitMq {
    fn drop(&mut self) {
        self.kill();
        if let Some(mut epmd) = lock(&self.epmd).take() {
            kill_group("-9", epmd.id());
            drop(epmd.wait());
        }
        let mut janitor = lock(&self.janitor);
        drop(janitor.stdin.take());
        drop(janitor.wait());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write(directory: &Path, name: &str, text: &str) {
    fs::write(directory.join(name), text).unwrap();
}

fn start_epmd(port: u16) -> Child {
    Command::new("epmd")
        .args(["-address", "127.0.0.1", "-port", &port.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap()
}

fn free_ports<const COUNT: usize>() -> [u16; COUNT] {
    // All are held until all are known, so that no two are the same.
    let listeners = [(); COUNT].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

fn kill_group(signal: &str, leader: u32) {
    let group = format!("-{leader}");
    let killed = Command::new("kill").args([signal, "--", &group]).stderr(Stdio::null()).status();
    drop(killed);
}

#[expect(clippy::disallowed_methods, reason = "starting a node is not asynchronous")]
fn pause() {
    std::thread::sleep(Duration::from_millis(100));
}

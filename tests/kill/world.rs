//! One installation in trouble: servers, several processes of innfri's, two agencies and two banks.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;

use super::fleet::{Fleet, Slot};
use super::ledger::{Ledger, ToSend};
use super::plan::{PARTIES, Party};
use super::schedule::{Line, Size, Trouble};
use crate::support::messages as sample;
use crate::support::participant::Letter;
use crate::support::peer::{Account, Arrived, Outbox, Owner, Peer};
use crate::support::postgres::PostgreSql;
use crate::support::program::run;
use crate::support::proxy::Proxy;
use crate::support::rabbitmq::RabbitMq;

/// Settings that make waiting short; the lease stays longer than twice the confirmation's time limit.
const SETTINGS: &str = r"
reconnect_longest_seconds = 2
confirm_timeout_seconds = 5
connect_timeout_seconds = 5
heartbeat_seconds = 5
[exchange]
lease_seconds = 12
retry_first_seconds = 1
retry_longest_seconds = 2
breaker_open_seconds = 2
";

/// Everything that a run needs.
pub struct World {
    // First, so that processes can still show their logs when they are dropped.
    pub fleet: Fleet,
    folder: TempDir,
    doctor: String,
    nodes: Vec<Arc<RabbitMq>>,
    one_node_at_a_time: tokio::sync::Mutex<()>,
    postgres: Arc<PostgreSql>,
    postgres_restarts: tokio::sync::Mutex<()>,
    participants: Proxy,
    _peers: Vec<Peer>,
    pub post: Arc<Post>,
}

/// The participants' books and what they have to send.
pub struct Post {
    pub ledger: Mutex<Ledger>,
    outboxes: Vec<Arc<Outbox>>,
}

impl Post {
    /// Puts letters into their senders' outboxes.
    pub fn send(&self, letters: Vec<ToSend>) {
        letters.into_iter().for_each(|(party, letter)| self.outboxes[party].put(letter));
    }
}

/// One participant's desk.
struct Desk {
    party: Party,
    post: Arc<Post>,
}

impl Owner for Desk {
    fn received(&self, queue: &str, arrived: Arrived) {
        let letters = self.post.ledger.lock().unwrap().received(self.party, queue, arrived);
        self.post.send(letters);
    }

    fn confirmed(&self, letter: &Letter) {
        self.post.ledger.lock().unwrap().confirmed(letter);
    }
}

fn is_bank(party: Party) -> bool {
    party >= 2
}

fn login(party: Party) -> String {
    format!("party{party}")
}

fn directory() -> String {
    let mut text = String::new();
    for (party, (id, name, account)) in PARTIES.iter().enumerate() {
        let questions = format!("[{:?}, {:?}]", sample::RESTGJELD, sample::INNFRIELSE);
        let rest = if is_bank(party) {
            let register_number: String = account.chars().take(4).collect();
            format!(
                "role = \"bank\"\nreceives = {questions}\nregister_numbers = [{register_number:?}]"
            )
        } else {
            format!("role = \"estate-agency\"\nsends = {questions}")
        };
        text += &format!("[[participant]]\nid = {id:?}\nname = {name:?}\n{rest}\n");
        let login = login(party);
        text +=
            &format!("[[operator]]\nlogin = {login:?}\nname = {login:?}\nspeaks_for = [{id:?}]\n");
    }
    text
}

/// The same address at another port.
fn moved(url: &str, from: u16, to: u16) -> String {
    url.replace(&format!(":{from}/"), &format!(":{to}/"))
}

impl World {
    /// Starts everything on these nodes and waits until it works.
    pub async fn start(nodes: Vec<Arc<RabbitMq>>, size: &Size) -> Self {
        let postgres = PostgreSql::start().await;
        let database = postgres.create_database().await;
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("directory.toml"), directory()).unwrap();
        let first = &nodes[0];
        first.add_user("innfri", "innfri", ".*", ".*", ".*");
        let ports: Vec<u16> = nodes.iter().map(|node| node.port()).collect();

        let config = |amqp: u16, journal: u16| {
            let file = folder.path().join("directory.toml");
            let journal = moved(&database, postgres.port(), journal);
            let amqp = moved(&first.url("innfri", "innfri"), first.port(), amqp);
            format!(
                "environment = \"test\"\n[directory]\nfile = {file:?}\n[journal]\n\
                 url = {journal:?}\nacquire_timeout_seconds = 3\n[amqp]\nurl = {amqp:?}{SETTINGS}"
            )
        };
        let mut slots = Vec::new();
        for number in 0..size.processes {
            let amqp = Proxy::start(ports.clone()).await;
            let journal = Proxy::start(vec![postgres.port()]).await;
            let text = config(amqp.port(), journal.port());
            let name = format!("innfri{number}");
            slots.push(Slot::new(folder.path(), &name, text, amqp, journal));
        }
        let doctor = folder.path().join("doctor.toml");
        let participants = Proxy::start(ports).await;
        std::fs::write(&doctor, config(participants.port(), postgres.port())).unwrap();

        let outboxes = PARTIES.iter().map(|_| Arc::default()).collect();
        let post = Arc::new(Post { ledger: Mutex::default(), outboxes });
        let fleet = Fleet::new(slots);
        fleet.wait_until_ready();
        nodes.iter().for_each(|node| node.settle());
        let members = members(first);
        let everywhere = members.iter().all(|count| *count == nodes.len());
        assert!(!members.is_empty() && everywhere, "a queue is not on every node: {members:?}");
        let peers = (0..PARTIES.len())
            .map(|party| start_peer(party, first, participants.port(), &post))
            .collect();
        Self {
            fleet,
            doctor: doctor.display().to_string(),
            folder,
            nodes,
            one_node_at_a_time: tokio::sync::Mutex::new(()),
            postgres: Arc::new(postgres),
            postgres_restarts: tokio::sync::Mutex::new(()),
            participants,
            _peers: peers,
            post,
        }
    }

    /// Makes trouble, and ends when it is over but for what the supervisor does.
    pub async fn make(&self, trouble: Trouble) {
        match trouble {
            Trouble::KillInnfri(process, down) => self.fleet.slot(process).kill(down),
            Trouble::KillEveryInnfri(down) => {
                self.fleet.slots().iter().for_each(|slot| slot.kill(down));
            }
            Trouble::StopInnfri(process) => {
                tokio::task::block_in_place(|| self.fleet.slot(process).stop());
            }
            Trouble::KillNode(node, down) => {
                let _alone = self.one_node_at_a_time.lock().await;
                let node = Arc::clone(&self.nodes[node]);
                tokio::task::block_in_place(|| node.kill());
                tokio::time::sleep(down).await;
                tokio::task::block_in_place(|| node.start_again());
            }
            Trouble::RestartPostgres => {
                let _alone = self.postgres_restarts.lock().await;
                tokio::task::block_in_place(|| self.postgres.restart_immediately());
            }
            Trouble::PostgresAway(down) => {
                let _alone = self.postgres_restarts.lock().await;
                tokio::task::block_in_place(|| self.postgres.stop());
                tokio::time::sleep(down).await;
                tokio::task::block_in_place(|| self.postgres.start_again());
            }
            Trouble::Cut(line) => self.line(line).cut(),
            Trouble::Stall(line, pause) => self.line(line).stall(pause),
            Trouble::Mute(line, pause) => {
                self.line(line).mute(pause);
                tokio::time::sleep(pause / 2).await;
                self.line(line).cut();
            }
        }
    }

    fn line(&self, line: Line) -> &Proxy {
        match line {
            Line::Amqp(process) => &self.fleet.slot(process).amqp,
            Line::Journal(process) => &self.fleet.slot(process).journal,
            Line::Participants => &self.participants,
        }
    }

    /// What a command of the program says, on a way that nobody disturbs any more.
    pub fn command(&self, arguments: &[&str]) -> String {
        self.judged(arguments).1
    }

    /// The same, with whether it ended well.
    pub fn judged(&self, arguments: &[&str]) -> (bool, String) {
        let mut all = arguments.to_vec();
        all.extend(["--config", &self.doctor]);
        let output = run(&all, &[]);
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    /// Copies the settings and logs of all processes to a folder.
    pub fn keep_logs(&self, folder: &Path) {
        drop(std::fs::remove_dir_all(folder));
        drop(std::fs::create_dir_all(folder));
        for entry in std::fs::read_dir(self.folder.path()).into_iter().flatten().flatten() {
            drop(std::fs::copy(entry.path(), folder.join(entry.file_name())));
        }
    }

    /// Queues that still hold messages, with how many.
    pub fn full_queues(&self) -> Vec<String> {
        let listed = self.nodes[0].ctl(&["list_queues", "name", "messages"]);
        let holds = |line: &&str| {
            line.starts_with("innfri.") && line.split_whitespace().nth(1) != Some("0")
        };
        listed.lines().filter(holds).map(str::to_owned).collect()
    }
}

/// How many nodes each queue is on.
fn members(node: &RabbitMq) -> Vec<usize> {
    let listed = node.ctl(&["list_queues", "members"]);
    let queues = listed.lines().filter(|line| line.contains('['));
    queues.map(|line| line.matches('@').count()).collect()
}

fn start_peer(party: Party, node: &RabbitMq, port: u16, post: &Arc<Post>) -> Peer {
    let (id, ..) = PARTIES[party];
    let exchange = if is_bank(party) { "innfri.answers" } else { "innfri.requests" };
    let mut queues = vec![format!("innfri.org.no.{id}.answers")];
    if is_bank(party) {
        queues.push(format!("innfri.org.no.{id}.requests"));
    }
    let user = login(party);
    let write = format!("^{}$", exchange.replace('.', r"\."));
    let read = format!(r"^innfri\.org\.no\.{id}\..*$");
    node.add_user(&user, &user, "^$", &write, &read);
    let url = moved(&node.url(&user, &user), node.port(), port);
    let account = Account { url, user, exchange: exchange.to_owned(), queues };
    let desk = Desk { party, post: Arc::clone(post) };
    Peer::start(account, Arc::clone(&post.outboxes[party]), Arc::new(desk))
}

impl Drop for World {
    /// Shows where things stand when a test has failed.
    #[expect(clippy::print_stderr, reason = "a failed test shows where things stand")]
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        for what in [
            "list_queues name messages_ready messages_unacknowledged consumers state leader",
            "list_channels connection number confirm messages_unconfirmed prefetch_count",
        ] {
            let words: Vec<&str> = what.split(' ').collect();
            for node in &self.nodes {
                eprintln!("{:?}", node.try_ctl(&words));
            }
        }
        eprintln!("{}", self.command(&["doctor"]));
        eprintln!("{}", self.command(&["case", "list", "--open"]));
        let kept = std::env::temp_dir().join("innfri-kill-failed");
        self.keep_logs(&kept);
        eprintln!("logs are kept in {}", kept.display());
    }
}

/// How long nothing may happen before a run counts as standing still.
pub const PATIENCE: Duration = Duration::from_secs(180);

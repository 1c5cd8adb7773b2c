//! The embedded installation: SQLite, requests posted over HTTP, banks that collect from their mailbox. The load
//! writes its HTTP by hand, since it shares the machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::contender::processor_time;
use crate::load::{message_id, request};
use crate::support::program::{Program, run};
use crate::world::{ANSWERER, ASKER, Bank, directory_of};

/// Connections that post, and that collect and acknowledge.
const POSTERS: usize = 48;
const COLLECTORS: usize = 24;

/// One connection that is kept.
struct Line {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Line {
    async fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::with_capacity(1 << 16) }
    }

    /// Sends a request and reads its answer: status and body.
    async fn call(&mut self, head: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let mut message =
            format!("{head}\r\nHost: innfri\r\nContent-Length: {}\r\n\r\n", body.len())
                .into_bytes();
        message.extend_from_slice(body);
        self.stream.write_all(&message).await.unwrap();
        self.buffer.clear();
        loop {
            assert!(
                self.stream.read_buf(&mut self.buffer).await.unwrap() > 0,
                "the connection was closed"
            );
            let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") else {
                continue;
            };
            let head = String::from_utf8_lossy(&self.buffer[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
            if self.buffer.len() >= end + 4 + length {
                let status = head.split(' ').nth(1).unwrap().parse().unwrap();
                return (status, self.buffer[end + 4..end + 4 + length].to_vec());
            }
        }
    }
}

/// Cases a second, and processor time for each.
pub struct Shown {
    pub per_second: f64,
    pub processor: Duration,
}

/// Posts `count` requests while banks collect and acknowledge them; a case counts when its bank has it.
pub async fn measure(folder: &std::path::Path, banks: &[Bank], count: usize) -> Shown {
    let (directory, settings, port) =
        (folder.join("embedded-directory.toml"), folder.join("embedded.toml"), free_port());
    let text = directory_of(banks, 0);
    std::fs::write(&directory, text).unwrap();
    let journal = format!("sqlite:{}", folder.join(format!("embedded-{port}.db")).display());
    let text = format!(
        "environment = \"test\"\n[directory]\nfile = {directory:?}\n[journal]\nurl = {journal:?}\n[http]\nlisten = \"127.0.0.1:{port}\"\n\
         requests_per_second = 1000000\nburst = 1000000\n"
    );
    std::fs::write(&settings, text).unwrap();
    let path = settings.display().to_string();
    let token = |login: &str| {
        let made = run(&["operator", "token", "create", login, "--config", &path], &[]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8_lossy(&made.stdout).trim().to_owned()
    };
    let (asker, answerer) = (token(ASKER), token(ANSWERER));
    let log = folder.join(format!("embedded-{port}.log"));
    let mut innfri = Program::start(&["serve", "--config", &path], &[("NO_COLOR", "1")], &log);
    innfri.wait_for("innfri is ready", 1);
    let address = format!("127.0.0.1:{port}");
    let next = Arc::new(AtomicUsize::new(0));
    let delivered = Arc::new(AtomicUsize::new(0));
    let (began, used) = (Instant::now(), processor_time(innfri.id()));
    let mut tasks = JoinSet::new();
    for _ in 0..POSTERS {
        tasks.spawn(post(address.clone(), asker.clone(), banks.to_vec(), Arc::clone(&next), count));
    }
    for place in 0..COLLECTORS {
        let bank = banks[place % banks.len()].number.clone();
        tasks.spawn(collect(
            address.clone(),
            answerer.clone(),
            bank,
            Arc::clone(&delivered),
            count,
        ));
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let took = began.elapsed();
    let used = processor_time(innfri.id()) - used;
    innfri.terminate();
    let each = used / u32::try_from(count).unwrap();
    Shown { per_second: count as f64 / took.as_secs_f64(), processor: each }
}

async fn post(
    address: String,
    token: String,
    banks: Vec<Bank>,
    next: Arc<AtomicUsize>,
    count: usize,
) {
    let mut line = Line::open(&address).await;
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= count {
            return;
        }
        let body = serde_json::to_vec(&request(number, &banks[number % banks.len()])).unwrap();
        let head = format!(
            "POST /v1/messages HTTP/1.1\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
             Innfri-Message-Type: no.dsve.restgjeldsforespoersel.v1\r\nInnfri-Message-Id: {}",
            message_id(1, number)
        );
        let (status, said) = line.call(&head, &body).await;
        assert_eq!(status, 202, "{}", String::from_utf8_lossy(&said));
    }
}

async fn collect(
    address: String,
    token: String,
    bank: String,
    delivered: Arc<AtomicUsize>,
    count: usize,
) {
    let mut line = Line::open(&address).await;
    while delivered.load(Ordering::Relaxed) < count {
        let head = format!(
            "GET /v1/mailbox?max=100&wait=1s&organisation={bank} HTTP/1.1\r\nAuthorization: Bearer {token}"
        );
        let (status, body) = line.call(&head, &[]).await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        let post: serde_json::Value = serde_json::from_slice(&body).unwrap();
        for message in post["messages"].as_array().unwrap() {
            let id = message["id"].as_str().unwrap();
            let head =
                format!("POST /v1/mailbox/{id}/ack HTTP/1.1\r\nAuthorization: Bearer {token}");
            let (status, said) = line.call(&head, &[]).await;
            assert!(status < 300, "{}", String::from_utf8_lossy(&said));
            delivered.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

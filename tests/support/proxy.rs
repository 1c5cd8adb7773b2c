//! A TCP proxy that misbehaves on command: it stops forwarding for a while, or drops every connection.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A proxy on a port of its own. It goes with this value, and its connections with it.
pub struct Proxy {
    port: u16,
    mood: watch::Sender<Mood>,
    _task: JoinSet<()>,
}

/// What it does to what passes.
#[derive(Debug, Clone, Copy)]
struct Mood {
    /// Connections of an earlier generation are dropped.
    generation: u64,
    /// Until when nothing is forwarded: to the server, and back from it.
    still: [Option<Instant>; 2],
}

impl Proxy {
    /// Forwards to one of these ports of this machine: a new connection goes to the first that takes it,
    /// starting from the one that took the last.
    pub async fn start(targets: Vec<u16>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (mood, moods) = watch::channel(Mood { generation: 0, still: [None; 2] });
        let mut task = JoinSet::new();
        task.spawn(accept(listener, Arc::from(targets), moods));
        Self { port, mood, _task: task }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Drops all connections.
    pub fn cut(&self) {
        self.mood.send_modify(|mood| mood.generation += 1);
    }

    /// Forwards nothing for a while.
    pub fn stall(&self, pause: Duration) {
        let until = Some(Instant::now() + pause);
        self.mood.send_modify(|mood| mood.still = [until; 2]);
    }

    /// Forwards nothing that the server says for a while. A cut before the while is over loses it: the
    /// server has done what its client will never hear of.
    pub fn mute(&self, pause: Duration) {
        let until = Some(Instant::now() + pause);
        self.mood.send_modify(|mood| mood.still = [None, until]);
    }
}

async fn accept(listener: TcpListener, targets: Arc<[u16]>, mood: watch::Receiver<Mood>) {
    let mut connections = JoinSet::new();
    let last = Arc::new(AtomicUsize::new(0));
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((client, _)) = accepted {
                let (targets, last) = (Arc::clone(&targets), Arc::clone(&last));
                connections.spawn(serve(client, targets, last, mood.clone()));
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

async fn serve(
    client: TcpStream,
    targets: Arc<[u16]>,
    last: Arc<AtomicUsize>,
    mut mood: watch::Receiver<Mood>,
) {
    let born = mood.borrow().generation;
    let Some(server) = connect(&targets, &last).await else { return };
    drop((client.set_nodelay(true), server.set_nodelay(true)));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let (up, down) = (mood.clone(), mood.clone());
    tokio::select! {
        _ = mood.wait_for(|mood| mood.generation != born) => {}
        _ = pump(from_client, to_server, up, 0) => {}
        _ = pump(from_server, to_client, down, 1) => {}
    }
}

async fn connect(targets: &[u16], last: &AtomicUsize) -> Option<TcpStream> {
    let first = last.load(Ordering::Relaxed);
    for place in (first..).take(targets.len()) {
        let target = *targets.get(place % targets.len())?;
        if let Ok(stream) = TcpStream::connect(("127.0.0.1", target)).await {
            last.store(place % targets.len(), Ordering::Relaxed);
            return Some(stream);
        }
    }
    None
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mood: watch::Receiver<Mood>,
    way: usize,
) -> io::Result<()> {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let count = from.read(&mut bytes).await?;
        if count == 0 {
            return to.shutdown().await;
        }
        loop {
            let still = mood.borrow().still[way];
            match still.map(|until| until.saturating_duration_since(Instant::now())) {
                Some(pause) if !pause.is_zero() => tokio::time::sleep(pause).await,
                Some(_) | None => break,
            }
        }
        to.write_all(&bytes[..count]).await?;
    }
}

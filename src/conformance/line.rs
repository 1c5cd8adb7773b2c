//! The line: a TCP proxy between the partner and RabbitMQ. It passes frames on, notes what they say,
//! and cuts where a trap says so. Plain AMQP only: what is encrypted cannot be looked at.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::conversation::{Conversation, Notes, Trap, Verdict, frame_length};
use super::seen::Seen;

/// Connections of the partner at the same time; more are turned away.
const MOST_CONNECTIONS: usize = 64;
/// Bytes read at once.
const READ: usize = 64 * 1024;

/// The line to RabbitMQ. Its connections end with this value.
pub struct Line {
    address: SocketAddr,
    book: Arc<Book>,
    _connections: JoinSet<()>,
}

/// What was seen, and a bell for whoever waits for more.
struct Book {
    notes: Mutex<Notes>,
    changed: watch::Sender<()>,
}

impl Book {
    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// Listens at `address` and connects each who comes with `broker` (`HOST:PORT`).
    ///
    /// # Errors
    /// When the address cannot be listened at.
    pub async fn open(address: SocketAddr, broker: String) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (changed, _) = watch::channel(());
        let book = Arc::new(Book { notes: Mutex::default(), changed });
        let mut connections = JoinSet::new();
        connections.spawn(accept(listener, broker, Arc::clone(&book)));
        Ok(Self { address, book, _connections: connections })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Arms traps, one after the other, behind those that wait already.
    pub fn arm(&self, traps: impl IntoIterator<Item = Trap>) {
        self.book.notes().traps.extend(traps);
    }

    /// Takes away every trap that was not sprung.
    pub fn disarm(&self) {
        self.book.notes().traps.clear();
    }

    /// How much has been seen so far: where a check's own part begins.
    pub fn mark(&self) -> usize {
        self.book.notes().seen.len()
    }

    /// What was seen from a mark on.
    pub fn since(&self, mark: usize) -> Vec<Seen> {
        self.book.notes().seen.get(mark..).unwrap_or_default().to_vec()
    }

    /// Waits until what was seen since a mark fits; whether it did in time.
    pub async fn until(&self, mark: usize, time: Duration, fits: impl Fn(&[Seen]) -> bool) -> bool {
        let mut bell = self.book.changed.subscribe();
        let waiting = async {
            loop {
                bell.borrow_and_update();
                let fit = fits(self.book.notes().seen.get(mark..).unwrap_or_default());
                if fit {
                    return true;
                }
                if bell.changed().await.is_err() {
                    return false;
                }
            }
        };
        timeout(time, waiting).await.unwrap_or(false)
    }
}

async fn accept(listener: TcpListener, broker: String, book: Arc<Book>) {
    let mut connections = JoinSet::new();
    let mut count = 0;
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((partner, _)) if connections.len() < MOST_CONNECTIONS => {
                    count += 1;
                    connections.spawn(serve(partner, broker.clone(), Arc::clone(&book), count));
                }
                Ok(_) => {}
                // Out of file descriptors, say: trying again at once would only burn the processor.
                Err(_) => sleep(Duration::from_millis(100)).await,
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

/// What the two ways of one connection share.
struct Passage {
    conversation: Mutex<Conversation>,
    book: Arc<Book>,
    /// When to cut, once that is decided.
    cut: watch::Sender<Option<Duration>>,
}

#[derive(Clone, Copy)]
enum Way {
    ToBroker,
    ToPartner,
}

impl Passage {
    fn judge(&self, way: Way, raw: &[u8]) -> Verdict {
        let mut conversation = self.conversation.lock().unwrap_or_else(PoisonError::into_inner);
        let mut notes = self.book.notes();
        let before = notes.seen.len();
        let verdict = match way {
            Way::ToBroker => conversation.from_partner(raw, &mut notes),
            Way::ToPartner => conversation.from_broker(raw, &mut notes),
        };
        if notes.seen.len() != before {
            self.book.changed.send_replace(());
        }
        verdict
    }
}

async fn serve(partner: TcpStream, broker: String, book: Arc<Book>, line: u64) {
    let Ok(server) = TcpStream::connect(&broker).await else {
        tracing::warn!("RabbitMQ cannot be reached for the partner");
        return;
    };
    drop((partner.set_nodelay(true), server.set_nodelay(true)));
    let (from_partner, to_partner) = partner.into_split();
    let (from_server, to_server) = server.into_split();
    let (cut, mut cuts) = watch::channel(None);
    let conversation = Mutex::new(Conversation::new(line));
    let passage = Passage { conversation, book: Arc::clone(&book), cut };
    let cutting = async {
        let pause = match cuts.wait_for(Option::is_some).await {
            Ok(pause) => pause.unwrap_or_default(),
            Err(_) => return,
        };
        sleep(pause).await;
        book.notes().seen.push(Seen::Cut { line });
        book.changed.send_replace(());
    };
    tokio::select! {
        () = cutting => {}
        _ = pump(from_partner, to_server, &passage, Way::ToBroker) => {}
        _ = pump(from_server, to_partner, &passage, Way::ToPartner) => {}
    }
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    passage: &Passage,
    way: Way,
) -> io::Result<()> {
    let mut bytes = Vec::new();
    let mut chunk = vec![0; READ];
    loop {
        let count = from.read(&mut chunk).await?;
        if count == 0 {
            return to.shutdown().await;
        }
        bytes.extend_from_slice(chunk.get(..count).unwrap_or_default());
        while let Some(length) = frame_length(&bytes).map_err(io::Error::other)?
            && bytes.len() >= length
        {
            let frame: Vec<u8> = bytes.drain(..length).collect();
            let verdict = passage.judge(way, &frame);
            if let Some(pass) = verdict.pass {
                to.write_all(&pass).await?;
            }
            if let Some(pause) = verdict.cut {
                passage.cut.send_replace(Some(pause));
                if pause.is_zero() {
                    // The line is cut here: nothing that follows may pass.
                    return std::future::pending().await;
                }
            }
        }
    }
}

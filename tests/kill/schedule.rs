//! What goes wrong and when: it follows from the seed alone.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};

/// A connection that runs through a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// From a process of innfri's to RabbitMQ.
    Amqp(usize),
    /// From a process of innfri's to PostgreSQL.
    Journal(usize),
    /// From the participants to RabbitMQ.
    Participants,
}

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// A process of innfri's is killed, and started again after a while.
    KillInnfri(usize, Duration),
    /// All are, at once.
    KillEveryInnfri(Duration),
    /// A process is told to stop, and started again.
    StopInnfri(usize),
    /// A RabbitMQ node is killed, and started again after a while.
    KillNode(usize, Duration),
    /// PostgreSQL is killed and started again at once.
    RestartPostgres,
    /// PostgreSQL is killed and started again after longer than innfri waits for it.
    PostgresAway(Duration),
    /// All connections of a line are dropped.
    Cut(Line),
    /// Nothing passes for a while.
    Stall(Line, Duration),
    /// Nothing comes back for a while; then the connections are dropped, and what was on its way is
    /// never heard of.
    Mute(Line, Duration),
}

/// Trouble that begins once so many cases have been asked.
#[derive(Debug, Clone, Copy)]
pub struct Planned {
    pub after: u32,
    /// How much must happen after that, so that it meets work under way; `None` to begin at once, on top
    /// of whatever is wrong already.
    pub amid: Option<u32>,
    pub then_pause: Duration,
    pub trouble: Trouble,
}

/// How big a run is.
#[derive(Debug, Clone)]
pub struct Size {
    pub cases: u32,
    /// Cases asked for each trouble.
    pub per_trouble: u32,
    pub nodes: usize,
    pub processes: usize,
    /// Cases asked a second, at most.
    pub rate: u32,
    /// The kinds of trouble, each as often as it stands here before any comes again.
    pub bag: &'static [Kind],
}

/// What kind of trouble, before whom it hits and how long is drawn.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    KillInnfri,
    KillEveryInnfri,
    StopInnfri,
    KillNode,
    RestartPostgres,
    PostgresAway,
    CutAmqp,
    StallAmqp,
    MuteAmqp,
    CutJournal,
    StallJournal,
    MuteJournal,
    MuteParticipants,
}

/// The whole schedule of a run.
pub fn schedule(seed: u64, size: &Size) -> Vec<Planned> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut bag: Vec<Kind> = Vec::new();
    (0..size.cases / size.per_trouble)
        .map(|number| {
            if bag.is_empty() {
                bag = size.bag.to_vec();
                bag.shuffle(&mut random);
            }
            let kind = bag.pop().expect("a bag that is not empty");
            Planned {
                after: number * size.per_trouble + random.random_range(0..size.per_trouble),
                amid: random.random_ratio(3, 4).then(|| random.random_range(0..size.per_trouble)),
                then_pause: Duration::from_millis(random.random_range(0..500)),
                trouble: draw(kind, size, &mut random),
            }
        })
        .collect()
}

fn draw(kind: Kind, size: &Size, random: &mut StdRng) -> Trouble {
    let process = random.random_range(0..size.processes);
    let node = random.random_range(0..size.nodes);
    let down = Duration::from_millis(random.random_range(0..3000));
    let pause = Duration::from_millis(random.random_range(1000..5000));
    match kind {
        Kind::KillInnfri => Trouble::KillInnfri(process, down),
        Kind::KillEveryInnfri => Trouble::KillEveryInnfri(down),
        Kind::StopInnfri => Trouble::StopInnfri(process),
        Kind::KillNode => Trouble::KillNode(node, down),
        Kind::RestartPostgres => Trouble::RestartPostgres,
        Kind::PostgresAway => Trouble::PostgresAway(Duration::from_secs(4) + down / 2),
        Kind::CutAmqp => Trouble::Cut(Line::Amqp(process)),
        Kind::StallAmqp => Trouble::Stall(Line::Amqp(process), pause),
        Kind::MuteAmqp => Trouble::Mute(Line::Amqp(process), pause),
        Kind::CutJournal => Trouble::Cut(Line::Journal(process)),
        Kind::StallJournal => Trouble::Stall(Line::Journal(process), pause),
        Kind::MuteJournal => Trouble::Mute(Line::Journal(process), pause),
        Kind::MuteParticipants => Trouble::Mute(Line::Participants, pause),
    }
}

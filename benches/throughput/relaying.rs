//! Throughput and processor time: how fast what waits in a queue comes out of others.

use std::time::Duration;

use serde_json::Value;

use crate::contender::{Contender, Scripts, processor_time, resident, start_peer};
use crate::load::{
    Letter, Line, Passage, answer, message_id, properties, reference, request, watch,
};
use crate::support::program::Program;
use crate::world::{ANSWERER, ASKER, PEER_IN, World, answer_queue};

pub const REQUEST: &str = "no.dsve.restgjeldsforespoersel.v1";
const ANSWER: &str = "no.dsve.restgjeldssvar.v1";

/// What one run showed.
pub struct Shown {
    pub per_second: f64,
    /// Processor time of the process for each message.
    pub processor: Duration,
    /// MiB at the end.
    pub resident: u64,
}

impl Shown {
    fn of(passage: &Passage, processor: Duration, resident: u64) -> Self {
        let each = processor / u32::try_from(passage.messages.max(1)).unwrap_or(u32::MAX);
        Self { per_second: passage.per_second(), processor: each, resident }
    }
}

/// One process while its messages come out.
async fn timed(program: &Program, line: &Line, queues: &[String], all: usize) -> Shown {
    let mut marks = Vec::new();
    let passage = watch(line, queues, all, || marks.push(processor_time(program.id()))).await;
    let used =
        marks.last().copied().unwrap_or_default() - marks.first().copied().unwrap_or_default();
    Shown::of(&passage, used, resident(program.id()))
}

/// Runs that number themselves, so that no two use the same message ids.
pub struct Runs<'a> {
    pub world: &'a World,
    pub line: &'a Line,
    pub answering: &'a Line,
    pub count: usize,
    number: usize,
}

impl<'a> Runs<'a> {
    pub const fn new(world: &'a World, line: &'a Line, answering: &'a Line, count: usize) -> Self {
        Self { world, line, answering, count, number: 0 }
    }

    /// Numbers runs from here on, apart from those of another.
    pub const fn start_at(&mut self, number: usize) {
        self.number = number;
    }

    /// Requests of the next run, to be relayed by a peer or taken in by innfri.
    pub fn requests(
        &mut self,
        exchange: &'static str,
        routing_key: &'static str,
        user: &'static str,
    ) -> impl Iterator<Item = Letter> + use<'_, 'a> {
        self.number += 1;
        let (run, banks) = (self.number, &self.world.banks);
        (0..self.count).map(move |number| {
            let bank = &banks[number % banks.len()];
            let body = request(run * 10_000_000 + number, bank);
            Letter {
                exchange,
                routing_key: routing_key.to_owned(),
                properties: properties(REQUEST, &message_id(run, number), user),
                body: serde_json::to_vec(&body).unwrap(),
            }
        })
    }

    /// A peer relays requests.
    pub async fn peer(&mut self, contender: Contender, scripts: &Scripts, database: &str) -> Shown {
        let line = self.line;
        let queues = self.world.bank_queues();
        line.purge(PEER_IN).await;
        line.fill(self.requests("", PEER_IN, ASKER)).await;
        let mut peer = start_peer(contender, self.world, scripts, database, &queues);
        let shown = timed(&peer, line, &queues, self.count).await;
        peer.kill();
        for queue in &queues {
            line.purge(queue).await;
        }
        shown
    }

    /// innfri takes requests to banks, then banks' answers to the asker.
    pub async fn innfri(
        &mut self,
        settings: &std::path::Path,
        answers: bool,
    ) -> (Shown, Option<Shown>) {
        let (world, line) = (self.world, self.line);
        let queues = world.bank_queues();
        line.fill(self.requests("innfri.requests", "", ASKER)).await;
        let mut innfri = world.serve("serve", settings);
        let requests = timed(&innfri, line, &queues, self.count).await;
        assert_eq!(innfri.terminate(), Some(0), "{}", innfri.said());
        let mut forwarded = Vec::with_capacity(self.count);
        for (bank, queue) in world.banks.iter().zip(&queues) {
            let waiting = line.depth(std::slice::from_ref(queue)).await;
            line.drain(queue, waiting, |delivery| {
                let id = delivery.properties.message_id().as_ref().unwrap().as_str().to_owned();
                let body: Value = serde_json::from_slice(&delivery.data).unwrap();
                let reference = body["avsender"]["referanse"].as_str().unwrap().to_owned();
                forwarded.push((id, reference, bank.clone()));
            })
            .await;
        }
        if !answers {
            return (requests, None);
        }
        let run = self.number;
        let letters = forwarded.iter().enumerate().map(|(place, (id, wanted, bank))| {
            let number: usize =
                usize::from_str_radix(wanted.trim_start_matches("OPPDRAG-"), 16).unwrap();
            debug_assert_eq!(*wanted, reference(number));
            Letter {
                exchange: "innfri.answers",
                routing_key: String::new(),
                properties: properties(ANSWER, &message_id(run + 500_000, place), ANSWERER)
                    .with_correlation_id(id.as_str().into()),
                body: serde_json::to_vec(&answer(wanted, number, bank)).unwrap(),
            }
        });
        self.answering.fill(letters).await;
        let mut innfri = world.serve("serve", settings);
        let out = [answer_queue()];
        let answers = timed(&innfri, line, &out, self.count).await;
        assert_eq!(innfri.terminate(), Some(0), "{}", innfri.said());
        line.purge(&out[0]).await;
        (requests, Some(answers))
    }
}

//! The parts of a measurement, in their order.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::contender::{Contender, Scripts, start_peer};
use crate::load::{Letter, Line};
use crate::relaying::Runs as Relaying;
use crate::report::{Report, Runs};
use crate::support::program::run;
use crate::world::{ANSWERER, ASKER, BANKS, PEER_IN, World};
use crate::{Arguments, Part, embedded, fill, latency, processes};

/// The pace at which latency is measured, and for how many messages.
const PACE: (u32, usize) = (500, 4500);

struct Bench {
    arguments: Arguments,
    world: World,
    settings: std::path::PathBuf,
    peers_database: String,
    asking: Line,
    answering: Line,
    report: Report,
}

/// Measures what was asked for.
pub async fn measure(arguments: Arguments) {
    println!("starting RabbitMQ and PostgreSQL");
    let world = World::start().await;
    let database = world.postgres.create_database().await;
    let peers_database = world.postgres.create_database().await;
    let settings = world.settings("innfri", &database, 0);
    world.apply_topology(&settings);
    let asking = Line::open(&world.rabbit.url(ASKER, ASKER)).await;
    let answering = Line::open(&world.rabbit.url(ANSWERER, ANSWERER)).await;
    Line::open(&world.rabbit.url("peer", "peer")).await.declare(PEER_IN).await;
    let report = Report::default();
    let mut bench = Bench { arguments, world, settings, peers_database, asking, answering, report };
    if bench.wants(Part::Starts) {
        bench.starts();
    }
    if bench.wants(Part::Embedded) {
        bench.embedded().await;
    }
    if bench.wants(Part::Relaying) || bench.wants(Part::Latency) {
        let scripts = Scripts::prepare();
        if bench.wants(Part::Relaying) {
            bench.relaying(&scripts).await;
        }
        if bench.wants(Part::Latency) {
            bench.latency(&scripts).await;
        }
    }
    if bench.wants(Part::Processes) {
        bench.processes().await;
    }
    if bench.wants(Part::Growth) {
        bench.growth().await;
    }
    bench.report.end(&bench.arguments.out);
}

impl Bench {
    fn wants(&self, part: Part) -> bool {
        self.arguments.only.is_empty() || self.arguments.only.contains(&part)
    }

    fn starts(&mut self) {
        println!("from start to ready");
        let (mut serve, mut demo) = (Runs::default(), Runs::default());
        for round in 0..=self.arguments.rounds {
            let began = Instant::now();
            let mut program = self.world.serve("start", &self.settings);
            while !program.said().contains("innfri is ready") {
                assert!(program.ended().is_none(), "{}", program.said());
                std::thread::sleep(Duration::from_millis(2));
            }
            let ready = began.elapsed().as_secs_f64();
            program.terminate();
            let began = Instant::now();
            let output = run(&["demo"], &[]);
            assert!(output.status.success());
            // The first start makes the tables.
            if round > 0 {
                serve.0.push(ready);
                demo.0.push(began.elapsed().as_secs_f64());
            }
        }
        let from = json!({"seconds": serve.json()});
        self.report.at_most(
            "start of `innfri serve` to ready",
            serve.median(),
            &serve,
            0.5,
            " s",
            from,
        );
        let from = json!({"seconds": demo.json()});
        self.report.at_most("`demo` from start to table", demo.median(), &demo, 2.0, " s", from);
    }

    async fn embedded(&mut self) {
        println!("embedded: SQLite, HTTP in, mailbox out");
        let (mut rate, mut processor) = (Runs::default(), Runs::default());
        let count = self.arguments.messages.min(20_000);
        for _ in 0..self.arguments.rounds {
            let shown = embedded::measure(self.world.folder.path(), &self.world.banks, count).await;
            println!("  {:>8.0} cases/s, {:?} each", shown.per_second, shown.processor);
            rate.0.push(shown.per_second);
            processor.0.push(shown.processor.as_secs_f64() * 1e6);
        }
        let from =
            json!({"cases_per_second": rate.json(), "processor_microseconds": processor.json()});
        self.report.at_least("embedded, cases a second", rate.median(), &rate, 5000.0, from);
    }

    async fn relaying(&mut self, scripts: &Scripts) {
        println!("throughput: {} messages from queue to queue", self.arguments.messages);
        let mut rates: BTreeMap<&str, Runs> = BTreeMap::new();
        let mut processor: BTreeMap<&str, Runs> = BTreeMap::new();
        let mut relaying =
            Relaying::new(&self.world, &self.asking, &self.answering, self.arguments.messages);
        for _ in 0..self.arguments.rounds {
            for contender in Contender::ALL {
                let mut shown = Vec::new();
                if contender == Contender::Innfri {
                    let (requests, answers) = relaying.innfri(&self.settings, true).await;
                    shown.push(("innfri, requests", requests));
                    shown.extend(answers.map(|answers| ("innfri, answers", answers)));
                } else {
                    let one = relaying.peer(contender, scripts, &self.peers_database).await;
                    shown.push((contender.name(), one));
                }
                for (name, one) in shown {
                    println!(
                        "  {name:24} {:>7.0}/s {:>5.1?} each, {} MiB",
                        one.per_second, one.processor, one.resident
                    );
                    rates.entry(name).or_default().0.push(one.per_second);
                    processor.entry(name).or_default().0.push(one.processor.as_secs_f64() * 1e6);
                }
            }
        }
        let rate = |name: &str| rates.get(name).map_or(f64::NAN, Runs::median);
        let requests = rate("innfri, requests");
        let from = |peer: &str| json!({"innfri": rates["innfri, requests"].json(), "peer": rates[peer].json()});
        let goals = [
            ("requests against the bare lapin relay", Contender::BareRelay.name(), 0.7),
            ("requests against Node that only validates", Contender::Node.name(), 0.6),
            (
                "requests against Node that also writes to PostgreSQL",
                Contender::NodeAndPostgreSql.name(),
                2.0,
            ),
            ("requests against Python", Contender::Python.name(), 1.0),
        ];
        for (what, peer, goal) in goals {
            let rounds = rates["innfri, requests"].against(&rates[peer]);
            self.report.at_least(what, requests / rate(peer), &rounds, goal, from(peer));
        }
        let answers = rate("innfri, answers") / rate(Contender::BareRelay.name());
        let rounds = rates["innfri, answers"].against(&rates[Contender::BareRelay.name()]);
        let answered = json!({"innfri": rates["innfri, answers"].json()});
        self.report.at_least(
            "answers against the bare lapin relay",
            answers,
            &rounds,
            0.7,
            answered,
        );
        let used = |name: &str| processor.get(name).map_or(f64::NAN, Runs::median);
        let relay = &processor[Contender::BareRelay.name()];
        let rounds = processor["innfri, requests"].against(relay);
        let ratio = used("innfri, requests") / used(Contender::BareRelay.name());
        let from = json!({"innfri_microseconds": processor["innfri, requests"].json(),
            "answers_microseconds": processor["innfri, answers"].json(),
            "relay_microseconds": processor[Contender::BareRelay.name()].json()});
        self.report.at_most(
            "processor time for each request, against the bare relay",
            ratio,
            &rounds,
            2.0,
            " ×",
            from,
        );
    }

    async fn latency(&mut self, scripts: &Scripts) {
        println!("latency at {} messages a second", PACE.0);
        let queues = self.world.bank_queues();
        let url = self.world.rabbit.url("peer", "peer");
        let (mut half, mut most) = (Runs::default(), Runs::default());
        let mut all = Vec::new();
        let mut relaying = Relaying::new(&self.world, &self.asking, &self.answering, PACE.1);
        relaying.start_at(1000);
        for _ in 0..self.arguments.rounds {
            let mut program = start_peer(
                Contender::BareRelay,
                &self.world,
                scripts,
                &self.peers_database,
                &queues,
            );
            let letters: Vec<Letter> = relaying.requests("", PEER_IN, ASKER).collect();
            let relay = latency::time(&self.asking, &url, letters, &queues, PACE.0).await;
            program.kill();
            let mut program = self.world.serve("serve", &self.settings);
            program.wait_for("innfri is ready", 1);
            let letters: Vec<Letter> = relaying.requests("innfri.requests", "", ASKER).collect();
            let innfri = latency::time(&self.asking, &url, letters, &queues, PACE.0).await;
            program.terminate();
            let in_ms = |time: Duration| time.as_secs_f64() * 1e3;
            let shown = [relay.at(0.5), innfri.at(0.5), relay.at(0.99), innfri.at(0.99)].map(in_ms);
            let [relay_half, innfri_half, relay_most, innfri_most] = shown;
            println!(
                "  p50 {relay_half:.2} and {innfri_half:.2} ms, p99 {relay_most:.2} and {innfri_most:.2} ms (relay, innfri)"
            );
            half.0.push(innfri_half - relay_half);
            most.0.push(innfri_most - relay_most);
            all.push(shown);
        }
        let from = json!({"relay_p50_innfri_p50_relay_p99_innfri_p99": all});
        self.report.at_most("latency added at 500/s, p50", half.median(), &half, 2.0, " ms", from);
        self.report.at_most(
            "latency added at 500/s, p99",
            most.median(),
            &most,
            8.0,
            " ms",
            json!({}),
        );
    }

    async fn processes(&mut self) {
        println!("two processes against one, with a stand-in for RabbitMQ");
        let directory = self.world.path("innfri-directory.toml");
        let (mut one, mut two, mut ratio) = (Runs::default(), Runs::default(), Runs::default());
        for round in 0..self.arguments.rounds {
            let shown = processes::measure(&self.world, &directory, 8, round).await;
            println!("  one {:.0}/s, two {:.0}/s", shown.one, shown.two);
            one.0.push(shown.one);
            two.0.push(shown.two);
            ratio.0.push(shown.two / shown.one);
        }
        let from = json!({"one": one.json(), "two": two.json()});
        self.report.at_least("two processes against one", ratio.median(), &ratio, 1.7, from);
    }

    async fn growth(&mut self) {
        let (cases, banks) =
            (self.arguments.cases, crate::world::banks(self.arguments.banks.max(BANKS)));
        println!("growth: a journal of {cases} cases and a directory of {} banks", banks.len());
        let database = self.world.postgres.create_database().await;
        let settings = self.world.settings("large", &database, banks.len());
        let mut first = self.world.serve("large", &settings);
        first.wait_for("innfri is ready", 1);
        first.terminate();
        let open = cases.min(1_000_000);
        let began = Instant::now();
        let said = |done: usize| {
            if done.is_multiple_of(500_000) {
                println!("  {done} filled in, after {:.0?}", began.elapsed());
            }
        };
        fill::fill(&database, open, true, &banks, said).await;
        fill::fill(&database, cases - open, false, &banks, said).await;
        let (mut empty, mut full, mut memory) = (Runs::default(), Runs::default(), Runs::default());
        let mut relaying =
            Relaying::new(&self.world, &self.asking, &self.answering, self.arguments.messages);
        relaying.start_at(2000);
        for _ in 0..self.arguments.rounds {
            let (shown, _) = relaying.innfri(&self.settings, false).await;
            empty.0.push(shown.per_second);
            let (filled, _) = relaying.innfri(&settings, false).await;
            println!(
                "  {:.0}/s, and {:.0}/s with {} MiB",
                shown.per_second, filled.per_second, filled.resident
            );
            full.0.push(filled.per_second);
            memory.0.push(filled.resident as f64);
        }
        let from = json!({"cases": cases, "banks": banks.len(), "empty": empty.json(), "filled": full.json()});
        self.report.at_least(
            "filled journal and directory against empty",
            full.median() / empty.median(),
            &full.against(&empty),
            0.9,
            from,
        );
        let from = json!({"mebibytes": memory.json(), "open_cases": open});
        self.report.at_most(
            "memory at full speed beside the open cases",
            memory.median(),
            &memory,
            200.0,
            " MiB",
            from,
        );
    }
}

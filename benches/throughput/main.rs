//! `cargo bench --bench throughput`: what innfri costs, against what others cost, in one run on one machine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::float_arithmetic,
    unreachable_pub,
    dead_code,
    reason = "a measurement stops at what it did not expect, and says what it found"
)]

mod contender;
mod load;
mod relay;
mod relaying;
#[path = "../../tests/support/mod.rs"]
mod support;
mod world;

use contender::{Contender, Scripts};
use load::Line;
use relaying::Runs;
use world::{ANSWERER, ASKER, PEER_IN, World};

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|word| word == "relay") {
        let setting = |name: &str| std::env::var(name).unwrap();
        let to: Vec<String> = setting("RELAY_TO").split(',').map(str::to_owned).collect();
        return relay::run(&setting("AMQP_URL"), &setting("QUEUE_IN"), &to).await;
    }
    let count: usize = std::env::var("N").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000);
    let rounds: usize = std::env::var("R").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    let only = std::env::var("ONLY").unwrap_or_default();
    let scripts = Scripts::prepare();
    let world = World::start().await;
    let database = world.postgres.create_database().await;
    let peers_database = world.postgres.create_database().await;
    let settings = world.settings("innfri", &database, 0);
    world.apply_topology(&settings);
    let line = Line::open(&world.rabbit.url(ASKER, ASKER)).await;
    let answering = Line::open(&world.rabbit.url(ANSWERER, ANSWERER)).await;
    let peer_line = Line::open(&world.rabbit.url("peer", "peer")).await;
    peer_line.declare(PEER_IN).await;
    if let Ok(sql) = std::env::var("SQL") {
        let mut first = world.serve("serve", &settings);
        first.wait_for("ready", 1);
        first.terminate();
        use sqlx::Connection as _;
        let mut connection = sqlx::PgConnection::connect(&database).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    }
    let mut runs = Runs::new(&world, &line, &answering, count);
    for _ in 0..rounds {
        let dump = |_: ()| ();
        dump(());
        for contender in Contender::ALL {
            if !only.is_empty() && !contender.name().contains(&only) {
                continue;
            }
            if contender == Contender::Innfri {
                let (requests, answers) = runs.innfri(&settings, true).await;
                println!(
                    "{:24} requests {:>8.0}/s {:?} {} MiB",
                    contender.name(),
                    requests.per_second,
                    requests.processor,
                    requests.resident
                );
                let answers = answers.unwrap();
                println!(
                    "{:24} answers  {:>8.0}/s {:?} {} MiB",
                    contender.name(),
                    answers.per_second,
                    answers.processor,
                    answers.resident
                );
            } else {
                let shown = runs.peer(contender, &scripts, &peers_database).await;
                println!(
                    "{:24}          {:>8.0}/s {:?} {} MiB",
                    contender.name(),
                    shown.per_second,
                    shown.processor,
                    shown.resident
                );
            }
        }
    }

    if std::env::var("STATS").is_ok() {
        use sqlx::Connection as _;
        use sqlx::Row as _;
        let mut connection = sqlx::PgConnection::connect(&database).await.unwrap();
        sqlx::raw_sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            .execute(&mut connection)
            .await
            .unwrap();
        let rows = sqlx::raw_sql("SELECT calls::text, rows::text, round(total_exec_time)::text AS t, round(total_plan_time)::text AS p, round(mean_exec_time::numeric,2)::text AS m, wal_bytes::text AS w, left(regexp_replace(query,'\\s+',' ','g'),90) AS q FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT 25").fetch_all(&mut connection).await.unwrap();
        for row in rows {
            println!(
                "calls {:>7} rows {:>7} total {:>6} ms plan {:>5} mean {:>7} wal {:>11}  {}",
                row.get::<String, _>("calls"),
                row.get::<String, _>("rows"),
                row.get::<String, _>("t"),
                row.get::<String, _>("p"),
                row.get::<String, _>("m"),
                row.get::<String, _>("w"),
                row.get::<String, _>("q")
            );
        }
    }
}

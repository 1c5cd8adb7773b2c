//! Two processes against one, without RabbitMQ: see `worker`. One process and its PostgreSQL are held to one
//! processor, two to two: on a machine of two, the second process would else have only what the first leaves.

use std::path::Path;
use std::process::{Command, Stdio};

use sqlx::{Connection, PgConnection};

use crate::world::World;

/// What one and two processes took in a second.
pub struct Shown {
    pub one: f64,
    pub two: f64,
}

/// Runs one, then two.
pub async fn measure(world: &World, directory: &Path, seconds: u64, run: usize) -> Shown {
    let one = together(world, directory, &["0"], seconds, run * 10).await;
    let two = together(world, directory, &["0", "1"], seconds, run * 10 + 1).await;
    hold(world, "0-1").await;
    Shown { one, two }
}

async fn together(
    world: &World,
    directory: &Path,
    processors: &[&str],
    seconds: u64,
    run: usize,
) -> f64 {
    let database = world.postgres.create_database().await;
    hold(world, if processors.len() == 1 { "0" } else { "0-1" }).await;
    let children: Vec<_> = processors
        .iter()
        .enumerate()
        .map(|(place, processor)| {
            Command::new("taskset")
                .args(["-c", processor])
                .arg(std::env::current_exe().unwrap())
                .arg("worker")
                .env("WORKER_JOURNAL", &database)
                .env("WORKER_DIRECTORY", directory)
                .env("WORKER_NUMBER", (run * 10 + place + 1).to_string())
                .env("WORKER_SECONDS", seconds.to_string())
                .stdout(Stdio::piped())
                .spawn()
                .expect("taskset, of util-linux")
        })
        .collect();
    let mut total = 0.0;
    for child in children {
        let output =
            tokio::task::spawn_blocking(move || child.wait_with_output()).await.unwrap().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        total += said.trim().parse::<f64>().unwrap_or_else(|_| panic!("a worker said {said:?}"));
    }
    total
}

/// Holds PostgreSQL, and whom it starts for new connections, to these processors.
async fn hold(world: &World, processors: &str) {
    let mut connection = PgConnection::connect(&world.postgres.url()).await.unwrap();
    let pid: i32 =
        sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let parent = |pid: i32| -> Option<i32> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit(')').next()?.split_whitespace().nth(1)?.parse().ok()
    };
    let Some(server) = parent(pid) else { return };
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    for pid in pids.filter(|pid| *pid == server || parent(*pid) == Some(server)) {
        let mut held = Command::new("taskset");
        held.args(["-a", "-c", "-p", processors, &pid.to_string()]);
        held.stdout(Stdio::null()).stderr(Stdio::null()).status().ok();
    }
}

//! `innfri conformance`: runs the conformance list against a partner's system in a sandbox.

use std::collections::BTreeSet;
use std::io::{BufRead as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use serde_json::Value;

use super::peer::PeerArgs;
use super::{SettingsArgs, Verdict, document, render, send};
use crate::conformance::bank::Questions;
use crate::conformance::report::{is_conformant, table};
use crate::conformance::{Counterpart, Line, Row, Stage, agent, bank, list};
use crate::contract::{Direction, MessageType};
use crate::directory::{Directory, Participant, Role};
use crate::kernel::{Environment, Login, OrganisationId};
use crate::port::{Clock as _, SystemClock};
use crate::source::file;

#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 nothing failed, 1 something failed. The list is in docs/conformance.md."
)]
pub(super) struct ConformanceArgs {
    /// The partner whose system is tried: an estate agency or a bank of the directory.
    #[arg(long = "as", value_name = "ORGANISATION", required_unless_present = "list")]
    partner: Option<OrganisationId>,
    /// Whom the tool plays; needed when its login speaks for more than one that fits.
    #[arg(long, value_name = "ORGANISATION")]
    counterpart: Option<OrganisationId>,
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(flatten)]
    peer: PeerArgs,
    /// Where the partner's system connects in RabbitMQ's place; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// How long each step may take, such as 60s.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = send::seconds)]
    timeout: Duration,
    /// Requests to ask a bank: files or folders, named as in examples/clients/requests.
    #[arg(long, value_name = "PATH")]
    requests: Vec<PathBuf>,
    /// A request that the bank's test data answers wrongly at first, and rightly after the rejection.
    #[arg(long, value_name = "FILE")]
    wrong_first: Option<PathBuf>,
    /// Ask what the partner's system shows, where that cannot be seen from outside.
    #[arg(long)]
    ask: bool,
    /// One JSON object per check.
    #[arg(long)]
    json: bool,
    /// Print the list itself, as Markdown.
    #[arg(long)]
    list: bool,
}

pub(super) async fn run(args: ConformanceArgs) -> anyhow::Result<Verdict> {
    let Some(id) = args.partner.as_ref().filter(|_| !args.list) else {
        std::io::stdout().lock().write_all(list::markdown().as_bytes())?;
        return Ok(Verdict::Yes);
    };
    let settings = args.settings.load()?;
    if settings.environment != Environment::Test {
        bail!(
            "this is no sandbox: conformance is tried where the settings say environment = \"test\""
        );
    }
    let amqp = settings.amqp.as_ref().context("the settings name no RabbitMQ (amqp.url)")?;
    let broker = plain_address(amqp.address()?)?;
    let directory = file::load(&settings.directory.file)?;
    let partner = directory
        .participant(id)
        .with_context(|| format!("{id} is not in {}", settings.directory.file.display()))?;
    let peer = args.peer.connect().await?;
    let counterpart = counterpart(&directory, partner, peer.user(), args.counterpart.as_ref())?;
    let logins = logins(&directory, id);
    if logins.contains(peer.user().as_str()) && partner.id != counterpart.id {
        eprintln!(
            "innfri: the tool's login speaks for {id} too; the system under test must not share it"
        );
    }
    let line = Line::open(args.listen, broker)
        .await
        .with_context(|| format!("cannot listen at {}", args.listen))?;
    let stage = Stage {
        line,
        partner: Arc::clone(partner),
        counterpart,
        logins,
        time: args.timeout,
        today: SystemClock.today(),
        say: Box::new(|text| eprintln!("{text}")),
    };
    let counterpart = Counterpart::new(peer);
    let rows = match &stage.partner.role {
        Role::Bank => bank::run(&stage, &counterpart, &questions(&args)?).await?,
        Role::EstateAgency => {
            let asks = args.ask;
            agent::run(&stage, &counterpart, &move |question| {
                if asks { ask(question) } else { None }
            })
            .await?
        }
        Role::CoveredBondCompany { parent } => {
            bail!("a covered-bond company has no part of its own: try its bank, {parent}")
        }
    };
    show(&rows, args.json)?;
    Ok(if is_conformant(&rows) { Verdict::Yes } else { Verdict::No })
}

fn show(rows: &[Row], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return rows.iter().try_for_each(render::json_line);
    }
    std::io::stdout().lock().write_all(table(rows).as_bytes())?;
    Ok(())
}

/// Where RabbitMQ is; the line cannot look into an encrypted one.
fn plain_address(address: lapin::uri::AMQPUri) -> anyhow::Result<String> {
    if address.scheme != lapin::uri::AMQPScheme::AMQP {
        bail!("the line needs plain AMQP: let amqp.url of the sandbox begin with amqp://");
    }
    Ok(format!("{}:{}", address.authority.host, address.authority.port))
}

fn logins(directory: &Directory, id: &OrganisationId) -> BTreeSet<String> {
    let speaking = directory.operators().filter(|operator| operator.speaks_for.contains(id));
    speaking.map(|operator| operator.login.as_str().to_owned()).collect()
}

/// Whom the tool plays: one that its login speaks for, that may ask a bank, or be asked by an agent.
fn counterpart(
    directory: &Directory,
    partner: &Participant,
    login: &Login,
    named: Option<&OrganisationId>,
) -> anyhow::Result<Arc<Participant>> {
    let fits = |one: &&Arc<Participant>| {
        let role = match partner.role {
            Role::Bank => !one.sends.is_empty(),
            Role::EstateAgency | Role::CoveredBondCompany { .. } => one.role == Role::Bank,
        };
        role && one.id != partner.id
            && directory.speaks_for(login, &one.id)
            && named.is_none_or(|named| one.id == *named)
    };
    let mut fitting = directory.participants().filter(fits);
    match (fitting.next(), fitting.next()) {
        (Some(one), None) => Ok(Arc::clone(one)),
        (None, _) => Err(anyhow!("`{login}` speaks for nobody who can play the other side")),
        (Some(_), Some(_)) => Err(anyhow!(
            "`{login}` speaks for several who can play the other side: name one (--counterpart)"
        )),
    }
}

fn questions(args: &ConformanceArgs) -> anyhow::Result<Questions> {
    let mut requests = Vec::new();
    for path in &args.requests {
        let mut files = vec![path.clone()];
        if path.is_dir() {
            files = std::fs::read_dir(path)
                .with_context(|| format!("cannot read {}", path.display()))?
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<Result<_, _>>()?;
            files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
            files.sort();
        }
        for file in files {
            requests.push(read(&file)?);
        }
    }
    let wrong_first = args.wrong_first.as_deref().map(read).transpose()?;
    Ok(Questions { requests, wrong_first })
}

fn read(path: &Path) -> anyhow::Result<(MessageType, Value)> {
    let kind = document::kind_of(path, None)?;
    if kind.direction() != Direction::Request {
        bail!("{} is not a request", path.display());
    }
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let body = serde_json::from_slice(&bytes)
        .with_context(|| format!("{} is not JSON", path.display()))?;
    Ok((kind, body))
}

/// What the person at the terminal says.
fn ask(question: &str) -> Option<bool> {
    eprintln!("{question} [y/n, or Enter if you cannot tell]");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).ok()?;
    match line.trim() {
        "y" | "yes" | "j" | "ja" => Some(true),
        "n" | "no" | "nei" => Some(false),
        _ => None,
    }
}

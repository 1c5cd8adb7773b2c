//! `innfri directory`: who takes part, where each is known from, and asking AKELDO anew.

use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::{SettingsArgs, Verdict, render};
use crate::contract::MessageType;
use crate::directory::{Directory, Handler, Participant, Role};
use crate::journal;
use crate::kernel::OrganisationId;
use crate::port::{Clock, SystemClock};
use crate::serve::Settings;
use crate::serve::roll::Roll;
use crate::source::akeldo::{Entry, Held, RefreshError, Smaller};
use crate::telemetry::chain::Chain;

/// Organisations that are named one by one when a list changes; of more, only so many.
const NAMED: usize = 20;

#[derive(Debug, Args)]
pub(super) struct DirectoryArgs {
    #[command(subcommand)]
    command: DirectoryCommand,
}

#[derive(Debug, Subcommand)]
enum DirectoryCommand {
    /// Ask AKELDO now, and say what changed. Running processes take it up within half a minute.
    Refresh(RefreshArgs),
    /// List participants: where each is known from, how it is reached, and what it takes.
    List(ListArgs),
    /// Show one participant.
    Show(ShowArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 taken over, 1 not (the list in use stays), 2 could not run.")]
struct RefreshArgs {
    /// Take over a list that is suspiciously small, after having looked into it.
    #[arg(long)]
    even_if_smaller: bool,
    #[command(flatten)]
    settings: SettingsArgs,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Those of this role alone.
    #[arg(long)]
    role: Option<RoleName>,
    #[command(flatten)]
    settings: SettingsArgs,
    /// One JSON object for each participant.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// Its number.
    organisation: OrganisationId,
    /// Ask AKELDO what it says of it now, too. Nothing is taken over.
    #[arg(long)]
    ask: bool,
    #[command(flatten)]
    settings: SettingsArgs,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RoleName {
    EstateAgency,
    Bank,
    CoveredBondCompany,
}

impl RoleName {
    const fn of(role: &Role) -> Self {
        match role {
            Role::EstateAgency => Self::EstateAgency,
            Role::Bank => Self::Bank,
            Role::CoveredBondCompany { .. } => Self::CoveredBondCompany,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::EstateAgency => "estate-agency",
            Self::Bank => "bank",
            Self::CoveredBondCompany => "covered-bond-company",
        }
    }
}

pub(super) async fn run(args: DirectoryArgs) -> anyhow::Result<Verdict> {
    match args.command {
        DirectoryCommand::Refresh(args) => refresh(args).await,
        DirectoryCommand::List(args) => list(args).await,
        DirectoryCommand::Show(args) => show(args).await,
    }
}

/// The directory as `innfri serve` would have it: the file, and the last good copy of AKELDO.
pub(super) async fn roll(settings: &Settings) -> anyhow::Result<Roll> {
    let copies = journal::open_copies(&settings.journal).await?;
    Ok(Roll::open(settings, copies, Arc::new(SystemClock)).await?)
}

async fn refresh(args: RefreshArgs) -> anyhow::Result<Verdict> {
    let settings = args.settings.load()?;
    let mut roll = roll(&settings).await?;
    let smaller = if args.even_if_smaller { Smaller::Accept } else { Smaller::Refuse };
    let refreshed = match roll.refresh(smaller).await {
        Ok(refreshed) => refreshed.context("there is no akeldo.url in the settings: set it")?,
        Err(RefreshError::Journal(error)) => return Err(error.into()),
        Err(error) => return not_taken_over(&error, roll.held(), args.json),
    };
    let (listing, changes) = (&refreshed.held.listing, &refreshed.changes);
    if args.json {
        render::json_line(&json!({
            "takenOver": true,
            "takenAt": refreshed.held.taken_at.to_string(),
            "entries": listing.entries.len(),
            "skipped": listing.skipped.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "added": changes.added,
            "removed": changes.removed,
            "changed": changes.changed,
        }))?;
        return Ok(Verdict::Yes);
    }
    render::line(&format!("AKELDO lists {}", listing.entries.len()))?;
    for (what, who) in
        [("added", &changes.added), ("removed", &changes.removed), ("changed", &changes.changed)]
    {
        let named: Vec<String> = who.iter().take(NAMED).map(ToString::to_string).collect();
        let more = if who.len() > NAMED { ", …" } else { "" };
        render::line(format!("{what:<8} {:>5}  {}{more}", who.len(), named.join(", ")).trim_end())?;
    }
    for skipped in listing.skipped.iter().take(NAMED) {
        render::line(&format!("skipped  {skipped}"))?;
    }
    if listing.skipped.len() > NAMED {
        render::line(&format!("skipped  {} more", listing.skipped.len() - NAMED))?;
    }
    Ok(Verdict::Yes)
}

fn not_taken_over(
    error: &RefreshError,
    held: Option<&Held>,
    as_json: bool,
) -> anyhow::Result<Verdict> {
    let why = Chain(error).to_string();
    if as_json {
        render::json_line(&json!({
            "takenOver": false,
            "why": why,
            "inUse": held.map(in_use),
        }))?;
    } else {
        render::line(&format!("not taken over: {why}"))?;
        render::line(&held.map_or_else(
            || "there is no list of AKELDO in use: only the directory file counts".to_owned(),
            |held| format!("in use stays the list of {}", told(held)),
        ))?;
    }
    Ok(Verdict::No)
}

fn in_use(held: &Held) -> Value {
    let age = held.age(SystemClock.now()).as_secs();
    json!({
        "entries": held.listing.entries.len(),
        "takenAt": held.taken_at.to_string(),
        "ageSeconds": age,
    })
}

/// When a list came, how old it is, and how long.
pub(super) fn told(held: &Held) -> String {
    let minutes = held.age(SystemClock.now()).as_mins();
    let age = match minutes {
        0..120 => format!("{minutes} min"),
        120..2880 => format!("{} h", minutes / 60),
        _ => format!("{} days", minutes / 1440),
    };
    format!("{} ({age} old, {} entries)", held.taken_at, held.listing.entries.len())
}

async fn list(args: ListArgs) -> anyhow::Result<Verdict> {
    let settings = args.settings.load()?;
    let roll = roll(&settings).await?;
    let directory = roll.directory()?;
    let wanted =
        |found: &&Arc<Participant>| args.role.is_none_or(|role| RoleName::of(&found.role) == role);
    let found: Vec<&Arc<Participant>> = directory.participants().filter(wanted).collect();
    if args.json {
        for participant in found {
            render::json_line(&as_json(participant, &roll))?;
        }
        return Ok(Verdict::Yes);
    }
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|found| {
            vec![
                found.id.to_string(),
                RoleName::of(&found.role).as_str().to_owned(),
                origin(found, &roll).to_owned(),
                way(&found.handler).to_owned(),
                short_names(found),
                found.name.clone(),
            ]
        })
        .collect();
    render::table(&["number", "role", "from", "reached by", "takes", "name"], &rows)?;
    match roll.held() {
        Some(held) => render::line(&format!("AKELDO: list of {}", told(held)))?,
        None if settings.akeldo.is_some() => render::line(
            "AKELDO: no list yet; `innfri directory refresh` or `innfri serve` gets one",
        )?,
        None => {}
    }
    Ok(Verdict::Yes)
}

async fn show(args: ShowArgs) -> anyhow::Result<Verdict> {
    let settings = args.settings.load()?;
    let roll = roll(&settings).await?;
    let directory = roll.directory()?;
    let listed = roll.held().and_then(|held| held.entry(&args.organisation));
    let now = match (args.ask, roll.akeldo()) {
        (false, _) => None,
        (true, Some(akeldo)) => Some(akeldo.ask(&args.organisation).await?),
        (true, None) => anyhow::bail!("there is no akeldo.url in the settings: set it"),
    };
    let found = directory.participant(&args.organisation);
    if args.json {
        let mut value = found.map_or_else(
            || json!({"id": args.organisation, "from": null}),
            |found| as_json(found, &roll),
        );
        value["akeldo"] = json!(listed);
        value["akeldoTakenAt"] = json!(roll.held().map(|held| held.taken_at.to_string()));
        if let Some(now) = &now {
            value["akeldoNow"] = json!(now);
        }
        render::json_line(&value)?;
    } else {
        print(&args.organisation, found, listed, &roll)?;
        if let Some(now) = &now {
            render::line(&format!("AKELDO says now: {}", now.as_ref().map_or_else(nobody, says)))?;
        }
    }
    Ok(if found.is_some() { Verdict::Yes } else { Verdict::No })
}

fn print(
    id: &OrganisationId,
    found: Option<&Arc<Participant>>,
    listed: Option<&Entry>,
    roll: &Roll,
) -> anyhow::Result<()> {
    match found {
        Some(found) => {
            let list = |types: &std::collections::BTreeSet<MessageType>| {
                let names: Vec<&str> = types.iter().map(|kind| kind.name()).collect();
                if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
            };
            render::line(&format!("{id}  {}", found.name))?;
            render::line(&format!("role        {}", RoleName::of(&found.role).as_str()))?;
            render::line(&format!("known from  {}", origin(found, roll)))?;
            render::line(&format!("reached by  {}", way(&found.handler)))?;
            render::line(&format!("takes       {}", list(&found.receives)))?;
            render::line(&format!("may send    {}", list(&found.sends)))?;
            if found.role == Role::Bank {
                render::line(&format!("accounts    {}", accounts(found)))?;
            }
        }
        None => render::line(&format!("{id} takes no part in what innfri carries"))?,
    }
    if let Some(held) = roll.held() {
        let said = listed.map_or_else(nobody, says);
        render::line(&format!("AKELDO      {said}; list of {}", told(held)))?;
    }
    Ok(())
}

fn nobody() -> String {
    "does not list it".to_owned()
}

/// What AKELDO says of a participant, in a line.
pub(super) fn says(entry: &Entry) -> String {
    use crate::source::akeldo::ListedRole;
    let role = match &entry.role {
        Some(ListedRole::Bank) => "bank",
        Some(ListedRole::EstateAgency) => "estate-agency",
        Some(ListedRole::Other(word)) => word,
        None => "no role",
    };
    let list = |types: &std::collections::BTreeSet<MessageType>| {
        types.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ")
    };
    let unknown = match entry.unknown.len() {
        0 => String::new(),
        n => format!(", and {n} name(s) that innfri does not know"),
    };
    format!("{role}; sends [{}], receives [{}]{unknown}", list(&entry.sends), list(&entry.receives))
}

fn accounts(bank: &Participant) -> String {
    if !bank.has_known_accounts() {
        return "not known: one that the directory knows for another bank's is stopped, any other \
                passes and is noted on the case"
            .to_owned();
    }
    let numbers = bank.register_numbers.iter().chain(&bank.approved_register_numbers);
    let numbers: Vec<String> = numbers.map(ToString::to_string).collect();
    if numbers.is_empty() { "none: every answer is stopped".to_owned() } else { numbers.join(", ") }
}

fn origin(found: &Participant, roll: &Roll) -> &'static str {
    if roll.file().participant(&found.id).is_some() { "file" } else { "akeldo" }
}

const fn way(handler: &Handler) -> &'static str {
    match handler {
        Handler::Amqp => "amqp",
        Handler::LoanBook(_) => "loan-book",
        Handler::Mailbox => "mailbox",
        Handler::Webhook(_) => "webhook",
        Handler::Http(_) => "http",
        Handler::Altinn => "altinn",
    }
}

/// What it takes, in words that fit into a table.
fn short_names(found: &Participant) -> String {
    let short = |kind: &MessageType| match kind {
        MessageType::Restgjeldsforespoersel => "restgjeld",
        MessageType::Innfrielsessaldoforespoersel => "innfrielse",
        other => other.name(),
    };
    let names: Vec<&str> = found.receives.iter().map(short).collect();
    if names.is_empty() { "-".to_owned() } else { names.join(", ") }
}

fn as_json(found: &Participant, roll: &Roll) -> Value {
    json!({
        "id": found.id,
        "name": found.name,
        "role": RoleName::of(&found.role).as_str(),
        "from": origin(found, roll),
        "reachedBy": way(&found.handler),
        "receives": found.receives,
        "sends": found.sends,
        "accountsKnown": found.has_known_accounts(),
    })
}

/// How many of a directory are known from where, for people.
pub(super) fn count(directory: &Directory, roll: &Roll) -> String {
    let all = directory.participants().count();
    let own = roll.file().participants().count();
    format!("{own} participants of the file, {} of AKELDO alone", all - own)
}

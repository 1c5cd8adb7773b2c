//! `innfri dead`: care for what was given up on. What an operator does is recorded with who, when and
//! why.

mod actions;
mod discard;
mod edit;
mod groups;
mod list;
mod replay;
mod select;
mod show;

use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use uuid::Uuid;

use super::{SettingsArgs, Verdict};
use crate::contract::Contract;
use crate::journal;
use crate::journal::Whole;
use crate::journal::seal::NullSeal;
use crate::letters::Desk;
use crate::port::SystemClock;
use crate::port::letters::{Action, ActionKind};
use crate::serve::Settings;
use crate::serve::roll::Roll;

#[derive(Debug, Args)]
pub(super) struct DeadArgs {
    #[command(subcommand)]
    command: DeadCommand,
}

#[derive(Debug, Subcommand)]
enum DeadCommand {
    /// Group open letters by why they failed, the largest group first.
    Groups(groups::GroupsArgs),
    /// Write down who takes care of a group, and what is known.
    Note(groups::NoteArgs),
    /// List letters, given up last first.
    List(list::ListArgs),
    /// Show everything about one letter, national identity numbers masked.
    Show(show::ShowArgs),
    /// Print letters with their messages, one JSON object a line, masked.
    Export(list::ExportArgs),
    /// Plan a replay, then do it: at a pace, in steps, interruptible, never twice.
    Replay(replay::ReplayArgs),
    /// List replays and how they stand.
    Runs(replay::RunsArgs),
    /// Correct a message that was not accepted; the copy is checked before it is kept.
    Edit(edit::EditArgs),
    /// Hide letters about which nothing is to be done.
    Discard(discard::DiscardArgs),
    /// Bring discarded letters back.
    Restore(discard::RestoreArgs),
    /// Remove discarded letters whose time is up.
    Purge(discard::PurgeArgs),
    /// List what operators did: who, when, what and why.
    Actions(actions::ActionsArgs),
}

/// Who does it.
#[derive(Debug, Args)]
pub(super) struct OperatorArgs {
    /// Who does it; without it, the user of this machine.
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,
}

/// The user of this machine. Asked of the system, since a variable can say anything.
fn machine_user() -> anyhow::Result<String> {
    let told = std::process::Command::new("id").arg("-un").output();
    let name = told.ok().filter(|output| output.status.success());
    let name = name.and_then(|output| String::from_utf8(output.stdout).ok());
    let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    name.context("cannot tell who you are: say --operator NAME")
}

impl OperatorArgs {
    /// Their name.
    pub(super) fn name(&self) -> anyhow::Result<String> {
        match self.operator.as_deref().map(str::trim) {
            Some(name) if !name.is_empty() => Ok(name.to_owned()),
            Some(_) => anyhow::bail!("--operator needs a name"),
            None => machine_user(),
        }
    }

    /// An action of this operator, now.
    fn action(&self, desk: &Desk, kind: ActionKind, reason: &str) -> anyhow::Result<Action> {
        anyhow::ensure!(!reason.trim().is_empty(), "--reason needs words");
        Ok(Action {
            at: desk.clock.now(),
            operator: self.name()?,
            kind,
            letter: None,
            run: None,
            signature: None,
            reason: reason.to_owned(),
            detail: String::new(),
        })
    }
}

/// The desk of an installation, with its letters' fates up to date.
async fn desk(settings: &SettingsArgs) -> anyhow::Result<(Desk, Settings)> {
    let settings = settings.load()?;
    let Whole { journal, letters, copies, .. } =
        journal::open_whole(&settings.journal, Arc::new(NullSeal)).await?;
    let roll = Roll::open(&settings, copies, Arc::new(SystemClock)).await?;
    let desk = Desk {
        journal,
        letters,
        contract: Arc::new(Contract::new(settings.limits)?),
        directory: Arc::new(roll.directory()?),
        clock: Arc::new(SystemClock),
        environment: settings.environment,
        payoff_date_grace_days: settings.exchange.payoff_date_grace_days,
        payoff_date_ahead_days: settings.exchange.payoff_date_ahead_days,
        process: process_name(),
    };
    desk.letters.follow(desk.clock.now()).await?;
    Ok((desk, settings))
}

/// Another name for each start, so that two runs are told apart.
#[expect(clippy::disallowed_methods, reason = "a process has no content to derive a name from")]
fn process_name() -> Uuid {
    Uuid::new_v4()
}

pub(super) async fn run(args: DeadArgs) -> anyhow::Result<Verdict> {
    match args.command {
        DeadCommand::Groups(args) => groups::list(args).await,
        DeadCommand::Note(args) => groups::note(args).await,
        DeadCommand::List(args) => list::list(args).await,
        DeadCommand::Export(args) => list::export(args).await,
        DeadCommand::Show(args) => show::show(args).await,
        DeadCommand::Replay(args) => replay::replay(args).await,
        DeadCommand::Runs(args) => replay::runs(args).await,
        DeadCommand::Edit(args) => edit::edit(args).await,
        DeadCommand::Discard(args) => discard::discard(args).await,
        DeadCommand::Restore(args) => discard::restore(args).await,
        DeadCommand::Purge(args) => discard::purge(args).await,
        DeadCommand::Actions(args) => actions::list(args).await,
    }
}

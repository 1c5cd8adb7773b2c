//! The command line: one file per command.
//!
//! Exit codes: 0 fine; 1 the command ran and says no (findings, a wait that ended without an outcome,
//! a failed check); 2 it could not run (usage, settings, no connection).

// A terminal program speaks on standard output; nothing else in the house does.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is the command line")]

mod altinn_simulator;
mod bank;
mod case;
mod check;
mod conformance;
mod contracts;
mod convert;
mod dead;
mod demo;
mod directory;
mod doctor;
mod document;
mod explain;
mod journal;
mod late;
mod operator;
mod peer;
mod render;
mod send;
mod serve;
mod topology;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};

use crate::serve::Settings;
use crate::telemetry;

/// Carries payoff questions and answers between estate agents and banks.
#[derive(Debug, Parser)]
#[command(
    name = "innfri",
    version,
    arg_required_else_help = true,
    after_help = "Start with `innfri demo`. Exit codes: 0 fine, 1 the answer is no, 2 could not run."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the main job on an embedded installation: no servers, nothing left behind.
    Demo(demo::DemoArgs),
    /// Check messages offline and print every finding.
    Check(check::CheckArgs),
    /// Convert a message between JSON, DSVE's XML, and the ZIP archive that goes through Altinn.
    Convert(convert::ConvertArgs),
    /// Explain a rule, such as INN-021, or list all.
    Explain(explain::ExplainArgs),
    /// Print the AMQP contract: AsyncAPI 3.0 as JSON.
    ///
    /// Exchanges, queues, message types with their schemas and examples, made from the program's own
    /// catalogue: what this program speaks. It speaks as innfri: what a participant sends is `receive`.
    /// It needs no settings. Kept in the repository as schemas/asyncapi.json.
    Asyncapi,
    /// Print the HTTP contract: OpenAPI 3.1 as JSON.
    ///
    /// Every route with its parameters, every answer it may give, the message types with their schemas
    /// and examples, and what innfri itself posts to webhooks and banks. It needs no settings. Kept in
    /// the repository as schemas/openapi.json.
    Openapi,
    /// Print the guide to the messages: each field, rule and an example, as Markdown.
    ///
    /// Made from the schemas, the rules and the examples that are compiled in. It needs no settings.
    /// Kept in the repository as docs/messages.md. For one rule, see `innfri explain`.
    Messages,
    /// Run the broker.
    Serve(serve::ServeArgs),
    /// Publish a request as a participant, and show its outcome.
    Send(send::SendArgs),
    /// Find cases and show their story.
    Case(case::CaseArgs),
    /// Find, understand, mend and replay what was given up on.
    Dead(dead::DeadArgs),
    /// Show that the journal was neither changed nor shortened; print its sealed days.
    Journal(journal::JournalArgs),
    /// Who takes part: list and show participants, ask AKELDO anew.
    Directory(directory::DirectoryArgs),
    /// Give out and take back what operators sign in with over HTTP.
    Operator(operator::OperatorCommandArgs),
    /// Print or apply what innfri needs in RabbitMQ.
    Topology(topology::TopologyArgs),
    /// Answer requests from a loan book, as a bank's own program would over AMQP.
    Bank(bank::BankArgs),
    /// Run the conformance list against a partner's system in a sandbox.
    Conformance(conformance::ConformanceArgs),
    /// Play Altinn, Maskinporten and AKELDO on this machine, for tests.
    ///
    /// All is in memory, until Ctrl-C. Nothing in it is protected: it listens at addresses of this machine
    /// alone. The first line it prints is its base URL.
    AltinnSimulator(Box<altinn_simulator::AltinnSimulatorArgs>),
    /// Check settings, directory, RabbitMQ, journal and topology, and say what to do.
    Doctor(doctor::DoctorArgs),
}

/// Which settings to use.
#[derive(Debug, Args)]
struct SettingsArgs {
    /// Settings file; without it, innfri.toml in this folder if there is one.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl SettingsArgs {
    fn load(&self) -> anyhow::Result<Settings> {
        Ok(Settings::load(self.config.as_deref())?)
    }
}

/// Whether a command that ran says yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Yes,
    No,
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    match execute(cli.command) {
        Ok(Verdict::Yes) => ExitCode::SUCCESS,
        Ok(Verdict::No) => ExitCode::from(1),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("innfri: {}", telemetry::chain::Chain(error.as_ref()));
            ExitCode::from(2)
        }
    }
}

/// Whoever reads our output has enough: not an error.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

fn execute(command: Command) -> anyhow::Result<Verdict> {
    match command {
        Command::Check(args) => check::run(&args),
        Command::Convert(args) => convert::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Asyncapi => contracts::asyncapi(),
        Command::Openapi => contracts::openapi(),
        Command::Messages => contracts::messages(),
        Command::Demo(args) => on_runtime(demo::run(args)),
        Command::Serve(args) => serve::run(args),
        Command::Send(args) => on_runtime(send::run(args)),
        Command::Case(args) => on_runtime(case::run(args)),
        Command::Dead(args) => on_runtime(dead::run(args)),
        Command::Journal(args) => on_runtime(journal::run(args)),
        Command::Directory(args) => on_runtime(directory::run(args)),
        Command::Operator(args) => on_runtime(operator::run(args)),
        Command::Topology(args) => on_runtime(topology::run(args)),
        Command::Bank(args) => on_runtime(bank::run(args)),
        Command::Conformance(args) => on_runtime(conformance::run(args)),
        Command::AltinnSimulator(args) => on_runtime(altinn_simulator::run(*args)),
        Command::Doctor(args) => on_runtime(doctor::run(args)),
    }
}

fn on_runtime(command: impl Future<Output = anyhow::Result<Verdict>>) -> anyhow::Result<Verdict> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?
        .block_on(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_tree_is_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}

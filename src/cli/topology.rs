//! `innfri topology`: what innfri needs in RabbitMQ.

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::{SettingsArgs, Verdict, render};
use crate::channel::amqp::{AmqpConfig, Topology, definitions};
use crate::directory::Directory;
use crate::serve::broker::declare;
use crate::source::file;

#[derive(Debug, Args)]
pub(super) struct TopologyArgs {
    #[command(subcommand)]
    command: TopologyCommand,
}

#[derive(Debug, Subcommand)]
enum TopologyCommand {
    /// Print the exchanges, queues and bindings that the directory needs.
    Print(PrintArgs),
    /// Declare them; what is there already stays as it is.
    Apply(SettingsArgs),
    /// Print a RabbitMQ definitions file: the same, with users and their permissions. Passwords are
    /// not in it; set them with `rabbitmqctl change_password`.
    Definitions(SettingsArgs),
}

#[derive(Debug, Args)]
struct PrintArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: TopologyArgs) -> anyhow::Result<Verdict> {
    match args.command {
        TopologyCommand::Print(args) => {
            let (directory, amqp) = needed(&args.settings)?;
            let topology = Topology::of(&directory, &amqp);
            if args.json {
                render::json_line(&topology)?;
            } else {
                render::line(topology.to_string().trim_end())?;
            }
        }
        TopologyCommand::Apply(settings) => {
            let (directory, amqp) = needed(&settings)?;
            declare(&directory, &amqp).await?;
            let topology = Topology::of(&directory, &amqp);
            render::line(&format!(
                "{} exchanges, {} queues and {} bindings are there",
                topology.exchanges.len(),
                topology.queues.len(),
                topology.bindings.len()
            ))?;
        }
        TopologyCommand::Definitions(settings) => {
            let (directory, amqp) = needed(&settings)?;
            let text = serde_json::to_string_pretty(&definitions(&directory, &amqp)?)?;
            render::line(&text)?;
        }
    }
    Ok(Verdict::Yes)
}

fn needed(settings: &SettingsArgs) -> anyhow::Result<(Directory, AmqpConfig)> {
    let settings = settings.load()?;
    let directory = file::load(&settings.directory.file)?;
    let amqp = settings.amqp.context("there is no amqp.url in the settings: set it")?;
    Ok((directory, amqp))
}

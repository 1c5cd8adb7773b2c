//! `innfri serve`: runs the broker.

use anyhow::Context as _;
use clap::Args;

use super::{SettingsArgs, Verdict, on_runtime, render};
use crate::{serve, telemetry};

#[derive(Debug, Args)]
#[command(after_help = "SIGHUP reads the directory again; SIGTERM and SIGINT stop in good order.")]
pub(super) struct ServeArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Print the effective settings, with secrets masked, and end.
    #[arg(long)]
    print_config: bool,
}

pub(super) fn run(args: ServeArgs) -> anyhow::Result<Verdict> {
    if args.print_config {
        let text = serve::Settings::print(args.settings.config.as_deref())?;
        render::line(text.trim())?;
        return Ok(Verdict::Yes);
    }
    let settings = args.settings.load()?;
    let _sending = telemetry::init(&settings.log)?;
    on_runtime(async {
        Box::pin(serve::serve(settings)).await.context("innfri serve")?;
        Ok(Verdict::Yes)
    })
}

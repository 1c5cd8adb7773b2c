//! `innfri doctor`: is everything here that `innfri serve` needs, and if not, what to do?

mod altinn;

use clap::Args;
use serde::Serialize;

use super::{SettingsArgs, Verdict, render};
use crate::channel::amqp::{AmqpConfig, connection, topology};
use crate::contract::Contract;
use crate::directory::{Directory, Handler};
use crate::journal;
use crate::port::{Clock, JournalError, SystemClock};
use crate::serve::Settings;
use crate::serve::broker::declare;
use crate::serve::roll::Roll;
use crate::source::akeldo::AkeldoConfig;
use crate::source::file;
use crate::telemetry::chain::Chain;

#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 all is well, 1 something is not.")]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// One JSON object per check.
    #[arg(long)]
    json: bool,
}

/// One thing that was looked at.
#[derive(Serialize)]
struct Check {
    what: &'static str,
    ok: bool,
    says: String,
}

impl Check {
    fn of<T>(
        what: &'static str,
        outcome: Result<T, impl std::error::Error + 'static>,
        says: impl FnOnce(&T) -> String,
    ) -> (Self, Option<T>) {
        match outcome {
            Ok(value) => (Self { what, ok: true, says: says(&value) }, Some(value)),
            Err(error) => (Self { what, ok: false, says: Chain(&error).to_string() }, None),
        }
    }
}

pub(super) async fn run(args: DoctorArgs) -> anyhow::Result<Verdict> {
    let loaded = Settings::load(args.settings.config.as_deref());
    let (check, settings) = Check::of("settings", loaded, |settings| {
        format!("read; environment {:?}", settings.environment)
    });
    let mut checks = vec![check];
    if let Some(settings) = settings {
        examine(&settings, &mut checks).await;
    }
    for check in &checks {
        if args.json {
            render::json_line(check)?;
        } else {
            let mark = if check.ok { "ok     " } else { "PROBLEM" };
            render::line(&format!("{mark}  {:<10} {}", check.what, check.says))?;
        }
    }
    let well = checks.iter().all(|check| check.ok);
    Ok(if well { Verdict::Yes } else { Verdict::No })
}

async fn examine(settings: &Settings, checks: &mut Vec<Check>) {
    let (check, _) =
        Check::of("schemas", Contract::new(settings.limits), |_| "compiled".to_owned());
    checks.push(check);
    let read = file::load(&settings.directory.file);
    let (check, directory) = Check::of("directory", read, describe);
    checks.push(check);
    checks.push(examine_journal(settings).await);
    let roll = match settings.akeldo {
        Some(_) => Some(super::directory::roll(settings).await),
        None => None,
    };
    if let (Some(config), Some(roll)) = (&settings.akeldo, &roll) {
        checks.push(examine_akeldo(config, roll));
    }
    match (&settings.amqp, &directory) {
        (Some(amqp), Some(directory)) => examine_rabbitmq(amqp, directory, checks).await,
        (None, _) => checks.push(Check {
            what: "rabbitmq",
            ok: directory.as_ref().is_none_or(|directory| !needs_amqp(directory)),
            says: "no amqp.url: participants with the handler amqp are not reached".to_owned(),
        }),
        (Some(_), None) => {}
    }
    checks.push(examine_http(settings, directory.as_ref()));
    let held = roll.as_ref().and_then(|roll| roll.as_ref().ok()?.held());
    checks.extend(altinn::examine(settings, directory.as_ref(), held).await);
}

fn examine_http(settings: &Settings, directory: Option<&Directory>) -> Check {
    let has_mailbox = |directory: &Directory| {
        directory.participants().any(|participant| participant.handler == Handler::Mailbox)
    };
    match &settings.http {
        Some(http) => {
            let (check, _) = Check::of("http", http.address(), |address| {
                format!("is listened for at {address} by `innfri serve`")
            });
            check
        }
        None => Check {
            what: "http",
            ok: !directory.is_some_and(has_mailbox),
            says: "no http.listen: nobody can post, nor collect from a mailbox".to_owned(),
        },
    }
}

fn needs_amqp(directory: &Directory) -> bool {
    directory.participants().any(|participant| participant.handler == Handler::Amqp)
}

fn describe(directory: &Directory) -> String {
    format!(
        "{} participants, {} operators",
        directory.participants().count(),
        directory.operators().count()
    )
}

async fn examine_journal(settings: &Settings) -> Check {
    let journal = match journal::open(&settings.journal).await {
        Ok(journal) => journal,
        Err(error) => {
            return Check { what: "journal", ok: false, says: Chain(&error).to_string() };
        }
    };
    let most = settings.exchange.journal_most_megabytes;
    let counted =
        async { Ok::<_, JournalError>((journal.counts().await?, journal.size_bytes().await?)) };
    let (mut check, counted) = Check::of("journal", counted.await, |(counts, bytes)| {
        let allowed = if most == 0 { "no limit".to_owned() } else { format!("of {most}") };
        format!(
            "{} open case(s), {} delivery(ies) owed, {} dead letter(s), {} MB ({allowed})",
            counts.open_cases,
            counts.owed_deliveries,
            counts.dead_letters,
            bytes / 1_000_000
        )
    });
    check.ok &= counted.is_none_or(|(_, bytes)| most == 0 || bytes / 1_000_000 < most);
    check
}

/// The list of AKELDO that would be used: how old, and how long.
fn examine_akeldo(config: &AkeldoConfig, roll: &anyhow::Result<Roll>) -> Check {
    let problem = |says| Check { what: "akeldo", ok: false, says };
    let roll = match roll {
        Ok(roll) => roll,
        Err(error) => return problem(Chain(error.as_ref()).to_string()),
    };
    let (Some(held), Ok(directory)) = (roll.held(), roll.directory()) else {
        return problem(
            "there is no list of AKELDO yet: `innfri directory refresh` gets one, or says why not"
                .to_owned(),
        );
    };
    let list = super::directory::told(held);
    if held.age(SystemClock.now()).unsigned_abs() > config.stale_after() {
        return problem(format!(
            "list of {list}: AKELDO has not been taken over for long; `innfri directory refresh` \
             says why"
        ));
    }
    let known = super::directory::count(&directory, roll);
    Check { what: "akeldo", ok: true, says: format!("list of {list}; {known}") }
}

async fn examine_rabbitmq(amqp: &AmqpConfig, directory: &Directory, checks: &mut Vec<Check>) {
    let opened = connection::open(amqp, "doctor").await;
    let (check, link) = Check::of("rabbitmq", opened, |_| "connected".to_owned());
    checks.push(check);
    let Some(link) = link else { return };
    let declared = declare(directory, amqp).await;
    let (check, _) = Check::of("topology", declared, |()| "as the directory needs it".to_owned());
    checks.push(check);
    let counted = match connection::channel(&link, amqp).await {
        Ok(channel) => topology::unreadable(&channel).await,
        Err(error) => Err(error),
    };
    connection::close(&link).await;
    let (mut check, count) = Check::of("unreadable", counted, |count| match count {
        0 => "nothing waits in innfri.unreadable".to_owned(),
        n => {
            format!("{n} message(s) wait in innfri.unreadable: look at them with RabbitMQ's tools")
        }
    });
    check.ok &= count == Some(0);
    checks.push(check);
}

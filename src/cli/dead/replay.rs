//! `innfri dead replay` and `innfri dead runs`.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::super::{SettingsArgs, Verdict, render};
use super::OperatorArgs;
use super::select::FilterArgs;
use crate::kernel::DeadLetterId;
use crate::letters::plan::AGES;
use crate::letters::{Desk, Ended, Pace, Plan, Progress, Steps};
use crate::port::letters::{Action, ActionKind, LetterState, Run, RunId, RunRecord};
use crate::serve::Settings;

#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 every letter had its turn (or the plan was printed), 1 it was \
                        interrupted or stopped by itself and can be continued, 2 it could not run."
)]
pub(super) struct ReplayArgs {
    /// The letters.
    letters: Vec<DeadLetterId>,
    #[command(flatten)]
    which: FilterArgs,
    /// Print the plan and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Letters a second.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// At most so many, the oldest first.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    limit: u32,
    /// Growing steps, such as 1,10,100,all; each waits until the one before is delivered.
    #[arg(long, default_value = "all")]
    steps: Steps,
    /// Go on with an interrupted or stopped run.
    #[arg(long = "continue", value_name = "RUN")]
    run: Option<RunId>,
    /// Why.
    #[arg(long, value_name = "WHY", required_unless_present = "dry_run")]
    reason: Option<String>,
    #[command(flatten)]
    by: OperatorArgs,
    #[command(flatten)]
    settings: SettingsArgs,
    /// The plan, and the end, each as one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct RunsArgs {
    /// At most so many, newest first.
    #[arg(long, default_value_t = 20)]
    limit: u32,
    #[command(flatten)]
    settings: SettingsArgs,
    /// One JSON object per run.
    #[arg(long)]
    json: bool,
}

pub(super) async fn replay(args: ReplayArgs) -> anyhow::Result<Verdict> {
    let (desk, settings) = super::desk(&args.settings).await?;
    let reason = args.reason.clone().unwrap_or_default();
    if let Some(run) = args.run {
        if !args.letters.is_empty() || !args.which.is_empty() {
            bail!("a run that is continued has its letters already");
        }
        return go_on(&args, &desk, &settings, run, &reason).await;
    }
    let filter = args.which.chosen(&args.letters, &LetterState::OPEN, args.limit)?;
    let ids = desk.letters.select(&filter).await?;
    let rate = args.rate.unwrap_or(settings.dead_letters.replay_rate).max(1);
    let plan = desk.plan(&ids, rate).await?;
    tell_plan(&plan, rate, args.json)?;
    if args.dry_run {
        return Ok(Verdict::Yes);
    }
    if ids.is_empty() {
        bail!("no letter fits; `innfri dead list --state any` shows all");
    }
    let mut action = args.by.action(&desk, ActionKind::Replayed, &reason)?;
    let run = Run {
        id: RunId::of(&action.operator, action.at, desk.process),
        started_at: action.at,
        operator: action.operator.clone(),
        reason,
        selection: args.which.words(&args.letters),
        rate,
        steps: args.steps.to_string(),
    };
    action.run = Some(run.id);
    action.signature = args.which.signature.clone();
    action.detail = format!("{} letter(s), {rate}/s, steps {}", ids.len(), run.steps);
    desk.begin(&run, &ids, &action).await?;
    work(&desk, &run.id, &pace(&settings, rate, args.steps), args.json).await
}

async fn go_on(
    args: &ReplayArgs,
    desk: &Desk,
    settings: &Settings,
    id: RunId,
    reason: &str,
) -> anyhow::Result<Verdict> {
    let record = desk.letters.run(&id).await?;
    let record =
        record.with_context(|| format!("there is no run {id}; `innfri dead runs` lists them"))?;
    let waiting = desk.letters.waiting(&id).await?;
    let ids: Vec<DeadLetterId> = waiting.iter().map(|waiting| waiting.letter).collect();
    let rate = args.rate.unwrap_or(record.run.rate).max(1);
    let plan = desk.plan(&ids, rate).await?;
    tell_plan(&plan, rate, args.json)?;
    if args.dry_run {
        return Ok(Verdict::Yes);
    }
    let action = args.by.action(desk, ActionKind::Continued, reason)?;
    let detail = format!("{} letter(s) left of {}'s run", ids.len(), record.run.operator);
    desk.letters.record(&[Action { run: Some(id), detail, ..action }]).await?;
    let steps = record.run.steps.parse().unwrap_or_default();
    work(desk, &id, &pace(settings, rate, steps), args.json).await
}

fn pace(settings: &Settings, rate: u32, steps: Steps) -> Pace {
    let patience = Duration::from_secs(settings.dead_letters.replay_patience_seconds);
    let stands_back_after = Duration::from_secs(settings.dead_letters.replay_stands_back_seconds);
    Pace { rate, steps, stands_back_after, patience }
}

fn tell_plan(plan: &Plan, rate: u32, as_json: bool) -> anyhow::Result<()> {
    let seconds = plan.takes.as_secs();
    if as_json {
        return render::json_line(&json!({
            "plan": {
                "letters": plan.total,
                "byBank": plan.by_bank,
                "byAge": AGES.iter().zip(plan.by_age).collect::<std::collections::BTreeMap<_, _>>(),
                "wouldPass": plan.pass,
                "wouldBeRefused": plan.refused,
                "wouldFailAgain": plan.fail,
                "handledMeanwhile": plan.handled,
                "cannotBeSent": plan.cannot,
                "notOpen": plan.taken,
                "destinations": plan.destinations,
                "why": plan.why,
                "rate": rate,
                "seconds": seconds,
            }
        }));
    }
    render::line(&format!("{} letter(s)", plan.total))?;
    for (bank, count) in &plan.by_bank {
        render::line(&format!("  {count:>7}  for {bank}"))?;
    }
    for (age, count) in AGES.iter().zip(plan.by_age).filter(|(_, count)| *count > 0) {
        render::line(&format!("  {count:>7}  {age}"))?;
    }
    render::line(&format!("{:>9}  would now pass the checks", plan.pass))?;
    for (to, count) in &plan.destinations {
        render::line(&format!("  {count:>7}  go to {to}"))?;
    }
    render::line(&format!("{:>9}  would be refused; their senders are told", plan.refused))?;
    render::line(&format!("{:>9}  would fail again", plan.fail))?;
    render::line(&format!("{:>9}  were handled meanwhile and are skipped", plan.handled))?;
    render::line(&format!("{:>9}  cannot be sent, or are not open", plan.cannot + plan.taken))?;
    for (why, count) in &plan.why {
        render::line(&format!("  {count:>7}  {why}"))?;
    }
    render::line(&format!("At {rate} a second this takes {seconds} s."))
}

/// Works until the end, or until the operator presses Ctrl-C.
async fn work(desk: &Desk, run: &RunId, pace: &Pace, as_json: bool) -> anyhow::Result<Verdict> {
    eprintln!("run {run}; Ctrl-C interrupts it between two letters");
    let stop = CancellationToken::new();
    let mut told = Told::default();
    let mut tell = |progress: &Progress| told.tell(progress);
    let done = CancellationToken::new();
    let listening = async {
        tokio::select! {
            heard = tokio::signal::ctrl_c() => if heard.is_ok() { stop.cancel() },
            () = done.cancelled() => {}
        }
    };
    let working = async {
        let ended = desk.work(run, pace, &stop, &mut tell).await;
        done.cancel();
        ended
    };
    let (ended, ()) = tokio::join!(working, listening);
    told.end();
    let ended = ended?;
    let record = desk.letters.run(run).await?.context("the run is gone")?;
    if as_json {
        render::json_line(&whole(&record))?;
    } else {
        render::line(&format!("{}: {}", ended.words(), fates(&record)))?;
    }
    if ended == Ended::Finished {
        render::line_unless(as_json, "`innfri dead runs` tells what becomes of them.")?;
        return Ok(Verdict::Yes);
    }
    render::line_unless(
        as_json,
        &format!("Continue with `innfri dead replay --continue {run} --reason …`."),
    )?;
    Ok(Verdict::No)
}

/// Progress on standard error: one line that is written over on a terminal, lines elsewhere.
#[derive(Default)]
struct Told {
    last: String,
}

impl Told {
    fn tell(&mut self, progress: &Progress) {
        let fates: Vec<String> =
            progress.fates.iter().map(|(fate, count)| format!("{count} {fate}")).collect();
        let waits = progress.waits_for.as_ref().map(|it| format!("; waiting: {it}"));
        let text = format!(
            "{}/{} done: {}{}",
            progress.done,
            progress.total,
            fates.join(", "),
            waits.unwrap_or_default()
        );
        if text == self.last {
            return;
        }
        let mut out = std::io::stderr().lock();
        let written = if out.is_terminal() {
            write!(out, "\r\u{1b}[K{text}").and_then(|()| out.flush())
        } else {
            writeln!(out, "{text}")
        };
        // Progress that nobody can read is no reason to stop.
        drop(written);
        self.last = text;
    }

    fn end(&self) {
        if std::io::stderr().is_terminal() && !self.last.is_empty() {
            eprintln!();
        }
    }
}

fn fates(record: &RunRecord) -> String {
    let fates: Vec<String> =
        record.fates.iter().map(|(fate, count)| format!("{count} {fate}")).collect();
    fates.join(", ")
}

fn whole(record: &RunRecord) -> Value {
    let fates: serde_json::Map<String, Value> = record
        .fates
        .iter()
        .map(|(fate, count)| (fate.name().to_owned(), Value::from(*count)))
        .collect();
    json!({
        "run": record.run.id.to_string(),
        "startedAt": record.run.started_at.to_string(),
        "operator": record.run.operator,
        "reason": record.run.reason,
        "selection": record.run.selection,
        "rate": record.run.rate,
        "steps": record.run.steps,
        "fates": fates,
        "endedAt": record.ended_at.map(|at| at.to_string()),
        "ended": record.ended,
    })
}

pub(super) async fn runs(args: RunsArgs) -> anyhow::Result<Verdict> {
    let (desk, _) = super::desk(&args.settings).await?;
    let runs = desk.letters.runs(args.limit).await?;
    if args.json {
        runs.iter().try_for_each(|record| render::json_line(&whole(record)))?;
        return Ok(Verdict::Yes);
    }
    let rows: Vec<Vec<String>> = runs
        .iter()
        .map(|record| {
            vec![
                record.run.id.to_string(),
                record.run.started_at.strftime("%F %T").to_string(),
                record.run.operator.clone(),
                record.ended.clone().unwrap_or_else(|| "not ended".to_owned()),
                fates(record),
                record.run.reason.clone(),
            ]
        })
        .collect();
    render::table(&["run", "began", "operator", "ended", "letters", "why"], &rows)?;
    Ok(Verdict::Yes)
}

//! `innfri demo`: the main job on an embedded installation, with nothing installed and nothing left
//! behind.
//!
//! It puts together what `innfri serve` would, on SQLite in a temporary folder, with the built-in bank
//! for each of three example banks, and hands in the example requests. Nothing in it is faked: the
//! banks' answers are checked and guarded like anybody's.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use jiff::civil::Date;
use jiff::{SignedDuration, ToSpan as _};
use serde::Serialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{Verdict, render};
use crate::case::{Case, CaseState, Event, OutcomeKind};
use crate::contract::MessageType;
use crate::kernel::{CaseId, ChannelName, Environment, Incoming, Login, MessageId};
use crate::market::no::status::Status;
use crate::port::{CaseFilter, CaseStory, Clock, Intake, Journal, Outbound};
use crate::serve::Settings;
use crate::serve::core::{self, Core};
use crate::serve::senders::Senders;

/// How long the demo waits for the slowest case before it says that something is wrong.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// One JSON object per case.
    #[arg(long)]
    json: bool,
}

/// A file of the demo, compiled in.
macro_rules! example {
    ($name:literal) => {
        ($name, include_str!(concat!("../../examples/demo/", $name)))
    };
}

const FILES: [(&str, &str); 4] = [
    example!("directory.toml"),
    example!("testvik.toml"),
    example!("fjordproven.toml"),
    example!("uerlig.toml"),
];

/// How a case of the demo must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Answer,
    Status(&'static str),
    Stopped(&'static str),
}

struct Scene {
    what: &'static str,
    login: &'static str,
    file: (&'static str, &'static str),
    expected: Expected,
}

macro_rules! scene {
    ($what:literal, $login:literal, $file:literal, $expected:expr) => {
        Scene { what: $what, login: $login, file: example!($file), expected: $expected }
    };
}

const SCENES: [Scene; 11] = [
    scene!(
        "what is owed, with a framework loan",
        "eksempel-megler",
        "requests/01-restgjeld.no.dsve.restgjeldsforespoersel.v1.json",
        Expected::Answer
    ),
    scene!(
        "what pays it off, on two dates",
        "eksempel-megler",
        "requests/02-innfrielsessaldo.no.dsve.innfrielsessaldoforespoersel.v1.json",
        Expected::Answer
    ),
    scene!(
        "a bank asks a bank (bankbytte)",
        "fjordproven-bank",
        "requests/03-bankbytte.no.dsve.innfrielsessaldoforespoersel.v1.json",
        Expected::Answer
    ),
    scene!(
        "the loan is repaid",
        "eksempel-megler",
        "requests/04-laan-nedbetalt.no.dsve.restgjeldsforespoersel.v1.json",
        Expected::Status("LAAN_NEDBETALT")
    ),
    scene!(
        "the lien is sold",
        "eksempel-megler",
        "requests/05-laan-solgt.no.dsve.restgjeldsforespoersel.v1.json",
        Expected::Status("LAAN_SOLGT")
    ),
    scene!(
        "a person answers by e-mail",
        "eksempel-megler",
        "requests/06-svarer-i-epost.no.dsve.innfrielsessaldoforespoersel.v1.json",
        Expected::Status("SVARER_I_EPOST")
    ),
    scene!(
        "a fixed rate, asked too early",
        "eksempel-megler",
        "requests/07-fastrente.no.dsve.innfrielsessaldoforespoersel.v1.json",
        Expected::Status("SVARER_I_EPOST")
    ),
    scene!(
        "the wrong bank",
        "eksempel-megler",
        "requests/08-feil-panthaver.no.dsve.restgjeldsforespoersel.v1.json",
        Expected::Status("FEIL")
    ),
    scene!(
        "an answer that names a stranger is stopped",
        "eksempel-megler",
        "requests/09-personvern.no.dsve.restgjeldsforespoersel.v1.json",
        Expected::Stopped("INN-020")
    ),
    scene!(
        "an answer with another bank's account is stopped",
        "eksempel-megler",
        "requests/10-betaling.no.dsve.innfrielsessaldoforespoersel.v1.json",
        Expected::Stopped("INN-021")
    ),
    scene!(
        "a request with several mistakes",
        "eksempel-megler",
        "requests/11-ugyldig.no.dsve.innfrielsessaldoforespoersel.v1.json",
        Expected::Status("FEIL")
    ),
];

pub(super) async fn run(args: DemoArgs) -> anyhow::Result<Verdict> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    for (name, text) in FILES {
        std::fs::write(folder.path().join(name), text)?;
    }
    let settings = settings(folder.path())?;
    let Core { journal, exchange, work, directory, clock, .. } = core::assemble(&settings).await?;
    let intake: Arc<dyn Intake> = Arc::new(exchange);
    let senders = Senders::new(None, Arc::clone(&intake), Arc::clone(&clock));
    senders.open(&directory.borrow())?;
    let outbound: Arc<dyn Outbound> = Arc::new(senders);
    let stop = CancellationToken::new();
    let play = async {
        let ended = play(intake.as_ref(), journal.as_ref(), clock.as_ref()).await;
        stop.cancel();
        ended
    };
    let (ended, ()) = tokio::join!(play, work.run(outbound, stop.clone()));
    report(&ended?, args.json)
}

fn settings(folder: &Path) -> anyhow::Result<Settings> {
    let file = folder.join("innfri.toml");
    let journal = format!("sqlite:{}", folder.join("journal.db").display());
    let directory = folder.join("directory.toml").display().to_string();
    let text = format!(
        "environment = \"test\"\n[directory]\nfile = {directory:?}\n[journal]\nurl = {journal:?}\n\
         [exchange]\nsweep_milliseconds = 50\n"
    );
    std::fs::write(&file, text)?;
    let settings = Settings::load(Some(&file))?;
    anyhow::ensure!(settings.environment == Environment::Test, "the demo runs in `test`");
    Ok(settings)
}

/// A case that has ended as far as it will, with how it was to end.
struct Ended {
    scene: &'static Scene,
    story: CaseStory,
    took: SignedDuration,
}

async fn play(
    intake: &dyn Intake,
    journal: &dyn Journal,
    clock: &dyn Clock,
) -> anyhow::Result<Vec<Ended>> {
    let mut waiting: Vec<(&'static Scene, CaseId)> = Vec::new();
    for scene in &SCENES {
        let taken = intake.take(incoming(scene, clock)?).await?;
        let case = taken.case.with_context(|| format!("no case came of: {}", scene.what))?;
        waiting.push((scene, case));
    }
    let mut ended = Vec::new();
    for (scene, case) in waiting {
        let story = tokio::time::timeout(PATIENCE, end_of(journal, case))
            .await
            .with_context(|| format!("no end within {PATIENCE:?}: {}", scene.what))??;
        let last = story.events.last().map_or(story.stored.case.opened_at, |event| event.at);
        let took = last.duration_since(story.stored.case.opened_at);
        ended.push(Ended { scene, story, took });
    }
    let all = journal.cases(&CaseFilter::default()).await?;
    if all.len() != SCENES.len() {
        bail!("{} cases came of {} requests", all.len(), SCENES.len());
    }
    Ok(ended)
}

fn incoming(scene: &Scene, clock: &dyn Clock) -> anyhow::Result<Incoming> {
    let (name, text) = scene.file;
    let kind = super::document::kind_of(Path::new(name), None)?;
    let mut message: Value = serde_json::from_str(text)?;
    if !matches!(scene.expected, Expected::Status("FEIL")) {
        set_dates(&mut message, clock.today());
    }
    Ok(Incoming {
        channel: ChannelName::Embedded,
        source: "demo".to_owned(),
        login: Some(Login::new(scene.login)),
        message_type: Some(kind.name().to_owned()),
        message_id: Some(MessageId::of_content(scene.login, name, text.as_bytes()).to_string()),
        correlation_id: None,
        content_type: Some("application/json".to_owned()),
        traceparent: None,
        deaths: Vec::new(),
        findings: Vec::new(),
        received_at: clock.now(),
        body: serde_json::to_vec(&message)?,
    })
}

/// The dates in the files are placeholders: each becomes a day after today.
fn set_dates(message: &mut Value, today: Date) {
    if let Some(Value::Array(dates)) = message.get_mut("innfrielsesdatoer") {
        for (date, days) in dates.iter_mut().zip([7_i32, 14, 21, 28]) {
            *date = Value::from(today.saturating_add(days.days()).to_string());
        }
    }
}

/// The story of a case that is settled, or whose answer was sent back.
async fn end_of(journal: &dyn Journal, case: CaseId) -> anyhow::Result<CaseStory> {
    loop {
        if let Some(story) = journal.story(&case).await? {
            let stopped = story
                .events
                .iter()
                .any(|recorded| matches!(recorded.event, Event::AnswerRejected { .. }));
            if stopped || story.stored.case.state.outcome().is_some() {
                return Ok(story);
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[derive(Serialize)]
struct Row {
    case: String,
    #[serde(rename = "type")]
    message_type: MessageType,
    from: String,
    to: String,
    outcome: &'static str,
    status: Option<&'static str>,
    findings: usize,
}

fn row(case: &Case, story: &CaseStory) -> Row {
    let (outcome, status) = match &case.state {
        CaseState::Open => ("open", None),
        CaseState::Settled(outcome) => match outcome.kind {
            OutcomeKind::Answer(_) => ("answer", None),
            OutcomeKind::Status(code, _) => ("status", Some(code.as_str())),
        },
    };
    Row {
        case: case.id.to_string(),
        message_type: case.request_type,
        from: case.asker.to_string(),
        to: case.bank.as_ref().map(ToString::to_string).unwrap_or_default(),
        outcome,
        status,
        findings: findings(story).len(),
    }
}

/// The rules that a case's message broke: of a rejected answer, or of a refused request.
fn findings(story: &CaseStory) -> Vec<String> {
    let rejected = story.events.iter().filter_map(|recorded| match &recorded.event {
        Event::AnswerRejected { findings, .. } => Some(findings.clone()),
        Event::Opened { .. }
        | Event::Answered { .. }
        | Event::StatusGiven { .. }
        | Event::PrivacyAlert { .. }
        | Event::PaymentAlert { .. }
        | Event::AccountsNotCompared { .. }
        | Event::DeliveryGivenUp { .. } => None,
    });
    let refused = story
        .deliveries
        .iter()
        .filter(|delivery| delivery.body.message_type == MessageType::Status)
        .filter_map(|delivery| serde_json::from_slice::<Status>(&delivery.body.json).ok())
        .map(|status| status.avvik);
    rejected.chain(refused).flatten().map(|finding| finding.regel.to_string()).collect()
}

fn as_expected(ended: &Ended) -> bool {
    let row = row(&ended.story.stored.case, &ended.story);
    match ended.scene.expected {
        Expected::Answer => row.outcome == "answer",
        Expected::Status(code) => row.status == Some(code),
        Expected::Stopped(rule) => {
            row.outcome == "open" && findings(&ended.story).iter().any(|found| found == rule)
        }
    }
}

fn report(ended: &[Ended], json: bool) -> anyhow::Result<Verdict> {
    let mut rows = Vec::new();
    for end in ended {
        let case = &end.story.stored.case;
        let row = row(case, &end.story);
        if json {
            render::json_line(&row)?;
        }
        let outcome = match (row.outcome, findings(&end.story).as_slice()) {
            ("open", rules) => format!("open: answer stopped ({})", rules.join(", ")),
            (_, []) => super::case::outcome(case),
            (_, rules) => format!("{}: {}", super::case::outcome(case), rules.join(", ")),
        };
        rows.push(vec![
            case.reference.clone(),
            row.from,
            row.to,
            row.message_type.name().to_owned(),
            outcome,
            format!("{} ms", end.took.as_millis()),
            end.scene.what.to_owned(),
        ]);
    }
    let unexpected: Vec<&Ended> = ended.iter().filter(|end| !as_expected(end)).collect();
    if !json {
        render::table(&["case", "from", "to", "type", "outcome", "time", "what it shows"], &rows)?;
        render::line("")?;
        render::line(
            "Nothing was left behind. Go on with: innfri explain INN-020; innfri check FILE;",
        )?;
        render::line("and the tour in README.md, which does the same over RabbitMQ.")?;
    }
    for end in &unexpected {
        eprintln!("not as expected ({:?}): {}", end.scene.expected, end.scene.what);
    }
    Ok(if unexpected.is_empty() { Verdict::Yes } else { Verdict::No })
}

//! `innfri operator`: the tokens with which operators sign in over HTTP. Who gave one out or took it back is
//! recorded with when and why.

use anyhow::Context as _;
use clap::{Args, Subcommand};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde_json::{Value, json};

use super::dead::OperatorArgs;
use super::{SettingsArgs, Verdict, render};
use crate::channel::http::sign_in::token;
use crate::directory::Directory;
use crate::journal;
use crate::kernel::Login;
use crate::port::tokens::{Revocation, TokenId, TokenRecord};
use crate::port::{Clock, SystemClock};
use crate::source::file;

#[derive(Debug, Args)]
pub(super) struct OperatorCommandArgs {
    #[command(subcommand)]
    command: OperatorCommand,
}

#[derive(Debug, Subcommand)]
enum OperatorCommand {
    /// Give out, list and take back the tokens with which operators sign in over HTTP.
    #[command(subcommand)]
    Token(TokenCommand),
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Give out a token. It is printed once, alone on standard output, and kept nowhere.
    Create(CreateArgs),
    /// List tokens, oldest first; also those that expired or were revoked.
    List(ListArgs),
    /// Take a token back, for good. Running processes refuse it within a minute.
    Revoke(RevokeArgs),
}

#[derive(Debug, Args)]
struct CreateArgs {
    /// The operator of the directory whom it signs in.
    login: String,
    /// How long it holds: 90d, 12h, 1y. Without it, until it is revoked.
    #[arg(long, value_name = "TIME")]
    expires: Option<Span>,
    /// What for.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    #[command(flatten)]
    by: OperatorArgs,
    #[command(flatten)]
    settings: SettingsArgs,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Those of this operator alone.
    login: Option<String>,
    #[command(flatten)]
    settings: SettingsArgs,
    /// One JSON object for each token.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct RevokeArgs {
    /// The public part of the token: what stands between `innfri_` and the second `_`.
    id: TokenId,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    by: OperatorArgs,
    #[command(flatten)]
    settings: SettingsArgs,
}

pub(super) async fn run(args: OperatorCommandArgs) -> anyhow::Result<Verdict> {
    match args.command {
        OperatorCommand::Token(TokenCommand::Create(args)) => create(args).await,
        OperatorCommand::Token(TokenCommand::List(args)) => list(args).await,
        OperatorCommand::Token(TokenCommand::Revoke(args)) => revoke(args).await,
    }
}

async fn create(args: CreateArgs) -> anyhow::Result<Verdict> {
    let settings = args.settings.load()?;
    let login = Login::new(args.login);
    known(&login, &file::load(&settings.directory.file)?)?;
    let now = SystemClock.now();
    let expires_at = args.expires.map(|time| end(now, time)).transpose()?;
    let created_by = args.by.name()?;
    let tokens = journal::open_tokens(&settings.journal).await?;
    let minted = token::mint()?;
    let record = TokenRecord {
        id: minted.id,
        login,
        hash: minted.hash,
        created_at: now,
        created_by,
        note: args.note.filter(|note| !note.trim().is_empty()),
        expires_at,
        revoked: None,
    };
    anyhow::ensure!(tokens.add(&record).await?, "the token's id is taken: try again");
    render::line(minted.token.expose())?;
    let until = record.expires_at.map_or_else(String::new, |end| format!(", until {end}"));
    eprintln!(
        "This is the only time it is shown. It signs in {}{until}; `innfri operator token revoke {} \
         --reason WHY` takes it back.",
        record.login, record.id
    );
    Ok(Verdict::Yes)
}

/// Refuses a login that could not sign in.
fn known(login: &Login, directory: &Directory) -> anyhow::Result<()> {
    if directory.operators().any(|operator| operator.login == *login) {
        return Ok(());
    }
    let names: Vec<&str> = directory.operators().map(|operator| operator.login.as_str()).collect();
    anyhow::bail!(
        "there is no operator `{login}` in the directory: add it there first{}",
        if names.is_empty() { String::new() } else { format!(", or take {}", names.join(", ")) }
    )
}

/// The end of a time that begins now; days are those of UTC.
fn end(now: Timestamp, time: Span) -> anyhow::Result<Timestamp> {
    let end = now.to_zoned(TimeZone::UTC).checked_add(time);
    let end = end.context("--expires lies too far ahead")?.timestamp();
    anyhow::ensure!(end > now, "--expires needs a time longer than nothing");
    Ok(end)
}

async fn list(args: ListArgs) -> anyhow::Result<Verdict> {
    let settings = args.settings.load()?;
    let tokens = journal::open_tokens(&settings.journal).await?;
    let login = args.login.map(Login::new);
    let found = tokens.list(login.as_ref()).await?;
    let now = SystemClock.now();
    if args.json {
        found.iter().try_for_each(|token| render::json_line(&whole(token, now)))?;
    } else {
        let rows: Vec<Vec<String>> = found.iter().map(|token| row(token, now)).collect();
        render::table(&["id", "login", "created", "by", "expires", "state", "note"], &rows)?;
    }
    Ok(Verdict::Yes)
}

const fn state(token: &TokenRecord, expired: bool) -> &'static str {
    match (&token.revoked, expired) {
        (Some(_), _) => "revoked",
        (None, true) => "expired",
        (None, false) => "good",
    }
}

fn row(token: &TokenRecord, now: Timestamp) -> Vec<String> {
    let day = |time: Timestamp| time.strftime("%F").to_string();
    let state = match &token.revoked {
        Some(revoked) => {
            format!("revoked {} by {}: {}", day(revoked.at), revoked.by, revoked.reason)
        }
        None => state(token, token.is_expired(now)).to_owned(),
    };
    vec![
        token.id.to_string(),
        token.login.to_string(),
        day(token.created_at),
        token.created_by.clone(),
        token.expires_at.map_or_else(|| "never".to_owned(), day),
        state,
        token.note.clone().unwrap_or_default(),
    ]
}

fn whole(token: &TokenRecord, now: Timestamp) -> Value {
    json!({
        "id": token.id.as_str(),
        "login": token.login.as_str(),
        "state": state(token, token.is_expired(now)),
        "createdAt": token.created_at.to_string(),
        "createdBy": token.created_by,
        "note": token.note,
        "expiresAt": token.expires_at.map(|end| end.to_string()),
        "revokedAt": token.revoked.as_ref().map(|revoked| revoked.at.to_string()),
        "revokedBy": token.revoked.as_ref().map(|revoked| &revoked.by),
        "revokedWhy": token.revoked.as_ref().map(|revoked| &revoked.reason),
    })
}

async fn revoke(args: RevokeArgs) -> anyhow::Result<Verdict> {
    anyhow::ensure!(!args.reason.trim().is_empty(), "--reason needs words");
    let settings = args.settings.load()?;
    let revocation = Revocation { at: SystemClock.now(), by: args.by.name()?, reason: args.reason };
    let tokens = journal::open_tokens(&settings.journal).await?;
    if tokens.revoke(&args.id, &revocation).await? {
        render::line(&format!("token {} revoked; processes refuse it within a minute", args.id))?;
        return Ok(Verdict::Yes);
    }
    let before = tokens.find(&args.id).await?.and_then(|token| token.revoked);
    render::line(&match before {
        Some(Revocation { at, by, reason }) => {
            format!("token {} was revoked before: {at} by {by}: {reason}", args.id)
        }
        None => format!("there is no token {}", args.id),
    })?;
    Ok(Verdict::No)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_in_days_has_an_end_and_none_or_a_past_one_is_refused() {
        let now: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
        let end_of = |text: &str| end(now, text.parse().unwrap());
        assert_eq!(end_of("90d").unwrap().to_string(), "2026-04-01T12:00:00Z");
        assert_eq!(end_of("1y").unwrap().to_string(), "2027-01-01T12:00:00Z");
        for bad in ["0d", "-1d", "9000y"] {
            assert!(end_of(bad).is_err(), "{bad}");
        }
    }
}

//! `innfri altinn-simulator`: a stand-in for Altinn, Maskinporten and AKELDO on this machine.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};
use url::Url;

use super::{Verdict, render};
use crate::altinn_simulator::{Config, FaultSettings, NewKey, Running, Subscription, start};

/// What stands at the end of the help.
const HELP: &str = "\
WHAT IT PLAYS (paths below the printed address):
  POST /maskinporten/token                            signed assertion in, token out
  GET  /maskinporten/.well-known/oauth-authorization-server
  GET  /authentication/api/v1/exchange/maskinporten   Altinn's token exchange
  ...  /broker/api/v1/filetransfer...                 Altinn Broker, all routes
  GET  /akeldo/aktoer, /akeldo/aktoer/ORGNR           AKELDO
  GET  /simulator/state                               file transfers, counts of calls, what is held
  GET, POST /simulator/faults                         the switches: what is not named stays
  POST /simulator/cancel/ID                           takes a file transfer back

FAULTS (JSON; routes are token, exchange, initialise, upload, initialise_and_upload, overview,
details, list, download, confirm, akeldo):
  {\"scan_millis\": 5000}                     a slow virus scan
  {\"unavailable\": {\"upload\": {\"times\": 2, \"retry_after\": 1}}}
                                            the next two calls get 503 (\"code\": 21 or 30 if wanted)
  {\"lost\": {\"confirm\": 1}}                  the next call is carried out, and its answer gets lost
  {\"held\": {\"upload\": {\"moment\": \"after\", \"organisation\": \"926018159\"}}}
                                            the next call, here of one organisation, is carried out (with
                                            \"before\" it is not) and never answered; \"skip\": 1
                                            lets one such call through first
  {\"slow_millis\": {\"list\": 300}}            a route that waits before it does anything
  {\"expire_tokens\": true}                   no token counts any longer (acts once)
  {\"duplicate_listing\": true}               lists name every file transfer twice
  {\"listing_delay_millis\": 2000}            lists do not know of what is new
  {\"failed_scans\": 1}                       the scan finds something in the next upload
  {\"failed_uploads\": 1}                     the next upload fails with code 8
  {\"refuse_repeated_confirm\": true}         a second confirmation is refused with code 10
  {\"quoted_token\": true}                    the exchanged token stands in quotation marks
  {\"akeldo\": \"empty\"}                       or \"broken\", or \"normal\"

CONFIGURATION, the least that is of use:
";

/// The configuration that the help shows.
const EXAMPLE: &str = r#"
  [[clients]]
  id = "vendor"                             # iss of assertions
  key_id = "key-1"                          # kid of assertions; or jwks_file alone
  public_key_file = "vendor.pem.pub"        # made by --new-key vendor.pem
  scopes = ["altinn:broker.read", "altinn:broker.write"]
  system_users = ["910753614", "926018159"] # organisations that approved a system user

  [[resources]]
  id = "kv_dsve_test"                       # also: rights, access_list, required_party, largest_file

  [[akeldo]]
  organisation = "926018159"
  role = "bank"
  sends = ["Restgjeldssvar"]
  receives = ["Restgjeldsforespoersel"]

  # Also: listen, scan_millis, maskinporten_token_seconds, altinn_token_seconds,
  # grace_seconds, akeldo_spelling, [[subscriptions]] (to, organisations), [limits], [faults].
"#;

#[derive(Debug, Args)]
#[command(after_help = "See --help for routes, faults and the configuration.",
    after_long_help = [HELP, EXAMPLE].concat())]
pub(super) struct AltinnSimulatorArgs {
    /// Who takes part: clients, resources, AKELDO's list (TOML; see below). Needed but for --new-key.
    #[arg(long, value_name = "FILE", required_unless_present = "new_key")]
    config: Option<PathBuf>,
    /// Where it listens, at this machine; port 0 takes a free one. 127.0.0.1:0 unless the configuration
    /// says otherwise.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// How long a virus scan takes, in milliseconds.
    #[arg(long, value_name = "MILLISECONDS")]
    scan_millis: Option<u64>,
    /// What goes wrong from the start, as JSON (see below); added to what the configuration says.
    #[arg(long, value_name = "JSON", value_parser = faults)]
    faults: Option<FaultSettings>,
    /// An address to which all events are posted, as CloudEvents 1.0; may stand several times.
    #[arg(long, value_name = "URL", value_parser = Url::parse)]
    events_to: Vec<Url>,
    /// Print the addresses as one JSON object.
    #[arg(long)]
    json: bool,
    /// Make an RSA key for a client, and end: FILE gets the private half, FILE.pub the public one.
    #[arg(long, value_name = "FILE", exclusive = true)]
    new_key: Option<PathBuf>,
}

fn faults(text: &str) -> Result<FaultSettings, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// Where the services are.
#[derive(Serialize)]
struct Addresses<'a> {
    base_url: &'a str,
    maskinporten_issuer: &'a str,
    altinn: &'a str,
    akeldo: &'a str,
}

pub(super) async fn run(args: AltinnSimulatorArgs) -> anyhow::Result<Verdict> {
    if let Some(path) = &args.new_key {
        return make_key(path);
    }
    let mut config = args.config.as_deref().map(Config::load).transpose()?.unwrap_or_default();
    config.listen = args.listen.unwrap_or(config.listen);
    config.scan_millis = args.scan_millis.unwrap_or(config.scan_millis);
    let to_all = |to| Subscription { to, organisations: Vec::new() };
    config.subscriptions.extend(args.events_to.into_iter().map(to_all));
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let running = start(config).await?;
    running.switch(args.faults.unwrap_or_default());
    tell(&running, args.json)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    running.stop().await;
    Ok(Verdict::Yes)
}

fn tell(running: &Running, as_json: bool) -> anyhow::Result<()> {
    let base_url = running.base_url();
    let addresses = Addresses {
        base_url,
        maskinporten_issuer: running.issuer(),
        altinn: base_url,
        akeldo: base_url,
    };
    if as_json {
        return render::json_line(&addresses);
    }
    render::line(base_url)?;
    eprintln!("plays Altinn; Maskinporten's issuer is {}; stop with Ctrl-C", running.issuer());
    Ok(())
}

fn make_key(path: &Path) -> anyhow::Result<Verdict> {
    let key = NewKey::generate()?;
    key.write_private(path)?;
    let mut public = path.as_os_str().to_owned();
    public.push(".pub");
    let public = PathBuf::from(public);
    std::fs::write(&public, key.public_pem())
        .with_context(|| format!("cannot write {}", public.display()))?;
    Ok(Verdict::Yes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_that_the_help_shows_is_one() {
        let config: Config = toml::from_str(EXAMPLE).unwrap();
        assert_eq!((config.clients.len(), config.akeldo.len()), (1, 1));
    }

    #[test]
    fn the_faults_that_the_help_shows_are_some() {
        let lines = HELP.lines().filter(|line| line.starts_with("  {"));
        let mut count = 0;
        for line in lines {
            let mut read = serde_json::Deserializer::from_str(line).into_iter::<FaultSettings>();
            read.next().unwrap().unwrap();
            count += 1;
        }
        assert_eq!(count, 13);
    }
}

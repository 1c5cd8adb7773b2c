//! What joining through Altinn needs: the channel, access for each organisation, and that the directory
//! file, AKELDO and `altinn.organisations` agree.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Check;
use crate::channel::altinn::events::read_secret;
use crate::channel::altinn::{AccessLine, Altinn, AltinnConfig, check_access};
use crate::cli::directory::says;
use crate::contract::{Direction, MessageType};
use crate::directory::{Directory, Handler, Participant, Role};
use crate::kernel::{Country, OrganisationId};
use crate::port::SystemClock;
use crate::serve::Settings;
use crate::source::akeldo::{Entry, Held};

/// Organisations that are named in one line; of more, only so many.
const NAMED: usize = 10;

/// The lines on Altinn. `own` is the directory file, `held` the list of AKELDO that is in use.
pub(super) async fn examine(
    settings: &Settings,
    own: Option<&Directory>,
    held: Option<&Held>,
) -> Vec<Check> {
    let Some(config) = &settings.altinn else {
        return own.and_then(|own| left_out(settings, own)).into_iter().collect();
    };
    let opened = Altinn::open(config, Arc::new(SystemClock));
    let (check, altinn) = Check::of("altinn", opened, |altinn| {
        let count = altinn.organisations().len();
        format!("settings and key are read; acts for {count}, resource {}", config.resource_id)
    });
    let mut checks = vec![check];
    if let Some(altinn) = altinn {
        checks.extend(check_access(&altinn).await.iter().map(access));
    }
    if let Some(own) = own {
        checks.extend(members(config, own));
        checks.extend(not_members(config, own));
        checks.extend(beyond(settings, own));
    }
    if let Some(held) = held {
        let listed = |id: &OrganisationId| {
            let participant = own.and_then(|own| own.participant(id));
            listing(id, held.entry(id), participant.map(AsRef::as_ref))
        };
        checks.extend(config.organisations.iter().flat_map(listed));
    }
    checks.push(events(config, settings));
    checks
}

const fn good(what: &'static str, says: String) -> Check {
    Check { what, ok: true, says }
}

const fn problem(what: &'static str, says: String) -> Check {
    Check { what, ok: false, says }
}

fn access(line: &AccessLine) -> Check {
    Check { what: "access", ok: line.is_good(), says: line.to_string() }
}

/// Altinn is not set up, and somebody is reached through it.
fn left_out(settings: &Settings, own: &Directory) -> Option<Check> {
    let listed = far(own);
    let who = match (settings.akeldo.is_some(), listed.is_empty()) {
        (true, _) => "whoever AKELDO alone lists".to_owned(),
        (false, false) => named(&listed),
        (false, true) => return None,
    };
    let says = format!("no altinn.platform_url: {who} cannot be reached (docs/dsve.md)");
    Some(problem("altinn", says))
}

/// Whether each organisation that innfri acts for is served here.
fn members(config: &AltinnConfig, own: &Directory) -> Vec<Check> {
    let mut problems = Vec::new();
    for id in &config.organisations {
        match own.participant(id).map(|found| &found.handler) {
            Some(Handler::Altinn) => problems.push(problem(
                "members",
                format!(
                    "{id} is in altinn.organisations, and the directory file says handler = \
                     \"altinn\": say how its own system is reached"
                ),
            )),
            Some(_) => {}
            None => problems.push(problem(
                "members",
                format!(
                    "{id} is in altinn.organisations, but is no participant of the directory file: \
                     nobody here takes its files"
                ),
            )),
        }
    }
    if problems.is_empty() {
        let count = config.organisations.len();
        let says = format!(
            "the directory file says how each of altinn.organisations ({count}) is reached"
        );
        problems.push(good("members", says));
    }
    problems
}

/// A note on those who take part here and not through Altinn. That may be meant.
fn not_members(config: &AltinnConfig, own: &Directory) -> Option<Check> {
    let apart = |one: &&Arc<Participant>| {
        let has_part = !one.sends.is_empty() || !one.receives.is_empty();
        has_part && one.id.country() == Country::No && !config.organisations.contains(&one.id)
    };
    let found: Vec<&OrganisationId> = own.near().filter(apart).map(|one| &one.id).collect();
    let says = format!(
        "not in altinn.organisations: {}. Its requests to those who are reached through Altinn \
         cannot be sent, and no files are fetched for it; add it if it takes part in DSVE by innfri",
        named(&found)
    );
    (!found.is_empty()).then(|| good("members", says))
}

/// Whether there is anybody to reach.
fn beyond(settings: &Settings, own: &Directory) -> Option<Check> {
    if settings.akeldo.is_some() || !far(own).is_empty() {
        return None;
    }
    let says = "nobody is reached through Altinn: set akeldo.url, or list participants with handler = \
                \"altinn\"";
    Some(problem("members", says.to_owned()))
}

/// What AKELDO says of one of ours, and where that is not what the file says.
fn listing(id: &OrganisationId, entry: Option<&Entry>, own: Option<&Participant>) -> Vec<Check> {
    let Some(entry) = entry else {
        let says = format!(
            "{id}: AKELDO does not list it, so that others neither ask it nor take its \
             requests; Kartverket lists it when it joins"
        );
        return vec![problem("listed", says)];
    };
    let mut checks = vec![good("listed", format!("{id}: {}", says(entry)))];
    let Some(own) = own else { return checks };
    let requests = |types: &BTreeSet<MessageType>| -> BTreeSet<MessageType> {
        types.iter().copied().filter(|kind| kind.direction() == Direction::Request).collect()
    };
    let (asked, asks) = (requests(&entry.receives), requests(&entry.sends));
    let refused = types(asked.difference(&own.receives));
    if !refused.is_empty() {
        checks.push(problem(
            "listed",
            format!(
                "{id}: AKELDO says that it receives {refused}, and the directory file does not \
                 (`receives`): others ask, and are refused"
            ),
        ));
    }
    let unasked = types(own.receives.difference(&asked));
    if own.role == Role::Bank && !unasked.is_empty() {
        checks.push(good(
            "listed",
            format!(
                "{id}: AKELDO does not say that it receives {unasked}, which the directory file does \
                 (`receives`): nobody asks that through Altinn"
            ),
        ));
    }
    let unlisted = types(own.sends.difference(&asks));
    if !unlisted.is_empty() {
        checks.push(good(
            "listed",
            format!(
                "{id}: AKELDO does not say that it sends {unlisted}, which the directory file lets it \
                 (`sends`): banks may refuse that"
            ),
        ));
    }
    checks
}

fn events(config: &AltinnConfig, settings: &Settings) -> Check {
    let (shortest, longest) = (config.poll_shortest_seconds, config.poll_longest_seconds);
    let (mut check, secret) = Check::of("events", read_secret(config), |secret| match secret {
        None => format!(
            "no altinn.events_secret_file: new files are found by looking, every {shortest} to \
             {longest} s"
        ),
        Some(_) => {
            "Altinn Events may post to /altinn/events/SECRET where http.listen is".to_owned()
        }
    });
    if secret.flatten().is_some() && settings.http.is_none() {
        let says = "altinn.events_secret_file is set, and http.listen is not: no events arrive";
        check = problem("events", says.to_owned());
    }
    check
}

/// Those whom the file says to reach through Altinn.
fn far(own: &Directory) -> Vec<&OrganisationId> {
    let far = own.participants().filter(|one| one.handler == Handler::Altinn);
    far.map(|one| &one.id).collect()
}

fn named(ids: &[&OrganisationId]) -> String {
    let mut text = ids.iter().take(NAMED).map(|id| id.to_string()).collect::<Vec<_>>().join(", ");
    if ids.len() > NAMED {
        text.push_str(&format!(" and {} more", ids.len() - NAMED));
    }
    text
}

fn types<'a>(types: impl Iterator<Item = &'a MessageType>) -> String {
    types.map(|kind| kind.name()).collect::<Vec<_>>().join(", ")
}

//! Who may import whom: a room knows only the floors below it, and rooms of one floor do not know
//! each other.

use crate::source::{Source, Token};

/// The floors, from the ground up.
const FLOORS: [&[&str]; 9] = [
    &["kernel"],
    &["market"],
    &["contract"],
    &["case", "directory", "dsve"],
    &["decide"],
    &["port"],
    &["exchange", "letters", "channel", "journal", "source", "bank"],
    &["serve", "conformance", "altinn_simulator"],
    &["cli", "console"],
];

/// The lowest floor that may log.
const FIRST_TO_LOG: usize = 6;

/// The room beside the floors: it imports only the ground, and those who may log import it.
const TELEMETRY: &str = "telemetry";

/// Rooms whose folders are siblings as well: each way in and out, and each store, stands alone.
const PARTED: [(&str, &[&str]); 2] = [
    ("channel", &["amqp", "http", "post", "altinn", "mail", "embedded", "watch"]),
    ("journal", &["sqlite", "postgres"]),
];

/// Where a path of the crate leads: a room, and the folder or file in it, on this line.
#[derive(Debug, PartialEq, Eq)]
struct Import {
    room: String,
    part: Option<String>,
    line: usize,
}

/// Complains about every path that leads up or sideways.
pub fn imports(source: &Source) -> Vec<String> {
    let Some(module) = module_of(&source.path) else { return Vec::new() };
    let Some(from) = module.first() else { return Vec::new() };
    if *from != TELEMETRY && floor(from).is_none() {
        return vec![format!("{}: the room `{from}` is on no floor of the map", source.path)];
    }
    let mut found: Vec<String> = paths(source, &module)
        .iter()
        .filter_map(|import| {
            let why = refusal(from, module.get(1).copied(), import)?;
            Some(format!("{}:{}: {why}", source.path, import.line))
        })
        .collect();
    // A group that names three things of one room is one complaint.
    found.dedup();
    found
}

/// Complains when a floor that shall not log mentions the means to.
pub fn silence(source: &Source) -> Vec<String> {
    let quiet = module_of(&source.path)
        .and_then(|module| floor(module.first()?))
        .is_some_and(|floor| floor < FIRST_TO_LOG);
    source
        .tokens
        .iter()
        .filter(|token| quiet && (token.text == "tracing" || token.text.starts_with("tracing_")))
        .map(|token| format!("{}:{}: the floors up to decide do not log", source.path, token.line))
        .collect()
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

fn refusal(from: &str, from_part: Option<&str>, import: &Import) -> Option<String> {
    let to = import.room.as_str();
    if from == to {
        let (_, parts) = PARTED.iter().find(|(room, _)| *room == to)?;
        let (here, there) = (from_part?, import.part.as_deref()?);
        let parted = here != there && parts.contains(&here) && parts.contains(&there);
        return parted.then(|| format!("`{from}/{here}` imports its sibling `{to}/{there}`"));
    }
    if from == TELEMETRY {
        return (to != "kernel")
            .then(|| format!("telemetry imports `{to}`; it may know only kernel"));
    }
    let here = floor(from)?;
    if to == TELEMETRY {
        return (here < FIRST_TO_LOG)
            .then(|| format!("`{from}` imports telemetry; it does not log"));
    }
    match floor(to) {
        None => Some(format!("`{from}` imports `{to}`, which is no room of the map")),
        Some(there) if there > here => Some(format!("`{from}` imports `{to}`, a floor above it")),
        Some(there) if there == here => Some(format!("`{from}` imports `{to}`, a room beside it")),
        Some(_) => None,
    }
}

/// `src/channel/amqp/mod.rs` is the module `channel::amqp`; the roots of the crate are no room.
fn module_of(path: &str) -> Option<Vec<&str>> {
    let inner = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    let module = inner.strip_suffix("/mod").unwrap_or(inner);
    (!matches!(module, "lib" | "main")).then(|| module.split('/').collect())
}

/// Every path that starts at the root of the crate: `crate::…`, and `super::super::…` that climbs
/// as high.
fn paths(source: &Source, module: &[&str]) -> Vec<Import> {
    let mut found = Vec::new();
    for (at, token) in source.tokens.iter().enumerate() {
        let after = source.tokens.get(at + 1).map(|next| next.text.as_str());
        if token.literal || after != Some("::") {
            continue;
        }
        if token.text == "crate" {
            found.extend(heads(&source.tokens, at + 2));
        } else if token.text == "super" && (at < 2 || !source.starts(at - 2, &["super", "::"])) {
            let mut climbed = 1;
            while source.starts(at + 2 * climbed, &["super", "::"]) {
                climbed += 1;
            }
            if climbed >= module.len() {
                // A test module inside the file is one level deeper: then the head is no room.
                let heads = heads(&source.tokens, at + 2 * climbed);
                found.extend(
                    heads
                        .into_iter()
                        .filter(|import| import.room == TELEMETRY || floor(&import.room).is_some()),
                );
            }
        }
    }
    found
}

/// The first two steps of a path, or of every path in the group that stands here.
fn heads(tokens: &[Token], at: usize) -> Vec<Import> {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let line = tokens.get(at).map_or(0, |token| token.line);
    if text(at) != "{" {
        let room = text(at).to_owned();
        let parts = if text(at + 1) == "::" { firsts(tokens, at + 2) } else { Vec::new() };
        if parts.is_empty() {
            return vec![Import { room, part: None, line }];
        }
        return parts
            .into_iter()
            .map(|(_, part)| Import { room: room.clone(), part: Some(part), line })
            .collect();
    }
    firsts(tokens, at).into_iter().flat_map(|(place, _)| heads(tokens, place)).collect()
}

/// The name that stands here, or the names that head the entries of the group that stands here.
fn firsts(tokens: &[Token], at: usize) -> Vec<(usize, String)> {
    let Some(token) = tokens.get(at) else { return Vec::new() };
    if token.text != "{" {
        return vec![(at, token.text.clone())];
    }
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let mut fresh = false;
    for (place, token) in tokens.iter().enumerate().skip(at) {
        match token.text.as_str() {
            "{" => {
                depth += 1;
                fresh = depth == 1;
            }
            "}" => depth -= 1,
            "," => fresh = depth == 1,
            name if fresh && depth == 1 => {
                found.push((place, name.to_owned()));
                fresh = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(path: &str, text: &str) -> usize {
        imports(&Source::new(path, text)).len()
    }

    #[rstest::rstest]
    #[case::up("src/kernel/id.rs", "use crate::market::no;")]
    #[case::up_inline("src/case/mod.rs", "fn a() { crate::exchange::run() }")]
    #[case::up_in_a_type("src/decide/route.rs", "struct A(crate::port::Thing);")]
    #[case::up_in_a_macro("src/kernel/id.rs", "fn a() { assert!(crate::case::ok()); }")]
    #[case::up_in_a_group(
        "src/contract/mod.rs",
        "use crate::{kernel::Finding, case::{Case, Event}};"
    )]
    #[case::up_in_a_test(
        "src/decide/mod.rs",
        "#[cfg(test)] mod tests { use crate::journal::sqlite; }"
    )]
    #[case::sideways("src/exchange/receive.rs", "use crate::channel::amqp::Publisher;")]
    #[case::sideways_below("src/case/mod.rs", "use crate::directory::Directory;")]
    #[case::by_super("src/exchange/mod.rs", "use super::journal::sqlite;")]
    #[case::by_super_twice("src/channel/amqp/mod.rs", "use super::super::{kernel, exchange::Run};")]
    #[case::sibling_channel("src/channel/amqp/consume.rs", "use crate::channel::http::Config;")]
    #[case::sibling_channel_in_a_group(
        "src/channel/amqp/a.rs",
        "use crate::channel::{amqp::B, http};"
    )]
    #[case::sibling_store("src/journal/sqlite/mod.rs", "use crate::journal::postgres::Store;")]
    #[case::unknown_room("src/exchange/mod.rs", "use crate::gadget::Thing;")]
    #[case::everything("src/exchange/mod.rs", "use crate::*;")]
    #[case::room_off_the_map("src/gadget/mod.rs", "")]
    #[case::telemetry_knows_more("src/telemetry/mod.rs", "use crate::case::Case;")]
    #[case::telemetry_below("src/decide/mod.rs", "use crate::telemetry::Chain;")]
    #[case::serve_knows_faces("src/serve/mod.rs", "use crate::cli::render;")]
    fn a_forbidden_import_is_named(#[case] path: &str, #[case] text: &str) {
        assert_eq!(complaints(path, text), 1);
    }

    #[rstest::rstest]
    #[case::down(
        "src/port/journal.rs",
        "use crate::decide::decision::Decision; use crate::case::Case;"
    )]
    #[case::own_room("src/kernel/id.rs", "use crate::kernel::Digest; use super::organisation::X;")]
    #[case::own_folder("src/channel/amqp/a.rs", "use crate::channel::{amqp::B, Shared};")]
    #[case::telemetry("src/exchange/mod.rs", "use crate::telemetry::Chain;")]
    #[case::telemetry_itself("src/telemetry/mod.rs", "use crate::kernel::Secret;")]
    #[case::a_comment("src/kernel/id.rs", "//! [`crate::exchange`]\n/// crate::cli\nfn a() {}")]
    #[case::a_text("src/kernel/id.rs", "const A: &str = \"crate::cli\";")]
    #[case::the_root("src/lib.rs", "pub mod cli;")]
    #[case::super_in_a_test("src/exchange/a.rs", "mod tests { use super::super::commit; }")]
    fn an_import_of_a_floor_below_passes(#[case] path: &str, #[case] text: &str) {
        assert_eq!(imports(&Source::new(path, text)), Vec::<String>::new());
    }

    #[test]
    fn a_pure_floor_that_logs_is_named_and_an_upper_floor_is_not() {
        let text = "fn a() { tracing::info!(\"a\"); }";
        assert_eq!(silence(&Source::new("src/decide/route.rs", text)).len(), 1);
        assert_eq!(silence(&Source::new("src/kernel/id.rs", "use tracing::warn;")).len(), 1);
        assert!(silence(&Source::new("src/exchange/receive.rs", text)).is_empty());
        assert!(silence(&Source::new("src/decide/a.rs", "// tracing::info!")).is_empty());
    }
}

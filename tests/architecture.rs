#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops at what it did not expect"
)]
//! The rules of the house, read from its sources: who may import whom, what a file must look like,
//! and that what the catalogues and ARCHITECTURE.md promise is there.
//!
//! Each check is a function from texts to complaints. Beside it stand the snippets that it must
//! complain about, for a check that cannot fail is worth nothing.

#[path = "architecture/promises.rs"]
mod promises;
#[path = "architecture/rooms.rs"]
mod rooms;
#[path = "architecture/source.rs"]
mod source;
#[path = "architecture/tidy.rs"]
mod tidy;

use source::{Source, read_tree, root};

/// Fails with every complaint, not only the first.
fn agree(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "the house has rules:\n  {}\n", complaints.join("\n  "));
}

/// What `check` says of every Rust file below these folders.
fn over(folders: &[&str], check: fn(&Source) -> Vec<String>) -> Vec<String> {
    let sources: Vec<Source> = folders.iter().flat_map(|folder| read_tree(folder)).collect();
    assert!(!sources.is_empty(), "no sources in {folders:?}");
    sources.iter().flat_map(check).collect()
}

#[test]
fn a_room_imports_only_rooms_on_floors_below_it() {
    agree(over(&["src"], rooms::imports));
}

#[test]
fn the_pure_floors_do_not_log() {
    agree(over(&["src"], rooms::silence));
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    agree(over(&["src", "tests"], tidy::length));
}

#[test]
fn every_file_says_why_it_exists() {
    agree(over(&["src", "tests"], tidy::purpose));
}

#[test]
fn no_room_is_a_drawer_for_everything() {
    agree(over(&["src"], tidy::drawer));
}

#[test]
fn nothing_is_unsafe() {
    agree(over(&["src", "tests"], tidy::safety));
}

#[test]
fn every_message_type_has_a_schema_and_an_example() {
    let names: Vec<&str> =
        innfri::contract::MessageType::ALL.into_iter().map(|kind| kind.name()).collect();
    let schemas = source::list("schemas");
    agree(promises::schemas(&names, &schemas));
    // The examples come with the message rules; until that folder exists there is nothing to hold.
    if root().join("examples/messages").exists() {
        agree(promises::examples(&names, &source::list("examples/messages/no")));
    }
}

#[test]
fn every_rule_that_is_named_stands_once_in_the_rule_catalogue() {
    agree(promises::rules(&read_tree("src")));
}

#[test]
fn every_bad_input_that_the_map_lists_has_its_test() {
    // The map is written last; from then on every row must hold.
    let Ok(map) = std::fs::read_to_string(root().join("ARCHITECTURE.md")) else { return };
    let mut sources = read_tree("src");
    sources.extend(read_tree("tests"));
    agree(promises::bad_input(&map, &sources));
}

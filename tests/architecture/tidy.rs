//! What a file must look like: not too long, opening with its purpose, no drawer, nothing unsafe.

use crate::source::Source;

/// A file that passes this many lines is two rooms.
const LONGEST: usize = 600;

/// Names of drawers: whatever is put in one of these, everybody imports it and it imports everybody.
const DRAWERS: [&str; 8] =
    ["util", "utils", "helper", "helpers", "common", "misc", "shared_utils", "tools"];

/// Complains about a file that is too long.
pub fn length(source: &Source) -> Vec<String> {
    let lines = source.text.lines().count();
    complain(lines > LONGEST, || {
        format!("{}: {lines} lines; past {LONGEST} it is two rooms", source.path)
    })
}

/// Complains about a file without `//!`. In a source it comes first; in a test file it may follow the
/// lints that the test lifts.
pub fn purpose(source: &Source) -> Vec<String> {
    let told = if source.path.starts_with("tests/") {
        source.text.lines().any(says_something)
    } else {
        source.text.lines().next().is_some_and(says_something)
    };
    complain(!told, || format!("{}: does not open with `//!` and its purpose", source.path))
}

fn says_something(line: &str) -> bool {
    line.strip_prefix("//!").is_some_and(|rest| !rest.trim().is_empty())
}

/// Complains about a file or folder whose name says nothing.
pub fn drawer(source: &Source) -> Vec<String> {
    let named = source
        .path
        .trim_end_matches(".rs")
        .split('/')
        .find(|part| DRAWERS.contains(part))
        .map(str::to_owned);
    complain(named.is_some(), || {
        format!("{}: `{}` is a drawer, not a room", source.path, named.unwrap_or_default())
    })
}

/// Complains about unsafe code, also where the lint of the library does not look.
pub fn safety(source: &Source) -> Vec<String> {
    source
        .tokens
        .iter()
        .filter(|token| token.text == "unsafe")
        .map(|token| format!("{}:{}: unsafe code", source.path, token.line))
        .collect()
}

fn complain(wrong: bool, words: impl FnOnce() -> String) -> Vec<String> {
    if wrong { vec![words()] } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_601_lines_is_too_long_and_one_of_600_is_not() {
        assert_eq!(length(&Source::new("src/a.rs", &"//! A\n".repeat(601))).len(), 1);
        assert!(length(&Source::new("src/a.rs", &"//! A\n".repeat(600))).is_empty());
    }

    #[test]
    fn a_file_without_a_purpose_is_named() {
        assert_eq!(purpose(&Source::new("src/a.rs", "fn a() {}\n")).len(), 1);
        assert_eq!(purpose(&Source::new("src/a.rs", "//!\nfn a() {}\n")).len(), 1);
        assert_eq!(purpose(&Source::new("src/a.rs", "// why\nfn a() {}\n")).len(), 1);
        assert_eq!(purpose(&Source::new("tests/a.rs", "#![allow(x)]\nfn a() {}\n")).len(), 1);
        assert!(purpose(&Source::new("tests/a.rs", "#![allow(x)]\n//! Why.\n")).is_empty());
        assert!(purpose(&Source::new("src/a.rs", "//! Why.\n")).is_empty());
    }

    #[test]
    fn a_drawer_is_named_as_file_and_as_folder() {
        for path in
            ["src/exchange/utils.rs", "src/util/mod.rs", "src/a/helpers.rs", "src/common.rs"]
        {
            assert_eq!(drawer(&Source::new(path, "")).len(), 1, "{path}");
        }
        assert!(drawer(&Source::new("src/exchange/commit.rs", "")).is_empty());
    }

    #[test]
    fn unsafe_code_is_named_and_the_word_in_a_comment_is_not() {
        assert_eq!(safety(&Source::new("src/a.rs", "fn a() { unsafe { b() } }")).len(), 1);
        assert!(
            safety(&Source::new("src/a.rs", "// unsafe\nconst A: &str = \"unsafe\";")).is_empty()
        );
    }
}

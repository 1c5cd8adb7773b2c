//! What the catalogues and the map promise: schemas, examples, rules, and a test for every bad input.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::Source;

/// Where the rule catalogue stands.
const RULES: &str = "src/market/no/rules/";

/// Complains about a message type without its schema file.
pub fn schemas(types: &[&str], files: &[String]) -> Vec<String> {
    types
        .iter()
        .filter(|name| !files.iter().any(|file| file.ends_with(&format!("/{name}.json"))))
        .map(|name| format!("message type {name} has no file schemas/<market>/{name}.json"))
        .collect()
}

/// Complains about a message type that no example shows. An example bears the type's own word in its
/// path: `no.dsve.status.v1` is shown by `…/status-solgt.json` and by `…/no.dsve.status.v1/solgt.json`.
pub fn examples(types: &[&str], files: &[String]) -> Vec<String> {
    types
        .iter()
        .filter(|name| {
            let word = own_word(name);
            let shows = |file: &&String| {
                file.split(|sign: char| !sign.is_ascii_alphanumeric()).any(|part| part == word)
            };
            !files.iter().any(|file| shows(&file))
        })
        .map(|name| format!("message type {name} has no example under examples/messages/no"))
        .collect()
}

fn own_word(name: &str) -> &str {
    name.rsplit('.').nth(1).unwrap_or(name)
}

/// Complains about a rule that is named somewhere in the sources (a comment of a `pub` item counts)
/// and does not stand in the catalogue, or stands there twice. Tests may invent rules.
pub fn rules(sources: &[Source]) -> Vec<String> {
    let mut defined: BTreeMap<String, usize> = BTreeMap::new();
    let mut named: BTreeSet<(String, String)> = BTreeSet::new();
    for source in sources {
        for token in source.tokens_outside_tests() {
            if !token.literal {
                continue;
            }
            for id in rule_ids(&token.text) {
                if source.path.starts_with(RULES) && token.text == format!("\"{id}\"") {
                    *defined.entry(id).or_default() += 1;
                } else {
                    named.insert((id, format!("{}:{}", source.path, token.line)));
                }
            }
        }
    }
    if defined.is_empty() {
        // The ground was laid before the rules: an example in a comment is not yet a promise.
        let early = named.iter().filter(|(_, place)| !place.starts_with("src/kernel/"));
        return early.map(|(id, place)| format!("{place}: {id} is in no rule catalogue")).collect();
    }
    let twice = defined
        .iter()
        .filter(|(_, count)| **count > 1)
        .map(|(id, count)| format!("{id} stands {count} times in {RULES}"));
    let missing = named
        .iter()
        .filter(|(id, _)| !defined.contains_key(id))
        .map(|(id, place)| format!("{place}: {id} is not in {RULES}"));
    twice.chain(missing).collect()
}

/// Every `INN-` with three digits in a text.
fn rule_ids(text: &str) -> Vec<String> {
    text.split("INN-")
        .skip(1)
        .map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>())
        .filter(|digits| digits.len() == 3)
        .map(|digits| format!("INN-{digits}"))
        .collect()
}

/// Complains about a row under the heading "Bad input" whose last column names no test, and about a
/// map without such rows.
pub fn bad_input(map: &str, sources: &[Source]) -> Vec<String> {
    let tests: BTreeSet<&str> = sources.iter().flat_map(test_names).collect();
    let rows = bad_input_rows(map);
    if rows.is_empty() {
        return vec!["ARCHITECTURE.md has no table under a heading \"Bad input\"".to_owned()];
    }
    rows.iter()
        .filter_map(|(line, cell)| match backticked(cell).as_slice() {
            [] => {
                Some(format!("ARCHITECTURE.md:{line}: the last column names no test in backticks"))
            }
            names => names
                .iter()
                .find(|name| !tests.contains(name.rsplit("::").next().unwrap_or(name)))
                .map(|name| format!("ARCHITECTURE.md:{line}: there is no test `{name}`")),
        })
        .collect()
}

/// The rows of the tables under that heading, as line and last cell.
fn bad_input_rows(map: &str) -> Vec<(usize, String)> {
    let mut rows = Vec::new();
    let mut level: Option<usize> = None;
    let mut in_body = false;
    for (at, line) in map.lines().enumerate() {
        let marks = line.chars().take_while(|sign| *sign == '#').count();
        if marks > 0 {
            let opens = line.to_lowercase().contains("bad input");
            level = if opens { Some(marks) } else { level.filter(|level| marks > *level) };
            in_body = false;
        } else if !line.trim_start().starts_with('|') {
            in_body = false;
        } else if is_rule(line) {
            in_body = true;
        } else if in_body && level.is_some() {
            let cells: Vec<&str> = line.trim().trim_matches('|').split('|').collect();
            rows.push((
                at + 1,
                cells.last().map_or_else(String::new, |cell| cell.trim().to_owned()),
            ));
        }
    }
    rows
}

/// Whether a line is the one between a table's head and its rows.
fn is_rule(line: &str) -> bool {
    line.contains('-') && line.chars().all(|sign| matches!(sign, '|' | '-' | ':' | ' '))
}

fn backticked(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).map(|name| name.trim_end_matches("()")).collect()
}

/// The functions of a file that the test runner runs.
fn test_names(source: &Source) -> Vec<&str> {
    let text = |at: usize| source.tokens.get(at).map_or("", |token| token.text.as_str());
    (0..source.tokens.len())
        .filter(|at| text(*at) == "fn" && runs_as_test(source, *at))
        .map(|at| text(at + 1))
        .collect()
}

/// Whether an attribute before this `fn` makes it a test.
fn runs_as_test(source: &Source, place: usize) -> bool {
    let mut depth = 0_usize;
    for token in source.tokens.iter().take(place).rev() {
        match token.text.as_str() {
            "]" | ")" => depth += 1,
            "[" | "(" => match depth.checked_sub(1) {
                Some(shallower) => depth = shallower,
                None => return false,
            },
            "test" | "rstest" if depth == 1 => return true,
            ";" | "{" | "}" if depth == 0 => return false,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "no.dsve.status.v1";

    #[test]
    fn a_message_type_without_a_schema_is_named() {
        assert_eq!(schemas(&[TYPE], &["schemas/no/no.dsve.other.v1.json".to_owned()]).len(), 1);
        assert!(schemas(&[TYPE], &["schemas/no/no.dsve.status.v1.json".to_owned()]).is_empty());
    }

    #[test]
    fn a_message_type_without_an_example_is_named() {
        let file = |name: &str| vec![format!("examples/messages/no/{name}")];
        assert_eq!(examples(&[TYPE], &file("statusliste.json")).len(), 1);
        assert!(examples(&[TYPE], &file("status.json")).is_empty());
        assert!(examples(&[TYPE], &file("no.dsve.status.v1/solgt.json")).is_empty());
    }

    fn catalogue(text: &str) -> Source {
        Source::new("src/market/no/rules/mod.rs", text)
    }

    #[test]
    fn a_rule_that_is_named_but_not_listed_is_found() {
        let list = catalogue("const A: RuleId = RuleId::new(\"INN-001\");");
        let user = Source::new("src/decide/a.rs", "const B: &str = \"INN-002\";");
        let doc = Source::new("src/decide/b.rs", "/// See INN-003.\nfn b() {}");
        let fine = Source::new("src/decide/c.rs", "/// INN-001, INN-1 and INN-nnn\nfn c() {}");
        assert_eq!(rules(&[list, user, doc, fine]).len(), 2);
    }

    #[test]
    fn a_rule_that_stands_twice_is_found() {
        let twice = catalogue("const A: &str = \"INN-001\"; const B: &str = \"INN-001\";");
        assert_eq!(rules(&[twice]).len(), 1);
        let test =
            "const A: &str = \"INN-001\"; #[cfg(test)] mod tests { fn a() { \"INN-001\"; } }";
        assert!(rules(&[catalogue(test)]).is_empty());
    }

    #[test]
    fn a_rule_that_is_named_before_there_is_a_catalogue_is_found() {
        let user = Source::new("src/decide/a.rs", "const B: &str = \"INN-002\";");
        assert_eq!(rules(&[user]).len(), 1);
    }

    const TESTS: &str = "
        #[test] fn is_refused() {}
        #[tokio::test(flavor = \"multi_thread\")] async fn is_put_back() {}
        #[rstest] #[case(1)] fn is_kept(#[case] a: u8) {}
        fn is_no_test() {}";

    fn map(row: &str) -> String {
        format!(
            "# Map\n\n| a | `other` |\n|---|---|\n| b | `nowhere` |\n\n## Bad input\n\nWords.\n\n| what | test |\n|---|:--|\n{row}\n\n## Next\n\n| c | d |\n|---|---|\n| e | `nowhere` |\n"
        )
    }

    #[rstest::rstest]
    #[case::no_such_test("| x | `is_gone` |")]
    #[case::no_test_at_all("| x | y |")]
    #[case::a_function_that_is_no_test("| x | `is_no_test` |")]
    #[case::one_of_two("| x | `is_refused`, `is_gone` |")]
    #[case::no_row("")]
    fn a_bad_input_without_a_test_is_named(#[case] row: &str) {
        let sources = [Source::new("tests/a.rs", TESTS)];
        assert_eq!(bad_input(&map(row), &sources).len(), 1);
    }

    #[rstest::rstest]
    #[case("| x | `is_refused` |")]
    #[case("| x | y | `is_put_back`, `is_kept()` |")]
    #[case("| x | `channel::tests::is_refused` |\n| y | `is_kept` |")]
    fn a_bad_input_with_its_test_passes(#[case] row: &str) {
        let sources = [Source::new("tests/a.rs", TESTS)];
        assert_eq!(bad_input(&map(row), &sources), Vec::<String>::new());
    }

    #[test]
    fn a_map_without_the_table_is_named() {
        assert_eq!(bad_input("# Map\n", &[]).len(), 1);
    }
}

//! The guide to the messages, as Markdown, made from the schemas, the rules and the examples.

mod concerns;
mod fields;

use self::concerns::{about_the_way, about_xml, any_message, rules_of};
use self::fields::{Field, fields_of};
use super::catalogue::{Direction, MessageType};
use super::example::examples_of;
use super::ordered::Json;
use super::parts::schema_of;
use crate::market::no::rules::RuleDoc;

const OPENING: &str = "# The messages

<!-- Made by `innfri messages` from the schemas, the rules and the examples: do not edit. -->

One section per message type: what it is for, its fields, the rules about it, a whole example. The
names are those of Norway's DSVE specification. JSON Schemas are in [schemas/no/](../schemas/no/), more
examples in [examples/messages/no/](../examples/messages/no/), wrong ones with what is said of them in
[examples/messages/no/wrong/](../examples/messages/no/wrong/). `innfri check FILE` checks a message
offline; `innfri explain INN-021` explains a rule.

How messages travel is in [schemas/asyncapi.json](../schemas/asyncapi.json) (AMQP) and
[schemas/openapi.json](../schemas/openapi.json) (HTTP).

In the tables, *required* means within its object: `avsender.adresse.postnummer` is required where there
is an `avsender.adresse`. A name ending in `[]` is a list. No field may be given that is not listed, and
none may be `null`: leave out what is not there.
";

/// The guide.
pub fn messages() -> String {
    let mut page = OPENING.to_owned();
    contents(&mut page);
    for kind in MessageType::ALL {
        section(&mut page, kind);
    }
    page.push_str(
        "\n## Every message\n\nThese rules are about the form of any message, whatever its type.\n\n",
    );
    rule_table(&mut page, &any_message());
    page.push_str(
        "\n## On the way\n\nThese rules are about a message's way rather than its content: who sends it, \
         under which name, what it answers.\n\n",
    );
    rule_table(&mut page, &about_the_way());
    page.push_str(
        "\n## In DSVE's own form\n\nThese rules are about messages as XML, the way they travel through \
         Altinn, and from INN-080 about the ZIP file around it. Findings in XML point at elements and \
         attributes, as in `/restgjeldssvar/laanliste/laan[2]/saldo`.\n\n",
    );
    rule_table(&mut page, &about_xml());
    page
}

fn line(page: &mut String, words: &str) {
    page.push_str(words);
    page.push('\n');
}

fn contents(page: &mut String) {
    page.push_str("\n| type | what it is for | sent by | answered by |\n|---|---|---|---|\n");
    for kind in MessageType::ALL {
        let answered = kind.answered_by().map_or_else(
            || "–".to_owned(),
            |answer| format!("`{answer}` or `{}`", MessageType::Status),
        );
        line(
            page,
            &format!(
                "| [`{kind}`](#{}) | {} | {} | {answered} |",
                kind.name().replace('.', ""),
                said(kind, "description"),
                sender(kind.direction()),
            ),
        );
    }
}

const fn sender(direction: Direction) -> &'static str {
    match direction {
        Direction::Request => "an asker, to a bank",
        Direction::Answer => "the bank that was asked, to the asker",
        Direction::Status => "the bank that was asked, or innfri, to the asker",
        Direction::Notice => "innfri alone",
    }
}

fn said(kind: MessageType, field: &str) -> String {
    schema_of(kind).get(field).and_then(Json::text).unwrap_or_default().to_owned()
}

fn section(page: &mut String, kind: MessageType) {
    line(
        page,
        &format!("\n## `{kind}`\n\n**{}.** {}\n", said(kind, "title"), said(kind, "description")),
    );
    line(page, &format!("Sent by {}.{}\n", sender(kind.direction()), answers(kind)));
    page.push_str("| field | required | meaning | form | rules | example |\n");
    page.push_str("|---|---|---|---|---|---|\n");
    for field in fields_of(kind) {
        row(page, kind, &field);
    }
    let rules = rules_of(kind);
    if !rules.is_empty() {
        page.push_str("\nRules that concern it:\n\n");
        rule_table(page, &rules);
    }
    if let Some(example) = examples_of(kind).next() {
        line(
            page,
            &format!(
                "\nA whole example (`{kind}.{}.json`):\n\n```json\n{}\n```",
                example.name,
                example.json.trim_end()
            ),
        );
    }
}

fn answers(kind: MessageType) -> String {
    match kind.answered_by() {
        Some(answer) => format!(
            " Answered by [`{answer}`](#{}) or, where no amounts can be given, by [`{status}`](#{}).",
            answer.name().replace('.', ""),
            MessageType::Status.name().replace('.', ""),
            status = MessageType::Status,
        ),
        None => String::new(),
    }
}

fn row(page: &mut String, kind: MessageType, field: &Field) {
    let rules: Vec<String> =
        concerns::rules_about(kind, field).iter().map(|rule| rule.id.to_string()).collect();
    let example = field.example.as_ref().map(|it| format!("`{it}`")).unwrap_or_default();
    line(
        page,
        &format!(
            "| `{}` | {} | {} | {} | {} | {example} |",
            field.path,
            field.presence,
            field.meaning,
            field.form,
            rules.join(", "),
        ),
    );
}

fn rule_table(page: &mut String, rules: &[&RuleDoc]) {
    page.push_str("| rule | what it says | a breach is | what to do |\n|---|---|---|---|\n");
    for rule in rules {
        let level = rule.level.to_string();
        let level = level.split_once(':').map_or(level.as_str(), |(word, _)| word);
        line(
            page,
            &format!(
                "| {} | {}. *{}* | {level} | {} |",
                rule.id,
                capital(rule.title),
                rule.no,
                rule.what_to_do
            ),
        );
    }
}

fn capital(text: &str) -> String {
    let mut signs = text.chars();
    signs.next().map(|first| first.to_uppercase().chain(signs).collect()).unwrap_or_default()
}

//! The list: every check with what it stands for and what to do when it fails. `docs/conformance.md` is
//! made from it.

use serde::Serialize;

/// Whom a check is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum For {
    /// Every partner.
    Everybody,
    /// Who asks.
    Agents,
    /// Who answers.
    Banks,
}

/// One check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its name, which stays: `CNF-01` and so on.
    pub id: &'static str,
    /// Whom it is for.
    #[serde(rename = "for")]
    pub whom: For,
    /// What a partner's system does that passes it.
    pub title: &'static str,
    /// Which promise hangs on it.
    pub why: &'static str,
    /// How it is tried.
    pub how: &'static str,
    /// What to do when it fails.
    pub what_to_do: &'static str,
}

macro_rules! checks {
    ($($name:ident = $id:literal, $whom:ident, $title:literal, $why:literal, $how:literal, $todo:literal;)*) => {
        $(
            #[doc = concat!($id, ": ", $title, ".")]
            pub const $name: Check = Check {
                id: $id,
                whom: For::$whom,
                title: $title,
                why: $why,
                how: $how,
                what_to_do: $todo,
            };
        )*
        /// Every check, in the order of the list.
        pub const CHECKS: &[Check] = &[$($name),*];
    };
}

checks! {
    CONNECTED = "CNF-01", Everybody, "Connects, signs in and consumes",
        "Nothing else can be tried before.",
        "The tool waits until the system has connected to its line with a login that the directory lets speak for the organisation, and consumes from its queue.",
        "Connect to the address that the tool prints, with your own login of the sandbox, and consume from your queue with acknowledgements.";
    IDENTITY = "CNF-02", Everybody, "Sets its identity on every message",
        "Nobody speaks for another: innfri takes a sender's word for nothing, and a message that nobody has signed becomes a dead letter.",
        "Every message that the system publishes is looked at on the line.",
        "Set user_id to the login, message_id to a UUID, type to the message type and content_type to application/json; in an answer also correlation_id.";
    RECOMMENDED = "CNF-03", Everybody, "Sets what helps when something goes wrong",
        "A message that outlives no restart, or that vanishes when no queue takes it, is lost without a trace. Never fails: it advises.",
        "Every message that the system publishes is looked at on the line.",
        "Publish persistent (delivery_mode 2) and mandatory; set app_id to your system's name and version, and timestamp.";
    CONFIRMS = "CNF-04", Everybody, "Waits for confirms, and publishes again under the same id",
        "Confirmed to the sender means in the journal. What was not confirmed may be lost, and what is published again under another id is a second message.",
        "The tool withholds one confirmation and cuts the line. The same message must come again: same message_id, same content. A bank must not have acknowledged the request meanwhile.",
        "Switch on publisher confirms, keep message and id until the confirm is there, and publish what was not confirmed again, unchanged, after reconnecting. Acknowledge what you answer only then.";
    RECONNECTS = "CNF-05", Everybody, "Reconnects after a lost connection, and goes on",
        "Connections break: a node is restarted, a firewall forgets. What was not acknowledged waits.",
        "The tool cuts the line in the middle of a delivery. The system must connect again and take the message.",
        "Connect again by yourself, with growing pauses that hold some chance, and consume anew.";
    DUPLICATES = "CNF-06", Everybody, "Takes what comes twice, with one effect",
        "At least once means that a message may come twice. One effect per case is kept only if both sides recognise a repeat.",
        "The tool withholds the acknowledgement of a delivery and cuts the line: RabbitMQ delivers it again. It must be acknowledged, and a bank must not give a second, different answer.",
        "Recognise a repeat by message_id and acknowledge it. A bank derives its answer's id from the request's id (UUIDv5, say), or keeps the answer, so that the same question gets the same answer.";
    RESTGJELD = "CNF-11", Banks, "Answers a restgjeldsforespoersel",
        "It is what the market asks for.",
        "The tool asks as an agent. An answer of the right type or a status must come, and innfri must accept it.",
        "Answer to the exchange innfri.answers with no.dsve.restgjeldssvar.v1 or no.dsve.status.v1; `innfri check FILE` finds what is wrong with an answer, `innfri explain RULE` says more.";
    INNFRIELSE = "CNF-12", Banks, "Answers an innfrielsessaldoforespoersel",
        "It is what the market asks for.",
        "The tool asks as an agent. An answer of the right type or a status must come, and innfri must accept it.",
        "Answer to the exchange innfri.answers with no.dsve.innfrielsessaldosvar.v1 or no.dsve.status.v1; `innfri check FILE` finds what is wrong with an answer, `innfri explain RULE` says more.";
    CORRELATION = "CNF-13", Banks, "Says which request it answers",
        "An answer that belongs to no request reaches nobody.",
        "The correlation id of every answer is looked at on the line.",
        "Set correlation_id to the message_id of the request as it was delivered to you.";
    REJECTION = "CNF-14", Banks, "Takes a rejection",
        "A wrong message gets a useful answer: it waits in the bank's answers queue, and the case stays open.",
        "The tool spoils an answer on its way, or asks what the bank's test data answers wrongly (--wrong-first): innfri rejects it. The rejection must be consumed and acknowledged.",
        "Consume from innfri.org.no.ORGNR.answers too, keep or show innfri.rejection.v1 with its findings, and acknowledge it.";
    CORRECTION = "CNF-15", Banks, "Sends the right answer after a rejection, under a new id",
        "A case whose answer was rejected waits until a right one comes; the rejected id stands for the rejected content.",
        "After the rejection the tool waits for a new answer to the same request.",
        "Correct what the findings name and answer again, with the same correlation_id and a new message_id.";
    REFUSED = "CNF-21", Agents, "Takes a refusal with findings",
        "A wrong message gets a useful answer: FEIL / UGYLDIG_MELDING with every finding, as the outcome.",
        "The tool spoils a request on its way: innfri refuses it. The outcome must be consumed and acknowledged.",
        "Show statuskode FEIL with its text and findings to whoever asked, and acknowledge it.";
    NEWEST = "CNF-22", Agents, "Takes a newer answer, which replaces the older",
        "A bank may correct itself: the newest outcome counts.",
        "The tool answers as the bank with a status, then with amounts. Both must be acknowledged; what the system then shows is for a person to say (--ask).",
        "Keep the outcome with the highest header innfri-revision and show it; never refuse a second one.";
    LATE = "CNF-23", Agents, "Takes a late answer after a FEIL",
        "FEIL / TEKNISK_FEIL or IKKE_SVART_I_TIDE may be followed by the answer itself: it replaces the failure.",
        "The tool answers as the bank with FEIL, then with amounts. Both must be acknowledged; what the system then shows is for a person to say (--ask).",
        "Do not close a case on FEIL: take the answer that comes later and show it.";
}

const OPENING: &str = "# The conformance list

<!-- Made by `innfri conformance --list` from the checks: do not edit. -->

What a partner's system must do to take part, as checks that are run against it in a sandbox: an
installation of innfri with `environment = \"test\"`. The system is not changed for it, only the address that
it connects to: it speaks through a line that the tool watches, and cuts.

```console
$ export INNFRI_PEER_URL=amqp://megler:megler@127.0.0.1/%2f    # a login of the other side: here, an agent's
$ innfri conformance --as 918190937 --config innfri.toml --listen 127.0.0.1:5673
```

Then start the system under test with that address (`amqp://127.0.0.1:5673`) and its own login. A bank is
asked by the tool; an agent's system is to send five requests or more to a bank that the tool's login
speaks for. Nobody else may answer for that bank meanwhile. It needs plain AMQP in the sandbox.

Each check ends in one of four: **pass**; **fail**; **advice**, which fails nothing; **not shown**, when it
could not be tried, or cannot be seen from outside: the words say what to look at. The exit code is 0 when
nothing failed, 1 otherwise.

A bank answers with the data that it has: `--requests FOLDER` names requests to ask (as in
`examples/clients/requests`), else examples are asked. CNF-15 needs a bank that corrects itself within
`--timeout`, by program or by hand; `--wrong-first FILE` names a request that its test data answers wrongly
at first. `--ask` lets the person who runs the tool say whether an agent's system shows the newest answer.
";

/// The list as Markdown.
pub fn markdown() -> String {
    let mut page = OPENING.to_owned();
    for (whom, title) in
        [(For::Everybody, "Everybody"), (For::Banks, "Banks"), (For::Agents, "Agents")]
    {
        page.push_str(&format!("\n## {title}\n\n"));
        page.push_str(
            "| check | what | why | how it is tried | what to do |\n|---|---|---|---|---|\n",
        );
        for check in CHECKS.iter().filter(|check| check.whom == whom) {
            page.push_str(&format!(
                "| {} | {} | {} | {} | {} |\n",
                check.id, check.title, check.why, check.how, check.what_to_do
            ));
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_a_name_of_its_own_and_no_cell_breaks_the_table() {
        let names: std::collections::BTreeSet<_> = CHECKS.iter().map(|check| check.id).collect();
        assert_eq!(names.len(), CHECKS.len());
        for check in CHECKS {
            for text in [check.title, check.why, check.how, check.what_to_do] {
                assert!(!text.is_empty() && !text.contains(['|', '\n']), "{}", check.id);
            }
        }
    }

    #[test]
    fn the_page_names_every_check_once_in_a_row_of_its_own() {
        let page = markdown();
        for check in CHECKS {
            assert_eq!(page.matches(&format!("\n| {} |", check.id)).count(), 1);
        }
    }
}

//! What is published of the contract: the files are those the program prints, the examples in them are
//! all there are, and the AMQP names are those innfri declares.

use std::collections::BTreeSet;
use std::path::Path;

use innfri::channel::amqp::{AmqpConfig, Topology};
use innfri::contract::amqp_names::{ANSWERS, ANSWERS_QUEUE, DELIVERIES, REQUESTS, REQUESTS_QUEUE};
use innfri::contract::example::EXAMPLES;
use innfri::contract::{MessageType, PROBLEMS, ROUTES, asyncapi, messages, openapi};
use innfri::kernel::{Limits, Secret};
use innfri::source::file;
use jsonschema::Validator;
use serde_json::{Value, json};

use super::wrong::{self, Wrong};
use super::{check, kind_of, rules_and_places};

fn kept(path: &str, made: &str, command: &str) {
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == made,
        "{path} is out of date: run `cargo run -- {command} > {path}` and look at what changed"
    );
}

#[test]
fn the_amqp_contract_in_the_repository_is_the_one_the_program_prints() {
    kept("schemas/asyncapi.json", &asyncapi().pretty(), "asyncapi");
}

#[test]
fn the_http_contract_in_the_repository_is_the_one_the_program_prints() {
    kept("schemas/openapi.json", &openapi().pretty(), "openapi");
}

#[test]
fn the_guide_in_the_repository_is_the_one_the_program_prints() {
    kept("docs/messages.md", &messages(), "messages");
}

#[test]
fn every_example_file_is_compiled_in_as_it_is() {
    let mut files = BTreeSet::new();
    for file in std::fs::read_dir("examples/messages/no").unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            files.insert(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
    }
    let mut compiled = BTreeSet::new();
    for example in EXAMPLES {
        let name = format!("{}.{}.json", example.message_type, example.name);
        let text = std::fs::read_to_string(Path::new("examples/messages/no").join(&name)).unwrap();
        assert_eq!(text, example.json, "{name}");
        assert_eq!(kind_of(Path::new(&name)), example.message_type);
        compiled.insert(name);
    }
    assert_eq!(compiled, files);
}

/// A schema of a published document, with the rest of the document for its references.
fn schema_within(document: &Value, schema: &Value) -> Validator {
    let mut root = document.clone();
    let inner = json!({"allOf": [schema]});
    root.as_object_mut().unwrap().extend(inner.as_object().unwrap().clone());
    jsonschema::draft202012::options().should_validate_formats(true).build(&root).unwrap()
}

/// The schema files, by a plain validator.
struct Schemas(Vec<(MessageType, jsonschema::Validator)>);

impl Schemas {
    fn new() -> Self {
        let compile = |kind: MessageType| {
            let schema: Value = serde_json::from_str(kind.schema()).unwrap();
            let options = jsonschema::draft202012::options().should_validate_formats(true);
            (kind, options.build(&schema).unwrap())
        };
        Self(MessageType::ALL.into_iter().map(compile).collect())
    }

    fn accepts(&self, kind: MessageType, message: &Value) -> bool {
        self.0.iter().find(|(known, _)| *known == kind).expect("a type").1.is_valid(message)
    }
}

fn value(document: &str) -> Value {
    serde_json::from_str(document).unwrap()
}

/// The schemas of both documents are other texts than the files; they must say the same.
#[test]
fn the_published_schemas_judge_every_example_as_the_schema_files_do() {
    let own = Schemas::new();
    for document in [value(&asyncapi().pretty()), value(&openapi().pretty())] {
        for kind in MessageType::ALL {
            let published = &document["components"]["schemas"][kind.name()];
            assert!(published.is_object(), "{kind}");
            let published = schema_within(&document, published);
            for example in EXAMPLES.iter().filter(|it| it.message_type == kind) {
                assert!(published.is_valid(&value(example.json)), "{kind} {}", example.name);
            }
            for Wrong { name, message, .. } in wrong::wrong_examples(kind) {
                assert!(!published.is_valid(&message), "{kind} {name}");
                assert!(!own.accepts(kind, &message), "{kind} {name}");
            }
        }
    }
}

#[test]
fn every_wrong_example_has_exactly_the_findings_it_names() {
    for kind in MessageType::ALL {
        let examples = wrong::wrong_examples(kind);
        assert!(examples.len() >= 5, "{kind}: {}", examples.len());
        for Wrong { name, message, findings } in examples {
            let checked = check(kind, message.to_string().as_bytes());
            assert!(checked.message.is_none(), "{kind} {name}");
            let found = rules_and_places(&checked.findings);
            assert_eq!(found, findings, "{kind} {name}");
        }
    }
}

/// The examples of the interface's own schemas, in requests and answers.
#[test]
fn the_examples_of_the_http_contract_fit_its_schemas() {
    fn walk(document: &Value, at: &Value, looked_at: &mut usize) {
        if let (Some(schema), Some(example)) = (at.get("schema"), at.get("example")) {
            let schema = schema_within(document, schema);
            let errors: Vec<String> =
                schema.iter_errors(example).map(|it| it.to_string()).collect();
            assert!(errors.is_empty(), "{example}: {errors:?}");
            *looked_at += 1;
        }
        match at {
            Value::Object(fields) => fields.values().for_each(|it| walk(document, it, looked_at)),
            Value::Array(items) => items.iter().for_each(|it| walk(document, it, looked_at)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let document = value(&openapi().pretty());
    let mut looked_at = 0;
    walk(&document, &document, &mut looked_at);
    assert!(looked_at >= PROBLEMS.len() + 6, "{looked_at}");
}

#[test]
fn every_route_is_in_the_http_contract_with_every_status_and_no_other_route_is() {
    let document = value(&openapi().pretty());
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["get", "post", "put", "patch", "delete"] {
            if let Some(operation) = item.get(method) {
                let statuses = operation["responses"].as_object().unwrap();
                let statuses: Vec<u16> = statuses.keys().map(|it| it.parse().unwrap()).collect();
                described.insert((method.to_uppercase(), path.clone(), statuses));
            }
        }
    }
    let routes: BTreeSet<_> = ROUTES
        .iter()
        .map(|route| (route.method.name().to_owned(), route.path.to_owned(), route.statuses()))
        .collect();
    assert_eq!(described, routes);
}

#[test]
fn the_amqp_contract_names_what_innfri_declares() {
    let text = include_str!("../../examples/tour/directory.toml");
    let directory = file::parse(text, Path::new("directory.toml")).unwrap();
    let config = AmqpConfig::new(Secret::new("amqp://innfri:innfri@127.0.0.1/%2f"));
    let declared = serde_json::to_value(Topology::of(&directory, &config)).unwrap();
    let contract = value(&asyncapi().pretty());

    for (channel, name) in [("requests", REQUESTS), ("answers", ANSWERS)] {
        let said = &contract["channels"][channel]["bindings"]["amqp"]["exchange"];
        let exchange = json!({"name": said["name"], "type": said["type"]});
        assert_eq!(said["name"], name);
        assert!(declared["exchanges"].as_array().unwrap().contains(&exchange), "{exchange}");
    }
    for (channel, pattern) in [("requestsQueue", REQUESTS_QUEUE), ("answersQueue", ANSWERS_QUEUE)] {
        let said = &contract["channels"][channel];
        assert_eq!(said["bindings"]["amqp"]["queue"]["name"], pattern);
        let name = pattern.replace("{country}", "no").replace("{number}", "918190937");
        let queues = declared["queues"].as_array().unwrap();
        let queue = queues.iter().find(|queue| queue["name"] == name).expect("the queue");
        assert_eq!(queue["arguments"], said["x-queue-arguments"]);
        let binding = json!({"source": DELIVERIES, "queue": name, "routing_key": name});
        assert!(declared["bindings"].as_array().unwrap().contains(&binding), "{binding}");
    }
}

#[test]
fn the_limit_that_the_contract_shows_is_the_limit_in_force() {
    assert!(openapi().pretty().contains(&format!("{} bytes", Limits::default().body_bytes)));
}

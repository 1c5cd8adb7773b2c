//! Initialising: what a sender announces, and everything that can be wrong with it.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::authentication::Need;
use super::party;
use super::problem::{Code, Refusal, fresh_id};
use super::server::{Shared, Simulator, has_type, read_body};
use super::transfer::Announcement;
use crate::kernel::OrganisationId;

const LONGEST_NAME: usize = 255;
const LONGEST_REFERENCE: usize = 4096;
const MOST_PROPERTIES: usize = 10;
const LONGEST_KEY: usize = 50;
const LONGEST_VALUE: usize = 3000;
/// A limit of the stand-in's own.
const MOST_RECIPIENTS: usize = 100;

/// `POST …/filetransfer`.
pub(super) async fn initialise(
    State(simulator): State<Shared>,
    headers: HeaderMap,
    body: Body,
) -> Result<axum::Json<Value>, Refusal> {
    let caller = simulator.caller(&headers, Need::Write)?;
    if !has_type(&headers, "application/json") {
        let text = "The content type must be application/json";
        return Err(Refusal::plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    let limits = &simulator.config.limits;
    let body = read_body(body, limits.body_bytes, limits.body_seconds).await?;
    let body: Value = serde_json::from_slice(&body)
        .map_err(|_| Refusal::field("$", "The body is not JSON in UTF-8"))?;
    let said = read(&body)?;
    let id = simulator.announce(&caller, said)?;
    Ok(axum::Json(json!({ "fileTransferId": id })))
}

impl Simulator {
    /// Takes in what a caller announces.
    pub(super) fn announce(
        &self,
        caller: &OrganisationId,
        said: Announcement,
    ) -> Result<Uuid, Refusal> {
        let resource = self.resource(&said.resource).ok_or(Code::InvalidResource)?;
        let may = resource.rights.as_ref().is_none_or(|rights| rights.contains(caller));
        if !may || said.sender != *caller {
            return Err(Code::NoAccess.into());
        }
        if !resource.owner_configured {
            return Err(Code::ServiceOwnerNotConfigured.into());
        }
        if !resource.storage_ready {
            return Err(Refusal::from(Code::StorageNotReady).after(5));
        }
        let listed = |recipient| {
            resource.access_list.as_ref().is_none_or(|listed| listed.contains(recipient))
        };
        if !said.recipients.iter().all(listed) {
            return Err(Code::RecipientNotInAccessList.into());
        }
        if let Some(required) = &resource.required_party
            && said.sender != *required
            && said.recipients != [required.clone()]
        {
            return Err(Code::RequiredPartyMissing.into());
        }
        let (now, id) = (self.now(), fresh_id());
        let mut world = self.lock();
        if !world.has_place() {
            let text = "The stand-in holds as many file transfers as it may (limits.transfers)";
            return Err(Refusal::from(Code::StorageNotReady).saying(text));
        }
        world.initialise(id, said, resource.time_to_live_seconds, now);
        Ok(id)
    }
}

/// What was wrong so far.
#[derive(Default)]
struct Wrong(Vec<(String, String)>);

impl Wrong {
    fn add(&mut self, field: &str, text: impl Into<String>) {
        self.0.push((field.to_owned(), text.into()));
    }

    /// A text of 1 to `most` letters that must be there.
    fn text(&mut self, body: &Map<String, Value>, field: &str, most: usize) -> String {
        let text = body.get(field).and_then(Value::as_str).unwrap_or_default();
        if text.is_empty() || text.chars().count() > most {
            self.add(field, format!("must be a text of 1 to {most} characters"));
        }
        text.to_owned()
    }

    fn organisation(&mut self, field: &str, value: Option<&Value>) -> Option<OrganisationId> {
        let read = value.and_then(Value::as_str).and_then(party::read);
        if read.is_none() {
            self.add(
                field,
                "must be 0192:<number> or urn:altinn:organization:identifier-no:<number>",
            );
        }
        read
    }
}

/// Reads an announcement, or tells everything that is wrong with it. Fields that Broker does not know are
/// passed over.
pub(super) fn read(body: &Value) -> Result<Announcement, Refusal> {
    let body = body.as_object().ok_or_else(|| Refusal::field("$", "must be an object"))?;
    let mut wrong = Wrong::default();
    let file_name = wrong.text(body, "fileName", LONGEST_NAME);
    let resource = wrong.text(body, "resourceId", LONGEST_NAME);
    let reference = wrong.text(body, "sendersFileTransferReference", LONGEST_REFERENCE);
    let sender = wrong.organisation("sender", body.get("sender"));
    let recipients = recipients(body, &mut wrong);
    let properties = properties(body, &mut wrong);
    let checksum = checksum(body, &mut wrong);
    let virus_scan = match body.get("disableVirusScan") {
        None => true,
        Some(Value::Bool(disable)) => !disable,
        Some(_) => {
            wrong.add("disableVirusScan", "must be true or false");
            true
        }
    };
    match sender {
        Some(sender) if wrong.0.is_empty() => Ok(Announcement {
            resource,
            file_name,
            reference,
            checksum,
            virus_scan,
            sender,
            recipients,
            properties,
        }),
        _ => Err(Refusal::fields(wrong.0)),
    }
}

fn recipients(body: &Map<String, Value>, wrong: &mut Wrong) -> Vec<OrganisationId> {
    let named = body.get("recipients").and_then(Value::as_array).map(Vec::as_slice);
    let named = named.unwrap_or_default();
    if named.is_empty() || named.len() > MOST_RECIPIENTS {
        wrong.add("recipients", format!("must be a list of 1 to {MOST_RECIPIENTS}"));
        return Vec::new();
    }
    let mut recipients = Vec::new();
    for value in named {
        let Some(recipient) = wrong.organisation("recipients", Some(value)) else { continue };
        if recipients.contains(&recipient) {
            wrong.add("recipients", "must not name anybody twice");
        }
        recipients.push(recipient);
    }
    recipients
}

fn properties(body: &Map<String, Value>, wrong: &mut Wrong) -> BTreeMap<String, String> {
    let field = "propertyList";
    let named = match body.get(field) {
        None => return BTreeMap::new(),
        Some(Value::Object(named)) => named,
        Some(_) => {
            wrong.add(field, "must be an object");
            return BTreeMap::new();
        }
    };
    if named.len() > MOST_PROPERTIES {
        wrong.add(field, format!("must have {MOST_PROPERTIES} properties at most"));
    }
    let mut properties = BTreeMap::new();
    for (key, value) in named {
        let Some(value) = value.as_str() else {
            wrong.add(field, "must hold texts");
            continue;
        };
        if key.chars().count() > LONGEST_KEY {
            wrong.add(field, format!("must have keys of {LONGEST_KEY} characters at most"));
        }
        if value.chars().count() > LONGEST_VALUE {
            wrong.add(field, format!("must have values of {LONGEST_VALUE} characters at most"));
        }
        properties.insert(key.clone(), value.to_owned());
    }
    properties
}

fn checksum(body: &Map<String, Value>, wrong: &mut Wrong) -> Option<String> {
    let field = "checksum";
    let text = match body.get(field)? {
        Value::Null => return None,
        Value::String(text) if text.trim().is_empty() => return None,
        Value::String(text) => text,
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            wrong.add(field, "must be a text");
            return None;
        }
    };
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != 32 || !text.bytes().all(is_digit) {
        wrong.add(field, "must be an MD5 digest: 32 hexadecimal digits in lower case");
    }
    Some(text.clone())
}

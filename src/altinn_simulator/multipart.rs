//! A form with a file (RFC 7578), as far as initialising and uploading in one call needs it: whole in
//! memory, names as ASP.NET binds them (`Metadata.FileName`, `Metadata.Recipients[0]`,
//! `Metadata.PropertyList[key]`, `FileTransfer`).

use axum::body::Bytes;
use serde_json::{Map, Value, json};

use super::problem::Refusal;

/// Parts of a form, at most.
const MOST_PARTS: usize = 200;
/// Letters of a boundary, at most (RFC 2046, section 5.1.1).
const LONGEST_BOUNDARY: usize = 70;

/// What a form held.
pub(super) struct Form {
    /// As initialising takes it.
    pub(super) metadata: Value,
    pub(super) file: Option<Bytes>,
}

/// One part: its name and where its content lies.
struct Part {
    name: String,
    content: Bytes,
}

pub(super) fn read(content_type: &str, body: &Bytes) -> Result<Form, Refusal> {
    let wrong = || Refusal::field("$", "the body is no multipart form");
    let boundary = boundary(content_type).ok_or_else(wrong)?;
    let mut form = Form { metadata: Value::Null, file: None };
    let mut metadata = Map::new();
    for part in parts(boundary, body).ok_or_else(wrong)? {
        if part.name.eq_ignore_ascii_case("FileTransfer") {
            form.file = Some(part.content);
        } else {
            let text = std::str::from_utf8(&part.content).map_err(|_| wrong())?;
            bind(&mut metadata, &part.name, text);
        }
    }
    form.metadata = Value::Object(metadata);
    Ok(form)
}

fn boundary(content_type: &str) -> Option<&str> {
    let parameters = content_type.split(';').skip(1);
    let boundary =
        parameters.filter_map(|one| one.trim().split_once('=')).find_map(|(name, value)| {
            name.eq_ignore_ascii_case("boundary").then(|| value.trim_matches('"'))
        })?;
    (!boundary.is_empty() && boundary.len() <= LONGEST_BOUNDARY).then_some(boundary)
}

/// Where something begins, from a place on.
fn find(body: &[u8], what: &[u8], from: usize) -> Option<usize> {
    let rest = body.get(from..)?;
    rest.windows(what.len()).position(|window| window == what).map(|at| at + from)
}

fn parts(boundary: &str, body: &Bytes) -> Option<Vec<Part>> {
    let opening = format!("--{boundary}");
    let closing = format!("\r\n{opening}");
    let mut at = find(body, opening.as_bytes(), 0)? + opening.len();
    let mut parts = Vec::new();
    while !body.get(at..)?.starts_with(b"--") {
        at = find(body, b"\r\n", at)? + 2;
        let head_end = find(body, b"\r\n\r\n", at)?;
        let head = std::str::from_utf8(body.get(at..head_end)?).ok()?;
        let content = head_end + 4;
        let end = find(body, closing.as_bytes(), content)?;
        parts.push(Part { name: name(head)?, content: body.slice(content..end) });
        if parts.len() > MOST_PARTS {
            return None;
        }
        at = end + closing.len();
    }
    Some(parts)
}

fn name(head: &str) -> Option<String> {
    let disposition = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    let mut parameters = disposition.split(';').filter_map(|one| one.trim().split_once('='));
    let (_, name) = parameters.find(|(key, _)| key.eq_ignore_ascii_case("name"))?;
    Some(name.trim_matches('"').to_owned())
}

/// Puts a field where it stands in the JSON of initialising. Others are passed over.
fn bind(metadata: &mut Map<String, Value>, name: &str, text: &str) {
    let Some((prefix, field)) = name.split_once('.') else { return };
    if !prefix.eq_ignore_ascii_case("Metadata") {
        return;
    }
    let (field, index) = match field.split_once('[') {
        Some((field, index)) => (field, Some(index.trim_end_matches(']'))),
        None => (field, None),
    };
    let texts = ["fileName", "resourceId", "sendersFileTransferReference", "sender", "checksum"];
    let lower = field.to_ascii_lowercase();
    if let Some(known) = texts.iter().find(|known| known.to_ascii_lowercase() == lower) {
        metadata.insert((*known).to_owned(), json!(text));
    } else if lower == "recipients" {
        let list = metadata.entry("recipients").or_insert_with(|| json!([]));
        if let Value::Array(list) = list {
            list.push(json!(text));
        }
    } else if lower == "propertylist" {
        let list = metadata.entry("propertyList").or_insert_with(|| json!({}));
        if let (Value::Object(list), Some(key)) = (list, index) {
            list.insert(key.to_owned(), json!(text));
        }
    } else if lower == "disablevirusscan" {
        let value = match text.to_ascii_lowercase().as_str() {
            "true" => json!(true),
            "false" => json!(false),
            _ => json!(text),
        };
        metadata.insert("disableVirusScan".to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_and_a_broken_one_is_refused() {
        let body = "--b\r\nContent-Disposition: form-data; name=\"Metadata.FileName\"\r\n\r\na.zip\r\n\
            --b\r\nContent-Disposition: form-data; name=Metadata.Recipients[0]\r\n\r\n0192:926018159\r\n\
            --b\r\ncontent-disposition: form-data; name=\"Metadata.PropertyList[status]\"\r\n\r\nACK\r\n\
            --b\r\nContent-Disposition: form-data; name=\"FileTransfer\"; filename=\"a.zip\"\r\n\
            Content-Type: application/octet-stream\r\n\r\nPK\r\n--\r\n--b--\r\n";
        let kind = "multipart/form-data; boundary=\"b\"";
        let form = read(kind, &Bytes::from_static(body.as_bytes())).unwrap();
        assert_eq!(form.file.as_deref(), Some(b"PK\r\n--".as_slice()));
        assert_eq!(
            form.metadata,
            json!({
                "fileName": "a.zip", "recipients": ["0192:926018159"],
                "propertyList": { "status": "ACK" },
            })
        );
        for end in 1..body.len() - 6 {
            let cut = Bytes::copy_from_slice(&body.as_bytes()[..end]);
            assert!(read(kind, &cut).is_err(), "{end}");
        }
        assert!(read("multipart/form-data", &Bytes::new()).is_err());
    }
}

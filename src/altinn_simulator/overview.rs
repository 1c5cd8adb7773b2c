//! What is told of one file transfer.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::authentication::Need;
use super::party;
use super::problem::{Code, Refusal};
use super::server::Shared;
use super::transfer::{Status, Transfer};
use crate::kernel::OrganisationId;

/// `GET …/filetransfer/{id}`.
pub(super) async fn overview(
    State(simulator): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<axum::Json<Value>, Refusal> {
    let caller = simulator.caller(&headers, Need::Either)?;
    let id = read_id(&id)?;
    let world = simulator.lock();
    let transfer = seen_by(world.transfer(id), &caller)?;
    Ok(axum::Json(told(transfer)))
}

/// `GET …/filetransfer/{id}/details`.
pub(super) async fn details(
    State(simulator): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<axum::Json<Value>, Refusal> {
    let caller = simulator.caller(&headers, Need::Either)?;
    let id = read_id(&id)?;
    let world = simulator.lock();
    let transfer = seen_by(world.transfer(id), &caller)?;
    let mut told = told(transfer);
    told["fileTransferStatusHistory"] = transfer
        .history()
        .iter()
        .map(|change| {
            json!({
                "fileTransferStatus": change.status.name(),
                "fileTransferStatusText": change.text,
                "fileTransferStatusChanged": time(change.at),
            })
        })
        .collect();
    told["recipientFileTransferStatusHistory"] = transfer
        .recipient_history()
        .iter()
        .map(|change| {
            json!({
                "recipient": party::written(&change.recipient),
                "recipientFileTransferStatusCode": change.status.name(),
                "recipientFileTransferStatusText": change.status.text(),
                "recipientFileTransferStatusChanged": time(change.at),
            })
        })
        .collect();
    Ok(axum::Json(told))
}

/// The id in a path.
pub(super) fn read_id(text: &str) -> Result<Uuid, Refusal> {
    Uuid::parse_str(text).map_err(|_| Refusal::field("fileTransferId", "must be a UUID"))
}

/// Only sender and recipients may see a transfer.
fn seen_by<'a>(
    transfer: Option<&'a Transfer>,
    caller: &OrganisationId,
) -> Result<&'a Transfer, Code> {
    let transfer = transfer.ok_or(Code::NotFound)?;
    let takes_part = transfer.said.sender == *caller || transfer.recipient(caller).is_some();
    if takes_part { Ok(transfer) } else { Err(Code::NoAccess) }
}

/// A time as Broker writes it.
fn time(at: Timestamp) -> String {
    at.to_string().replace('Z', "+00:00")
}

/// The overview.
pub(super) fn told(transfer: &Transfer) -> Value {
    let (said, current) = (&transfer.said, transfer.current());
    let recipients: Vec<Value> = transfer
        .recipients()
        .iter()
        .map(|one| {
            json!({
                "recipient": party::written(&one.recipient),
                "currentRecipientFileTransferStatusCode": one.status.name(),
                "currentRecipientFileTransferStatusText": one.status.text(),
                "currentRecipientFileTransferStatusChanged": time(one.at),
            })
        })
        .collect();
    json!({
        "fileTransferId": transfer.id,
        "resourceId": said.resource,
        "fileName": said.file_name,
        "sendersFileTransferReference": said.reference,
        "checksum": said.checksum,
        "useVirusScan": said.virus_scan,
        "fileTransferSize": transfer.size,
        "fileTransferStatus": current.status.name(),
        "fileTransferStatusText": current.text,
        "fileTransferStatusChanged": time(current.at),
        "created": time(transfer.created()),
        "published": transfer.since(Status::Published).map(time),
        "expirationTime": time(transfer.expires),
        "sender": party::written(&said.sender),
        "recipients": recipients,
        "propertyList": said.properties,
    })
}

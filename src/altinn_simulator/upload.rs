//! Uploading: the bytes alone, or announced and sent in one call.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use md5::{Digest as _, Md5};
use serde_json::{Value, json};
use uuid::Uuid;

use super::authentication::Need;
use super::overview::read_id;
use super::problem::{Code, Refusal};
use super::server::{Shared, Simulator, has_type, read_body};
use super::{initialise, multipart};
use crate::kernel::OrganisationId;

/// What the virus scan looks for: a part of EICAR's test file.
const EICAR: &[u8] = b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE";
/// Bytes in which it looks.
const SCANNED: usize = 64 * 1024;

/// `POST …/filetransfer/{id}/upload`.
pub(super) async fn upload(
    State(simulator): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<axum::Json<Value>, Refusal> {
    let caller = simulator.caller(&headers, Need::Write)?;
    let id = read_id(&id)?;
    if !has_type(&headers, "application/octet-stream") {
        let text = "The content type must be application/octet-stream";
        return Err(Refusal::plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let length: usize = length.and_then(|length| length.parse().ok()).ok_or_else(|| {
        Refusal::plain(StatusCode::LENGTH_REQUIRED, "The header Content-Length is needed")
    })?;
    let coming = Coming::begin(&simulator, id, &caller, length)?;
    let body = read_body(body, length, simulator.config.limits.body_seconds).await?;
    coming.end(body)?;
    Ok(axum::Json(json!({ "fileTransferId": id })))
}

/// `POST …/filetransfer/upload`.
pub(super) async fn both(
    State(simulator): State<Shared>,
    headers: HeaderMap,
    body: Body,
) -> Result<axum::Json<Value>, Refusal> {
    let caller = simulator.caller(&headers, Need::Write)?;
    if !has_type(&headers, "multipart/form-data") {
        let text = "The content type must be multipart/form-data";
        return Err(Refusal::plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let limits = &simulator.config.limits;
    let most = limits.file_bytes.saturating_add(limits.body_bytes);
    let body = read_body(body, most, limits.body_seconds).await?;
    let form = multipart::read(kind, &body)?;
    let file = form.file.ok_or_else(|| Refusal::field("FileTransfer", "the file is missing"))?;
    let said = initialise::read(&form.metadata)?;
    let id = simulator.announce(&caller, said)?;
    Coming::begin(&simulator, id, &caller, file.len())?.end(file)?;
    Ok(axum::Json(json!({ "fileTransferId": id })))
}

/// An upload under way. When it is dropped before its end, as when the sender goes away, it has failed.
struct Coming {
    simulator: Shared,
    id: Uuid,
    ended: bool,
}

impl Coming {
    fn begin(
        simulator: &Shared,
        id: Uuid,
        sender: &OrganisationId,
        length: usize,
    ) -> Result<Self, Refusal> {
        let mut world = simulator.lock();
        let resource = world.transfer(id).map(|transfer| transfer.said.resource.clone());
        let largest = simulator.largest_file(&resource.unwrap_or_default());
        world.begin_upload(id, sender, length, largest, simulator.now())?;
        drop(world);
        Ok(Self { simulator: Arc::clone(simulator), id, ended: false })
    }

    fn end(mut self, bytes: Bytes) -> Result<(), Code> {
        let checksum: String =
            Md5::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let looked_at = bytes.get(..SCANNED).unwrap_or(&bytes);
        let infected = looked_at.windows(EICAR.len()).any(|part| part == EICAR);
        self.ended = true;
        let now = self.simulator.now();
        self.simulator.lock().end_upload(self.id, bytes, checksum, infected, now)
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        if !self.ended {
            let now = self.simulator.now();
            self.simulator.lock().break_upload(self.id, "The upload broke off", now);
        }
    }
}

impl Simulator {
    fn largest_file(&self, resource: &str) -> usize {
        let most = self.config.limits.file_bytes;
        let own = self.resource(resource).and_then(|resource| resource.largest_file);
        own.map_or(most, |own| own.min(most))
    }
}

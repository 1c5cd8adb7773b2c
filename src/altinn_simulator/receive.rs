//! Downloading and confirming.

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header::{ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_TYPE, RANGE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::authentication::Need;
use super::overview::read_id;
use super::problem::{Code, Refusal};
use super::server::Shared;
use super::transfer::Status;

/// `GET …/filetransfer/{id}/download`.
pub(super) async fn download(
    State(simulator): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let caller = simulator.caller(&headers, Need::Read)?;
    let id = read_id(&id)?;
    let now = simulator.now();
    let mut world = simulator.lock();
    let transfer = world.transfer(id).ok_or(Code::NotFound)?;
    if transfer.recipient(&caller).is_none() {
        return Err(Code::NoAccess.into());
    }
    let range = match (headers.get(RANGE), &transfer.bytes) {
        (Some(range), Some(bytes)) => Some(read_range(range, bytes.len()).ok_or(Code::BadRange)?),
        _ => None,
    };
    let name: String = transfer.said.file_name.chars().filter(char::is_ascii_graphic).collect();
    let bytes = world.download(id, &caller, now)?;
    drop(world);
    let mut response = match range {
        Some((first, last)) => part(&bytes, first, last)?,
        None => Body::from(bytes).into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let disposition = format!("attachment; filename=\"{}\"", name.replace(['"', '\\'], "_"));
    if let Ok(disposition) = HeaderValue::from_str(&disposition) {
        headers.insert(CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

fn part(bytes: &Bytes, first: usize, last: usize) -> Result<Response, Code> {
    let whole = bytes.len();
    let part = bytes.get(first..=last).map(|part| bytes.slice_ref(part)).ok_or(Code::BadRange)?;
    let range = format!("bytes {first}-{last}/{whole}");
    Ok((StatusCode::PARTIAL_CONTENT, [(CONTENT_RANGE, range)], Body::from(part)).into_response())
}

/// The first and the last byte of a single range (RFC 9110, section 14.1.2) within so many bytes.
fn read_range(header: &HeaderValue, length: usize) -> Option<(usize, usize)> {
    let (first, last) = header.to_str().ok()?.trim().strip_prefix("bytes=")?.split_once('-')?;
    let end = length.checked_sub(1)?;
    if first.is_empty() {
        let count: usize = last.parse().ok().filter(|count| *count > 0)?;
        return Some((length.saturating_sub(count), end));
    }
    let first: usize = first.parse().ok().filter(|first| *first <= end)?;
    let last = if last.is_empty() { end } else { last.parse().ok()? };
    (first <= last).then_some((first, last.min(end)))
}

/// `POST …/filetransfer/{id}/confirmdownload`.
pub(super) async fn confirm(
    State(simulator): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Refusal> {
    let caller = simulator.caller(&headers, Need::Read)?;
    let id = read_id(&id)?;
    let now = simulator.now();
    let mut world = simulator.lock();
    let transfer = world.transfer(id).ok_or(Code::NotFound)?;
    if transfer.recipient(&caller).is_none() {
        return Err(Code::NoAccess.into());
    }
    if matches!(transfer.status(), Status::Initialized | Status::UploadStarted) {
        return Err(Code::NoFileUploaded.into());
    }
    world.confirm(id, &caller, now)?;
    Ok(StatusCode::OK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_or_refused() {
        let read = |text: &'static str| read_range(&HeaderValue::from_static(text), 10);
        assert_eq!(read("bytes=0-3"), Some((0, 3)));
        assert_eq!(read("bytes=4-"), Some((4, 9)));
        assert_eq!(read("bytes=-3"), Some((7, 9)));
        assert_eq!(read("bytes=-30"), Some((0, 9)));
        assert_eq!(read("bytes=9-99"), Some((9, 9)));
        for wrong in
            ["bytes=10-", "bytes=3-2", "bytes=-0", "bytes=a-b", "bytes=0-1,3-4", "0-3", "bytes=-"]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_eq!(read_range(&HeaderValue::from_static("bytes=0-"), 0), None);
    }
}

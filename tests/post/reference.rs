//! The reference library of Standard Webhooks, which judges what innfri signs.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::json;

use crate::server::Seen;

/// Where the library is: as the environment says, or made ready here.
fn library() -> &'static Path {
    static READY: OnceLock<PathBuf> = OnceLock::new();
    READY.get_or_init(|| {
        if let Some(folder) = std::env::var_os("INNFRI_STANDARDWEBHOOKS") {
            return folder.into();
        }
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("standardwebhooks");
        let prepare = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/post/prepare");
        let status = Command::new(prepare).arg(&folder).stdin(Stdio::null()).status().unwrap();
        assert!(status.success(), "tests/post/prepare says what is missing");
        folder
    })
}

/// Whether the library takes a webhook for genuine, with this secret.
pub fn is_genuine(seen: &Seen, secret: &str) -> bool {
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let headers: serde_json::Map<_, _> =
        names.iter().map(|name| ((*name).to_owned(), seen.header(name).into())).collect();
    let body = std::str::from_utf8(&seen.body).unwrap();
    let case = json!({"secret": secret, "headers": headers, "body": body});
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/post/verify");
    let mut child = Command::new(library().join("bin/python"))
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{case}").unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && !said.is_empty(), "the library fell over");
    said.trim() == "good"
}

//! What can be wrong with the settings of an HTTP client. Each says what to do; none holds a secret or an
//! address, which may carry one.

use std::path::{Path, PathBuf};

use crate::kernel::Secret;

/// Why a client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum OutwardError {
    /// An address that is never posted to.
    #[error("`{key}` is not right: {message}")]
    Address {
        /// The key of the directory or the settings that holds it.
        key: &'static str,
        /// What is wrong, and what to do.
        message: &'static str,
    },
    /// A file cannot be read.
    #[error("cannot read {}; check the path and its permissions", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file holds something else.
    #[error("{} does not hold {wanted}", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        wanted: &'static str,
    },
    /// The certificates or the key do not work together.
    #[error("its certificates or key cannot be used; check `ca_file` and `identity_file`")]
    Certificates(#[source] reqwest::Error),
}

/// What a file holds.
pub(in crate::channel) fn bytes_of(path: &Path) -> Result<Vec<u8>, OutwardError> {
    std::fs::read(path).map_err(|source| OutwardError::Unreadable { path: path.to_owned(), source })
}

/// The secret in a file, without the line break that editors leave.
pub(in crate::channel) fn secret_of(path: &Path) -> Result<Secret, OutwardError> {
    let unfit = || OutwardError::Unfit { path: path.to_owned(), wanted: "a secret in one line" };
    let text = String::from_utf8(bytes_of(path)?).map_err(|_| unfit())?;
    let text = text.trim();
    if text.is_empty() || text.contains(['\n', '\r']) {
        return Err(unfit());
    }
    Ok(Secret::new(text))
}

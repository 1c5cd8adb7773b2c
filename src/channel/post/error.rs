//! What can be wrong with the settings of a way that innfri posts by. Each says what to do; none holds
//! a secret or an address, which may carry one.

use std::path::{Path, PathBuf};

use crate::kernel::Secret;

/// Why a way cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// An address that is never posted to.
    #[error("`{key}` is not right: {message}")]
    Address {
        /// The key of the directory that holds it.
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
    /// A webhook without a secret.
    #[error("a webhook needs a secret: name a file in `secret_files`")]
    NoSecret,
    /// The certificates or the key do not work together.
    #[error("its certificates or key cannot be used; check `ca_file` and `identity_file`")]
    Certificates(#[source] reqwest::Error),
}

/// What a file holds.
pub(super) fn bytes_of(path: &Path) -> Result<Vec<u8>, PostError> {
    std::fs::read(path).map_err(|source| PostError::Unreadable { path: path.to_owned(), source })
}

/// The secret in a file, without the line break that editors leave.
pub(super) fn secret_of(path: &Path) -> Result<Secret, PostError> {
    let unfit = || PostError::Unfit { path: path.to_owned(), wanted: "a secret in one line" };
    let text = String::from_utf8(bytes_of(path)?).map_err(|_| unfit())?;
    let text = text.trim();
    if text.is_empty() || text.contains(['\n', '\r']) {
        return Err(unfit());
    }
    Ok(Secret::new(text))
}

//! What can be wrong with the settings of a way that innfri posts by. Each says what to do; none holds
//! a secret or an address, which may carry one.

use crate::channel::outward::OutwardError;

/// Why a way cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// An address or a file of the directory is not right.
    #[error(transparent)]
    Outward(#[from] OutwardError),
    /// A webhook without a secret.
    #[error("a webhook needs a secret: name a file in `secret_files`")]
    NoSecret,
}

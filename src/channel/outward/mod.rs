//! HTTP clients of innfri's own: shared by the channels that go out (`post`, `altinn`), as `listen` is
//! by those that are called.
//!
//! Every connection is checked where it is made (`address`), every answer is read up to a limit
//! (`answer`), and redirects, proxies and repeats that nobody asked for are off (`client`).

pub(in crate::channel) mod address;
pub(in crate::channel) mod answer;
pub(in crate::channel) mod client;
mod error;

pub use error::OutwardError;
pub(in crate::channel) use error::{bytes_of, secret_of};

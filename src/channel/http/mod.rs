//! The HTTP channel.

pub mod listen;
pub mod rate;
pub mod sign_in;

//! Where the directory comes from.

pub mod file;

//! Servers and helpers that several test crates share.

pub mod postgres;

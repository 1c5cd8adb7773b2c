//! Norway: DSVE's restgjeld and innfrielsessaldo, as JSON.
//!
//! The names are those of the official schema, in camelCase; XML's list wrappers are plain arrays.
//! Source: Digital samhandling ved eiendomshandel (DSVE), functional and technical description and
//! `dsve.xsd` of March 2026.

pub mod innfrielsessaldo;
pub mod part;
pub mod receipt;
pub mod rejection;
pub mod restgjeld;
pub mod rules;
pub mod status;

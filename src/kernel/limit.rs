//! Limits on everything that comes from outside.

use serde::Deserialize;

/// How large one message may be. Lengths of single texts and lists stand in the schemas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Bytes of a message's body.
    pub body_bytes: usize,
    /// Arrays and objects inside each other.
    pub depth: usize,
    /// Findings that are reported for one message; the rest are counted.
    pub findings: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { body_bytes: 256 * 1024, depth: 32, findings: 100 }
    }
}

//! Bugs that are put in on purpose: a simulation that finds none of them finds nothing.

/// What is wrong on purpose in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planted {
    /// The journal says "kept" first and keeps later, unless the process dies in between.
    KeptTooLate,
    /// What a dead process had claimed is never free again.
    EndlessLease,
    /// The sender hides a failure, so that the delivery is marked as delivered.
    FailureHidden,
    /// The inbox forgets what was here.
    IdempotencyLost,
    /// A change is kept though the case has moved on since it was decided.
    LostUpdate,
    /// Of a group only the first decision's deliveries are kept.
    TornCommit,
    /// Now and then a message goes to somebody else.
    Misdelivered,
}

impl Planted {
    pub const ALL: [Self; 7] = [
        Self::KeptTooLate,
        Self::EndlessLease,
        Self::FailureHidden,
        Self::IdempotencyLost,
        Self::LostUpdate,
        Self::TornCommit,
        Self::Misdelivered,
    ];
}

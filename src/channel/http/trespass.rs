//! Attempts to reach what is another's: refused, and on record.

use super::Shared;
use crate::kernel::Login;
use crate::port::letters::{Action, ActionKind};
use crate::telemetry::chain::Chain;

impl Shared {
    /// Puts on record that a login reached for what is another's: in the log, and among the actions that
    /// are never changed. `what` is without personal data. That it cannot be recorded now is no reason to
    /// tell the caller more, so this does not fail.
    pub(super) async fn record_trespass(&self, login: &Login, what: String) {
        tracing::warn!(target: "innfri::security", %login, what, "reached for what is another's");
        let action = Action {
            at: self.parts.clock.now(),
            operator: format!("login {login}"),
            kind: ActionKind::Trespassed,
            letter: None,
            run: None,
            signature: None,
            reason: "refused: it may not speak for them".to_owned(),
            detail: what,
        };
        if let Err(error) = self.parts.letters.record(&[action]).await {
            tracing::error!(
                target: "innfri::security",
                %login,
                error = %Chain(&error),
                "an attempt to reach what is another's is in this log alone"
            );
        }
    }
}

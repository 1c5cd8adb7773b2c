//! A corrected copy of a letter's message: patched, checked by the real contract, under a new message
//! id that is derived from the original and the correction. Pure.

use crate::case::DeadLetter;
use crate::contract::{CheckContext, Contract, Direction, MessageType};
use crate::kernel::{ChannelName, DeadLetterId, Digest, Finding, MessageId, has_errors};
use crate::port::letters::{LetterRecord, LetterState};
use jiff::Timestamp;

/// What is to be different.
#[derive(Clone, Default)]
pub struct Correction {
    /// The corrected body.
    pub body: Vec<u8>,
    /// Another message type.
    pub message_type: Option<String>,
    /// Another request that it answers.
    pub correlation_id: Option<String>,
}

/// Why a correction was not taken.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// Deliveries carry what their sender wrote and innfri accepted.
    #[error(
        "letter {0} is a delivery: it carries what its sender wrote and innfri accepted, and is \
         replayed as it is"
    )]
    Delivery(DeadLetterId),
    /// Somebody has done something about it.
    #[error("letter {letter} is {state}: only an open letter can be corrected")]
    NotOpen {
        /// Which.
        letter: DeadLetterId,
        /// Where it stands.
        state: LetterState,
    },
    /// The body is not JSON, so there is nothing to patch.
    #[error("the letter's body is not JSON: give a whole new body instead of a patch")]
    NotJson,
    /// The patch is not one.
    #[error("the patch is not a JSON patch (RFC 6902): {0}")]
    Patch(String),
    /// The patch does not fit the message.
    #[error("the patch does not fit the message: {0}")]
    DoesNotApply(String),
    /// The message type is none that participants send.
    #[error("`{0}` is not a message type that participants send: give another with --message-type")]
    UnknownType(String),
    /// The corrected message does not pass.
    #[error("the corrected message has {} finding(s) and was not kept", .0.len())]
    Findings(Vec<Finding>),
    /// Nothing is different.
    #[error("nothing was changed")]
    Same,
}

/// Applies a JSON patch (RFC 6902) to a body.
///
/// # Errors
/// When the body is not JSON, or the patch is none or does not fit.
pub fn patched(body: &[u8], patch: &[u8]) -> Result<Vec<u8>, EditError> {
    let mut value: serde_json::Value =
        serde_json::from_slice(body).map_err(|_| EditError::NotJson)?;
    let patch: json_patch::Patch = serde_json::from_slice(patch).map_err(|error| {
        // The position alone: a patch holds values.
        EditError::Patch(format!("line {}, column {}", error.line(), error.column()))
    })?;
    json_patch::patch(&mut value, &patch).map_err(|error| {
        EditError::DoesNotApply(format!("operation {} at {}", error.operation + 1, error.path))
    })?;
    serde_json::to_vec_pretty(&value).map_err(|_| EditError::NotJson)
}

/// Makes the corrected copy of a letter, to be kept as a letter of its own.
///
/// # Errors
/// When the letter cannot be corrected, or the corrected message would not pass.
pub fn corrected(
    record: &LetterRecord,
    correction: &Correction,
    contract: &Contract,
    check: &CheckContext,
    now: Timestamp,
) -> Result<DeadLetter, EditError> {
    let original = &record.letter;
    if original.delivery.is_some() {
        return Err(EditError::Delivery(original.id));
    }
    if !LetterState::TAKEN_FROM.contains(&record.state) {
        return Err(EditError::NotOpen { letter: original.id, state: record.state });
    }
    let claimed = correction.message_type.as_ref().or(original.message_type.as_ref());
    let name = claimed.cloned().unwrap_or_default();
    let kind = name
        .parse::<MessageType>()
        .ok()
        .filter(|kind| kind.direction() != Direction::Notice)
        .ok_or_else(|| EditError::UnknownType(name.clone()))?;
    let correlation_id =
        correction.correlation_id.clone().or_else(|| original.correlation_id.clone());
    if correction.body == original.body
        && Some(&name) == original.message_type.as_ref()
        && correlation_id == original.correlation_id
    {
        return Err(EditError::Same);
    }
    let contact_optional = original.channel == ChannelName::Altinn;
    let check = CheckContext { contact_optional, ..*check };
    let checked = contract.check(kind, &correction.body, &check);
    if has_errors(&checked.findings) {
        return Err(EditError::Findings(checked.findings));
    }
    let origin = format!(
        "edited copy of {} for {}",
        original.id,
        correlation_id.as_deref().unwrap_or_default()
    );
    let message_id = MessageId::of_content(&origin, &name, &correction.body);
    let content = Digest::of(&[&correction.body]).to_string();
    Ok(DeadLetter {
        id: DeadLetterId::of(&[&origin, &name, &content]),
        message_type: Some(name),
        message_id: Some(message_id.to_string()),
        correlation_id,
        content_type: Some("application/json".to_owned()),
        from: checked.hints.avsender.or_else(|| original.from.clone()),
        to: checked.hints.mottaker.or_else(|| original.to.clone()),
        reference: checked.hints.avsender_referanse.or_else(|| original.reference.clone()),
        attempts: 1,
        at: now,
        body: correction.body.clone(),
        ..original.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_changes_what_it_names_and_nothing_else() {
        let patch = br#"[{"op":"replace","path":"/a/b","value":2},{"op":"remove","path":"/c"}]"#;
        let body = patched(br#"{"a":{"b":1,"d":"x"},"c":3}"#, patch).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(value, serde_json::json!({"a": {"b": 2, "d": "x"}}));
    }

    #[test]
    fn what_does_not_fit_is_refused_without_repeating_values() {
        let secret = br#"[{"op":"test","path":"/id","value":"23904430552"}]"#;
        let error = patched(br#"{"id":"x"}"#, secret).unwrap_err().to_string();
        assert!(error.contains("operation 1 at /id") && !error.contains("2390"), "{error}");
        assert!(matches!(patched(b"no", secret), Err(EditError::NotJson)));
        assert!(matches!(patched(b"{}", b"{}"), Err(EditError::Patch(_))));
    }
}

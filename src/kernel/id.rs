//! Identifiers: who names what, and how names of our own are derived.
//!
//! A sender names its message; everything innfri names is derived from that name with UUIDv5. So a
//! decision that is made twice (after a crash, say) makes the same identifiers, and a receiver can
//! drop the repeat.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::organisation::OrganisationId;

/// The namespace under which all identifiers of innfri are derived. Chosen once; it must not change.
const NAMESPACE: Uuid = Uuid::from_u128(0x6b0f_95c4_1d0e_5a57_9a3e_3c3d_6e0b_8f21);

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not a UUID such as 0b1d1d7e-5c1f-4a6e-9d0b-3f6a1e2c4b5d")]
pub struct InvalidId;

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// The identifier behind a UUID that is already known to be one of this kind.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID itself, for storing and for properties.
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::try_parse(text.trim()).map(Self).map_err(|_| InvalidId)
            }
        }
    };
}

identifier! {
    /// The name a sender gives its message: the idempotency key (AMQP `message_id`).
    MessageId
}
identifier! {
    /// One request and all that follows from it.
    CaseId
}
identifier! {
    /// One message that innfri owes somebody. It is also the `message_id` of that message on the wire.
    DeliveryId
}
identifier! {
    /// One message or delivery that was given up on.
    DeadLetterId
}

impl MessageId {
    /// The name of a message that came without one: derived from who sent it, its type and content.
    pub fn of_content(sender: &str, message_type: &str, body: &[u8]) -> Self {
        let content = super::Digest::of(&[body]).to_string();
        Self(derive(&["message", sender, message_type, &content]))
    }
}

impl CaseId {
    /// The case of a request: the same sender and message id always give the same case.
    pub fn of(sender: &OrganisationId, message: &MessageId) -> Self {
        Self(derive(&["case", &sender.to_string(), &message.to_string()]))
    }
}

impl DeliveryId {
    /// The delivery with a purpose within a case, such as `request` or `outcome 2`.
    pub fn of(case: &CaseId, purpose: &str) -> Self {
        Self(derive(&["delivery", &case.to_string(), purpose]))
    }

    /// The delivery that carries a case's outcome, numbered from 1.
    pub fn of_outcome(case: &CaseId, revision: u32) -> Self {
        Self::of(case, &format!("outcome {revision}"))
    }

    /// The delivery that reports on a message which belongs to no case.
    pub fn about(sender: &OrganisationId, message: &MessageId, purpose: &str) -> Self {
        Self(derive(&["delivery about", &sender.to_string(), &message.to_string(), purpose]))
    }
}

impl From<DeliveryId> for MessageId {
    fn from(delivery: DeliveryId) -> Self {
        Self(delivery.0)
    }
}

impl DeadLetterId {
    /// The dead letter of one arrival: the same content from the same place is the same letter.
    pub fn of(parts: &[&str]) -> Self {
        let mut all = vec!["dead letter"];
        all.extend_from_slice(parts);
        Self(derive(&all))
    }
}

/// Joins with a character that cannot occur in the parts, so that no two lists make the same name.
fn derive(parts: &[&str]) -> Uuid {
    Uuid::new_v5(&NAMESPACE, parts.join("\u{1f}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_request_is_always_the_same_case() {
        let sender: OrganisationId = "NO:926018159".parse().unwrap();
        let other: OrganisationId = "NO:918190937".parse().unwrap();
        let message: MessageId = "0b1d1d7e-5c1f-4a6e-9d0b-3f6a1e2c4b5d".parse().unwrap();
        let case = CaseId::of(&sender, &message);
        assert_eq!(case, CaseId::of(&sender, &message));
        assert_ne!(case, CaseId::of(&other, &message));
        assert_ne!(DeliveryId::of(&case, "request"), DeliveryId::of(&case, "outcome 1"));
    }

    #[test]
    fn a_text_that_is_no_uuid_says_what_one_looks_like() {
        assert!("".parse::<MessageId>().is_err());
        assert!("42".parse::<MessageId>().unwrap_err().to_string().contains("UUID"));
    }
}

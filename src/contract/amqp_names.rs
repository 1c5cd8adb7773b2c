//! What a participant must know of RabbitMQ: the names, and how the queues behave.
//!
//! The topology that innfri declares is made on a floor above this one; a test holds the two against
//! each other.

use super::ordered::{Json, object};

/// The exchange where askers publish requests.
pub const REQUESTS: &str = "innfri.requests";
/// The exchange where banks publish answers and statuses.
pub const ANSWERS: &str = "innfri.answers";
/// The exchange from which innfri fills the participants' queues.
pub const DELIVERIES: &str = "innfri.deliveries";
/// Where a bank's requests wait for it.
pub const REQUESTS_QUEUE: &str = "innfri.org.{country}.{number}.requests";
/// Where outcomes, receipts and rejections wait for a participant.
pub const ANSWERS_QUEUE: &str = "innfri.org.{country}.{number}.answers";

/// The arguments with which innfri declares every participant's queue, by default settings.
pub fn queue_arguments() -> Json {
    object! {
        "x-queue-type": "quorum",
        "x-overflow": "reject-publish",
        "x-max-length": 1_000_000,
        "x-delivery-limit": 20,
        "x-dead-letter-exchange": "innfri.dead",
        "x-dead-letter-strategy": "at-least-once",
    }
}

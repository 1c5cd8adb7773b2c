//! What can go wrong between innfri and RabbitMQ, and what to do about it.
//!
//! Texts are made here from the broker's code and words; they name queues and exchanges, never
//! passwords or bodies.

use lapin::ErrorKind;

/// Why something with RabbitMQ did not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmqpError {
    /// A setting cannot be used.
    #[error("amqp.{name} {problem}")]
    Setting {
        /// Which.
        name: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The file of trusted certificates cannot be read.
    #[error("amqp.ca_file cannot be read: {0}")]
    CaFile(String),
    /// There is no connection, or it broke; trying again may help.
    #[error("RabbitMQ is not available: {0}")]
    Unavailable(String),
    /// RabbitMQ does not let this user in, or does not let it do this.
    #[error("RabbitMQ refuses: {0}; check the user, its password, its vhost and its permissions")]
    Refused(String),
    /// What was to be declared exists with other settings, or what is needed does not exist.
    #[error("{what}: {problem}")]
    Topology {
        /// The exchange, queue or binding.
        what: String,
        /// What is wrong with it and what to do.
        problem: String,
    },
    /// No queue took the message.
    #[error("no queue takes messages to {0}; run `innfri topology apply`")]
    Unroutable(String),
    /// RabbitMQ did not take the message, such as for a full queue.
    #[error("RabbitMQ did not take the message to {0}: a queue is full")]
    Nacked(String),
    /// RabbitMQ did not confirm in time.
    #[error("no confirmation within {0} s")]
    Unconfirmed(u64),
    /// What arrived cannot be read as AMQP, so that the connection had to be dropped.
    #[error("what RabbitMQ sent cannot be read: {0}")]
    Unreadable(String),
}

impl AmqpError {
    /// The error for what lapin reports while `doing` something.
    pub(super) fn of(doing: &str, error: &lapin::Error) -> Self {
        match error.kind() {
            ErrorKind::ProtocolError(said) => {
                let text = format!("{doing}: {} {}", said.get_id(), said.get_message());
                match said.get_id() {
                    403 | 530 => Self::Refused(text),
                    404 => Self::Topology {
                        what: doing.to_owned(),
                        problem: format!("{}; run `innfri topology apply`", said.get_message()),
                    },
                    406 => Self::Topology {
                        what: doing.to_owned(),
                        problem: said.get_message().to_string(),
                    },
                    _ => Self::Unavailable(text),
                }
            }
            ErrorKind::ParsingError(_) => Self::Unreadable(doing.to_owned()),
            // Other kinds may come with any version of lapin: all mean that the connection is gone.
            _ => Self::Unavailable(format!("{doing}: {error}")),
        }
    }
}

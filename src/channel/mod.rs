//! Ways in and out: bytes in, bytes out. A channel knows nothing of payoffs; it meets the rest of
//! innfri at [`crate::port::channel`].

pub mod altinn;
pub mod amqp;
pub mod dsve;
pub mod http;
pub mod listen;
pub mod outward;
pub mod post;
pub mod problem;
pub mod watch;

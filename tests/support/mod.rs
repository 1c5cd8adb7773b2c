//! What the whole-program tests share: servers, the program, a participant, messages.

pub mod messages;
pub mod participant;
pub mod postgres;
pub mod program;
pub mod rabbitmq;

//! What the whole-program tests share: servers, the program, a participant, messages.

#![allow(dead_code, reason = "each test crate uses a part of it")]

pub mod messages;
pub mod participant;
pub mod postgres;
pub mod program;
pub mod rabbitmq;

//! What whole-program tests need around them.

pub mod rabbitmq;

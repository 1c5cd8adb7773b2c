pub mod messages;
pub mod participant;
pub mod postgres;
pub mod program;
pub mod rabbitmq;

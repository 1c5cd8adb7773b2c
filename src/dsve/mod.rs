//! DSVE's own form of the messages, as it travels through Altinn. Pure.

pub mod xml;

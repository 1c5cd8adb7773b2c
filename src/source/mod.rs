//! Where the directory comes from: a file for who is reached from here, AKELDO for everybody else.

pub mod akeldo;
pub mod file;
pub mod merge;

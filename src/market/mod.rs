//! The markets: typed messages, rules and texts of each country. Pure values; no I/O, no logging.

pub mod no;

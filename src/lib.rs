//! innfri carries payoff questions and answers between estate agents and banks.
//!
//! A request's way, eight stops, no going back: `channel/amqp/consume` → `exchange/receive` →
//! `contract/check` → `decide/request` → `exchange/commit` → `journal` → acknowledged; then
//! `exchange/dispatch` → `channel/amqp/publish`. ARCHITECTURE.md is the map.

pub mod altinn_simulator;
pub mod bank;
pub mod case;
pub mod channel;
pub mod cli;
pub mod conformance;
pub mod contract;
pub mod decide;
pub mod directory;
pub mod dsve;
pub mod exchange;
pub mod journal;
pub mod kernel;
pub mod letters;
pub mod market;
pub mod port;
pub mod serve;
pub mod source;
pub mod telemetry;

//! The ceiling over the log: what no setting can make the program print.
//!
//! lapin prints a returned message whole at `warn` (its bytes as decimal numbers) and every frame at
//! `trace`; sqlx prints statements below `warn`. Bodies carry names and national identity numbers,
//! so these lines must not exist. Directives appended to the operator's own filter would not hold:
//! a longer target (`lapin::io_loop=trace`) or a span directive (`[consume]=trace`) wins over them.
//! Therefore the ceiling is a filter of its own, and a line must pass both.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

/// The most that is written, by the place that writes; what is not named may reach `debug`.
///
/// `trace` is where libraries print what passes through them, so only innfri itself may use it: a
/// new library is silent there before anybody has read its source.
const CEILING: [(&str, LevelFilter); 5] = [
    ("innfri", LevelFilter::TRACE),
    ("lapin", LevelFilter::WARN),
    ("lapin::returned_messages", LevelFilter::OFF),
    ("amq_protocol", LevelFilter::WARN),
    ("sqlx", LevelFilter::WARN),
];

/// The filter that every line must pass beside the operator's own.
pub(super) fn ceiling() -> Targets {
    Targets::new().with_default(LevelFilter::DEBUG).with_targets(CEILING)
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[rstest::rstest]
    #[case("lapin::returned_messages", Level::ERROR, false)]
    #[case("lapin::channel", Level::INFO, false)]
    #[case("lapin::channel", Level::WARN, true)]
    #[case("sqlx::query", Level::DEBUG, false)]
    #[case("sqlx::query", Level::WARN, true)]
    #[case("amq_protocol_types::parsing", Level::INFO, false)]
    #[case("rustls::client", Level::DEBUG, true)]
    #[case("rustls::client", Level::TRACE, false)]
    #[case("innfri::exchange", Level::TRACE, true)]
    fn the_ceiling_stands_where_it_is_written(
        #[case] target: &str,
        #[case] level: Level,
        #[case] passes: bool,
    ) {
        assert_eq!(ceiling().would_enable(target, &level), passes);
    }
}

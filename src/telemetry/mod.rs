//! What the program says about itself while it runs: log lines on standard error, as text or JSON.
//!
//! The rooms from the exchange upward write events with `tracing`; the floors below are pure and
//! say nothing. Whatever filter the operator asks for, the libraries that print message bodies stay
//! silent: [`filter`] holds that ceiling. [`trace`] carries senders' traces on; spans leave the
//! process only where a collector is set.

pub mod chain;
mod export;
pub mod filter;
pub mod trace;

use std::io::{IsTerminal, stderr};

use serde::Deserialize;
use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt, registry};

pub use chain::Chain;

/// The part `log` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryConfig {
    /// What is written: a level (`info`), or levels by target (`info,innfri::exchange=debug`), in the
    /// notation of `tracing_subscriber::EnvFilter`. `info` unless told.
    pub filter: String,
    /// How a line looks. Text unless told.
    pub format: LogFormat,
    /// An OpenTelemetry collector to send spans to, over HTTP, such as `http://127.0.0.1:4318`; the path
    /// `/v1/traces` is added. Nothing is sent unless told.
    pub otlp_endpoint: Option<String>,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: LogFormat::default(), otlp_endpoint: None }
    }
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people: coloured when standard error is a terminal.
    #[default]
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Why logging could not start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter does not follow the notation.
    #[error("log.filter is not a log filter; write for example `info` or `info,innfri=debug`")]
    Filter(#[source] tracing_subscriber::filter::ParseError),
    /// Logging was started before, in this process.
    #[error("logging was already started in this process")]
    AlreadyStarted(#[source] tracing_subscriber::util::TryInitError),
    /// The collector's address is none, or holds a password.
    #[error(
        "log.otlp_endpoint is not an address such as http://127.0.0.1:4318, without user and password"
    )]
    Endpoint,
    /// Spans cannot be sent.
    #[error("spans cannot be sent to log.otlp_endpoint")]
    Exporter(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// This program cannot send spans.
    #[error("log.otlp_endpoint is set, but this program was built without the feature `otlp`")]
    NotBuiltIn,
}

/// What keeps spans going out; dropped, it sends what it still holds.
#[derive(Debug)]
#[must_use = "spans are sent for as long as this lives"]
pub struct Telemetry {
    _exporter: Option<export::Exporter>,
}

/// Starts logging to standard error, and sending spans where a collector is set; for the whole process,
/// once. To be called, and its outcome dropped, outside of an asynchronous runtime.
///
/// # Errors
/// [`TelemetryError::Filter`] when `config.filter` cannot be read,
/// [`TelemetryError::AlreadyStarted`] when logging was started before, and when spans cannot be sent.
pub fn init(config: &TelemetryConfig) -> Result<Telemetry, TelemetryError> {
    // https://no-color.org: set and not empty means no colour.
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let exporter = config.otlp_endpoint.as_deref().map(export::exporter).transpose()?;
    subscriber(config, stderr, stderr().is_terminal() && !plain, exporter.as_ref())?
        .try_init()
        .map_err(TelemetryError::AlreadyStarted)?;
    Ok(Telemetry { _exporter: exporter })
}

/// The subscriber that [`init`] installs, with the writer open so that tests can read what it wrote.
fn subscriber<W>(
    config: &TelemetryConfig,
    writer: W,
    colour: bool,
    exporter: Option<&export::Exporter>,
) -> Result<impl Subscriber + Send + Sync + use<W>, TelemetryError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let asked = EnvFilter::builder()
        .with_regex(false)
        .parse(&config.filter)
        .map_err(TelemetryError::Filter)?;
    let lines = fmt::layer().with_writer(writer).with_ansi(colour);
    let lines = match config.format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    // What the operator asks for is about lines; the ceiling stands over everything.
    let lines = lines.with_filter(asked);
    Ok(registry().with(lines).with(export::layer(exporter)).with(filter::ceiling()))
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written while `speak` runs under this configuration.
    fn written(filter: &str, format: LogFormat, speak: fn()) -> String {
        let paper = Paper::default();
        let copy = paper.clone();
        let config = TelemetryConfig { filter: filter.to_owned(), format, otlp_endpoint: None };
        let subscriber = subscriber(&config, move || copy.clone(), false, None).unwrap();
        tracing::subscriber::with_default(subscriber, speak);
        let bytes = paper.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    /// Speaks as the libraries do when they print what must not be printed.
    fn libraries_speak() {
        tracing::warn!(target: "lapin::returned_messages", "body-returned");
        tracing::error!(target: "lapin::returned_messages", "body-returned");
        tracing::trace!(target: "lapin::io_loop", payload = "body-frame", "frame");
        tracing::info!(target: "lapin::channel", "body-channel");
        tracing::debug!(target: "sqlx::query", "body-statement");
        tracing::info!(target: "sqlx::query", "body-statement");
        tracing::trace!(target: "amq_protocol::frame", "body-parsed");
        tracing::trace!(target: "any_library", "body-unknown");
        tracing::info_span!(target: "innfri::channel", "consume", login = "x").in_scope(|| {
            tracing::warn!(target: "lapin::returned_messages", "body-in-span");
            tracing::trace!(target: "lapin::io_loop", "body-in-span");
        });
        tracing::warn!(target: "lapin::io_loop", "connection-lost");
        tracing::trace!(target: "innfri::exchange", "own-trace");
    }

    #[rstest::rstest]
    #[case::everything("trace")]
    #[case::the_target_itself("lapin::returned_messages=trace")]
    #[case::both("trace,lapin::returned_messages=trace")]
    #[case::a_longer_target("trace,lapin::io_loop=trace,lapin::channel=trace,sqlx::query=trace")]
    #[case::by_field("trace,[{message}]=trace,lapin[{payload}]=trace")]
    #[case::by_span("trace,[consume]=trace,[consume{login=x}]=trace")]
    fn no_filter_lifts_the_silence_over_message_bodies(#[case] filter: &str) {
        let text = written(filter, LogFormat::Text, libraries_speak);
        assert!(!text.contains("body-"), "{text}");
    }

    #[test]
    fn what_is_not_silenced_is_written_so_the_silence_test_can_fail() {
        let text = written("trace", LogFormat::Text, libraries_speak);
        assert!(text.contains("connection-lost") && text.contains("own-trace"), "{text}");
    }

    #[test]
    fn a_filter_lowers_what_is_written() {
        let text = written("error", LogFormat::Text, libraries_speak);
        assert_eq!(text, "");
    }

    #[test]
    fn json_is_one_object_a_line_with_the_fields_on_top() {
        let text = written("info", LogFormat::Json, || {
            tracing::info!(case = "c-1", "committed");
            tracing::info!("second");
        });
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines.first().unwrap()["case"], "c-1");
        assert_eq!(lines.first().unwrap()["message"], "committed");
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_refused() {
        let config = TelemetryConfig { filter: "innfri=loudly".into(), ..Default::default() };
        let error = subscriber(&config, io::sink, false, None).err().unwrap();
        assert!(matches!(error, TelemetryError::Filter(_)));
        assert!(error.to_string().starts_with("log.filter"));
    }

    #[test]
    fn the_configuration_says_info_and_text_when_empty_and_refuses_unknown_keys() {
        assert_eq!(toml::from_str::<TelemetryConfig>("").unwrap(), TelemetryConfig::default());
        let json: TelemetryConfig = toml::from_str("format = \"json\"").unwrap();
        assert_eq!(json.format, LogFormat::Json);
        assert_eq!(json.filter, "info");
        assert!(toml::from_str::<TelemetryConfig>("levle = \"info\"").is_err());
    }
}

//! Sends spans to an OpenTelemetry collector: OTLP over HTTP, as protobuf. Only [`super::trace`]'s spans
//! leave the process, and no log line does, so nothing that a library prints can leave by this way.
//!
//! Built only with the feature `otlp`; without it this module does nothing, and a setting that asks for
//! it is refused.

#[cfg(feature = "otlp")]
pub(super) use with::{Exporter, carry_on, exporter, layer};
#[cfg(not(feature = "otlp"))]
pub(super) use without::{Exporter, carry_on, exporter, layer};

#[cfg(feature = "otlp")]
mod with {
    use std::time::Duration;

    use opentelemetry::trace::{
        SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
        TracerProvider as _,
    };
    use opentelemetry::{Context, KeyValue};
    use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
    use opentelemetry_sdk::Resource;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing::level_filters::LevelFilter;
    use tracing::{Span, Subscriber};
    use tracing_opentelemetry::OpenTelemetrySpanExt as _;
    use tracing_subscriber::filter::filter_fn;
    use tracing_subscriber::layer::Layer;
    use tracing_subscriber::registry::LookupSpan;

    use super::super::TelemetryError;
    use super::super::trace::{TARGET, TraceParent};

    /// How long the last spans may take to leave when the process stops.
    const GOODBYE: Duration = Duration::from_secs(5);
    /// The path that OTLP gives to traces.
    const PATH: &str = "v1/traces";

    /// The way to the collector; dropped, it sends what it still holds.
    #[derive(Debug)]
    pub(in crate::telemetry) struct Exporter {
        provider: SdkTracerProvider,
    }

    impl Drop for Exporter {
        fn drop(&mut self) {
            // A collector that is away must not keep the process from ending.
            drop(self.provider.shutdown_with_timeout(GOODBYE));
        }
    }

    /// Begins to export to the collector at `endpoint`, the address without OTLP's own path.
    pub(in crate::telemetry) fn exporter(endpoint: &str) -> Result<Exporter, TelemetryError> {
        let address = url::Url::parse(endpoint).map_err(|_| TelemetryError::Endpoint)?;
        let plain = address.username().is_empty() && address.password().is_none();
        if !matches!(address.scheme(), "http" | "https") || !address.has_host() || !plain {
            return Err(TelemetryError::Endpoint);
        }
        let traces = format!("{}/{PATH}", address.as_str().trim_end_matches('/'));
        let spans = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(traces)
            .build()
            .map_err(|error| TelemetryError::Exporter(Box::new(error)))?;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource =
            Resource::builder().with_service_name("innfri").with_attribute(version).build();
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(spans).with_resource(resource).build();
        Ok(Exporter { provider })
    }

    /// Gives the exporter our own spans, and nothing else.
    pub(in crate::telemetry) fn layer<S>(exporter: Option<&Exporter>) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        exporter.map(|exporter| {
            let ours = filter_fn(|metadata| metadata.is_span() && metadata.target() == TARGET)
                .with_max_level_hint(LevelFilter::DEBUG);
            tracing_opentelemetry::layer()
                .with_tracer(exporter.provider.tracer("innfri"))
                .with_location(false)
                .with_threads(false)
                .with_level(false)
                .with_target(false)
                .with_tracked_inactivity(false)
                .with_filter(ours)
        })
    }

    /// Puts a span below the sender's, and tells its own place in the trace when it is recorded.
    pub(in crate::telemetry) fn carry_on(
        span: &Span,
        parent: Option<TraceParent>,
    ) -> Option<TraceParent> {
        if span.is_disabled() {
            return None;
        }
        if let Some(parent) = parent {
            let sender = SpanContext::new(
                TraceId::from(parent.trace),
                SpanId::from(parent.parent),
                TraceFlags::new(parent.flags),
                true,
                TraceState::NONE,
            );
            // Refused only where no exporter listens; then there is no own place either.
            drop(span.set_parent(Context::new().with_remote_span_context(sender)));
        }
        let context = span.context();
        let current = context.span();
        let own = current.span_context();
        (own.is_valid() && own.is_sampled() && !own.is_remote()).then(|| TraceParent {
            trace: u128::from_be_bytes(own.trace_id().to_bytes()),
            parent: u64::from_be_bytes(own.span_id().to_bytes()),
            flags: own.trace_flags().to_u8(),
        })
    }

    #[cfg(test)]
    mod tests {
        use std::io::{Read, Write};
        use std::net::{TcpListener, TcpStream};

        use tracing_subscriber::layer::SubscriberExt as _;

        use super::super::super::filter;
        use super::super::super::trace::{About, Step};
        use super::*;

        /// Reads one request to its end, answers it, and gives it back, head and body.
        fn serve(listener: &TcpListener) -> Vec<u8> {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
            let request = read(&mut stream);
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
            request
        }

        fn read(stream: &mut TcpStream) -> Vec<u8> {
            let mut request = Vec::new();
            let mut chunk = [0_u8; 4096];
            loop {
                let count = stream.read(&mut chunk).unwrap();
                request.extend(chunk.iter().take(count));
                let text = String::from_utf8_lossy(&request).to_lowercase();
                let Some((head, _)) = text.split_once("\r\n\r\n") else { continue };
                let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
                let length: usize = length.unwrap().trim().parse().unwrap();
                let end = request.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
                if count == 0 || request.len() >= end + length {
                    return request;
                }
            }
        }

        fn holds(bytes: &[u8], part: &[u8]) -> bool {
            bytes.windows(part.len()).any(|window| window == part)
        }

        #[test]
        fn spans_reach_the_collector_below_the_senders_and_nothing_else_does() {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let endpoint = format!("http://{}", listener.local_addr().unwrap());
            let exporter = exporter(&endpoint).unwrap();
            let subscriber =
                tracing_subscriber::registry().with(layer(Some(&exporter))).with(filter::ceiling());
            let given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
            let about = About {
                system: "rabbitmq",
                place: "innfri.in.requests",
                destination: "innfri.in.requests",
                message_type: Some("no.dsve.status.v1"),
                message_id: Some(uuid::Uuid::from_u128(7)),
                conversation_id: None,
            };
            let (carried, unsampled) = tracing::subscriber::with_default(subscriber, || {
                let step = Step::process(&about, Some(given));
                tracing::warn!(target: "lapin::returned_messages", "body-returned");
                tracing::error!("body-of-an-event");
                let other = tracing::error_span!(target: "lapin::channel", "body-of-a-span");
                drop(other);
                let carried: TraceParent = step.traceparent().unwrap().parse().unwrap();
                step.end(Some("unavailable"));
                let not_recorded = given.replace("-01", "-00");
                let unsampled = Step::process(&about, Some(&not_recorded)).traceparent();
                (carried, unsampled)
            });
            assert_eq!(carried.trace, 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c, "the same trace");
            assert_ne!(carried.parent, 0xb7ad_6b71_6920_3331, "below the sender's span");
            let untouched = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
            assert_eq!(unsampled.as_deref(), Some(untouched), "a trace that nobody records");

            let collector = std::thread::spawn(move || serve(&listener));
            drop(exporter);
            let request = collector.join().unwrap();
            assert!(request.starts_with(b"POST /v1/traces "));
            for part in [
                b"process innfri.in.requests".as_slice(),
                b"messaging.operation.type",
                b"00000000-0000-0000-0000-000000000007",
                b"error.type",
                &carried.trace.to_be_bytes(),
                &carried.parent.to_be_bytes(),
                &0xb7ad_6b71_6920_3331_u64.to_be_bytes(),
            ] {
                assert!(holds(&request, part), "{}", String::from_utf8_lossy(part));
            }
            assert!(!holds(&request, b"body-"));
        }

        #[test]
        fn an_address_that_is_none_or_holds_a_password_is_refused_without_repeating_it() {
            for endpoint in ["collector:4318", "ftp://host/", "http://me:hunter2@host:4318", ""] {
                let error = exporter(endpoint).unwrap_err();
                assert!(matches!(error, TelemetryError::Endpoint), "{endpoint}");
                assert!(!error.to_string().contains("hunter2"));
            }
        }
    }
}

#[cfg(not(feature = "otlp"))]
mod without {
    use tracing::{Span, Subscriber};
    use tracing_subscriber::layer::{Identity, Layer};

    use super::super::TelemetryError;
    use super::super::trace::TraceParent;

    /// There is no way to a collector.
    #[derive(Debug)]
    pub(in crate::telemetry) enum Exporter {}

    /// Refuses.
    pub(in crate::telemetry) fn exporter(_endpoint: &str) -> Result<Exporter, TelemetryError> {
        Err(TelemetryError::NotBuiltIn)
    }

    /// Does nothing.
    pub(in crate::telemetry) fn layer<S: Subscriber>(
        _exporter: Option<&Exporter>,
    ) -> impl Layer<S> + use<S> {
        Identity::new()
    }

    /// There is no own place in the trace.
    pub(in crate::telemetry) fn carry_on(
        _span: &Span,
        _parent: Option<TraceParent>,
    ) -> Option<TraceParent> {
        None
    }
}

//! Traces: the sender's W3C trace context, and the spans by which innfri carries it on.
//!
//! A message's `traceparent` goes with it through every channel, whether or not this process sends
//! its own spans anywhere. Where it does (`log.otlp_endpoint`), each step is a span below the sender's
//! and what goes out names that span; where it does not, what goes out names the sender's own. Names and
//! attributes follow OpenTelemetry's conventions for messaging. No attribute holds what a sender is
//! free to write.

use std::fmt;
use std::str::FromStr;

use tracing::Span;
use tracing::field::Empty;
use uuid::Uuid;

use super::export;

/// The target of all spans, by which they are told from log lines.
pub(super) const TARGET: &str = "innfri::trace";

/// A `traceparent` of version 00: <https://www.w3.org/TR/trace-context/#traceparent-header>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    /// The whole trace; never 0.
    pub trace: u128,
    /// The span that is carried on; never 0.
    pub parent: u64,
    /// Bit 0: the sender records this trace.
    pub flags: u8,
}

/// A text that is no `traceparent` of version 00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a traceparent of version 00")]
pub struct NotATraceParent;

impl FromStr for TraceParent {
    type Err = NotATraceParent;

    fn from_str(text: &str) -> Result<Self, NotATraceParent> {
        let mut parts = text.split('-');
        let mut part = |digits: usize| {
            let lower_hex = |sign: u8| sign.is_ascii_digit() || (b'a'..=b'f').contains(&sign);
            let part = parts.next().filter(|part| part.len() == digits);
            let part = part.filter(|part| part.bytes().all(lower_hex)).ok_or(NotATraceParent)?;
            u128::from_str_radix(part, 16).map_err(|_| NotATraceParent)
        };
        let (version, trace, parent, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
        if version != 0 || trace == 0 || parent == 0 || parts.next().is_some() {
            return Err(NotATraceParent);
        }
        let parent = u64::try_from(parent).map_err(|_| NotATraceParent)?;
        let flags = u8::try_from(flags).map_err(|_| NotATraceParent)?;
        Ok(Self { trace, parent, flags })
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.parent, self.flags)
    }
}

/// What a step is about: nothing that a sender is free to write.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// `rabbitmq`, or the channel's name.
    pub system: &'static str,
    /// Where it comes from or goes to, in few variants, for the span's name.
    pub place: &'a str,
    /// The same in full: with the routing key, for RabbitMQ.
    pub destination: &'a str,
    /// The message's type, when it is one that innfri knows.
    pub message_type: Option<&'static str>,
    /// Its sender's name for it, when that is a UUID.
    pub message_id: Option<Uuid>,
    /// The message it answers, when that is a UUID.
    pub conversation_id: Option<Uuid>,
}

/// One step of a message's way. It lasts until [`Step::end`], or until it is dropped.
#[derive(Debug)]
#[must_use = "a step that is dropped at once has no length"]
pub struct Step {
    span: Span,
    traceparent: Option<TraceParent>,
}

impl Step {
    /// A message is taken in: decided on and committed. Text that is no `traceparent` counts as none.
    pub fn process(about: &About<'_>, traceparent: Option<&str>) -> Self {
        Self::of("process", "consumer", about, traceparent)
    }

    /// A message is sent, and confirmed by the far side. Likewise.
    pub fn send(about: &About<'_>, traceparent: Option<&str>) -> Self {
        Self::of("send", "producer", about, traceparent)
    }

    fn of(
        operation: &'static str,
        kind: &'static str,
        about: &About<'_>,
        traceparent: Option<&str>,
    ) -> Self {
        let span = tracing::debug_span!(
            target: TARGET,
            parent: None,
            "step",
            otel.name = %format_args!("{operation} {}", about.place),
            otel.kind = kind,
            otel.status_code = Empty,
            messaging.system = about.system,
            messaging.operation.name = operation,
            messaging.operation.type = operation,
            messaging.destination.name = about.destination,
            messaging.message.id = about.message_id.map(tracing::field::display),
            messaging.message.conversation_id = about.conversation_id.map(tracing::field::display),
            innfri.message.type = about.message_type,
            error.type = Empty,
        );
        let parent: Option<TraceParent> = traceparent.and_then(|text| text.parse().ok());
        let traceparent = export::carry_on(&span, parent).or(parent);
        Self { span, traceparent }
    }

    /// What goes out must carry: this step where it is sent to a collector, else what came in.
    pub fn traceparent(&self) -> Option<String> {
        self.traceparent.map(|context| context.to_string())
    }

    /// Ends the step; a failure is named by its code.
    pub fn end(self, error_type: Option<&'static str>) {
        if let Some(code) = error_type {
            self.span.record("error.type", code);
            self.span.record("otel.status_code", "ERROR");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GIVEN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_traceparent_is_read_and_written() {
        let read: TraceParent = GIVEN.parse().unwrap();
        assert_eq!(read.trace, 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c);
        assert_eq!((read.parent, read.flags), (0xb7ad_6b71_6920_3331, 1));
        assert_eq!(read.to_string(), GIVEN);
    }

    #[rstest::rstest]
    #[case::nothing("")]
    #[case::another_version("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
    #[case::the_forbidden_version("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
    #[case::no_trace("00-00000000000000000000000000000000-b7ad6b7169203331-01")]
    #[case::no_parent("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01")]
    #[case::capitals("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01")]
    #[case::a_sign("00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
    #[case::a_part_too_many("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x")]
    #[case::too_short("00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01")]
    #[case::moved_bars("00-0af7651916cd43dd8448eb211c80319cb-7ad6b7169203331-01")]
    #[case::no_flags("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331")]
    #[case::a_space(" 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
    #[case::other_letters("00-0af7651916cd43dd8448eb211c80319å-b7ad6b7169203331-01")]
    fn what_is_no_traceparent_is_not_carried_on(#[case] text: &str) {
        assert_eq!(text.parse::<TraceParent>(), Err(NotATraceParent));
        let step = Step::process(&about(), Some(text));
        assert_eq!(step.traceparent(), None);
    }

    #[test]
    fn without_a_collector_the_senders_own_is_carried_on_unchanged() {
        let step = Step::process(&about(), Some(GIVEN));
        assert_eq!(step.traceparent().as_deref(), Some(GIVEN));
        step.end(None);
        let step = Step::send(&about(), Some(GIVEN));
        assert_eq!(step.traceparent().as_deref(), Some(GIVEN));
        step.end(Some("refused"));
        let step = Step::process(&about(), None);
        assert_eq!(step.traceparent(), None);
    }

    fn about() -> About<'static> {
        About {
            system: "rabbitmq",
            place: "innfri.in.requests",
            destination: "innfri.in.requests",
            message_type: None,
            message_id: None,
            conversation_id: None,
        }
    }

    proptest! {
        #[test]
        fn any_context_is_read_back(trace in 1_u128.., parent in 1_u64.., flags: u8) {
            let context = TraceParent { trace, parent, flags };
            prop_assert_eq!(context.to_string().parse(), Ok(context));
        }

        #[test]
        fn no_text_breaks_the_reading(text in ".{0,80}") {
            if let Ok(read) = text.parse::<TraceParent>() {
                prop_assert_eq!(read.to_string(), text);
            }
        }
    }
}

//! What the journal holds, as gauges. They are sampled now and then by whoever serves: counting at
//! every change would cost more than it tells.

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::port::Counts;

/// The journal's gauges. Cheap to clone; clones show the same.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    up: Gauge,
    open_cases: Gauge,
    unsent: Gauge,
    oldest_seconds: Gauge,
    dead_letters: Gauge,
    bytes: Gauge,
}

/// What the journal held at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sample {
    /// How much there is of what.
    pub counts: Counts,
    /// Seconds for which the oldest delivery has been owed; 0 when none is.
    pub oldest_seconds: u64,
    /// The journal's size.
    pub bytes: u64,
}

impl Metrics {
    /// Shows them in a registry.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "innfri_journal_up",
            "1 when the journal answered the last time it was sampled",
            self.up.clone(),
        );
        registry.register(
            "innfri_cases_open",
            "Cases that wait for a bank",
            self.open_cases.clone(),
        );
        registry.register(
            "innfri_outbox_unsent",
            "Deliveries not yet confirmed nor given up",
            self.unsent.clone(),
        );
        registry.register(
            "innfri_outbox_oldest_seconds",
            "For how long the oldest of them has been owed",
            self.oldest_seconds.clone(),
        );
        registry.register(
            "innfri_dead_letters",
            "Dead letters that are kept, cared for or not",
            self.dead_letters.clone(),
        );
        registry.register("innfri_journal_bytes", "The journal's size", self.bytes.clone());
    }

    /// Shows a sample; without one the journal did not answer, and what it held last stays.
    pub fn sampled(&self, sample: Option<Sample>) {
        self.up.set(i64::from(sample.is_some()));
        let Some(sample) = sample else { return };
        let set = |gauge: &Gauge, value: u64| {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        };
        set(&self.open_cases, sample.counts.open_cases);
        set(&self.unsent, sample.counts.owed_deliveries);
        set(&self.oldest_seconds, sample.oldest_seconds);
        set(&self.dead_letters, sample.counts.dead_letters);
        set(&self.bytes, sample.bytes);
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;

    use super::*;

    #[test]
    fn a_journal_that_does_not_answer_keeps_its_last_numbers_and_is_shown_as_down() {
        let metrics = Metrics::default();
        let mut registry = Registry::default();
        metrics.register(&mut registry);
        let counts = Counts { open_cases: 1, owed_deliveries: 2, dead_letters: 3 };
        metrics.sampled(Some(Sample { counts, oldest_seconds: 4, bytes: u64::MAX }));
        metrics.sampled(None);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in [
            "innfri_journal_up 0",
            "innfri_cases_open 1",
            "innfri_outbox_unsent 2",
            "innfri_dead_letters 3",
            "innfri_outbox_oldest_seconds 4",
            "innfri_journal_bytes 9223372036854775807",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }
}

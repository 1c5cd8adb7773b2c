//! What is told of looking for files in Altinn. What is taken in and sent, the exchange counts.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::channel::altinn::Walk;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

/// The metrics. Cheap to clone; clones count together.
#[derive(Debug, Clone)]
pub struct Metrics {
    looks: Family<ResultLabels, Counter>,
    confirmed: Counter,
    left: Counter,
    failing: Gauge,
}

const GOOD: ResultLabels = ResultLabels { result: "good" };
const FAILED: ResultLabels = ResultLabels { result: "failed" };

impl Default for Metrics {
    fn default() -> Self {
        let looks: Family<ResultLabels, Counter> = Family::default();
        // One after the other: what is given holds a lock.
        drop(looks.get_or_create(&GOOD));
        drop(looks.get_or_create(&FAILED));
        Self {
            looks,
            confirmed: Counter::default(),
            left: Counter::default(),
            failing: Gauge::default(),
        }
    }
}

impl Metrics {
    /// Shows them in a registry.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "innfri_altinn_looks",
            "Looks for files in Altinn, by how they ended",
            self.looks.clone(),
        );
        registry.register(
            "innfri_altinn_files_confirmed",
            "Files from Altinn that are kept here and confirmed there",
            self.confirmed.clone(),
        );
        registry.register(
            "innfri_altinn_files_left",
            "Times that a file was left in Altinn, to be fetched later",
            self.left.clone(),
        );
        registry.register(
            "innfri_altinn_organisations_failing",
            "Organisations for which the last look failed",
            self.failing.clone(),
        );
    }

    /// Counts a look. `was_failing` and `is_failing` tell of the organisation before and after it.
    pub(super) fn looked(&self, walk: &Walk, was_failing: bool, is_failing: bool) {
        let result = if is_failing { FAILED } else { GOOD };
        self.looks.get_or_create(&result).inc();
        self.confirmed.inc_by(count(walk.confirmed.len()));
        self.left.inc_by(count(walk.left.len()));
        match (was_failing, is_failing) {
            (false, true) => drop(self.failing.inc()),
            (true, false) => drop(self.failing.dec()),
            (true, true) | (false, false) => {}
        }
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

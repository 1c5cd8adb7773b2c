//! How old the list from AKELDO is that is in use, as gauges.

use jiff::Timestamp;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::Held;

/// The gauges. Cheap to clone; clones show the same.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    age_seconds: Gauge,
    entries: Gauge,
}

impl Metrics {
    /// Shows them in a registry.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "innfri_akeldo_age_seconds",
            "Age of the list from AKELDO that is in use",
            self.age_seconds.clone(),
        );
        registry.register(
            "innfri_akeldo_entries",
            "Participants that it lists; 0 while there is none",
            self.entries.clone(),
        );
    }

    /// Tells what is in use now.
    pub fn tell(&self, held: Option<&Held>, now: Timestamp) {
        let count = held.map_or(0, |held| held.listing.entries.len());
        self.entries.set(i64::try_from(count).unwrap_or(i64::MAX));
        self.age_seconds.set(held.map_or(0, |held| held.age(now).as_secs()));
    }
}

//! Time, as a thing that can be replaced in tests.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Today in Norway, where payoff dates are counted.
    fn today(&self) -> Date {
        let oslo = TimeZone::get("Europe/Oslo").unwrap_or(TimeZone::UTC);
        self.now().to_zoned(oslo).date()
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
    fn now(&self) -> Timestamp {
        // Stores keep microseconds: a time must read back as it was written.
        let now = Timestamp::now();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }
}

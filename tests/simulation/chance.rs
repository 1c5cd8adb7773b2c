//! The one source of chance of a run: everything that could go one way or another asks it, so that a
//! seed is a whole run.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use uuid::Uuid;

/// Locks, also after a panic elsewhere: what is wrong has been told by then.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

pub struct Chance(Mutex<StdRng>);

impl Chance {
    pub fn of(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }

    /// From 0 to `end` - 1.
    pub fn below(&self, end: u64) -> u64 {
        lock(&self.0).next_u64() % end.max(1)
    }

    /// From `low` to `high`, both possible.
    pub fn between(&self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    pub fn place(&self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap()
    }

    pub fn pick<T: Copy>(&self, from: &[T]) -> T {
        from[self.place(from.len())]
    }

    /// True in so many of a thousand cases.
    pub fn per_mille(&self, so_many: u64) -> bool {
        self.below(1000) < so_many
    }

    pub fn millis(&self, low: u64, high: u64) -> Duration {
        Duration::from_millis(self.between(low, high))
    }

    pub fn uuid(&self) -> Uuid {
        let (high, low) = (self.below(u64::MAX), self.below(u64::MAX));
        uuid::Builder::from_random_bytes((u128::from(high) << 64 | u128::from(low)).to_be_bytes())
            .into_uuid()
    }

    pub fn shuffle<T>(&self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.place(last + 1));
        }
    }
}

/// How much goes wrong in a run, each in so many of a thousand chances. Most faults are wholly absent
/// from any one run: what needs one fault and the absence of another is found too.
#[derive(Debug, Clone, Copy)]
pub struct Weather {
    pub journal_fails: u64,
    pub answer_lost: u64,
    pub journal_slow: u64,
    pub crash: u64,
    pub outages: u64,
    pub refuse: u64,
    pub time_out: u64,
    pub confirm_lost: u64,
    pub late: u64,
    pub sender_slow: u64,
    pub duplicate: u64,
    pub impatient: u64,
    /// How long the storm lasts, in seconds.
    pub seconds: u64,
}

impl Weather {
    pub fn of(chance: &Chance) -> Self {
        let some = |most: u64| if chance.below(2) == 0 { 0 } else { chance.between(1, most) };
        Self {
            journal_fails: some(150),
            answer_lost: some(150),
            journal_slow: some(300),
            crash: some(30),
            outages: some(400),
            refuse: some(300),
            time_out: some(200),
            confirm_lost: some(300),
            late: some(150),
            sender_slow: some(300),
            duplicate: some(400),
            impatient: some(300),
            seconds: chance.between(5, 90),
        }
    }
}

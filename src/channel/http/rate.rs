//! How many requests an operator may make: a token bucket each, so that one that runs wild slows down
//! nobody but itself.
//!
//! Kept as one time for each bucket (GCRA, ITU-T I.371): when the bucket would be full again. Sixty lines
//! of whole numbers, instead of a library with clocks and maps of its own that could not follow
//! [`crate::port::Clock`].

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::kernel::Login;

/// Buckets kept at most. Logins come from the directory, so this is reached only by a mistake.
const MOST_BUCKETS: usize = 10_000;

const SECOND: i128 = 1_000_000_000;

/// The rate limit of all operators.
#[derive(Debug)]
pub struct RateLimit {
    /// Nanoseconds for one request; `None` when there is no limit.
    each: Option<i128>,
    /// How far ahead of now a bucket may be filled, in nanoseconds.
    ahead: i128,
    /// When each bucket would be full again, in nanoseconds since 1970. One that is full is as good as
    /// none.
    full_at: Mutex<HashMap<Login, i128>>,
}

impl RateLimit {
    /// At most `per_second` requests a second in the long run, and `burst` at once (0 counts as 1). With 0
    /// `per_second` there is no limit.
    pub fn new(per_second: u32, burst: u32) -> Self {
        // Rounded down, by less than a nanosecond a request.
        let each = (per_second > 0).then(|| SECOND.div_euclid(i128::from(per_second)).max(1));
        let ahead = each.unwrap_or(0) * i128::from(burst.max(1));
        Self { each, ahead, full_at: Mutex::new(HashMap::new()) }
    }

    /// Lets a request of this operator in, or says how long to wait before the next try (`Retry-After`,
    /// to be rounded up to whole seconds).
    ///
    /// # Errors
    /// The wait, when the bucket is empty. A refused request takes nothing out of the bucket.
    pub fn admit(&self, login: &Login, now: Timestamp) -> Result<(), Duration> {
        let Some(each) = self.each else { return Ok(()) };
        let now = now.as_nanosecond();
        let mut buckets = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back must not lock anybody out for that long.
        let full_at = buckets.get(login).map_or(now, |full_at| *full_at);
        let full_at = full_at.clamp(now, now + self.ahead);
        let after = full_at + each;
        if after > now + self.ahead {
            let wait = u64::try_from(after - now - self.ahead).unwrap_or(u64::MAX);
            return Err(Duration::from_nanos(wait));
        }
        if buckets.len() >= MOST_BUCKETS && !buckets.contains_key(login) {
            make_room(&mut buckets, now);
        }
        buckets.insert(login.clone(), after);
        Ok(())
    }
}

/// Forgets the buckets that are full; when none is, the one that is nearest to it.
fn make_room(buckets: &mut HashMap<Login, i128>, now: i128) {
    buckets.retain(|_, full_at| *full_at > now);
    if buckets.len() >= MOST_BUCKETS {
        let fullest = buckets.iter().min_by_key(|(_, full_at)| **full_at);
        if let Some(login) = fullest.map(|(login, _)| login.clone()) {
            buckets.remove(&login);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(1_780_000_000_000 + milliseconds).unwrap()
    }

    fn login(name: &str) -> Login {
        Login::new(name)
    }

    #[test]
    fn a_burst_is_let_in_and_then_the_rate_holds() {
        let limit = RateLimit::new(10, 3);
        let vendor = login("vendor");
        for _ in 0..3 {
            limit.admit(&vendor, at(0)).unwrap();
        }
        assert_eq!(limit.admit(&vendor, at(0)), Err(Duration::from_millis(100)));
        assert_eq!(limit.admit(&vendor, at(40)), Err(Duration::from_millis(60)));
        limit.admit(&vendor, at(100)).unwrap();
        assert!(limit.admit(&vendor, at(100)).is_err());
        let let_in = (0..10_000).filter(|wait| limit.admit(&vendor, at(100 + wait)).is_ok());
        assert_eq!(let_in.count(), 99);
    }

    #[test]
    fn a_rest_fills_the_bucket_but_no_more_than_that() {
        let limit = RateLimit::new(10, 3);
        for start in [0, 3_600_000] {
            let let_in = (0..20).filter(|_| limit.admit(&login("vendor"), at(start)).is_ok());
            assert_eq!(let_in.count(), 3);
        }
    }

    #[test]
    fn whoever_waits_as_long_as_told_is_let_in() {
        let limit = RateLimit::new(3, 1);
        let mut now = at(0);
        limit.admit(&login("vendor"), now).unwrap();
        for _ in 0..100 {
            let wait = limit.admit(&login("vendor"), now).unwrap_err();
            now += wait;
            limit.admit(&login("vendor"), now).unwrap();
        }
    }

    #[test]
    fn operators_have_their_own_buckets() {
        let limit = RateLimit::new(1, 1);
        limit.admit(&login("one"), at(0)).unwrap();
        assert!(limit.admit(&login("one"), at(0)).is_err());
        limit.admit(&login("other"), at(0)).unwrap();
    }

    #[test]
    fn without_a_rate_there_is_no_limit() {
        let limit = RateLimit::new(0, 0);
        assert!((0..10_000).all(|_| limit.admit(&login("vendor"), at(0)).is_ok()));
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let limit = RateLimit::new(1, 1);
        limit.admit(&login("vendor"), at(3_600_000)).unwrap();
        assert_eq!(limit.admit(&login("vendor"), at(0)), Err(Duration::from_secs(1)));
    }

    #[test]
    fn memory_is_bounded() {
        let limit = RateLimit::new(1, 1);
        for number in 0..MOST_BUCKETS + 10 {
            limit.admit(&login(&number.to_string()), at(0)).unwrap();
        }
        assert_eq!(limit.full_at.lock().unwrap().len(), MOST_BUCKETS);
        limit.admit(&login("late"), at(60_000)).unwrap();
        assert_eq!(limit.full_at.lock().unwrap().len(), 1);
    }
}

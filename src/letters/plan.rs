//! What a replay would do, counted before anything is done.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::Desk;
use super::judge::{Judged, Verdict};
use crate::kernel::DeadLetterId;
use crate::port::JournalError;
use crate::port::letters::LetterState;

/// Letters judged at a time.
const PAGE: usize = 256;

/// What a replay would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Letters that were chosen.
    pub total: u64,
    /// By whom they are for; `-` where that is not known.
    pub by_bank: BTreeMap<String, u64>,
    /// By how long ago they were given up, the youngest first.
    pub by_age: [u64; 4],
    /// Where those go that would pass.
    pub destinations: BTreeMap<String, u64>,
    /// Letters that would now pass the checks.
    pub pass: u64,
    /// Letters whose sender would be told that they are refused.
    pub refused: u64,
    /// Letters that would fail again.
    pub fail: u64,
    /// Letters that were handled meanwhile; they are skipped.
    pub handled: u64,
    /// Letters that cannot be sent; they are skipped and stay as they are.
    pub cannot: u64,
    /// Letters that another run has, or that are no longer open; they are skipped.
    pub taken: u64,
    /// Why not, where letters would not pass.
    pub why: BTreeMap<String, u64>,
    /// How long sending takes at the chosen rate.
    pub takes: Duration,
}

/// The names of the ages in [`Plan::by_age`].
pub const AGES: [&str; 4] = ["under an hour", "under a day", "under a week", "older"];

impl Plan {
    fn add(&mut self, judged: &Judged, now: Timestamp) {
        let letter = &judged.record.letter;
        self.total += 1;
        let to = letter.to.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        *self.by_bank.entry(to).or_default() += 1;
        if let Some(count) = self.by_age.get_mut(age(letter.at, now)) {
            *count += 1;
        }
        let why = match &judged.verdict {
            Verdict::Passes => {
                self.pass += 1;
                let to = judged.destination.clone().unwrap_or_else(|| "-".to_owned());
                *self.destinations.entry(to).or_default() += 1;
                return;
            }
            Verdict::Refused(why) => {
                self.refused += 1;
                format!("is refused: {why}")
            }
            Verdict::FailsAgain(why) => {
                self.fail += 1;
                format!("fails again: {why}")
            }
            Verdict::Handled(why) => {
                self.handled += 1;
                format!("is skipped: {why}")
            }
            Verdict::Cannot(why) => {
                self.cannot += 1;
                format!("is skipped: {why}")
            }
        };
        *self.why.entry(why).or_default() += 1;
    }

    /// Letters that will have an effect.
    pub const fn effective(&self) -> u64 {
        self.pass + self.refused + self.fail
    }
}

fn age(at: Timestamp, now: Timestamp) -> usize {
    match now.duration_since(at).as_hours() {
        ..1 => 0,
        1..24 => 1,
        24..168 => 2,
        168.. => 3,
    }
}

/// How long so many letters take at a rate, in letters a second.
pub fn takes(letters: u64, rate: u32) -> Duration {
    Duration::from_millis(letters.saturating_mul(1000) / u64::from(rate.max(1)))
}

impl Desk {
    /// Says what a replay of these letters would do now. Nothing is changed.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn plan(&self, ids: &[DeadLetterId], rate: u32) -> Result<Plan, JournalError> {
        let mut plan = Plan::default();
        let now = self.clock.now();
        for page in ids.chunks(PAGE) {
            let records = self.letters.fetch(page).await?;
            let (open, other): (Vec<_>, Vec<_>) = records
                .into_iter()
                .partition(|record| LetterState::TAKEN_FROM.contains(&record.state));
            for record in other {
                plan.total += 1;
                plan.taken += 1;
                let run = record.run.filter(|_| record.state == LetterState::Replaying);
                let run = run.map(|run| format!(", in run {run}")).unwrap_or_default();
                *plan.why.entry(format!("is skipped: it is {}{run}", record.state)).or_default() +=
                    1;
            }
            for judged in self.judge(open, &|_| false).await? {
                plan.add(&judged, now);
            }
        }
        plan.takes = takes(plan.effective(), rate);
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_apart_and_a_rate_gives_a_time() {
        let at = |hours: i64| Timestamp::from_second(hours * 3600).unwrap();
        let ages: Vec<usize> = [0, 5, 30, 400].map(|hours| age(at(0), at(hours))).into();
        assert_eq!(ages, [0, 1, 2, 3]);
        assert_eq!(takes(10, 4), Duration::from_millis(2500));
        assert_eq!(takes(10, 0), Duration::from_secs(10));
    }
}

//! How long to wait between two looks for new files. Pure: what happened goes in, a time comes out.

use std::time::Duration;

/// No wait that Altinn asks for is believed beyond this.
const LONGEST_ASKED: Duration = Duration::from_secs(3600);

/// What the last look brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Round {
    /// Files, all of which are kept and confirmed.
    Arrived,
    /// Nothing.
    Nothing,
    /// Something went wrong; so long Altinn asks to be left alone.
    Failed(Option<Duration>),
}

/// The pause until the next look: the shortest while files come, doubled each time that none does or
/// something goes wrong, never longer than the longest unless Altinn asks for it. `jitter`, 0 to 1000,
/// adds up to a tenth, so that many processes do not look at the same moment.
pub fn next_pause(
    previous: Duration,
    round: Round,
    (shortest, longest): (Duration, Duration),
    jitter: u16,
) -> Duration {
    let longest = longest.max(shortest);
    let doubled = previous.saturating_mul(2).clamp(shortest, longest);
    let pause = match round {
        Round::Arrived => shortest,
        Round::Nothing | Round::Failed(None) => doubled,
        Round::Failed(Some(asked)) => doubled.max(asked.min(LONGEST_ASKED)),
    };
    pause + pause / 10_000 * u32::from(jitter.min(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[rstest::rstest]
    #[case::files_come(80, Round::Arrived, 0, 5)]
    #[case::first_nothing(5, Round::Nothing, 0, 10)]
    #[case::nothing_for_long(300, Round::Nothing, 0, 300)]
    #[case::from_the_start(0, Round::Nothing, 0, 5)]
    #[case::failed(20, Round::Failed(None), 0, 40)]
    #[case::asked_for_more(20, Round::Failed(Some(seconds(90))), 0, 90)]
    #[case::asked_for_less(20, Round::Failed(Some(seconds(1))), 0, 40)]
    #[case::asked_for_longer_than_the_longest(300, Round::Failed(Some(seconds(900))), 0, 900)]
    #[case::asked_for_a_year(5, Round::Failed(Some(seconds(31_536_000))), 0, 3600)]
    #[case::spread(300, Round::Nothing, 1000, 330)]
    #[case::spread_no_further(300, Round::Nothing, u16::MAX, 330)]
    fn a_pause_follows_from_what_happened(
        #[case] previous: u64,
        #[case] round: Round,
        #[case] jitter: u16,
        #[case] expected: u64,
    ) {
        let range = (seconds(5), seconds(300));
        assert_eq!(next_pause(seconds(previous), round, range, jitter), seconds(expected));
    }

    #[test]
    fn a_range_that_is_written_backwards_still_pauses() {
        let range = (seconds(5), seconds(1));
        assert_eq!(next_pause(seconds(9), Round::Nothing, range, 0), seconds(5));
        let whole = (seconds(1), Duration::MAX);
        assert!(next_pause(Duration::MAX / 4, Round::Nothing, whole, 0) > seconds(1));
    }
}

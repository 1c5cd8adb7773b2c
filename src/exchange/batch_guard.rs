//! The batch guard: when most of what arrives would become dead letters for one reason, something is
//! wrong here or at a sender, and ten thousand letters help nobody. The intake then stops, but for one
//! message now and then, and goes on when one of those fares better.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::kernel::{ChannelName, Incoming, Login};

/// How long after one probe the next is let in.
const PROBE_EVERY: SignedDuration = SignedDuration::from_secs(10);

/// Whether a message may be decided on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// As usual.
    Ordinary,
    /// To see whether the reason is gone.
    Probe,
    /// It waits where it is.
    Refused,
}

/// What the guard makes of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Judgement {
    /// Keep it.
    Keep,
    /// Keep it: it fared better than those for which the intake stopped, which goes on.
    KeepAndGoOn,
    /// Do not keep it; the intake has stopped for its reason.
    HoldBack,
    /// Do not keep it, and say so: with it the intake stops.
    HoldBackAndStop,
}

/// Where messages come from that share their fate: everybody's on a queue, since whoever waits there
/// waits behind the others; one operator's over HTTP, so that nobody can stop the intake for another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entrance(ChannelName, Option<Login>);

impl Entrance {
    /// The entrance of a message.
    pub(super) fn of(incoming: &Incoming) -> Self {
        match incoming.channel {
            ChannelName::Http => Self(ChannelName::Http, incoming.login.clone()),
            shared @ (ChannelName::Amqp | ChannelName::Altinn | ChannelName::Embedded) => {
                Self(shared, None)
            }
        }
    }
}

impl fmt::Display for Entrance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self(channel, Some(login)) => write!(f, "{} of {login}", channel.as_str()),
            Self(channel, None) => f.write_str(channel.as_str()),
        }
    }
}

/// The guards of one process: one for each entrance. Over HTTP only operators of the directory come this
/// far, so there are no more than those.
#[derive(Debug)]
pub(super) struct Guards {
    percent: u32,
    window: usize,
    guards: BTreeMap<Entrance, BatchGuard>,
}

impl Guards {
    /// Guards as [`BatchGuard::new`] makes them.
    pub(super) const fn new(percent: u32, window: usize) -> Self {
        Self { percent, window, guards: BTreeMap::new() }
    }

    /// At how many entrances the intake has stopped.
    pub(super) fn stopped(&self) -> usize {
        self.guards.values().filter(|guard| guard.stopped.is_some()).count()
    }

    /// The guard of an entrance.
    pub(super) fn at(&mut self, entrance: &Entrance) -> &mut BatchGuard {
        let (percent, window) = (self.percent, self.window);
        self.guards.entry(entrance.clone()).or_insert_with(|| BatchGuard::new(percent, window))
    }
}

/// The guard of one entrance.
#[derive(Debug)]
pub(super) struct BatchGuard {
    percent: u64,
    window: usize,
    /// The newest messages: the signature of the letter that each became.
    newest: VecDeque<Option<String>>,
    counts: BTreeMap<String, u64>,
    stopped: Option<Stopped>,
}

#[derive(Debug)]
struct Stopped {
    signature: String,
    next_probe_at: Timestamp,
}

impl BatchGuard {
    /// A guard that stops the intake when `percent` of the last `window` messages would become dead
    /// letters of one signature. It never does when either is 0.
    fn new(percent: u32, window: usize) -> Self {
        Self {
            percent: u64::from(percent.min(100)),
            window,
            newest: VecDeque::new(),
            counts: BTreeMap::new(),
            stopped: None,
        }
    }

    /// The signature for which the intake has stopped.
    #[cfg(test)]
    fn stopped_for(&self) -> Option<&str> {
        self.stopped.as_ref().map(|stopped| stopped.signature.as_str())
    }

    /// Whether a message may be decided on now.
    pub(super) fn admit(&mut self, now: Timestamp) -> Admission {
        match &mut self.stopped {
            None => Admission::Ordinary,
            Some(stopped) if now >= stopped.next_probe_at => {
                stopped.next_probe_at = now.saturating_add(PROBE_EVERY).unwrap_or(Timestamp::MAX);
                Admission::Probe
            }
            Some(_) => Admission::Refused,
        }
    }

    /// What to do with a decision that leads to a letter with this signature, or to none.
    pub(super) fn judge(
        &mut self,
        admission: Admission,
        letter: Option<&str>,
        now: Timestamp,
    ) -> Judgement {
        match (&self.stopped, admission) {
            (None, _) => self.watch(letter, now),
            // The letter of a probe is kept: a person can look at it, and the queue moves on.
            (Some(stopped), Admission::Probe) if letter == Some(&stopped.signature) => {
                Judgement::Keep
            }
            (Some(_), Admission::Probe) => {
                self.stopped = None;
                // What was seen is nearly all kept: should the reason be there still, the intake
                // stops again after a few letters and not after another window full of them.
                for _ in 0..(self.window / 20).max(1) {
                    self.forget_oldest();
                }
                Judgement::KeepAndGoOn
            }
            // It was let in before the intake stopped.
            (Some(stopped), Admission::Ordinary | Admission::Refused) => {
                let same = letter == Some(&stopped.signature);
                if same { Judgement::HoldBack } else { Judgement::Keep }
            }
        }
    }

    fn watch(&mut self, letter: Option<&str>, now: Timestamp) -> Judgement {
        if self.percent == 0 || self.window == 0 {
            return Judgement::Keep;
        }
        if self.newest.len() >= self.window {
            self.forget_oldest();
        }
        self.newest.push_back(letter.map(str::to_owned));
        let Some(signature) = letter else { return Judgement::Keep };
        let count = self.counts.entry(signature.to_owned()).or_default();
        *count += 1;
        let window = u64::try_from(self.window).unwrap_or(u64::MAX);
        if count.saturating_mul(100) < window.saturating_mul(self.percent) {
            return Judgement::Keep;
        }
        let next_probe_at = now.saturating_add(PROBE_EVERY).unwrap_or(Timestamp::MAX);
        self.stopped = Some(Stopped { signature: signature.to_owned(), next_probe_at });
        Judgement::HoldBackAndStop
    }

    fn forget_oldest(&mut self) {
        let Some(Some(oldest)) = self.newest.pop_front() else { return };
        if let Some(count) = self.counts.get_mut(&oldest) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incoming(channel: ChannelName, login: &str) -> Incoming {
        Incoming {
            channel,
            source: String::new(),
            login: Some(Login::new(login)),
            message_type: None,
            message_id: None,
            correlation_id: None,
            content_type: None,
            traceparent: None,
            deaths: Vec::new(),
            findings: Vec::new(),
            received_at: Timestamp::UNIX_EPOCH,
            body: Vec::new(),
        }
    }

    #[test]
    fn over_http_one_operator_does_not_stop_the_intake_for_another() {
        let mut guards = Guards::new(50, 10);
        let noisy = Entrance::of(&incoming(ChannelName::Http, "noisy"));
        let quiet = Entrance::of(&incoming(ChannelName::Http, "quiet"));
        for _ in 0..5 {
            let guard = guards.at(&noisy);
            let admission = guard.admit(Timestamp::UNIX_EPOCH);
            guard.judge(admission, BAD, Timestamp::UNIX_EPOCH);
        }
        assert_eq!(guards.at(&noisy).admit(Timestamp::UNIX_EPOCH), Admission::Refused);
        assert_eq!(guards.at(&quiet).admit(Timestamp::UNIX_EPOCH), Admission::Ordinary);
        assert_eq!(guards.stopped(), 1);
    }

    #[test]
    fn on_a_queue_all_wait_behind_each_other() {
        let one = Entrance::of(&incoming(ChannelName::Amqp, "noisy"));
        assert_eq!(one, Entrance::of(&incoming(ChannelName::Amqp, "quiet")));
    }

    const BAD: Option<&str> = Some("UNKNOWN_SENDER intake - -");
    const WORSE: Option<&str> = Some("SPOOFED_SENDER intake - -");

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn ordinary(guard: &mut BatchGuard, letter: Option<&str>) -> Judgement {
        assert_eq!(guard.admit(at(0)), Admission::Ordinary);
        guard.judge(Admission::Ordinary, letter, at(0))
    }

    fn stopped() -> BatchGuard {
        let mut guard = BatchGuard::new(80, 10);
        for _ in 0..7 {
            assert_eq!(ordinary(&mut guard, BAD), Judgement::Keep);
        }
        assert_eq!(ordinary(&mut guard, BAD), Judgement::HoldBackAndStop);
        guard
    }

    #[test]
    fn most_for_one_reason_stop_the_intake() {
        assert_eq!(stopped().stopped_for(), BAD);
    }

    #[test]
    fn fewer_or_different_reasons_do_not() {
        let mut guard = BatchGuard::new(80, 10);
        for number in 0..200 {
            let letter = if number % 4 == 0 { None } else { BAD };
            assert_eq!(ordinary(&mut guard, letter), Judgement::Keep);
            let letter = if number % 2 == 0 { BAD } else { WORSE };
            assert_eq!(ordinary(&mut guard, letter), Judgement::Keep);
        }
        assert!(guard.newest.len() <= 10 && guard.counts.len() <= 2);
    }

    #[test]
    fn what_was_let_in_before_is_held_back_only_for_the_same_reason() {
        let mut guard = stopped();
        assert_eq!(guard.judge(Admission::Ordinary, BAD, at(1)), Judgement::HoldBack);
        assert_eq!(guard.judge(Admission::Ordinary, WORSE, at(1)), Judgement::Keep);
        assert_eq!(guard.judge(Admission::Ordinary, None, at(1)), Judgement::Keep);
        assert_eq!(guard.stopped_for(), BAD);
    }

    #[test]
    fn one_message_in_ten_seconds_is_let_in() {
        let mut guard = stopped();
        assert_eq!(guard.admit(at(9)), Admission::Refused);
        assert_eq!(guard.admit(at(10)), Admission::Probe);
        assert_eq!(guard.admit(at(10)), Admission::Refused);
        assert_eq!(guard.judge(Admission::Probe, BAD, at(10)), Judgement::Keep);
        assert_eq!(guard.admit(at(19)), Admission::Refused);
        assert_eq!(guard.admit(at(20)), Admission::Probe);
    }

    #[test]
    fn a_probe_that_fares_better_lets_the_intake_go_on_with_a_short_patience() {
        for better in [None, WORSE] {
            let mut guard = stopped();
            assert_eq!(guard.admit(at(10)), Admission::Probe);
            assert_eq!(guard.judge(Admission::Probe, better, at(10)), Judgement::KeepAndGoOn);
            assert_eq!(ordinary(&mut guard, BAD), Judgement::HoldBackAndStop);

            assert_eq!(guard.admit(at(20)), Admission::Probe);
            assert_eq!(guard.judge(Admission::Probe, better, at(20)), Judgement::KeepAndGoOn);
            for _ in 0..10 {
                assert_eq!(ordinary(&mut guard, None), Judgement::Keep);
            }
            for _ in 0..7 {
                assert_eq!(ordinary(&mut guard, BAD), Judgement::Keep, "all is forgotten");
            }
        }
    }

    #[test]
    fn it_can_be_switched_off() {
        for mut guard in [BatchGuard::new(0, 10), BatchGuard::new(80, 0)] {
            for _ in 0..50 {
                assert_eq!(ordinary(&mut guard, BAD), Judgement::Keep);
            }
            assert!(guard.newest.is_empty());
        }
    }
}

//! What the exchange counts and times. docs/observe.md tells what each is for.
//!
//! Every label is a name that stands in this program's text, or an organisation of the directory: what
//! arrives can add no series. Unregistered, as by [`Metrics::default`], all this costs a few atomic
//! additions and shows nowhere.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::case::{DeadReason, Event, GivenBy, Purpose};
use crate::contract::MessageType;
use crate::directory::Directory;
use crate::kernel::{ChannelName, OrganisationId};
use crate::port::{CommitError, Decision, Disposition, OwedDelivery, SendError};

/// The name that stands for a message type that innfri does not know.
const UNKNOWN: &str = "unknown";
/// The name that stands for a bank that is not in the directory, and for none.
const NO_BANK: &str = "none";

const CHANNELS: [ChannelName; 4] =
    [ChannelName::Amqp, ChannelName::Http, ChannelName::Altinn, ChannelName::Embedded];
const PURPOSES: [Purpose; 4] =
    [Purpose::Request, Purpose::Outcome { revision: 1 }, Purpose::Rejection, Purpose::Receipt];

/// Seconds of what takes milliseconds: OpenTelemetry's advice for messaging.
const SHORT: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// Seconds of what may wait for days: 10 ms to three days.
const LONG: [f64; 16] = [
    0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0, 28800.0,
    259_200.0,
];
/// Messages decided on together.
const GROUPS: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MessageLabels {
    channel: &'static str,
    r#type: &'static str,
    disposition: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    r#type: &'static str,
    bank: String,
    outcome: &'static str,
    by: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BankLabels {
    r#type: &'static str,
    bank: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttemptLabels {
    channel: &'static str,
    purpose: &'static str,
    /// The code of what went wrong; empty when nothing did.
    error_type: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WayLabels {
    channel: &'static str,
    purpose: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReceiverLabels {
    receiver: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

type Timed<L> = Family<L, Histogram, fn() -> Histogram>;

/// The exchange's metrics. Cheap to clone; clones count together.
#[derive(Debug, Clone)]
pub struct Metrics {
    messages: Family<MessageLabels, Counter>,
    group_messages: Histogram,
    group_seconds: Histogram,
    commit_seconds: Timed<ResultLabels>,
    outcomes: Family<OutcomeLabels, Counter>,
    answer_seconds: Timed<BankLabels>,
    attempts: Family<AttemptLabels, Counter>,
    delivery_seconds: Timed<WayLabels>,
    retries: Family<WayLabels, Counter>,
    given_up: Family<WayLabels, Counter>,
    dead_letters: Family<ReasonLabels, Counter>,
    breakers: Family<ReceiverLabels, Gauge>,
    open: Arc<Mutex<BTreeSet<OrganisationId>>>,
    intake_stopped: Gauge,
}

fn short() -> Histogram {
    Histogram::new(SHORT)
}

fn long() -> Histogram {
    Histogram::new(LONG)
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            messages: Family::default(),
            group_messages: Histogram::new(GROUPS),
            group_seconds: short(),
            commit_seconds: Family::new_with_constructor(short),
            outcomes: Family::default(),
            answer_seconds: Family::new_with_constructor(long),
            attempts: Family::default(),
            delivery_seconds: Family::new_with_constructor(long),
            retries: Family::default(),
            given_up: Family::default(),
            dead_letters: Family::default(),
            breakers: Family::default(),
            open: Arc::default(),
            intake_stopped: Gauge::default(),
        };
        metrics.begin_at_zero();
        metrics
    }
}

impl Metrics {
    /// Shows them in a registry.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "innfri_messages",
            "Messages taken in, by what was decided",
            self.messages.clone(),
        );
        registry.register(
            "innfri_decision_group_messages",
            "Messages decided on together",
            self.group_messages.clone(),
        );
        registry.register(
            "innfri_decision_group_seconds",
            "Time to decide on a group and commit it",
            self.group_seconds.clone(),
        );
        registry.register(
            "innfri_commit_seconds",
            "Time of one commit to the journal",
            self.commit_seconds.clone(),
        );
        registry.register(
            "innfri_cases",
            "Outcomes given to askers, by bank and kind",
            self.outcomes.clone(),
        );
        registry.register(
            "innfri_answer_seconds",
            "Time from a request's arrival to its bank's answer",
            self.answer_seconds.clone(),
        );
        registry.register(
            "innfri_attempts",
            "Attempts to deliver, by result",
            self.attempts.clone(),
        );
        registry.register(
            "innfri_delivery_seconds",
            "Time from owed to delivered",
            self.delivery_seconds.clone(),
        );
        registry.register(
            "innfri_retries",
            "Deliveries put off after a failed attempt",
            self.retries.clone(),
        );
        registry.register("innfri_given_up", "Deliveries given up", self.given_up.clone());
        registry.register(
            "innfri_dead_letters_kept",
            "Dead letters as they are kept, by reason",
            self.dead_letters.clone(),
        );
        registry.register(
            "innfri_breaker_state",
            "1 while nothing is sent to a receiver after failures in a row",
            self.breakers.clone(),
        );
        registry.register(
            "innfri_intake_stopped",
            "Entrances at which the intake has stopped itself",
            self.intake_stopped.clone(),
        );
    }

    /// Shows what has not happened yet as 0, so that a first time is seen as a rise.
    fn begin_at_zero(&self) {
        for channel in CHANNELS.map(ChannelName::as_str) {
            for purpose in PURPOSES.map(Purpose::name) {
                let way = WayLabels { channel, purpose };
                drop(self.retries.get_or_create(&way));
                drop(self.given_up.get_or_create(&way));
                drop(self.delivery_seconds.get_or_create(&way));
                drop(self.attempts.get_or_create(&AttemptLabels {
                    channel,
                    purpose,
                    error_type: "",
                }));
            }
            for r#type in MessageType::ALL.map(MessageType::name).into_iter().chain([UNKNOWN]) {
                for disposition in Disposition::ALL.map(name_of) {
                    let labels = MessageLabels { channel, r#type, disposition };
                    drop(self.messages.get_or_create(&labels));
                }
            }
        }
        for reason in DeadReason::ALL.map(DeadReason::code) {
            drop(self.dead_letters.get_or_create(&ReasonLabels { reason }));
        }
        for result in ["committed", "conflict", "failed"] {
            drop(self.commit_seconds.get_or_create(&ResultLabels { result }));
        }
    }

    /// Makes a series of each metric that has none before something happens, so that tests can see them.
    #[cfg(test)]
    pub(crate) fn show_all(&self) {
        let bank = || NO_BANK.to_owned();
        let r#type = UNKNOWN;
        let labels = OutcomeLabels { r#type, bank: bank(), outcome: "ANSWERED", by: "bank" };
        drop(self.outcomes.get_or_create(&labels));
        drop(self.answer_seconds.get_or_create(&BankLabels { r#type, bank: bank() }));
        drop(self.breakers.get_or_create(&ReceiverLabels { receiver: bank() }));
    }

    /// A message was decided on and kept.
    pub(super) fn taken(&self, channel: ChannelName, claimed_type: Known, as_what: Disposition) {
        let labels = MessageLabels {
            channel: channel.as_str(),
            r#type: claimed_type.0,
            disposition: name_of(as_what),
        };
        self.messages.get_or_create(&labels).inc();
    }

    /// A group was decided on.
    #[expect(clippy::cast_precision_loss, reason = "groups are small")]
    pub(super) fn decided(&self, messages: usize, took: Duration) {
        self.group_messages.observe(messages as f64);
        self.group_seconds.observe(took.as_secs_f64());
    }

    /// A group was committed, or not.
    pub(super) fn committed(&self, result: &Result<(), CommitError>, took: Duration) {
        let result = match result {
            Ok(()) => "committed",
            Err(CommitError::Conflict(_)) => "conflict",
            Err(CommitError::Journal(_)) => "failed",
        };
        self.commit_seconds.get_or_create(&ResultLabels { result }).observe(took.as_secs_f64());
    }

    /// What a committed decision means for its case.
    pub(super) fn kept(&self, decision: &Decision, directory: &Directory) {
        for letter in &decision.dead_letters {
            let reason = letter.reason.code();
            self.dead_letters.get_or_create(&ReasonLabels { reason }).inc();
        }
        let Some(change) = &decision.change else { return };
        let case = &change.case;
        let bank = case.bank.as_ref().filter(|bank| directory.participant(bank).is_some());
        let bank = bank.map_or_else(|| NO_BANK.to_owned(), ToString::to_string);
        let r#type = case.request_type.name();
        for recorded in &change.events {
            let (outcome, given_by) = match &recorded.event {
                Event::Answered { .. } => ("ANSWERED", GivenBy::Bank),
                Event::StatusGiven { statuskode, by, .. } => (statuskode.as_str(), *by),
                Event::Opened { .. }
                | Event::AnswerRejected { .. }
                | Event::PrivacyAlert { .. }
                | Event::PaymentAlert { .. }
                | Event::AccountsNotCompared { .. }
                | Event::DeliveryGivenUp { .. } => continue,
            };
            let by = match given_by {
                GivenBy::Bank => "bank",
                GivenBy::Innfri => "innfri",
            };
            let labels = OutcomeLabels { r#type, bank: bank.clone(), outcome, by };
            self.outcomes.get_or_create(&labels).inc();
            if given_by == GivenBy::Bank {
                let labels = BankLabels { r#type, bank: bank.clone() };
                let waited = seconds(case.opened_at, recorded.at);
                self.answer_seconds.get_or_create(&labels).observe(waited);
            }
        }
    }

    /// An attempt to deliver has ended.
    pub(super) fn attempted(
        &self,
        channel: ChannelName,
        owed: &OwedDelivery,
        result: &Result<(), SendError>,
        now: Timestamp,
    ) {
        let (channel, purpose) = (channel.as_str(), owed.delivery.purpose.name());
        let error_type = result.as_ref().err().map_or("", SendError::code);
        self.attempts.get_or_create(&AttemptLabels { channel, purpose, error_type }).inc();
        if result.is_ok() {
            let waited = seconds(owed.owed_since, now);
            self.delivery_seconds.get_or_create(&WayLabels { channel, purpose }).observe(waited);
        }
    }

    /// A delivery is tried again.
    pub(super) fn retried(&self, channel: ChannelName, purpose: Purpose) {
        let labels = WayLabels { channel: channel.as_str(), purpose: purpose.name() };
        self.retries.get_or_create(&labels).inc();
    }

    /// A delivery is tried no more.
    pub(super) fn gave_up(&self, channel: ChannelName, purpose: Purpose) {
        let labels = WayLabels { channel: channel.as_str(), purpose: purpose.name() };
        self.given_up.get_or_create(&labels).inc();
    }

    /// The receivers whose breakers are open now; they are of the directory.
    pub(super) fn breakers<'a>(&self, open: impl Iterator<Item = &'a OrganisationId>) {
        let now: BTreeSet<OrganisationId> = open.cloned().collect();
        let mut before = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for closed in before.difference(&now) {
            self.breakers.remove(&ReceiverLabels { receiver: closed.to_string() });
        }
        for opened in now.difference(&before) {
            let labels = ReceiverLabels { receiver: opened.to_string() };
            self.breakers.get_or_create(&labels).set(1);
        }
        *before = now;
    }

    /// At so many entrances the intake has stopped itself.
    pub(super) fn intake(&self, stopped: usize) {
        self.intake_stopped.set(i64::try_from(stopped).unwrap_or(i64::MAX));
    }
}

/// A message type that a label may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known(&'static str);

impl Known {
    /// What a sender claims, if innfri knows it.
    pub(super) fn of(claimed: Option<&str>) -> Self {
        let known: Option<MessageType> = claimed.and_then(|text| text.parse().ok());
        Self(known.map_or(UNKNOWN, MessageType::name))
    }

    /// The type's name, when innfri knows it.
    pub(super) fn name(self) -> Option<&'static str> {
        (self.0 != UNKNOWN).then_some(self.0)
    }
}

const fn name_of(disposition: Disposition) -> &'static str {
    match disposition {
        Disposition::Accepted => "accepted",
        Disposition::Repeated => "repeated",
        Disposition::Refused => "refused",
        Disposition::Rejected => "rejected",
        Disposition::DeadLettered => "dead_lettered",
    }
}

/// Clocks of several processes differ a little: never below 0.
fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64().max(0.0)
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;

    use super::*;

    fn shown(metrics: &Metrics) -> String {
        let mut registry = Registry::default();
        metrics.register(&mut registry);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        text
    }

    fn series(text: &str) -> BTreeSet<&str> {
        let names = text.lines().filter(|line| !line.starts_with('#'));
        names.filter_map(|line| line.rsplit_once(' ').map(|(name, _)| name)).collect()
    }

    #[test]
    fn whatever_type_senders_claim_no_series_is_added() {
        let metrics = Metrics::default();
        let before = shown(&metrics);
        for number in 0..1000 {
            let claimed = format!("no.dsve.invented{number}.v1");
            metrics.taken(ChannelName::Amqp, Known::of(Some(&claimed)), Disposition::Refused);
        }
        metrics.taken(ChannelName::Http, Known::of(None), Disposition::DeadLettered);
        let after = shown(&metrics);
        assert_eq!(series(&before), series(&after));
        let line =
            "innfri_messages_total{channel=\"amqp\",type=\"unknown\",disposition=\"refused\"} 1000";
        assert!(after.contains(line), "{after}");
    }

    #[test]
    fn a_breaker_is_shown_while_it_is_open() {
        let metrics = Metrics::default();
        let bank: OrganisationId = "NO:918190937".parse().unwrap();
        metrics.breakers([&bank].into_iter());
        let line = "innfri_breaker_state{receiver=\"NO:918190937\"} 1";
        assert!(shown(&metrics).contains(line));
        metrics.breakers([&bank].into_iter());
        assert!(shown(&metrics).contains(line));
        metrics.breakers(std::iter::empty());
        assert!(!shown(&metrics).contains("innfri_breaker_state{"));
    }

    #[test]
    fn clones_count_together() {
        let metrics = Metrics::default();
        metrics.clone().intake(1);
        assert!(shown(&metrics).contains("innfri_intake_stopped 1"));
        metrics.clone().gave_up(ChannelName::Amqp, Purpose::Request);
        assert!(
            shown(&metrics)
                .contains("innfri_given_up_total{channel=\"amqp\",purpose=\"request\"} 1")
        );
    }
}

//! Publishing with confirmation: every message is mandatory and counts as sent only when RabbitMQ has
//! confirmed it and has not returned it.
//!
//! lapin hands a returned (unroutable) message to whichever confirmation comes next, so a group is
//! judged as a whole: what came back is recognised by its own message id.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use lapin::message::BasicReturnMessage;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Channel, Confirmation};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::config::AmqpConfig;
use super::connection::{self, within};
use super::error::AmqpError;
use super::link::{Link, Live};
use super::metrics::Metrics;
use super::properties::given;
use super::topology::{ANSWERS, REQUESTS, short};

/// Groups that are published at the same time, each on a channel of its own.
const CHANNELS: usize = 16;

/// An exchange where participants publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entrance {
    /// For requests.
    Requests,
    /// For answers and statuses.
    Answers,
}

impl Entrance {
    /// The exchange's name.
    pub const fn exchange(self) -> &'static str {
        match self {
            Self::Requests => REQUESTS,
            Self::Answers => ANSWERS,
        }
    }
}

/// One message to publish. Its message id must be set: it is how a returned message is recognised.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) exchange: &'static str,
    pub(super) routing_key: String,
    pub(super) properties: BasicProperties,
    pub(super) body: Vec<u8>,
}

/// Publishes over one supervised connection.
#[derive(Debug)]
pub(super) struct Publisher {
    config: AmqpConfig,
    link: Link,
    idle: Mutex<Vec<(u64, Channel)>>,
    permits: Semaphore,
    metrics: Metrics,
}

/// What was heard of one message.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    /// Confirmed; perhaps together with some returned message.
    Acked(Option<Returned>),
    /// Not taken; likewise.
    Nacked(Option<Returned>),
    /// The channel or connection broke, or was not in confirm mode.
    Failed(AmqpError),
}

/// The message id of a returned message.
#[derive(Debug, PartialEq, Eq)]
struct Returned(Option<String>);

impl Publisher {
    /// Starts to connect. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// As for [`AmqpConfig::address`].
    pub(super) fn start(
        config: AmqpConfig,
        purpose: &'static str,
        metrics: Metrics,
    ) -> Result<Self, AmqpError> {
        config.address()?;
        let link = Link::start(config.clone(), purpose, metrics.clone());
        let permits = Semaphore::new(CHANNELS);
        Ok(Self { config, link, idle: Mutex::default(), permits, metrics })
    }

    pub(super) const fn link(&self) -> &Link {
        &self.link
    }

    /// Publishes a group and tells, in the same order, what became of each. Without a connection it
    /// says so at once. May be called from many tasks.
    pub(super) async fn publish(&self, parcels: Vec<Parcel>) -> Vec<Result<(), AmqpError>> {
        let began = Instant::now();
        let results = match self.try_publish(&parcels).await {
            Ok(results) => results,
            Err(error) => parcels.iter().map(|_| Err(error.clone())).collect(),
        };
        let took = began.elapsed();
        for (parcel, result) in parcels.iter().zip(&results) {
            self.metrics.published(parcel.exchange, result, took);
        }
        results
    }

    async fn try_publish(
        &self,
        parcels: &[Parcel],
    ) -> Result<Vec<Result<(), AmqpError>>, AmqpError> {
        let _permit =
            self.permits.acquire().await.map_err(|_| broken("the publisher has ended"))?;
        let live = self.link.live()?;
        if live.connection.status().blocked() {
            return Err(blocked());
        }
        let channel = self.channel(&live).await?;
        let (heard, whole) = self.converse(&channel, parcels).await;
        if whole {
            self.idle().push((live.generation, channel));
        }
        // A blocked connection confirms nothing: that is not the receiver's doing.
        let silent = if live.connection.status().blocked() {
            blocked()
        } else {
            AmqpError::Unconfirmed(self.config.confirm_timeout_seconds)
        };
        Ok(judge(parcels, heard, &silent))
    }

    /// A channel in confirm mode that nobody else uses.
    async fn channel(&self, live: &Live) -> Result<Channel, AmqpError> {
        {
            let mut idle = self.idle();
            idle.retain(|(generation, channel)| {
                *generation == live.generation && channel.status().connected()
            });
            if let Some((_, channel)) = idle.pop() {
                return Ok(channel);
            }
        }
        let opening = async {
            let channel = connection::channel(&live.connection, &self.config).await?;
            let options = ConfirmSelectOptions::default();
            within(&self.config, "asking for confirmations", channel.confirm_select(options))
                .await?;
            Ok(channel)
        };
        opening.await.inspect_err(|_| self.link.suspect())
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<(u64, Channel)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes a group within the window and gathers what is heard until all have been heard of, or
    /// nothing is heard for too long. Also says whether the channel can be used again.
    async fn converse(&self, channel: &Channel, parcels: &[Parcel]) -> (Vec<Option<Heard>>, bool) {
        let mut heard: Vec<Option<Heard>> = parcels.iter().map(|_| None).collect();
        let mut waiting = FuturesUnordered::new();
        let mut rest = parcels.iter().enumerate();
        loop {
            while waiting.len() < self.config.publish_window
                && let Some((place, parcel)) = rest.next()
            {
                waiting.push(async move { (place, one(channel, parcel).await) });
            }
            match timeout(self.config.confirm_timeout(), waiting.next()).await {
                Ok(Some((place, what))) => note(&mut heard, place, what),
                Ok(None) => break,
                Err(_) => {
                    // What is known already must be known to the judge: see `judge`.
                    while let Some(Some((place, what))) = waiting.next().now_or_never() {
                        note(&mut heard, place, what);
                    }
                    break;
                }
            }
        }
        let whole = heard.iter().all(|what| matches!(what, Some(what) if what.is_confirmation()));
        (heard, whole && channel.status().connected())
    }
}

fn note(heard: &mut [Option<Heard>], place: usize, what: Heard) {
    if let Some(slot) = heard.get_mut(place) {
        *slot = Some(what);
    }
}

async fn one(channel: &Channel, parcel: &Parcel) -> Heard {
    let doing = || format!("publishing to {}", parcel.exchange);
    let routing_key = match short(&parcel.routing_key) {
        Ok(routing_key) => routing_key,
        Err(error) => return Heard::Failed(error),
    };
    let options = BasicPublishOptions { mandatory: true, immediate: false };
    let published = channel
        .basic_publish(
            parcel.exchange.into(),
            routing_key,
            options,
            &parcel.body,
            parcel.properties.clone(),
        )
        .await;
    let confirmation = match published {
        Ok(confirm) => confirm.await,
        Err(error) => Err(error),
    };
    let id =
        |message: BasicReturnMessage| Returned(given(message.properties.message_id().as_ref()));
    match confirmation {
        Ok(Confirmation::Ack(returned)) => Heard::Acked(returned.map(id)),
        Ok(Confirmation::Nack(returned)) => Heard::Nacked(returned.map(id)),
        Ok(Confirmation::NotRequested) => {
            Heard::Failed(broken("the channel was not in confirm mode"))
        }
        Err(error) => Heard::Failed(AmqpError::of(&doing(), &error)),
    }
}

impl Heard {
    const fn is_confirmation(&self) -> bool {
        match self {
            Self::Acked(_) | Self::Nacked(_) => true,
            Self::Failed(_) => false,
        }
    }

    const fn returned(&self) -> Option<&Returned> {
        match self {
            Self::Acked(returned) | Self::Nacked(returned) => returned.as_ref(),
            Self::Failed(_) => None,
        }
    }
}

/// What became of each message of a group.
///
/// RabbitMQ returns a message before it confirms it, and lapin attaches the oldest return not yet
/// handed out to each confirmation. So once all are confirmed, all returns are known; and a
/// confirmation that came with none proves that every return before it is known. Only in a group that
/// was cut short, a message whose confirmation brought somebody else's return stays doubtful: it is
/// then sent again.
fn judge(
    parcels: &[Parcel],
    heard: Vec<Option<Heard>>,
    silent: &AmqpError,
) -> Vec<Result<(), AmqpError>> {
    let returned: HashSet<String> = heard
        .iter()
        .flatten()
        .filter_map(|what| what.returned().and_then(|returned| returned.0.clone()))
        .collect();
    let whole = heard.iter().all(|what| matches!(what, Some(what) if what.is_confirmation()));
    parcels
        .iter()
        .zip(heard)
        .map(|(parcel, what)| {
            let id = given(parcel.properties.message_id().as_ref());
            if id.is_some_and(|id| returned.contains(&id)) {
                return Err(AmqpError::Unroutable(parcel.routing_key.clone()));
            }
            match what {
                Some(Heard::Acked(None)) => Ok(()),
                Some(Heard::Acked(Some(Returned(None)))) => {
                    Err(AmqpError::Unroutable(parcel.routing_key.clone()))
                }
                Some(Heard::Acked(Some(Returned(Some(_))))) if whole => Ok(()),
                Some(Heard::Acked(Some(Returned(Some(_))))) | None => Err(silent.clone()),
                Some(Heard::Nacked(_)) => Err(AmqpError::Nacked(parcel.routing_key.clone())),
                Some(Heard::Failed(error)) => Err(error),
            }
        })
        .collect()
}

fn broken(what: &str) -> AmqpError {
    AmqpError::Unavailable(what.to_owned())
}

fn blocked() -> AmqpError {
    broken("RabbitMQ blocks publishers (its memory or disk alarm)")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parcels(ids: &[&str]) -> Vec<Parcel> {
        let parcel = |id: &&str| Parcel {
            exchange: "innfri.deliveries",
            routing_key: format!("queue of {id}"),
            properties: BasicProperties::default().with_message_id((*id).into()),
            body: Vec::new(),
        };
        ids.iter().map(parcel).collect()
    }

    fn acked(returned: &str) -> Option<Heard> {
        Some(Heard::Acked((!returned.is_empty()).then(|| Returned(Some(returned.into())))))
    }

    fn judged(heard: Vec<Option<Heard>>) -> Vec<Result<(), AmqpError>> {
        judge(&parcels(&["a", "b", "c"]), heard, &AmqpError::Unconfirmed(30))
    }

    fn unroutable(id: &str) -> Result<(), AmqpError> {
        Err(AmqpError::Unroutable(format!("queue of {id}")))
    }

    #[test]
    fn a_returned_message_is_recognised_whichever_confirmation_brought_it() {
        let results = judged(vec![acked("c"), acked(""), acked("")]);
        assert_eq!(results, vec![Ok(()), Ok(()), unroutable("c")]);
        let results = judged(vec![acked("b"), acked("a"), acked("")]);
        assert_eq!(results, vec![unroutable("a"), unroutable("b"), Ok(())]);
    }

    #[test]
    fn a_refused_message_is_told_from_a_sent_one() {
        let results = judged(vec![
            acked(""),
            Some(Heard::Nacked(Some(Returned(Some("c".into()))))),
            acked(""),
        ]);
        assert_eq!(results[0], Ok(()));
        assert_eq!(results[1], Err(AmqpError::Nacked("queue of b".into())));
        assert_eq!(results[2], unroutable("c"));
    }

    #[test]
    fn in_a_group_cut_short_only_what_is_certain_counts_as_sent() {
        let silent = Err(AmqpError::Unconfirmed(30));
        let results = judged(vec![acked(""), None, acked("x")]);
        assert_eq!(results, vec![Ok(()), silent.clone(), silent]);
    }

    #[test]
    fn a_return_without_an_id_is_never_taken_for_success() {
        let results = judged(vec![acked(""), Some(Heard::Acked(Some(Returned(None)))), acked("")]);
        assert_eq!(results, vec![Ok(()), unroutable("b"), Ok(())]);
    }

    #[test]
    fn a_broken_channel_is_nobodys_success() {
        let failed = || Some(Heard::Failed(broken("gone")));
        let results = judged(vec![failed(), acked("b"), failed()]);
        assert_eq!(results, vec![Err(broken("gone")), unroutable("b"), Err(broken("gone"))]);
    }
}

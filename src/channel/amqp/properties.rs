//! Between AMQP properties and innfri's own words.
//!
//! What arrives is a stranger's claim: a value of the wrong kind, not text or too long becomes "not
//! given", so that the check can report it; nothing here fails.

use jiff::Timestamp;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};

use crate::case::{Delivery, Purpose};
use crate::kernel::{ChannelName, Death, Incoming, Login};

/// Header of the W3C trace context.
pub const TRACEPARENT: &str = "traceparent";
/// Header that names the case.
pub const CASE: &str = "innfri-case";
/// Header that numbers the outcomes of a case, from 1.
pub const REVISION: &str = "innfri-revision";

/// Bytes of the longest text that is taken from a property or header.
const LONGEST_TEXT: usize = 255;
/// Entries of `x-death` that are taken.
const MOST_DEATHS: usize = 16;

/// What arrived from a queue, as innfri takes it in. The login is the `user_id` that RabbitMQ has
/// checked, and nothing else.
pub fn incoming(
    queue: &str,
    properties: &BasicProperties,
    body: Vec<u8>,
    received_at: Timestamp,
) -> Incoming {
    Incoming {
        channel: ChannelName::Amqp,
        source: queue.to_owned(),
        login: given(properties.user_id().as_ref()).map(Login::new),
        message_type: given(properties.kind().as_ref()),
        message_id: given(properties.message_id().as_ref()),
        correlation_id: given(properties.correlation_id().as_ref()),
        content_type: given(properties.content_type().as_ref()),
        traceparent: header(properties, TRACEPARENT),
        deaths: deaths(properties),
        findings: Vec::new(),
        received_at,
        body,
    }
}

/// The properties of what innfri owes. They name the delivery, so that a repeat can be dropped.
pub fn outgoing(delivery: &Delivery, user: &Login, now: Timestamp) -> BasicProperties {
    let mut headers = FieldTable::default();
    if let Some(case) = &delivery.case {
        headers.insert(CASE.into(), text(&case.to_string()));
    }
    if let Purpose::Outcome { revision } = delivery.purpose {
        headers.insert(REVISION.into(), AMQPValue::LongLongInt(revision.into()));
    }
    let said = Said {
        message_type: delivery.body.message_type.to_string(),
        message_id: delivery.id.to_string(),
        correlation_id: delivery.correlation_id.map(|id| id.to_string()),
        traceparent: delivery.traceparent.clone(),
        app_id: "innfri".to_owned(),
    };
    said.properties(user, now, headers)
}

/// What a sender says about its message.
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    pub(super) message_type: String,
    pub(super) message_id: String,
    pub(super) correlation_id: Option<String>,
    pub(super) traceparent: Option<String>,
    pub(super) app_id: String,
}

impl Said {
    /// Persistent JSON of this user's. Texts that AMQP cannot carry are left out.
    pub(super) fn properties(
        self,
        user: &Login,
        now: Timestamp,
        mut headers: FieldTable,
    ) -> BasicProperties {
        if let Some(traceparent) = &self.traceparent {
            headers.insert(TRACEPARENT.into(), text(traceparent));
        }
        let mut properties = BasicProperties::default()
            .with_content_type("application/json".into())
            .with_delivery_mode(2)
            .with_timestamp(u64::try_from(now.as_second()).unwrap_or_default())
            .with_headers(headers);
        let short =
            |text: String| ShortString::try_new(text).ok().filter(|text| !text.as_str().is_empty());
        if let Some(kind) = short(self.message_type) {
            properties = properties.with_type(kind);
        }
        if let Some(id) = short(self.message_id) {
            properties = properties.with_message_id(id);
        }
        if let Some(id) = self.correlation_id.and_then(short) {
            properties = properties.with_correlation_id(id);
        }
        if let Some(app) = short(self.app_id) {
            properties = properties.with_app_id(app);
        }
        if let Some(user) = short(user.as_str().to_owned()) {
            properties = properties.with_user_id(user);
        }
        properties
    }
}

/// A header's text; `None` when it is absent, no text, or too long.
pub(super) fn header(properties: &BasicProperties, name: &str) -> Option<String> {
    string(properties.headers().as_ref()?.inner().get(name)?)
}

/// A header's whole number; `None` when it is absent or no such number.
pub(super) fn number(properties: &BasicProperties, name: &str) -> Option<u64> {
    whole(properties.headers().as_ref()?.inner().get(name)?)
}

pub(super) fn given(text: Option<&ShortString>) -> Option<String> {
    text.map(ShortString::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}

fn string(value: &AMQPValue) -> Option<String> {
    let bytes = match value {
        AMQPValue::LongString(text) => text.as_bytes(),
        AMQPValue::ShortString(text) => text.as_str().as_bytes(),
        _ => return None,
    };
    if bytes.is_empty() || bytes.len() > LONGEST_TEXT {
        return None;
    }
    std::str::from_utf8(bytes).ok().map(str::to_owned)
}

fn whole(value: &AMQPValue) -> Option<u64> {
    match value {
        AMQPValue::LongLongInt(number) => u64::try_from(*number).ok(),
        AMQPValue::LongInt(number) => u64::try_from(*number).ok(),
        AMQPValue::ShortInt(number) => u64::try_from(*number).ok(),
        AMQPValue::ShortShortInt(number) => u64::try_from(*number).ok(),
        AMQPValue::LongUInt(number) => Some(u64::from(*number)),
        AMQPValue::ShortUInt(number) => Some(u64::from(*number)),
        AMQPValue::ShortShortUInt(number) => Some(u64::from(*number)),
        _ => None,
    }
}

fn deaths(properties: &BasicProperties) -> Vec<Death> {
    let entries = properties.headers().as_ref().and_then(|headers| headers.inner().get("x-death"));
    let Some(AMQPValue::FieldArray(entries)) = entries else { return Vec::new() };
    let tables = entries.as_slice().iter().take(MOST_DEATHS).filter_map(|entry| match entry {
        AMQPValue::FieldTable(table) => Some(table.inner()),
        _ => None,
    });
    let death = |table: &std::collections::BTreeMap<ShortString, AMQPValue>| {
        Some(Death {
            reason: string(table.get("reason")?)?,
            queue: string(table.get("queue")?)?,
            count: table.get("count").and_then(whole).unwrap_or(1),
        })
    };
    tables.filter_map(death).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::contract::{Body, MessageType};
    use crate::kernel::{CaseId, DeliveryId, MessageId};

    fn table(entries: &[(&str, AMQPValue)]) -> FieldTable {
        let mut table = FieldTable::default();
        for (name, value) in entries {
            table.insert((*name).into(), value.clone());
        }
        table
    }

    fn taken(properties: &BasicProperties) -> Incoming {
        incoming("innfri.in.requests", properties, b"{}".to_vec(), Timestamp::UNIX_EPOCH)
    }

    fn delivery(purpose: Purpose) -> Delivery {
        let message: MessageId = "0b1d1d7e-5c1f-4a6e-9d0b-3f6a1e2c4b5d".parse().unwrap();
        let case = CaseId::of(&"NO:926018159".parse().unwrap(), &message);
        Delivery {
            id: DeliveryId::of(&case, purpose.name()),
            case: Some(case),
            purpose,
            to: "NO:918190937".parse().unwrap(),
            body: Body { message_type: MessageType::Status, json: b"{}".to_vec() },
            correlation_id: Some(message),
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        }
    }

    #[test]
    fn what_is_owed_names_itself_its_case_and_its_revision() {
        let owed = delivery(Purpose::Outcome { revision: 3 });
        let made = outgoing(&owed, &Login::new("innfri"), Timestamp::from_second(7).unwrap());
        assert_eq!((*made.delivery_mode(), *made.timestamp()), (Some(2), Some(7)));
        assert_eq!(given(made.app_id().as_ref()).unwrap(), "innfri");
        assert_eq!(header(&made, CASE), owed.case.map(|case| case.to_string()));
        assert_eq!(number(&made, REVISION), Some(3));
        let read = taken(&made);
        assert_eq!(read.login, Some(Login::new("innfri")));
        assert_eq!(read.message_type.as_deref(), Some("no.dsve.status.v1"));
        assert_eq!(read.message_id, Some(owed.id.to_string()));
        assert_eq!(read.correlation_id, owed.correlation_id.map(|id| id.to_string()));
        assert_eq!(read.content_type.as_deref(), Some("application/json"));
        assert_eq!(read.traceparent, owed.traceparent);
    }

    #[test]
    fn only_outcomes_have_a_revision() {
        let made = outgoing(&delivery(Purpose::Request), &Login::new("i"), Timestamp::UNIX_EPOCH);
        assert_eq!(number(&made, REVISION), None);
    }

    #[test]
    fn who_says_nothing_is_nobody() {
        let read = taken(&BasicProperties::default());
        assert!(read.login.is_none() && read.message_id.is_none() && read.deaths.is_empty());
        let empty = BasicProperties::default().with_user_id("".into()).with_type("".into());
        assert!(taken(&empty).login.is_none() && taken(&empty).message_type.is_none());
    }

    #[test]
    fn headers_that_are_no_short_text_count_as_not_given() {
        for value in [
            AMQPValue::LongString("x".repeat(256).into()),
            AMQPValue::LongString(vec![0xff, 0xfe].into()),
            AMQPValue::Boolean(true),
            AMQPValue::Void,
        ] {
            let headers = table(&[(TRACEPARENT, value.clone()), ("x-death", value)]);
            let read = taken(&BasicProperties::default().with_headers(headers));
            assert!(read.traceparent.is_none() && read.deaths.is_empty());
        }
    }

    #[test]
    fn the_brokers_reasons_are_read() {
        let entry = |reason: &str| {
            AMQPValue::FieldTable(table(&[
                ("reason", text(reason)),
                ("queue", text("innfri.in.requests")),
                ("count", AMQPValue::LongLongInt(2)),
            ]))
        };
        let broken = AMQPValue::FieldTable(table(&[("reason", AMQPValue::Void)]));
        let array = vec![entry("delivery_limit"), broken, AMQPValue::Void, entry("expired")];
        let headers = table(&[("x-death", AMQPValue::FieldArray(array.into()))]);
        let deaths = taken(&BasicProperties::default().with_headers(headers)).deaths;
        assert_eq!(deaths.len(), 2);
        assert_eq!((deaths[0].reason.as_str(), deaths[0].count), ("delivery_limit", 2));
        assert_eq!(deaths[1].queue, "innfri.in.requests");
    }

    proptest! {
        #[test]
        fn any_text_can_be_said_and_what_amqp_carries_is_read_back(said in ".{0,300}", user in ".{0,300}") {
            let made = Said {
                message_type: said.clone(),
                message_id: said.clone(),
                correlation_id: Some(said.clone()),
                traceparent: Some(said.clone()),
                app_id: said.clone(),
            }
            .properties(&Login::new(user), Timestamp::UNIX_EPOCH, FieldTable::default());
            let fits = (1..=255).contains(&said.len()).then_some(said);
            let read = taken(&made);
            prop_assert_eq!(&read.message_type, &fits);
            prop_assert_eq!(&read.traceparent, &fits);
        }
    }
}

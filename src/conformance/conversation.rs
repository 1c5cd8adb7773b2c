//! One connection's conversation, frame by frame: what is seen of it, and what a trap does to it.
//! Pure: bytes in, a verdict out.
//!
//! The frames are read by `amq-protocol`, the parser of our own AMQP client, so that both read the
//! wire alike. What cannot be read is passed on and not judged.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use amq_protocol::frame::{AMQPFrame, parse_frame};
use amq_protocol::protocol::basic::AMQPProperties;
use amq_protocol::protocol::{AMQPClass, basic, channel, confirm, connection};
use amq_protocol::types::ShortString;

use super::seen::{Delivered, Published, Seen, published};
use crate::kernel::Digest;

/// How long a partner has to show that it goes on without the confirmation it should wait for.
pub const HOLD: Duration = Duration::from_secs(1);

/// What a spoiled body has in place of [`KEY`]: as long, so that no length changes, and unknown to
/// every schema.
const SPOILED: &[u8] = b"\"mottakar\"";
/// A field that every request, answer and status has.
const KEY: &[u8] = b"\"mottaker\"";

/// What is to happen to the next message that fits, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trap {
    /// Withhold the confirmation of a publish to this exchange, and cut the line a little later.
    LoseConfirm {
        /// The exchange.
        exchange: &'static str,
        /// Only of what was published from this mark on: an earlier confirmation may still be on its
        /// way.
        from: usize,
    },
    /// Withhold the acknowledgement of what is, or answers, this message, and cut the line.
    LoseAcknowledgement {
        /// A message id or correlation id.
        about: String,
    },
    /// Cut the line as soon as this message has been delivered.
    CutOnDelivery {
        /// A message id or correlation id.
        about: String,
    },
    /// Change a body on its way to this exchange, so that innfri must refuse the message. Only a
    /// message that has not passed before: else it would be one id with two contents.
    Spoil {
        /// The exchange.
        exchange: &'static str,
        /// Only what has this correlation id.
        answering: Option<String>,
    },
}

/// What was seen on all lines, and what waits to happen to them.
#[derive(Debug, Default)]
pub struct Notes {
    /// In order.
    pub seen: Vec<Seen>,
    /// The first is armed.
    pub traps: VecDeque<Trap>,
}

/// What becomes of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The bytes to pass on; `None` withholds them.
    pub pass: Option<Vec<u8>>,
    /// When to cut the line.
    pub cut: Option<Duration>,
}

impl Verdict {
    fn pass(raw: &[u8]) -> Self {
        Self { pass: Some(raw.to_vec()), cut: None }
    }
}

/// One connection.
#[derive(Debug)]
pub struct Conversation {
    line: u64,
    login: Option<String>,
    /// Nothing more reaches the partner: the line is about to be cut.
    mute: bool,
    channels: HashMap<u16, Lane>,
}

/// One channel of it.
#[derive(Debug, Default)]
struct Lane {
    confirms: bool,
    count: u64,
    /// Published and not confirmed, by place.
    waiting: BTreeMap<u64, Unconfirmed>,
    outstanding: BTreeMap<u64, Delivered>,
    writing: Option<Writing>,
    reading: Option<Reading>,
}

/// A message that was published.
#[derive(Debug, Clone)]
struct Unconfirmed {
    message_id: Option<String>,
    exchange: String,
    /// How much had been seen by then.
    mark: usize,
}

/// A message that the partner is about to finish.
#[derive(Debug)]
struct Writing {
    publish: basic::Publish,
    properties: AMQPProperties,
    left: u64,
    body: Vec<u8>,
}

/// A message that RabbitMQ has announced.
#[derive(Debug)]
enum Reading {
    Delivery {
        tag: u64,
        redelivered: bool,
    },
    /// What came back unroutable.
    Returned,
}

impl Conversation {
    /// The connection with this number.
    pub fn new(line: u64) -> Self {
        Self { line, login: None, mute: false, channels: HashMap::new() }
    }

    /// A frame of the partner's.
    pub fn from_partner(&mut self, raw: &[u8], notes: &mut Notes) -> Verdict {
        match read(raw) {
            Some(AMQPFrame::Method(channel, class)) => self.said(channel, class, raw, notes),
            Some(AMQPFrame::Header(channel, header)) => {
                if let Some(writing) = &mut self.lane(channel).writing {
                    writing.properties = header.properties;
                    writing.left = header.body_size;
                    if header.body_size == 0 {
                        return self.finish(channel, raw, notes);
                    }
                }
                Verdict::pass(raw)
            }
            Some(AMQPFrame::Body(channel, body)) => self.wrote(channel, &body, raw, notes),
            Some(
                AMQPFrame::ProtocolHeader(_)
                | AMQPFrame::Heartbeat
                | AMQPFrame::InvalidHeartbeat(_),
            )
            | None => Verdict::pass(raw),
        }
    }

    /// A frame of RabbitMQ's.
    pub fn from_broker(&mut self, raw: &[u8], notes: &mut Notes) -> Verdict {
        if self.mute {
            return Verdict { pass: None, cut: None };
        }
        match read(raw) {
            Some(AMQPFrame::Method(channel, class)) => self.heard(channel, class, raw, notes),
            Some(AMQPFrame::Header(channel, header)) => {
                let reading = self.lane(channel).reading.take();
                if let Some(Reading::Delivery { tag, redelivered }) = reading {
                    return self.deliver(
                        channel,
                        (tag, redelivered),
                        &header.properties,
                        raw,
                        notes,
                    );
                }
                Verdict::pass(raw)
            }
            Some(
                AMQPFrame::Body(..)
                | AMQPFrame::ProtocolHeader(_)
                | AMQPFrame::Heartbeat
                | AMQPFrame::InvalidHeartbeat(_),
            )
            | None => Verdict::pass(raw),
        }
    }

    fn lane(&mut self, channel: u16) -> &mut Lane {
        self.channels.entry(channel).or_default()
    }

    fn said(&mut self, channel: u16, class: AMQPClass, raw: &[u8], notes: &mut Notes) -> Verdict {
        let line = self.line;
        match class {
            AMQPClass::Connection(connection::AMQPMethod::StartOk(start)) => {
                self.login = login_of(start.mechanism.as_str(), start.response.as_bytes());
                notes.seen.push(Seen::SignedIn { line, login: self.login.clone() });
            }
            AMQPClass::Channel(channel::AMQPMethod::Open(_)) => {
                self.channels.insert(channel, Lane::default());
            }
            AMQPClass::Confirm(confirm::AMQPMethod::Select(_)) => {
                self.lane(channel).confirms = true;
            }
            AMQPClass::Basic(basic::AMQPMethod::Publish(publish)) => {
                self.lane(channel).writing = Some(Writing {
                    publish,
                    properties: AMQPProperties::default(),
                    left: 0,
                    body: Vec::new(),
                });
            }
            AMQPClass::Basic(basic::AMQPMethod::Consume(consume)) => {
                let queue = consume.queue.as_str().to_owned();
                notes.seen.push(Seen::Consuming { line, queue, acknowledges: !consume.no_ack });
            }
            AMQPClass::Basic(basic::AMQPMethod::Get(get)) if get.no_ack => {
                let queue = get.queue.as_str().to_owned();
                notes.seen.push(Seen::Consuming { line, queue, acknowledges: false });
            }
            AMQPClass::Basic(basic::AMQPMethod::Ack(ack)) => {
                return self.settled(channel, (ack.delivery_tag, ack.multiple, true), raw, notes);
            }
            AMQPClass::Basic(basic::AMQPMethod::Nack(nack)) => {
                return self.settled(
                    channel,
                    (nack.delivery_tag, nack.multiple, false),
                    raw,
                    notes,
                );
            }
            AMQPClass::Basic(basic::AMQPMethod::Reject(reject)) => {
                return self.settled(channel, (reject.delivery_tag, false, false), raw, notes);
            }
            _ => {}
        }
        Verdict::pass(raw)
    }

    /// A part of a body, which may be the last.
    fn wrote(&mut self, channel: u16, body: &[u8], raw: &[u8], notes: &mut Notes) -> Verdict {
        let Some(writing) = &mut self.lane(channel).writing else { return Verdict::pass(raw) };
        writing.body.extend_from_slice(body);
        writing.left = writing.left.saturating_sub(body.len() as u64);
        let spoiled = spoil(writing, raw, notes);
        let raw = spoiled.as_deref().unwrap_or(raw);
        if writing.left == 0 { self.finish(channel, raw, notes) } else { Verdict::pass(raw) }
    }

    /// A message has been published.
    fn finish(&mut self, channel: u16, raw: &[u8], notes: &mut Notes) -> Verdict {
        let (line, login) = (self.line, self.login.clone());
        let lane = self.lane(channel);
        let Some(writing) = lane.writing.take() else { return Verdict::pass(raw) };
        let (properties, exchange) = (&writing.properties, writing.publish.exchange.as_str());
        let message_id = given(properties.message_id());
        let confirms = lane.confirms;
        let unconfirmed = Unconfirmed {
            message_id: message_id.clone(),
            exchange: exchange.to_owned(),
            mark: notes.seen.len(),
        };
        if confirms {
            lane.count += 1;
            lane.waiting.insert(lane.count, unconfirmed.clone());
        }
        note(
            notes,
            Seen::Published(Published {
                line,
                login,
                exchange: exchange.to_owned(),
                mandatory: writing.publish.mandatory,
                confirms,
                persistent: *properties.delivery_mode() == Some(2),
                user_id: given(properties.user_id()),
                message_id: message_id.clone(),
                kind: given(properties.kind()),
                correlation_id: given(properties.correlation_id()),
                content_type: given(properties.content_type()),
                app_id: given(properties.app_id()),
                timestamp: properties.timestamp().is_some(),
                digest: Digest::of(&[&writing.body]),
            }),
        );
        let mut verdict = Verdict::pass(raw);
        // Who asks for no confirmation cannot be told by one that is lost: the line breaks all the same.
        if !confirms && sprung(notes, |trap| loses_confirm(trap, &unconfirmed)) {
            note(notes, Seen::ConfirmLost { message_id });
            self.mute = true;
            verdict.cut = Some(HOLD);
        }
        verdict
    }

    /// The partner settles deliveries.
    fn settled(
        &mut self,
        channel: u16,
        (tag, multiple, taken): (u64, bool, bool),
        raw: &[u8],
        notes: &mut Notes,
    ) -> Verdict {
        let line = self.line;
        let done = take(&mut self.lane(channel).outstanding, tag, multiple);
        let lost = done.iter().find(|delivered| {
            taken
                && matches!(notes.traps.front(), Some(Trap::LoseAcknowledgement { about })
                    if delivered.is_about(about))
        });
        if let Some(lost) = lost {
            notes.traps.pop_front();
            note(notes, Seen::AcknowledgementLost { message_id: lost.message_id.clone() });
            self.mute = true;
            return Verdict { pass: None, cut: Some(Duration::ZERO) };
        }
        for delivered in done {
            note(notes, Seen::Settled { line, taken, delivered });
        }
        Verdict::pass(raw)
    }

    fn heard(&mut self, channel: u16, class: AMQPClass, raw: &[u8], notes: &mut Notes) -> Verdict {
        let line = self.line;
        match class {
            AMQPClass::Basic(basic::AMQPMethod::Deliver(deliver)) => {
                let (tag, redelivered) = (deliver.delivery_tag, deliver.redelivered);
                self.lane(channel).reading = Some(Reading::Delivery { tag, redelivered });
            }
            AMQPClass::Basic(basic::AMQPMethod::GetOk(got)) => {
                let (tag, redelivered) = (got.delivery_tag, got.redelivered);
                self.lane(channel).reading = Some(Reading::Delivery { tag, redelivered });
            }
            AMQPClass::Basic(basic::AMQPMethod::Return(_)) => {
                self.lane(channel).reading = Some(Reading::Returned);
            }
            AMQPClass::Basic(basic::AMQPMethod::Ack(ack)) => {
                let confirmed =
                    take(&mut self.lane(channel).waiting, ack.delivery_tag, ack.multiple);
                for one in confirmed {
                    if sprung(notes, |trap| loses_confirm(trap, &one)) {
                        note(notes, Seen::ConfirmLost { message_id: one.message_id });
                        self.mute = true;
                        return Verdict { pass: None, cut: Some(HOLD) };
                    }
                }
            }
            AMQPClass::Basic(basic::AMQPMethod::Nack(nack)) => {
                take(&mut self.lane(channel).waiting, nack.delivery_tag, nack.multiple);
            }
            AMQPClass::Channel(channel::AMQPMethod::Close(close)) => {
                note(notes, Seen::Refused { line, code: close.reply_code });
            }
            AMQPClass::Connection(connection::AMQPMethod::Close(close)) => {
                note(notes, Seen::Refused { line, code: close.reply_code });
            }
            _ => {}
        }
        Verdict::pass(raw)
    }

    fn deliver(
        &mut self,
        channel: u16,
        (tag, redelivered): (u64, bool),
        properties: &AMQPProperties,
        raw: &[u8],
        notes: &mut Notes,
    ) -> Verdict {
        let delivered = Delivered {
            message_id: given(properties.message_id()),
            correlation_id: given(properties.correlation_id()),
            kind: given(properties.kind()),
            redelivered,
        };
        let outstanding = &mut self.lane(channel).outstanding;
        outstanding.insert(tag, delivered.clone());
        if outstanding.len() > MOST_OUTSTANDING {
            outstanding.pop_first();
        }
        let cut = sprung(
            notes,
            |trap| matches!(trap, Trap::CutOnDelivery { about } if delivered.is_about(about)),
        );
        note(notes, Seen::Delivered(delivered));
        let mut verdict = Verdict::pass(raw);
        if cut {
            self.mute = true;
            verdict.cut = Some(Duration::ZERO);
        }
        verdict
    }
}

/// Unsettled deliveries of one channel that are kept in mind; more than any sensible prefetch.
const MOST_OUTSTANDING: usize = 10_000;
/// Things seen that are kept in mind: a partner that floods the line is not judged on the flood.
const MOST_SEEN: usize = 100_000;

fn note(notes: &mut Notes, seen: Seen) {
    if notes.seen.len() < MOST_SEEN {
        notes.seen.push(seen);
    }
}

/// Whether the armed trap is one of these; it is then gone.
fn sprung(notes: &mut Notes, is: impl Fn(&Trap) -> bool) -> bool {
    let fits = notes.traps.front().is_some_and(is);
    if fits {
        notes.traps.pop_front();
    }
    fits
}

fn loses_confirm(trap: &Trap, of: &Unconfirmed) -> bool {
    matches!(trap, Trap::LoseConfirm { exchange, from }
        if *exchange == of.exchange && of.mark >= *from)
}

/// The frame with a spoiled body, when the armed trap wants that and it can be done.
fn spoil(writing: &Writing, raw: &[u8], notes: &mut Notes) -> Option<Vec<u8>> {
    let Some(Trap::Spoil { exchange, answering }) = notes.traps.front() else { return None };
    let message_id = given(writing.properties.message_id());
    let fits = writing.publish.exchange.as_str() == *exchange
        && (answering.is_none() || given(writing.properties.correlation_id()) == *answering)
        && published(&notes.seen).all(|earlier| earlier.message_id != message_id);
    let place = raw.windows(KEY.len()).position(|window| window == KEY)?;
    if !fits {
        return None;
    }
    let mut changed = raw.to_vec();
    changed.get_mut(place..place + KEY.len())?.copy_from_slice(SPOILED);
    notes.traps.pop_front();
    note(notes, Seen::Spoiled { message_id });
    Some(changed)
}

/// Takes out one entry, or all up to it. Place 0 with `multiple` means all.
fn take<T>(from: &mut BTreeMap<u64, T>, place: u64, multiple: bool) -> Vec<T> {
    if !multiple {
        return from.remove(&place).into_iter().collect();
    }
    let later = if place == 0 { BTreeMap::new() } else { from.split_off(&(place + 1)) };
    std::mem::replace(from, later).into_values().collect()
}

fn given(text: &Option<ShortString>) -> Option<String> {
    text.as_ref().map(|text| text.as_str().to_owned()).filter(|text| !text.is_empty())
}

/// The user of a sign-in. The password stands beside it and is not looked at.
fn login_of(mechanism: &str, response: &[u8]) -> Option<String> {
    if mechanism != "PLAIN" {
        return None;
    }
    let user = response.split(|byte| *byte == 0).nth(1)?;
    std::str::from_utf8(user).ok().map(str::to_owned)
}

fn read(raw: &[u8]) -> Option<AMQPFrame> {
    parse_frame(raw).ok().map(|(_, frame)| frame)
}

/// The length of the frame that these bytes begin with; `None` while that cannot be told.
///
/// # Errors
/// When the frame is longer than [`LONGEST_FRAME`].
pub fn frame_length(bytes: &[u8]) -> Result<Option<usize>, TooLong> {
    if bytes.first() == Some(&b'A') {
        return Ok(Some(8));
    }
    let Some(size) = bytes.get(3..7).and_then(|size| <[u8; 4]>::try_from(size).ok()) else {
        return Ok(None);
    };
    let size = u32::from_be_bytes(size) as usize;
    if size > LONGEST_FRAME { Err(TooLong) } else { Ok(Some(size + 8)) }
}

/// Longer frames are not read: RabbitMQ's own limit is 128 KiB by default.
pub const LONGEST_FRAME: usize = 4 * 1024 * 1024;

/// A frame longer than [`LONGEST_FRAME`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a frame is longer than {LONGEST_FRAME} bytes")]
pub struct TooLong;

#[cfg(test)]
#[path = "conversation_tests.rs"]
mod tests;

//! Conversations, frame by frame as a client and a broker would send them.

use amq_protocol::frame::{AMQPContentHeader, WriteContext, gen_frame};

use super::*;

fn raw(frame: &AMQPFrame) -> Vec<u8> {
    gen_frame(frame)(WriteContext::from(Vec::new())).unwrap().into_inner().0
}

fn method(class: AMQPClass) -> Vec<u8> {
    raw(&AMQPFrame::Method(1, class))
}

fn properties(message_id: &str) -> AMQPProperties {
    AMQPProperties::default().with_message_id(message_id.into()).with_user_id("me".into())
}

fn header(properties: AMQPProperties, body_size: u64) -> Vec<u8> {
    raw(&AMQPFrame::Header(1, AMQPContentHeader { class_id: 60, body_size, properties }))
}

const BODY: &[u8] = br#"{"mottaker":{"id":"918190937"}}"#;

/// Publishes, and returns what was passed on of the body, with the last verdict.
fn publish(conversation: &mut Conversation, notes: &mut Notes, id: &str) -> Verdict {
    let publish = basic::Publish {
        exchange: "innfri.answers".into(),
        routing_key: "".into(),
        mandatory: true,
        immediate: false,
    };
    let class = AMQPClass::Basic(basic::AMQPMethod::Publish(publish));
    conversation.from_partner(&method(class), notes);
    let head = header(properties(id), BODY.len() as u64);
    conversation.from_partner(&head, notes);
    conversation.from_partner(&raw(&AMQPFrame::Body(1, BODY.to_vec())), notes)
}

fn confirming() -> (Conversation, Notes) {
    let mut conversation = Conversation::new(1);
    let mut notes = Notes::default();
    let select = AMQPClass::Confirm(confirm::AMQPMethod::Select(confirm::Select { nowait: false }));
    conversation.from_partner(&method(select), &mut notes);
    (conversation, notes)
}

fn acked(tag: u64, multiple: bool) -> Vec<u8> {
    let ack = basic::Ack { delivery_tag: tag, multiple };
    method(AMQPClass::Basic(basic::AMQPMethod::Ack(ack)))
}

fn delivered(conversation: &mut Conversation, notes: &mut Notes, tag: u64, id: &str) -> Verdict {
    let deliver = basic::Deliver {
        consumer_tag: "c".into(),
        delivery_tag: tag,
        redelivered: false,
        exchange: "e".into(),
        routing_key: "k".into(),
    };
    let class = AMQPClass::Basic(basic::AMQPMethod::Deliver(deliver));
    conversation.from_broker(&method(class), notes);
    conversation.from_broker(&header(properties(id), 1), notes)
}

#[test]
fn a_message_is_seen_with_its_properties_and_passes_unchanged() {
    let (mut conversation, mut notes) = confirming();
    let verdict = publish(&mut conversation, &mut notes, "a");
    assert_eq!(verdict.pass.unwrap(), raw(&AMQPFrame::Body(1, BODY.to_vec())));
    let message = published(&notes.seen).next().unwrap();
    assert!(message.confirms && message.mandatory && !message.persistent);
    assert_eq!(
        (message.message_id.as_deref(), message.user_id.as_deref()),
        (Some("a"), Some("me"))
    );
    assert_eq!(message.digest, Digest::of(&[BODY]));
}

#[test]
fn a_confirmation_is_withheld_once_and_only_of_what_came_after_the_mark() {
    let (mut conversation, mut notes) = confirming();
    publish(&mut conversation, &mut notes, "before");
    let from = notes.seen.len();
    notes.traps.push_back(Trap::LoseConfirm { exchange: "innfri.answers", from });
    assert!(conversation.from_broker(&acked(1, false), &mut notes).pass.is_some());
    publish(&mut conversation, &mut notes, "after");
    let verdict = conversation.from_broker(&acked(2, true), &mut notes);
    assert_eq!(verdict, Verdict { pass: None, cut: Some(HOLD) });
    assert_eq!(notes.seen.last(), Some(&Seen::ConfirmLost { message_id: Some("after".into()) }));
    assert!(notes.traps.is_empty());
    // Nothing more reaches the partner on this line.
    assert_eq!(conversation.from_broker(&acked(3, false), &mut notes).pass, None);
}

#[test]
fn who_asks_for_no_confirms_is_cut_off_all_the_same() {
    let (mut conversation, mut notes) = (Conversation::new(1), Notes::default());
    notes.traps.push_back(Trap::LoseConfirm { exchange: "innfri.answers", from: 0 });
    let verdict = publish(&mut conversation, &mut notes, "a");
    assert!(verdict.pass.is_some() && verdict.cut == Some(HOLD));
}

#[test]
fn an_acknowledgement_of_many_settles_them_and_one_that_is_trapped_is_withheld() {
    let (mut conversation, mut notes) = (Conversation::new(1), Notes::default());
    for (tag, id) in [(1, "a"), (2, "b"), (3, "c")] {
        delivered(&mut conversation, &mut notes, tag, id);
    }
    conversation.from_partner(&acked(2, true), &mut notes);
    let settled = notes.seen.iter().filter(|one| matches!(one, Seen::Settled { taken: true, .. }));
    assert_eq!(settled.count(), 2);
    notes.traps.push_back(Trap::LoseAcknowledgement { about: "c".into() });
    let verdict = conversation.from_partner(&acked(0, true), &mut notes);
    assert_eq!(verdict, Verdict { pass: None, cut: Some(Duration::ZERO) });
    assert_eq!(
        notes.seen.last(),
        Some(&Seen::AcknowledgementLost { message_id: Some("c".into()) })
    );
}

#[test]
fn a_line_is_cut_in_the_middle_of_the_delivery_that_is_meant() {
    let (mut conversation, mut notes) = (Conversation::new(1), Notes::default());
    notes.traps.push_back(Trap::CutOnDelivery { about: "b".into() });
    assert_eq!(delivered(&mut conversation, &mut notes, 1, "a").cut, None);
    assert_eq!(delivered(&mut conversation, &mut notes, 2, "b").cut, Some(Duration::ZERO));
}

#[test]
fn a_new_message_is_spoiled_without_a_change_of_length_and_a_repeat_is_not() {
    let (mut conversation, mut notes) = confirming();
    publish(&mut conversation, &mut notes, "known");
    notes.traps.push_back(Trap::Spoil { exchange: "innfri.answers", answering: None });
    let whole = raw(&AMQPFrame::Body(1, BODY.to_vec()));
    assert_eq!(publish(&mut conversation, &mut notes, "known").pass.unwrap(), whole);
    let spoiled = publish(&mut conversation, &mut notes, "new").pass.unwrap();
    assert!(spoiled != whole && spoiled.len() == whole.len());
    // What is noted is what the partner wrote.
    assert!(published(&notes.seen).all(|message| message.digest == Digest::of(&[BODY])));
}

#[test]
fn the_user_is_read_from_a_sign_in_and_the_password_is_not() {
    assert_eq!(login_of("PLAIN", b"\0me\0hunter2"), Some("me".to_owned()));
    assert_eq!(login_of("EXTERNAL", b""), None);
}

#[test]
fn a_frame_is_as_long_as_it_says_and_never_longer_than_the_limit() {
    assert_eq!(frame_length(b"AMQP"), Ok(Some(8)));
    assert_eq!(frame_length(&[1, 0, 1, 0, 0]), Ok(None));
    assert_eq!(frame_length(&[1, 0, 1, 0, 0, 0, 5]), Ok(Some(13)));
    assert_eq!(frame_length(&[1, 0, 1, 255, 0, 0, 0]), Err(TooLong));
    assert!(Conversation::new(1).from_partner(&[9; 20], &mut Notes::default()).pass.is_some());
}

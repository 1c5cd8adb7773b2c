//! Whatever a message says, it says the same after XML, and after JSON.

use innfri::contract::{CheckContext, Contract};
use innfri::dsve::xml::message_type_of;
use innfri::kernel::{Environment, Limits, PaymentWindow, Severity};
use innfri::market::no::rules::contact;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

use super::dsve::{KINDS, TODAY, any_body, body};
use super::infoset::infoset;
use super::style::style;
use super::{taken, write};

proptest! {
    #[test]
    fn json_survives_xml(body in any_body()) {
        let xml = write(&body);
        prop_assert_eq!(message_type_of(&xml), Some(body.message_type));
        let read = taken(&xml);
        prop_assert_eq!(&read.body, &body, "{}", String::from_utf8(xml).unwrap());
        let without = !String::from_utf8(body.json).unwrap().contains("\"kontaktperson\"");
        prop_assert_eq!(read.notes.len(), usize::from(without));
        for note in read.notes {
            prop_assert_eq!(note.regel, contact::MISSING.id);
            prop_assert_eq!(note.alvorlighet, Severity::Warning);
        }
    }

    #[test]
    fn xml_survives_json_however_it_is_written(body in any_body(), style in style()) {
        let plain = write(&body);
        let other = style.apply(&plain);
        prop_assert_eq!(infoset(&other), infoset(&plain));
        let read = taken(&other);
        prop_assert_eq!(&read.body, &body, "{}", String::from_utf8_lossy(&other));
        prop_assert_eq!(write(&read.body), plain);
    }
}

/// What the generators promise, so that other tests can build on them.
#[test]
fn the_messages_made_follow_schema_and_rules() {
    let contract = Contract::new(Limits::default()).unwrap();
    let window = PaymentWindow { today: TODAY.parse().unwrap(), grace_days: 0, ahead_days: 60 };
    let context = CheckContext { environment: Environment::Test, window, contact_optional: true };
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for kind in KINDS {
        for _ in 0..64 {
            let body = body(kind).new_tree(&mut runner).unwrap().current();
            let checked = contract.check(kind, &body.json, &context);
            assert!(checked.message.is_some(), "{:?}", checked.findings);
        }
    }
}

//! What innfri packs, it opens again as it was, and packs the same each time.

use innfri::contract::{Direction, MessageType};
use innfri::dsve::DsveStatus;
use innfri::dsve::archive::{Content, Packing, file_name, open, pack, properties};
use innfri::dsve::name::name_of;
use innfri::kernel::OrganisationId;
use innfri::market::no::status::Statuskode;
use jiff::Timestamp;
use proptest::prelude::*;

use super::opened;

const KINDS: [MessageType; 4] = [
    MessageType::Restgjeldsforespoersel,
    MessageType::Restgjeldssvar,
    MessageType::Innfrielsessaldoforespoersel,
    MessageType::Innfrielsessaldosvar,
];
const CODES: [Statuskode; 4] =
    [Statuskode::LaanNedbetalt, Statuskode::LaanSolgt, Statuskode::SvarerIEpost, Statuskode::Feil];

fn bank() -> OrganisationId {
    "918190937".parse().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_packed_message_opens_as_it_was(
        kind in proptest::sample::select(KINDS.to_vec()),
        xml in proptest::collection::vec(any::<u8>(), 0..5_000),
        reference in "\\PC{1,80}",
        seconds in 0_i64..4_000_000_000,
    ) {
        let reportee = bank();
        let packing = Packing {
            message_type: kind,
            senders_reference: &reference,
            reportee: &reportee,
            sent_at: Some(Timestamp::from_second(seconds).unwrap()),
            content: Content::Message(&xml),
        };
        let zip = pack(&packing).unwrap();
        prop_assert!(zip == pack(&packing).unwrap(), "the same bytes again");
        let list = properties(&packing).unwrap();
        let envelope = open(&zip, &list, &Default::default()).ok().unwrap();
        prop_assert_eq!(&envelope.notes, &[]);
        prop_assert_eq!(envelope.message_type, Some(kind));
        let answer = kind.direction() == Direction::Answer;
        prop_assert_eq!(envelope.status, answer.then_some(DsveStatus::RutetSuksessfullt));
        if answer {
            prop_assert_eq!(envelope.senders_reference.as_deref(), Some(reference.trim()).filter(|it| !it.is_empty()));
            prop_assert_eq!(envelope.reportee, Some(bank()));
            prop_assert_eq!(envelope.sent_at, packing.sent_at);
        }
        let entry = envelope.xml.unwrap();
        prop_assert!(entry.bytes == xml);
        let front = name_of(kind).unwrap().to_lowercase() + "_";
        prop_assert!(entry.name.starts_with(&front) && entry.name.ends_with(".xml"));
        prop_assert!(file_name(&packing).unwrap().is_ascii());
        prop_assert!(opened(&zip).is_ok(), "without the list as well");
    }

    #[test]
    fn a_packed_no_opens_as_it_was(
        answer in proptest::sample::select(vec![KINDS[1], KINDS[3]]),
        code in proptest::sample::select(CODES.to_vec()),
        text in "[A-ZÆØÅ][a-zæøå &<>\"'\n]{0,200}[.]",
    ) {
        let reportee = bank();
        let packing = Packing {
            message_type: answer,
            senders_reference: "0b1d1d7e-5c1f-4a6e-9d0b-3f6a1e2c4b5d",
            reportee: &reportee,
            sent_at: None,
            content: Content::Nack { code, text: &text },
        };
        let zip = pack(&packing).unwrap();
        prop_assert!(zip == pack(&packing).unwrap(), "the same bytes again");
        for list in [properties(&packing).unwrap(), Default::default()] {
            let envelope = open(&zip, &list, &Default::default()).ok().unwrap();
            prop_assert_eq!(envelope.status.and_then(DsveStatus::code), Some(code));
            prop_assert_eq!(envelope.message_type, Some(answer));
            prop_assert_eq!(envelope.status_description.as_deref(), Some(text.as_str()));
            prop_assert!(envelope.xml.is_none());
            prop_assert_eq!(envelope.notes, []);
        }
    }
}

#[test]
fn what_has_no_place_in_dsve_is_not_packed() {
    let reportee = bank();
    let packing = |message_type, content| Packing {
        message_type,
        senders_reference: "1",
        reportee: &reportee,
        sent_at: None,
        content,
    };
    let no = |text| Content::Nack { code: Statuskode::Feil, text };
    for (message_type, content) in [
        (MessageType::Receipt, Content::Message(b"")),
        (MessageType::Rejection, Content::Message(b"")),
        (MessageType::Status, no("Nei.")),
        (MessageType::Restgjeldsforespoersel, no("Nei.")),
        (MessageType::Restgjeldssvar, no(" ")),
    ] {
        assert!(pack(&packing(message_type, content)).is_err(), "{message_type}");
    }
    let list = properties(&packing(MessageType::Restgjeldssvar, no("Nei."))).unwrap();
    let wanted =
        [("messageType", "Restgjeldssvar"), ("status", "Feil"), ("statusDescription", "Nei.")];
    assert_eq!(list, super::list(&wanted));
    let asked = packing(MessageType::Restgjeldsforespoersel, Content::Message(b"<a/>"));
    assert_eq!(properties(&asked).unwrap().len(), 1);
}

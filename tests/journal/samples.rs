//! Decisions to commit: valid by construction, each field told from every other.

use innfri::case::{
    Case, CaseState, DeadLetter, DeadReason, Delivery, Event, GivenBy, Purpose, RecordedEvent,
    StoredCase,
};
use innfri::contract::{Body, MessageType};
use innfri::kernel::{
    CaseId, ChannelName, Death, DeliveryId, Digest, Finding, Incoming, Login, MessageId,
    OrganisationId, RuleId, Severity,
};
use innfri::market::no::status::{Aarsak, Statuskode};
use innfri::port::journal::CaseChange;
use innfri::port::{Claim, Decision, Disposition, InboxEntry};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

pub fn agent() -> OrganisationId {
    "NO:926018159".parse().unwrap()
}

pub fn bank() -> OrganisationId {
    "NO:918190937".parse().unwrap()
}

pub fn other_bank() -> OrganisationId {
    "NO:903137215".parse().unwrap()
}

/// Seconds after some day, and some microseconds.
pub fn at(second: i64) -> Timestamp {
    Timestamp::from_microsecond(1_780_000_000_000_000 + second * 1_000_000 + 123_456).unwrap()
}

pub fn message(number: u32) -> MessageId {
    MessageId::from_uuid(Uuid::from_u128(0x1000_0000 + u128::from(number)))
}

pub fn case_id(number: u32) -> CaseId {
    CaseId::of(&agent(), &message(number))
}

pub fn request_delivery(number: u32) -> DeliveryId {
    DeliveryId::of(&case_id(number), "request")
}

pub fn claim_at(second: i64, owner: u128) -> Claim {
    Claim { owner: Uuid::from_u128(owner), now: at(second), lease: SignedDuration::from_secs(60) }
}

/// A claim that has run out when anybody claims at second 1000.
pub fn early() -> Claim {
    claim_at(0, 1)
}

pub fn body(message_type: MessageType, text: &str) -> Body {
    Body { message_type, json: format!("{{\"tekst\":\"{text} øæå\"}}").into_bytes() }
}

/// The request of a case.
fn asked(number: u32) -> Body {
    body(MessageType::Innfrielsessaldoforespoersel, &format!("spørsmål {number}"))
}

pub fn new_case(number: u32) -> (Case, RecordedEvent) {
    let mut case = Case {
        id: case_id(number),
        request_type: MessageType::Innfrielsessaldoforespoersel,
        request_id: Some(message(number)),
        forwarded_as: request_delivery(number),
        asker: agent(),
        reply_to: other_bank(),
        bank: Some(bank()),
        reference: format!("oppdrag {number}"),
        opened_at: at(i64::from(number)),
        state: CaseState::Open,
        version: 0,
        head: Digest::ZERO,
    };
    let event = Event::Opened {
        message_type: case.request_type,
        asker: agent(),
        bank: Some(bank()),
        channel: ChannelName::Amqp,
        login: Some(Login::new("vitec")),
        digest: Digest::of(&[case.request_type.name().as_bytes(), &asked(number).json]).to_string(),
    };
    let recorded = case.record(event, case.opened_at).unwrap();
    (case, recorded)
}

pub fn inbox(number: u32) -> InboxEntry {
    InboxEntry {
        sender: agent(),
        message_id: message(number),
        digest: Digest::of(&[&number.to_be_bytes()]),
        case: Some(case_id(number)),
        at: at(i64::from(number)),
    }
}

/// A request that opens a case and is owed to the bank.
pub fn request(number: u32) -> Decision {
    let (case, event) = new_case(number);
    let asked = asked(number);
    Decision {
        case: Some(case.id),
        inbox: Some(inbox(number)),
        deliveries: vec![Delivery {
            id: case.forwarded_as,
            case: Some(case.id),
            purpose: Purpose::Request,
            to: bank(),
            body: asked.clone(),
            correlation_id: None,
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        }],
        change: Some(CaseChange {
            case,
            expected: None,
            events: vec![event],
            request: Some(asked),
        }),
        ..Decision::none(Disposition::Accepted)
    }
}

pub fn feil() -> Event {
    Event::StatusGiven {
        revision: 1,
        statuskode: Statuskode::Feil,
        aarsak: Some(Aarsak::TekniskFeil),
        by: GivenBy::Innfri,
        message_id: None,
    }
}

pub fn answered(revision: u32) -> Event {
    Event::Answered {
        revision,
        message_type: MessageType::Innfrielsessaldosvar,
        message_id: message(700 + revision),
    }
}

/// What follows for a case from an event; an outcome is owed to the asker.
pub fn follow(stored: &Case, event: Event, second: i64) -> Decision {
    let mut case = stored.clone();
    let expected = case.version;
    let recorded = case.record(event, at(second)).unwrap();
    let revision = case.state.revision();
    let purpose = Purpose::Outcome { revision };
    Decision {
        case: Some(case.id),
        deliveries: vec![Delivery {
            id: DeliveryId::of(&case.id, &format!("outcome {revision}")),
            case: Some(case.id),
            purpose,
            to: case.reply_to.clone(),
            body: body(MessageType::Innfrielsessaldosvar, "svar"),
            correlation_id: case.request_id,
            traceparent: None,
        }],
        change: Some(CaseChange {
            case,
            expected: Some(expected),
            events: vec![recorded],
            request: None,
        }),
        ..Decision::none(Disposition::Accepted)
    }
}

/// The case that a decision leads to, as it should be found.
pub fn stored(decision: &Decision) -> StoredCase {
    let change = decision.change.as_ref().unwrap();
    StoredCase { case: change.case.clone(), request: change.request.clone().unwrap() }
}

/// A letter in which every field is set.
pub fn letter(number: u32, reason: DeadReason) -> DeadLetter {
    let incoming = Incoming {
        channel: ChannelName::Amqp,
        source: "innfri.requests".into(),
        login: Some(Login::new("vitec")),
        message_type: Some("no.dsve.status.v1".into()),
        message_id: Some(format!("no uuid {number}")),
        correlation_id: Some("neither".into()),
        content_type: Some("application/json".into()),
        traceparent: Some("00-1-2-01".into()),
        deaths: vec![Death { reason: "expired".into(), queue: "q".into(), count: 3 }],
        findings: Vec::new(),
        received_at: at(i64::from(number)),
        body: vec![0, 159, 146, 150, u8::try_from(number % 256).unwrap()],
    };
    let mut letter = DeadLetter::of_incoming(&incoming, reason, "nobody to tell");
    letter.findings = vec![Finding {
        peker: "/avsender/id".into(),
        regel: RuleId::new("INN-001"),
        alvorlighet: Severity::Error,
        tekst: "Ukjent avsender".into(),
        text: "Unknown sender".into(),
    }];
    letter.from = Some(agent());
    letter.to = Some(bank());
    letter.reference = Some("oppdrag".into());
    letter.case = Some(case_id(number));
    letter.delivery = Some(request_delivery(number));
    letter
}

pub fn dead(letter: DeadLetter) -> Decision {
    Decision { dead_letters: vec![letter], ..Decision::none(Disposition::DeadLettered) }
}

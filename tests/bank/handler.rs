//! The built-in bank as a way to send to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use innfri::bank::LoanBookHandler;
use innfri::case::{Delivery, Purpose};
use innfri::contract::{Body, MessageType};
use innfri::kernel::{CaseId, ChannelName, DeliveryId, Incoming, Login, MessageId};
use innfri::port::{Clock, Disposition, Intake, IntakeError, Outgoing, SendError, Sender, Taken};
use jiff::Timestamp;
use tokio::sync::Barrier;

use super::support::{bank, demo_file};

/// 21 November 2026, noon in Norway.
struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        "2026-11-21T11:00:00Z".parse().unwrap()
    }
}

/// Keeps what is handed in, and says what it is told to; waits until a whole group is there.
struct Desk {
    group: Barrier,
    says: Result<Disposition, IntakeError>,
    taken: Mutex<Vec<Incoming>>,
}

impl Desk {
    fn new(group: usize, says: Result<Disposition, IntakeError>) -> Arc<Self> {
        Arc::new(Self { group: Barrier::new(group), says, taken: Mutex::default() })
    }
}

#[async_trait]
impl Intake for Desk {
    async fn take(&self, incoming: Incoming) -> Result<Taken, IntakeError> {
        self.taken.lock().unwrap().push(incoming);
        self.group.wait().await;
        self.says.clone().map(|disposition| Taken { case: None, disposition, notice: None })
    }

    async fn keep_dead(&self, _: Incoming) -> Result<Taken, IntakeError> {
        panic!("a loan book gives nothing up")
    }
}

fn handler(desk: &Arc<Desk>) -> LoanBookHandler {
    LoanBookHandler::new(
        bank("demo/testvik.toml"),
        Login::new("testvik"),
        Arc::clone(desk) as Arc<dyn Intake>,
        Arc::new(Noon),
    )
}

fn outgoing(number: u128, purpose: Purpose, message_type: MessageType, json: Vec<u8>) -> Outgoing {
    let sender = "NO:926018159".parse().unwrap();
    let case = CaseId::of(&sender, &MessageId::from_uuid(uuid::Uuid::from_u128(number)));
    Outgoing {
        delivery: Delivery {
            id: DeliveryId::of(&case, purpose.name()),
            case: Some(case),
            purpose,
            to: "NO:918190937".parse().unwrap(),
            body: Body { message_type, json },
            correlation_id: None,
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        },
        maybe_sent_since: None,
    }
}

fn request(number: u128, file: &str) -> Outgoing {
    let json = std::fs::read(demo_file(file).1).unwrap();
    let kind = match file {
        "01-" | "04-" => MessageType::Restgjeldsforespoersel,
        _ => MessageType::Innfrielsessaldoforespoersel,
    };
    outgoing(number, Purpose::Request, kind, json)
}

async fn send(handler: &LoanBookHandler, group: Vec<Outgoing>) -> Vec<Result<(), SendError>> {
    tokio::time::timeout(Duration::from_secs(60), handler.send(group))
        .await
        .expect("a group is handed in together, not one by one")
}

#[tokio::test]
async fn a_group_is_handed_in_together_and_each_reply_names_its_delivery() {
    let desk = Desk::new(3, Ok(Disposition::Accepted));
    let group = vec![request(1, "01-"), request(2, "02-"), request(3, "04-")];
    let results = send(&handler(&desk), group.clone()).await;
    assert_eq!(results, [Ok(()), Ok(()), Ok(())]);
    let taken = desk.taken.lock().unwrap();
    let types =
        ["no.dsve.restgjeldssvar.v1", "no.dsve.innfrielsessaldosvar.v1", "no.dsve.status.v1"];
    for ((incoming, outgoing), kind) in taken.iter().zip(&group).zip(types) {
        assert_eq!(incoming.message_type.as_deref(), Some(kind));
        assert_eq!(incoming.correlation_id, Some(outgoing.delivery.id.to_string()));
        assert_eq!(incoming.login, Some(Login::new("testvik")));
        assert_eq!(incoming.channel, ChannelName::Embedded);
        assert_eq!(incoming.content_type.as_deref(), Some("application/json"));
        assert_eq!(incoming.traceparent, outgoing.delivery.traceparent);
        assert_eq!(incoming.received_at, Noon.now());
        assert!(incoming.message_id.as_ref().unwrap().parse::<MessageId>().is_ok());
    }
}

#[tokio::test]
async fn a_request_sent_twice_gives_the_same_message_twice() {
    let desk = Desk::new(1, Ok(Disposition::Repeated));
    let handler = handler(&desk);
    for _ in 0..2 {
        assert_eq!(send(&handler, vec![request(1, "02-")]).await, [Ok(())]);
    }
    let taken = desk.taken.lock().unwrap();
    let [first, second] = taken.as_slice() else { panic!("two") };
    assert_eq!((&first.message_id, &first.body), (&second.message_id, &second.body));
}

#[tokio::test]
async fn a_rejected_answer_still_counts_as_asked() {
    for disposition in [Disposition::Rejected, Disposition::DeadLettered] {
        let desk = Desk::new(1, Ok(disposition));
        assert_eq!(send(&handler(&desk), vec![request(1, "01-")]).await, [Ok(())]);
    }
}

#[tokio::test]
async fn a_request_whose_reply_could_not_be_kept_is_asked_again() {
    for error in [IntakeError::Unavailable, IntakeError::Stopping] {
        let desk = Desk::new(1, Err(error));
        let results = send(&handler(&desk), vec![request(1, "01-")]).await;
        assert!(matches!(results.as_slice(), [Err(SendError::Unavailable(_))]), "{results:?}");
    }
}

#[tokio::test]
async fn what_is_no_request_or_anothers_is_refused_and_the_rest_of_the_group_is_answered() {
    let desk = Desk::new(1, Ok(Disposition::Accepted));
    let mut anothers = request(1, "01-");
    anothers.delivery.to = "NO:903137215".parse().unwrap();
    let broken = outgoing(
        2,
        Purpose::Request,
        MessageType::Restgjeldsforespoersel,
        br#"{"avsender":"23904430552"}"#.to_vec(),
    );
    let no_request = outgoing(3, Purpose::Request, MessageType::Status, b"{}".to_vec());
    let group = vec![anothers, broken, no_request, request(4, "01-")];
    let results = send(&handler(&desk), group).await;
    let [Err(first), Err(second), Err(third), Ok(())] = results.as_slice() else {
        panic!("{results:?}")
    };
    assert_eq!([first, second, third].map(SendError::code), ["not_set_up", "refused", "refused"]);
    assert!(!format!("{results:?}").contains("23904430552"));
    assert_eq!(desk.taken.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn the_last_rejections_are_remembered_and_older_ones_forgotten() {
    let desk = Desk::new(1, Ok(Disposition::Accepted));
    let handler = handler(&desk);
    let rejection = |number: u128| {
        let json = number.to_string().into_bytes();
        outgoing(number, Purpose::Rejection, MessageType::Rejection, json)
    };
    let results = send(&handler, (0..103).map(rejection).collect()).await;
    assert!(results.iter().all(Result::is_ok));
    let kept = handler.rejections();
    assert_eq!(kept.len(), 100);
    assert_eq!(kept.first().unwrap().json, b"3");
    assert_eq!(kept.last().unwrap().json, b"102");
    assert!(desk.taken.lock().unwrap().is_empty(), "a rejection is not answered");
}

#[tokio::test]
async fn answers_and_receipts_to_a_bank_that_asked_are_taken() {
    let desk = Desk::new(1, Ok(Disposition::Accepted));
    let handler = handler(&desk);
    let group = vec![
        outgoing(1, Purpose::Outcome { revision: 1 }, MessageType::Status, b"{}".to_vec()),
        outgoing(2, Purpose::Receipt, MessageType::Receipt, b"{}".to_vec()),
    ];
    assert_eq!(send(&handler, group).await, [Ok(()), Ok(())]);
    assert_eq!((handler.outcomes().len(), handler.receipts()), (1, 1));
    assert!(handler.rejections().is_empty());
}

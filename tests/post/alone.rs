//! Senders without an exchange: order, how many at once, and what a repeat is called.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use innfri::case::{Delivery, Purpose};
use innfri::channel::post::{BackEndSender, Pace, WebhookSender};
use innfri::contract::{Body, MessageType};
use innfri::decide::decision::Disposition;
use innfri::directory::{Handler, built_in_login};
use innfri::kernel::{CaseId, DeliveryId, Incoming, MessageId};
use innfri::port::{Intake, IntakeError, Outgoing, SendError, Sender, SystemClock, Taken};

use crate::messages::{BANK, RESTGJELD_ANSWER, restgjeld, restgjeld_answer};
use crate::server::{Reply, Server};
use crate::world::{back_end, directory, folder, webhook};

/// Notes what is handed in; the first is not taken.
#[derive(Default)]
struct Shy(Mutex<Vec<Incoming>>);

#[async_trait]
impl Intake for Shy {
    async fn take(&self, incoming: Incoming) -> Result<Taken, IntakeError> {
        let mut taken = self.0.lock().unwrap();
        taken.push(incoming);
        if taken.len() == 1 {
            return Err(IntakeError::Unavailable);
        }
        Ok(Taken { case: None, disposition: Disposition::DeadLettered, notice: None })
    }

    async fn keep_dead(&self, _: Incoming) -> Result<Taken, IntakeError> {
        Err(IntakeError::Unavailable)
    }
}

fn outgoing(number: u32) -> Outgoing {
    let message: MessageId = crate::messages::message_id(number).parse().unwrap();
    let case = CaseId::of(&BANK.parse().unwrap(), &message);
    Outgoing {
        delivery: Delivery {
            id: DeliveryId::of(&case, "request"),
            case: Some(case),
            purpose: Purpose::Request,
            to: BANK.parse().unwrap(),
            body: Body {
                message_type: MessageType::Restgjeldsforespoersel,
                json: restgjeld(number).to_string().into_bytes(),
            },
            correlation_id: None,
            traceparent: Some("not\na header".to_owned()),
        },
        maybe_sent_since: None,
    }
}

fn group(size: u32) -> Vec<Outgoing> {
    (0..size).map(outgoing).collect()
}

fn hook(url: &str, more: &str, pace: Pace) -> WebhookSender {
    let folder = folder();
    let directory = directory(&folder, &webhook(url, more));
    let bank = directory.participant(&BANK.parse().unwrap()).unwrap();
    let Handler::Webhook(webhook) = &bank.handler else { panic!("a webhook") };
    WebhookSender::open(webhook, pace, Arc::new(SystemClock)).unwrap()
}

fn pace() -> Pace {
    Pace::within_lease(Duration::from_secs(3600))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_is_sent_eight_at_a_time_and_told_in_order() {
    let server = Server::plain().await;
    let group = group(24);
    let refused: Vec<String> =
        group.iter().step_by(3).map(|one| one.delivery.id.to_string()).collect();
    server.does(move |seen| {
        let is_refused = refused.iter().any(|id| seen.header("webhook-id") == Some(id.as_str()));
        Reply::new(if is_refused { 500 } else { 204 }).after(Duration::from_millis(100))
    });
    let results = hook(&server.url("/hook"), "", pace()).send(group).await;
    let failed: Vec<bool> = results.iter().map(Result::is_err).collect();
    assert_eq!(failed, (0..24).map(|number| number % 3 == 0).collect::<Vec<_>>());
    assert!((2..=8).contains(&server.most_at_once()), "{}", server.most_at_once());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_is_away_is_not_waited_for_by_each() {
    let url = {
        let gone = Server::plain().await;
        gone.url("/hook")
    };
    let results = hook(&url, "", pace()).send(group(50)).await;
    let codes: Vec<_> = results.iter().map(|result| result.as_ref().unwrap_err().code()).collect();
    assert_eq!(codes[0], "unreachable");
    let tried = codes.iter().filter(|code| **code == "unreachable").count();
    assert!(tried < 50, "{tried}");
    assert_eq!(codes[49], "unavailable", "not tried, so not counted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_is_over_before_its_lease() {
    let server = Server::plain().await;
    server.answers(Reply::new(204).after(Duration::from_secs(1)));
    // Half of the lease is the group's time: none begins after the second second.
    let sender = hook(&server.url("/hook"), ", timeout_seconds = 7", pace_of(20));
    let results = sender.send(group(200)).await;
    let sent = results.iter().filter(|result| result.is_ok()).count();
    assert!((8..200).contains(&sent), "{sent}");
    assert_eq!(server.seen_at("/hook").len(), sent, "whatever was begun was told of");
    assert!(matches!(results.last().unwrap(), Err(SendError::Unavailable(_))));
}

fn pace_of(seconds: u64) -> Pace {
    Pace::within_lease(Duration::from_secs(seconds))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_could_not_be_handed_in_is_asked_for_again_and_has_the_same_name() {
    let server = Server::plain().await;
    let answer = Reply::new(200).json(&restgjeld_answer(1, "1.00"));
    server.answers(answer.header("innfri-message-type", RESTGJELD_ANSWER));
    let folder = folder();
    let directory = directory(&folder, &back_end(&server.url("/innfri"), "", ""));
    let bank = directory.participant(&BANK.parse().unwrap()).unwrap();
    let Handler::Http(settings) = &bank.handler else { panic!("a back-end") };
    let intake = Arc::new(Shy::default());
    let login = built_in_login(&bank.id);
    assert!(directory.speaks_for(&login, &bank.id));
    let sender = BackEndSender::open(
        bank.id.clone(),
        settings,
        pace(),
        login,
        Arc::<Shy>::clone(&intake),
        Arc::new(SystemClock),
    )
    .unwrap();
    let first = sender.send(group(1)).await;
    assert!(matches!(first[0], Err(SendError::Unavailable(_))), "{first:?}");
    assert_eq!(sender.send(group(1)).await, [Ok(())], "a rejection is the bank's to hear of");
    let other = sender.send(group(2).split_off(1)).await;
    assert_eq!(other, [Ok(())]);

    let taken = intake.0.lock().unwrap();
    assert_eq!(taken[0], Incoming { received_at: taken[0].received_at, ..taken[1].clone() });
    assert_ne!(taken[0].message_id, taken[2].message_id, "another question, another answer");
    let asked = outgoing(0).delivery.id.to_string();
    assert_eq!(taken[0].correlation_id.as_deref(), Some(asked.as_str()));
    assert!(taken[0].message_id.as_ref().unwrap().parse::<MessageId>().is_ok());
}

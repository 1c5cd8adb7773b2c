//! The AMQP channel against a real RabbitMQ.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops at what it did not expect"
)]
#![allow(dead_code, reason = "not every test binary uses all of the support")]

#[path = "amqp/raw.rs"]
mod raw;
#[path = "amqp/room.rs"]
mod room;
mod support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use innfri::case::{Delivery, Purpose};
use innfri::channel::amqp::topology::{self, ANSWERS, DELIVERIES, IN_DEAD, IN_REQUESTS};
use innfri::channel::amqp::{
    AmqpConfig, AmqpError, Entrance, Peer, PeerMessage, Settled, Topology, connection, definitions,
    queue_of,
};
use innfri::kernel::Secret;
use innfri::port::{IntakeError, SendError, Sender};
use lapin::BasicProperties;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use room::{AGENT, BANK, PATIENCE, Recorder, Room, SHARED, directory, group, message, owed, until};
use support::rabbitmq::RabbitMq;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_arrives_as_it_was_said() {
    let room = Room::new(&SHARED, |_| {}).await;
    let intake = Arc::new(Recorder::default());
    let running = room.consume(&intake);
    let peer = room.peer().await;
    let said = PeerMessage {
        correlation_id: Some("c".into()),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        app_id: "a system".into(),
        ..message("m1")
    };
    peer.publish(Entrance::Requests, said.clone()).await.unwrap();
    intake.has(&["m1"]).await;
    let got = intake.taken.lock().unwrap()[0].clone();
    assert_eq!(got.login.as_ref(), Some(peer.user()));
    assert_eq!(got.source, IN_REQUESTS);
    assert_eq!(got.message_type.as_deref(), Some("no.dsve.status.v1"));
    assert_eq!(got.correlation_id, said.correlation_id);
    assert_eq!(got.content_type.as_deref(), Some("application/json"));
    assert_eq!(got.traceparent, said.traceparent);
    assert_eq!(got.body, b"{}");
    peer.publish(Entrance::Answers, message("m2")).await.unwrap();
    intake.has(&["m2"]).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_say_who_it_is_has_no_login_and_nobody_can_say_another() {
    let room = Room::new(&SHARED, |_| {}).await;
    let intake = Arc::new(Recorder::default());
    let running = room.consume(&intake);
    let (_connection, channel) = room.channel().await;
    let publish = async |user: Option<&str>| {
        let properties = BasicProperties::default().with_message_id("m".into());
        let properties = match user {
            Some(user) => properties.with_user_id(user.into()),
            None => properties,
        };
        let options = BasicPublishOptions { mandatory: true, ..Default::default() };
        let key = "any key at all".into();
        channel.basic_publish(ANSWERS.into(), key, options, b"{}", properties).await?.await
    };
    assert!(publish(None).await.unwrap().is_ack());
    intake.has(&["m"]).await;
    assert_eq!(intake.taken.lock().unwrap()[0].login, None);
    let forged = publish(Some("somebody-else")).await.unwrap_err();
    assert!(forged.to_string().contains("user_id"), "{forged}");
    running.stop().await;
    assert_eq!(intake.taken.lock().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_kept_is_offered_until_it_can() {
    let room = Room::new(&SHARED, |config| config.delivery_limit = 2).await;
    let intake = Arc::new(Recorder::default());
    intake.failures.lock().unwrap().extend(vec![IntakeError::Unavailable; 5]);
    let running = room.consume(&intake);
    room.peer().await.publish(Entrance::Requests, message("m")).await.unwrap();
    intake.has(&["m"]).await;
    assert_eq!(intake.offers.load(Ordering::SeqCst), 6);
    running.stop().await;
    assert!(intake.dead.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_acknowledged_only_when_it_is_safe() {
    let room = Room::new(&SHARED, |_| {}).await;
    let peer = room.peer().await;
    for id in ["kept", "not kept"] {
        peer.publish(Entrance::Requests, message(id)).await.unwrap();
    }
    let first = Arc::new(Recorder::default());
    let running = room.consume(&first);
    first.has(&["kept", "not kept"]).await;
    running.stop().await;
    peer.publish(Entrance::Requests, message("left")).await.unwrap();
    let second = Arc::new(Recorder::default());
    second.failures.lock().unwrap().push_back(IntakeError::Stopping);
    let running = room.consume(&second);
    until("the offer", || second.offers.load(Ordering::SeqCst) == 1).await;
    running.stop().await;
    let third = Arc::new(Recorder::default());
    let running = room.consume(&third);
    third.has(&["left"]).await;
    running.stop().await;
    assert_eq!(third.ids(), BTreeSet::from(["left".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn consumption_goes_on_after_connections_are_closed_and_queues_are_made_anew() {
    let room = Room::new(&SHARED, |_| {}).await;
    let intake = Arc::new(Recorder::default());
    let running = room.consume(&intake);
    let peer = room.peer().await;
    peer.publish(Entrance::Requests, message("before")).await.unwrap();
    intake.has(&["before"]).await;

    room.rabbit.ctl(&["close_all_connections", "--vhost", &room.vhost, "test"]);
    until_published(&peer, "after closing").await;
    intake.has(&["after closing"]).await;

    room.rabbit.ctl(&["delete_queue", "--vhost", &room.vhost, IN_REQUESTS]);
    room.declare().await.unwrap();
    until_published(&peer, "after deleting").await;
    intake.has(&["after deleting"]).await;
    running.stop().await;
}

async fn until_published(peer: &Peer, id: &str) {
    let give_up = Instant::now() + PATIENCE;
    while let Err(error) = peer.publish(Entrance::Requests, message(id)).await {
        assert!(Instant::now() < give_up, "{error}");
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_goes_on_after_rabbitmq_is_killed() {
    let rabbit = RabbitMq::start();
    let room = Room::new(&rabbit, |_| {}).await;
    let intake = Arc::new(Recorder::default());
    let running = room.consume(&intake);
    let peer = room.peer().await;
    let sender = room.sender().await;
    let deliveries = [owed(1, BANK, Purpose::Request), owed(2, BANK, Purpose::Request)];
    assert_eq!(sender.send(group(&deliveries[..1])).await, vec![Ok(())]);
    peer.publish(Entrance::Requests, message("before")).await.unwrap();
    intake.has(&["before"]).await;

    rabbit.settle();
    rabbit.kill();
    let started = Instant::now();
    let results = sender.send(group(&deliveries)).await;
    assert!(results.iter().all(|result| matches!(result, Err(SendError::Unavailable(_)))));
    assert!(started.elapsed() < Duration::from_secs(20), "sending must not hang");

    rabbit.start_again();
    until_published(&peer, "after").await;
    intake.has(&["after"]).await;
    let give_up = Instant::now() + PATIENCE;
    while sender.send(group(&deliveries[1..])).await != vec![Ok(())] {
        assert!(Instant::now() < give_up, "the sender does not come back");
        sleep(Duration::from_millis(100)).await;
    }
    let mut inbox = peer.consume(&queue_of(&deliveries[0].to, Purpose::Request)).await.unwrap();
    let first = timeout(PATIENCE, inbox.next()).await.unwrap();
    assert_eq!(first.message_id, Some(deliveries[0].id.to_string()), "lost by the kill");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_owed_arrives_with_all_that_names_it() {
    let room = Room::new(&SHARED, |_| {}).await;
    let sender = room.sender().await;
    let peer = room.peer().await;
    let outcome = owed(1, AGENT, Purpose::Outcome { revision: 2 });
    assert_eq!(sender.send(group(std::slice::from_ref(&outcome))).await, vec![Ok(())]);
    let mut inbox = peer.consume("innfri.org.no.918190937.answers").await.unwrap();
    let got = timeout(PATIENCE, inbox.next()).await.unwrap();
    assert_eq!(got.message_type.as_deref(), Some("no.dsve.status.v1"));
    assert_eq!(got.message_id, Some(outcome.id.to_string()));
    assert_eq!(got.correlation_id, outcome.correlation_id.map(|id| id.to_string()));
    assert_eq!(got.case, outcome.case.map(|case| case.to_string()));
    assert_eq!((got.revision, got.traceparent.clone()), (Some(2), outcome.traceparent));
    assert_eq!((got.user_id.as_ref(), got.body.as_slice()), (Some(peer.user()), b"1".as_slice()));
    assert_eq!(got.ack().await, Settled::Acknowledged);
}

#[tokio::test(flavor = "multi_thread")]
async fn within_one_group_the_unroutable_are_told_from_the_sent() {
    let room = Room::new(&SHARED, |config| config.publish_window = 7).await;
    let sender = room.sender().await;
    let deliveries: Vec<Delivery> = (0..60)
        .map(|number| {
            let to = if number % 3 == 1 { "NO:903137215" } else { BANK };
            owed(number, to, Purpose::Request)
        })
        .collect();
    for _ in 0..3 {
        let results = sender.send(group(&deliveries)).await;
        for (number, result) in results.iter().enumerate() {
            if number % 3 == 1 {
                assert!(matches!(result, Err(SendError::Unroutable(_))), "{number}: {result:?}");
            } else {
                assert_eq!(result, &Ok(()), "{number}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_sent_at_the_same_time() {
    let room = Room::new(&SHARED, |_| {}).await;
    let sender = Arc::new(room.sender().await);
    let mut tasks = JoinSet::new();
    for task in 0..30 {
        let sender = Arc::clone(&sender);
        tasks.spawn(async move {
            let deliveries: Vec<Delivery> =
                (0..20).map(|number| owed(task * 100 + number, BANK, Purpose::Request)).collect();
            sender.send(group(&deliveries)).await
        });
    }
    for results in tasks.join_all().await {
        assert!(results.iter().all(Result::is_ok), "{results:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses() {
    let room = Room::new(&SHARED, |config| config.queue_max_length = 3).await;
    let sender = room.sender().await;
    let give_up = Instant::now() + PATIENCE;
    // A quorum queue lets a few more in than its limit before it refuses.
    for number in 0.. {
        let results = sender.send(group(&[owed(number, BANK, Purpose::Request)])).await;
        match &results[0] {
            Ok(()) => assert!(Instant::now() < give_up, "the queue never fills"),
            Err(SendError::Refused(_)) => break,
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_rabbitmq_gives_up_on_is_kept_with_its_history() {
    let room = Room::new(&SHARED, |config| config.delivery_limit = 1).await;
    let sender = room.sender().await;
    assert_eq!(sender.send(group(&[owed(1, BANK, Purpose::Request)])).await, vec![Ok(())]);
    let queue = "innfri.org.no.926018159.requests";
    let intake = Arc::new(Recorder::default());
    let running = room.consume(&intake);
    let peer = room.peer().await;
    let give_up = Instant::now() + PATIENCE;
    while intake.dead.lock().unwrap().is_empty() {
        assert!(Instant::now() < give_up, "never dead-lettered");
        // Taken and dropped with the connection: that counts towards the limit.
        let mut inbox = peer.consume(queue).await.unwrap();
        drop(timeout(Duration::from_secs(1), inbox.next()).await);
    }
    let dead = intake.dead.lock().unwrap()[0].clone();
    assert_eq!(dead.source, IN_DEAD);
    assert_eq!(dead.deaths.len(), 1);
    assert_eq!(
        (dead.deaths[0].reason.as_str(), dead.deaths[0].queue.as_str()),
        ("delivery_limit", queue)
    );
    assert_eq!(dead.login.as_ref(), Some(peer.user()));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topology_is_declared_again_without_harm_and_a_difference_is_named() {
    let mut room = Room::new(&SHARED, |_| {}).await;
    room.declare().await.unwrap();
    room.config.delivery_limit = 21;
    let error = room.declare().await.unwrap_err().to_string();
    assert!(error.contains(IN_REQUESTS) && error.contains("x-delivery-limit"), "{error}");
    assert!(error.contains("topology apply"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_are_told_from_a_missing_broker() {
    for (user, password, vhost) in [("nobody", "hunter2", "%2f"), ("guest", "guest", "missing")] {
        let url = Secret::new(SHARED.url_in(vhost, user, password));
        let error = Peer::connect(&url).await.err().expect("must be refused");
        assert!(matches!(error, AmqpError::Refused(_)), "{error}");
        assert!(!error.to_string().contains("hunter2"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_definitions_keep_operators_to_what_is_theirs() {
    let room = Room::new(&SHARED, |_| {}).await;
    let made = definitions(&directory(), &room.config).unwrap();
    let permissions = |user: &str| {
        let all = made["permissions"].as_array().unwrap();
        let found = all.iter().find(|permission| permission["user"] == user).unwrap();
        ["configure", "write", "read"].map(|name| found[name].as_str().unwrap().to_owned())
    };
    let agent = permissions("agent-system");
    let agent = room.user("agent", [&agent[0], &agent[1], &agent[2]]);
    let peer = Peer::connect(&agent).await.unwrap();
    peer.publish(Entrance::Requests, message("m")).await.unwrap();
    let refused = peer.publish(Entrance::Answers, message("m")).await.unwrap_err();
    assert!(matches!(refused, AmqpError::Refused(_)), "{refused}");
    assert!(peer.consume("innfri.org.no.918190937.answers").await.is_ok());
    for others in ["innfri.org.no.926018159.answers", IN_REQUESTS, IN_DEAD] {
        let refused = peer.consume(others).await.err().expect("must not be readable");
        assert!(matches!(refused, AmqpError::Refused(_)), "{others}: {refused}");
    }
    let config = AmqpConfig::new(agent);
    for exchange in [DELIVERIES, "innfri.dead", ""] {
        let connection = connection::open(&config, "test").await.unwrap();
        let channel = connection::channel(&connection, &config).await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        let published = channel
            .basic_publish(
                exchange.into(),
                "innfri.org.no.926018159.requests".into(),
                BasicPublishOptions::default(),
                b"{}",
                BasicProperties::default(),
            )
            .await;
        let confirmed = match published {
            Ok(confirm) => confirm.await,
            Err(error) => Err(error),
        };
        let error = confirmed.expect_err("must not be writable").to_string();
        assert!(error.contains("ACCESS_REFUSED"), "{exchange}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rabbitmq_takes_the_definitions() {
    let rabbit = &*SHARED;
    rabbit.add_vhost("defined");
    let url = Secret::new(rabbit.url_in("defined", "defined-innfri", "set later"));
    let config = AmqpConfig::new(url);
    let made = definitions(&directory(), &config).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), made.to_string()).unwrap();
    rabbit.ctl(&["import_definitions", file.path().to_str().unwrap()]);
    let refused = Peer::connect(&config.url).await.err().expect("no password is set yet");
    assert!(matches!(refused, AmqpError::Refused(_)), "{refused}");
    rabbit.ctl(&["change_password", "defined-innfri", "set later"]);
    // What was imported is what innfri would declare.
    let connection = connection::open(&config, "test").await.unwrap();
    let channel = connection::channel(&connection, &config).await.unwrap();
    Topology::of(&directory(), &config).declare(&channel).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_breaks_the_connection_does_not_hold_up_the_others() {
    let room = Room::new(&SHARED, |config| config.delivery_limit = 3).await;
    let intake = Arc::new(Recorder::default());
    let (port, vhost) = (room.rabbit.port(), room.vhost.clone());
    let user = format!("innfri-{vhost}");
    let publish = move || raw::publish_type_that_is_no_text(port, &vhost, &user, "secret");
    tokio::task::spawn_blocking(publish).await.unwrap();
    let peer = room.peer().await;
    let ids: Vec<String> = (0..20).map(|number| format!("m{number}")).collect();
    for id in &ids {
        peer.publish(Entrance::Requests, message(id)).await.unwrap();
    }
    let running = room.consume(&intake);
    intake.has(&ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    // It cannot be taken in as a dead letter either: it ends where only people look.
    let connection = connection::open(&room.config, "test").await.unwrap();
    let channel = connection::channel(&connection, &room.config).await.unwrap();
    let begun = Instant::now();
    while topology::unreadable(&channel).await.unwrap() == 0 {
        assert!(begun.elapsed() < Duration::from_secs(120), "it holds up the dead letters");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    running.stop().await;
    assert!(intake.dead.lock().unwrap().is_empty(), "its neighbours were counted too");
}

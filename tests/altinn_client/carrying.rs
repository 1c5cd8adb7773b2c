//! A file's way through the stand-in, there and taken, with answers lost on the way.

use innfri::altinn_simulator::{FaultSettings, Route, Unavailable};
use innfri::channel::altinn::{
    AltinnError, Content, ListFilter, RecipientStatus, Role, Sending, TransferStatus, Transfers,
    receive,
};
use innfri::port::{Clock as _, SystemClock};

use crate::world::{AGENT, BANK, Shelf, World, eventually, organisation, parcel, simulated};

const MOST: usize = 1000;

const WAITING: ListFilter = ListFilter {
    role: Role::Recipient,
    status: Some(TransferStatus::Published),
    recipient_status: Some(RecipientStatus::Initialized),
    since: None,
};

fn again() -> Sending {
    Sending::again(SystemClock.now())
}

#[tokio::test]
async fn a_file_is_sent_received_kept_and_confirmed() {
    let world = World::plain().await;
    let (agent, bank) = (world.acting(AGENT), world.acting(BANK));
    let id = world.file(&agent, "reference-1", b"a question").await;
    let overview = bank.overview(id).await.unwrap();
    assert_eq!(overview.status_for(&organisation(BANK)), Some(RecipientStatus::Initialized));
    assert!(overview.sender.is(&organisation(AGENT)) && overview.created.is_some());
    let shelf = Shelf::default();
    let walk = receive(&bank, &shelf, MOST).await;
    assert_eq!((walk.confirmed.as_slice(), &walk.ended), ([id].as_slice(), &None));
    let kept = shelf.0.lock().unwrap().remove(&id).unwrap();
    assert_eq!(kept.content, Content::Bytes(b"a question".to_vec()));
    assert_eq!(kept.properties["messageType"], "Restgjeldsforespoersel");
    assert_eq!((kept.reference.as_str(), kept.receiver), ("reference-1", organisation(BANK)));
    assert!(kept.sender.is(&organisation(AGENT)) && kept.sent_at.is_some());
    let history = agent.details(id).await.unwrap().history;
    let last = history.last().map(|past| past.status);
    assert_eq!(last, Some(TransferStatus::AllConfirmedDownloaded));
    assert!(receive(&bank, &shelf, MOST).await.confirmed.is_empty());
}

#[tokio::test]
async fn with_each_answer_lost_a_file_is_published_once() {
    let routes = [Route::Initialise, Route::Upload, Route::Overview, Route::List, Route::Token];
    for (number, route) in routes.into_iter().enumerate() {
        for remembers in [true, false] {
            let world = World::plain().await;
            let agent = world.acting(AGENT);
            let parcel = parcel(&format!("reference-{number}"), b"zip");
            world.lose([(route, 1), (Route::Upload, 1)]);
            let mut sending = Sending::new();
            let mut attempts = 0;
            let sent = loop {
                attempts += 1;
                assert!(attempts < 10, "{route:?}");
                match world.send(&agent, &mut sending, &parcel).await {
                    Ok(id) => break id,
                    Err(error) => assert!(error.is_passing(), "{route:?}: {error}"),
                }
                if !remembers {
                    sending = again();
                }
            };
            assert!(attempts > 1, "{route:?}: the upload's answer was lost");
            world.lose([(route, 0)]);
            let told = world.send(&agent, &mut again(), &parcel).await;
            assert_eq!(told, Ok(sent), "{route:?}: sent before the crash");
            assert_eq!((world.published(), world.transfers().len()), (1, 1), "{route:?}");
        }
    }
}

#[tokio::test]
async fn a_list_that_lags_behind_makes_no_second_file() {
    let world = World::plain().await;
    let agent = world.acting(AGENT);
    let listing_delay_millis = Some(800);
    world.running.switch(FaultSettings { listing_delay_millis, ..FaultSettings::default() });
    world.lose([(Route::Initialise, 1)]);
    let parcel = parcel("reference", b"zip");
    assert!(world.send(&agent, &mut Sending::new(), &parcel).await.is_err());
    let mut settings = world.settings();
    settings.list_lag_seconds = 1;
    let patience = innfri::channel::altinn::Patience::of(&settings);
    for _ in 0..2 {
        innfri::channel::altinn::send(&agent, &SystemClock, &mut again(), &parcel, &patience)
            .await
            .unwrap();
    }
    assert_eq!((world.published(), world.transfers().len()), (1, 1));
}

#[tokio::test]
async fn a_file_with_malware_is_refused_and_a_failed_upload_is_made_anew() {
    let world = World::plain().await;
    let agent = world.acting(AGENT);
    world.running.switch(FaultSettings { failed_scans: Some(1), ..FaultSettings::default() });
    let sent = world.send(&agent, &mut Sending::new(), &parcel("bad", b"zip")).await;
    assert!(matches!(&sent, Err(AltinnError::Refused(why)) if why.contains("Malware")), "{sent:?}");
    world.running.switch(FaultSettings { failed_uploads: Some(1), ..FaultSettings::default() });
    let (mut sending, parcel) = (Sending::new(), parcel("good", b"zip"));
    let mut sent = world.send(&agent, &mut sending, &parcel).await;
    for _ in 0..3 {
        if sent.is_err() {
            sent = world.send(&agent, &mut sending, &parcel).await;
        }
    }
    assert!(sent.is_ok() && world.published() == 1, "{sent:?}");
}

#[tokio::test]
async fn a_slow_scan_is_followed_through_altinns_pauses() {
    let world = World::of(simulated().with_scan_millis(400)).await;
    let fault = Unavailable { times: 2, retry_after: Some(0), code: Some(30) };
    let unavailable = [(Route::Overview, fault)].into_iter().collect();
    world.running.switch(FaultSettings { unavailable, ..FaultSettings::default() });
    world.file(&world.acting(AGENT), "slow", b"zip").await;
    // Two that were put off and one that saw the end; more where the scan was not over by then.
    assert!(world.calls(Route::Overview) >= 3 && world.published() == 1);
}

#[tokio::test]
async fn more_than_two_pages_are_listed_whole_though_each_stands_twice() {
    let world = World::of(simulated().with_scan_millis(0)).await;
    let agent = world.acting(AGENT);
    for number in 0..230 {
        let parcel = parcel(&format!("reference-{number}"), b"zip");
        let id = agent.initialise(&parcel).await.unwrap();
        agent.upload(id, &parcel).await.unwrap();
    }
    eventually("all are published", || world.published() == 230).await;
    let bank = world.acting(BANK);
    let duplicate_listing = Some(true);
    world.running.switch(FaultSettings { duplicate_listing, ..FaultSettings::default() });
    let listing = bank.list(&WAITING).await.unwrap();
    assert_eq!((listing.ids.len(), listing.complete), (230, true));
    let before = world.calls(Route::List);
    assert!(before < 60, "{before} calls");
    let own = ListFilter { role: Role::Sender, status: None, recipient_status: None, since: None };
    assert_eq!(agent.list(&own).await.unwrap().ids.len(), 230);
    let later = SystemClock.now() + jiff::SignedDuration::from_secs(3600);
    let none = ListFilter { since: Some(later), ..own };
    assert_eq!(agent.list(&none).await.unwrap().ids, []);
    let shelf = Shelf::default();
    let walk = receive(&bank, &shelf, MOST).await;
    assert_eq!((walk.confirmed.len(), shelf.0.lock().unwrap().len()), (230, 230));
}

#[tokio::test]
async fn with_each_answer_lost_a_file_is_kept_and_then_confirmed() {
    for route in [Route::List, Route::Overview, Route::Download, Route::Confirm] {
        let world = World::plain().await;
        let id = world.file(&world.acting(AGENT), "reference", b"zip").await;
        let (bank, shelf) = (world.acting(BANK), Shelf::default());
        let refuse_repeated_confirm = Some(true);
        world.running.switch(FaultSettings { refuse_repeated_confirm, ..FaultSettings::default() });
        world.lose([(route, 1)]);
        for _ in 0..2 {
            receive(&bank, &shelf, MOST).await;
        }
        let shelf = shelf.0.lock().unwrap();
        assert_eq!(shelf.keys().collect::<Vec<_>>(), [&id], "{route:?}");
        let status = world.transfers()[0]["fileTransferStatus"].clone();
        assert_eq!(status, "AllConfirmedDownloaded", "{route:?}");
    }
}

#[tokio::test]
async fn a_file_that_is_too_large_is_told_of_and_leaves_the_list() {
    let world = World::plain().await;
    let id = world.file(&world.acting(AGENT), "large", &[b'a'; 1001]).await;
    let (bank, shelf) = (world.acting(BANK), Shelf::default());
    assert_eq!(bank.download(id, MOST).await, Err(AltinnError::TooLarge));
    assert_eq!(receive(&bank, &shelf, MOST).await.confirmed, [id]);
    assert_eq!(shelf.0.lock().unwrap()[&id].content, Content::TooLarge(Some(1001)));
    let mut config = simulated();
    config.resources[0].largest_file = Some(10);
    let world = World::of(config).await;
    let agent = world.acting(AGENT);
    let sent = world.send(&agent, &mut Sending::new(), &parcel("large", &[b'a'; 11])).await;
    assert_eq!(sent, Err(AltinnError::TooLarge));
}

#[tokio::test]
async fn calls_that_make_no_sense_are_refused_by_name() {
    let world = World::plain().await;
    let (agent, bank) = (world.acting(AGENT), world.acting(BANK));
    let unknown = "0b1d1d7e-5c1f-4a6e-9d0b-3f6a1e2c4b5d".parse().unwrap();
    assert_eq!(bank.overview(unknown).await, Err(AltinnError::NotFound));
    let parcel = parcel("reference", b"zip");
    let id = world.file(&agent, "reference", b"zip").await;
    assert_eq!(agent.upload(id, &parcel).await, Err(AltinnError::AlreadyUploaded));
    assert!(matches!(bank.confirm(id).await, Err(AltinnError::Refused(_))), "not yet downloaded");
    let id = agent.initialise(&parcel).await.unwrap();
    let other = crate::world::parcel("reference", b"other bytes");
    assert_eq!(agent.upload(id, &other).await, Err(AltinnError::ChecksumMismatch));
}

//! The events that the stand-in posts, as Altinn does, and innfri's reader of them.

use std::sync::{Arc, Mutex};

use innfri::altinn_simulator::Subscription;
use innfri::channel::altinn::events::router;
use innfri::kernel::{OrganisationId, Secret};

use crate::world::{AGENT, BANK, World, eventually, organisation, simulated};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

#[tokio::test]
async fn a_published_file_makes_innfri_look_for_its_receiver_alone() {
    let looks: Arc<Mutex<Vec<Option<OrganisationId>>>> = Arc::default();
    let noted = Arc::clone(&looks);
    let wake = move |who| noted.lock().unwrap().push(who);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let events = router(Secret::new(SECRET), Arc::new(wake));
    let mut serving = tokio::task::JoinSet::new();
    serving.spawn(async move { axum::serve(listener, events).await });

    let subscribed = |secret: &str| Subscription {
        to: format!("http://{at}/altinn/events/{secret}").parse().unwrap(),
        organisations: Vec::new(),
    };
    let mut config = simulated();
    config.subscriptions = vec![subscribed("somebody-who-does-not-know-it"), subscribed(SECRET)];
    let world = World::of(config).await;
    let seen = || looks.lock().unwrap().clone();
    let agent = world.acting(AGENT);
    for (count, reference) in [(1, "one"), (2, "two")] {
        world.file(&agent, reference, b"zip").await;
        eventually("a look", || seen().len() == count).await;
    }
    // Of all the events of two files (made, uploaded, published, each for its parties), these alone.
    assert_eq!(seen(), [Some(organisation(BANK)), Some(organisation(BANK))]);
}

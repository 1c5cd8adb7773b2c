//! Tokens are fetched once, kept, and fetched anew when they count no longer.

use std::sync::Arc;
use std::time::Duration;

use innfri::altinn_simulator::{FaultSettings, Route, Unavailable};
use innfri::channel::altinn::{AltinnError, ListFilter, Listing, Missing, Role, Transfers};
use tokio::task::JoinSet;

use crate::world::{AGENT, BANK, OTHER, World, organisation, simulated};

const ALL: ListFilter =
    ListFilter { role: Role::Recipient, status: None, recipient_status: None, since: None };

async fn list(transfers: &dyn Transfers) -> Result<Listing, AltinnError> {
    transfers.list(&ALL).await
}

#[tokio::test]
async fn all_who_wait_for_a_token_share_one() {
    let world = World::plain().await;
    let client = world.client();
    let bank = Arc::new(client.acting_for(&organisation(BANK)));
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let bank = Arc::clone(&bank);
        tasks.spawn(async move { list(&*bank).await.map(|listing| listing.ids.len()) });
    }
    for found in tasks.join_all().await {
        assert_eq!(found, Ok(0));
    }
    assert_eq!((world.calls(Route::Token), world.calls(Route::Exchange)), (1, 1));
    list(&client.acting_for(&organisation(AGENT))).await.unwrap();
    assert_eq!(world.calls(Route::Token), 2, "each organisation has its own");
}

#[tokio::test]
async fn a_token_that_counts_no_longer_is_fetched_anew_once() {
    let world = World::plain().await;
    let bank = world.acting(BANK);
    list(&bank).await.unwrap();
    for round in 2..4 {
        world.running.switch(FaultSettings { expire_tokens: true, ..FaultSettings::default() });
        list(&bank).await.unwrap();
        assert_eq!((world.calls(Route::Token), world.calls(Route::Exchange)), (round, round));
    }
}

#[tokio::test]
async fn a_token_of_altinn_that_ran_out_is_exchanged_again_for_the_one_that_is_kept() {
    let mut config = simulated();
    config.altinn_token_seconds = 1;
    config.faults.quoted_token = Some(true);
    let world = World::of(config).await;
    let bank = world.acting(BANK);
    list(&bank).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    list(&bank).await.unwrap();
    assert_eq!(world.calls(Route::Exchange), 2);
}

#[tokio::test]
async fn an_endpoint_that_is_away_is_tried_again_when_it_asks_for_that() {
    let world = World::plain().await;
    for route in [Route::Token, Route::Exchange, Route::List] {
        let bank = world.acting(BANK);
        let fault = Unavailable { times: 1, retry_after: Some(17), code: None };
        let unavailable = [(route, fault)].into_iter().collect();
        world.running.switch(FaultSettings { unavailable, ..FaultSettings::default() });
        let error = list(&bank).await.unwrap_err();
        assert_eq!(error.asked_wait(), Some(Duration::from_secs(17)), "{route:?}: {error}");
        list(&bank).await.unwrap();
    }
    world.lose([(Route::List, 1)]);
    let error = list(&world.acting(BANK)).await.unwrap_err();
    assert!(error.is_passing() && error.asked_wait().is_none(), "{error}");
    assert!(!error.to_string().contains("127.0.0.1"), "no address: {error}");
}

#[tokio::test]
async fn an_organisation_that_is_not_set_up_is_not_acted_for() {
    let world = World::plain().await;
    let error = list(&world.acting(OTHER)).await.unwrap_err();
    assert!(matches!(&error, AltinnError::OperatorFault(fault)
        if fault.missing == Missing::SystemUser && fault.text.contains("altinn.organisations")));
    assert_eq!(world.calls(Route::Token), 0);
}

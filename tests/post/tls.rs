//! Who is trusted, and where to: certificates both ways, and addresses inside.

use crate::certificates::Authority;
use crate::server::Server;
use crate::world::{World, back_end, folder, hurried, webhook};

const PATH: &str = "/innfri";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_back_end_and_innfri_show_each_other_certificates() {
    let (banks, ours) = (Authority::new(), Authority::new());
    let server = Server::tls(banks.server(Some(&ours))).await;
    let folder = folder();
    banks.write(&folder.path().join("ca.pem"));
    ours.write_client(&folder.path().join("identity.pem"));
    let url = server.named_url(PATH);
    let ca = ", ca_file = \"ca.pem\"";
    let way = back_end(&url, ca, "identity_file = \"identity.pem\"");
    let world = World::new(folder, &way, hurried()).await;
    let case = world.ask(1).await;
    world.delivered(case).await;

    world.reload(&back_end(&url, ca, "")).unwrap();
    let case = world.ask(2).await;
    let error = world.failed(case, 1).await.last_error.unwrap();
    assert!(error.starts_with("unreachable: "), "innfri shows none: {error}");

    Authority::new().write_client(&world.folder.path().join("identity.pem"));
    world.reload(&way).unwrap();
    let case = world.ask(3).await;
    let error = world.failed(case, 1).await.last_error.unwrap();
    assert!(error.starts_with("unreachable: "), "innfri shows a stranger's: {error}");
    assert_eq!(server.seen_at(PATH).len(), 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_nobody_vouches_for_gets_nothing() {
    let (banks, strangers) = (Authority::new(), Authority::new());
    let server = Server::tls(strangers.server(None)).await;
    let folder = folder();
    banks.write(&folder.path().join("ca.pem"));
    let ca = ", ca_file = \"ca.pem\"";
    let world = World::new(folder, &webhook(&server.url(PATH), ca), hurried()).await;
    for (number, way) in [(1, ca), (2, "")] {
        world.reload(&webhook(&server.url(PATH), way)).unwrap();
        let case = world.ask(number).await;
        let error = world.failed(case, 1).await.last_error.unwrap();
        assert!(error.starts_with("unreachable: ") && error.contains("certificate"), "{error}");
        assert!(!error.contains(PATH), "an address may hold a secret: {error}");
    }
    assert_eq!(server.seen_at(PATH).len(), 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_leads_inwards_is_refused_when_the_connection_is_made() {
    let authority = Authority::new();
    let server = Server::tls(authority.server(None)).await;
    let folder = folder();
    authority.write(&folder.path().join("ca.pem"));
    let allowed = webhook(&server.named_url(PATH), ", ca_file = \"ca.pem\"");
    let refused = allowed.replace("allow_private_addresses = true", "timeout_seconds = 30");
    let world = World::new(folder, &refused, hurried()).await;
    let case = world.ask(1).await;
    let error = world.failed(case, 1).await.last_error.unwrap();
    assert!(error.contains("allow_private_addresses"), "{error}");
    assert_eq!(server.seen_at(PATH).len(), 0);

    world.reload(&allowed).unwrap();
    world.turn(3);
    world.delivered(case).await;
    world.end().await;
}

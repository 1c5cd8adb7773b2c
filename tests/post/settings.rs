//! Settings that cannot be right are told when they are read, with whom they are about, and what was in
//! use stays in use.

use std::path::Path;

use innfri::directory::Handler;
use innfri::telemetry::chain::Chain;

use crate::messages::BANK;
use crate::server::Server;
use crate::world::{SECRET, World, back_end, folder, hurried, webhook};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_used_is_named_and_the_way_in_use_stays() {
    let server = Server::plain().await;
    let good = webhook(&server.url("/hook"), "");
    let world = World::new(folder(), &good, hurried()).await;
    std::fs::write(world.folder.path().join("broken"), SECRET.replace("whsec_", "")).unwrap();
    let token = "token = { token_url = \"http://93.184.215.14/t\", client_id = \"innfri\", \
                 client_secret_file = \"client_secret\" }";
    let unreadable = token.replace("http:", "https:").replace("client_secret\"", "nothing\"");
    let url = server.url("/innfri");
    let wrong = [
        (good.replace("allow_private_addresses = true", ""), "allow_private_addresses"),
        (webhook("https://10.1.2.3/x", "").replace(" = true", " = false"), "private"),
        (webhook("http://bank.example/x", "").replace(" = true", " = false"), "https"),
        (webhook("https://u:hunter2@bank.example/x", ""), "user and password"),
        (good.replace("[\"secret\"]", "[]"), "secret_files"),
        (good.replace("[\"secret\"]", "[\"none\"]"), "permissions"),
        (good.replace("[\"secret\"]", "[\"broken\"]"), "whsec_"),
        (webhook(&url, ", ca_file = \"secret\""), "certificates"),
        (back_end(&url, "", "identity_file = \"secret\""), "private key"),
        (back_end(&url, "", token), "token_url"),
        (back_end(&url, "", &unreadable), "permissions"),
    ];
    for (way, part) in wrong {
        let error = world.reload(&way).unwrap_err();
        let told = format!("{} {error:?}", Chain(&error));
        assert!(told.contains(BANK) && told.contains(part), "{part}: {told}");
        assert!(!told.contains("MfKQ") && !told.contains("hunter2"), "{told}");
    }
    let case = world.ask(1).await;
    world.delivered(case).await;
    world.end().await;
}

#[test]
fn the_example_is_read_as_it_stands() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/http/directory.toml");
    let directory = innfri::source::file::load(&path).unwrap();
    let handlers: Vec<_> = directory.participants().map(|one| &one.handler).collect();
    assert!(matches!(handlers.as_slice(), [Handler::Http(_), Handler::Webhook(_)]), "{handlers:?}");
}

//! Settings that cannot be used are named before anything is sent.

use innfri::altinn_simulator::NewKey;
use innfri::channel::altinn::{AltinnConfig, SetupError};

use crate::world::World;

async fn refused(change: impl FnOnce(&World, &mut AltinnConfig)) -> String {
    let world = World::plain().await;
    let told = match world.client_with(|settings| change(&world, settings)) {
        Err(error) => error.to_string(),
        Ok(_) => "opened".to_owned(),
    };
    assert!(world.calls(innfri::altinn_simulator::Route::Token) == 0, "nothing was sent");
    told
}

#[tokio::test]
async fn an_address_that_leads_inwards_is_refused_unless_allowed() {
    let told = refused(|_, settings| settings.allow_private_addresses = false).await;
    assert!(told.contains("altinn.") && told.contains("https"), "{told}");
    let told =
        refused(|_, settings| settings.platform_url = "https://169.254.169.254".into()).await;
    assert!(told.contains("altinn.platform_url"), "{told}");
}

#[tokio::test]
async fn a_key_that_cannot_sign_is_named_with_what_to_do() {
    let write = |name: &'static str, bytes: Vec<u8>| {
        move |world: &World, settings: &mut AltinnConfig| {
            settings.maskinporten.key_file = world.path(name);
            std::fs::write(world.path(name), bytes).unwrap();
        }
    };
    let told = refused(write("key.p12", vec![0x30, 0x82, 1, 2])).await;
    assert!(told.contains("openssl pkcs12") && told.contains("key.p12"), "{told}");
    let public = NewKey::generate().unwrap().public_pem().as_bytes().to_vec();
    assert!(refused(write("public.pem", public)).await.contains("BEGIN PRIVATE KEY"));
    assert!(refused(write("text.pem", b"secret words".to_vec())).await.contains("RSA"));
    let elliptic = rcgen::KeyPair::generate().unwrap().serialize_pem().into_bytes();
    assert!(refused(write("ec.pem", elliptic)).await.contains("RSA"));
    let told = refused(|world, settings| settings.maskinporten.key_file = world.path("none")).await;
    assert!(told.contains("cannot read"), "{told}");
}

#[tokio::test]
async fn a_setting_that_cannot_be_used_is_named() {
    let world = World::plain().await;
    let error = world.client_with(|settings| settings.most_bytes = 0).err().unwrap();
    assert!(matches!(error, SetupError::Setting { name: "altinn.most_bytes", .. }), "{error}");
}

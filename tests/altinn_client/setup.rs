//! Settings that cannot be used are named before anything is sent.

use base64::Engine as _;
use innfri::altinn_simulator::{NewKey, Route};
use innfri::channel::altinn::{AltinnConfig, SetupError};
use p12_keystore::{Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, PrivateKeyChain};

use crate::world::{AGENT, KEY, World, organisation};

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
    assert!(told.contains("key_password_file") && told.contains("key.p12"), "{told}");
    let public = NewKey::generate().unwrap().public_pem().as_bytes().to_vec();
    assert!(refused(write("public.pem", public)).await.contains("BEGIN PRIVATE KEY"));
    assert!(refused(write("text.pem", b"secret words".to_vec())).await.contains("RSA"));
    let elliptic = rcgen::KeyPair::generate().unwrap().serialize_pem().into_bytes();
    assert!(refused(write("ec.pem", elliptic)).await.contains("RSA"));
    let told = refused(|world, settings| settings.maskinporten.key_file = world.path("none")).await;
    assert!(told.contains("cannot read"), "{told}");
}

/// innfri's key in a PKCS#12 file.
fn pkcs12(password: &str, algorithm: EncryptionAlgorithm) -> Vec<u8> {
    let world = tempfile::tempdir().unwrap();
    KEY.write_private(&world.path().join("key.pem")).unwrap();
    let pem = std::fs::read_to_string(world.path().join("key.pem")).unwrap();
    let text: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(text).unwrap();
    let mut store = KeyStore::new();
    // Only its place in the file counts: whose certificate it is, nobody asks.
    let certificate = rcgen::generate_simple_self_signed(["innfri".to_owned()]).unwrap();
    let certificate = Certificate::from_der(certificate.cert.der()).unwrap();
    let chain = PrivateKeyChain::new(der, [1_u8], [certificate]);
    store.add_entry("innfri", KeyStoreEntry::PrivateKeyChain(chain));
    store.writer(password).encryption_algorithm(algorithm).write().unwrap()
}

#[rstest::rstest]
#[case::of_today(EncryptionAlgorithm::PbeWithHmacSha256AndAes256)]
#[case::as_authorities_still_send_them(EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc)]
#[tokio::test]
async fn a_key_may_come_in_pkcs12_with_its_password_in_a_file(#[case] how: EncryptionAlgorithm) {
    let world = World::plain().await;
    let (file, password) = (world.path("key.p12"), world.path("password"));
    std::fs::write(&file, pkcs12("hemmelig", how)).unwrap();
    let open = |word: &str| {
        std::fs::write(&password, format!("{word}\n")).unwrap();
        world.client_with(|settings| {
            settings.maskinporten.key_file = file.clone();
            settings.maskinporten.key_password_file = Some(password.clone());
        })
    };
    let error = open("feil").err().unwrap().to_string();
    assert!(error.contains("key_password_file") && !error.contains("feil"), "{error}");
    let acting = open("hemmelig").unwrap().acting_for(&organisation(AGENT));
    acting.sign_in().await.unwrap();
    assert_eq!(world.calls(Route::Token), 1);
}

#[tokio::test]
async fn a_setting_that_cannot_be_used_is_named() {
    let world = World::plain().await;
    let error = world.client_with(|settings| settings.most_bytes = 0).err().unwrap();
    assert!(matches!(error, SetupError::Setting { name: "altinn.most_bytes", .. }), "{error}");
}

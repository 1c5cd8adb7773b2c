//! What an operator is told when something is missing: which right, scope or resource, and where to get it.

use innfri::altinn_simulator::{ClientConfig, Config, NewKey, ResourceConfig, Route};
use innfri::channel::altinn::{AltinnConfig, AltinnError, Missing, Sending, check_access};

use crate::world::{AGENT, BANK, KEY, OTHER, RESOURCE, World, organisation, parcel, simulated};

async fn missing(config: Config, change: impl FnOnce(&mut AltinnConfig)) -> (Missing, String) {
    let world = World::of(config).await;
    let client = world.client_with(|settings| {
        settings.organisations = vec![organisation(BANK)];
        change(settings);
    });
    let lines = check_access(&client.unwrap()).await;
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    let Err(AltinnError::OperatorFault(fault)) = &line.found else { panic!("{line}") };
    assert!(!line.is_good() && line.to_string().starts_with("NO:926018159: "), "{line}");
    (fault.missing, fault.text.clone())
}

fn with_resource(change: impl FnOnce(&mut ResourceConfig)) -> Config {
    let mut config = simulated();
    change(&mut config.resources[0]);
    config
}

fn with_client(change: impl FnOnce(&mut ClientConfig)) -> Config {
    let mut config = simulated();
    change(&mut config.clients[0]);
    config
}

#[tokio::test]
async fn each_organisation_that_has_access_is_told_with_what_waits() {
    let world = World::plain().await;
    world.file(&world.acting(AGENT), "one", b"zip").await;
    let lines = check_access(&world.client()).await;
    let told: Vec<String> = lines.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "NO:910753614: access to Altinn, 0 files waiting",
            "NO:926018159: access to Altinn, 1 files waiting"
        ]
    );
    assert_eq!(world.calls(Route::Download), 0, "nothing is changed");
}

#[tokio::test]
async fn a_missing_resource_is_named() {
    let (what, text) =
        missing(simulated(), |settings| settings.resource_id = "kv_dsve".into()).await;
    assert_eq!(what, Missing::Resource);
    assert!(text.contains("`kv_dsve`") && text.contains("BRO-00005"), "{text}");
}

#[tokio::test]
async fn a_missing_right_is_named() {
    let config = with_resource(|resource| resource.rights = Some(vec![organisation(AGENT)]));
    let (what, text) = missing(config, |_| {}).await;
    assert_eq!(what, Missing::Right);
    assert!(text.contains(BANK) && text.contains(RESOURCE) && text.contains("vendor"), "{text}");
}

#[tokio::test]
async fn a_missing_system_user_is_named() {
    let config = with_client(|client| client.system_users = vec![organisation(AGENT)]);
    let (what, text) = missing(config, |_| {}).await;
    assert_eq!(what, Missing::SystemUser);
    assert!(text.contains(BANK) && text.contains("MP-303"), "{text}");
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    let config = with_client(|client| client.scopes = vec!["altinn:broker.read".into()]);
    let (what, text) = missing(config, |_| {}).await;
    assert_eq!(what, Missing::Scope);
    assert!(text.contains("altinn:broker.write"), "{text}");
}

#[tokio::test]
async fn an_unknown_client_key_or_issuer_is_named() {
    let (what, text) =
        missing(simulated(), |settings| settings.maskinporten.client_id = "stranger".into()).await;
    assert_eq!(what, Missing::Client);
    assert!(text.contains("stranger"), "{text}");
    let (what, text) =
        missing(simulated(), |settings| settings.maskinporten.key_id = "key-2".into()).await;
    assert_eq!(what, Missing::Client);
    assert!(text.contains("altinn.maskinporten.key_id"), "{text}");
    let other = NewKey::generate().unwrap();
    let config = with_client(|client| client.public_key = Some(other.public_pem().into()));
    let (what, text) = missing(config, |_| {}).await;
    assert!(what == Missing::Client && text.contains("signature"), "{text}");
    assert!(!text.contains("PRIVATE") && !text.contains(KEY.private_pem()));
    let (what, _) = missing(simulated(), |settings| {
        settings.maskinporten.token_url = Some(format!("{}/token", settings.maskinporten.issuer));
        settings.maskinporten.issuer = "https://elsewhere.example".into();
    })
    .await;
    assert_eq!(what, Missing::Client);
}

#[tokio::test]
async fn a_wrong_address_is_named() {
    let (what, text) = missing(simulated(), |settings| {
        settings.maskinporten.token_url = Some(format!("{}/nothing", settings.maskinporten.issuer));
    })
    .await;
    assert!(what == Missing::Address && text.contains("token_url"), "{text}");
    let (what, text) = missing(simulated(), |settings| {
        settings.platform_url = format!("{}simulator/nothing", settings.platform_url);
    })
    .await;
    assert!(what == Missing::Address && text.contains("altinn.platform_url"), "{text}");
}

#[tokio::test]
async fn what_only_sending_shows_is_named_then() {
    let refusal = |config: Config| async {
        let world = World::of(config).await;
        let agent = world.acting(AGENT);
        let sent = world.send(&agent, &mut Sending::new(), &parcel("one", b"zip")).await;
        assert!(world.transfers().is_empty());
        match sent {
            Err(AltinnError::OperatorFault(fault)) => fault,
            other => panic!("{other:?}"),
        }
    };
    let fault =
        refusal(with_resource(|one| one.access_list = Some(vec![organisation(AGENT)]))).await;
    assert_eq!(fault.missing, Missing::Receiver, "{fault}");
    let fault = refusal(with_resource(|one| one.required_party = Some(organisation(OTHER)))).await;
    assert_eq!(fault.missing, Missing::Right, "{fault}");
    let fault = refusal(with_resource(|one| one.owner_configured = false)).await;
    assert!(fault.missing == Missing::Resource && fault.text.contains("BRO-00002"), "{fault}");
}

//! Signing in: what Maskinporten takes, and everything it refuses.

use innfri::altinn_simulator::{ClientConfig, Config, NewKey, ResourceConfig, start};
use jsonwebtoken::{Algorithm, Header};
use reqwest::Response;
use rstest::rstest;
use serde_json::{Value, json};

use crate::caller::{
    AGENT, Altinn, BANK, BOTH, KEY, OTHER, RESOURCE, config, header, now, organisation, refused,
};

#[tokio::test]
async fn a_right_assertion_gets_a_token_that_is_exchanged_and_counts() {
    let altinn = Altinn::plain().await;
    let answer = altinn.token(&header(), &altinn.claims(AGENT, BOTH), &KEY).await;
    assert_eq!(answer.status(), 200);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(
        (answer["token_type"].as_str(), answer["scope"].as_str()),
        (Some("Bearer"), Some(BOTH))
    );
    assert_eq!(answer["expires_in"], 120);
    let first = answer["access_token"].as_str().unwrap();
    let exchanged = altinn.exchange(first).await;
    assert_eq!(exchanged.status(), 200);
    let second = exchanged.text().await.unwrap();
    assert!(second != first && !second.contains('"'));
    let url =
        format!("{}/broker/api/v1/filetransfer?resourceId={RESOURCE}", altinn.running.base_url());
    for (token, status) in [(second.as_str(), 200), (first, 401), ("nonsense", 401)] {
        let answer = altinn.client.get(&url).bearer_auth(token).send().await.unwrap();
        assert_eq!(answer.status(), status, "{token}");
        assert_eq!(answer.headers().contains_key("www-authenticate"), status == 401);
    }
    assert_eq!(altinn.client.get(&url).send().await.unwrap().status(), 401);
    assert_eq!(altinn.exchange(&second).await.status(), 401);
}

#[tokio::test]
async fn the_issuer_tells_where_its_tokens_are() {
    let altinn = Altinn::plain().await;
    let url = format!("{}.well-known/oauth-authorization-server", altinn.running.issuer());
    let told: Value = altinn.client.get(url).send().await.unwrap().json().await.unwrap();
    assert_eq!(told["issuer"], altinn.running.issuer());
    assert_eq!(told["token_endpoint"], format!("{}token", altinn.running.issuer()));
}

async fn error(answer: Response) -> (u16, String, String) {
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    (status, text("error"), text("error_description"))
}

#[rstest]
#[case::unknown_client("/iss", json!("nobody"), 401, "invalid_client", "iss")]
#[case::no_client("/iss", Value::Null, 401, "invalid_client", "iss")]
#[case::audience_without_slash("/aud", json!("http://127.0.0.1/maskinporten"), 400, "invalid_grant", "aud")]
#[case::two_audiences("/aud", json!(["a", "b"]), 400, "invalid_grant", "aud")]
#[case::no_audience("/aud", Value::Null, 400, "invalid_grant", "aud")]
#[case::no_issue_time("/iat", Value::Null, 400, "invalid_grant", "iat")]
#[case::lives_too_long("/exp", json!(now() + 121), 400, "invalid_grant", "120 seconds")]
#[case::ends_before_it_begins("/exp", json!(now() - 300), 400, "invalid_grant", "seconds after")]
#[case::no_jti("/jti", Value::Null, 400, "invalid_grant", "jti")]
#[case::another_scope("/scope", json!("altinn:broker.admin"), 400, "invalid_scope", "broker.admin")]
#[case::no_scope("/scope", Value::Null, 400, "invalid_scope", "scope")]
#[case::no_detail("/authorization_details", json!([]), 400, "invalid_authorization_details", "list")]
#[case::wrong_type("/authorization_details/0/type", json!("a"), 400, "invalid_authorization_details", "type")]
#[case::wrong_authority("/authorization_details/0/systemuser_org/authority", json!("a"), 400,
    "invalid_authorization_details", "authority")]
#[case::bare_number("/authorization_details/0/systemuser_org/ID", json!("910753614"), 400,
    "invalid_authorization_details", "ID")]
#[case::no_system_user("/authorization_details/0/systemuser_org/ID", json!("0192:811176702"), 400,
    "invalid_altinn_customer_configuration", "system user")]
#[tokio::test]
async fn an_assertion_with_a_wrong_claim_is_refused(
    #[case] claim: &str,
    #[case] value: Value,
    #[case] status: u16,
    #[case] code: &str,
    #[case] says: &str,
) {
    let altinn = Altinn::plain().await;
    let mut claims = altinn.claims(AGENT, BOTH);
    *claims.pointer_mut(claim).unwrap() = value;
    let (got, error, description) = error(altinn.token(&header(), &claims, &KEY).await).await;
    assert_eq!((got, error.as_str()), (status, code), "{description}");
    assert!(description.contains(says), "{description}");
}

#[tokio::test]
async fn an_assertion_that_is_over_or_not_yet_begun_is_refused() {
    let altinn = Altinn::plain().await;
    for (issued, end, says) in
        [(now() - 100, now() - 1, "expired"), (now() + 60, now() + 100, "future")]
    {
        let mut claims = altinn.claims(AGENT, BOTH);
        (claims["iat"], claims["exp"]) = (json!(issued), json!(end));
        let (_, error, description) = error(altinn.token(&header(), &claims, &KEY).await).await;
        assert_eq!(error, "invalid_grant");
        assert!(description.contains(says), "{description}");
    }
}

#[tokio::test]
async fn an_assertion_with_another_key_name_or_algorithm_is_refused() {
    let altinn = Altinn::plain().await;
    let other = NewKey::generate().unwrap();
    let named = |kid: Option<&str>, algorithm| Header {
        kid: kid.map(str::to_owned),
        ..Header::new(algorithm)
    };
    let claims = || altinn.claims(AGENT, BOTH);
    let answers = [
        (altinn.token(&header(), &claims(), &other).await, "signature"),
        (altinn.token(&named(Some("key-2"), Algorithm::RS256), &claims(), &KEY).await, "kid"),
        (altinn.token(&named(None, Algorithm::RS256), &claims(), &KEY).await, "kid"),
        (altinn.token(&named(Some("key-1"), Algorithm::RS512), &claims(), &KEY).await, "RS256"),
    ];
    for (answer, says) in answers {
        let (status, error, description) = error(answer).await;
        assert_eq!((status, error.as_str()), (400, "invalid_grant"));
        assert!(description.contains(says), "{description}");
    }
}

#[tokio::test]
async fn an_assertion_counts_once() {
    let altinn = Altinn::plain().await;
    let claims = altinn.claims(AGENT, BOTH);
    assert_eq!(altinn.token(&header(), &claims, &KEY).await.status(), 200);
    let (_, error, description) = error(altinn.token(&header(), &claims, &KEY).await).await;
    assert_eq!(error, "invalid_grant");
    assert!(description.contains("jti"));
}

#[tokio::test]
async fn a_wrong_form_is_refused() {
    let altinn = Altinn::plain().await;
    let bearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    let (_, kind, _) = error(altinn.ask_token("client_credentials", "a").await).await;
    assert_eq!(kind, "unsupported_grant_type");
    let (_, kind, _) = error(altinn.ask_token(bearer, "nonsense").await).await;
    assert_eq!(kind, "invalid_grant");
    let url = format!("{}token", altinn.running.issuer());
    let json = altinn.client.post(&url).json(&json!({ "grant_type": bearer }));
    assert_eq!(error(json.send().await.unwrap()).await.1, "invalid_request");
    let form = altinn.client.post(&url).header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(error(form.body("a=b").send().await.unwrap()).await.1, "invalid_request");
    assert_eq!(altinn.client.get(&url).send().await.unwrap().status(), 405);
}

#[tokio::test]
async fn a_token_without_a_system_user_acts_for_the_clients_own_organisation_or_nobody() {
    let client = |id: &str, own: Option<&str>| ClientConfig {
        id: id.to_owned(),
        key_id: Some("key-1".to_owned()),
        public_key: Some(KEY.public_pem().to_owned()),
        scopes: vec!["altinn:broker.read".to_owned()],
        organisation: own.map(organisation),
        ..ClientConfig::default()
    };
    let mut config = Config::default().with_resource(ResourceConfig::open(RESOURCE));
    config.clients = vec![client("own", Some(BANK)), client("nobody", None)];
    let altinn = Altinn::start(config).await;
    for (id, status) in [("own", 200), ("nobody", 401)] {
        let mut claims = altinn.claims(BANK, "altinn:broker.read");
        claims["iss"] = json!(id);
        claims.as_object_mut().unwrap().remove("authorization_details");
        let answer: Value = altinn.token(&header(), &claims, &KEY).await.json().await.unwrap();
        let token = altinn.exchange(answer["access_token"].as_str().unwrap()).await;
        let token = token.text().await.unwrap();
        let url = format!(
            "{}/broker/api/v1/filetransfer?resourceId={RESOURCE}",
            altinn.running.base_url()
        );
        let answer = altinn.client.get(url).bearer_auth(token).send().await.unwrap();
        assert_eq!(answer.status(), status, "{id}");
    }
}

#[tokio::test]
async fn tokens_run_out_by_themselves_and_on_demand() {
    let mut short = config();
    short.altinn_token_seconds = 1;
    let altinn = Altinn::start(short).await;
    let bank = altinn.caller(BANK).await;
    bank.list("").await;
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert_eq!(bank.get(&format!("?resourceId={RESOURCE}")).await.status(), 401);
    let altinn = Altinn::plain().await;
    let bank = altinn.caller(BANK).await;
    altinn.switch(json!({ "expire_tokens": true })).await;
    assert_eq!(
        refused(bank.get(&format!("?resourceId={RESOURCE}")).await).await,
        (401, String::new())
    );
    altinn.caller(BANK).await.list("").await;
}

#[tokio::test]
async fn the_scope_decides_what_a_token_may_do() {
    let altinn = Altinn::plain().await;
    let reader = altinn.with_scope(AGENT, "altinn:broker.read").await;
    let writer = altinn.with_scope(AGENT, "altinn:broker.write").await;
    let id = writer.initialise(OTHER).await;
    assert_eq!(reader.announce(&reader.announcement(BANK)).await.status(), 403);
    assert_eq!(reader.upload(&id, b"a").await.status(), 403);
    assert_eq!(writer.get(&format!("/{id}/download")).await.status(), 403);
    assert_eq!(writer.post(&format!("/{id}/confirmdownload")).await.status(), 403);
    for caller in [reader, writer] {
        assert_eq!(caller.overview(&id).await["fileTransferStatus"], "Initialized");
        assert_eq!(caller.list("").await, [id.as_str()]);
    }
}

#[tokio::test]
async fn keys_come_from_a_key_set_as_well_and_a_client_without_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let encoding = jsonwebtoken::EncodingKey::from_rsa_pem(KEY.private_pem().as_bytes()).unwrap();
    let mut key = serde_json::to_value(
        jsonwebtoken::jwk::Jwk::from_encoding_key(&encoding, Algorithm::RS256).unwrap(),
    )
    .unwrap();
    key["kid"] = json!("key-1");
    std::fs::write(&path, json!({ "keys": [key] }).to_string()).unwrap();
    let mut config = config();
    config.clients[0].public_key = None;
    config.clients[0].jwks_file = Some(path);
    Altinn::start(config.clone()).await.caller(AGENT).await;
    config.clients[0].jwks_file = None;
    let wrong = start(config.clone()).await.err().unwrap();
    assert!(wrong.to_string().contains("vendor"), "{wrong}");
    config.listen = "0.0.0.0:0".parse().unwrap();
    let wrong = start(config).await.err().unwrap();
    assert!(wrong.to_string().contains("127.0.0.1"), "{wrong}");
}

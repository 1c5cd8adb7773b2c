//! JWTs, with an issuer whose keys a small server of the test hands out.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;

const ISSUER: &str = "https://issuer.example/";
const AUDIENCE: &str = "https://innfri.example";
const SCOPE: &str = "eksempel:innfri";

struct Pair {
    name: &'static str,
    algorithm: Algorithm,
    key: EncodingKey,
}

impl Pair {
    fn elliptic(name: &'static str) -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let key = EncodingKey::from_ec_pem(key.serialize_pem().as_bytes()).unwrap();
        Self { name, algorithm: Algorithm::ES256, key }
    }

    fn rsa(name: &'static str) -> Self {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let key = EncodingKey::from_rsa_pem(key.serialize_pem().as_bytes()).unwrap();
        Self { name, algorithm: Algorithm::RS256, key }
    }

    fn public(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.name.to_owned());
        serde_json::to_value(jwk).unwrap()
    }

    fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.name.to_owned()), ..Header::new(self.algorithm) };
        encode(&header, claims, &self.key).unwrap()
    }
}

/// What the issuer's address answers, and how often it was asked.
struct Issuer {
    answer: Mutex<(StatusCode, String)>,
    asked: AtomicU32,
}

impl Issuer {
    fn publish(&self, keys: &[Value]) {
        *self.answer.lock().unwrap() = (StatusCode::OK, json!({ "keys": keys }).to_string());
    }

    fn fail(&self, status: StatusCode) {
        self.answer.lock().unwrap().0 = status;
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }
}

async fn keys(State(issuer): State<Arc<Issuer>>) -> Response {
    issuer.asked.fetch_add(1, Ordering::SeqCst);
    let (status, body) = issuer.answer.lock().unwrap().clone();
    if status.is_redirection() {
        return (status, [("location", "/other")], body).into_response();
    }
    (status, body).into_response()
}

/// What hides behind a redirect.
async fn other_keys(State(issuer): State<Arc<Issuer>>) -> String {
    issuer.answer.lock().unwrap().1.clone()
}

struct World {
    sign_in: SignIn,
    issuer: Arc<Issuer>,
    clock: Arc<SetClock>,
    pair: Pair,
    _server: JoinSet<()>,
}

impl World {
    async fn new() -> Self {
        Self::with(Pair::elliptic("one"), "consumer").await
    }

    async fn with(pair: Pair, organisation_claim: &str) -> Self {
        let issuer = Issuer { answer: Mutex::default(), asked: AtomicU32::new(0) };
        let issuer = Arc::new(issuer);
        issuer.publish(&[pair.public()]);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = JwtConfig {
            issuer: ISSUER.into(),
            audience: AUDIENCE.into(),
            scope: SCOPE.into(),
            jwks_url: format!("http://{}/jwk", listener.local_addr().unwrap()),
            organisation_claim: organisation_claim.into(),
            longest_life_seconds: 3600,
        };
        let routes = Router::new().route("/jwk", get(keys)).route("/other", get(other_keys));
        let routes = routes.with_state(Arc::clone(&issuer));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, routes).await.unwrap() });
        let clock = SetClock::new();
        let config = SignInConfig { jwt: Some(config) };
        let tokens = Arc::new(MemoryTokens::default());
        let sign_in = SignIn::new(&config, tokens, directory(), Arc::clone(&clock) as _).unwrap();
        Self { sign_in, issuer, clock, pair, _server: server }
    }

    /// The claims of a good token, as Maskinporten makes it.
    fn claims(&self) -> Value {
        let now = self.clock.now().as_second();
        json!({
            "iss": ISSUER,
            "aud": AUDIENCE,
            "scope": format!("eksempel:other {SCOPE}"),
            "iat": now,
            "exp": now + 119,
            "client_amr": "virksomhetssertifikat",
            "token_type": "Bearer",
            "jti": "c2Vjb25k",
            "consumer": { "authority": "iso6523-actorid-upis", "ID": format!("0192:{VENDOR}") },
        })
    }

    /// What becomes of a good token with these claims in place of its own; null takes one away.
    async fn with_claims(&self, others: Value) -> Result<Login, NotSignedIn> {
        let mut claims = self.claims();
        for (name, value) in others.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        self.check(&self.pair.sign(&claims)).await
    }

    async fn check(&self, token: &str) -> Result<Login, NotSignedIn> {
        self.sign_in.check(Some(&format!("Bearer {token}"))).await
    }

    async fn good(&self) -> Result<Login, NotSignedIn> {
        self.with_claims(json!({})).await
    }

    async fn signed_by(&self, pair: &Pair) -> Result<Login, NotSignedIn> {
        self.check(&pair.sign(&self.claims())).await
    }
}

fn vendor() -> Result<Login, NotSignedIn> {
    Ok(Login::new("vendor"))
}

#[tokio::test]
async fn a_token_of_the_issuer_signs_in_the_operator_of_its_organisation() {
    for pair in [Pair::elliptic("one"), Pair::rsa("two")] {
        let world = World::with(pair, "consumer").await;
        assert_eq!(world.good().await, vendor());
        let many = json!({ "aud": ["https://elsewhere.example", AUDIENCE] });
        assert_eq!(world.with_claims(many).await, vendor());
    }
    let plain = World::with(Pair::elliptic("one"), "organisation").await;
    assert_eq!(plain.with_claims(json!({ "organisation": VENDOR })).await, vendor());
}

#[tokio::test]
async fn a_token_with_wrong_claims_is_refused_with_the_reason() {
    let world = World::new().await;
    let now = world.clock.now().as_second();
    for (claims, expected) in [
        (json!({ "aud": "https://elsewhere.example" }), NotSignedIn::WrongAudience),
        (json!({ "aud": null }), NotSignedIn::WrongAudience),
        (json!({ "iss": "https://elsewhere.example/" }), NotSignedIn::Unknown),
        (json!({ "iss": null }), NotSignedIn::Malformed),
        (json!({ "scope": "eksempel:innfri.other" }), NotSignedIn::NotEnoughScope),
        (json!({ "scope": null }), NotSignedIn::NotEnoughScope),
        (json!({ "exp": null }), NotSignedIn::Malformed),
        (json!({ "iat": null }), NotSignedIn::Malformed),
        (json!({ "exp": "soon" }), NotSignedIn::Malformed),
        (json!({ "iat": now - 200, "exp": now - 15 }), NotSignedIn::Expired),
        (json!({ "iat": now + 16 }), NotSignedIn::Expired),
        (json!({ "nbf": now + 16 }), NotSignedIn::Expired),
        (json!({ "exp": now + 3601 }), NotSignedIn::LivesTooLong),
        (json!({ "exp": i64::MAX }), NotSignedIn::Malformed),
        (json!({ "consumer": null }), NotSignedIn::NoOperator),
        (json!({ "consumer": VENDOR.len() }), NotSignedIn::NoOperator),
        (json!({ "consumer": STRANGER }), NotSignedIn::NoOperator),
    ] {
        assert_eq!(world.with_claims(claims.clone()).await, Err(expected), "{claims}");
    }
    // The issuer's clock may be a little off.
    for claims in [
        json!({ "iat": now - 200, "exp": now - 14 }),
        json!({ "iat": now + 15 }),
        json!({ "nbf": now + 15 }),
        json!({ "exp": now + 3600 }),
    ] {
        assert_eq!(world.with_claims(claims.clone()).await, vendor(), "{claims}");
    }
}

fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(header), part(claims))
}

#[tokio::test]
async fn a_token_that_is_not_signed_with_a_key_of_the_issuer_is_refused() {
    let world = World::with(Pair::rsa("one"), "consumer").await;
    let claims = world.claims();
    for algorithm in ["none", "None", "HS257"] {
        let token = unsigned(&json!({ "alg": algorithm, "kid": "one" }), &claims);
        assert_eq!(world.check(&token).await, Err(NotSignedIn::Malformed), "{algorithm}");
    }
    let without_signature = unsigned(&json!({ "alg": "RS256", "kid": "one" }), &claims);
    assert_eq!(world.check(&without_signature).await, Err(NotSignedIn::Unknown));
    // Signed with what everybody knows: the public key, as if it were a secret.
    let modulus = world.pair.public()["n"].as_str().unwrap().to_owned();
    let secret = URL_SAFE_NO_PAD.decode(&modulus).unwrap();
    for secret in [modulus.as_bytes(), &secret] {
        let key = EncodingKey::from_secret(secret);
        let token = Pair { name: "one", algorithm: Algorithm::HS256, key }.sign(&claims);
        assert_eq!(world.check(&token).await, Err(NotSignedIn::Unknown));
    }
    // Somebody else's key under the name of the issuer's, of the same kind and of another.
    for stranger in [Pair::rsa("one"), Pair::elliptic("one")] {
        assert_eq!(world.signed_by(&stranger).await, Err(NotSignedIn::Unknown));
    }
    let changed = world.pair.sign(&claims).replace('.', ".e");
    assert!(world.check(&changed).await.is_err());
    assert_eq!(world.good().await, vendor());
}

#[tokio::test]
async fn a_token_that_names_no_key_or_asks_for_more_than_is_understood_is_refused() {
    let world = World::new().await;
    let claims = world.claims();
    let header = Header::new(Algorithm::ES256);
    let nameless = encode(&header, &claims, &world.pair.key).unwrap();
    assert_eq!(world.check(&nameless).await, Err(NotSignedIn::Malformed));
    let kid = Some("one".to_owned());
    let critical = Header { kid, crit: Some(vec!["exp".into()]), ..header };
    let critical = encode(&critical, &claims, &world.pair.key).unwrap();
    assert_eq!(world.check(&critical).await, Err(NotSignedIn::Malformed));
    assert_eq!(world.issuer.asked(), 0);
}

#[tokio::test]
async fn a_symmetric_key_or_one_for_encryption_is_not_used_and_hides_no_other() {
    let world = World::new().await;
    let secret = EncodingKey::from_secret(b"a secret that was published");
    let secret = Pair { name: "secret", algorithm: Algorithm::HS256, key: secret };
    let hidden = Pair::elliptic("hidden");
    let mut encrypts = hidden.public();
    encrypts["use"] = json!("enc");
    let strange = json!({ "kty": "strange", "kid": "strange", "alg": "none" });
    world.issuer.publish(&[secret.public(), encrypts, strange, json!(7), world.pair.public()]);
    assert_eq!(world.good().await, vendor());
    assert_eq!(world.signed_by(&secret).await, Err(NotSignedIn::Unknown));
    assert_eq!(world.signed_by(&hidden).await, Err(NotSignedIn::Unknown));
}

#[tokio::test]
async fn an_unknown_key_is_asked_for_at_most_once_a_minute() {
    let world = World::new().await;
    assert_eq!(world.good().await, vendor());
    assert_eq!(world.issuer.asked(), 1);
    let new = Pair::elliptic("new");
    for _ in 0..20 {
        assert_eq!(world.signed_by(&new).await, Err(NotSignedIn::Unknown));
    }
    assert_eq!(world.issuer.asked(), 1);
    world.issuer.publish(&[world.pair.public(), new.public()]);
    world.clock.pass(60);
    assert_eq!(world.signed_by(&new).await, vendor());
    assert_eq!(world.good().await, vendor());
    assert_eq!(world.issuer.asked(), 2);
}

#[tokio::test]
async fn a_key_that_the_issuer_took_back_is_used_no_longer_than_an_hour() {
    let world = World::new().await;
    assert_eq!(world.good().await, vendor());
    world.issuer.publish(&[Pair::elliptic("new").public()]);
    world.clock.pass(3600);
    let until_noticed = async {
        while world.good().await == vendor() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), until_noticed).await.unwrap();
    assert_eq!(world.good().await, Err(NotSignedIn::Unknown));
}

#[tokio::test]
async fn keys_are_used_on_while_the_issuer_is_down_but_not_for_ever() {
    let world = World::new().await;
    assert_eq!(world.good().await, vendor());
    world.issuer.fail(StatusCode::SERVICE_UNAVAILABLE);
    world.clock.pass(23 * 3600);
    assert_eq!(world.good().await, vendor());
    world.clock.pass(3600);
    assert_eq!(world.good().await, Err(NotSignedIn::Unavailable));
    world.issuer.publish(&[world.pair.public()]);
    world.clock.pass(60);
    assert_eq!(world.good().await, vendor());
}

#[tokio::test]
async fn keys_that_cannot_be_had_make_sign_in_unavailable_and_not_wrong() {
    let good = |world: &World| json!({ "keys": [world.pair.public()] }).to_string();
    let world = World::new().await;
    let body = good(&world);
    for (status, body) in [
        (StatusCode::FOUND, body.clone()),
        (StatusCode::INTERNAL_SERVER_ERROR, body.clone()),
        (StatusCode::OK, "no keys".to_owned()),
        (StatusCode::OK, "{\"keys\":[]}".to_owned()),
        (StatusCode::OK, format!("{body}{}", " ".repeat(256 * 1024))),
    ] {
        *world.issuer.answer.lock().unwrap() = (status, body);
        assert_eq!(world.good().await, Err(NotSignedIn::Unavailable), "{status}");
        world.clock.pass(10);
    }
    assert_eq!(world.issuer.asked(), 5);
    world.issuer.publish(&[world.pair.public()]);
    assert_eq!(world.good().await, vendor());
}

#[tokio::test]
async fn whoever_goes_away_does_not_take_the_keys_along() {
    let world = World::new().await;
    let gone = tokio::time::timeout(Duration::ZERO, world.good()).await;
    assert!(gone.is_err());
    assert_eq!(world.good().await, vendor());
    assert_eq!(world.issuer.asked(), 1);
}

#[tokio::test]
async fn settings_that_cannot_be_right_are_named() {
    let set = |change: fn(&mut JwtConfig)| {
        let mut config = JwtConfig {
            issuer: ISSUER.into(),
            audience: AUDIENCE.into(),
            scope: SCOPE.into(),
            jwks_url: "https://issuer.example/jwk".into(),
            organisation_claim: "consumer".into(),
            longest_life_seconds: 120,
        };
        change(&mut config);
        let config = SignInConfig { jwt: Some(config) };
        let tokens = Arc::new(MemoryTokens::default());
        SignIn::new(&config, tokens, directory(), SetClock::new())
    };
    assert!(set(|_| ()).is_ok());
    assert!(matches!(set(|config| config.scope.clear()).err(), Some(SignInError::Empty("scope"))));
    let empty = set(|config| config.longest_life_seconds = 0).err();
    assert!(matches!(empty, Some(SignInError::Empty("longest_life_seconds"))));
    for change in [
        |config: &mut JwtConfig| config.jwks_url = "http://issuer.example/jwk".into(),
        |config: &mut JwtConfig| config.jwks_url = "file:///etc/keys".into(),
        |config: &mut JwtConfig| config.jwks_url = "keys".into(),
    ] {
        assert!(matches!(set(change).err(), Some(SignInError::JwksUrl)));
    }
}

//! Tokens that innfri gave out itself.

use super::super::token::mint;
use super::*;

struct World {
    sign_in: SignIn,
    tokens: Arc<MemoryTokens>,
    clock: Arc<SetClock>,
}

impl World {
    fn new() -> Self {
        let (tokens, clock) = (Arc::new(MemoryTokens::default()), SetClock::new());
        let kept: Arc<dyn Tokens> = Arc::clone(&tokens) as Arc<dyn Tokens>;
        let config = SignInConfig::default();
        let sign_in = SignIn::new(&config, kept, directory(), Arc::clone(&clock) as _).unwrap();
        Self { sign_in, tokens, clock }
    }

    /// Gives out a token, and tells its text and id.
    async fn give(&self, login: &str, expires_after: Option<i64>) -> (String, TokenId) {
        let minted = mint().unwrap();
        let now = self.clock.now();
        let record = TokenRecord {
            id: minted.id.clone(),
            login: Login::new(login),
            hash: minted.hash,
            created_at: now,
            created_by: "kari".into(),
            note: None,
            expires_at: expires_after.map(|seconds| now + SignedDuration::from_secs(seconds)),
            revoked: None,
        };
        self.tokens.add(&record).await.unwrap();
        (minted.token.expose().to_owned(), minted.id)
    }

    async fn check(&self, token: &str) -> Result<Login, NotSignedIn> {
        self.sign_in.check(Some(&format!("Bearer {token}"))).await
    }
}

#[tokio::test]
async fn a_token_signs_in_its_operator_and_nobody_else() {
    let world = World::new();
    let (vendor, _) = world.give("vendor", None).await;
    let (other, _) = world.give("other", None).await;
    assert_eq!(world.check(&vendor).await, Ok(Login::new("vendor")));
    assert_eq!(world.check(&other).await, Ok(Login::new("other")));
}

#[tokio::test]
async fn a_token_is_of_its_form_and_only_its_hash_is_kept() {
    let minted = mint().unwrap();
    let text = minted.token.expose();
    let secret = text.strip_prefix(&format!("innfri_{}_", minted.id)).unwrap();
    assert_eq!((minted.id.as_str().len(), secret.len()), (16, 64));
    let hash = minted.hash.expose();
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && !hash.contains(secret));
    assert!(!format!("{minted:?}").contains(secret));
    assert_ne!(mint().unwrap().token.expose(), text);
}

#[tokio::test]
async fn a_wrong_secret_an_unknown_id_and_a_cut_token_are_refused() {
    let world = World::new();
    let (token, id) = world.give("vendor", None).await;
    let (other, _) = world.give("vendor", None).await;
    let secret = other.rsplit('_').next().unwrap();
    let swapped = format!("innfri_{id}_{secret}");
    let unknown = format!("innfri_000000000000_{secret}");
    for bad in [&swapped, &unknown] {
        assert_eq!(world.check(bad).await, Err(NotSignedIn::Unknown));
    }
    let cut: String = token.chars().take(token.len() - 1).collect();
    for bad in [cut.as_str(), "innfri_", "innfri_a_b", "innfri__", &format!("{token}a")] {
        assert_eq!(world.check(bad).await, Err(NotSignedIn::Malformed), "{bad}");
    }
    assert_eq!(world.tokens.looked_up.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_revocation_holds_within_a_minute() {
    let world = World::new();
    let (token, id) = world.give("vendor", None).await;
    assert!(world.check(&token).await.is_ok());
    let revocation = Revocation { at: world.clock.now(), by: "kari".into(), reason: "lost".into() };
    world.tokens.revoke(&id, &revocation).await.unwrap();
    world.clock.pass(60);
    assert_eq!(world.check(&token).await, Err(NotSignedIn::Unknown));
    world.clock.pass(-30);
    assert_eq!(world.check(&token).await, Err(NotSignedIn::Unknown));
}

#[tokio::test]
async fn an_expiry_holds_at_once() {
    let world = World::new();
    let (token, _) = world.give("vendor", Some(10)).await;
    assert!(world.check(&token).await.is_ok());
    world.clock.pass(9);
    assert!(world.check(&token).await.is_ok());
    world.clock.pass(1);
    assert_eq!(world.check(&token).await, Err(NotSignedIn::Expired));
    let (late, _) = world.give("vendor", Some(0)).await;
    assert_eq!(world.check(&late).await, Err(NotSignedIn::Expired));
}

#[tokio::test]
async fn a_token_is_looked_up_once_a_minute_and_the_journal_may_be_away_between() {
    let world = World::new();
    let (token, _) = world.give("vendor", None).await;
    for _ in 0..100 {
        assert!(world.check(&token).await.is_ok());
    }
    assert_eq!(world.tokens.looked_up.load(Ordering::SeqCst), 1);
    world.tokens.down.store(true, Ordering::SeqCst);
    world.clock.pass(59);
    assert!(world.check(&token).await.is_ok());
    world.clock.pass(1);
    assert_eq!(world.check(&token).await, Err(NotSignedIn::Unavailable));
    world.tokens.down.store(false, Ordering::SeqCst);
    assert!(world.check(&token).await.is_ok());
    assert_eq!(world.tokens.looked_up.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_token_of_somebody_who_left_the_directory_is_refused() {
    let world = World::new();
    let (token, _) = world.give("gone", None).await;
    assert_eq!(world.check(&token).await, Err(NotSignedIn::Unknown));
}

//! Operators' tokens: kept, found, taken back once, and never gone.

use std::sync::Arc;

use innfri::kernel::{Login, Secret};
use innfri::port::Tokens;
use innfri::port::tokens::{Revocation, TokenId, TokenRecord};

use crate::bench::Bench;
use crate::samples::at;

async fn tokens(bench: &Bench) -> Arc<dyn Tokens> {
    innfri::journal::open_tokens(&bench.config).await.unwrap()
}

fn id(number: u32) -> TokenId {
    format!("{number:016x}").parse().unwrap()
}

fn token(number: u32, login: &str) -> TokenRecord {
    TokenRecord {
        id: id(number),
        login: Login::new(login),
        hash: Secret::new(format!("$argon2id$hash of {number}")),
        created_at: at(i64::from(number)),
        created_by: "kari".into(),
        note: None,
        expires_at: None,
        revoked: None,
    }
}

fn parts(token: &TokenRecord) -> (String, String, Vec<Option<String>>) {
    let TokenRecord { id, login, hash, created_at, created_by, note, expires_at, revoked } = token;
    let rest = vec![
        note.clone(),
        expires_at.map(|end| end.to_string()),
        revoked.as_ref().map(|revoked| format!("{revoked:?}")),
    ];
    (id.to_string(), format!("{login} {} {created_at} {created_by}", hash.expose()), rest)
}

fn revocation(by: &str) -> Revocation {
    Revocation { at: at(500), by: by.into(), reason: "left the firm".into() }
}

pub async fn every_field_of_a_token_is_found_again(bench: Bench) {
    let tokens = tokens(&bench).await;
    let whole = TokenRecord {
        note: Some("their staging system \0 ø".into()),
        expires_at: Some(at(900)),
        ..token(1, "vendor")
    };
    assert!(tokens.add(&whole).await.unwrap());
    let found = tokens.find(&id(1)).await.unwrap().unwrap();
    let kept = TokenRecord { note: Some("their staging system \u{fffd} ø".into()), ..whole };
    assert_eq!(parts(&found), parts(&kept));
    assert!(tokens.find(&id(2)).await.unwrap().is_none());
    assert!(!format!("{found:?}").contains("hash of"));
    assert!(!found.is_expired(at(899)) && found.is_expired(at(900)));
}

pub async fn a_token_id_that_is_taken_is_not_given_again(bench: Bench) {
    let tokens = tokens(&bench).await;
    assert!(tokens.add(&token(1, "vendor")).await.unwrap());
    assert!(!tokens.add(&token(1, "other")).await.unwrap());
    let found = tokens.find(&id(1)).await.unwrap().unwrap();
    assert_eq!(found.login, Login::new("vendor"));
}

pub async fn tokens_are_listed_oldest_first_for_one_login_or_all(bench: Bench) {
    let tokens = tokens(&bench).await;
    for (number, login) in [(3, "vendor"), (1, "vendor"), (2, "other")] {
        assert!(tokens.add(&token(number, login)).await.unwrap());
    }
    let ids = |list: Vec<TokenRecord>| list.into_iter().map(|token| token.id).collect::<Vec<_>>();
    assert_eq!(ids(tokens.list(None).await.unwrap()), [id(1), id(2), id(3)]);
    let vendor = Login::new("vendor");
    assert_eq!(ids(tokens.list(Some(&vendor)).await.unwrap()), [id(1), id(3)]);
    assert!(tokens.list(Some(&Login::new("nobody\0"))).await.unwrap().is_empty());
}

pub async fn a_token_is_revoked_once_and_stays_so(bench: Bench) {
    let tokens = tokens(&bench).await;
    assert!(tokens.add(&token(1, "vendor")).await.unwrap());
    assert!(!tokens.revoke(&id(2), &revocation("kari")).await.unwrap());
    assert!(tokens.revoke(&id(1), &revocation("kari")).await.unwrap());
    assert!(!tokens.revoke(&id(1), &revocation("ola")).await.unwrap());
    let found = tokens.find(&id(1)).await.unwrap().unwrap();
    assert_eq!(found.revoked, Some(revocation("kari")));
    assert_eq!(tokens.list(None).await.unwrap().len(), 1);
}

pub async fn a_token_is_not_changed_past_its_revocation(bench: Bench) {
    let tokens = tokens(&bench).await;
    for number in [1, 2] {
        assert!(tokens.add(&token(number, "vendor")).await.unwrap());
    }
    assert!(tokens.revoke(&id(1), &revocation("kari")).await.unwrap());
    for sql in [
        "UPDATE operator_tokens SET revoked_at = NULL, revoked_by = NULL, revoked_why = NULL",
        "UPDATE operator_tokens SET login = 'other'",
        "UPDATE operator_tokens SET hash = 'other', revoked_at = 1, revoked_by = 'a', \
         revoked_why = 'b' WHERE revoked_at IS NULL",
        "UPDATE operator_tokens SET expires_at = 1, revoked_at = 1, revoked_by = 'a', \
         revoked_why = 'b' WHERE revoked_at IS NULL",
        "UPDATE operator_tokens SET revoked_at = 1 WHERE revoked_at IS NULL",
        "DELETE FROM operator_tokens",
    ] {
        assert!(bench.raw(sql).await.is_err(), "{sql}");
    }
    assert_eq!(tokens.list(None).await.unwrap().len(), 2);
    let found = tokens.find(&id(1)).await.unwrap().unwrap();
    assert_eq!((found.login, found.revoked), (Login::new("vendor"), Some(revocation("kari"))));
}

//! Copies of directories: one for each source, and a newer one is never replaced by an older.

use std::sync::Arc;

use innfri::port::{DirectoryCopies, DirectoryCopy};

use crate::bench::Bench;
use crate::samples::at;

async fn copies(bench: &Bench) -> Arc<dyn DirectoryCopies> {
    innfri::journal::open_copies(&bench.config).await.unwrap()
}

fn copy(source: &str, second: i64, body: &[u8]) -> DirectoryCopy {
    DirectoryCopy {
        source: source.into(),
        url: format!("https://{source}.example"),
        taken_at: at(second),
        entries: 7,
        body: body.to_vec(),
    }
}

pub async fn a_copy_of_a_directory_is_found_again(bench: Bench) {
    let copies = copies(&bench).await;
    assert_eq!(copies.last("akeldo").await.unwrap(), None);
    assert_eq!(copies.taken_at("akeldo").await.unwrap(), None);
    // Bytes as they came, whatever they are, and more than a page of either store.
    let body: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let whole = copy("akeldo", 1, &body);
    assert!(copies.keep(&whole).await.unwrap());
    assert!(copies.keep(&copy("other", 9, b"")).await.unwrap());
    assert_eq!(copies.last("akeldo").await.unwrap(), Some(whole));
    assert_eq!(copies.last("other").await.unwrap(), Some(copy("other", 9, b"")));
    assert_eq!(copies.taken_at("akeldo").await.unwrap(), Some(at(1)));
    assert_eq!(copies.last("nobody\0").await.unwrap(), None);
}

pub async fn a_newer_copy_takes_the_place_and_an_older_does_not(bench: Bench) {
    let copies = copies(&bench).await;
    assert!(copies.keep(&copy("akeldo", 5, b"five")).await.unwrap());
    assert!(!copies.keep(&copy("akeldo", 4, b"four")).await.unwrap());
    assert_eq!(copies.last("akeldo").await.unwrap().unwrap().body, b"five");
    let elsewhere = DirectoryCopy { url: "https://b.example".into(), ..copy("akeldo", 6, b"six") };
    assert!(copies.keep(&elsewhere).await.unwrap());
    assert_eq!(copies.last("akeldo").await.unwrap(), Some(elsewhere));
    assert_eq!(copies.taken_at("akeldo").await.unwrap(), Some(at(6)));
}

//! What is confirmed is kept, what is not kept is offered again, and nothing is dropped.

use std::sync::Mutex;

use super::super::fake::{Fake, Fate, organisation};
use super::*;

const MOST: usize = 10;

/// A journal that knows a transfer that it has kept, and can be full.
#[derive(Default)]
struct Shelf {
    kept: Mutex<Vec<ArrivedFile>>,
    offered: Mutex<usize>,
    refuses: Mutex<Option<NotKept>>,
}

#[async_trait]
impl Take for Shelf {
    async fn take(&self, arrived: ArrivedFile) -> Result<Kept, NotKept> {
        *self.offered.lock().unwrap() += 1;
        if let Some(refusal) = self.refuses.lock().unwrap().clone() {
            return Err(refusal);
        }
        let mut kept = self.kept.lock().unwrap();
        if !kept.iter().any(|one| one.transfer == arrived.transfer) {
            kept.push(arrived);
        }
        Ok(Kept)
    }
}

impl Shelf {
    fn contents(&self) -> Vec<Content> {
        self.kept.lock().unwrap().iter().map(|one| one.content.clone()).collect()
    }
}

/// One look; `None` when its process died in it.
async fn look(fake: &Fake, shelf: &Shelf) -> Option<Walk> {
    tokio::select! {
        biased;
        () = fake.cut.notified() => None,
        walk = receive(fake, shelf, MOST) => Some(walk),
    }
}

fn arrive(fake: &Fake) {
    fake.arrive(b"one");
}

fn status_of(fake: &Fake, id: TransferId) -> Option<RecipientStatus> {
    let world = fake.world();
    world.transfers.iter().find(|one| one.id == id)?.status_for(&organisation())
}

#[tokio::test]
async fn what_arrives_is_kept_then_confirmed() {
    let (fake, shelf) = (Fake::new(), Shelf::default());
    let ids = [fake.arrive(b"one"), fake.arrive(b"two")];
    let walk = look(&fake, &shelf).await.unwrap();
    assert_eq!((walk.confirmed.as_slice(), walk.round()), (ids.as_slice(), Round::Arrived));
    let log = fake.log.lock().unwrap().join(" ");
    assert_eq!(log, "list list overview download confirm overview download confirm");
    let kept = shelf.kept.lock().unwrap().clone();
    assert_eq!(kept[0].content, Content::Bytes(b"one".to_vec()));
    assert_eq!(kept[0].reference, "from outside");
    assert!(kept[0].sender.is(&super::super::fake::receiver()) && kept[0].sent_at.is_some());
    assert!(!format!("{kept:?}").contains("111"), "no bytes are printed");
    let walk = look(&fake, &shelf).await.unwrap();
    assert_eq!((walk.confirmed.len(), walk.round()), (0, Round::Nothing));
}

#[tokio::test]
async fn cut_off_anywhere_every_file_is_kept_once_and_confirmed_only_then() {
    let fates = [
        Fate::Lost,
        Fate::Unanswered,
        Fate::Late(2),
        Fate::Cut { after: false },
        Fate::Cut { after: true },
        Fate::Answered(AltinnError::NotReady),
        Fate::Answered(AltinnError::ChecksumMismatch),
    ];
    for first in 0..10 {
        for second in first + 1..16 {
            for one in &fates {
                for other in &fates {
                    let script = [(first, one.clone()), (second, other.clone())];
                    let fake = Fake::scripted(script.clone());
                    let shelf = Shelf::default();
                    let ids = [fake.arrive(b"one"), fake.arrive(b"two")];
                    for _ in 0..6 {
                        drop(look(&fake, &shelf).await);
                        for id in ids {
                            let confirmed =
                                status_of(&fake, id) == Some(RecipientStatus::DownloadConfirmed);
                            let kept = shelf.kept.lock().unwrap();
                            let safe = kept.iter().any(|one| one.transfer == id);
                            assert!(!confirmed || safe, "{script:?}: {id} was confirmed, not kept");
                        }
                    }
                    let all = [Content::Bytes(b"one".into()), Content::Bytes(b"two".into())];
                    let mut kept = shelf.contents();
                    kept.sort_by_key(|content| format!("{content:?}") + &content_text(content));
                    assert_eq!(kept, all, "{script:?}");
                    for id in ids {
                        let status = status_of(&fake, id);
                        assert_eq!(status, Some(RecipientStatus::DownloadConfirmed), "{script:?}");
                    }
                }
            }
        }
    }
}

fn content_text(content: &Content) -> String {
    match content {
        Content::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn what_a_crash_left_comes_first() {
    let (fake, shelf) = (Fake::scripted([(4, Fate::Cut { after: false })]), Shelf::default());
    let (first, _) = (fake.arrive(b"one"), fake.arrive(b"two"));
    assert_eq!(look(&fake, &shelf).await, None, "died before the first confirmation");
    assert_eq!(status_of(&fake, first), Some(RecipientStatus::DownloadStarted));
    let walk = look(&fake, &shelf).await.unwrap();
    assert_eq!((walk.confirmed.first(), walk.confirmed.len()), (Some(&first), 2));
    assert_eq!((shelf.contents().len(), *shelf.offered.lock().unwrap()), (2, 3));
}

#[tokio::test]
async fn a_file_that_is_too_large_is_handed_over_as_that_and_confirmed() {
    let (fake, shelf) = (Fake::new(), Shelf::default());
    let id = fake.arrive(b"eleven byte");
    assert_eq!(look(&fake, &shelf).await.unwrap().confirmed, [id]);
    assert_eq!(shelf.contents(), [Content::TooLarge(Some(11))]);
}

#[tokio::test]
async fn a_file_under_another_resource_is_handed_over_as_that_and_left() {
    let (fake, shelf) = (Fake::new(), Shelf::default());
    let id = fake.arrive(b"one");
    fake.world().transfers[0].resource_id = "other".into();
    let walk = look(&fake, &shelf).await.unwrap();
    assert_eq!(walk.left, [(id, Left::OtherResource)]);
    assert_eq!(walk.round(), Round::Nothing);
    assert_eq!(shelf.contents(), [Content::OtherResource("other".into())]);
    assert_eq!(
        status_of(&fake, id),
        Some(RecipientStatus::Initialized),
        "neither fetched nor confirmed"
    );
}

#[tokio::test]
async fn what_cannot_be_kept_stays_and_the_others_go_on() {
    let (fake, shelf) = (Fake::new(), Shelf::default());
    let ids = [fake.arrive(b"one"), fake.arrive(b"two")];
    let this = NotKept::This("not now".into());
    *shelf.refuses.lock().unwrap() = Some(this.clone());
    let walk = look(&fake, &shelf).await.unwrap();
    assert_eq!(walk.left, ids.map(|id| (id, Left::NotKept(this.clone()))));
    assert_eq!(walk.round(), Round::Failed(None));
    *shelf.refuses.lock().unwrap() = None;
    assert_eq!(look(&fake, &shelf).await.unwrap().confirmed.len(), 2);
}

#[tokio::test]
async fn nothing_is_fetched_while_nothing_can_be_kept() {
    let (fake, shelf) = (Fake::new(), Shelf::default());
    (0..5).for_each(|_| arrive(&fake));
    *shelf.refuses.lock().unwrap() = Some(NotKept::Nothing("the journal is full".into()));
    let walk = look(&fake, &shelf).await.unwrap();
    assert_eq!((walk.left.len(), *shelf.offered.lock().unwrap()), (1, 1));
    assert!(matches!(walk.ended, Some(Left::NotKept(_))));
}

#[tokio::test]
async fn a_damaged_file_is_not_handed_over() {
    let (fake, shelf) = (Fake::new(), Shelf::default());
    let id = fake.arrive(b"one");
    fake.world().files.insert(id, b"0ne".to_vec());
    let walk = look(&fake, &shelf).await.unwrap();
    assert_eq!(walk.left, [(id, Left::Altinn(AltinnError::ChecksumMismatch))]);
    assert_eq!(*shelf.offered.lock().unwrap(), 0);
}

#[tokio::test]
async fn altinn_is_left_alone_when_it_asks_for_that_or_cannot_answer() {
    let asked = Some(Duration::from_secs(30));
    let busy = AltinnError::Retry { after: asked, why: "429".into() };
    let fake = Fake::scripted([(2, Fate::Answered(busy))]);
    (0..5).for_each(|_| arrive(&fake));
    let walk = look(&fake, &Shelf::default()).await.unwrap();
    assert_eq!((walk.left.len(), walk.round()), (1, Round::Failed(asked)));

    let fake = Fake::scripted((2..20).map(|number| (number, Fate::Lost)));
    (0..9).for_each(|_| arrive(&fake));
    let walk = look(&fake, &Shelf::default()).await.unwrap();
    assert_eq!((walk.left.len(), walk.round()), (MOST_FAILURES, Round::Failed(None)));

    let fake = Fake::scripted([(0, Fate::Lost)]);
    assert_eq!(look(&fake, &Shelf::default()).await.unwrap().round(), Round::Failed(None));
}

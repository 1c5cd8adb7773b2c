//! One reference is published once, wherever and however often its sending is cut off.

use super::super::fake::{Fake, Fate, Still, parcel_for, receiver};
use super::*;

const REFERENCE: &str = "0b1d1d7e-5c1f-4a6e-9d0b-3f6a1e2c4b5d";

const PATIENCE: Patience = Patience {
    first: Duration::from_millis(500),
    longest: Duration::from_secs(10),
    list_lag: Duration::from_secs(5),
    within: Duration::from_secs(40),
};

fn parcel() -> Parcel {
    parcel_for(receiver(), REFERENCE, b"zip")
}

/// One attempt; `None` when its process died in it.
async fn attempt(fake: &Fake, sending: &mut Sending) -> Option<Result<TransferId, AltinnError>> {
    let parcel = parcel();
    tokio::select! {
        biased;
        () = fake.cut.notified() => None,
        result = send(fake, &Still, sending, &parcel, &PATIENCE) => Some(result),
    }
}

/// Attempts until one succeeds. A process that dies forgets; one that lives may remember or not.
async fn attempts(
    fake: &Fake,
    mut sending: Sending,
    remembers: bool,
) -> Result<TransferId, AltinnError> {
    for _ in 0..12 {
        match attempt(fake, &mut sending).await {
            Some(Err(error)) if error.is_passing() && remembers => {}
            Some(Err(error)) if error.is_passing() => sending = Sending::again(Still.now()),
            Some(result) => return result,
            None => sending = Sending::again(Still.now()),
        }
    }
    Err(AltinnError::passing("twelve attempts were not enough"))
}

fn fates() -> Vec<Fate> {
    let answered = |why: &str| Fate::Answered(AltinnError::passing(why));
    vec![
        Fate::Lost,
        Fate::Unanswered,
        Fate::Late(1),
        Fate::Late(2),
        Fate::Late(5),
        Fate::Cut { after: false },
        Fate::Cut { after: true },
        answered("503"),
    ]
}

#[tokio::test(start_paused = true)]
async fn nothing_lost_is_four_calls() {
    let fake = Fake::new();
    assert!(attempts(&fake, Sending::new(), true).await.is_ok());
    let log = fake.log.lock().unwrap().clone();
    assert_eq!(log, ["initialise", "upload", "overview", "overview"]);
}

#[tokio::test(start_paused = true)]
async fn cut_off_anywhere_twice_a_file_is_published_once() {
    let (mut tried, mut with_two_transfers) = (0, 0);
    for first in 0..8 {
        for second in first + 1..18 {
            for (one, other) in fates()
                .into_iter()
                .flat_map(|one| fates().into_iter().map(move |two| (one.clone(), two)))
            {
                for remembers in [true, false] {
                    let script = [(first, one.clone()), (second, other.clone())];
                    let told = format!("{script:?}, remembers: {remembers}");
                    let fake = Fake::scripted(script);
                    let sent = attempts(&fake, Sending::new(), remembers).await;
                    let sent = sent.unwrap_or_else(|error| panic!("{told}: {error}"));
                    assert_eq!(fake.world().files.get(&sent).map(Vec::len), Some(3), "{told}");
                    fake.settle();
                    assert_eq!(fake.published(REFERENCE), 1, "{told}: {:?}", fake.log);
                    // The process dies before it has noted that the file is sent.
                    let again = Sending::again(Still.now());
                    let again = attempts(&fake, again, remembers).await;
                    assert_eq!(again, Ok(sent), "{told}");
                    fake.settle();
                    assert_eq!(fake.published(REFERENCE), 1, "{told}");
                    tried += 1;
                    with_two_transfers += usize::from(fake.world().transfers.len() > 1);
                }
            }
        }
    }
    assert!(tried > 10_000, "{tried}");
    assert!(with_two_transfers > 100, "late calls do make second transfers: {with_two_transfers}");
}

#[tokio::test(start_paused = true)]
async fn cut_off_three_times_at_random_a_file_is_published_once() {
    let fates = fates();
    for seed in 0_usize..20_000 {
        let draw = |salt: usize, below: usize| {
            let mixed = (seed * 31 + salt).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            (mixed >> 32) % below
        };
        let script: Vec<_> = (0..3)
            .map(|turn| (draw(turn, 20), fates[draw(turn + 10, fates.len())].clone()))
            .collect();
        let fake = Fake::scripted(script.clone());
        fake.world().lag = Duration::from_millis(draw(99, 5000) as u64);
        let sent = attempts(&fake, Sending::new(), seed % 2 == 0).await;
        fake.settle();
        assert!(sent.is_ok() && fake.published(REFERENCE) == 1, "{script:?}: {sent:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_looking_first_two_are_published() {
    // What the tests above would see if a sending forgot that it may have been begun.
    let fake = Fake::scripted([(2, Fate::Cut { after: true })]);
    assert_eq!(attempt(&fake, &mut Sending::new()).await, None);
    assert!(attempt(&fake, &mut Sending::new()).await.unwrap().is_ok());
    fake.settle();
    assert_eq!(fake.published(REFERENCE), 2);
}

#[tokio::test(start_paused = true)]
async fn a_scan_that_takes_long_is_followed_by_the_next_attempt() {
    let fake = Fake::new();
    fake.world().holds_scans = true;
    let mut sending = Sending::new();
    let first = attempt(&fake, &mut sending).await.unwrap();
    assert!(matches!(first, Err(AltinnError::Retry { .. })), "{first:?}");
    assert!(fake.log.lock().unwrap().len() < 12, "looks grow rarer");
    fake.world().holds_scans = false;
    let sent = attempt(&fake, &mut sending).await.unwrap();
    assert_eq!(sent.ok(), sending.found());
    assert_eq!((fake.published(REFERENCE), fake.world().transfers.len()), (1, 1));
}

#[rstest::rstest]
#[case::aborted("File upload failed and was aborted", true)]
#[case::stuck("stuck in UploadStarted as it failed upload mid-request", true)]
#[case::checksum("Checksum mismatch", true)]
#[case::malware("Malware scan: malicious content", false)]
#[case::infected("Upload infected", false)]
#[case::untold("", false)]
#[tokio::test(start_paused = true)]
async fn a_failed_transfer_is_made_again_only_if_the_failure_was_technical(
    #[case] text: &str,
    #[case] technical: bool,
) {
    let fake = Fake::new();
    fake.world().holds_scans = true;
    let mut sending = Sending::new();
    assert!(attempt(&fake, &mut sending).await.unwrap().is_err());
    let id = sending.found().unwrap();
    {
        let mut world = fake.world();
        world.take(id, TransferStatus::Failed);
        world.transfers[0].status_text = text.to_owned();
        world.holds_scans = false;
    }
    let then = attempt(&fake, &mut sending).await.unwrap();
    assert_eq!(then.as_ref().is_err_and(AltinnError::is_passing), technical, "{then:?}");
    if technical {
        let sent = attempt(&fake, &mut sending).await.unwrap().unwrap();
        assert_ne!(sent, id);
        assert_eq!(fake.published(REFERENCE), 1);
    }
}

#[rstest::rstest]
#[case::published_before(true)]
#[case::never_published(false)]
#[tokio::test(start_paused = true)]
async fn a_deleted_transfer_counts_if_it_was_published(#[case] published: bool) {
    let fake = Fake::new();
    let id = fake.world().make(&parcel(), &super::super::fake::organisation());
    if published {
        fake.world().take(id, TransferStatus::Published);
    }
    fake.world().take(id, TransferStatus::Purged);
    let sent = attempt(&fake, &mut Sending::again(Still.now())).await.unwrap().unwrap();
    assert_eq!(sent == id, published);
    assert_eq!(fake.published(REFERENCE), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_ends_the_sending_and_leaves_no_doubt() {
    let refused = AltinnError::Refused("400".into());
    let fake = Fake::scripted([(0, Fate::Answered(refused.clone()))]);
    let mut sending = Sending::new();
    assert_eq!(attempt(&fake, &mut sending).await, Some(Err(refused)));
    assert_eq!(sending.next(), Step::Initialise, "nothing was made, so nothing is looked for");
}

#[tokio::test(start_paused = true)]
async fn anothers_transfer_is_not_taken_for_ours() {
    let fake = Fake::new();
    let mine = super::super::fake::organisation();
    fake.world().make(&parcel_for(receiver(), "another reference", b"x"), &mine);
    let foreign = fake.world().make(&parcel(), &receiver());
    let sent = attempt(&fake, &mut Sending::again(Still.now())).await.unwrap().unwrap();
    assert_ne!(sent, foreign);
    assert_eq!(fake.world().transfers.len(), 3);
}

#[test]
fn all_choose_the_same() {
    let time = |second: i64| Timestamp::from_second(second).ok();
    let id = |number| TransferId::from_uuid(uuid::Uuid::from_u128(number));
    let own = |number, made, standing| Own { id: id(number), created: time(made), standing };
    let dead = own(1, 1, Standing::Dead);
    let (early, late) = (own(9, 2, Standing::Empty), own(2, 3, Standing::Empty));
    let underway = own(7, 8, Standing::Underway);
    let published = own(8, 9, Standing::Published);
    let choose = |own: &[&Own]| {
        let there: Vec<Own> = own.iter().map(|one| (*one).clone()).collect();
        let back: Vec<Own> = there.iter().rev().cloned().collect();
        assert_eq!(chosen(&there), chosen(&back), "whatever the order of the list");
        chosen(&there)
    };
    assert_eq!(choose(&[]), None);
    assert_eq!(choose(&[&dead]), None);
    assert_eq!(choose(&[&dead, &late, &early]), Some(At::Empty(early.id)));
    assert_eq!(choose(&[&late, &underway, &early]), Some(At::Underway(underway.id)));
    assert_eq!(choose(&[&underway, &published, &early]), Some(At::Published(published.id)));
}

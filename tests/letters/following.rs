//! What becomes of replayed letters, to the answer.

use innfri::letters::{Ended, Pace};
use innfri::port::letters::{Fate, LetterState};
use tokio_util::sync::CancellationToken;

use crate::bench::{Bench, directory, everybody, forwarded, pace, request};

pub async fn a_fate_is_followed_to_the_answer(bench: Bench) {
    let unknown = bench.take(request(1, "megler"), &directory(&[])).await.dead_letters[0].id;
    bench.take(request(2, "megler"), &everybody()).await;
    let given_up = bench.give_up(&forwarded(2)).await.id;
    bench.deliver().await;
    let (run, _) = bench.replay(&[unknown, given_up]).await;
    assert_eq!(bench.run(&run).await.fates, [(Fate::Owed, 2)]);

    bench.deliver().await;
    bench.desk.letters.follow(bench.now()).await.unwrap();
    assert_eq!(bench.run(&run).await.fates, [(Fate::Sent, 2)]);
    assert_eq!(bench.letter(&unknown).await.state, LetterState::Replayed);

    for number in [1, 2] {
        bench.answer(number, &forwarded(number)).await;
    }
    bench.desk.letters.follow(bench.now()).await.unwrap();
    assert_eq!(bench.run(&run).await.fates, [(Fate::Answered, 2)]);
    let replay = bench.desk.letters.replays(&unknown).await.unwrap().remove(0);
    assert_eq!((replay.delivery, replay.operator.as_str()), (Some(forwarded(1)), "kari"));
    assert!(bench.open_letters().await.is_empty());
}

pub async fn a_delivery_that_is_given_up_again_has_failed_again(bench: Bench) {
    bench.take(request(1, "megler"), &everybody()).await;
    let id = bench.give_up(&forwarded(1)).await.id;
    for time in 1..=2 {
        let (run, _) = bench.replay(&[id]).await;
        assert_eq!(bench.letter(&id).await.state, LetterState::Replaying);
        bench.give_up(&forwarded(1)).await;
        bench.desk.letters.follow(bench.now()).await.unwrap();
        assert_eq!(bench.run(&run).await.fates, [(Fate::FailedAgain, 1)]);
        let record = bench.letter(&id).await;
        assert_eq!((record.state, record.failures), (LetterState::FailedAgain, time));
        assert_eq!(bench.desk.letters.came_back(&run).await.unwrap().len(), 1);
    }
}

pub async fn a_step_waits_until_its_letters_are_sent(bench: Bench) {
    let mut ids = Vec::new();
    for number in 0..4 {
        let decision = bench.take(request(number, "megler"), &directory(&[])).await;
        ids.push(decision.dead_letters[0].id);
    }
    let run = bench.begin(&ids).await;
    let stop = CancellationToken::new();
    let steps = Pace { steps: "1,all".parse().unwrap(), ..pace() };
    let ended = bench.desk.work(&run, &steps, &stop, &mut |_| {}).await.unwrap();
    let Ended::Stopped(why) = ended else { panic!("{ended:?}") };
    assert!(why.contains("innfri serve"), "{why}");
    assert_eq!(bench.deliver().await.len(), 1);

    // Somebody serves now.
    let patient = Pace { patience: std::time::Duration::from_secs(60), ..steps };
    let done = CancellationToken::new();
    let mut nothing = |_: &innfri::letters::Progress| {};
    let serving = async {
        while !done.is_cancelled() {
            bench.deliver().await;
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let working = async {
        let ended = bench.desk.work(&run, &patient, &stop, &mut nothing).await.unwrap();
        done.cancel();
        ended
    };
    let (ended, ()) = tokio::join!(working, serving);
    assert_eq!(ended, Ended::Finished);
    bench.deliver().await;
    bench.desk.letters.follow(bench.now()).await.unwrap();
    assert_eq!(bench.run(&run).await.fates, [(Fate::Sent, 4)]);
}

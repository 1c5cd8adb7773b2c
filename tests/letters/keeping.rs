//! Finding, noting, discarding and correcting.

use innfri::case::DeadReason;
use innfri::letters::edit::{Correction, EditError, corrected, patched};
use innfri::port::letters::{ActionFilter, ActionKind, GroupNote, LetterFilter, LetterState};
use jiff::SignedDuration;

use crate::bench::{Bench, answer, bank, directory, everybody, request};
use crate::messages;

pub async fn letters_are_grouped_with_their_share_of_the_traffic(bench: Bench) {
    for number in 0..3 {
        bench.take(request(number, "stranger"), &everybody()).await;
    }
    bench.take(request(10, "megler"), &everybody()).await;
    bench.clock.advance(10);
    bench.broker_death(20).await;
    for number in 30..33 {
        bench.take(request(number, "megler"), &everybody()).await;
    }
    let groups = bench.desk.groups().await.unwrap();
    let told: Vec<(&str, u64, u64)> =
        groups.iter().map(|group| (group.signature.as_str(), group.count, group.new)).collect();
    let died = "BROKER_DEATH/delivery_limit broker NO:918190937 no.dsve.restgjeldsforespoersel.v1";
    let unknown = "UNKNOWN_SENDER intake - no.dsve.restgjeldsforespoersel.v1";
    assert_eq!(told, [(unknown, 3, 3), (died, 1, 1)]);
    let share = &groups[1].banks[0];
    assert_eq!((&share.bank, share.letters, share.per_mille), (&bank(), 1, 250));

    // A replay began: what comes after it is new.
    let ids = bench.open_letters().await;
    bench.begin(&ids).await;
    bench.clock.advance(10);
    bench.broker_death(21).await;
    let groups = bench.desk.groups().await.unwrap();
    let died = groups.iter().find(|group| group.signature == died).unwrap();
    assert_eq!((died.count, died.new), (2, 1));
    assert!(died.replayed_at.is_some());
}

pub async fn each_part_of_a_filter_narrows(bench: Bench) {
    bench.take(request(1, "stranger"), &everybody()).await;
    bench.clock.advance(100);
    let middle = jiff::Timestamp::from_second(1_780_000_050).unwrap();
    let died = bench.broker_death(2).await;
    let filter = LetterFilter::default();
    let cases = [
        (LetterFilter { reason: Some(DeadReason::BrokerDeath), ..filter.clone() }, 1),
        (LetterFilter { reason: Some(DeadReason::UnknownCase), ..filter.clone() }, 0),
        (LetterFilter { bank: Some(bank()), ..filter.clone() }, 1),
        (LetterFilter { message_type: Some(messages::RESTGJELD.into()), ..filter.clone() }, 2),
        (LetterFilter { reference: Some(messages::reference(2)), ..filter.clone() }, 1),
        (LetterFilter { signature: Some(died.signature()), ..filter.clone() }, 1),
        (LetterFilter { since: Some(died.at), ..filter.clone() }, 1),
        (LetterFilter { before: Some(middle), ..filter.clone() }, 1),
        (LetterFilter { states: vec![LetterState::Parked], ..filter.clone() }, 2),
        (LetterFilter { states: vec![LetterState::Replayed], ..filter.clone() }, 0),
        (LetterFilter { limit: 1, ..filter.clone() }, 1),
        (LetterFilter { ids: vec![died.id], ..filter.clone() }, 1),
    ];
    for (filter, expected) in cases {
        let listed = bench.desk.letters.list(&filter).await.unwrap();
        let selected = bench.desk.letters.select(&filter).await.unwrap();
        assert_eq!((listed.len(), selected.len()), (expected, expected), "{filter:?}");
    }
}

pub async fn a_note_stays_with_its_group(bench: Bench) {
    let died = bench.broker_death(1).await;
    let note = |owner: Option<&str>, note: Option<&str>| GroupNote {
        signature: died.signature(),
        owner: owner.map(str::to_owned),
        note: note.map(str::to_owned),
        at: bench.now(),
        operator: "kari".into(),
    };
    let action = bench.action(ActionKind::Noted);
    bench.desk.letters.note(&note(Some("ola"), None), &action).await.unwrap();
    bench.desk.letters.note(&note(None, Some("sak 17")), &action).await.unwrap();
    let group = bench.desk.groups().await.unwrap().remove(0);
    assert_eq!((group.owner.as_deref(), group.note.as_deref()), (Some("ola"), Some("sak 17")));
}

pub async fn a_discarded_letter_is_hidden_until_it_is_restored_or_purged(bench: Bench) {
    let died = bench.broker_death(1).await;
    let kept = bench.broker_death(2).await;
    let letters = &bench.desk.letters;
    let action = bench.action(ActionKind::Discarded);
    let purge_at = action.at.checked_add(SignedDuration::from_secs(60)).unwrap();
    let hidden = letters.discard(&[died.id, kept.id], purge_at, &action).await.unwrap();
    assert_eq!(hidden.len(), 2);
    assert!(bench.desk.groups().await.unwrap().is_empty());
    assert_eq!(bench.letter(&died.id).await.purge_at, Some(purge_at));
    assert!(letters.discard(&[died.id], purge_at, &action).await.unwrap().is_empty());

    let restored = letters.restore(&[kept.id], &bench.action(ActionKind::Restored)).await.unwrap();
    assert_eq!(restored, [kept.id]);
    assert_eq!(bench.open_letters().await, [kept.id]);
    assert_eq!(letters.purge(&bench.action(ActionKind::Purged)).await.unwrap(), 0);
    bench.clock.advance(61);
    assert_eq!(letters.purge(&bench.action(ActionKind::Purged)).await.unwrap(), 1);
    assert!(letters.fetch(&[died.id]).await.unwrap().is_empty());

    let of_it = ActionFilter { letter: Some(died.id), ..ActionFilter::default() };
    let kinds: Vec<ActionKind> =
        letters.actions(&of_it).await.unwrap().iter().map(|action| action.kind).collect();
    assert_eq!(kinds, [ActionKind::Purged, ActionKind::Discarded]);
}

pub async fn a_discarded_letter_that_comes_again_is_open_again(bench: Bench) {
    let died = bench.broker_death(1).await;
    let action = bench.action(ActionKind::Discarded);
    bench.desk.letters.discard(&[died.id], action.at, &action).await.unwrap();
    bench.broker_death(1).await;
    let record = bench.letter(&died.id).await;
    assert_eq!((record.state, record.times, record.purge_at), (LetterState::Parked, 2, None));
}

pub async fn actions_are_never_changed(bench: Bench) {
    let action = bench.action(ActionKind::Revealed);
    bench.desk.letters.record(std::slice::from_ref(&action)).await.unwrap();
    assert!(bench.raw("UPDATE operator_actions SET operator = 'ola'").await.is_err());
    assert!(bench.raw("DELETE FROM operator_actions").await.is_err());
    let found = bench.desk.letters.actions(&ActionFilter::default()).await.unwrap();
    assert_eq!(found, [action]);
}

/// A message that is refused for its message id, which was used before.
async fn reused(bench: &Bench) -> innfri::case::DeadLetter {
    bench.take(request(1, "megler"), &everybody()).await;
    let other = innfri::kernel::Incoming {
        message_id: Some(messages::message_id(1)),
        ..request(2, "megler")
    };
    bench.take(other, &everybody()).await.dead_letters.remove(0)
}

pub async fn a_corrected_copy_takes_the_place_of_its_original(bench: Bench) {
    let original = reused(&bench).await;
    bench.deliver().await;
    let patch = br#"[{"op":"replace","path":"/avsender/referanse","value":"RETTET-2"}]"#;
    let body = patched(&original.body, patch).unwrap();
    let record = bench.letter(&original.id).await;
    let correction = Correction { body, ..Correction::default() };
    let now = bench.now();
    let copy = corrected(&record, &correction, &bench.desk.contract, &bench.check(), now).unwrap();
    assert_ne!(copy.message_id, original.message_id);
    let action = bench.action(ActionKind::Edited);
    assert!(bench.desk.letters.keep_edit(&original.id, &copy, &action).await.unwrap());
    assert!(!bench.desk.letters.keep_edit(&original.id, &copy, &action).await.unwrap());

    let (before, after) = (bench.letter(&original.id).await, bench.letter(&copy.id).await);
    assert_eq!((before.state, before.edited_to), (LetterState::Edited, Some(copy.id)));
    assert_eq!(before.letter.body, original.body);
    assert_eq!((after.state, after.edited_from), (LetterState::Parked, Some(original.id)));

    let (_, ended) = bench.replay(&[original.id, copy.id]).await;
    assert_eq!(ended, innfri::letters::Ended::Finished);
    let due = bench.due().await;
    assert_eq!(due.len(), 1);
    assert!(String::from_utf8_lossy(&due[0].delivery.body.json).contains("RETTET-2"));
}

pub async fn a_correction_that_does_not_pass_is_not_kept(bench: Bench) {
    let original = reused(&bench).await;
    let record = bench.letter(&original.id).await;
    let patch = br#"[{"op":"remove","path":"/avsender"}]"#;
    let body = patched(&original.body, patch).unwrap();
    let correction = Correction { body, ..Correction::default() };
    let correct = |record, correction: &Correction| {
        corrected(record, correction, &bench.desk.contract, &bench.check(), bench.now())
    };
    let refused = correct(&record, &correction).unwrap_err();
    assert!(matches!(refused, EditError::Findings(findings) if !findings.is_empty()));
    let same = Correction { body: original.body.clone(), ..Correction::default() };
    assert!(matches!(correct(&record, &same).unwrap_err(), EditError::Same));
    // A delivery carries what was accepted.
    let given_up = bench.give_up(&crate::bench::forwarded(1)).await;
    let record = bench.letter(&given_up.id).await;
    assert!(matches!(correct(&record, &correction).unwrap_err(), EditError::Delivery(_)));
    // Nobody's answer, by a directory in which the bank is a stranger.
    let nobody = directory(&[]);
    bench.take(answer(9, "no case"), &nobody).await;
    assert_eq!(bench.letter(&original.id).await.state, LetterState::Parked);
}

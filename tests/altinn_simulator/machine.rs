//! The status machine under arbitrary calls: it goes forward only, and a recipient's side as well.

use std::collections::BTreeMap;

use axum::body::Bytes;
use innfri::altinn_simulator::transfer::{Announcement, RecipientStatus, Status, Transfer};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use uuid::Uuid;

use crate::caller::{AGENT, BANK, OTHER, organisation};

#[derive(Debug, Clone, Copy)]
enum Call {
    Step(Status),
    Download(usize),
    Confirm(usize),
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        prop::sample::select(Status::ALL.to_vec()).prop_map(Call::Step),
        (0..3_usize).prop_map(Call::Download),
        (0..3_usize).prop_map(Call::Confirm),
    ]
}

/// How far along the way from `Initialized` a status is; ends come last.
fn rank(status: Status) -> usize {
    Status::ALL.iter().position(|one| *one == status).unwrap()
}

fn announced() -> Transfer {
    let said = Announcement {
        resource: "r".to_owned(),
        file_name: "f".to_owned(),
        reference: "s".to_owned(),
        checksum: None,
        virus_scan: true,
        sender: organisation(AGENT),
        recipients: vec![organisation(BANK), organisation(OTHER)],
        properties: BTreeMap::new(),
    };
    Transfer::new(Uuid::nil(), said, Timestamp::UNIX_EPOCH, Timestamp::MAX)
}

proptest! {
    #[test]
    fn nothing_goes_backwards_and_a_refused_call_changes_nothing(
        calls in prop::collection::vec(call(), 0..60),
    ) {
        let who = [BANK, OTHER, AGENT].map(organisation);
        let mut transfer = announced();
        transfer.bytes = Some(Bytes::from_static(b"a"));
        for (second, call) in calls.into_iter().enumerate() {
            let at = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second as i64 + 1);
            let before = transfer.clone();
            let done = match call {
                Call::Step(status) => transfer.step(status, "", at).is_ok(),
                Call::Download(one) => transfer.download(&who[one], at).is_ok(),
                Call::Confirm(one) => transfer.confirm(&who[one], at).is_ok(),
            };
            prop_assert!(rank(transfer.status()) >= rank(before.status()));
            for (now, then) in transfer.recipients().iter().zip(before.recipients()) {
                prop_assert!(now.status >= then.status);
            }
            if !done {
                prop_assert_eq!(transfer.history(), before.history());
                prop_assert_eq!(transfer.recipient_history(), before.recipient_history());
            }
            let gone = matches!(transfer.status(), Status::Purged | Status::Cancelled | Status::Failed);
            prop_assert_eq!(transfer.bytes.is_none(), gone);
            let all = transfer.recipients().iter()
                .all(|one| one.status == RecipientStatus::DownloadConfirmed);
            let confirmed = before.status() == Status::Published && all;
            prop_assert!(!confirmed || transfer.status() != Status::Published);
        }
        let times: Vec<Timestamp> = transfer.history().iter().map(|change| change.at).collect();
        prop_assert!(times.is_sorted());
    }
}

#[test]
fn the_way_of_a_file_is_open_and_ways_back_are_closed() {
    use Status::*;
    let way =
        [Initialized, UploadStarted, UploadProcessing, Published, AllConfirmedDownloaded, Purged];
    for pair in way.windows(2) {
        assert!(pair[0].leads_to(pair[1]), "{pair:?}");
    }
    for from in Status::ALL {
        for to in Status::ALL {
            assert!(!from.leads_to(to) || rank(from) < rank(to), "{from:?} {to:?}");
        }
    }
    for end in [Purged, Cancelled, Failed] {
        assert!(Status::ALL.iter().all(|to| !end.leads_to(*to)));
    }
}

//! Puts a directory together: the file says who is reached from here, AKELDO who is reached through Altinn.
//!
//! Pure. The file wins: an organisation that it lists is as the file says, whatever AKELDO says of it.

use std::collections::BTreeSet;

use super::akeldo::{Entry, ListedRole};
use crate::contract::{Direction, MessageType};
use crate::directory::{
    DeliveryPolicy, Directory, DirectoryError, Handler, Operator, Participant, Role,
};

/// Files on their way to one receiver at the same time: each waits for Altinn's virus scan, and the slowest of
/// a group holds up the next group.
const AT_ONCE: usize = 16;

/// The directory of a file and of what AKELDO lists.
///
/// # Errors
/// When the two do not hold together. For a directory that holds together by itself this does not happen:
/// what AKELDO lists has no register numbers, and nobody speaks for it.
pub fn merge(file: &Directory, listed: &[Entry]) -> Result<Directory, Vec<DirectoryError>> {
    let own = file.participants().map(|participant| (**participant).clone());
    let mut taken = BTreeSet::new();
    let others = listed
        .iter()
        .filter(|entry| file.participant(&entry.id).is_none() && taken.insert(&entry.id))
        .filter_map(participant);
    let operators: Vec<Operator> = file.operators().cloned().collect();
    Directory::new(own.chain(others).collect(), operators)
}

/// The participant that an entry stands for, reached through Altinn. `None` for an organisation that takes
/// no part in what innfri carries: it is neither bank nor estate agency.
///
/// It has no register numbers, since AKELDO tells none; what becomes of its accounts, the payment guard
/// decides.
pub fn participant(entry: &Entry) -> Option<Participant> {
    let sends = requests(&entry.sends);
    let receives = requests(&entry.receives);
    let role = match &entry.role {
        Some(ListedRole::Bank) => Role::Bank,
        Some(ListedRole::EstateAgency) => Role::EstateAgency,
        Some(ListedRole::Other(_)) => return None,
        // Requests go to banks alone (DSVE functional description, *Forutsetninger*), and are answered by
        // banks alone.
        None if !receives.is_empty() || entry.sends.iter().any(is_answer) => Role::Bank,
        None if !sends.is_empty() => Role::EstateAgency,
        None => return None,
    };
    Some(Participant {
        id: entry.id.clone(),
        name: entry.name.clone().unwrap_or_else(|| entry.id.number().to_owned()),
        role,
        sends,
        receives,
        register_numbers: BTreeSet::new(),
        approved_register_numbers: BTreeSet::new(),
        handler: Handler::Altinn,
        receipts: false,
        delivery: DeliveryPolicy { in_flight: Some(AT_ONCE), ..DeliveryPolicy::default() },
    })
}

/// Rights are for requests: answers and statuses follow the case.
fn requests(types: &BTreeSet<MessageType>) -> BTreeSet<MessageType> {
    types.iter().copied().filter(|kind| kind.direction() == Direction::Request).collect()
}

fn is_answer(kind: &MessageType) -> bool {
    kind.direction() == Direction::Answer
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::kernel::OrganisationId;
    use crate::source::file;

    const RESTGJELD: MessageType = MessageType::Restgjeldsforespoersel;
    const PAYOFF: MessageType = MessageType::Innfrielsessaldoforespoersel;

    fn number(which: u32) -> OrganisationId {
        format!("{:09}", 900_000_000 + which).parse().unwrap()
    }

    fn entry(which: u32, role: Option<ListedRole>) -> Entry {
        Entry {
            id: number(which),
            name: None,
            role,
            sends: BTreeSet::new(),
            receives: BTreeSet::new(),
            unknown: BTreeSet::new(),
        }
    }

    fn own(which: &BTreeSet<u32>) -> Directory {
        let text: String = which
            .iter()
            .map(|which| {
                format!(
                    "[[participant]]\nid = \"{}\"\nname = \"Own {which}\"\nrole = \"bank\"\n\
                     register_numbers = [\"{:04}\"]\n[[operator]]\nlogin = \"o{which}\"\n\
                     name = \"O\"\nspeaks_for = [\"{}\"]\n",
                    number(*which).number(),
                    1000 + which,
                    number(*which).number(),
                )
            })
            .collect();
        file::parse(&text, Path::new("directory.toml")).unwrap()
    }

    fn any_role() -> impl Strategy<Value = Option<ListedRole>> {
        prop_oneof![
            Just(None),
            Just(Some(ListedRole::Bank)),
            Just(Some(ListedRole::EstateAgency)),
            Just(Some(ListedRole::Other("Kommune".into()))),
        ]
    }

    fn any_types() -> impl Strategy<Value = BTreeSet<MessageType>> {
        proptest::sample::subsequence(MessageType::ALL.to_vec(), 0..=4)
            .prop_map(|types| types.into_iter().collect())
    }

    prop_compose! {
        fn any_entry()(
            which in 0_u32..40, role in any_role(), sends in any_types(), receives in any_types(),
        ) -> Entry {
            Entry { sends, receives, ..entry(which, role) }
        }
    }

    proptest! {
        #[test]
        fn the_file_wins_and_nobody_is_listed_twice(
            file in proptest::collection::btree_set(0_u32..40, 0..12),
            listed in proptest::collection::vec(any_entry(), 0..60),
        ) {
            let own = own(&file);
            let merged = merge(&own, &listed).unwrap();
            for participant in own.participants() {
                prop_assert_eq!(merged.participant(&participant.id), Some(participant));
            }
            prop_assert!(own.operators().eq(merged.operators()));
            let numbers: Vec<_> = merged.participants().map(|one| one.id.clone()).collect();
            let different: BTreeSet<_> = numbers.iter().collect();
            prop_assert_eq!(different.len(), numbers.len());
            for participant in merged.participants() {
                if own.participant(&participant.id).is_some() {
                    continue;
                }
                let first = listed.iter().find(|entry| entry.id == participant.id).unwrap();
                prop_assert_eq!(&participant.handler, &Handler::Altinn);
                prop_assert!(participant.register_numbers.is_empty());
                prop_assert!(participant.approved_register_numbers.is_empty());
                prop_assert!(participant.sends.is_subset(&first.sends));
                prop_assert!(participant.receives.is_subset(&first.receives));
                prop_assert!(merged.participants().filter(|p| p.id == first.id).count() == 1);
                let only_requests = |types: &BTreeSet<MessageType>| {
                    types.iter().all(|kind| kind.direction() == Direction::Request)
                };
                prop_assert!(only_requests(&participant.sends));
                prop_assert!(only_requests(&participant.receives));
            }
        }

        #[test]
        fn nothing_from_akeldo_changes_nothing(
            file in proptest::collection::btree_set(0_u32..40, 0..12),
        ) {
            let own = own(&file);
            prop_assert_eq!(merge(&own, &[]).unwrap(), own);
        }
    }

    #[test]
    fn a_role_that_is_not_told_follows_from_the_lists() {
        let role = |entry: &Entry| participant(entry).map(|found| found.role);
        let untold = entry(1, None);
        assert_eq!(role(&untold), None);
        let takes = Entry { receives: [RESTGJELD].into(), ..untold.clone() };
        assert_eq!(role(&takes), Some(Role::Bank));
        let answers = Entry { sends: [MessageType::Restgjeldssvar].into(), ..untold.clone() };
        assert_eq!(role(&answers), Some(Role::Bank));
        let asks = Entry { sends: [PAYOFF].into(), ..untold };
        assert_eq!(role(&asks), Some(Role::EstateAgency));
        let other = Entry { role: Some(ListedRole::Other("Kommune".into())), ..takes };
        assert_eq!(role(&other), None);
    }

    #[test]
    fn a_participant_without_a_name_goes_by_its_number() {
        let bank = entry(7, Some(ListedRole::Bank));
        assert_eq!(participant(&bank).unwrap().name, "900000007");
        let named = Entry { name: Some("Testvik Sparebank".into()), ..bank };
        assert_eq!(participant(&named).unwrap().name, "Testvik Sparebank");
    }
}

//! Groups: letters that failed for the same reason, with the banks that they touch. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::contract::{Direction, MessageType};
use crate::kernel::OrganisationId;
use crate::port::letters::{GroupNote, LetterCount};

/// Open letters with one signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What they have in common.
    pub signature: String,
    /// How many there are.
    pub count: u64,
    /// How many came after the group's last replay began.
    pub new: u64,
    /// When the first was given up.
    pub first_at: Timestamp,
    /// When the last was given up.
    pub last_at: Timestamp,
    /// When the group's last replay began.
    pub replayed_at: Option<Timestamp>,
    /// The banks that it touches.
    pub banks: Vec<BankShare>,
    /// Who takes care of it.
    pub owner: Option<String>,
    /// What is known about it.
    pub note: Option<String>,
}

/// A group's part in the traffic of a bank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BankShare {
    /// The bank.
    pub bank: OrganisationId,
    /// Letters of the group.
    pub letters: u64,
    without_case: u64,
    /// Of a thousand messages of the bank since the group's first letter, so many are letters of the
    /// group.
    pub per_mille: u64,
}

impl BankShare {
    /// Takes in how many cases the bank has had since the group's first letter. Letters that belong to
    /// no case are traffic beside these.
    pub fn measure(&mut self, cases: u64) {
        let all = cases.saturating_add(self.without_case).max(self.letters).max(1);
        self.per_mille = self.letters.saturating_mul(1000) / all;
    }
}

/// The bank that a letter is about: whom a question is for, whom an answer is from.
fn bank_of(count: &LetterCount) -> Option<&OrganisationId> {
    let kind = count.message_type.as_deref().and_then(|name| name.parse::<MessageType>().ok());
    match kind.map(MessageType::direction) {
        Some(Direction::Answer | Direction::Status) => count.from.as_ref(),
        Some(Direction::Request | Direction::Notice) | None => count.to.as_ref(),
    }
}

/// Folds counts into groups, the largest first. Shares are not measured yet.
pub fn fold(counts: &[LetterCount], notes: &[GroupNote]) -> Vec<Group> {
    let mut groups: BTreeMap<&str, Group> = BTreeMap::new();
    for count in counts {
        let group = groups.entry(&count.signature).or_insert_with(|| {
            let note = notes.iter().find(|note| note.signature == count.signature);
            Group {
                signature: count.signature.clone(),
                count: 0,
                new: 0,
                first_at: count.first_at,
                last_at: count.last_at,
                replayed_at: count.replayed_at,
                banks: Vec::new(),
                owner: note.and_then(|note| note.owner.clone()),
                note: note.and_then(|note| note.note.clone()),
            }
        });
        group.count += count.open;
        group.new += count.new;
        group.first_at = group.first_at.min(count.first_at);
        group.last_at = group.last_at.max(count.last_at);
        let Some(bank) = bank_of(count) else { continue };
        match group.banks.iter_mut().find(|share| share.bank == *bank) {
            Some(share) => {
                share.letters += count.open;
                share.without_case += count.without_case;
            }
            None => group.banks.push(BankShare {
                bank: bank.clone(),
                letters: count.open,
                without_case: count.without_case,
                per_mille: 0,
            }),
        }
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(signature: &str, from: &str, to: &str, kind: &str, open: u64) -> LetterCount {
        LetterCount {
            signature: signature.into(),
            from: from.parse().ok(),
            to: to.parse().ok(),
            message_type: Some(kind.into()),
            open,
            new: 1,
            without_case: open,
            first_at: Timestamp::UNIX_EPOCH,
            last_at: Timestamp::UNIX_EPOCH,
            replayed_at: None,
        }
    }

    #[test]
    fn the_bank_of_a_question_is_its_receiver_and_of_an_answer_its_sender() {
        let (agent, bank) = ("NO:926018159", "NO:918190937");
        let groups = fold(
            &[
                count("a", agent, bank, "no.dsve.restgjeldsforespoersel.v1", 2),
                count("b", bank, agent, "no.dsve.restgjeldssvar.v1", 5),
                count("a", agent, bank, "no.dsve.innfrielsessaldoforespoersel.v1", 1),
            ],
            &[],
        );
        let told: Vec<(&str, u64, String)> = groups
            .iter()
            .map(|group| (group.signature.as_str(), group.count, group.banks[0].bank.to_string()))
            .collect();
        assert_eq!(told, [("b", 5, bank.to_owned()), ("a", 3, bank.to_owned())]);
        assert_eq!(groups[1].banks.len(), 1);
    }

    #[test]
    fn a_share_is_never_more_than_the_whole() {
        let bank: OrganisationId = "NO:918190937".parse().unwrap();
        let mut share = BankShare { bank, letters: 3, without_case: 0, per_mille: 0 };
        share.measure(1);
        assert_eq!(share.per_mille, 1000);
        share.measure(300);
        assert_eq!(share.per_mille, 10);
    }
}

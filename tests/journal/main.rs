//! What a journal must do, told once and asked of both stores.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops at what it did not expect"
)]

mod auditing;
mod bench;
mod copies;
mod deciding;
mod delivering;
mod keeping;
mod opening;
mod samples;
#[path = "../support/mod.rs"]
mod support;
mod telling;
mod tokens;

/// Makes a test of each behaviour for each store.
macro_rules! on_both_stores {
    ($($module:ident::$behaviour:ident,)+) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $behaviour() {
                    crate::$module::$behaviour(crate::bench::Bench::sqlite().await).await;
                }
            )+
        }
        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $behaviour() {
                    crate::$module::$behaviour(crate::bench::Bench::postgres().await).await;
                }
            )+
        }
    };
}

on_both_stores! {
    auditing::an_untouched_journal_holds,
    auditing::a_changed_event_is_named,
    auditing::an_event_that_cannot_be_read_is_named,
    auditing::a_removed_last_event_is_named,
    auditing::a_removed_event_in_between_is_named,
    auditing::a_last_event_removed_with_its_traces_is_seen_by_the_day,
    auditing::a_removed_case_is_seen_by_the_day,
    auditing::a_removed_day_is_seen_with_a_copy,
    auditing::days_that_were_written_anew_differ_from_the_copy,
    auditing::events_in_another_order_are_named,
    auditing::an_added_event_is_named,
    auditing::events_without_their_case_are_named,
    auditing::a_changed_column_of_a_case_is_named,
    auditing::a_changed_request_is_named,
    auditing::sealed_days_are_chained_and_none_is_left_out,
    auditing::a_sealed_day_is_not_changed_and_gets_no_events,
    auditing::a_journal_that_is_written_meanwhile_holds,
    auditing::many_processes_seal_a_day_once,
    deciding::every_field_of_a_case_is_found_again,
    deciding::a_case_is_found_by_its_delivery_too,
    deciding::a_message_that_was_here_is_recognised,
    deciding::the_same_message_id_of_two_senders_is_two_messages,
    deciding::keys_are_answered_in_their_order,
    deciding::nothing_is_found_for_empty_keys,
    deciding::an_outcome_is_found_again_with_all_its_parts,
    deciding::a_case_that_exists_conflicts_and_leaves_nothing,
    deciding::a_message_that_arrives_twice_conflicts_and_leaves_nothing,
    deciding::a_case_that_moved_on_conflicts_and_leaves_nothing,
    deciding::every_conflict_of_a_group_is_named,
    deciding::two_decisions_about_one_message_conflict_within_a_group,
    deciding::an_empty_group_is_committed,
    deciding::a_decision_without_a_case_is_kept,
    deciding::a_group_of_300_is_committed_whole,
    delivering::a_new_delivery_belongs_to_its_committer_until_the_lease_runs_out,
    delivering::a_claimed_delivery_is_not_claimed_again_until_the_lease_runs_out,
    delivering::a_claimed_delivery_is_complete,
    delivering::a_claim_that_ran_out_counts_as_an_attempt_and_one_given_back_does_not,
    delivering::two_owners_never_share,
    delivering::the_oldest_are_claimed_first,
    delivering::receivers_are_left_out,
    delivering::a_receiver_collects_its_own_and_only_what_is_old_enough,
    delivering::one_delivery_is_found_by_its_id,
    delivering::the_journal_knows_how_large_it_is,
    delivering::what_is_delivered_is_owed_no_longer,
    delivering::what_failed_falls_due_again_with_its_attempts_counted,
    delivering::what_was_postponed_falls_due_without_an_attempt,
    delivering::what_is_delivered_stays_delivered,
    delivering::what_is_given_up_is_owed_no_longer,
    delivering::what_was_delivered_is_not_given_up_and_nobody_is_told_so,
    delivering::a_delivery_that_is_known_stays_as_it_was,
    telling::a_story_is_told_in_order,
    telling::an_unknown_case_has_no_story,
    telling::cases_are_listed_newest_first_and_at_most_so_many,
    telling::each_part_of_a_case_filter_narrows,
    telling::every_field_of_a_dead_letter_is_found_again,
    telling::a_dead_letter_that_comes_again_is_not_doubled,
    telling::a_dead_letter_twice_in_a_group_is_one,
    telling::each_part_of_a_dead_letter_filter_narrows,
    telling::counts_follow_what_happens,
    telling::a_text_with_a_null_character_is_kept,
    telling::a_long_reference_is_kept_and_found,
    keeping::opened_again_a_journal_holds_everything,
    keeping::events_are_never_changed,
    keeping::the_chain_of_events_holds_after_reading,
    keeping::a_row_that_cannot_be_read_is_named,
    keeping::eight_tasks_committing_at_once_lose_nothing,
    keeping::one_of_many_that_change_a_case_at_once_wins,
    keeping::processes_that_start_together_do_not_collide,
    keeping::a_call_that_is_dropped_halfway_leaves_nothing_locked,
    tokens::every_field_of_a_token_is_found_again,
    tokens::a_token_id_that_is_taken_is_not_given_again,
    tokens::tokens_are_listed_oldest_first_for_one_login_or_all,
    tokens::a_token_is_revoked_once_and_stays_so,
    tokens::a_token_is_not_changed_past_its_revocation,
    copies::a_copy_of_a_directory_is_found_again,
    copies::a_newer_copy_takes_the_place_and_an_older_does_not,
}

//! What dead-letter care must do, told once and asked of both stores; then ten thousand letters at
//! once, and the commands.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test stops at what it did not expect"
)]

mod bench;
mod commands;
mod following;
mod keeping;
mod replaying;
mod ten_thousand;

#[allow(dead_code, reason = "these tests use a part of what all share")]
#[path = "../support/messages.rs"]
mod messages;
#[path = "../support/postgres.rs"]
mod postgres_server;

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
    keeping::letters_are_grouped_with_their_share_of_the_traffic,
    keeping::each_part_of_a_filter_narrows,
    keeping::a_note_stays_with_its_group,
    keeping::a_discarded_letter_is_hidden_until_it_is_restored_or_purged,
    keeping::a_discarded_letter_that_comes_again_is_open_again,
    keeping::actions_are_never_changed,
    keeping::a_corrected_copy_takes_the_place_of_its_original,
    keeping::a_correction_that_does_not_pass_is_not_kept,
    replaying::a_plan_says_what_would_happen_and_changes_nothing,
    replaying::a_replayed_message_is_owed_to_whoever_serves,
    replaying::a_replayed_delivery_is_owed_again_as_if_new,
    replaying::what_was_handled_meanwhile_is_skipped,
    replaying::a_letter_is_taken_by_one_run_alone,
    replaying::a_run_stops_when_a_letter_comes_back,
    replaying::a_replay_stands_back_while_live_traffic_waits,
    replaying::an_interrupted_turn_is_not_done_twice,
    replaying::a_run_in_other_hands_is_left_alone,
    replaying::nothing_is_added_for_a_receiver_that_does_not_take_deliveries,
    replaying::an_answer_whose_case_is_known_now_reaches_its_asker,
    following::a_fate_is_followed_to_the_answer,
    following::a_delivery_that_is_given_up_again_has_failed_again,
    following::a_step_waits_until_its_letters_are_sent,
}

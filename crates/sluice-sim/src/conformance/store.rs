//! What every [`Store`](sluice_engine::port::Store) must do.
//!
//! Each case is an async function that takes an empty store and panics when the store is wrong.
//! [`store_conformance!`](crate::store_conformance) makes a test of each.

mod checkpoint;
mod commit;
mod concurrent;
mod event;
mod list;
mod make;
mod prune;

pub use checkpoint::*;
pub use commit::*;
pub use concurrent::*;
pub use event::*;
pub use list::*;
pub use prune::*;

/// Makes a test of every case. Takes a function that gives an empty store, as `Arc<dyn Store>`, and something that is
/// kept until the test ends, such as a temporary folder. The crate must depend on tokio with `rt-multi-thread`.
#[macro_export]
macro_rules! store_conformance {
    ($open:expr) => {
        $crate::store_conformance! { @each $open;
            a_commit_does_all_of_its_parts
            a_commit_that_conflicts_does_nothing
            an_expectation_that_does_not_hold_is_a_conflict
            writes_of_one_commit_see_each_other
            a_resource_version_is_never_used_twice
            a_change_keeps_what_it_does_not_change
            effects_are_pending_until_they_are_done
            the_first_answer_under_a_key_stays
            json_comes_back_as_it_was
            a_checkpoint_changes_the_state_and_nothing_else
            a_checkpoint_of_another_version_does_nothing
            a_newer_write_beats_an_older_checkpoint
            documents_are_listed_by_environment_and_name
            the_newest_documents_come_first_when_asked_for
            a_page_goes_on_where_the_last_one_ended
            filters_of_a_list_hold_together
            a_foreign_cursor_is_refused
            a_limit_is_held_within_its_bounds
            events_are_read_from_any_place
            events_of_one_document_are_found
            the_log_is_a_chain
            pruned_events_leave_a_chain_that_holds
            a_log_may_be_pruned_to_nothing
            the_oldest_finished_releases_of_each_service_are_forgotten
            a_release_with_pending_effects_is_kept
            answers_are_forgotten_after_a_day
            no_update_of_one_document_is_lost
            commits_on_different_documents_all_succeed
            of_many_that_expect_the_same_only_one_wins
        }
    };
    (@each $open:expr; $($case:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                let (store, _guard) = ($open)();
                $crate::conformance::store::$case(store).await;
            }
        )*
    };
}

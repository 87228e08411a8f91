//! What every [`History`](sluice_engine::port::History) must do.
//!
//! Each case is an async function that takes an empty history and panics when it is wrong.
//! [`history_conformance!`](crate::history_conformance) makes a test of each.

mod age;
mod made;
mod note;
mod read;

pub use age::*;
pub use note::*;
pub use read::*;

/// Makes a test of every case. Takes a function that gives an empty history, as `Arc<dyn History>`, and something that
/// is kept until the test ends, such as a temporary folder. The crate must depend on tokio with `rt-multi-thread`.
#[macro_export]
macro_rules! history_conformance {
    ($open:expr) => {
        $crate::history_conformance! { @each $open;
            an_empty_history_knows_nothing
            what_was_recorded_is_read_as_it_was
            what_is_recorded_twice_is_added_up
            a_coarser_step_adds_up_exactly
            a_query_is_about_its_service_version_and_time
            every_kind_of_amount_comes_back
            what_is_old_becomes_coarser_and_keeps_its_totals
            what_comes_late_is_added_to_what_is_coarse
            of_gauges_the_latest_stays
            what_is_older_than_five_weeks_is_forgotten
            a_release_is_found_as_it_was_noted_last
            old_notes_are_forgotten
        }
    };
    (@each $open:expr; $($case:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                let (history, _guard) = ($open)();
                $crate::conformance::history::$case(history).await;
            }
        )*
    };
}

//! The suite that every store must pass, also a backend of your own.

mod contract;
mod events;
pub(super) mod model;
mod order;
mod others;
pub(super) mod timed;

use super::StoreBackend;
use timed::Timed;

/// How often the store is compared with a model, and with how many steps each time.
const RUNS: usize = 4;
const STEPS: usize = 200;

/// Checks a [`StoreBackend`] against everything that fhir-sub needs of a store.
///
/// `open` returns an empty backend each time it is called. The suite controls the clock itself, so the
/// backend needs none. `FHIR_SUB_SEED` repeats a run against the model: use the seed that it printed.
///
/// ```
/// # use fhir_sub::store::{Put, Record, RecordId, RecordKind, StoreBackend, StoreFuture};
/// # async fn suite<MyStore: StoreBackend>(empty: impl Fn() -> MyStore) {
/// fhir_sub::testing::check_store(|| async { empty() }).await;
/// # }
/// ```
///
/// # Panics
///
/// The backend breaks a rule; the rule's name is printed.
pub async fn check_store<B, F>(open: impl Fn() -> F)
where
    B: StoreBackend,
    F: Future<Output = B>,
{
    macro_rules! each {
        ($($module:ident: $($rule:ident)*;)*) => {
            $($({
                let store = Timed::new(open().await);
                let told = OnPanic(stringify!($rule));
                $module::$rule(&store).await;
                drop(told);
            })*)*
        };
    }
    each! {
        contract:
            a_record_is_put_where_it_is_expected
            a_record_is_removed_where_it_is_expected
            every_kind_of_record_is_kept_as_it_was
            dead_letters_are_listed_and_nothing_else
            of_many_who_put_at_once_one_succeeds;
        events:
            an_event_is_handled_once
            a_done_event_that_comes_again_is_remembered_for_longer
            a_failed_event_is_free_and_its_tries_are_counted
            a_try_that_was_none_does_not_count
            a_lease_that_runs_out_frees_the_event_and_is_worth_nothing_after_that
            a_lease_that_ran_out_is_still_its_own_while_nobody_else_has_begun
            a_lease_of_no_time_is_free_at_once
            a_claim_is_ended_once
            what_an_instance_died_at_is_begun_alone
            what_an_instance_died_at_is_begun_alone_until_a_try_ends
            what_instances_died_at_again_and_again_is_given_up
            a_passing_event_is_kept_apart_only_from_one_under_way
            a_return_to_an_earlier_content_is_another_event
            what_has_expired_is_forgotten_whole
            what_was_given_up_counts_as_done_until_it_is_retried
            a_retry_without_content_goes_on_with_the_content_of_its_letter;
        order:
            of_a_resource_only_newer_versions_follow_where_the_latest_is_wanted
            two_versions_of_one_moment_are_each_handled_once
            another_version_of_a_resource_is_tried_anew
            after_a_deletion_that_says_when_an_older_version_is_left_out
            after_a_deletion_that_does_not_say_when_the_server_is_to_be_asked
            what_was_handled_stays_known_whatever_the_order
            an_event_has_one_identity_whatever_told_of_it
            an_event_that_was_given_up_is_so_under_each_name
            a_deletion_that_only_has_a_number_is_not_the_version_before
            a_slow_search_shows_what_was_written_meanwhile
            what_happened_after_a_search_is_not_what_it_showed
            one_event_is_under_way_once_whatever_it_is_named_by
            what_is_done_after_its_lease_is_known_by_its_other_name
            a_deletion_is_known_by_when_it_was;
        others:
            one_sweep_runs_at_a_time_and_goes_on_where_the_last_one_ended
            a_sweep_remembers_all_it_is_told
            dead_letters_are_listed_the_oldest_first_until_they_are_removed
            a_dead_letter_expires_later_than_what_was_handled;
    }
    for _ in 0..RUNS {
        model::check(&Timed::new(open().await), STEPS).await;
    }
}

/// Prints which rule is broken.
struct OnPanic(&'static str);

impl Drop for OnPanic {
    #[allow(clippy::print_stderr)] // It is for whoever runs the tests.
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the store breaks this rule: {}", self.0.replace('_', " "));
        }
    }
}

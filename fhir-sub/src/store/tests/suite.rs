//! What every store does: `suite!` makes the tests for one.

use super::timed::{LEASE, RETENTION, SECOND, Timed, key, latest, letter, once};
use crate::store::{Begun, Entry, SweepState};
use std::time::Duration;

/// A test for each thing that every store does. The first argument makes a store, as a [`Timed`].
macro_rules! suite {
    ($open:expr $(, #[$attribute:meta])*) => {
        $crate::store::tests::suite::suite!(@each $open, [$(#[$attribute])*],
            an_event_is_handled_once
            a_failed_event_is_free_and_its_tries_are_counted
            a_lease_that_runs_out_frees_the_event_and_is_worth_nothing_after_that
            a_lease_that_ran_out_is_still_its_own_while_nobody_else_has_begun
            a_lease_of_no_time_is_free_at_once
            a_claim_is_ended_once
            a_passing_event_is_kept_apart_only_from_one_under_way
            of_a_resource_only_newer_versions_follow_where_the_latest_is_wanted
            another_version_of_a_resource_is_tried_anew
            a_deletion_that_does_not_say_when_leaves_the_latest_as_it_is
            what_has_expired_is_forgotten_whole
            what_is_done_can_be_opened_again_and_what_is_under_way_not
            one_sweep_runs_at_a_time_and_goes_on_where_the_last_one_ended
            a_sweep_remembers_all_it_is_told
            dead_letters_are_listed_the_oldest_first_until_they_are_removed
            a_dead_letter_expires_later_than_what_was_handled
        );
    };
    (@each $open:expr, $attributes:tt, $($name:ident)*) => {
        $($crate::store::tests::suite::suite!(@one $open, $attributes, $name);)*
    };
    (@one $open:expr, [$($attribute:tt)*], $name:ident) => {
        #[tokio::test]
        $($attribute)*
        async fn $name() {
            let store = $open.await;
            $crate::store::tests::suite::$name(&store).await;
        }
    };
}
pub(in crate::store) use suite;

const FIRST: &str = "2026-01-01T00:00:00.001Z";
const SECOND_UPDATE: &str = "2026-01-01T00:00:00.002Z";

pub(in crate::store) async fn an_event_is_handled_once(store: &Timed) {
    let claim = store.claim(&once()).await;
    assert_eq!(claim.tries, 1);
    assert_eq!(store.begin(&once()).await, Begun::UnderWay);
    store.complete(&claim).await;
    assert_eq!(store.begin(&once()).await, Begun::Done);
    store.pass(RETENTION - SECOND);
    assert_eq!(store.begin(&once()).await, Begun::Done);
    store.pass(SECOND);
    assert_eq!(store.claim(&once()).await.tries, 1, "it has expired");
}

pub(in crate::store) async fn a_failed_event_is_free_and_its_tries_are_counted(store: &Timed) {
    for tries in 1..=3 {
        let claim = store.claim(&once()).await;
        assert_eq!(claim.tries, tries);
        store.release(&claim).await;
    }
}

pub(in crate::store) async fn a_lease_that_runs_out_frees_the_event_and_is_worth_nothing_after_that(
    store: &Timed,
) {
    let killed = store.claim(&once()).await;
    store.pass(LEASE - SECOND);
    assert_eq!(store.begin(&once()).await, Begun::UnderWay);
    store.pass(SECOND);
    let next = store.claim(&once()).await;
    assert_eq!(next.tries, 2);
    for late in [store.store.release(&killed), store.store.complete(&killed)] {
        late.await.unwrap();
        assert_eq!(store.begin(&once()).await, Begun::UnderWay);
    }
    store.complete(&next).await;
    assert_eq!(store.begin(&once()).await, Begun::Done);
}

pub(in crate::store) async fn a_lease_that_ran_out_is_still_its_own_while_nobody_else_has_begun(
    store: &Timed,
) {
    let late = store.claim(&once()).await;
    store.pass(LEASE * 2);
    store.complete(&late).await;
    assert_eq!(store.begin(&once()).await, Begun::Done);
}

pub(in crate::store) async fn a_lease_of_no_time_is_free_at_once(store: &Timed) {
    for tries in 1..=3 {
        let begun = store.store.begin(&once(), Duration::ZERO).await.unwrap();
        assert!(matches!(begun, Begun::Fresh(claim) if claim.tries == tries));
    }
    let sweep = key("sweep");
    for _ in 0..2 {
        assert!(store.store.begin_sweep(&sweep, Duration::ZERO).await.unwrap().is_some());
    }
}

pub(in crate::store) async fn a_claim_is_ended_once(store: &Timed) {
    let claim = store.claim(&once()).await;
    store.release(&claim).await;
    store.complete(&claim).await;
    let claim = store.claim(&once()).await;
    assert_eq!(claim.tries, 2, "what was released was not completed after that");
    store.complete(&claim).await;
    store.release(&claim).await;
    assert_eq!(store.begin(&once()).await, Begun::Done);
}

pub(in crate::store) async fn a_passing_event_is_kept_apart_only_from_one_under_way(store: &Timed) {
    let deletion = Entry::Passing(key("Patient/1 is deleted"));
    let claim = store.claim(&deletion).await;
    assert_eq!(store.begin(&deletion).await, Begun::UnderWay);
    store.release(&claim).await;
    let claim = store.claim(&deletion).await;
    assert_eq!(claim.tries, 2);
    store.complete(&claim).await;
    let next = store.claim(&deletion).await;
    assert_eq!(next.tries, 1);
    store.complete(&claim).await;
    assert_eq!(store.begin(&deletion).await, Begun::UnderWay, "it is another's");
}

pub(in crate::store) async fn of_a_resource_only_newer_versions_follow_where_the_latest_is_wanted(
    store: &Timed,
) {
    let claim = store.claim(&latest("2", Some(SECOND_UPDATE))).await;
    assert_eq!(store.begin(&latest("1", Some(FIRST))).await, Begun::UnderWay, "one after the other");
    store.complete(&claim).await;
    assert_eq!(store.begin(&latest("2", Some(SECOND_UPDATE))).await, Begun::Done);
    assert_eq!(store.begin(&latest("1", Some(FIRST))).await, Begun::Superseded);

    // Two that were written at once are two.
    let claim = store.claim(&latest("3", Some(SECOND_UPDATE))).await;
    store.release(&claim).await;
    assert_eq!(store.claim(&latest("3", Some(SECOND_UPDATE))).await.tries, 2);
}

pub(in crate::store) async fn another_version_of_a_resource_is_tried_anew(store: &Timed) {
    for tries in 1..=2 {
        let claim = store.claim(&latest("1", Some(FIRST))).await;
        assert_eq!(claim.tries, tries);
        store.release(&claim).await;
    }
    let killed = store.claim(&latest("2", Some(SECOND_UPDATE))).await;
    assert_eq!(killed.tries, 1);
    store.pass(LEASE);
    let claim = store.claim(&latest("2", Some(SECOND_UPDATE))).await;
    assert_eq!(claim.tries, 2);
    store.release(&claim).await;
    // The older one may still come: nothing newer is done.
    let claim = store.claim(&latest("1", Some(FIRST))).await;
    assert_eq!(claim.tries, 1);
    store.complete(&claim).await;
    assert_eq!(store.begin(&latest("1", Some(FIRST))).await, Begun::Done);
    assert_eq!(store.claim(&latest("2", Some(SECOND_UPDATE))).await.tries, 1);
}

pub(in crate::store) async fn a_deletion_that_does_not_say_when_leaves_the_latest_as_it_is(store: &Timed) {
    let claim = store.claim(&latest("2", Some(SECOND_UPDATE))).await;
    store.complete(&claim).await;
    for _ in 0..2 {
        let claim = store.claim(&latest("deleted", None)).await;
        assert_eq!(claim.tries, 1, "each is another deletion");
        store.complete(&claim).await;
    }
    assert_eq!(store.begin(&latest("1", Some(FIRST))).await, Begun::Superseded);
    assert_eq!(store.begin(&latest("2", Some(SECOND_UPDATE))).await, Begun::Done);
}

pub(in crate::store) async fn what_has_expired_is_forgotten_whole(store: &Timed) {
    let claim = store.claim(&latest("2", Some(SECOND_UPDATE))).await;
    store.complete(&claim).await;
    store.pass(RETENTION);
    let killed = store.claim(&latest("1", Some(FIRST))).await;
    assert_eq!(killed.tries, 1);
    store.pass(LEASE);
    let claim = store.claim(&latest("1", Some(FIRST))).await;
    assert_eq!(claim.tries, 2);
    store.release(&claim).await;
    store.pass(RETENTION);
    assert_eq!(store.claim(&latest("1", Some(FIRST))).await.tries, 1);
}

pub(in crate::store) async fn what_is_done_can_be_opened_again_and_what_is_under_way_not(store: &Timed) {
    let claim = store.claim(&once()).await;
    store.store.reopen(once().key()).await.unwrap();
    assert_eq!(store.begin(&once()).await, Begun::UnderWay);
    store.complete(&claim).await;
    store.store.reopen(once().key()).await.unwrap();
    assert_eq!(store.claim(&once()).await.tries, 1);
    store.store.reopen(&key("what was never there")).await.unwrap();
}

pub(in crate::store) async fn one_sweep_runs_at_a_time_and_goes_on_where_the_last_one_ended(store: &Timed) {
    let sweep = key("sweep");
    let mut first = store.store.begin_sweep(&sweep, LEASE).await.unwrap().unwrap();
    assert_eq!(first.state, SweepState::default());
    assert_eq!(store.store.begin_sweep(&sweep, LEASE).await.unwrap(), None);
    first.state.number = Some(7);
    assert!(store.store.save_sweep(&first, Some(LEASE)).await.unwrap());
    assert_eq!(store.store.begin_sweep(&sweep, LEASE).await.unwrap(), None);
    store.pass(LEASE);

    let second = store.store.begin_sweep(&sweep, LEASE).await.unwrap().unwrap();
    assert_eq!(second.state.number, Some(7));
    first.state.number = Some(99);
    assert!(!store.store.save_sweep(&first, None).await.unwrap(), "its lease is another's");
    assert!(store.store.save_sweep(&second, None).await.unwrap());
    assert!(!store.store.save_sweep(&second, Some(LEASE)).await.unwrap(), "it has ended");
    assert_eq!(store.store.begin_sweep(&sweep, LEASE).await.unwrap().unwrap().state.number, Some(7));
}

pub(in crate::store) async fn a_sweep_remembers_all_it_is_told(store: &Timed) {
    let sweep = key("sweep");
    let mut sweeping = store.store.begin_sweep(&sweep, LEASE).await.unwrap().unwrap();
    sweeping.state.watermark = Some(FIRST.to_owned());
    sweeping.state.deletions_watermark = Some(SECOND_UPDATE.to_owned());
    assert!(store.store.save_sweep(&sweeping, None).await.unwrap());
    store.pass(RETENTION * 100);
    let next = store.store.begin_sweep(&sweep, LEASE).await.unwrap().unwrap();
    assert_eq!(next.state, sweeping.state);
    let other = store.store.begin_sweep(&key("another"), LEASE).await.unwrap().unwrap();
    assert_eq!(other.state, SweepState::default());
}

pub(in crate::store) async fn dead_letters_are_listed_the_oldest_first_until_they_are_removed(store: &Timed) {
    let store = &store.store;
    assert_eq!(store.dead_letters().await.unwrap(), []);
    let (old, new) = (letter("old", FIRST), letter("new", SECOND_UPDATE));
    for letter in [&new, &old, &old] {
        store.add_dead_letter(letter).await.unwrap();
    }
    assert_eq!(store.dead_letters().await.unwrap(), [old.clone(), new.clone()]);

    let mut again = new.clone();
    again.tries += 1;
    store.add_dead_letter(&again).await.unwrap();
    assert_eq!(store.dead_letters().await.unwrap(), [old.clone(), again.clone()]);
    assert!(store.remove_dead_letter(&old.key).await.unwrap());
    assert!(!store.remove_dead_letter(&old.key).await.unwrap());
    assert_eq!(store.dead_letters().await.unwrap(), [again]);
    store.add_dead_letter(&old).await.unwrap();
    assert!(store.remove_dead_letter(&new.key).await.unwrap());
    assert_eq!(store.dead_letters().await.unwrap(), [old]);
}

pub(in crate::store) async fn a_dead_letter_expires_later_than_what_was_handled(store: &Timed) {
    let dead = letter("dead", FIRST);
    store.store.add_dead_letter(&dead).await.unwrap();
    store.pass(RETENTION * 4);
    assert_eq!(
        store.store.dead_letters().await.unwrap(),
        std::slice::from_ref(&dead),
        "an operator may be away"
    );
    store.pass(RETENTION);
    assert!(!store.store.remove_dead_letter(&dead.key).await.unwrap());
    store.store.add_dead_letter(&dead).await.unwrap();
    store.pass(RETENTION * 5);
    assert_eq!(store.store.dead_letters().await.unwrap(), []);
}

//! Beginning and ending events.

use super::timed::{HOW, LEASE, RETENTION, SECOND, Timed, key, once};
use crate::store::{Begun, Entry, How, Identity};
use std::time::Duration;

pub(super) async fn an_event_is_handled_once(store: &Timed) {
    let claim = store.claim(&once()).await;
    assert_eq!(claim.tries, 1);
    assert_eq!(store.begin(&once()).await, Begun::UnderWay);
    store.complete(&claim).await;
    assert_eq!(store.begin(&once()).await, Begun::Done);
    store.pass(RETENTION);
    assert_eq!(store.claim(&once()).await.tries, 1, "it has expired");
}

pub(super) async fn a_done_event_that_comes_again_is_remembered_for_longer(store: &Timed) {
    store.handle(&once()).await;
    for _ in 0..3 {
        store.pass(RETENTION - SECOND);
        assert_eq!(store.begin(&once()).await, Begun::Done);
    }
    store.pass(RETENTION);
    assert_eq!(store.claim(&once()).await.tries, 1, "it has expired");
}

pub(super) async fn a_failed_event_is_free_and_its_tries_are_counted(store: &Timed) {
    for tries in 1..=3 {
        let claim = store.claim(&once()).await;
        assert_eq!(claim.tries, tries);
        store.release(&claim).await;
    }
}

pub(super) async fn a_lease_that_runs_out_frees_the_event_and_is_worth_nothing_after_that(store: &Timed) {
    let killed = store.claim(&once()).await;
    store.pass(LEASE - SECOND);
    assert_eq!(store.begin(&once()).await, Begun::UnderWay);
    store.pass(SECOND);
    let next = store.claim(&once()).await;
    assert_eq!(next.tries, 2);
    store.release(&killed).await;
    assert_eq!(store.begin(&once()).await, Begun::UnderWay);
    store.complete(&killed).await;
    assert_eq!(store.begin(&once()).await, Begun::UnderWay);
    store.complete(&next).await;
    assert_eq!(store.begin(&once()).await, Begun::Done);
}

pub(super) async fn a_lease_that_ran_out_is_still_its_own_while_nobody_else_has_begun(store: &Timed) {
    let late = store.claim(&once()).await;
    store.pass(LEASE * 2);
    store.complete(&late).await;
    assert_eq!(store.begin(&once()).await, Begun::Done);
}

pub(super) async fn a_lease_of_no_time_is_free_at_once(store: &Timed) {
    for tries in 1..=3 {
        let begun = store.store.begin(&once(), Duration::ZERO, HOW).await.unwrap();
        assert!(matches!(begun, Begun::Fresh(claim) if claim.tries == tries));
    }
    let sweep = key("sweep");
    for _ in 0..2 {
        assert!(store.store.begin_sweep(&sweep, &[], Duration::ZERO).await.unwrap().is_ok());
    }
}

pub(super) async fn a_claim_is_ended_once(store: &Timed) {
    let claim = store.claim(&once()).await;
    store.release(&claim).await;
    store.complete(&claim).await;
    let claim = store.claim(&once()).await;
    assert_eq!(claim.tries, 2, "what was released was not completed after that");
    store.complete(&claim).await;
    store.release(&claim).await;
    assert_eq!(store.begin(&once()).await, Begun::Done);
}

pub(super) async fn a_passing_event_is_kept_apart_only_from_one_under_way(store: &Timed) {
    let deletion = Entry::passing(key("Patient/1 is deleted"));
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

pub(super) async fn a_try_that_was_none_does_not_count(store: &Timed) {
    for _ in 0..3 {
        let claim = store.claim(&once()).await;
        assert_eq!(claim.tries, 1);
        store.store.release_untried(&claim).await.unwrap();
    }
    let claim = store.claim(&once()).await;
    store.release(&claim).await;
    let claim = store.claim(&once()).await;
    store.store.release_untried(&claim).await.unwrap();
    assert_eq!(store.claim(&once()).await.tries, 2);
}

pub(super) async fn what_an_instance_died_at_is_begun_alone(store: &Timed) {
    let how = How::told(30);
    let Begun::Fresh(killed) = store.begin_as(&once(), how).await else { panic!("it is fresh") };
    store.pass(LEASE);
    assert!(matches!(store.begin_as(&once(), how).await, Begun::Suspect { .. }));
    let Begun::Fresh(claim) = store.begin_as(&once(), How { is_alone: true, ..how }).await else {
        panic!("it is alone")
    };
    assert_eq!((killed.tries, claim.tries), (1, 2));
    // If a try comes to any end, the event is no suspect.
    store.release(&claim).await;
    assert!(matches!(store.begin_as(&once(), how).await, Begun::Fresh(_)));
}

/// A try that was cut short, or that did not begin after all, says nothing about the event.
pub(super) async fn what_an_instance_died_at_is_begun_alone_until_a_try_ends(store: &Timed) {
    let how = How::told(30);
    let alone = How { is_alone: true, ..how };
    assert!(matches!(store.begin_as(&once(), how).await, Begun::Fresh(_)));
    store.pass(LEASE);
    for _ in 0..3 {
        assert_eq!(store.begin_as(&once(), how).await, Begun::Suspect { tries: 1 });
        let Begun::Fresh(claim) = store.begin_as(&once(), alone).await else { panic!("it is alone") };
        assert_eq!(claim.tries, 2);
        store.store.release_untried(&claim).await.unwrap();
    }
    let Begun::Fresh(claim) = store.begin_as(&once(), alone).await else { panic!("it is alone") };
    store.release(&claim).await;
    assert!(matches!(store.begin_as(&once(), how).await, Begun::Fresh(_)));
}

pub(super) async fn what_instances_died_at_again_and_again_is_given_up(store: &Timed) {
    let how = How { is_alone: true, ..How::told(3) };
    for tries in 1..=3 {
        let Begun::Fresh(claim) = store.begin_as(&once(), how).await else { panic!("it is tried") };
        assert_eq!(claim.tries, tries);
        store.pass(LEASE);
    }
    let Begun::Exhausted(claim) = store.begin_as(&once(), how).await else { panic!("it was tried enough") };
    assert_eq!(claim.tries, 3);
    assert_eq!(store.begin_as(&once(), how).await, Begun::UnderWay, "one gives it up");
    store.pass(LEASE);
    let Begun::Exhausted(claim) = store.begin_as(&once(), how).await else { panic!("nobody gave it up") };
    store.store.give_up(&claim).await.unwrap();
    if store.store.is_durable() {
        assert_eq!(store.begin_as(&once(), how).await, Begun::Done);
    } else {
        assert!(matches!(store.begin_as(&once(), how).await, Begun::Fresh(claim) if claim.tries == 1));
    }
}

pub(super) async fn a_return_to_an_earlier_content_is_another_event(store: &Timed) {
    let content = |name: &str| Entry { identity: Identity::Content(key(name)), ..once() };
    let mut seen = Vec::new();
    for name in ["in-progress", "finished", "in-progress"] {
        let claim = store.claim(&content(name)).await;
        assert_eq!(claim.tries, 1);
        store.release(&claim).await;
        let claim = store.claim(&content(name)).await;
        assert_eq!(claim.tries, 2, "{name}");
        seen.push(claim.content().unwrap());
        store.complete(&claim).await;
        assert_eq!(store.begin(&content(name)).await, Begun::Done, "{name}");
    }
    assert_eq!(seen[0].0, seen[2].0);
    assert_ne!(seen[0], seen[2], "each has a key of its own");
}

pub(super) async fn what_has_expired_is_forgotten_whole(store: &Timed) {
    store.handle(&once()).await;
    store.pass(RETENTION);
    let killed = store.claim(&once()).await;
    assert_eq!(killed.tries, 1);
    store.pass(LEASE);
    let claim = store.claim(&once()).await;
    assert_eq!(claim.tries, 2);
    store.release(&claim).await;
    store.pass(RETENTION);
    let late = store.claim(&once()).await;
    assert_eq!(late.tries, 1);
    store.pass(LEASE + RETENTION);
    store.complete(&late).await;
    assert_eq!(store.claim(&once()).await.tries, 1, "it was forgotten before it was done");
}

pub(super) async fn what_was_given_up_counts_as_done_until_it_is_retried(store: &Timed) {
    let again = How { is_again: true, ..HOW };
    let claim = store.claim(&once()).await;
    store.store.give_up(&claim).await.unwrap();
    if store.store.is_durable() {
        assert_eq!(store.begin(&once()).await, Begun::Done);
    }
    let Begun::Fresh(retry) = store.begin_as(&once(), again).await else { panic!("it may be retried") };
    for how in [HOW, again] {
        assert_eq!(store.begin_as(&once(), how).await, Begun::UnderWay, "one at a time");
    }
    // It fails again, and then it kills an instance.
    store.store.give_up(&retry).await.unwrap();
    assert!(matches!(store.begin_as(&once(), again).await, Begun::Fresh(_)));
    store.pass(LEASE);
    if store.store.is_durable() {
        assert_eq!(store.begin(&once()).await, Begun::Done, "a redelivery does not retry it");
    }
    let Begun::Fresh(retry) = store.begin_as(&once(), again).await else { panic!("it may be retried") };
    assert!(retry.was_given_up());
    store.complete(&retry).await;
    for how in [HOW, again] {
        assert_eq!(store.begin_as(&once(), how).await, Begun::Done, "it was handled");
    }
}

/// A retry does not carry the content of its event.
pub(super) async fn a_retry_without_content_goes_on_with_the_content_of_its_letter(store: &Timed) {
    let of_content = || Entry { identity: Identity::Content(key("finished")), ..once() };
    let again = How { is_again: true, ..HOW };
    let claim = store.claim(&of_content()).await;
    let content = claim.content();
    assert!(content.is_some());
    store.release(&claim).await;

    // The tries so far count, and the content is the same: so is the key of its handler.
    let Begun::Fresh(retry) = store.begin_as(&once(), again).await else { panic!("it may be retried") };
    assert_eq!((retry.tries, retry.content()), (2, content));
    store.store.give_up(&retry).await.unwrap();
    let Begun::Fresh(retry) = store.begin_as(&once(), again).await else { panic!("it may be retried") };
    assert!(retry.was_given_up());
    assert_eq!(retry.content(), content);
    store.complete(&retry).await;
    assert_eq!(store.begin(&of_content()).await, Begun::Done, "the server repeats the content");
    let other = Entry { identity: Identity::Content(key("cancelled")), ..once() };
    assert_ne!(store.claim(&other).await.content(), content);
}

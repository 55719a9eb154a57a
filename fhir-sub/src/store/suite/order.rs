//! What is known of a resource beside its single versions: their order, and their other names.

use super::timed::{HOW, LEASE, Timed, instant, key, latest, of_resource};
use crate::store::{Begun, Entry, How, OfResource, Told};

const FIRST: &str = "2026-01-01T00:00:00.001Z";
const SECOND_UPDATE: &str = "2026-01-01T00:00:00.002Z";
const THIRD: &str = "2026-01-01T00:00:00.003Z";

fn deletion(name: &str, updated: Option<&str>) -> Entry {
    let mut entry = latest(name, updated);
    if let Some(of) = &mut entry.resource {
        of.is_deletion = true;
    }
    entry
}

pub(super) async fn of_a_resource_only_newer_versions_follow_where_the_latest_is_wanted(store: &Timed) {
    let claim = store.claim(&latest("2", Some(SECOND_UPDATE))).await;
    assert_eq!(store.begin(&latest("1", Some(FIRST))).await, Begun::UnderWay, "one after the other");
    store.complete(&claim).await;
    assert_eq!(store.begin(&latest("2", Some(SECOND_UPDATE))).await, Begun::Done);
    assert_eq!(store.begin(&latest("1", Some(FIRST))).await, Begun::Superseded);
    assert_eq!(store.begin(&latest("1", Some(FIRST))).await, Begun::Done, "that is known from then on");
}

pub(super) async fn two_versions_of_one_moment_are_each_handled_once(store: &Timed) {
    for version in ["1", "2"] {
        store.handle(&latest(version, Some(FIRST))).await;
    }
    for version in ["1", "2", "1", "2"] {
        assert_eq!(store.begin(&latest(version, Some(FIRST))).await, Begun::Done, "{version}");
    }
}

pub(super) async fn another_version_of_a_resource_is_tried_anew(store: &Timed) {
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
    store.complete(&killed).await;
    assert_eq!(store.begin(&latest("3", Some(THIRD))).await, Begun::UnderWay, "the lease is another's");
    store.release(&claim).await;
    // The older one may still come: nothing newer is done.
    let claim = store.claim(&latest("1", Some(FIRST))).await;
    assert_eq!(claim.tries, 3);
    store.complete(&claim).await;
    assert_eq!(store.claim(&latest("2", Some(SECOND_UPDATE))).await.tries, 3);
}

pub(super) async fn after_a_deletion_that_says_when_an_older_version_is_left_out(store: &Timed) {
    store.handle(&deletion("deleted", Some(SECOND_UPDATE))).await;
    assert_eq!(store.begin(&latest("1", Some(FIRST))).await, Begun::Superseded);
    store.handle(&latest("3", Some(THIRD))).await;
}

pub(super) async fn after_a_deletion_that_does_not_say_when_the_server_is_to_be_asked(store: &Timed) {
    store.handle(&latest("1", Some(FIRST))).await;
    store.handle(&deletion("deleted", None)).await;
    let other = latest("2", Some(SECOND_UPDATE));
    for _ in 0..2 {
        assert_eq!(store.begin(&other).await, Begun::AfterDeletion);
    }
    assert_eq!(store.begin(&latest("0", Some("2025-01-01T00:00:00Z"))).await, Begun::Superseded);
    let there = How { is_there: true, ..HOW };
    let Begun::Fresh(claim) = store.begin_as(&other, there).await else { panic!("it is there") };
    assert_eq!(claim.tries, 1, "it was not tried before");
    store.complete(&claim).await;
    store.handle(&latest("3", Some(THIRD))).await;
}

pub(super) async fn what_was_handled_stays_known_whatever_the_order(store: &Timed) {
    let any = |version: &str| Entry::once(key(version));
    store.handle(&any("1")).await;
    assert_eq!(store.begin(&latest("1", Some(FIRST))).await, Begun::Done);
    store.handle(&latest("2", Some(SECOND_UPDATE))).await;
    assert_eq!(store.begin(&any("2")).await, Begun::Done);
    assert_eq!(store.begin(&any("1")).await, Begun::Done);
}

/// In both orders: told first and then found, and found first and then told.
pub(super) async fn an_event_has_one_identity_whatever_told_of_it(store: &Timed) {
    let of = |resource: &str, told: Told, updated: &str| {
        let of = of_resource(told, Some(updated));
        Some(OfResource { key: key(resource), ..of })
    };
    let (by_time, by_number) = (Told::Time(instant(FIRST)), Told::Number(instant(SECOND_UPDATE)));
    for (place, told) in [by_time, by_number].into_iter().enumerate() {
        for is_found_first in [false, true] {
            let resource = format!("{place} {is_found_first}");
            let name = |name: &str| key(&format!("{resource} {name}"));
            let told = Entry { resource: of(&resource, told, FIRST), ..Entry::once(name("told")) };
            let found = Entry { resource: of(&resource, Told::Search, FIRST), ..Entry::once(name("found")) };
            let (first, second) = if is_found_first { (&found, &told) } else { (&told, &found) };
            let claim = store.claim(first).await;
            store.release(&claim).await;
            let claim = store.claim(second).await;
            store.release(&claim).await;
            store.handle(first).await;
            assert_eq!(store.begin(second).await, Begun::Done, "{resource}");
            // A later version is another event.
            let later = Entry { resource: of(&resource, Told::Search, THIRD), ..Entry::once(name("later")) };
            store.handle(&later).await;
        }
    }
}

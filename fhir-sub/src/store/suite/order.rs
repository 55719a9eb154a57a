//! The facts that the store knows about a resource's versions: their order, and their other names.

use super::timed::{HOW, LEASE, SECOND, Timed, instant, key, latest, of_resource};
use crate::fhir::Instant;
use crate::store::{Begun, Entry, How, OfResource, StoreBackend, Told};

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
    // The older version may still arrive: nothing newer is done.
    let claim = store.claim(&latest("1", Some(FIRST))).await;
    assert_eq!(claim.tries, 3);
    store.complete(&claim).await;
    assert_eq!(store.claim(&latest("2", Some(SECOND_UPDATE))).await.tries, 3);
}

pub(super) async fn after_a_deletion_that_says_when_an_older_version_is_left_out(store: &Timed) {
    store.handle(&deletion("deleted", Some(SECOND_UPDATE))).await;
    assert_eq!(store.begin(&latest("1", Some(FIRST))).await, Begun::Superseded);
    // The resource was created again at the same moment.
    store.handle(&latest("2", Some(SECOND_UPDATE))).await;
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

/// In both orders: reported first and then found, and found first and then reported.
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

/// The dead letter is retried under the name under which the event was given up.
pub(super) async fn an_event_that_was_given_up_is_so_under_each_name(store: &Timed) {
    let of = |resource: &str, told: Told| {
        Some(OfResource { key: key(resource), ..of_resource(told, Some(FIRST)) })
    };
    let (by_time, by_number) = (Told::Time(instant(FIRST)), Told::Number(instant(SECOND_UPDATE)));
    for (place, told) in [by_time, by_number].into_iter().enumerate() {
        for is_found_first in [false, true] {
            let resource = format!("{place} {is_found_first} given up");
            let name = |name: &str| key(&format!("{resource} {name}"));
            let told = Entry { resource: of(&resource, told), ..Entry::once(name("told")) };
            let found = Entry { resource: of(&resource, Told::Search), ..Entry::once(name("found")) };
            let (first, second) = if is_found_first { (&found, &told) } else { (&told, &found) };
            let claim = store.claim(first).await;
            store.store.give_up(&claim).await.unwrap();
            let is_remembered = store.store.is_durable();
            if is_remembered {
                assert_eq!(store.begin(second).await, Begun::Done, "{resource}");
                assert!(!store.store.is_handled(&second.key).await.unwrap(), "{resource}");
            }
            let again = How { is_again: true, ..HOW };
            let Begun::Fresh(claim) = store.begin_as(first, again).await else { panic!("{resource}") };
            store.complete(&claim).await;
            assert_eq!(store.begin(second).await, Begun::Done, "{resource}");
            assert_eq!(store.begin_as(second, again).await, Begun::Done, "{resource}");
        }
    }
}

/// A version was read, then its resource was deleted, and then the version was handled. The deletion is another event.
pub(super) async fn a_deletion_that_only_has_a_number_is_not_the_version_before(store: &Timed) {
    let of = |told| Some(OfResource { key: key("deleted"), ..of_resource(told, Some(FIRST)) });
    let found = Entry { resource: of(Told::Search), ..Entry::once(key("found")) };
    let told = Told::NumberOrDeletion(instant(SECOND_UPDATE));
    let deletion = Entry { resource: of(told), ..Entry::once(key("deletion")) };
    store.handle(&found).await;
    store.handle(&deletion).await;
    assert_eq!(store.begin(&deletion).await, Begun::Done);
}

/// A search shows a version, and the resource changes before that version is handled.
pub(super) async fn what_happened_after_a_search_is_not_what_it_showed(store: &Timed) {
    let now = Instant::from(store.backend.now().await.unwrap());
    let of = |told| Some(OfResource { key: key("shown"), ..of_resource(told, Some(FIRST)) });
    let found = Entry { resource: of(Told::Search), ..Entry::once(key("found")) };
    let numbered = |seconds: u32| {
        let told = Told::Number(now.before(SECOND * seconds));
        Entry { resource: of(told), ..Entry::once(key(&format!("{seconds} seconds ago"))) }
    };
    let how = How { age: SECOND * 10, ..HOW };
    let Begun::Fresh(claim) = store.begin_as(&found, how).await else { panic!("it is fresh") };
    store.complete(&claim).await;
    assert_eq!(store.begin(&numbered(15)).await, Begun::Done, "the search has shown it");
    store.handle(&numbered(5)).await;
}

/// The server takes seconds for a page, which shows a version that was written meanwhile. A notification names the version by the
/// same moment.
pub(super) async fn a_slow_search_shows_what_was_written_meanwhile(store: &Timed) {
    let now = Instant::from(store.backend.now().await.unwrap());
    let of = |told, updated: Instant| {
        let of = of_resource(told, Some(FIRST));
        Some(OfResource { key: key("slow"), updated: Some(updated), ..of })
    };
    let written = now.before(SECOND * 5);
    let found = Entry { resource: of(Told::Search, written), ..Entry::once(key("found")) };
    let Begun::Fresh(claim) = store.begin_as(&found, How { age: SECOND * 10, ..HOW }).await else {
        panic!("it is fresh")
    };
    store.complete(&claim).await;
    let numbered = |at: Instant, name| Entry { resource: of(Told::Number(at), at), ..Entry::once(key(name)) };
    assert_eq!(store.begin(&numbered(written, "same")).await, Begun::Done);
    store.handle(&numbered(now.before(SECOND * 4), "later")).await;
}

/// One event with two entries: by its time or its number, and as a search finds it.
fn two_names(resource: &str, told: Told) -> [Entry; 2] {
    let of = |told| Some(OfResource { key: key(resource), ..of_resource(told, Some(FIRST)) });
    let name = |name: &str| key(&format!("{resource} {name}"));
    let told = Entry { resource: of(told), ..Entry::once(name("told")) };
    [told, Entry { resource: of(Told::Search), ..Entry::once(name("found")) }]
}

pub(super) async fn one_event_is_under_way_once_whatever_it_is_named_by(store: &Timed) {
    let (by_time, by_number) = (Told::Time(instant(FIRST)), Told::Number(instant(SECOND_UPDATE)));
    for (place, told) in [by_time, by_number].into_iter().enumerate() {
        for is_found_first in [false, true] {
            let mut names = two_names(&format!("{place} {is_found_first}"), told);
            if is_found_first {
                names.reverse();
            }
            let [first, second] = names;
            let claim = store.claim(&first).await;
            assert_eq!(store.begin(&second).await, Begun::UnderWay, "{told:?} {is_found_first}");
            store.release(&claim).await;
            let claim = store.claim(&second).await;
            assert_eq!(claim.tries, 1, "it was not tried before");
            assert_eq!(store.begin(&first).await, Begun::UnderWay, "{told:?} {is_found_first}");
            // The instance that died during the event holds the lease until its end.
            store.pass(LEASE);
            store.handle(&first).await;
            assert_eq!(store.begin(&second).await, Begun::Done, "{told:?} {is_found_first}");
        }
    }
}

pub(super) async fn what_is_done_after_its_lease_is_known_by_its_other_name(store: &Timed) {
    let [told, found] = two_names("slow", Told::Time(instant(FIRST)));
    let later = Entry { resource: found.resource, ..Entry::once(key("later")) };
    let later = Entry {
        resource: later.resource.map(|of| OfResource { updated: Some(instant(THIRD)), ..of }),
        ..later
    };
    let slow = store.claim(&told).await;
    store.pass(LEASE);
    let other = store.claim(&later).await;
    store.complete(&slow).await;
    assert_eq!(store.begin(&found).await, Begun::Done);
    store.complete(&other).await;
    assert_eq!(store.begin(&found).await, Begun::Done);
    assert_eq!(store.begin(&later).await, Begun::Done);
    // The lease of the other event was not given back, and expires.
    store.pass(LEASE);
    let Entry { resource, .. } = later;
    let next = instant("2026-01-01T00:00:00.004Z");
    let resource = resource.map(|of| OfResource { updated: Some(next), ..of });
    store.handle(&Entry { resource, ..Entry::once(key("next")) }).await;
}

/// With and without a version: both entries give the time of the deletion.
pub(super) async fn a_deletion_is_known_by_when_it_was(store: &Timed) {
    for is_named_first in [false, true] {
        let name = |name: &str| key(&format!("{is_named_first} {name}"));
        let entry = |told, at: &str, is_deletion, event: &str| {
            let of = OfResource { key: name("resource"), is_deletion, ..of_resource(told, Some(at)) };
            Entry { resource: Some(of), ..Entry::once(name(event)) }
        };
        let by_time = entry(Told::Time(instant(SECOND_UPDATE)), SECOND_UPDATE, true, "by its time");
        let by_version = entry(Told::Search, SECOND_UPDATE, true, "by its version");
        let (first, second) = if is_named_first { (&by_version, &by_time) } else { (&by_time, &by_version) };
        // A version of the same moment is another event.
        store.handle(&entry(Told::Time(instant(SECOND_UPDATE)), SECOND_UPDATE, false, "version")).await;
        store.handle(first).await;
        assert_eq!(store.begin(second).await, Begun::Done);
        store.handle(&entry(Told::Time(instant(THIRD)), THIRD, true, "the next one")).await;
    }
}
